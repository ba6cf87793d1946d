"""What a token of llama.cpp's vocabulary stands for."""

import ctypes
from typing import Any


def read_piece(library: Any, vocabulary: Any, token: int, *, special: bool) -> bytes:
    """The bytes of a token; control tokens have none unless `special` is set."""
    size = 64
    while True:
        buffer = ctypes.create_string_buffer(size)
        length = library.llama_token_to_piece(vocabulary, token, buffer, size, 0, special)
        if length >= 0:
            return buffer.raw[:length]
        size = -length
