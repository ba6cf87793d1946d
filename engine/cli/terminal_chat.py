"""A conversation in the terminal or over a pipe: a line in, an answer out, until the input ends."""

import sys
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

from engine.cli.answer_printer import AnswerPrinter
from engine.cli.engine_session import EngineSession, new_request_id
from engine.contract.chat import ChatMessage, Part
from engine.contract.errors import ContextExceeded, EngineError
from engine.contract.messages import FinishedEvent, GenerateRequest, event_part
from engine.contract.params import GenerationLimits, LoadParams, SamplingParams

FIRST_WORDS = "Hello!"  # said for a user who gives no input at all, to show that it works


COMMANDS = """\
/help          this list
/new           forget the conversation and begin another
/system TEXT   set the system prompt from here on; without a text there is none
/save FILE     write the conversation to a new file, as Markdown
Ctrl+C stops an answer, Ctrl+D leaves. Any other line is a message."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ChatSettings:
    """What stays the same over a conversation."""

    model: str
    system: str = ""
    load: LoadParams = field(default_factory=LoadParams)
    sampling: SamplingParams = field(default_factory=SamplingParams)
    limits: GenerationLimits = field(default_factory=GenerationLimits)
    reasoning_effort: str = ""
    keep_language: bool = False


def converse(session: EngineSession, settings: ChatSettings, *, greet: bool = False) -> int:
    """Answer each line of stdin; with `greet` the model answers one greeting where there is no input at all.

    Returns 1 where the last answer failed. Ctrl+C stops an answer, at the prompt it leaves.
    """
    chat = TerminalChat(session, settings)
    prompt = "> " if _is_terminal() else ""
    if prompt:
        print("Write a message and press Enter; /help shows what else there is.", file=sys.stderr)
    heard_anything, failed = False, False
    while (line := _read_line(prompt)) is not None:
        if not line.strip():
            continue
        heard_anything = True
        failed = not (chat.obey(line) if chat.is_command(line) else chat.answer(line))
    if greet and not heard_anything:
        print(f"There is no input, so here is a greeting: {FIRST_WORDS}", file=sys.stderr)
        failed = not chat.answer(FIRST_WORDS)
    return 1 if failed else 0


class TerminalChat:
    """One conversation at a time, and the commands that change it."""

    def __init__(self, session: EngineSession, settings: ChatSettings) -> None:
        """Nothing is said yet."""
        self._session, self._settings = session, settings
        self._system = settings.system
        self._messages: list[ChatMessage] = []
        self._commands: dict[str, Callable[[str], bool]] = {
            "/help": self._help,
            "/new": self._begin_anew,
            "/system": self._set_system,
            "/save": self._save,
        }

    def is_command(self, line: str) -> bool:
        """Whether a line is for us; everything else is for the model, also what begins with a slash."""
        return line.split(maxsplit=1)[0] in self._commands

    def obey(self, line: str) -> bool:
        """Do what a command says; false where it could not be done."""
        command, _, rest = line.strip().partition(" ")
        return self._commands[command](rest.strip())

    def answer(self, line: str) -> bool:
        """Add a message and its answer to the conversation; a failed answer leaves it as it was."""
        question = ChatMessage(role="user", text=line)
        request = GenerateRequest(
            request_id=new_request_id(),
            model=self._settings.model,
            load=self._settings.load,
            conversation_id="terminal",
            messages=(*self._path, question),
            sampling=self._settings.sampling,
            limits=self._settings.limits,
            reasoning_effort=self._settings.reasoning_effort,
            keep_language=self._settings.keep_language,
        )
        parts: list[Part] = []
        try:
            with AnswerPrinter() as printer:
                for event in self._session.answer(request):
                    if isinstance(event, FinishedEvent):
                        printer.tell(event)
                    else:
                        parts.append(event_part(event))
                        printer.show(event)
        except EngineError as error:
            print(f"\nretort: {error}", file=sys.stderr)
            if isinstance(error, ContextExceeded):
                print("retort: the conversation is full; /new begins another", file=sys.stderr)
            return False
        print(flush=True)
        self._messages += [question, ChatMessage.answer(parts)]
        return True

    @property
    def _path(self) -> list[ChatMessage]:
        system = [ChatMessage(role="system", text=self._system)] if self._system else []
        return system + self._messages

    def _help(self, _rest: str) -> bool:
        print(COMMANDS, file=sys.stderr)
        return True

    def _begin_anew(self, _rest: str) -> bool:
        self._messages.clear()
        print("a new conversation", file=sys.stderr)
        return True

    def _set_system(self, text: str) -> bool:
        self._system = text
        print("the system prompt is set" if text else "there is no system prompt", file=sys.stderr)
        return True

    def _save(self, name: str) -> bool:
        if not name:
            print("retort: /save takes the name of a file", file=sys.stderr)
            return False
        path = Path(name).expanduser()
        turns = "\n\n".join(f"## {message.role}\n\n{message.text}" for message in self._path)
        try:
            with path.open("x", encoding="utf-8") as file:
                file.write(turns + "\n")
        except OSError as error:
            print(f"retort: {path}: {error.strerror}", file=sys.stderr)
            return False
        print(f"saved to {path.absolute()}", file=sys.stderr)
        return True


def _read_line(prompt: str) -> str | None:
    try:
        return input(prompt)
    except (EOFError, KeyboardInterrupt, OSError):  # OSError: there is no stdin at all
        return None
    except RuntimeError:  # input(): lost sys.stdin
        return None


def _is_terminal() -> bool:
    return sys.stdin is not None and sys.stdin.isatty()
