"""The conversations that the pictures show: every kind of block, of message and of end."""

import time
from dataclasses import replace

from app.conversations.conversation import AnswerStats, Conversation
from app.conversations.expert_use import ExpertUse
from app.conversations.store import ConversationStore
from engine.contract.errors import WorkerDied

DAY_S = 86_400
MODEL = "Qwen3-30B-A3B"
REASONING = (
    "The user wants softmax with a temperature and code that does not overflow. Subtract the maximum, "
    "divide by the temperature, exponentiate, and divide by the sum."
)
SOFTMAX = r'''## Softmax with temperature

Softmax turns logits `z` into probabilities; the **temperature** *T* says how peaked they are.

Text can mix scripts: 日本語, Ελληνικά, مرحبا. See [the article](https://en.wikipedia.org/wiki/Softmax_function).

$$ p_i = \frac{e^{z_i/T}}{\sum_{j=1}^{K} e^{z_j/T}} \qquad T \to 0:\ \text{argmax} $$

1. Subtract the maximum first, so that `exp` cannot overflow.
2. Divide by *T* **before** the exponential.

```python
import numpy as np

def softmax(z: np.ndarray, temperature: float = 1.0) -> np.ndarray:
    """Numerically stable softmax."""
    z = (z - z.max()) / max(temperature, 1e-6)   # avoid overflow
    e = np.exp(z)
    return e / e.sum()
```

| Temperature | Effect | Typical use |
|------------:|--------|-------------|
| 0.2 | Very peaked | Code, extraction |
| 0.7 | Balanced | Chat |
| 1.2 | Flat | Brainstorming |

- [x] Works for a row of logits
- [ ] Does not say which temperature is best

> A temperature of 0 is handled by hand: it picks the likeliest token.
'''
STATS = AnswerStats(
    prompt_tokens=114, completion_tokens=704, cached_tokens=80, reasoning_tokens=312, reasoning_ms=4200,
    decode_tps=42.7, ttft_ms=310, context_length=32_768, finish_reason="stop",
)  # fmt: skip
TITLES = (
    ("Refactor the token coalescer", 0), ("旅行の計画を立てる", 0), ("Summarise RFC 9110 caching", 1),
    ("شرح الخوارزمية الجشعة", 1), ("SQL window functions by example", 1), ("Regex for ISO dates", 4),
    ("Unit tests for the scheduler", 5), ("Explain KV-cache paging, and when it is worth its cost", 20),
)  # fmt: skip


def fill(store: ConversationStore) -> dict[str, str]:
    """Put them into a store; returns the ids of those that scenes open."""
    ids: dict[str, str] = {}
    for title, days in reversed(TITLES):
        _keep(store, _plain(title), days)
    for name, made in (("long", _long()), ("failed", _failed()), ("softmax", _softmax())):
        ids[name] = made.id
        _keep(store, made, 0)
    binned = _plain("A chat that nobody needs any more")
    _keep(store, binned, 3)
    store.move_to_bin(binned.id)
    store.wait_until_idle(30)
    return ids


def _keep(store: ConversationStore, conversation: Conversation, days: float) -> None:
    now = time.time() - days * DAY_S
    store.save(replace(conversation.header, updated_at=now), *conversation.tree)


def _answer(conversation: Conversation, text: str, stats: AnswerStats = STATS) -> None:
    said = conversation.append(role="assistant", text=text, model=MODEL)
    conversation.change(replace(said, stats=stats))


def _plain(title: str) -> Conversation:
    conversation = Conversation.new()
    conversation.append(role="user", text=title)
    _answer(conversation, "Here is a short answer.", AnswerStats(finish_reason="stop"))
    return conversation


def _softmax() -> Conversation:
    conversation = Conversation.new()
    question = conversation.append(
        role="user", text="Explain softmax with temperature, and show numerically stable Python."
    )
    _answer(conversation, "Softmax makes probabilities of numbers.", replace(STATS, completion_tokens=9))
    said = conversation.answer_again(question.id, model=MODEL)
    counts = tuple(
        tuple((layer * 7 + expert * expert * 13) % 97 * (expert % 5 > 1) for expert in range(64))
        for layer in range(26)
    )
    stats = replace(STATS, expert_use=ExpertUse(counts).written())
    conversation.change(replace(said, text=SOFTMAX, reasoning=REASONING, state="complete", stats=stats))
    conversation.rename("Softmax and temperature", "model")
    return conversation


def _failed() -> Conversation:
    conversation = Conversation.new()
    conversation.append(role="user", text="Write a long story, please.")
    said = conversation.append(role="assistant", text="", model=MODEL)
    died = WorkerDied(-6, "GGML_ASSERT(n_tokens > 0) failed", "ggml.c:1: GGML_ASSERT(n_tokens > 0) failed")
    stats = AnswerStats(error_code=died.code, error_message=str(died), error_details=died.details)
    conversation.change(
        replace(said, text="Once upon a time there was a retort that", state="failed", stats=stats)
    )
    conversation.rename("A story that broke off", "model")
    return conversation


def _long() -> Conversation:
    conversation = Conversation.new()
    parts = SOFTMAX.strip().split("\n\n")
    for turn in range(120):
        conversation.append(role="user", text=f"Question {turn + 1}: and what about softmax then?")
        _answer(conversation, "\n\n".join((parts * 2)[turn % len(parts) :][:3]))
    conversation.rename("A long conversation about softmax", "model")
    return conversation
