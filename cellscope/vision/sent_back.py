"""What deconvnet and guided backprop send back for many units at once: each picture is asked for a unit of its own.

One forward pass, left at the site of the units, serves both methods. `attribute` makes the same maps one unit at a
time, by captum.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from cellscope.axes import Site, Unit
from cellscope.errors import InputError
from cellscope.hooks.modules import watch
from cellscope.models.classifier import Classifier
from cellscope.vision.relu_mode import ReluMode
from cellscope.vision.relus import require_relu_rules
from cellscope.vision.target import aim_at, checked, largest

METHODS = ("deconvnet", "guided")

Maps = NDArray[np.float32]


def require_methods(classifier: Classifier, unit: Unit) -> None:
    """InputError where the ReLUs on the way to a unit cannot be reached (see `relus`)."""
    with aim_at(classifier, unit, "max") as aim:
        for method in METHODS:
            require_relu_rules(aim, classifier.example, method)


def sent_back(classifier: Classifier, inputs: Tensor, site: Site, units: Sequence[int]) -> dict[str, Maps]:
    """By method what reaches prepared pictures, float32 [picture, channel, row, column], from the maximum of unit
    `units[picture]` of a site, where it is 1.0.

    Ask `require_methods` first: a network whose ReLUs are out of reach gives plain gradients here.
    """
    asked = checked(classifier, inputs).clone().requires_grad_(True)
    rules = _Rules()
    with torch.enable_grad(), watch(classifier.module, [site], stop=True) as seen, rules:
        maps = seen.play(asked.clone())[site]
        total = largest(maps[torch.arange(len(maps)), list(units)]).sum()
    made = {}
    for method in METHODS:
        rules.method = method
        (gradient,) = torch.autograd.grad(total, asked, retain_graph=method != METHODS[-1])
        made[method] = gradient.float().cpu().numpy()
        if not np.isfinite(made[method]).all():
            raise InputError(f"{classifier.name} gives numbers that are not finite for {site}; no map can be made")
    return made


class _Rules(ReluMode):
    """Within, every ReLU is one that hands back by the rule of `method`, whatever that is when it hands back."""

    method = METHODS[0]

    def relu(self, inputs: Tensor) -> Tensor:
        """The same numbers, and the rule's gradient."""
        made: Tensor = _Ruled.apply(inputs, self)  # type: ignore[no-untyped-call]
        return made


class _Ruled(torch.autograd.Function):
    """ReLU that hands back what is positive: where it is on (guided), or everywhere (deconvnet)."""

    @staticmethod
    def forward(ctx: Any, inputs: Tensor, rules: _Rules) -> Tensor:
        ctx.save_for_backward(inputs > 0)
        ctx.rules = rules
        return inputs.clamp_min(0)

    @staticmethod
    def backward(ctx: Any, *gradients: Any) -> Any:
        (on,) = ctx.saved_tensors
        positive = gradients[0].clamp_min(0)
        return (positive * on if ctx.rules.method == "guided" else positive), None
