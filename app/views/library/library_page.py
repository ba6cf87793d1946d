"""The models on this computer: what there is, what takes how much room, and what can be done with each."""

from pathlib import Path

from PySide6.QtCore import Qt, Signal
from PySide6.QtGui import QDragEnterEvent, QDropEvent, QKeyEvent
from PySide6.QtWidgets import (
    QComboBox,
    QFileDialog,
    QHBoxLayout,
    QLineEdit,
    QPushButton,
    QVBoxLayout,
    QWidget,
)

from app.engine_link.library_care import LibraryCare
from app.engine_link.library_stock import LibraryStock
from app.engine_link.model_library import ModelLibrary
from app.error_texts import describe_error
from app.lists.library_list import LIBRARY_SORTINGS, LibraryList, LibrarySorting
from app.model_facts import facts_of_installed
from app.theme.theme import Theme
from app.translation import format_bytes, mark, tr, tr_count
from app.views.library.library_details import LibraryDetails
from app.views.library.library_view import LibraryView
from app.views.library.stock_panel import StockPanel
from app.views.page_head import PageHead
from app.views.plain_label import plain_label
from app.views.two_sides import TwoSides
from engine.contract.elsewhere_messages import ModelsAdopted
from engine.contract.errors import EngineError
from engine.contract.model_info import InstalledModel

SORTING_NAMES: dict[LibrarySorting, str] = {
    "name": mark("By name"), "size": mark("Largest first"), "used": mark("Used last first"),
}  # fmt: skip

MOST_TOGETHER = 4  # lines about files that were added at one time


