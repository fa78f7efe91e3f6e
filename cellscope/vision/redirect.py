"""`with redirected():` gradients pass a ReLU that blocks all of a picture's, so that a silent unit can be woken."""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor

from cellscope.vision.relu_mode import ReluMode

REDIRECTED = 16
"""Steps at the beginning in which a gradient that is blocked entirely is redirected (lucid)."""


class _Redirected(torch.autograd.Function):
    """ReLU whose gradient, where none of a picture's passes, is handed on where it pushes the input up."""

    @staticmethod
    def forward(ctx: Any, inputs: Tensor) -> Tensor:
        ctx.save_for_backward(inputs > 0)
        return inputs.clamp_min(0)

    @staticmethod
    def backward(ctx: Any, *gradients: Any) -> Any:
        (on,) = ctx.saved_tensors
        (gradient,) = gradients
        usual = gradient.where(on, 0)
        upwards = gradient.where(on | (gradient > 0), 0)  # gradients here ascend
        blocked = (usual.reshape(len(usual), -1) == 0).all(1).reshape(-1, *(1,) * (gradient.dim() - 1))
        return torch.where(blocked, upwards, usual)


class redirected(ReluMode):
    """Within, every ReLU, as a module or a function, redirects a gradient that it would block entirely, by picture.

    For objectives that are climbed. After lucid's `redirected_relu_grad`, which does so for 16 steps.
    """

    def relu(self, inputs: Tensor) -> Tensor:
        """The same numbers, and the redirected gradient."""
        made: Tensor = _Redirected.apply(inputs)  # type: ignore[no-untyped-call]
        return made
