"""`with watch(model, sites) as seen: model(pictures)`: what modules put out; no trace is left behind."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import contextmanager
from typing import Any

import torch
from torch import Tensor, nn

from cellscope.axes import Site
from cellscope.errors import CellscopeError, not_found

Edit = Callable[[Tensor], Tensor]
"""Takes the place of what a site puts out: [picture, channel, row, column] or [picture, unit]."""


WHOLE = "model"
"""The path of a model that is one module and has none inside; it has no name of its own."""


class Enough(Exception):
    """Raised inside a forward pass once every asked site has spoken; `Seen.play` swallows it."""


class Seen:
    """What was seen in the last pass: `seen[site]` is [picture, channel, row, column] or [picture, unit], a copy."""

    def __init__(
        self, model: nn.Module, sites: tuple[Site, ...], keep: Edit | Mapping[Site, Edit], *, stop: bool
    ) -> None:
        self.sites = sites
        self._model, self._keep, self._stop = model, keep, stop
        self._values: dict[Site, Tensor] = {}
        self._calls: dict[str, int] = {}

    def __getitem__(self, site: Site | str) -> Tensor:
        site = Site.parse(site) if isinstance(site, str) else site
        if site not in self._values:
            known = ", ".join(map(str, self._values)) or "no sites yet"
            raise CellscopeError(f"{site} was not seen; seen were {known}")
        return self._values[site]

    def play(self, inputs: Tensor) -> dict[Site, Tensor]:
        """Run the model as far as needed; what was seen, by site."""
        try:
            self._model(inputs)
        except Enough:
            pass
        return {site: self[site] for site in self.sites}

    def _begin(self, *_: Any) -> None:
        self._values.clear()
        self._calls.clear()

    def _hook(self, path: str, edits: Mapping[Site, Edit]) -> Any:
        asked = {site for site in self.sites if site.path == path} | {site for site in edits if site.path == path}

        def hook(module: nn.Module, inputs: Any, output: Any) -> Any:
            self._calls[path] = self._calls.get(path, 0) + 1
            here = [s for s in asked if s.stream in ("", str(self._calls[path]))]
            if any(s.stream == "" for s in here) and self._calls[path] > 1:
                raise CellscopeError(
                    f"{path} fires more than once in a forward pass; say which time: {path}:1, {path}:2 ..."
                )
            changed = output
            for site in here:
                if not isinstance(output, Tensor):
                    raise CellscopeError(f"{site} puts out a {type(output).__name__}, not one tensor")
                if site in edits:
                    changed = edits[site](changed)
                if site in self.sites:
                    keep = self._keep[site] if isinstance(self._keep, Mapping) else self._keep
                    self._values[site] = keep(changed)
            if self._stop and len(self._values) == len(self.sites):
                raise Enough
            return None if changed is output else changed

        return hook


@contextmanager
def watch(
    model: nn.Module,
    sites: Iterable[Site | str],
    *,
    edits: Mapping[Site, Edit] | None = None,
    keep: Edit | Mapping[Site, Edit] = torch.clone,
    stop: bool = False,
) -> Iterator[Seen]:
    """See `sites` of the model for the time of the `with`, in eval mode; afterwards it holds no hook and no reference.

    A copy is kept of what is seen, because an in-place ReLU rewrites it; gradients flow through the copy. Another
    `keep`, or one for each site, may keep less. `edits` change what a site hands on, before it is seen. With `stop`,
    `play` leaves the pass once every site has spoken. A module that fires twice in a pass is two sites,
    `path:1` and `path:2`.
    """
    chosen = tuple(Site.parse(s) if isinstance(s, str) else s for s in sites)
    edits = dict(edits or {})
    modules = dict(model.named_modules())
    modules.setdefault(WHOLE, model)
    for site in (*chosen, *edits):
        if site.path not in modules:
            raise not_found("site", str(site), [path for path in modules if path])
    seen = Seen(model, chosen, keep, stop=stop)
    handles = [model.register_forward_pre_hook(seen._begin)]
    try:
        paths = dict.fromkeys(site.path for site in (*chosen, *edits))
        handles += [modules[path].register_forward_hook(seen._hook(path, edits)) for path in paths]
        with evaluating(model):
            yield seen
    finally:
        for handle in handles:
            handle.remove()
        seen._keep = torch.clone


@contextmanager
def evaluating(model: nn.Module) -> Iterator[nn.Module]:
    """Eval mode within, so that dropout and batch statistics stand still; every module's own flag afterwards."""
    training = {module: module.training for module in model.modules()}
    try:
        yield model.eval()
    finally:
        for module, flag in training.items():
            module.training = flag


def quick_layout(model: nn.Module, answer: Callable[[Tensor], Tensor], inputs: Tensor) -> torch.memory_format:
    """Channels last where `model` answers alike in it, in eval mode: its convolutions are then a third quicker.

    A network that cannot take it (a `view` on its maps), or answers otherwise, gets its pictures as usual.
    """
    if inputs.dim() != 4:
        return torch.contiguous_format
    with evaluating(model), torch.no_grad():
        try:
            quick = answer(inputs.contiguous(memory_format=torch.channels_last))
        except RuntimeError:
            return torch.contiguous_format
        same = torch.allclose(quick, answer(inputs.contiguous()), rtol=1e-4, atol=1e-5)
    return torch.channels_last if same else torch.contiguous_format
