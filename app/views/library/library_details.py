"""One model on this computer: what it is, where it is from, and what can be done with it."""

from datetime import datetime
from pathlib import Path

from PySide6.QtCore import Qt, Signal
from PySide6.QtWidgets import QFrame, QHBoxLayout, QPushButton, QScrollArea, QVBoxLayout, QWidget

from app.engine_link.library_care import Check, LibraryCare
from app.error_texts import describe_error
from app.model_facts import BADGES, facts_of_installed, parameters_text
from app.theme.theme import Theme
from app.translation import format_bytes, format_number, mark, tr
from app.views.hub.download_bar import ProgressLine
from app.views.hub.facts_grid import FactsGrid
from app.views.plain_label import plain_label
from app.views.reading_column import show_column
from engine.contract.model_info import CompanionKind, InstalledModel, ModelOrigin, Verdict

COLUMN_WIDTH = 720
ORIGINS: dict[ModelOrigin, str] = {
    "builtin": mark("Shipped with Retort"),
    "library": mark("In the models folder of Retort"),
    "folder": mark("In one of your own folders"),
    "reference": mark("Where it lay when it was added; Retort never changes it"),
}
COMPANIONS: dict[CompanionKind, str] = {
    "projector": mark("{file} reads pictures ({size})"),
    "drafter": mark("{file} guesses ahead ({size})"),
    "adapter": mark("{file} is an adapter ({size})"),
}
VERDICTS: dict[Verdict, str] = {
    "sound": mark("Every file is as it should be."),
    "damaged": mark("It is damaged: {files}. Download it again, and only what is damaged is fetched."),
    "missing": mark("Files are missing: {files}."),
    "unknown": mark("Nobody ever told its hashes. They are noted now, and compared from now on."),
}


