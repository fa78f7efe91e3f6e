"""An objective: what an optimised picture is to do to the network, one number a picture; objectives add and scale."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass

import torch
from torch import Tensor

from cellscope.axes import Site
from cellscope.errors import InputError


@dataclass(frozen=True)
class Heard:
    """What a batch did: the maps of sites, the class scores, and which target of the objective each picture has.

    `targets` int64 [picture] lies on the CPU; `together` neighbouring pictures share a target (several pictures of one
    unit).
    """

    maps: Mapping[Site, Tensor]
    logits: Tensor | None
    targets: Tensor
    together: int = 1

    def map(self, site: Site) -> Tensor:
        """[picture, channel, row, column]; a unit without places has 1 x 1."""
        seen = self.maps[site]
        return seen if seen.dim() == 4 else seen[:, :, None, None]

    def scores(self) -> Tensor:
        """Unnormalised class scores [picture, class]."""
        assert self.logits is not None
        return self.logits


@dataclass(frozen=True)
class Objective:
    """A number a picture, to be made large: `score(heard) -> [picture]`; `a + b`, `a - b`, `3 * a`, `a * b`, `-a`.

    names   one a target; the picture of target t is optimised for what `names[t]` says
    sites   what must be seen; `logits`: whether the class scores must be
    whole   targets are compared with one another, so that they stay in one batch
    """

    names: tuple[str, ...]
    score: Callable[[Heard], Tensor]
    sites: tuple[Site, ...] = ()
    logits: bool = False
    whole: bool = False

    def __add__(self, other: Objective | float) -> Objective:
        return _joined(self, other, torch.add, "+")

    __radd__ = __add__

    def __sub__(self, other: Objective | float) -> Objective:
        return _joined(self, other, torch.sub, "-")

    def __mul__(self, other: Objective | float) -> Objective:
        return _joined(self, other, torch.mul, "*")

    __rmul__ = __mul__

    def __neg__(self) -> Objective:
        return Objective(
            tuple(f"-{_bracket(n)}" for n in self.names),
            lambda heard: -self.score(heard),
            self.sites,
            self.logits,
            self.whole,
        )


def _joined(a: Objective, b: Objective | float, how: Callable[[Tensor, Tensor], Tensor], sign: str) -> Objective:
    if not isinstance(b, Objective):
        number = float(b)
        return Objective(
            tuple(f"{_bracket(n) if sign == '*' else n} {sign} {number:g}" for n in a.names),
            lambda heard: how(score := a.score(heard), torch.full_like(score, number)),
            a.sites,
            a.logits,
            a.whole,
        )
    counts = {len(a.names), len(b.names)} - {1}
    if len(counts) > 1:
        raise InputError(f"objectives of {len(a.names)} and of {len(b.names)} targets cannot be joined")
    right = b.names if sign == "+" else tuple(_bracket(n) for n in b.names)
    left = tuple(_bracket(n) for n in a.names) if sign == "*" else a.names
    count = counts.pop() if counts else 1
    return Objective(
        tuple(f"{left[t % len(left)]} {sign} {right[t % len(right)]}" for t in range(count)),
        lambda heard: how(a.score(heard), b.score(heard)),
        tuple(dict.fromkeys((*a.sites, *b.sites))),
        a.logits or b.logits,
        a.whole or b.whole,
    )


def _bracket(name: str) -> str:
    return f"({name})" if " " in name else name
