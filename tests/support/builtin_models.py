"""The built-in model in eight bits: the same weights as the file that ships, which has fewer.

For tests that take bits away, and for those that ask for exactly the tokens of a plain loop: with fewer bits
llama.cpp's rounding, which depends on how many tokens are computed at once, is larger
(docs/decisions/0026-the-builtin-model-ships-in-four-bits.md). The shipped file is the fixture `builtin`.
"""

from pathlib import Path

BUILTIN_Q8_0 = Path(__file__).resolve().parents[1] / "data" / "builtin-Q8_0.gguf"
