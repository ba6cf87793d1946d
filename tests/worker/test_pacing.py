import time

import pytest

from engine.contract.messages import Event, FinishedEvent, ReasoningEvent, TextEvent
from engine.worker.pacing import INTERVAL_S, TextPacing


class Sent:
    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self.events: list[Event] = []
        self.now = 100.0
        monkeypatch.setattr(time, "monotonic", lambda: self.now)
        self.pacing = TextPacing(self.events.append)

    def text(self, text: str, request_id: str = "a") -> None:
        self.pacing.send(TextEvent(request_id=request_id, text=text, num_tokens=2))

    @property
    def counts(self) -> list[int]:
        return [event.num_tokens for event in self.events if isinstance(event, TextEvent | ReasoningEvent)]

    @property
    def texts(self) -> list[str]:
        return [event.text for event in self.events if isinstance(event, TextEvent | ReasoningEvent)]


@pytest.fixture
def sent(monkeypatch: pytest.MonkeyPatch) -> Sent:
    return Sent(monkeypatch)


def test_the_first_text_leaves_at_once_and_what_follows_soon_leaves_together(sent: Sent) -> None:
    for text in "abc":
        sent.text(text)
        sent.pacing.send_due()
    assert sent.texts == ["a", "b"]  # nothing had been held before
    sent.now += 1.5 * INTERVAL_S
    sent.text("d")
    sent.pacing.send_due()
    assert sent.texts == ["a", "b", "cd"]
    assert sent.counts == [2, 2, 4]


def test_text_that_nothing_follows_leaves_when_it_is_due(sent: Sent) -> None:
    for text in "abc":
        sent.text(text)
        sent.pacing.send_due()
    sent.now += 1.5 * INTERVAL_S
    sent.pacing.send_due()
    assert sent.texts == ["a", "b", "c"]


def test_slow_text_is_never_held_beyond_its_step(sent: Sent) -> None:
    for text in "abc":
        sent.now += 1.5 * INTERVAL_S
        sent.text(text)
        sent.pacing.send_due()
        assert sent.texts[-1] == text


def test_answers_begin_each_for_itself_and_go_on_together(sent: Sent) -> None:
    sent.text("a", "one")
    sent.text("b", "two")
    assert sent.texts == ["a", "b"]
    sent.pacing.send_due()
    for moment in range(3):
        sent.now += 0.6 * INTERVAL_S
        sent.text("c", "one")
        sent.text("d", "two")
        sent.pacing.send_due()
        assert sent.texts[2:] == [["c", "d"], ["c", "d"], ["c", "d", "cc", "dd"]][moment]


def test_everything_keeps_its_order(sent: Sent) -> None:
    for text in "ab":
        sent.pacing.send(ReasoningEvent(request_id="a", text=text))
    sent.text("c")
    sent.pacing.send(FinishedEvent(request_id="a", reason="stop"))
    assert sent.texts == ["a", "b", "c"]
    assert isinstance(sent.events[-1], FinishedEvent)


def test_what_is_held_of_an_answer_that_fails_is_sent(sent: Sent) -> None:
    sent.text("a")
    sent.text("b")
    sent.pacing.forget("a")
    assert sent.texts == ["a", "b"]
