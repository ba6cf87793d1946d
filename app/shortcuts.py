"""What the window can be told by keys: one table of commands, and which keys each has now."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Literal, get_args

from PySide6.QtCore import QKeyCombination, QObject, Qt, Signal
from PySide6.QtGui import QKeySequence

from app.translation import mark, tr

CommandId = Literal[
    "new_chat", "search", "find", "attach", "stop", "choose_model", "open_model", "open_model_folder",
    "eject_model", "workbench", "library", "hub", "toggle_sidebar",
    "toggle_panel", "larger_text", "smaller_text", "normal_text", "full_screen", "settings",
    "shortcuts", "log", "quit",
]  # fmt: skip
COMMAND_IDS: tuple[CommandId, ...] = get_args(CommandId)
Group = Literal["Chat", "Model", "View", "Retort"]
GROUPS: dict[Group, str] = {
    "Chat": mark("Chat"), "Model": mark("Model"), "View": mark("View"), "Retort": "Retort",
}  # fmt: skip
_PORTABLE = QKeySequence.SequenceFormat.PortableText
_NATIVE = QKeySequence.SequenceFormat.NativeText
_ALONE = (Qt.Key.Key_Escape, *(Qt.Key(Qt.Key.Key_F1.value + number) for number in range(24)))


@dataclass(frozen=True, slots=True, kw_only=True)
class Command:
    """Something the window does when told."""

    id: CommandId
    group: Group
    text: str  # English; said with `tr`
    keys: tuple[str, ...]  # as QKeySequence writes them on every platform


COMMANDS: dict[CommandId, Command] = {
    command.id: command
    for command in (
        Command(id="new_chat", group="Chat", text=mark("New chat"), keys=("Ctrl+N", "Ctrl+Shift+O")),
        Command(id="search", group="Chat", text=mark("Search chats"), keys=("Ctrl+K",)),
        Command(id="find", group="Chat", text=mark("Find in this chat"), keys=("Ctrl+F",)),
        Command(id="attach", group="Chat", text=mark("Attach text files…"), keys=("Ctrl+U",)),
        Command(id="stop", group="Chat", text=mark("Stop the answer, or go back"), keys=("Esc",)),
        Command(id="choose_model", group="Model", text=mark("Choose a model…"), keys=("Ctrl+M",)),
        Command(id="open_model", group="Model", text=mark("Open a model file…"), keys=("Ctrl+O",)),
        Command(
            id="open_model_folder", group="Model", text=mark("Open a model folder…"), keys=("Ctrl+Alt+O",)
        ),
        Command(id="eject_model", group="Model", text=mark("Eject the model"), keys=("Ctrl+Shift+E",)),
        Command(id="workbench", group="Model", text=mark("Workbench"), keys=("Ctrl+Shift+B",)),
        Command(id="library", group="Model", text=mark("Models on this computer"), keys=("Ctrl+Shift+M",)),
        Command(id="hub", group="Model", text=mark("Find models"), keys=("Ctrl+Shift+F",)),
        Command(id="toggle_sidebar", group="View", text=mark("List of chats"), keys=("Ctrl+B",)),
        Command(id="toggle_panel", group="View", text=mark("Settings of this chat"), keys=("Ctrl+.",)),
        Command(id="larger_text", group="View", text=mark("Larger text"), keys=("Ctrl++", "Ctrl+=")),
        Command(id="smaller_text", group="View", text=mark("Smaller text"), keys=("Ctrl+-",)),
        Command(id="normal_text", group="View", text=mark("Normal text size"), keys=("Ctrl+0",)),
        Command(id="full_screen", group="View", text=mark("Full screen"), keys=("F11",)),
        Command(id="settings", group="Retort", text=mark("Settings…"), keys=("Ctrl+,",)),
        Command(id="shortcuts", group="Retort", text=mark("Keyboard shortcuts"), keys=("Ctrl+/",)),
        Command(id="log", group="Retort", text=mark("Log"), keys=("Ctrl+Shift+L",)),
        Command(id="quit", group="Retort", text=mark("Quit"), keys=("Ctrl+Q",)),
    )
}


class Shortcuts(QObject):
    """The keys of every command: the defaults, and the user's own in place of them."""

    changed = Signal()

    def __init__(self, own: Mapping[str, Iterable[str]] | None = None, parent: QObject | None = None) -> None:
        """Take the user's own keys; those that make no sense or are taken count as absent."""
        super().__init__(parent)
        self._own: dict[CommandId, tuple[str, ...]] = {}
        for command_id in COMMAND_IDS:
            if own is not None and command_id in own:
                self._own[command_id] = tuple(normal_keys(keys) for keys in own[command_id])
        senseless = [
            command_id
            for command_id, bound in self._own.items()
            if any(self.refusal(command_id, keys) for keys in bound)
        ]
        for command_id in senseless:
            del self._own[command_id]

    @property
    def own(self) -> dict[CommandId, tuple[str, ...]]:
        """What the user has changed."""
        return dict(self._own)

    def keys(self, command_id: CommandId) -> tuple[str, ...]:
        """The keys of a command, the ones to show first."""
        return self._own.get(command_id, COMMANDS[command_id].keys)

    def shown_keys(self, command_id: CommandId) -> str:
        """The first keys of a command as this platform writes them; empty where there are none."""
        keys = self.keys(command_id)
        return native_keys(keys[0]) if keys else ""

    def hint(self, command_id: CommandId, text: str) -> str:
        """A tool tip: the text, and the keys in brackets."""
        keys = self.shown_keys(command_id)
        return f"{text} ({keys})" if keys else text

    def refusal(self, command_id: CommandId, keys: str) -> str:
        """Why a command cannot have these keys, in words; empty where it can."""
        sequence = QKeySequence.fromString(keys, _PORTABLE)
        pressed: QKeyCombination | None = sequence[0] if sequence.count() == 1 else None  # type: ignore[index]
        if pressed is None or pressed.key() == Qt.Key.Key_unknown:
            return tr("One press of keys is wanted, such as Ctrl+J.")
        held = pressed.keyboardModifiers() & ~(
            Qt.KeyboardModifier.ShiftModifier | Qt.KeyboardModifier.KeypadModifier
        )
        if not held and pressed.key() not in _ALONE:
            return tr("Keys without Ctrl or Alt are for typing.")
        owner = next(
            (other for other in COMMAND_IDS if other != command_id and keys in self.keys(other)), None
        )
        if owner is not None:
            return tr(
                "{keys} already means “{command}”.",
                keys=native_keys(keys),
                command=tr(COMMANDS[owner].text).rstrip("…"),
            )
        return ""

    def bind(self, command_id: CommandId, keys: str) -> None:
        """Give a command these keys in place of those it has; empty leaves it without any."""
        bound = normal_keys(keys)
        if keys and (reason := self.refusal(command_id, bound)):
            raise ValueError(reason)
        self._put(command_id, (bound,) if bound else ())

    def reset(self, command_id: CommandId) -> None:
        """Give a command its default keys back; those another command has taken since stay with that one."""
        defaults = COMMANDS[command_id].keys
        self._put(command_id, tuple(keys for keys in defaults if not self.refusal(command_id, keys)))

    def reset_all(self) -> None:
        """Give every command its default keys back."""
        self._own.clear()
        self.changed.emit()

    def _put(self, command_id: CommandId, keys: tuple[str, ...]) -> None:
        self._own.pop(command_id, None)
        if keys != COMMANDS[command_id].keys:
            self._own[command_id] = keys
        self.changed.emit()


def normal_keys(keys: str) -> str:
    """The one way to write these keys."""
    return QKeySequence.fromString(keys, _PORTABLE).toString(_PORTABLE)


def native_keys(keys: str) -> str:
    """Keys as this platform writes them."""
    return QKeySequence.fromString(keys, _PORTABLE).toString(_NATIVE)
