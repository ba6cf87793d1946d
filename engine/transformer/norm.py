"""RMSNorm (arXiv:1910.07467, equation 4): divided by the root mean square, times a weight per channel."""

from dataclasses import dataclass

import torch.nn.functional as F
from torch import Tensor


@dataclass(frozen=True, slots=True)
class RmsNorm:
    """Normalizes the last dimension."""

    weight: Tensor  # (C,)
    eps: float

    def __call__(self, x: Tensor) -> Tensor:
        """(..., C) to (..., C)."""
        return F.rms_norm(x, self.weight.shape, self.weight, self.eps)  # (..., C)
