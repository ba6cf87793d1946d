"""Driving a backend or a scheduler by hand, without text."""

from engine.contract.params import SamplingParams
from engine.generation.backend import Backend, Cancelled, Entry
from engine.generation.prefix_cache import PrefixCache
from engine.generation.scheduler import Generated, Scheduler
from engine.generation.sequence import Sequence, never

GREEDY = SamplingParams(temperature=0)


def compute(
    backend: Backend, token_ids: list[int], position: int = 0, *, slot: int = 0, cancelled: Cancelled = never
) -> int:
    """Append tokens to one slot; the row of the last one's logits."""
    (row,) = backend.decode([Entry(slot, position, token_ids)], cancelled)
    return row


def new_scheduler(backend: Backend, *, parking_bytes: int = 2**30) -> Scheduler:
    return Scheduler(backend, PrefixCache(backend, parking_bytes=parking_bytes))


def new_sequence(
    backend: Backend,
    prompt: str | list[int],
    *,
    max_tokens: int = 1000,
    conversation_id: str = "",
    cancelled: Cancelled = never,
    params: SamplingParams = GREEDY,
    logprobs: int | None = None,
) -> Sequence:
    token_ids = backend.tokenize(prompt, add_special=False) if isinstance(prompt, str) else list(prompt)
    return Sequence(
        token_ids=token_ids,
        sampler=backend.sampler(params, params.seed or 0, token_ids),
        max_tokens=max_tokens,
        conversation_id=conversation_id,
        cancelled=cancelled,
        logprobs=logprobs,
    )


def run(scheduler: Scheduler, *sequences: Sequence) -> list[Generated]:
    """Add the sequences and step until nothing is left to do; what came, in order."""
    for sequence in sequences:
        scheduler.add(sequence)
    generated: list[Generated] = []
    while scheduler.has_work:
        generated += scheduler.step().generated
    return generated


def tokens_of(generated: list[Generated], sequence: Sequence) -> list[int]:
    """Those of one sequence."""
    return [one.token for one in generated if one.sequence is sequence]


def answer_alone(
    backend: Backend, token_ids: list[int], params: SamplingParams = GREEDY, max_tokens: int = 100
) -> list[int]:
    """The tokens of an answer to a prompt that nothing is known of."""
    for slot in range(backend.num_slots):
        backend.truncate(slot, 0)
    sequence = new_sequence(backend, token_ids, max_tokens=max_tokens, params=params)
    return tokens_of(run(new_scheduler(backend), sequence), sequence)
