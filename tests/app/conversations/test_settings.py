import json

import pytest

from app.conversations.conversation import Conversation
from app.conversations.settings import ConversationSettings


def test_settings_come_back_as_they_were_written() -> None:
    settings = ConversationSettings(
        system_prompt="Answer in one line. 🎉",
        model="/models/a.gguf",
        sampling={"temperature": 0.2, "top_k": 20, "seed": None},
        reasoning_effort="low",
        preset="Precise",
        max_tokens=200,
    )
    assert ConversationSettings.from_json(settings.to_json()) == settings


def test_a_new_conversation_sets_nothing_and_nothing_is_written_of_it() -> None:
    assert Conversation.new().settings == ConversationSettings()
    assert ConversationSettings().to_json() == "{}"


@pytest.mark.parametrize(
    "values",
    [
        {"later_field": 1},
        {"system_prompt": 5},
        {"sampling": ["temperature"]},
        {"sampling": {"temperature": {}}},
        {"max_tokens": True},
        {"max_tokens": -1},
        {"max_tokens": "many"},
        [],
    ],
)
def test_what_is_unknown_or_of_a_wrong_kind_is_left_out(values: object) -> None:
    assert ConversationSettings.from_json(json.dumps(values)) == ConversationSettings()
