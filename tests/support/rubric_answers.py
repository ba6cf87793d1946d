"""Answers of a real model to the rubric's conversations, through whichever engine its files are for."""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

from engine.generation.generator import generate

from engine.backends.choose import load_backend
from engine.chat.template import TemplateVariables, render
from engine.contract.chat import ChatMessage
from engine.contract.params import LoadParams, SamplingParams
from engine.generation.backend import Backend
from engine.generation.sequence import Sequence as TokenSequence
from engine.training.messages import Message
from engine.training.rubric import Answer, Answerer

MAX_TOKENS = 400


@contextmanager
def open_answerer(path: Path, *, temperature: float, threads: int = 1) -> Iterator[Answerer]:
    """Load a GGUF file or a folder of safetensors; sampled as Retort does where nothing else is asked for."""
    params = LoadParams(gpu_layers=0, threads=threads, context_length=1024)
    backend = load_backend(str(path), params, lambda fraction: None, lambda: False)
    sampling = SamplingParams(temperature=temperature)
    try:
        yield lambda messages, seed: answer(backend, messages, sampling, seed)
    finally:
        backend.close()


def answer(backend: Backend, messages: Sequence[Message], sampling: SamplingParams, seed: int) -> Answer:
    """The next answer of a conversation, from an empty cache."""
    chat = [ChatMessage(role=message.role, text=message.content) for message in messages]
    prompt = render(backend.chat_template, chat, TemplateVariables(special_tokens=backend.template_tokens))
    token_ids = backend.tokenize(prompt, add_special=False)
    backend.truncate(0)
    sequence = TokenSequence(token_ids, prompt_length=len(token_ids))
    sampler = backend.sampler(sampling, seed, token_ids)
    try:
        said = list(generate(backend, sequence, sampler, MAX_TOKENS, lambda: False))
    finally:
        sampler.close()
    text = b"".join(backend.piece(token) for token in said).decode(errors="replace")
    return Answer(text, is_ended=sequence.token_ids[-1] in backend.end_tokens)
