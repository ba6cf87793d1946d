"""Which engine runs the model, whether it drafts, and what only torch can: fewer bits, counting experts."""

from collections.abc import Sequence

from PySide6.QtCore import Qt, Signal
from PySide6.QtWidgets import QLabel, QPushButton, QVBoxLayout, QWidget

from app.theme.theme import Theme
from app.translation import tr
from app.views.side_panel.choice_row import ChoiceRow
from engine.contract.model_info import EngineName, LoadedModel
from engine.contract.params import LoadParams

ENGINE_NAMES: dict[str, str] = {"llama": "llama.cpp", "torch": "torch"}
AUTOMATIC, MOST_DRAFTED = "auto", 4


class EngineBox(QWidget):
    """Shows what applies to a model and hides the rest; tells what is wanted."""

    wanted = Signal(dict)  # fields of LoadParams
    experts_requested = Signal()

    def __init__(self, theme: Theme, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._theme = theme
        self._engines: tuple[EngineName, ...] = ()
        self.engine = ChoiceRow(
            tr("Engine"), tr("What computes; automatic takes the one that suits the file."),
            [(tr("automatic"), AUTOMATIC), *((name, engine) for engine, name in ENGINE_NAMES.items())],
            theme, self,
        )  # fmt: skip
        self.weights = ChoiceRow(
            tr("Weights"),
            tr("Fewer bits take less memory and say nearly the same; they are made by the torch engine."),
            [(tr("as they are"), AUTOMATIC), ("int8", "int8"), ("int4", "int4")], theme, self,
        )  # fmt: skip
        self.drafting = ChoiceRow(
            tr("Drafting"),
            tr("Tokens that are guessed and checked together; the answer stays what it was. Automatic "
               "measures whether it pays."),
            [(tr("off"), "0"), (tr("automatic"), AUTOMATIC),
             *((str(count), str(count)) for count in range(1, MOST_DRAFTED + 1))], theme, self,
        )  # fmt: skip
        self.reason = QLabel(self)
        self.reason.setTextFormat(Qt.TextFormat.PlainText)
        self.reason.setWordWrap(True)
        self.reason.setProperty("tone", "secondary")
        theme.give_font(self.reason, "small")
        self.experts = QPushButton(tr("Experts used…"), self)
        self.experts.setProperty("shape", "raised")
        self.experts.setAccessibleName(tr("Experts used…"))
        self.experts.clicked.connect(self.experts_requested)
        self.engine.chosen.connect(self._want_engine)
        self.weights.chosen.connect(lambda weight_type: self.wanted.emit({"weight_type": weight_type}))
        self.drafting.chosen.connect(
            lambda count: self.wanted.emit({"draft_tokens": None if count == AUTOMATIC else int(count)})
        )
        column = QVBoxLayout(self)
        column.setContentsMargins(0, 0, 0, 0)
        column.setSpacing(8)
        for widget in (self.engine, self.weights, self.drafting, self.reason, self.experts):
            column.addWidget(widget)
        self.show_model(None, LoadParams(), (), has_experts=False)

    def show_model(
        self,
        loaded: LoadedModel | None,
        wanted: LoadParams,
        engines: Sequence[EngineName],
        *,
        has_experts: bool,
    ) -> None:
        """Show what is wanted of a model that these engines can run."""
        self._engines = tuple(engines)
        self.engine.show_value(wanted.backend)
        self.weights.show_value(wanted.weight_type)
        self.drafting.show_value(AUTOMATIC if wanted.draft_tokens is None else str(wanted.draft_tokens))
        can_torch = "torch" in self._engines
        self.engine.setVisible(can_torch and len(self._engines) > 1)
        self.weights.setVisible(can_torch and wanted.backend != "llama")
        self.drafting.setVisible(bool(self._engines))
        self.reason.setText(why(loaded))
        self.reason.setVisible(can_torch and bool(self.reason.text()))
        self.experts.setVisible(has_experts)
        self.setVisible(bool(self._engines) or has_experts)

    def _want_engine(self, backend: str) -> None:
        only_torch = {"weight_type": "auto", "count_experts": False}
        self.wanted.emit({"backend": backend, **(only_torch if backend == "llama" else {})})


def why(loaded: LoadedModel | None) -> str:
    """Which engine runs a model, and why that one; empty where none does."""
    if loaded is None or not loaded.backend_reason:
        return ""
    return tr(
        "Runs on {engine}: {reason}.",
        engine=ENGINE_NAMES.get(loaded.backend, loaded.backend),
        reason=tr(loaded.backend_reason),
    )
