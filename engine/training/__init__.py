"""Training of the built-in model: its data, its tokenizer, the model as it is trained, the loop.

Needs torch and tokenizers. The file that ships is made from a saved model by `engine.quantization.convert`.
"""
