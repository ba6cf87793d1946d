"""Parts of an answer from a backend's tokens, and as events through host and worker."""

from collections.abc import Iterable

import pytest

from engine.backends.fake import FakeBackend, tokens_of
from engine.chat import formats
from engine.chat.output_format import OutputFormat, Region
from engine.contract.chat import ChatMessage, Part
from engine.contract.messages import (
    AnswerNowRequest,
    FinishedEvent,
    GenerateRequest,
    ReasoningEvent,
    TextEvent,
    ToolCallEvent,
)
from engine.contract.params import GenerationLimits, LoadParams, SamplingParams
from engine.worker.answer_parts import AnswerParts, marks_in_vocabulary
from engine.worker.language_bias import FOREIGN_BIAS, without_foreign_scripts
from tests.support.host_recorder import HostRecorder

QUESTION = (ChatMessage(role="user", text="Why?"),)
HARMONY = (
    "<|channel|>analysis<|message|>Hm. é<|end|><|start|>assistant<|channel|>commentary to=functions.f "
    '<|constrain|>json<|message|>{"a": 1}<|end|>'
    "<|start|>assistant<|channel|>final<|message|>So<|other|> be it."
)


def backend() -> FakeBackend:
    return FakeBackend("fake", LoadParams(), lambda _: None, lambda: False)


def read(
    output: OutputFormat, text: str, *, prompt: str = "", stop: tuple[str, ...] = ()
) -> tuple[Part, ...]:
    reader = AnswerParts(backend(), output, prompt=prompt, tools=(), stop=stop)
    parts: list[Part] = []
    for token in tokens_of(text):
        parts += reader.feed(token)
        if reader.stopped:
            break
    return (*parts, *reader.finish())


def message(parts: Iterable[Part]) -> ChatMessage:
    return ChatMessage.answer(parts)


def test_control_tokens_of_the_format_are_read_and_all_others_stay_hidden() -> None:
    answer = message(read(formats.HARMONY, HARMONY))
    assert (answer.reasoning, answer.text) == ("Hm. é", "So be it.")
    (call,) = answer.tool_calls
    assert (call.name, call.arguments) == ("f", '{"a": 1}')
    assert message(read(formats.PLAIN, HARMONY)).text.startswith("analysisHm.")


def test_control_tokens_are_visible_where_marks_consist_of_them() -> None:
    visible = marks_in_vocabulary(backend(), formats.HARMONY)
    shown = {backend().piece(token, special=True).decode() for token in visible}
    assert shown == {"<|start|>", "<|channel|>", "<|message|>", "<|constrain|>", "<|end|>"}
    assert not marks_in_vocabulary(backend(), formats.HERMES)
    longer = OutputFormat(
        name="longer",
        regions={"start": Region(kind="text", steps={"<|start|>assistant<|message|>": "start"})},
    )
    shown = {backend().piece(t, special=True).decode() for t in marks_in_vocabulary(backend(), longer)}
    assert shown == {"<|start|>", "<|message|>"}


def test_a_call_gets_an_id_that_every_template_takes() -> None:
    (first,) = message(read(formats.HARMONY, HARMONY)).tool_calls
    (second,) = message(read(formats.HARMONY, HARMONY)).tool_calls
    assert first.call_id.isalnum()
    assert (len(first.call_id), first.call_id != second.call_id) == (9, True)


def test_stop_strings_count_in_the_text_alone() -> None:
    answer = message(read(formats.THINK, "<think>one stop two</think>three stop four", stop=("stop",)))
    assert (answer.reasoning, answer.text) == ("one stop two", "three ")


def test_the_beginning_of_a_stop_string_before_a_call_is_text() -> None:
    answer = message(read(formats.HERMES, 'a st<tool_call>{"name": "f"}</tool_call>op', stop=("stop",)))
    assert answer.text == "a st\n\nop"


