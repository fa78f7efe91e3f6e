"""`with replay(model, sites) as rest`: run a batch up to the first site once, and what lies behind it many times."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

import torch
from torch import Tensor, nn

from cellscope.axes import Site
from cellscope.errors import not_found
from cellscope.hooks.component_layers import Components
from cellscope.hooks.modules import Enough, evaluating

FEW = 4
"""Pictures on which the short way is compared with the long one."""


@dataclass(eq=False)
class _Call:
    """One call of a module; `closed` once it has answered, `wanted` where a site's module fired within."""

    module: nn.Module
    parent: _Call | None
    output: Any = None
    closed: bool = False
    wanted: bool = False
    inner: list[_Call] = field(default_factory=list)

    def outermost(self) -> Iterator[_Call]:
        """The answered calls that no other answered call contains, in order."""
        if self.closed and not self.wanted:
            yield self
            return
        for call in self.inner:
            yield from call.outermost()
        if self.closed and not self.inner:
            yield self


class Rest:
    """What lies behind the first of `sites` to fire: `hear(inputs)`, then `rest()` as often as wanted.

    Modules that answered before that site give their recorded answer again instead of computing it; everything else is
    run, hooks included, so edits of `watch` at the sites take effect. The first few pictures are also run in full:
    where the two answers differ (something rewrites recorded values in place, a hook of the user's changes an answer
    twice), every run is a full one, which is slow and right. `shortened` says which of the two it is.
    """

    def __init__(self, model: nn.Module, sites: Iterable[Site]) -> None:
        modules = dict(model.named_modules())
        self._sites = tuple(sites)
        for site in self._sites:
            if site.path not in modules:
                raise not_found("site", str(site), [path for path in modules if path])
        self._model, self._modules = model, modules
        self._inputs: Tensor | None = None
        self._tape: dict[nn.Module, list[Any]] = {}
        self._ends: list[Tensor] = []
        self.shortened = True
        self._checked = False

    @torch.no_grad()
    def hear(self, inputs: Tensor) -> None:
        """Take a batch of prepared pictures and run it up to the first site; no edit may be in force."""
        if not self._checked:
            self._checked = True
            self._inputs = inputs[:FEW]
            self._record(self._inputs)
            self.shortened = self._agrees(self._inputs)
            self._tape.clear()
        self._inputs = inputs
        if self.shortened:
            self._record(inputs)

    @torch.no_grad()
    def __call__(self) -> Any:
        """What the model answers to the batch, under the edits that are now in force."""
        if not self.shortened:
            return self._model(self._inputs)
        with self._stubs():
            return self._model(self._inputs)

    def _record(self, inputs: Tensor) -> None:
        root = _Call(self._model, None)
        now, count = root, dict.fromkeys(self._modules.values(), 0)
        paths = {self._modules[site.path] for site in self._sites}
        ends = {(self._modules[s.path], int(s.stream) if s.stream.isdigit() else 1) for s in self._sites}

        def begin(module: nn.Module, *_: Any) -> None:
            nonlocal now
            call = _Call(module, now)
            now.inner.append(call)
            now = call

        def end(module: nn.Module, _: Any, output: Any) -> None:
            nonlocal now
            count[module] += 1
            now.output, now.closed = output, True
            now.wanted = module in paths or any(call.wanted for call in now.inner)
            now.inner = now.inner if now.wanted else []
            now = now.parent or root
            if (module, count[module]) in ends:
                raise Enough

        own = [m for m in self._modules.values() if m is not self._model]
        handles = [m.register_forward_pre_hook(begin) for m in own] + [m.register_forward_hook(end) for m in own]
        try:
            self._model(inputs)
        except Enough:
            pass
        finally:
            for handle in handles:
                handle.remove()
        self._tape = {}
        answered = list(root.outermost())
        for call in answered:
            self._tape.setdefault(call.module, []).append(call.output)
        # What is handed to a module that is run again: that of components is run with them.
        inside = bool(answered) and isinstance(answered[-1].module, Components)
        self._ends = [c.output for c in answered[-2 if inside else -1 :] if isinstance(c.output, Tensor)]

    def _agrees(self, inputs: Tensor) -> bool:
        """Whether the short way gives what the long way gives, and leaves what was recorded alone."""
        kept = [x for outputs in self._tape.values() for x in outputs if isinstance(x, Tensor)]
        before = [x._version for x in kept]
        short, full = _tensors(self()), _tensors(self._model(inputs))
        same = len(short) == len(full) and all(
            a.shape == b.shape and torch.allclose(a, b, rtol=1e-4, atol=1e-5, equal_nan=True)
            for a, b in zip(short, full, strict=True)
        )
        return same and before == [x._version for x in kept]

    @contextmanager
    def _stubs(self) -> Iterator[None]:
        """Recorded answers in place of `forward`, for the time of one run."""
        before = {module: module.__dict__.get("forward") for module in self._tape}
        for module, outputs in self._tape.items():
            module.__dict__["forward"] = self._stub(module.forward, outputs)
        try:
            yield
        finally:
            for module, forward in before.items():
                if forward is None:
                    del module.__dict__["forward"]
                else:
                    module.__dict__["forward"] = forward

    def _stub(self, forward: Callable[..., Any], outputs: list[Any]) -> Callable[..., Any]:
        calls = iter(outputs)
        ends = {id(end) for end in self._ends}

        def answer(*inputs: Any, **more: Any) -> Any:
            for output in calls:
                return output.clone() if id(output) in ends else output  # what follows may write there
            return forward(*inputs, **more)

        return answer


@contextmanager
def replay(model: nn.Module, sites: Iterable[Site]) -> Iterator[Rest]:
    """A `Rest` of the model, in eval mode for the time of the `with`."""
    rest = Rest(model, sites)
    with evaluating(model):
        try:
            yield rest
        finally:
            rest._tape.clear()
            rest._inputs = None
            rest._ends.clear()


def _tensors(answer: Any) -> list[Tensor]:
    if isinstance(answer, Tensor):
        return [answer]
    parts = answer.values() if isinstance(answer, dict) else answer if isinstance(answer, (tuple, list)) else ()
    return [part for part in parts if isinstance(part, Tensor)]