class LibraryDetails(QScrollArea):
    """Says what the library knows; what is done about it is asked for by signals."""

    chat_requested = Signal(str)
    remove_requested = Signal(object)  # InstalledModel
    folder_requested = Signal(str)  # path to show
    back_requested = Signal()
    model_shown = Signal(object)  # InstalledModel or None

    def __init__(self, care: LibraryCare, theme: Theme, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._care = care
        self._theme = theme
        self._model: InstalledModel | None = None
        self.setAccessibleName(tr("Details of the model"))
        self.setFrameShape(QFrame.Shape.NoFrame)
        self.setWidgetResizable(True)
        self.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
        self._inside = QWidget(self)
        self._back = self._button(tr("Back to the list"))
        self._title = plain_label(self._inside, theme, use="title", wraps=True)
        self._problem = plain_label(self._inside, theme, tone="bad", wraps=True)
        self._chat = self._button(tr("Chat with it"))
        self._verify = self._button(tr("Verify"))
        self._reveal = self._button(tr("Show in its folder"))
        self._remove = self._button(tr("Remove"))
        self._progress = ProgressLine(theme, self._inside)
        self._checked = plain_label(self._inside, theme, use="small", tone="secondary", wraps=True)
        self._facts = FactsGrid(theme, self._inside)
        self.details_place = QVBoxLayout()  # of what else is known of it
        self._lay_out()
        self._back.clicked.connect(self.back_requested)
        self._chat.clicked.connect(self._ask_chat)
        self._verify.clicked.connect(self._check)
        self._reveal.clicked.connect(self._ask_folder)
        self._remove.clicked.connect(lambda: self.remove_requested.emit(self._model))
        care.changed.connect(self._follow_check)
        self.show_model(None)

    @property
    def model(self) -> InstalledModel | None:
        """The one that is shown."""
        return self._model

    @property
    def facts(self) -> dict[str, str]:
        """What is said of it."""
        return dict(self._facts.pairs)

    @property
    def checked_words(self) -> str:
        """What came of the check."""
        return self._checked.text()

    def show_model(self, model: InstalledModel | None) -> None:
        """Show another model, or the same as it is now."""
        self._model = model
        self._inside.setVisible(model is not None)
        self.model_shown.emit(model)
        if model is None:
            return
        self._title.setText(facts_of_installed(model).name)
        self._problem.setText(model.problem)
        self._problem.setVisible(bool(model.problem))
        self._chat.setEnabled(not model.problem)
        self._remove.setVisible(model.origin in ("library", "reference"))
        self._verify.setVisible(model.origin in ("library", "reference"))
        self._facts.show_facts(_facts(model))
        self._show_check()

    def set_narrow(self, is_narrow: bool) -> None:
        """Show the way back where the list has no place beside it."""
        self._back.setVisible(is_narrow)

    def _lay_out(self) -> None:
        buttons = QHBoxLayout()
        buttons.setSpacing(8)
        for button in (self._chat, self._verify, self._reveal, self._remove):
            buttons.addWidget(button)
        buttons.addStretch()
        column = QVBoxLayout(self._inside)
        column.setContentsMargins(24, 20, 24, 24)
        column.setSpacing(12)
        column.addWidget(self._back, 0, Qt.AlignmentFlag.AlignLeft)
        column.addWidget(self._title)
        column.addWidget(self._problem)
        column.addLayout(buttons)
        for part in (self._progress, self._checked, self._facts):
            column.addWidget(part)
        column.addLayout(self.details_place)
        column.addStretch(1)
        self._inside.setMaximumWidth(self._theme.scaled(COLUMN_WIDTH))
        show_column(self, self._inside)

    def _button(self, text: str) -> QPushButton:
        button = QPushButton(text, self._inside)
        button.setProperty("shape", "raised")
        button.setAccessibleName(text)
        return button

    def _ask_chat(self) -> None:
        if self._model is not None:
            self.chat_requested.emit(self._model.name)

    def _ask_folder(self) -> None:
        if self._model is not None:
            self.folder_requested.emit(self._model.path)

    def _check(self) -> None:
        if self._model is None:
            return
        if self._care.is_checking(self._model.name):
            self._care.stop(self._model.name)
        else:
            self._care.verify(self._model.name)

    def _follow_check(self, model: str) -> None:
        if self._model is not None and self._model.name == model:
            self._show_check()

    def _show_check(self) -> None:
        assert self._model is not None
        name = self._model.name
        check, runs = self._care.check_of(name), self._care.is_checking(name)
        text = tr("Stop verifying") if runs else tr("Verify")
        self._verify.setText(text)
        self._verify.setAccessibleName(text)
        self._progress.setVisible(runs)
        self._progress.setAccessibleName(tr("Verifying"))
        self._progress.show_fraction(check.fraction if check else 0.0, is_moving=True)
        self._checked.setText(_check_words(check, runs=runs))
        self._checked.setVisible(bool(self._checked.text()))


def _check_words(check: Check | None, *, runs: bool) -> str:
    if check is None:
        return ""
    if runs:
        return tr(
            "Reading its files and comparing their hashes: {percent} %", percent=round(100 * check.fraction)
        )
    if check.error is not None:
        text = describe_error(check.error)
        return f"{text.happened} {text.to_do}"
    if check.result is None:
        return ""
    files = ", ".join(Path(file).name for file in check.result.files)
    words = VERDICTS[check.result.verdict]
    return tr(words, files=files) if "{files}" in words else tr(words)


def _facts(model: InstalledModel) -> list[tuple[str, str]]:
    info = model.info
    length = info.context_length if info else 0
    context = tr("{count} tokens", count=format_number(length)) if length else ""
    return [
        (tr("Name"), model.name),
        (tr("Size"), format_bytes(model.size_bytes)),
        (tr("With it"), _companions(model)),
        (tr("Parameters"), parameters_text(info.parameters if info else 0, model.active_parameters)),
        (tr("Quantization"), info.quantization if info else ""),
        (tr("Architecture"), info.architecture if info else ""),
        (tr("Context length"), context),
        (tr("Can do"), ", ".join(tr(BADGES[one]) for one in model.capabilities if one in BADGES)),
        (tr("Licence"), info.license if info else ""),
        (tr("Where it is"), tr(ORIGINS[model.origin])),
        (tr("Fetched from"), model.source),
        (tr("Commit"), model.commit),
        (tr("Added"), _day(model.added_at)),
        (tr("Used last"), _day(model.used_at) or tr("never")),
        (tr("Verified last"), _day(model.verified_at)),
        (tr("File"), model.path),
    ]


def _companions(model: InstalledModel) -> str:
    names = (
        tr(COMPANIONS[one.kind], file=Path(one.path).name, size=format_bytes(one.size_bytes))
        for one in model.companions
    )
    return ", ".join(names)


def _day(time: float) -> str:
    return datetime.fromtimestamp(time).strftime("%Y-%m-%d %H:%M") if time else ""
