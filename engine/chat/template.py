"""Rendering a model's own chat template, a Jinja program from an untrusted file.

The sandbox keeps it from Python's objects, not from running for ever: therefore this is called in a small
child process that can be killed (`engine.worker.children.template`), never in the process of the model.
What a template finds is what it finds in transformers, so that the prompts are the same, byte for byte.
"""

import datetime
import json
from collections.abc import Callable, Iterator, Sequence
from typing import Any, NoReturn

import msgspec
from jinja2 import Template, TemplateError, nodes
from jinja2.exceptions import SecurityError
from jinja2.ext import Extension, loopcontrols
from jinja2.parser import Parser
from jinja2.sandbox import ImmutableSandboxedEnvironment
from jinja2.utils import Namespace

from engine.chat.adaptations import adaptations
from engine.chat.template_messages import message_variants
from engine.contract.chat import ChatMessage
from engine.contract.errors import TemplateBroken

MAX_PROMPT_LENGTH = 8 * 2**20  # characters; more than any context holds


class TemplateVariables(msgspec.Struct, frozen=True):
    """What a template may use besides the messages."""

    special_tokens: dict[str, str] = {}  # bos_token, eos_token and the like
    tools: tuple[dict[str, Any], ...] = ()
    documents: tuple[dict[str, Any], ...] = ()
    options: dict[str, Any] = {}  # enable_thinking and whatever else a family knows
    add_generation_prompt: bool = True
    continue_last: bool = False  # the prompt ends where the text of the last message, an answer, ends


class RenderRequest(msgspec.Struct, frozen=True):
    """What the rendering child is asked."""

    source: str
    messages: tuple[ChatMessage, ...]
    variables: TemplateVariables


class RenderReply(msgspec.Struct, frozen=True):
    """What it answers: a prompt, or why there is none."""

    prompt: str = ""
    error: str = ""


def render(source: str, messages: Sequence[ChatMessage], variables: TemplateVariables) -> str:
    """The prompt that a template makes of a conversation, ready for the assistant's answer.

    Raises TemplateBroken with Jinja's reason.
    """
    failures: list[Exception] = []
    try:
        template = _environment().from_string(source)
        for variant, tools in _variants(source, messages, variables):
            try:
                prompt = _checked(_render(template, variant, tools, variables))
                return _cut_after(prompt, messages[-1].text) if variables.continue_last else prompt
            except (TypeError, TemplateError) as error:  # it may want its messages in another way
                failures.append(error)
        raise failures[0]
    except (TemplateError, TypeError, ValueError, LookupError, ArithmeticError, RecursionError) as error:
        raise TemplateBroken(f"{type(error).__name__}: {error}") from error


def plain_prompt(messages: Sequence[ChatMessage]) -> str:
    """The prompt of a conversation with a model that has no template: its texts, one after the other."""
    prompt = ""
    for message in messages:
        separator = "\n" if prompt and message.role != "assistant" else ""
        prompt += separator + message.text
    return prompt


class GenerationTag(Extension):
    """`{% generation %}…{% endgeneration %}`: marks what the assistant said, for training."""

    tags = {"generation"}  # noqa: RUF012  (Jinja's own way)

    def parse(self, parser: Parser) -> nodes.Node:
        """A block of its own, whose variables stay inside, as in transformers."""
        line = next(parser.stream).lineno
        body = parser.parse_statements(("name:endgeneration",), drop_needle=True)
        return nodes.CallBlock(self.call_method("_say"), [], [], body).set_lineno(line)

    def _say(self, caller: Callable[[], str]) -> str:
        return caller()


class TemplateNamespace(Namespace):
    """Jinja's `namespace`, without names that begin with an underscore: Python's own all do."""

    def __init__(*arguments: Any, **attributes: Any) -> None:
        self, *positional = arguments
        values = dict(*positional, **attributes)
        for name in values:
            _refuse_underscore(name)
        Namespace.__init__(self, values)

    def __setitem__(self, name: str, value: Any) -> None:
        _refuse_underscore(name)
        super().__setitem__(name, value)


class TemplateDict:
    """Jinja's `dict`, which is only called: the type itself, with its attributes, stays outside."""

    def __call__(self, *arguments: Any, **values: Any) -> dict[Any, Any]:
        """A new dictionary."""
        return dict(*arguments, **values)

    def fromkeys(self, keys: Any, value: Any = None) -> dict[Any, Any]:
        """A new dictionary of these keys."""
        return dict.fromkeys(keys, value)


def _environment() -> ImmutableSandboxedEnvironment:
    environment = ImmutableSandboxedEnvironment(
        trim_blocks=True, lstrip_blocks=True, extensions=[GenerationTag, loopcontrols]
    )
    environment.filters["tojson"] = _to_json
    environment.globals["raise_exception"] = _raise_exception
    environment.globals["strftime_now"] = _strftime_now
    environment.globals["namespace"] = TemplateNamespace
    environment.globals["dict"] = TemplateDict()
    return environment


def _variants(
    source: str, messages: Sequence[ChatMessage], variables: TemplateVariables
) -> Iterator[tuple[list[dict[str, Any]], list[dict[str, Any]] | None]]:
    """Messages and tools, in each way the template may want them; the first is the usual one."""
    offered: list[dict[str, Any]] = list(variables.tools)
    for tools in (offered,) if offered else (None, offered):  # some go through them without asking
        for adapted in adaptations(messages):
            for variant in message_variants(source, adapted):
                yield variant, tools


def _render(
    template: Template,
    messages: list[dict[str, Any]],
    tools: list[dict[str, Any]] | None,
    variables: TemplateVariables,
) -> str:
    names: dict[str, Any] = {
        **variables.special_tokens,
        **variables.options,
        "messages": messages,
        "tools": tools,
        "documents": list(variables.documents) or None,
        "add_generation_prompt": variables.add_generation_prompt and not variables.continue_last,
    }
    return template.render(names)


def _checked(prompt: str) -> str:
    if len(prompt) > MAX_PROMPT_LENGTH:
        raise ValueError(f"it makes a prompt of {len(prompt)} characters")
    try:
        prompt.encode()
    except UnicodeEncodeError:
        raise ValueError("it makes a prompt that is no text") from None
    return prompt


def _cut_after(prompt: str, text: str) -> str:
    """The prompt up to the end of the last message's text, as `continue_final_message` of transformers cuts.

    Some templates strip what a message says: then the prompt ends with the last of it that is there.
    """
    start = prompt.rfind(text.strip())
    if start < 0 or not text.strip():
        raise ValueError("it leaves out the answer that is to go on")
    whole = start - (len(text) - len(text.lstrip()))
    if whole >= 0 and prompt.startswith(text, whole):
        return prompt[: whole + len(text)]
    return prompt[: start + len(text.strip())]


def _raise_exception(message: str) -> NoReturn:
    raise TemplateError(message)


def _strftime_now(format: str) -> str:
    return datetime.datetime.now().strftime(format)


def _to_json(
    x: Any,
    ensure_ascii: bool = False,
    indent: int | str | None = None,
    separators: tuple[str, str] | None = None,
    sort_keys: bool = False,
) -> str:
    """JSON without the escapes for HTML that Jinja's own filter writes."""
    return json.dumps(x, ensure_ascii=ensure_ascii, indent=indent, separators=separators, sort_keys=sort_keys)


def _refuse_underscore(name: object) -> None:
    if isinstance(name, str) and name.startswith("_"):
        raise SecurityError(f"a namespace takes no name that begins with an underscore, got {name!r}")
