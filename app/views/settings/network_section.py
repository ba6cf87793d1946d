"""The network: whether it is allowed, and every request that ever went to it."""

from PySide6.QtCore import Qt
from PySide6.QtWidgets import QAbstractItemView, QCheckBox, QHeaderView, QTableView

from app.engine_link.network_gate import NetworkGate
from app.engine_link.network_history import NetworkHistory
from app.lists.network_entries import NetworkEntries
from app.theme.theme import Theme
from app.translation import format_bytes, tr, tr_count
from app.views.settings.section import Section


class NetworkSection(Section):
    """The list is the gateway's own, which writes a request down before it makes it."""

    def __init__(self, gate: NetworkGate, history: NetworkHistory, theme: Theme) -> None:
        super().__init__(tr("Network"), theme)
        self._gate = gate
        self._history = history
        self.entries = NetworkEntries(self)
        self.offline = QCheckBox(self)
        self.offline.clicked.connect(self._switch)
        self.add_row(
            tr("Offline"),
            tr("While this is on, nothing of Retort opens a connection to another computer."),
            self.offline,
        )
        self.add_text(
            tr(
                "Retort asks the network only for what you click on: a search, the files of a repository, a "
                "download. There is no telemetry, and newer versions are looked for only when you click."
            )
        )
        self.add_heading(tr("Requests"))
        self._sum = self.add_text("")
        self.table = QTableView(self)
        self.table.setObjectName("requests")
        self.table.setModel(self.entries)
        self.table.setAccessibleName(tr("Requests"))
        self.table.verticalHeader().hide()
        self.table.setShowGrid(False)
        self.table.setWordWrap(False)
        self.table.setSelectionBehavior(QAbstractItemView.SelectionBehavior.SelectRows)
        self.table.setEditTriggers(QAbstractItemView.EditTrigger.NoEditTriggers)
        self.table.setTabKeyNavigation(False)
        header = self.table.horizontalHeader()
        header.setDefaultAlignment(Qt.AlignmentFlag.AlignLeading | Qt.AlignmentFlag.AlignVCenter)
        header.setSectionResizeMode(QHeaderView.ResizeMode.ResizeToContents)
        header.setSectionResizeMode(2, QHeaderView.ResizeMode.Stretch)
        self.table.setMinimumHeight(theme.scaled(320))
        self.add(self.table)
        gate.changed.connect(self._show)
        history.changed.connect(self._show)
        self._show()

    def refresh(self) -> None:
        """Read the list again."""
        self._history.refresh()
        self._show()

    @property
    def summary(self) -> str:
        """What is said above the list."""
        return self._sum.text()

    def _switch(self, is_offline: bool) -> None:
        if is_offline:
            self._gate.close()
        else:
            self._gate.open()

    def _show(self) -> None:
        self.offline.setChecked(not self._gate.is_open)
        self.entries.set_entries(self._history.entries)
        count = self.entries.rowCount()
        if not count:
            self._sum.setText(tr("Nothing was ever asked of the network."))
        else:
            requests = tr_count(count, "{count} request", "{count} requests")
            size = format_bytes(self.entries.received_bytes)
            self._sum.setText(tr("{requests}, {size} received", requests=requests, size=size))
        self.table.setVisible(bool(count))
