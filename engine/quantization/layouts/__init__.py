"""Which tensors of a checkpoint become which of a GGUF file: one file per layout, `registry` lists them."""
