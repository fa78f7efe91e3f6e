"""Feature visualisation: pictures that a unit, channel, layer or class answers to most (Olah et al. 2017)."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from math import prod
from threading import Lock
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray

from cellscope.axes import Progress, Unit
from cellscope.errors import CellscopeError, InputError
from cellscope.models.classifier import Classifier
from cellscope.parallel import in_shares
from cellscope.vision.display import Display
from cellscope.vision.fourier import FourierImage
from cellscope.vision.objective import Objective
from cellscope.vision.objectives import channel
from cellscope.vision.presets import Preset, preset_for
from cellscope.vision.render import Render, Rendered
from cellscope.vision.scoring import AT_ONCE, fitting_batch, frozen, scoring

CAVEAT = "an optimum is no typical sample: look at pictures of the data beside it"


@dataclass(frozen=True, eq=False)
class Visualisation:
    """Optimised pictures and how they came to be; picture p is repeat p % repeats of target p // repeats.

    pictures    float32 [picture, channel, row, column] in 0..1, as shown
    names       what each was optimised for
    curve       float32 [picture, step]: the objective at each step, under that step's moves
    start, end  float32 [picture]: the objective of the first and of the finished picture, unmoved
    dead        bool [picture]: no gradient reaches the finished picture and nothing was gained
    redirected  bool [picture]: the start was silent, so that gradients were redirected at ReLUs in the first steps
    """

    pictures: NDArray[np.float32]
    names: tuple[str, ...]
    curve: NDArray[np.float32]
    start: NDArray[np.float32]
    end: NDArray[np.float32]
    dead: NDArray[np.bool_]
    redirected: NDArray[np.bool_]
    repeats: int
    seed: int
    preset: Preset
    network: str
    caveat: str = CAVEAT


def visualise(
    classifier: Classifier,
    objective: Objective | Unit | str | Sequence[Unit | str],
    *,
    preset: Preset | None = None,
    steps: int | None = None,
    repeats: int = 1,
    apart: bool = False,
    seed: int = 0,
    batch: int | None = None,
    progress: Progress | None = None,
) -> Visualisation:
    """One picture (or `repeats`) for each target of the objective; bare units stand for their channels.

    A picture is 0..1 in the network's own size, held by its spectrum, moved at random at every step, then prepared as
    the network's data are. All pictures share the step's move, or have each its own (`apart`). What comes out depends
    on the target and the seed, not on the other targets. The network is as it was afterwards.
    """
    wanted = objective if isinstance(objective, Objective) else channel(objective)
    display = Display.of(classifier)
    image = FourierImage(*classifier.shape)
    preset = preset or preset_for(image.rows, image.columns)
    preset = replace(preset, steps=steps) if steps is not None else preset
    if preset.steps < 1 or repeats < 1 or (batch is not None and batch < 1):
        raise InputError(f"steps, repeats and batch are 1 or more, not {preset.steps}, {repeats}, {batch}")
    count = len(wanted.names) * repeats
    size = count if wanted.whole else max(repeats, (batch or fitting_batch(classifier, repeats)) // repeats * repeats)
    size = min(size, -(-count // repeats) * repeats)
    group = max(size, AT_ONCE // 2 // prod(classifier.shape) // size * size)
    moves = preset.robustness.draw(preset.steps, count if apart else 1, seed)
    report = _Report(progress, count * preset.steps)
    render = Render(display, image, preset, moves, seed=seed, repeats=repeats, batch=size, report=report)
    parts: dict[int, Rendered] = {}

    def share(first: int, last: int) -> None:
        mine = classifier if (first, last) == (0, count) else classifier.twin()
        with scoring(mine, wanted, together=repeats) as score:
            for at in range(first, last, group):
                parts[at] = render.pictures(score, range(at, min(at + group, last)))

    with frozen(classifier.module):
        if _has_twins(classifier):
            in_shares(count, share, grain=size)
        else:
            share(0, count)

    def joined(name: str) -> NDArray[Any]:
        return torch.cat([getattr(parts[at], name) for at in sorted(parts)]).cpu().numpy()

    curve = joined("curve")
    if not np.isfinite(curve).all():
        raise CellscopeError(f"the objective of {classifier.name} was not a number on the way; are its weights finite?")
    names = tuple(wanted.names[p // repeats] for p in range(count))
    return Visualisation(
        pictures=joined("pictures"),
        names=names,
        curve=curve,
        start=joined("start"),
        end=joined("end"),
        dead=joined("dead"),
        redirected=joined("redirected"),
        repeats=repeats,
        seed=seed,
        preset=preset,
        network=classifier.name,
    )


def _has_twins(classifier: Classifier) -> bool:
    """Whether the module can be copied: somebody's may hold what cannot (an open file, a lock)."""
    try:
        classifier.twin()
    except Exception:  # noqa: BLE001  (the user's own code may fail in any way)
        return False
    return True


class _Report:
    """Progress of shares that run side by side: what each adds is added up."""

    def __init__(self, progress: Progress | None, total: int) -> None:
        self.progress, self.total, self.done, self.lock = progress, total, 0, Lock()

    def __call__(self, more: int) -> None:
        if self.progress is not None:
            with self.lock:
                self.done += more
                self.progress(self.done, self.total, "optimising")
