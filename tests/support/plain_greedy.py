"""The reference for greedy answers: llama.cpp's own functions, called as plainly as they can be.

Shares no code with the engine. Run as a process: a JSON object {"model", "prompts", "max_tokens"} on stdin,
a JSON list of {"pieces", "text", "margins"} on stdout: each token's bytes in hexadecimal, and how far
its logit lies before the next one's.
"""

import ctypes
import heapq
import json
import subprocess
import sys
from pathlib import Path
from typing import Any

from engine.contract.processes import child_environment


def reference_answers(model: Path, prompts: list[str], max_tokens: int) -> list[dict[str, Any]]:
    """Run the reference in a process of its own."""
    request = {"model": str(model), "prompts": prompts, "max_tokens": max_tokens}
    done = subprocess.run(
        [sys.executable, "-m", "tests.support.plain_greedy"],
        input=json.dumps(request).encode(),
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        env=child_environment(),
        check=True,
    )
    answers: list[dict[str, Any]] = json.loads(done.stdout)
    return answers


def answer(lib: Any, model: Any, prompt: str, max_tokens: int) -> dict[str, Any]:
    context = lib.llama_init_from_model(model, lib.llama_context_default_params())
    vocabulary = lib.llama_model_get_vocab(model)
    data = prompt.encode()
    buffer = (ctypes.c_int32 * (4 * len(data) + 16))()
    count = lib.llama_tokenize(vocabulary, data, len(data), buffer, len(buffer), True, True)
    prompt_tokens = (ctypes.c_int32 * count)(*buffer[:count])
    assert lib.llama_decode(context, lib.llama_batch_get_one(prompt_tokens, count)) == 0
    tokens: list[int] = []
    margins: list[float] = []
    pieces: list[bytes] = []
    text = b""
    vocabulary_size = lib.llama_vocab_n_tokens(vocabulary)
    while len(tokens) < max_tokens and count + len(tokens) < lib.llama_n_ctx(context):
        logits = lib.llama_get_logits_ith(context, -1)
        token, second = heapq.nlargest(2, range(vocabulary_size), key=logits.__getitem__)
        margins.append(logits[token] - logits[second])
        if lib.llama_vocab_is_eog(vocabulary, token):
            break
        tokens.append(token)
        piece = ctypes.create_string_buffer(256)
        length = lib.llama_token_to_piece(vocabulary, token, piece, 256, 0, False)
        text += piece.raw[:length]
        length = lib.llama_token_to_piece(vocabulary, token, piece, 256, 0, True)
        pieces.append(piece.raw[:length])
        one = (ctypes.c_int32 * 1)(token)
        assert lib.llama_decode(context, lib.llama_batch_get_one(one, 1)) == 0
    lib.llama_free(context)
    return {
        "pieces": [piece.hex() for piece in pieces],
        "text": text.decode(errors="replace"),
        "margins": margins,
    }


def main() -> None:
    import llama_cpp.llama_cpp as lib  # noqa: PLC0415  (only this process needs it)

    request = json.load(sys.stdin)
    lib.llama_backend_init()
    model = lib.llama_model_load_from_file(request["model"].encode(), lib.llama_model_default_params())
    answers = [answer(lib, model, prompt, request["max_tokens"]) for prompt in request["prompts"]]
    print(json.dumps(answers))


if __name__ == "__main__":
    main()