def test_reasoning_tokens_are_counted() -> None:
    reader = AnswerParts(backend(), formats.THINK, prompt="<think>", tools=(), stop=())
    for token in tokens_of("abc</think>answer"):
        reader.feed(token)
    assert reader.reasoning_tokens == len("abc</think>")


def test_an_answer_cut_inside_a_character_a_mark_or_a_call_keeps_what_was_there() -> None:
    reader = AnswerParts(backend(), formats.HERMES, prompt="", tools=(), stop=())
    shown = [part for token in [*b"ok <tool", 0xC3] for part in reader.feed(token)]
    assert message([*shown, *reader.finish()]).text == "ok <tool\ufffd"


def run(host: HostRecorder, request: GenerateRequest) -> FinishedEvent:
    host.submit(request)
    return host.finished(request.request_id)


def test_parts_arrive_as_events_of_their_kind(host: HostRecorder) -> None:
    finished = run(
        host,
        GenerateRequest(
            request_id="a", model=f"fake:family=harmony,once=true,text={HARMONY}", messages=QUESTION
        ),
    )
    kinds = [
        type(event) for event in host.events if isinstance(event, TextEvent | ReasoningEvent | ToolCallEvent)
    ]
    assert list(dict.fromkeys(kinds)) == [ReasoningEvent, ToolCallEvent, TextEvent]
    assert "".join(event.text for event in host.events if isinstance(event, ReasoningEvent)) == "Hm. é"
    assert host.text_of("a") == "So be it."
    assert 0 < finished.usage.reasoning_tokens < finished.usage.completion_tokens


def test_a_template_option_opens_the_reasoning(host: HostRecorder) -> None:
    model = "fake:family=think,once=true,text=Hm.</think>Yes."
    run(
        host,
        GenerateRequest(
            request_id="a", model=model, messages=QUESTION, template_options={"enable_thinking": True}
        ),
    )
    run(host, GenerateRequest(request_id="b", model=model, messages=QUESTION))
    reasoning = {e.request_id: e.text for e in host.events if isinstance(e, ReasoningEvent)}
    assert set(reasoning) == {"a"}
    assert host.text_of("a") == "Yes."
    assert host.text_of("b") == "Hm.</think>Yes."


@pytest.mark.parametrize("budget", [0, 10])
def test_a_spent_budget_closes_the_reasoning_and_the_answer_goes_on(host: HostRecorder, budget: int) -> None:
    finished = run(
        host,
        GenerateRequest(
            request_id="a",
            model="fake:family=think,tokens=100,text=I wonder why that is so. ",
            messages=QUESTION,
            reasoning_effort="on",
            limits=GenerationLimits(reasoning_budget=budget),
        ),
    )
    reasoning = "".join(event.text for event in host.events if isinstance(event, ReasoningEvent))
    assert len(reasoning) <= budget
    assert finished.reasoning_ended_by == "budget"
    assert finished.usage.completion_tokens > 100  # what was forced counts too
    assert "wonder" in host.text_of("a")
    assert "think" not in host.text_of("a") + reasoning


def test_who_does_not_want_to_wait_gets_the_answer_and_keeps_the_reasoning(host: HostRecorder) -> None:
    host.submit(
        GenerateRequest(
            request_id="a",
            model="fake:family=think,rate=100,tokens=200,text=I wonder and wonder about something else; ",
            messages=QUESTION,
            template_options={"enable_thinking": True},
        )
    )
    host.wait_for(lambda event: isinstance(event, ReasoningEvent))
    host.submit(AnswerNowRequest(request_id="a"))
    finished = host.finished("a")
    reasoning = "".join(event.text for event in host.events if isinstance(event, ReasoningEvent))
    assert finished.reasoning_ended_by == "asked"
    assert reasoning
    assert 0 < finished.usage.reasoning_tokens < finished.usage.completion_tokens
    assert "wonder" in host.text_of("a")


