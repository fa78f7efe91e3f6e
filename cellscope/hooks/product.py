"""The recurrent product, hidden @ weight, with the weight laid out once for the thousands of times that it is used."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import torch
from torch import Tensor


def repeated_product(weight: Tensor, lanes: int) -> Callable[[Tensor], np.ndarray]:
    """A function from hidden [lane, unit] to hidden @ weight [lane, gate x unit], both float32 on a CPU; the result is
    valid until the next call.

    oneDNN keeps the weight in the order in which its kernel reads it, which a plain product has to restore every time;
    torch has that only among the operators of its compiler, so where they are missing the plain product is taken.
    """
    operators = torch.ops.mkldnn
    if torch._C._has_mkldnn and hasattr(operators, "_linear_pointwise"):
        packed = operators._reorder_linear_weight(weight.T.contiguous(), lanes)

        def laid_out(hidden: Tensor) -> np.ndarray:
            product: Tensor = operators._linear_pointwise(hidden, packed, None, "none", [], "")
            return product.numpy()

        return laid_out
    out = weight.new_empty(lanes, weight.shape[1])

    def plain(hidden: Tensor) -> np.ndarray:
        return torch.mm(hidden, weight, out=out).numpy()

    return plain
