"""Training of the built-in model: the data, the tokenizer, the loop and the export to GGUF.

The only part of the engine, beside the torch engine, that may import torch and transformers.
"""
