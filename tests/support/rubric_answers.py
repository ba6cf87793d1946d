"""Answers of a real model to the rubric's conversations, through whichever engine is asked for."""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

from engine.backends.choose import load_backend
from engine.chat.template import TemplateVariables, render
from engine.contract.chat import ChatMessage
from engine.contract.params import BackendChoice, LoadParams, SamplingParams
from engine.generation.backend import Backend
from engine.training.messages import Message
from engine.training.rubric import Answer, Answerer
from tests.support.generation import new_scheduler, new_sequence, run, tokens_of

MAX_TOKENS = 400


@contextmanager
def open_answerer(
    path: Path, *, temperature: float, backend: BackendChoice = "auto", threads: int = 1
) -> Iterator[Answerer]:
    """Load a model; it is sampled as Retort does where nothing but the temperature is asked for."""
    params = LoadParams(gpu_layers=0, threads=threads, context_length=1024, sequences=1, backend=backend)
    loaded = load_backend(str(path), params, lambda fraction: None, lambda: False)
    try:
        yield lambda messages, seed: answer(loaded, messages, temperature, seed)
    finally:
        loaded.close()


def answer(backend: Backend, messages: Sequence[Message], temperature: float, seed: int) -> Answer:
    """The next answer of a conversation, from an empty cache."""
    chat = [ChatMessage(role=message.role, text=message.content) for message in messages]
    prompt = render(backend.chat_template, chat, TemplateVariables(special_tokens=backend.template_tokens))
    for slot in range(backend.num_slots):
        backend.truncate(slot, 0)
    params = SamplingParams(temperature=temperature, seed=seed)
    sequence = new_sequence(backend, prompt, max_tokens=MAX_TOKENS, params=params)
    said = tokens_of(run(new_scheduler(backend), sequence), sequence)
    text = b"".join(backend.piece(token) for token in said).decode(errors="replace")
    return Answer(text, is_ended=sequence.reason == "stop")
