"""`with redirected():` gradients pass a ReLU that blocks all of a picture's, so that a silent unit can be woken."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

import torch
from torch import Tensor
from torch.overrides import TorchFunctionMode

RELUS = {
    torch.nn.functional.relu,
    torch.nn.functional.relu_,
    torch.relu,
    torch.relu_,
    Tensor.relu,
    Tensor.relu_,
}

REDIRECTED = 16
"""Steps at the beginning in which a gradient that is blocked entirely is redirected (lucid)."""


class _Redirected(torch.autograd.Function):
    """ReLU whose gradient, where none of a picture's passes, is handed on where it pushes the input up."""

    @staticmethod
    def forward(ctx: Any, inputs: Tensor) -> Tensor:
        ctx.save_for_backward(inputs)
        return inputs.clamp_min(0)

    @staticmethod
    def backward(ctx: Any, *gradients: Any) -> Any:
        (inputs,) = ctx.saved_tensors
        (gradient,) = gradients
        usual = gradient.where(inputs > 0, 0)
        upwards = gradient.where((inputs > 0) | (gradient > 0), 0)  # gradients here ascend
        blocked = (usual.reshape(len(usual), -1) == 0).all(1).reshape(-1, *(1,) * (gradient.dim() - 1))
        return torch.where(blocked, upwards, usual)


class redirected(TorchFunctionMode):
    """Within, every ReLU, as a module or a function, redirects a gradient that it would block entirely, by picture.

    The model is left as it is: calls are caught, not modules. For objectives that are climbed. After lucid's
    `redirected_relu_grad`, which does so for 16 steps.
    """

    def __torch_function__(
        self, func: Any, types: Iterable[Any], args: tuple[Any, ...] = (), kwargs: Mapping[str, Any] | None = None
    ) -> Any:
        if func in RELUS:
            inputs = args[0] if args else (kwargs or {})["input"]
            return _Redirected.apply(inputs)  # type: ignore[no-untyped-call]
        return func(*args, **(kwargs or {}))
