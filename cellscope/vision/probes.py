"""Linear probes: what is already decided in which layer (Alain and Bengio 2016)."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from cellscope.axes import Progress, Site
from cellscope.data.images import ImageSet
from cellscope.errors import InputError
from cellscope.hooks.modules import watch
from cellscope.hooks.outlets import Outlet, choose_outlets
from cellscope.models.classifier import Classifier
from cellscope.vision.labelled import Halves, batches, halves, told
from cellscope.vision.linear import Floats, fit, share


@dataclass(frozen=True, eq=False)
class Probes:
    """How well a linear model tells the class from each site alone, trained beside untrained.

    accuracy     float64 [site, 3]: share told right of pictures that the probe did not learn from, ends of its 95 %
                 interval; `untrained` likewise, for the same network with weights drawn anew
    recall       float64 [site, class], NaN for a class without pictures
    network      the network's own share on the same pictures, with its interval; `chance` that of the commonest class
    grid         maps are averaged into grid x grid places first (1: one number a channel, places are lost)
    unconverged  sites whose fit did not come to its end
    """

    outlets: tuple[Outlet, ...]
    classes: tuple[str, ...]
    accuracy: Floats
    untrained: Floats
    recall: Floats
    network: tuple[float, float, float]
    chance: float
    grid: int
    learned: int
    scored: int
    unconverged: tuple[Site, ...]
    seed: int

    @property
    def decided(self) -> Site | None:
        """The first site whose probe is as good as the network, to within its interval; None where there is none."""
        good = np.flatnonzero(self.accuracy[:, 2] >= self.network[0])
        return self.outlets[int(good[0])].site if len(good) else None

    @property
    def sentence(self) -> str:
        """In one line, for people."""
        if self.decided is None:
            return f"no layer's linear probe comes up to the network's accuracy of {self.network[0]:.3f}"
        at = [outlet.site for outlet in self.outlets].index(self.decided)
        return (
            f"a linear probe of {self.decided} ({self.accuracy[at, 0]:.3f}) first comes up to the network "
            f"({self.network[0]:.3f}); untrained, that layer gives {self.untrained[at, 0]:.3f}"
        )


def probes(
    classifier: Classifier,
    images: ImageSet,
    *,
    sites: Iterable[str] = (),
    most: int = 2000,
    grid: int = 1,
    seed: int = 0,
    batch: int = 256,
    progress: Progress | None = None,
) -> Probes:
    """Fit one probe a site on half of at most `most` pictures and score it on the other half.

    Feature maps are averaged over their places, or with `grid` over each of grid x grid parts of them. The untrained
    network is drawn from `seed`, and probed in the same way with the same pictures.
    """
    if grid < 1:
        raise InputError(f"a grid of {grid}; give 1 or more")
    chosen = choose_outlets(classifier.module, classifier.example, sites)
    two = halves(classifier, images, most=most, seed=seed)
    raw = classifier.untrained(seed)
    done, total = 0, 2 * len(chosen)
    results, recall, unconverged = np.zeros((2, len(chosen), 3)), [], []
    for number, network in enumerate((classifier, raw)):
        learned, scored = (features(network, part, chosen, grid, batch) for part in (two.choosing, two.reporting))
        for at, outlet in enumerate(chosen):
            model = fit(learned[at], two.chosen, seed=seed)
            right = model.tell(scored[at]) == two.reported
            results[number, at] = share(right)
            if number == 0:
                recall.append(_recall(right, two, len(classifier.classes)))
                unconverged += [] if model.converged else [outlet.site]
            done += 1
            if progress:
                progress(done, total, str(outlet.site))
    pictures = np.bincount(two.reported)
    return Probes(
        chosen, classifier.classes, results[0], results[1], np.array(recall),
        share(told(classifier, two.reporting, batch=batch) == two.reported), float(pictures.max() / pictures.sum()),
        grid, len(two.choosing), len(two.reporting), tuple(unconverged), seed,
    )  # fmt: skip


@torch.no_grad()
def features(
    classifier: Classifier, images: ImageSet, chosen: tuple[Outlet, ...], grid: int, batch: int
) -> list[NDArray[np.float32]]:
    """For each outlet float32 [picture, column]: its units, or its channels averaged into grid x grid places."""

    def short(x: Tensor) -> Tensor:
        if x.dim() < 4:
            return x.clone()
        size = (min(grid, x.shape[2]), min(grid, x.shape[3]))
        return torch.nn.functional.adaptive_avg_pool2d(x, size).flatten(1)

    kept: list[list[NDArray[np.float32]]] = [[] for _ in chosen]
    with watch(classifier.module, (outlet.site for outlet in chosen), keep=short, stop=True) as seen:
        for part in batches(len(images), batch):
            values = seen.play(classifier.prepare(images.pixels(part)))
            for at, outlet in enumerate(chosen):
                kept[at].append(values[outlet.site].float().cpu().numpy())
    return [np.concatenate(parts) for parts in kept]


def _recall(right: NDArray[np.bool_], two: Halves, classes: int) -> Floats:
    with np.errstate(invalid="ignore"):
        recall: Floats = np.bincount(two.reported[right], minlength=classes) / np.bincount(
            two.reported, minlength=classes
        )
    return recall
