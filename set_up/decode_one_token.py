"""Load llama.cpp's library and decode one token with a model: `decode_one_token.py MODEL`.

Run as a process of its own, because a library made for another CPU doesn't fail: it kills its process.
"""

from __future__ import annotations

import ctypes
import math
import sys
from pathlib import Path

import llama_cpp


def decode_one_token(model_path: Path) -> None:
    """Decode one token and raise unless finite logits come out."""
    llama_cpp.llama_backend_init()
    silent = llama_cpp.llama_log_callback(lambda _level, _text, _data: None)
    llama_cpp.llama_log_set(silent, ctypes.c_void_p(0))
    model_params = llama_cpp.llama_model_default_params()
    model_params.n_gpu_layers = 0
    model = llama_cpp.llama_model_load_from_file(str(model_path).encode(), model_params)
    if not model:
        raise SystemExit(f"{model_path.name} could not be loaded")
    context_params = llama_cpp.llama_context_default_params()
    context_params.n_ctx, context_params.n_batch, context_params.n_threads = 64, 8, 2
    context = llama_cpp.llama_init_from_model(model, context_params)
    if not context:
        raise SystemExit("no context could be made")
    token_ids = (llama_cpp.llama_token * 1)(1)
    status = llama_cpp.llama_decode(context, llama_cpp.llama_batch_get_one(token_ids, 1))
    logits = llama_cpp.llama_get_logits_ith(context, -1)
    vocabulary_size = llama_cpp.llama_vocab_n_tokens(llama_cpp.llama_model_get_vocab(model))
    if status != 0 or not all(math.isfinite(logits[i]) for i in range(vocabulary_size)):
        raise SystemExit(f"decoding one token gave status {status}")
    llama_cpp.llama_free(context)
    llama_cpp.llama_model_free(model)


if __name__ == "__main__":
    if Path(sys.argv[1]).exists():  # a clone always has it; without it, that the library loads has to do
        decode_one_token(Path(sys.argv[1]))
    else:
        llama_cpp.llama_backend_init()
    print("decoded")
