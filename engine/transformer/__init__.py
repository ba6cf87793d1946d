"""The torch engine, written to be read: decoder-only transformers with MLA, experts and MTP.

Start at `model`, which is the whole; each other file is one idea of it. Letters of shapes, used everywhere:
T new tokens, S positions in the KV cache with the new ones, C hidden size, V vocabulary, H heads, G key-value
heads, D head size; in MLA R rank of the latent, N and P the parts of a head without and with position;
E experts, K experts per token, F inner size; W values of one cached row.
"""
