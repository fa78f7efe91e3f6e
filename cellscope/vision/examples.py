"""Dataset examples: for every unit the pictures in which its maximum is greatest, least, and nine at random.

A picture counts once for a unit, by the greatest value anywhere in its map, as in the Deep Visualization Toolbox
(Yosinski et al. 2015) and Network Dissection. One pass over the pictures, whatever the number of sites.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field, replace

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from cellscope.axes import Progress, Site
from cellscope.data.images import ImageSet
from cellscope.errors import InputError
from cellscope.hooks.modules import Edit, quick_layout, watch
from cellscope.hooks.outlets import Outlet, choose_outlets
from cellscope.models.classifier import Classifier
from cellscope.sinks.extremes import Extremes

Integers = NDArray[np.int64]
BATCH = 64
LARGEST = 1 << 22
"""Numbers of maps that are copied at a time to look for places."""


@dataclass(frozen=True, eq=False)
class Kept:
    """Pictures of every unit: their numbers [unit, k], the row and column of the maximum [unit, k, 2], its value."""

    pictures: Integers
    places: Integers
    values: NDArray[np.float32]


@dataclass(frozen=True, eq=False)
class Examples:
    """What one site's units were seen to do in `seen` pictures; `k` are kept, or as many as there are.

    top     the pictures with the greatest maximum, best first; of equal ones the lower number first
    bottom  those with the least maximum, least first
    random  the same pictures for all units, drawn from `seed`, in the order of their numbers
    active  in how many pictures the maximum was above 0, [unit]
    """

    site: Site
    grid: tuple[int, int]
    top: Kept
    bottom: Kept
    random: Kept
    active: Integers
    seen: int
    k: int
    seed: int

    @property
    def dead(self) -> tuple[int, ...]:
        """Units whose maximum is the same in every picture, so that no picture is an example of anything."""
        constant = self.top.values[:, 0] == self.bottom.values[:, 0]
        return tuple(np.flatnonzero(constant).tolist()) if self.seen > 1 else ()

    def kept(self, which: str) -> Kept:
        """top, bottom or random, by name."""
        if which not in WHICH:
            raise InputError(f"no examples called {which!r}; there is {', '.join(WHICH)}")
        found: Kept = getattr(self, which)
        return found


WHICH = ("top", "bottom", "random")


@dataclass
class Listener:
    """Takes the maps of one site, batch after batch, and keeps the extremes of every unit."""

    outlet: Outlet
    k: int
    random: Integers
    top: Extremes = field(init=False)
    bottom: Extremes = field(init=False)
    active: Integers = field(init=False)
    drawn: list[tuple[NDArray[np.float32], Integers]] = field(default_factory=list)
    at: int = 0

    def __post_init__(self) -> None:
        self.top, self.bottom = (Extremes(self.outlet.units, self.k, least=least) for least in (False, True))
        self.active = np.zeros(self.outlet.units, np.int64)

    def __call__(self, maps: Tensor) -> Tensor:
        """Of maps [picture, unit, ..] only the maxima [picture, unit] are handed on."""
        flat = maps.detach().flatten(2) if maps.dim() > 2 else maps.detach()[:, :, None]
        best = _greatest(maps)
        values = best.float().cpu().numpy()
        if not np.isfinite(values).all():
            picture, unit = (int(n[0]) for n in np.nonzero(~np.isfinite(values)))
            raise InputError(f"{self.outlet.site}/{unit} is {values[picture, unit]} on picture {self.at + picture}")
        low, high = np.searchsorted(self.random, [self.at, self.at + len(values)])
        drawn = self.random[low:high] - self.at
        wanted = self.top.enters(values) | self.bottom.enters(values)
        wanted[drawn] = True
        pictures, units = np.nonzero(wanted)
        where = np.full(values.shape, -1, np.int64)
        where[wanted] = _places(flat, pictures, units)
        offered = values[wanted], units, pictures + self.at, where[wanted]
        self.top.add(*offered)
        self.bottom.add(*offered)
        self.drawn.append((values[drawn], where[drawn]))
        self.active += (values > 0).sum(0)
        self.at += len(values)
        return best

    def close(self, start: int, seed: int) -> Examples:
        """What was kept since picture `start`."""
        top, bottom = (self._kept(e.pictures, e.places, e.values, self.at - start) for e in (self.top, self.bottom))
        values, places = (np.concatenate([part[k] for part in self.drawn]).T for k in (0, 1))
        inside = self.random[(self.random >= start) & (self.random < self.at)]
        random = self._kept(np.tile(inside, (len(places), 1)), places, values, self.at - start)
        outlet = self.outlet
        return Examples(outlet.site, outlet.grid, top, bottom, random, self.active, self.at - start, self.k, seed)

    def _kept(self, pictures: Integers, places: Integers, values: NDArray[np.float32], seen: int) -> Kept:
        there = slice(0, min(self.k, seen))
        rows = np.stack(np.divmod(places[:, there], self.outlet.grid[1]), -1)
        return Kept(pictures[:, there], rows, values[:, there])


def _greatest(maps: Tensor) -> Tensor:
    """The maxima [picture, unit] of maps [picture, unit, ..]."""
    if maps.dim() == 4 and not maps.is_contiguous():
        # With channels last, `amax` takes many times as long where there are few of them.
        return torch.nn.functional.adaptive_max_pool2d(maps.detach(), 1).flatten(1)
    return maps.detach().flatten(2).amax(-1) if maps.dim() > 2 else maps.detach()


def _places(flat: Tensor, pictures: Integers, units: Integers) -> Integers:
    """Where the maxima of these pictures and units lie: the first of equal ones, row after row."""
    if flat.shape[2] == 1 or not len(pictures):
        return np.zeros(len(pictures), np.int64)
    at_once = max(1, LARGEST // flat.shape[2])
    parts = [slice(at, at + at_once) for at in range(0, len(pictures), at_once)]
    rows, columns = torch.from_numpy(pictures).to(flat.device), torch.from_numpy(units).to(flat.device)
    found: Integers = torch.cat([flat[rows[part], columns[part]].argmax(-1) for part in parts]).cpu().numpy()
    return found


def examples(
    classifier: Classifier,
    images: ImageSet,
    sites: Iterable[str | Site] = (),
    *,
    k: int = 9,
    seed: int = 0,
    batch: int = BATCH,
    part: range | None = None,
    progress: Progress | None = None,
) -> dict[Site, Examples]:
    """Top, bottom and random pictures of every unit of `sites` (default: all that can be seen), in one pass.

    `part` (first and last picture) looks at a stretch of the pictures only; `merged` joins what came of several.
    """
    stretch = part if part is not None else range(len(images))
    if k < 1 or batch < 1 or not len(stretch) or stretch[0] < 0 or stretch[-1] >= len(images) or stretch.step != 1:
        raise InputError(f"{k} examples in batches of {batch} from {stretch} of {len(images)} pictures: nothing to do")
    chosen = choose_outlets(classifier.module, classifier.example, sites)
    random = np.sort(np.random.default_rng(seed).permutation(len(images))[:k])
    kept = {outlet.site: Listener(outlet, k, random, at=stretch[0]) for outlet in chosen}
    keep: dict[Site, Edit] = dict(kept)
    layout = quick_layout(classifier.module, classifier.logits, classifier.example)
    with torch.inference_mode(), watch(classifier.module, kept, keep=keep, stop=True) as seen:
        for at in range(stretch[0], stretch[-1] + 1, batch):
            until = min(at + batch, stretch[-1] + 1)
            inputs = classifier.prepare(images.pixels(slice(at, until)))
            seen.play(inputs.contiguous(memory_format=layout))
            if progress is not None:
                progress(until - stretch[0], len(stretch), images.name)
    return {site: listener.close(stretch[0], seed) for site, listener in kept.items()}


def merged(one: Examples, other: Examples) -> Examples:
    """What both have seen, as if it had been one pass; they must have looked at different pictures of one set."""
    alike = [(e.site, e.grid, len(e.active), e.k, e.seed) for e in (one, other)]
    if alike[0] != alike[1]:
        raise InputError(
            f"{one.site} (k {one.k}, seed {one.seed}) and {other.site} (k {other.k}, seed {other.seed}) differ"
        )
    return replace(
        one,
        top=_joined(one.top, other.top, -1, one.k),
        bottom=_joined(one.bottom, other.bottom, 1, one.k),
        random=_joined(one.random, other.random, 0, one.k),
        active=one.active + other.active,
        seen=one.seen + other.seen,
    )


def _joined(one: Kept, other: Kept, sign: int, k: int) -> Kept:
    """The k with the least sign x value, equal ones by their number."""
    pictures = np.concatenate([one.pictures, other.pictures], 1)
    places = np.concatenate([one.places, other.places], 1)
    values = np.concatenate([one.values, other.values], 1)
    order = np.lexsort((pictures, sign * values))[:, :k]
    unit = np.arange(len(order))[:, None]
    return Kept(pictures[unit, order], places[unit, order], values[unit, order])
