"""What can be seen in a network for pictures: which modules put out maps or units, and how large."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor, nn

from cellscope.axes import Site, Unit
from cellscope.errors import InputError, not_found
from cellscope.hooks.component_layers import Components
from cellscope.hooks.features_last import FeaturesLast
from cellscope.hooks.modules import WHOLE, evaluating


@dataclass(frozen=True)
class Outlet:
    """A site that can be seen: `shape` is (channel, row, column), or (unit,) where there are no places."""

    site: Site
    shape: tuple[int, ...]
    kind: str

    @property
    def units(self) -> int:
        """Its channels, or units."""
        return self.shape[0]

    @property
    def grid(self) -> tuple[int, int]:
        """Rows and columns of its map; 1 x 1 where there are no places."""
        return (self.shape[1], self.shape[2]) if len(self.shape) == 3 else (1, 1)


def outlets(model: nn.Module, example: Tensor, named: Iterable[str] = ()) -> tuple[Outlet, ...]:
    """Every module that puts out maps or units when the model sees `example` [picture, ..], in the order of firing.

    Containers (`layer4`) say what the last module in them says, so they are left out unless they are `named`; and so is
    what merely hands on (Dropout, Identity, Flatten). Outputs of other shapes, or with the features on the last axis,
    are no outlets at all.
    """
    asked = {Site.parse(name).path for name in named}
    found: list[tuple[str, int, Tensor, str]] = []
    calls: dict[str, int] = {}
    last = FeaturesLast()

    def hook(path: str) -> Any:
        def heard(module: nn.Module, inputs: Any, output: Any) -> None:
            if isinstance(output, Tensor) and output.dim() in (2, 4) and len(output) == len(example):
                calls[path] = calls.get(path, 0) + 1
                found.append((path, calls[path], output, type(module).__name__))

        return heard

    handles = [
        module.register_forward_hook(hook(path))
        for path, module in model.named_modules()
        if path in asked or _is_leaf(module)
    ]
    handles += [module.register_forward_hook(last.hook) for module in model.modules()]
    try:
        with evaluating(model), torch.no_grad():
            model(example)
    finally:
        for handle in handles:
            handle.remove()
    turned = last.outputs()
    return tuple(
        Outlet(Site(path or WHOLE, str(call) if calls[path] > 1 else ""), tuple(output.shape[1:]), kind)
        for path, call, output, kind in found
        if id(output) not in turned
    )


def _is_leaf(module: nn.Module) -> bool:
    hands_on = isinstance(module, (nn.Dropout, nn.Dropout2d, nn.Identity, nn.Flatten))
    return not hands_on and all(isinstance(child, Components) for child in module.children())


def choose_outlets(model: nn.Module, example: Tensor, asked: Iterable[str | Site] = ()) -> tuple[Outlet, ...]:
    """The outlets of these addresses, all that can be seen by default; MissingError lists what there is."""
    names = [str(name) for name in asked]
    there = {str(outlet.site): outlet for outlet in outlets(model, example, names)}
    if not there:
        raise InputError("no module of this network puts out maps or units that could be seen")
    for name in names:
        if name not in there:
            raise not_found("site", name, list(there))
    return tuple(there[name] for name in names or there)


def require_units(model: nn.Module, example: Tensor, units: Iterable[Unit]) -> dict[Site, Outlet]:
    """The outlets of these units' sites; MissingError for a site, InputError for a number, that is not there."""
    asked = tuple(units)
    sites = tuple(dict.fromkeys(unit.site for unit in asked))
    chosen = dict(zip(sites, choose_outlets(model, example, sites) if sites else (), strict=True))
    for unit in asked:
        count = chosen[unit.site].units
        if not 0 <= unit.index < count:
            raise InputError(f"no unit {unit.index} in {unit.site}; it has 0 to {count - 1}")
    return chosen


def ends_of_blocks(model: nn.Module, known: Iterable[Outlet]) -> tuple[Outlet, ...]:
    """Of all outlets of a model, in the order of firing, what each layer of weights hands on to the next one: after its
    norm, ReLU and pooling, which say nearly what it says itself.

    The class scores at the end are left out, unless there is nothing else; all outlets where no module has weights.
    """
    modules, fired = {WHOLE: model} | dict(model.named_modules()), tuple(known)

    def weighs(module: nn.Module) -> bool:
        own = module.parameters(recurse=False)
        return not isinstance(module, nn.LayerNorm) and any(weight.dim() > 1 for weight in own)

    begins = [k for k, outlet in enumerate(fired) if weighs(modules[outlet.site.path])]
    return tuple(fired[begin - 1] for begin in begins[1:]) or fired
