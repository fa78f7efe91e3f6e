"""Invariance: how far each layer's representation, and the answer, move when the picture is moved, turned or lit."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from itertools import pairwise

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from cellscope.axes import Progress, Site
from cellscope.data.images import ImageSet
from cellscope.errors import InputError
from cellscope.hooks.modules import Seen, watch
from cellscope.hooks.outlets import Outlet, choose_outlets, outlets
from cellscope.models.classifier import Classifier
from cellscope.vision.labelled import Numbers, class_numbers, sample
from cellscope.vision.perturbations import Transform, changed, usual

Floats = NDArray[np.float64]


@dataclass(frozen=True, eq=False)
class Curve:
    """One transform at all its amounts.

    change   float64 [site, amount]: root mean square distance of a picture's representation to that of the changed
             picture, over the root mean square distance between different pictures. 0 is invariant; 1 is as far as
             another picture. NaN for a site that is the same for all pictures, see `Invariance.constant`
    pooled   the same for the averages over a map's places (equal to `change` where there are no places)
    cosine   float64 [site, amount], mean cosine between the two representations
    same     float64 [amount], share of pictures of which the same class is told as before
    accuracy float64 [amount], share told right; NaN where there are no labels
    """

    transform: Transform
    change: Floats
    pooled: Floats
    cosine: Floats
    same: Floats
    accuracy: Floats


@dataclass(frozen=True)
class Gain:
    """What a pooling module buys: the change before and behind it, [amount], one pair for each transform by name."""

    before: Site
    after: Site
    kind: str
    changes: dict[str, tuple[Floats, Floats]]

    @property
    def sentence(self) -> str:
        parts = []
        for name, (before, after) in self.changes.items():
            moved = (before > 1e-9) & np.isfinite(after)
            if moved.any():
                parts.append(f"{name} {float((after[moved] / before[moved]).mean()):.2f}")
        left = ", ".join(parts) or "-"
        return f"{self.after} ({self.kind}) leaves of the change in {self.before}, on average: {left}"


@dataclass(frozen=True, eq=False)
class Invariance:
    """Curves by layer, in the order of firing; the last site is what the network puts out. `remark` says why there is
    no accuracy though the pictures have labels.
    """

    outlets: tuple[Outlet, ...]
    curves: tuple[Curve, ...]
    gains: tuple[Gain, ...]
    constant: tuple[Site, ...]
    pictures: int
    seed: int
    remark: str = ""

    def curve(self, name: str) -> Curve:
        return next(curve for curve in self.curves if curve.transform.name == name)

    def sensitive(self, name: str) -> Outlet:
        """The site whose representation a transform moves most, on average over its amounts."""
        change = np.nan_to_num(self.curve(name).change, nan=-1.0)
        return self.outlets[int(change.mean(1).argmax())]


@dataclass(eq=False)
class _Sums:
    """Squared distances and cosines of one amount, [site], and counts of pictures."""

    sites: int
    moved: Floats = field(init=False)
    pooled: Floats = field(init=False)
    cosine: Floats = field(init=False)
    same: int = 0
    right: int = 0

    def __post_init__(self) -> None:
        self.moved, self.pooled, self.cosine = (np.zeros(self.sites) for _ in range(3))

    def add(self, at: int, one: Tensor, other: Tensor) -> None:
        self.moved[at] += _squared(one, other)
        self.pooled[at] += _squared(_averages(one), _averages(other))
        self.cosine[at] += float(_cosine(one.flatten(1).double(), other.flatten(1).double()).sum())


@torch.no_grad()
def invariance(
    classifier: Classifier,
    images: ImageSet,
    *,
    transforms: Iterable[Transform] = (),
    sites: Iterable[str] = (),
    most: int = 256,
    seed: int = 0,
    batch: int = 64,
    progress: Progress | None = None,
) -> Invariance:
    """Change at most `most` pictures before they are prepared, and compare what every site makes of them.

    "Different pictures" are each picture and its neighbour in a random order within its batch. Zeiler and Fergus 2014,
    section 4.2, do so with plain distances; dividing by the distance between pictures makes layers comparable.
    """
    every = outlets(classifier.module, classifier.example)
    chosen = choose_outlets(classifier.module, classifier.example, sites)
    asked = tuple(transforms) or usual(images.shape)
    index = np.random.default_rng(seed).permutation(sample(len(images), most, seed))
    if len(index) < 2:
        raise InputError(f"{images.name} has {len(index)} picture; distances between pictures need 2")
    truth, remark = _truth(classifier, images)
    everything = images.pixels(index) if images.flat else None
    spread = everything.std(0) if everything is not None else 1.0
    other, sums = _Sums(len(chosen)), [[_Sums(len(chosen)) for _ in t.amounts] for t in asked]
    rng = np.random.default_rng(seed)
    parts = np.array_split(index, max(1, len(index) // batch))
    total, done = len(index) * (1 + sum(len(t.amounts) for t in asked)), 0
    with watch(classifier.module, (outlet.site for outlet in chosen)) as seen:
        for part in parts:
            pixels = images.pixels(part)
            before, told = _hear(classifier, seen, pixels)
            for at, value in enumerate(before):
                other.add(at, value, value.roll(1, 0))
            done += len(part)
            for transform, row in zip(asked, sums, strict=True):
                for amount, here in zip(transform.amounts, row, strict=True):
                    after, now = _hear(classifier, seen, changed(pixels, transform.name, amount, rng, spread))
                    for at, (one, two) in enumerate(zip(before, after, strict=True)):
                        here.add(at, one, two)
                    here.same += int((told == now).sum())
                    here.right += int((now.cpu().numpy() == truth[part]).sum()) if truth is not None else 0
                    done += len(part)
                    if progress:
                        progress(done, total, transform.name)
    curves = tuple(
        _curve(transform, row, other, len(index), labelled=truth is not None)
        for transform, row in zip(asked, sums, strict=True)
    )
    constant = tuple(o.site for o, s in zip(chosen, other.moved, strict=True) if s == 0)
    return Invariance(chosen, curves, tuple(_gains(every, chosen, curves)), constant, len(index), seed, remark)


def _truth(classifier: Classifier, images: ImageSet) -> tuple[Numbers | None, str]:
    """The class of every picture in the network's numbers; None where there are no labels, or with a remark where the
    network knows other classes: how far its layers go along can be told without.
    """
    if images.labels is None:
        return None, ""
    try:
        return class_numbers(classifier, images), ""
    except InputError as error:
        return None, f"accuracy is left out: {error}"


def _hear(classifier: Classifier, seen: Seen, pixels: NDArray[np.float32]) -> tuple[list[Tensor], Tensor]:
    scores = classifier.logits(classifier.prepare(pixels))
    return [seen[site] for site in seen.sites], scores.argmax(1)


def _curve(transform: Transform, sums: list[_Sums], other: _Sums, pictures: int, *, labelled: bool) -> Curve:
    def over(moved: list[Floats], apart: Floats) -> Floats:
        a, b = np.stack(moved, 1), apart[:, None]
        ratio: Floats = np.sqrt(np.divide(a, b, out=np.full(a.shape, np.nan), where=b > 0))
        return ratio

    right = np.array([s.right for s in sums]) / pictures
    return Curve(
        transform, over([s.moved for s in sums], other.moved), over([s.pooled for s in sums], other.pooled),
        np.stack([s.cosine for s in sums], 1) / pictures, np.array([s.same for s in sums]) / pictures,
        right if labelled else np.full(len(sums), np.nan),
    )  # fmt: skip


def _gains(every: Sequence[Outlet], chosen: Sequence[Outlet], curves: tuple[Curve, ...]) -> Iterator[Gain]:
    """Every chosen pooling module beside the site that fires just before it, where that is chosen, too."""
    neighbours = {(before.site, after.site) for before, after in pairwise(every)}
    for at, (before, after) in enumerate(pairwise(chosen)):
        pooled = "Pool" in after.kind and before.shape[0] == after.shape[0]
        if pooled and (before.site, after.site) in neighbours:
            yield Gain(before.site, after.site, after.kind,
                       {c.transform.name: (c.change[at], c.change[at + 1]) for c in curves})  # fmt: skip


def _averages(x: Tensor) -> Tensor:
    return x.flatten(2).mean(2) if x.dim() > 2 else x


def _squared(one: Tensor, other: Tensor) -> float:
    return float((one.double() - other.double()).square().sum())


def _cosine(one: Tensor, other: Tensor) -> Tensor:
    """Of each row; 1 where both are all zero, 0 where one is."""
    product, size = (one * other).sum(1), one.norm(dim=1) * other.norm(dim=1)
    both = (one.norm(dim=1) == 0) & (other.norm(dim=1) == 0)
    return torch.where(size > 0, product / size.clamp_min(1e-300), both.double())