def test_asking_for_the_answer_of_somebody_who_answers_changes_nothing(host: HostRecorder) -> None:
    host.ask("a", "fake:rate=100,tokens=40")
    host.first_text_of("a")
    host.submit(AnswerNowRequest(request_id="a"))
    host.submit(AnswerNowRequest(request_id="unknown"))
    assert host.finished("a").reasoning_ended_by == ""


def test_an_answer_that_slips_into_another_language_says_so(host: HostRecorder) -> None:
    asked = "What is in the basket that the children have carried home, and how many of them are there?"
    chinese = "首先我们需要找出篮子里原来有多少个苹果，然后减去孩子们在回家路上吃掉的那些。"
    drifted = run(
        host,
        GenerateRequest(
            request_id="a",
            model=f"fake:tokens=1200,text={chinese}",
            messages=(ChatMessage(role="user", text=asked),),
        ),
    )
    assert drifted.drifted_to == "zh"
    stayed = run(
        host,
        GenerateRequest(
            request_id="b",
            model=f"fake:tokens=1200,text={asked.replace(',', '')} ",
            messages=(ChatMessage(role="user", text=asked),),
        ),
    )
    assert stayed.drifted_to == ""


def test_keeping_to_a_language_makes_other_scripts_unlikely() -> None:
    backend = FakeBackend("fake", LoadParams(), lambda _: None, lambda: False)
    params = without_foreign_scripts(SamplingParams(logit_bias=((65, 1.0),)), backend, ["an apple"])
    biased = dict(params.logit_bias)
    assert biased[65] == 1.0
    assert biased[0xE8] == FOREIGN_BIAS  # where most Chinese signs begin
    assert not {ord("a"), ord(" "), 0xC3, *backend.end_tokens} & biased.keys()
    chinese = dict(without_foreign_scripts(SamplingParams(), backend, ["苹果"]).logit_bias)
    assert 0xE8 not in chinese
    assert 0xD0 in chinese  # Cyrillic is still not asked for


def test_reasoning_that_goes_in_circles_is_closed(host: HostRecorder) -> None:
    finished = run(
        host,
        GenerateRequest(
            request_id="a",
            model="fake:family=think,tokens=1000,text=But wait; let me think about that once more. ",
            messages=QUESTION,
            template_options={"enable_thinking": True},
        ),
    )
    assert finished.reasoning_ended_by == "loop"
    assert finished.usage.reasoning_tokens < 800
    assert host.text_of("a")


def test_a_broken_template_is_told_and_answered_nevertheless(host: HostRecorder) -> None:
    finished = run(host, GenerateRequest(request_id="a", model="fake:family=broken", messages=QUESTION))
    assert finished.template_notice is not None
    assert finished.template_notice.fallback == "ChatML"
    assert "TemplateSyntaxError" in finished.template_notice.reason
    assert host.text_of("a")


def test_the_efforts_of_a_template_are_known_once_it_is_loaded(host: HostRecorder) -> None:
    finished = run(host, GenerateRequest(request_id="a", model="fake:family=think", messages=QUESTION))
    assert finished.loaded is not None
    assert finished.loaded.reasoning_efforts == ("off", "on")
    assert finished.template_notice is None


def test_a_plain_completion_is_never_taken_apart(host: HostRecorder) -> None:
    model = "fake:family=think,once=true,text=<think>Hm.</think>Yes."
    run(host, GenerateRequest(request_id="a", model=model, prompt="Go on:"))
    assert host.text_of("a") == "<think>Hm.</think>Yes."


@pytest.mark.parametrize("tokens", range(0, 40, 3))
def test_an_answer_of_any_length_ends_well(tokens: int) -> None:
    text = '<think>Hm.</think>I ask.<tool_call>{"name": "f"}</tool_call>'
    answer = message(read(formats.HERMES, text[:tokens]))
    said = answer.reasoning + answer.text + "".join(call.raw for call in answer.tool_calls)
    assert len(said) <= tokens