class LibraryPage(QWidget):
    """Follows the library; what is removed goes to the bin and can be brought back at once."""

    closed = Signal()
    hub_requested = Signal()
    chat_requested = Signal(str)  # model
    folder_requested = Signal(str)  # path to show
    go_on_requested = Signal(object)  # UnfinishedDownload

    def __init__(
        self,
        library: ModelLibrary,
        care: LibraryCare,
        stock: LibraryStock,
        theme: Theme,
        parent: QWidget | None = None,
    ) -> None:
        super().__init__(parent)
        self._library = library
        self._care = care
        self._stock = stock
        self._theme = theme
        self.setAcceptDrops(True)
        self.models = LibraryList(self)
        self.head = PageHead(theme, is_hub=False, parent=self)
        self.field = QLineEdit(self)
        self.field.setPlaceholderText(tr("Search these models"))
        self.field.setAccessibleName(tr("Search these models"))
        self.field.setClearButtonEnabled(True)
        self.sorting = QComboBox(self)
        self.sorting.setAccessibleName(tr("Order"))
        self.sorting.setMinimumContentsLength(6)  # letters, where the page is narrow
        for sorting in LIBRARY_SORTINGS:
            self.sorting.addItem(tr(SORTING_NAMES[sorting]), sorting)
        self.add = QPushButton(tr("Add a file…"), self)
        self.add.setProperty("shape", "raised")
        self.add.setAccessibleName(tr("Add a file…"))
        self.add.setToolTip(tr("Add a file…"))
        self._words = plain_label(self, theme, use="small", tone="secondary", wraps=True)
        self._told_together: list[str] = []  # of the files that were added at one time
        self._said = plain_label(self, theme, use="small", tone="secondary", wraps=True)
        self._said.hide()
        self._undo = QPushButton(tr("Undo"), self)
        self._undo.setProperty("shape", "link")
        self._undo.setAccessibleName(tr("Undo"))
        self._undo.clicked.connect(self._restore_last)
        self._undo.hide()
        self._removed = ""  # entry of the bin that was made last
        self.view = LibraryView(self.models, theme, self)
        self.stock = StockPanel(stock, theme, self)
        self.details = LibraryDetails(care, theme, self)
        self._lay_out()
        self._wire()
        theme.changed.connect(self._dress)
        self._dress()
        self._show()

    @property
    def in_order(self) -> tuple[QWidget, ...]:
        """Its parts as they are read."""
        return (self.head, self.field, self.sorting, self.add, self.view, self.stock, self.details)

    @property
    def said(self) -> str:
        """What came of the last thing that was done."""
        return self._said.text() if not self._said.isHidden() else ""

    def enter(self) -> None:
        """List anew, and take the focus."""
        self._library.refresh()
        self._stock.refresh()
        self.view.enter()

    def show_model(self, name: str) -> None:
        """Show one model's details."""
        self.view.show_name(name)
        self._sides.show_details()

    def ask_for_file(self) -> None:
        """Let the user pick a model file to add where it lies."""
        dialog = QFileDialog(self, tr("Add a model"), "", tr("Model files (*.gguf)"))
        dialog.setFileMode(QFileDialog.FileMode.ExistingFiles)
        dialog.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose)
        dialog.filesSelected.connect(self._add_all)
        dialog.open()

    def dragEnterEvent(self, event: QDragEnterEvent) -> None:
        """Take model files and folders."""
        if _dropped_models(event):
            event.acceptProposedAction()

    def dropEvent(self, event: QDropEvent) -> None:
        """Add what was dropped where it lies."""
        paths = _dropped_models(event)
        if paths:
            event.acceptProposedAction()
            self._add_all(paths)

    def keyPressEvent(self, event: QKeyEvent) -> None:
        """Delete removes."""
        if event.key() == Qt.Key.Key_Delete and self.details.model is not None:
            self._remove(self.details.model)
        else:
            super().keyPressEvent(event)

    def _lay_out(self) -> None:
        row = QHBoxLayout()
        row.setContentsMargins(16, 4, 16, 8)
        row.setSpacing(8)
        row.addWidget(self.field, 1)
        row.addWidget(self.sorting)
        row.addWidget(self.add)
        side = QWidget(self)
        side.setFocusProxy(self.view)
        left = QVBoxLayout(side)
        left.setContentsMargins(12, 0, 8, 8)
        left.setSpacing(4)
        for words in (self._words, self._said):
            words.setContentsMargins(10, 0, 10, 0)
            left.addWidget(words)
        left.addWidget(self._undo, 0, Qt.AlignmentFlag.AlignLeading)
        left.addWidget(self.view, 1)
        left.addWidget(self.stock)
        self._sides = TwoSides(side, self.details, self._theme, self)
        layout = QVBoxLayout(self)
        layout.setContentsMargins(0, 0, 0, 0)
        layout.setSpacing(0)
        layout.addWidget(self.head)
        layout.addLayout(row)
        layout.addWidget(self._sides, 1)

    def _wire(self) -> None:
        self._sides.narrow_changed.connect(self._set_narrow)
        self._set_narrow(False)
        self.head.closed.connect(self.closed)
        self.head.hub_requested.connect(self.hub_requested)
        self.field.textChanged.connect(self.models.set_words)
        self.sorting.activated.connect(lambda _index: self.models.set_sorting(self.sorting.currentData()))
        self.add.clicked.connect(self.ask_for_file)
        self.view.chosen.connect(self.details.show_model)
        self.view.clicked.connect(lambda _index: self._sides.show_details())
        self.view.chat_requested.connect(self.chat_requested)
        self.details.back_requested.connect(self._sides.show_list)
        self.details.chat_requested.connect(self.chat_requested)
        self.details.folder_requested.connect(self.folder_requested)
        self.details.remove_requested.connect(self._remove)
        self._library.changed.connect(self._show)
        self._library.imported.connect(self._tell_added)
        self._library.refused.connect(self._tell_not_added)
        self._care.removed.connect(self._tell_removed)
        self._care.refused.connect(self._tell_refused)
        self._stock.restored.connect(self._tell_restored)
        self._stock.adopted.connect(self._tell_adopted)
        self._stock.freed.connect(self._tell_freed)
        self._stock.refused.connect(lambda error: self._tell_refused("", error))
        self.stock.go_on_requested.connect(self.go_on_requested)

    def _set_narrow(self, is_narrow: bool) -> None:
        self.details.set_narrow(is_narrow)
        self.add.setText("" if is_narrow else tr("Add a file…"))  # its icon stays: the search needs the room
        policy = QComboBox.SizeAdjustPolicy
        self.sorting.setSizeAdjustPolicy(
            policy.AdjustToMinimumContentsLengthWithIcon if is_narrow else policy.AdjustToContents
        )

    def _show(self) -> None:
        self.models.set_models(self._library.models)
        shown = self.details.model
        if shown is not None:
            now = self._library.find(shown.name)
            if now != shown:
                self.details.show_model(now)
        count = tr_count(len(self.models.all), "{count} model", "{count} models")
        self._words.setText(
            tr("{count}, {size} on disk", count=count, size=format_bytes(self.models.total_bytes))
        )

    def _add_all(self, paths: list[str]) -> None:
        if not self._library.is_importing:
            self._told_together = []
        for path in paths:
            self._library.import_file(path)

    def _remove(self, model: InstalledModel) -> None:
        if model.origin in ("library", "reference"):
            self._care.remove(model.name)

    def _restore_last(self) -> None:
        self._undo.hide()
        self._stock.restore(self._removed)

    def _tell(self, text: str) -> None:
        self._said.setText(text)
        self._said.show()
        self._undo.hide()

    def _tell_together(self, text: str) -> None:
        """What became of one of several files: what was said of the others stays."""
        self._told_together.append(text)
        self._tell("\n".join(self._told_together[-MOST_TOGETHER:]))

    def _tell_added(self, model: InstalledModel) -> None:
        self._tell_together(tr("{name} is in the library now.", name=facts_of_installed(model).name))
        self.view.show_name(model.name)

    def _tell_removed(self, model: str, entry: str) -> None:
        self._tell(tr("{name} was removed. It can be brought back for thirty days.", name=model))
        self._removed = entry
        self._undo.show()
        self._stock.refresh()

    def _tell_restored(self, model: InstalledModel) -> None:
        self._library.refresh()
        self._tell(tr("{name} is in the library again.", name=facts_of_installed(model).name))

    def _tell_adopted(self, adopted: ModelsAdopted) -> None:
        self._library.refresh()
        count = tr_count(len(adopted.models), "{count} model", "{count} models")
        words = [tr("Listed here, where they lie: {count}.", count=count)] if adopted.models else []
        words += [f"{Path(one.path).name}: {one.reason}" for one in adopted.problems]
        self._tell(" ".join(words))

    def _tell_freed(self, freed_bytes: int) -> None:
        self._tell(tr("{size} are free again.", size=format_bytes(freed_bytes)))

    def _tell_not_added(self, _path: str, error: EngineError) -> None:
        text = describe_error(error)
        self._tell_together(f"{text.happened} {text.to_do}")

    def _tell_refused(self, _model: str, error: EngineError) -> None:
        text = describe_error(error)
        self._tell(f"{text.happened} {text.to_do}")

    def _dress(self) -> None:
        self.add.setIcon(self._theme.icons.icon("import", self._theme.tokens.text))


def _dropped_models(event: QDropEvent) -> list[str]:
    """The model files and folders in a drop."""
    paths = [url.toLocalFile() for url in event.mimeData().urls()]
    return [path for path in paths if path and (path.lower().endswith(".gguf") or _is_checkpoint(path))]


def _is_checkpoint(path: str) -> bool:
    return (Path(path) / "config.json").is_file()
