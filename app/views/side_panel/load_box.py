"""How the model is loaded: context length, KV cache, threads, GPU layers, and the memory that takes."""

from dataclasses import replace
from typing import Any

from PySide6.QtCore import QSignalBlocker, Qt, Signal
from PySide6.QtWidgets import QComboBox, QHBoxLayout, QLabel, QPushButton, QVBoxLayout, QWidget

from app.model_memory import predict_memory
from app.theme.theme import Theme
from app.translation import format_bytes, format_number, tr
from app.views.side_panel.param_row import FIELD_WIDTH, ParamRow
from engine.contract.model_info import LoadedModel
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
        self.rows = self._make_rows()
        self.kv_type = QComboBox(self)
        self.kv_type.setAccessibleName(tr("KV cache type"))
        self.kv_type.setFixedWidth(theme.scaled(FIELD_WIDTH))
        self.kv_type.setMinimumHeight(theme.scaled(30))
        for kv_type in KV_TYPES:
            self.kv_type.addItem(kv_type, kv_type)
        self.kv_type.activated.connect(lambda: self._want(kv_type=self.kv_type.currentData()))
        self._memory = QLabel(self)
        self._memory.setTextFormat(Qt.TextFormat.PlainText)
        self._memory.setWordWrap(True)
        self._memory.setProperty("tone", "secondary")
        theme.give_font(self._memory, "small")
        self.again = QPushButton(tr("Load again"), self)
        self.again.setProperty("shape", "raised")
        self.again.setAccessibleName(tr("Load again"))
        self.again.clicked.connect(lambda: self.load_requested.emit(self._wanted))
        kv_row = QHBoxLayout()
        kv_label = QLabel(tr("KV cache type"), self)
        kv_label.setTextFormat(Qt.TextFormat.PlainText)
        kv_label.setBuddy(self.kv_type)
        kv_row.addWidget(kv_label, 1)
        kv_row.addWidget(self.kv_type)
        column = QVBoxLayout(self)
        column.setContentsMargins(0, 0, 0, 0)
        column.setSpacing(8)
        column.addWidget(self.rows["context_length"])
        column.addLayout(kv_row)
        column.addWidget(self.rows["threads"])
        column.addWidget(self.rows["gpu_layers"])
        column.addWidget(self._memory)
        column.addWidget(self.again)
        self.show_model(None, LoadParams())

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
                self._theme, least=-1, most=999, default=None, unset=tr("as many as fit"), parent=self,
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
        with QSignalBlocker(self.kv_type):
            self.kv_type.setCurrentIndex(self.kv_type.findData(wanted.kv_type))
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
