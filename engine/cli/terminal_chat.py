"""A conversation in the terminal or over a pipe: a line in, an answer out, until the input ends."""

import sys
from dataclasses import dataclass, field

from engine.cli.answer_printer import AnswerPrinter
from engine.cli.engine_session import EngineSession, new_request_id
from engine.contract.chat import ChatMessage, Part
from engine.contract.errors import ContextExceeded, EngineError
from engine.contract.messages import FinishedEvent, GenerateRequest, event_part
from engine.contract.params import GenerationLimits, LoadParams, SamplingParams

FIRST_WORDS = "Hello!"  # said for a user who gives no input at all, to show that it works


@dataclass(frozen=True, slots=True, kw_only=True)
class ChatSettings:
    """What stays the same over a conversation."""

    model: str
    system: str = ""
    load: LoadParams = field(default_factory=LoadParams)
    sampling: SamplingParams = field(default_factory=SamplingParams)
    limits: GenerationLimits = field(default_factory=GenerationLimits)


def converse(session: EngineSession, settings: ChatSettings, *, greet: bool = False) -> int:
    """Answer each line of stdin; with `greet` the model answers one greeting where there is no input at all.

    Returns 1 where the last answer failed. Ctrl+C stops an answer, at the prompt it leaves.
    """
    messages = [ChatMessage(role="system", text=settings.system)] if settings.system else []
    prompt = "> " if _is_terminal() else ""
    if prompt:
        print("Write a message and press Enter; Ctrl+C stops an answer, Ctrl+D leaves.", file=sys.stderr)
    heard_anything, failed = False, False
    while (line := _read_line(prompt)) is not None:
        if not line.strip():
            continue
        heard_anything = True
        failed = not _turn(session, settings, messages, line)
    if greet and not heard_anything:
        print(f"There is no input, so here is a greeting: {FIRST_WORDS}", file=sys.stderr)
        failed = not _turn(session, settings, messages, FIRST_WORDS)
    return 1 if failed else 0


def _turn(session: EngineSession, settings: ChatSettings, messages: list[ChatMessage], line: str) -> bool:
    """Add a message and its answer to the conversation; a failed answer leaves it as it was."""
    question = ChatMessage(role="user", text=line)
    request = GenerateRequest(
        request_id=new_request_id(),
        model=settings.model,
        load=settings.load,
        conversation_id="terminal",
        messages=(*messages, question),
        sampling=settings.sampling,
        limits=settings.limits,
    )
    parts: list[Part] = []
    try:
        with AnswerPrinter() as printer:
            for event in session.answer(request):
                if not isinstance(event, FinishedEvent):
                    parts.append(event_part(event))
                    printer.show(event)
    except EngineError as error:
        print(f"\nretort: {error}", file=sys.stderr)
        if isinstance(error, ContextExceeded):
            print("retort: the conversation is full; start a new one", file=sys.stderr)
        return False
    print(flush=True)
    messages += [question, ChatMessage.answer(parts)]
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
