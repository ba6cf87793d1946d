"""Joins the expert view with the chat that is shown and the model that is chosen."""

from dataclasses import replace

from PySide6.QtCore import QObject
from PySide6.QtWidgets import QWidget

from app.conversations.expert_use import read_expert_use, sum_expert_use
from app.engine_link.engine_preferences import EnginePreferences
from app.engine_link.model_choice import ModelChoice
from app.engine_link.model_library import ModelLibrary
from app.lists.message_list import MessageList
from app.theme.theme import Theme
from app.translation import tr
from app.views.experts.expert_view import Counting, ExpertView
from engine.contract.params import LoadParams


class ExpertControl(QObject):
    """One view at a time; it follows the chat while it is open."""

    def __init__(
        self,
        *,
        window: QWidget,
        messages: MessageList,
        choice: ModelChoice,
        library: ModelLibrary,
        preferences: EnginePreferences,
        theme: Theme,
    ) -> None:
        super().__init__(window)
        self._window, self._theme = window, theme
        self._messages = messages
        self._choice, self._library, self._preferences = choice, library, preferences
        self._message_id = ""
        self.view: ExpertView | None = None
        choice.changed.connect(self._show_counting)
        library.changed.connect(self._show_counting)
        preferences.changed.connect(self._show_counting)
        for signal in (
            messages.dataChanged,
            messages.modelReset,
            messages.rowsInserted,
            messages.rowsRemoved,
        ):
            signal.connect(self._show_use)

    @property
    def has_experts(self) -> bool:
        """Whether the chosen model has any."""
        installed = self._library.find(self._choice.current)
        return installed is not None and "moe" in installed.capabilities

    def open(self, message_id: str = "") -> None:
        """Show the experts of the chat, or of one answer."""
        if self.view is None:
            self.view = ExpertView(self._theme, self._window)
            self.view.destroyed.connect(self._forget)
            self.view.scope_changed.connect(self._show_use)
            self.view.counting_requested.connect(self._switch)
        self._message_id = message_id
        self.view.offer_answer(bool(message_id))
        self._show_use()
        self._show_counting()
        self.view.show()
        self.view.activateWindow()

    @property
    def _load(self) -> LoadParams:
        """What the chosen model is loaded with."""
        settings = self._preferences.settings
        return (settings.load.get(self._name) if settings else None) or LoadParams()

    @property
    def _name(self) -> str:
        installed = self._library.find(self._choice.current)
        return installed.name if installed else self._choice.current

    @property
    def _torch_can(self) -> bool:
        installed = self._library.find(self._choice.current)
        return installed is not None and "torch" in installed.engines

    def _show_use(self) -> None:
        if self.view is None:
            return
        shown = [self._messages.message(row) for row in range(self._messages.rowCount())]
        if self.view.is_of_one_answer:
            shown = [message for message in shown if message.id == self._message_id]
        uses = [use for message in shown if (use := read_expert_use(message.stats.expert_use)) is not None]
        total = sum_expert_use(uses)
        self.view.show_use(total, sum(use.shape == uses[-1].shape for use in uses))

    def _show_counting(self) -> None:
        if self.view is not None:
            self.view.show_counting(self._counting())

    def _counting(self) -> Counting:
        loaded, name = self._choice.loaded, self._choice.current_name
        if self._choice.current in self._choice.loading:
            return Counting(tr("{name} is being loaded.", name=name))
        if not self.has_experts:
            return Counting(tr("{name} has no experts.", name=name))
        if loaded is None:
            return Counting(tr("{name} is not in memory.", name=name))
        if loaded.backend != "torch":
            said = tr("{name} runs on llama.cpp, which does not tell which experts it chooses.", name=name)
            if not self._torch_can:
                return Counting(said)
            more = tr("The torch engine counts them and can run this model; answers may come slower there.")
            return Counting(f"{said} {more}", tr("Load again on torch and count"))
        if not self._load.count_experts:
            said = tr(
                "{name} runs on torch and is not counted now. Counting begins when it is loaded again.",
                name=name,
            )
            return Counting(said, tr("Load again and count"))
        return Counting(
            tr("Answers of {name} are counted, on this computer only.", name=name),
            tr("Load again without counting"),
        )

    def _switch(self) -> None:
        """Begin or end to count; either way the model is loaded again."""
        load = self._load
        if load.count_experts and self._choice.loaded and self._choice.loaded.backend == "torch":
            load = replace(load, count_experts=False)
        else:
            load = replace(load, count_experts=True, backend="torch")
        self._preferences.change_load(self._name, load)
        self._choice.load_again()

    def _forget(self) -> None:
        self.view = None
