"""What a model is made of, in numbers alone: enough to say what it takes in memory, and small on the wire.

Made from headers by `engine.library.model_shape`, of a file here or of a remote one. The weights are summed
by layer, part and type, so that a header of any length makes a short message.
"""

from typing import Literal

import msgspec

from engine.contract.model_info import ModelFormat

OUTSIDE = -1  # the layer of what stands outside the layers: embedding, last norm, output

WeightPart = Literal["embedding", "output", "dense", "expert", "mtp"]


class Weights(msgspec.Struct, frozen=True, array_like=True):
    """The weights of one layer that serve the same purpose and have the same type."""

    layer: int  # OUTSIDE for what is in no layer
    part: WeightPart
    type: str  # of the tensors: "Q4_K", "BF16"
    num_values: int
    size_bytes: int  # as the file has them


class ModelShape(msgspec.Struct, frozen=True, kw_only=True):
    """Sizes of a model. `numbers` are named as in GGUF, without the architecture before them."""

    name: str
    format: ModelFormat
    architecture: str
    numbers: dict[str, int | tuple[int, ...]]  # several where layers differ: "attention.head_count_kv"
    weights: tuple[Weights, ...]
    vocabulary_size: int
    tied_output_bytes: int = 0  # of the embedding, where it is the output layer too
    projector_bytes: int = 0  # of the file beside it that reads pictures

    def number(self, *names: str) -> int:
        """The first of these that is there, else 0; of several numbers the largest."""
        for name in names:
            value = self.numbers.get(name)
            if value is not None:
                return max(value, default=0) if isinstance(value, tuple) else value
        return 0

    def number_of_layer(self, name: str, layer: int) -> int:
        """The same for one layer, where layers may differ."""
        value = self.numbers.get(name, 0)
        if isinstance(value, tuple):
            return value[layer] if layer < len(value) else 0
        return value

    @property
    def num_layers(self) -> int:
        """Layers that decode: without those of the MTP head."""
        return max(0, self.number("block_count") - self.number("nextn_predict_layers"))

    @property
    def num_values(self) -> int:
        """All weights."""
        return sum(group.num_values for group in self.weights)

    def weight_bytes(self, *parts: WeightPart) -> int:
        """Bytes of the weights of these parts, all of them where none is named."""
        return sum(group.size_bytes for group in self.weights if not parts or group.part in parts)
