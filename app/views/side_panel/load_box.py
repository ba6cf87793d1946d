"""How the model is loaded: engine, context length, KV cache, threads, GPU layers; the memory that takes."""

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

from PySide6.QtCore import Qt, Signal
from PySide6.QtWidgets import QLabel, QPushButton, QVBoxLayout, QWidget

from app.model_memory import predict_memory
from app.theme.theme import Theme
from app.translation import format_bytes, format_number, tr
from app.views.side_panel.choice_row import ChoiceRow
from app.views.side_panel.engine_box import EngineBox
from app.views.side_panel.param_row import ParamRow
from engine.contract.model_info import EngineName, LoadedModel
from engine.contract.params import KvType, LoadParams

KV_TYPES: tuple[KvType, ...] = ("f16", "q8_0", "q4_0", "bf16", "f32")


class LoadBox(QWidget):
    """Shows the params a model is loaded with, lets others be chosen, and asks for it to be loaded again."""

    load_requested = Signal(object)  # LoadParams

    def __init__(self, theme: Theme, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._theme = theme
        self._loaded: LoadedModel | None = None
        self._kept, self._wanted = LoadParams(), LoadParams()
        self._available_bytes = 0
        self._engines: tuple[EngineName, ...] = ()
        self._has_experts = False
        self.rows = self._make_rows()
        self.engine = EngineBox(self._theme, self)
        self.engine.wanted.connect(lambda values: self._want(**values))
        kv_row = ChoiceRow(
            tr("KV cache type"), tr("Fewer bits leave room for a longer context and cost a little quality."),
            [(kv_type, kv_type) for kv_type in KV_TYPES], theme, self,
        )  # fmt: skip
        kv_row.chosen.connect(lambda kv_type: self._want(kv_type=kv_type))
        self._kv_row, self.kv_type = kv_row, kv_row.box
        self._memory = QLabel(self)
        self._memory.setTextFormat(Qt.TextFormat.PlainText)
        self._memory.setWordWrap(True)
        self._memory.setProperty("tone", "secondary")
        theme.give_font(self._memory, "small")
        self.again = QPushButton(tr("Load again"), self)
        self.again.setProperty("shape", "raised")
        self.again.setAccessibleName(tr("Load again"))
        self.again.clicked.connect(lambda: self.load_requested.emit(self._wanted))
        column = QVBoxLayout(self)
        column.setContentsMargins(0, 0, 0, 0)
        column.setSpacing(8)
        column.addWidget(self.engine)
        column.addWidget(self.rows["context_length"])
        column.addWidget(kv_row)
        column.addWidget(self.rows["threads"])
        column.addWidget(self.rows["gpu_layers"])
        column.addWidget(self._memory)
        column.addWidget(self.again)
        self._column = column
        self.show_model(None, LoadParams())

    def add_below(self, widget: QWidget) -> None:
        """Put something below all of it that is about how the model is loaded."""
        self._column.addWidget(widget)

    @property
    def memory_text(self) -> str:
        """What is said of the memory."""
        return self._memory.text()

    def show_model(self, loaded: LoadedModel | None, kept: LoadParams) -> None:
        """Show a model and how it is loaded; what was chosen and not loaded yet stays for the same one."""
        is_same = loaded is not None and self._loaded is not None and loaded.info == self._loaded.info
        if not is_same or self._kept != kept:
            self._wanted = kept
        self._loaded, self._kept = loaded, kept
        if loaded is not None and loaded.info.context_length:
            self.rows["context_length"].set_most(loaded.info.context_length)
        self._show()

    def show_available(self, available_bytes: int) -> None:
        """Say how much memory is free beside the prediction."""
        self._available_bytes = available_bytes
        self._show()

    def show_abilities(self, engines: Sequence[EngineName], *, has_experts: bool) -> None:
        """Offer what these engines can do with the model."""
        self._engines, self._has_experts = tuple(engines), has_experts
        self._show()

    def _make_rows(self) -> dict[str, ParamRow]:
        rows = {
            "context_length": ParamRow(
                tr("Context length"),
                tr("How many tokens the model has room for: what is said and what it answers."),
                self._theme, least=0, most=2**20, step=1024, default=None, unset=tr("automatic"), parent=self,
            ),
            "threads": ParamRow(
                tr("Threads"),
                tr("Processors that compute; more than the machine really has make it slower."),
                self._theme, least=0, most=512, default=None, unset=tr("automatic"), parent=self,
            ),
            "gpu_layers": ParamRow(
                tr("Layers on the GPU"),
                tr("Where there is a graphics card; 0 uses the processor alone."),
                self._theme, least=-1, most=999, default=None, unset=tr("automatic"), parent=self,
            ),
        }  # fmt: skip
        rows["context_length"].changed_to.connect(
            lambda value: self._want(context_length=None if value is None else max(value, 8))
        )
        rows["threads"].changed_to.connect(lambda value: self._want(threads=value))
        rows["gpu_layers"].changed_to.connect(
            lambda value: self._want(gpu_layers=-1 if value is None else value)
        )
        return rows

    def _want(self, **values: Any) -> None:
        self._wanted = replace(self._wanted, **values)
        self._show()

    def _show(self) -> None:
        wanted = self._wanted
        self.rows["context_length"].show_value(wanted.context_length)
        self.rows["threads"].show_value(wanted.threads)
        self.rows["gpu_layers"].show_value(None if wanted.gpu_layers < 0 else wanted.gpu_layers)
        self._kv_row.show_value(wanted.kv_type)
        self.engine.show_model(self._loaded, wanted, self._engines, has_experts=self._has_experts)
        self.again.setVisible(wanted != self._kept)
        self._memory.setText(self._memory_words())

    def _memory_words(self) -> str:
        loaded = self._loaded
        if loaded is None:
            return tr("The memory it takes is known once the model has been loaded.")
        memory = predict_memory(loaded, self._kept.kv_type, self._wanted)
        said = [
            tr(
                "{total} of memory: weights {weights}, KV cache {kv_cache} for {count} tokens.",
                total=format_bytes(memory.total_bytes),
                weights=format_bytes(memory.weights_bytes),
                kv_cache=format_bytes(memory.kv_bytes),
                count=format_number(memory.context_length),
            )
        ]
        if self._available_bytes:
            said.append(tr("{size} are free now.", size=format_bytes(self._available_bytes)))
        return " ".join(said)
