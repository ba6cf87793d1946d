"""llama.cpp without anything around it: greedy decoding by its C functions, for others to be compared with.

Loads and sets up as `engine.backends.llama.loading` does, so that both compute the same.

    python -m benchmarks.bare_loop MODEL SEQUENCES STEPS CONTEXT
    python -m benchmarks.bare_loop MODEL --first-token
"""

import ctypes
import json
import sys
import time
from pathlib import Path
from typing import Any

from engine.backends.llama import loading
from engine.backends.llama.batch import Batch
from engine.backends.llama.native import load_native
from engine.contract.params import LoadParams
from engine.generation.backend import Entry
from engine.library.gguf import read_header
from engine.library.model_shape import shape_of_header

PROMPT = "Once upon a time"
WARM_STEPS = 20  # before the clock starts


def bare_load(library: Any, path: Path, params: LoadParams) -> tuple[Any, Any]:
    """The model and its context."""
    layout = loading.plan_cache(shape_of_header(read_header(path)), params)
    model = loading.load_model(library, path, params, lambda _: None, lambda: False)
    context = loading.create_context(library, model, params, layout, batch_size=params.batch_size)
    return model, context


def tokens_of(library: Any, vocabulary: Any, text: str) -> list[int]:
    """Token ids, with the begin token where the vocabulary wants one."""
    data = text.encode()
    tokens = (ctypes.c_int32 * (4 * len(data) + 8))()  # a blank may take three bytes
    count = library.llama_tokenize(vocabulary, data, len(data), tokens, len(tokens), True, True)
    return list(tokens[:count])


def end_tokens(library: Any, vocabulary: Any) -> list[int]:
    """The tokens that would end an answer."""
    size = library.llama_vocab_n_tokens(vocabulary)
    return [token for token in range(size) if library.llama_vocab_is_eog(vocabulary, token)]


def greedy_sampler(library: Any, vocabulary: Any) -> Any:
    """A chain that takes the likeliest token, and none that ends an answer."""
    forbidden = [(token, float("-inf")) for token in end_tokens(library, vocabulary)]
    chain = library.llama_sampler_chain_init(library.llama_sampler_chain_default_params())
    bias = (library.llama_logit_bias * len(forbidden))(*forbidden)
    size = library.llama_vocab_n_tokens(vocabulary)
    library.llama_sampler_chain_add(chain, library.llama_sampler_init_logit_bias(size, len(bias), bias))
    library.llama_sampler_chain_add(chain, library.llama_sampler_init_greedy())
    return chain


def cpu_ns_per_step(path: Path, num_sequences: int, num_steps: int, params: LoadParams) -> float:
    """CPU time of this process for a token of every sequence, in nanoseconds."""
    library = load_native().library
    model, context = bare_load(library, path, params)
    vocabulary = library.llama_model_get_vocab(model)
    samplers = [greedy_sampler(library, vocabulary) for _ in range(num_sequences)]
    prompt = tokens_of(library, vocabulary, PROMPT)
    batch, newest = Batch(library, params.batch_size), list[int]()
    for sequence, sampler in enumerate(samplers):
        (row,) = batch.fill([Entry(sequence, 0, prompt)])
        assert library.llama_decode(context, batch.native) == 0
        newest.append(library.llama_sampler_sample(sampler, context, row))
    started = 0
    for step in range(WARM_STEPS + num_steps):
        if step == WARM_STEPS:
            started = time.process_time_ns()
        batch.fill([Entry(number, len(prompt) + step, [token]) for number, token in enumerate(newest)])
        assert library.llama_decode(context, batch.native) == 0
        for number, sampler in enumerate(samplers):
            newest[number] = library.llama_sampler_sample(sampler, context, number)
    return (time.process_time_ns() - started) / num_steps


def first_token_s(path: Path, params: LoadParams) -> dict[str, float]:
    """Seconds from nothing loaded to a model with its context, and to its first token; CPU time too."""
    library = load_native().library
    started, cpu_started = time.perf_counter(), time.process_time()
    model, context = bare_load(library, path, params)
    loaded = time.perf_counter()
    vocabulary = library.llama_model_get_vocab(model)
    sampler = greedy_sampler(library, vocabulary)
    (row,) = (batch := Batch(library, params.batch_size)).fill(
        [Entry(0, 0, tokens_of(library, vocabulary, PROMPT))]
    )
    assert library.llama_decode(context, batch.native) == 0
    library.llama_sampler_sample(sampler, context, row)
    told = time.perf_counter()
    return {"load_s": loaded - started, "first_s": told - loaded, "cpu_s": time.process_time() - cpu_started}


def main() -> None:
    """One JSON line."""
    if sys.argv[2:3] == ["--first-token"]:
        print(json.dumps(first_token_s(Path(sys.argv[1]), LoadParams(threads=1))))
        return
    model, num_sequences, num_steps, context_length = sys.argv[1], *map(int, sys.argv[2:5])
    params = LoadParams(context_length=context_length, threads=1, sequences=num_sequences)
    print(json.dumps({"step_ns": cpu_ns_per_step(Path(model), num_sequences, num_steps, params)}))


if __name__ == "__main__":
    main()
