"""Components of what a module puts out as a module of their own: whatever looks at modules looks at them unchanged."""

from __future__ import annotations

from typing import Any

import torch
from numpy.typing import NDArray
from torch import Tensor, nn
from torch.nn import functional

from cellscope.axes import Site
from cellscope.errors import InputError

ALIKE = 0.01
"""Directions of unit length depend on one another where a singular value is below this share of the largest."""
ROUNDING = 1e-5
"""A component is edited where it changes by more than this share of its largest value."""


class Components(nn.Module):
    """Component j of an output a is a @ directions[:, j] + offset[j], or 0 where that is below it and `rectified`.

    It is handed the components [picture, component, ..] and hands them on, so hooks hear them and edit them as what any
    module puts out. An edit moves the output a as little as it takes to have the components so; rectified ones each by
    its own way, as if it were the only one.
    """

    def __init__(self, directions: NDArray[Any], offset: NDArray[Any], *, rectified: bool = False) -> None:
        super().__init__()
        self.directions: Tensor
        self.offset: Tensor
        self.register_buffer("directions", torch.from_numpy(directions).float())
        self.register_buffer("offset", torch.from_numpy(offset).float())
        self.rectified = rectified

    def forward(self, told: Tensor) -> Tensor:
        return told

    def told(self, output: Tensor) -> Tensor:
        """The output of maps [picture, unit, row, column], or units [picture, unit], once its components were told."""
        weight, offset = self.directions.T.to(output.dtype), self.offset.to(output.dtype)
        # Of a copy where gradients flow, because an in-place ReLU after it rewrites what backward would look up.
        own = output.clone() if output.requires_grad else output
        plain = (
            functional.linear(own, weight, offset)
            if output.dim() == 2
            else functional.conv2d(own, weight[:, :, None, None], offset)
        )
        made = plain * (plain > 0) if self.rectified else plain  # by no ReLU, which would have rules of its own
        heard = self(made)
        if heard is made:
            return output
        largest = made.transpose(0, 1).flatten(1).abs().amax(1)
        changed = (heard - made).abs() > ROUNDING * largest.reshape(-1, *(1,) * (made.dim() - 2))
        return output + self._back(torch.where(changed, heard - plain, 0))

    def _back(self, change: Tensor) -> Tensor:
        """What moves the output so that its components change by so much, those alone that change anywhere.

        Of directions that nearly depend on one another (see ALIKE) not each can be held: the way would be endless.
        """
        some = change.transpose(0, 1).flatten(1).abs().amax(1) > 0
        directions = self.directions[:, some]
        size = directions.norm(dim=0).clamp_min(torch.finfo(directions.dtype).tiny)
        each = directions / size
        back = (each if self.rectified else torch.linalg.pinv(each.T, rtol=ALIKE)) / size
        return torch.einsum("uc,pc...->pu...", back.to(change.dtype), change[:, some])


class _Told:
    """The hook of the module whose output has components: it tells them in the `call`-th of its calls in a pass.

    An object and no closure, so that a copy of the network has a hook of its own.
    """

    def __init__(self, components: Components, call: int) -> None:
        self.components, self.call, self.calls = components, call, 0

    def begin(self, *_: Any) -> None:
        self.calls = 0

    def __call__(self, module: nn.Module, inputs: Any, output: Tensor) -> Tensor | None:
        self.calls += 1
        if self.calls != self.call:
            return None
        told = self.components.told(output)
        return None if told is output else told


def place_for(model: nn.Module, site: Site, name: str) -> tuple[nn.Module, str]:
    """The module whose output has components, and what their module is called in it; InputError where it is a block of
    modules, or has something of that name.
    """
    module = dict(model.named_modules()).get(site.path, model)
    if any(not isinstance(child, Components) for child in module.children()):
        raise InputError(f"{site} is a block of modules; components are made of what one of them puts out")
    own = f"{name}@{site.stream}" if site.stream else name
    if hasattr(module, own):
        raise InputError(f"{site} has something called {own} already; components of it cannot be called so")
    return module, own


def add_components(model: nn.Module, site: Site, components: Components, name: str) -> Site:
    """Put components into a model, as `features.6.pca` (of the second call of relu: `relu.pca@2`); their site.

    Their module is a child of the one whose output they are of, see `place_for`.
    """
    module, own = place_for(model, site, name)
    told = _Told(components, int(site.stream or 1))
    module.add_module(own, components)
    model.register_forward_pre_hook(told.begin)
    module.register_forward_hook(told)
    return Site(own if module is model else f"{site.path}.{own}")
