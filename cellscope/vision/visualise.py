"""Feature visualisation: pictures that a unit, channel, layer or class answers to most (Olah et al. 2017)."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field, replace

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from cellscope.axes import Progress, Unit
from cellscope.errors import CellscopeError, InputError
from cellscope.models.classifier import Classifier
from cellscope.vision.display import Display
from cellscope.vision.fourier import FourierImage
from cellscope.vision.objective import Objective
from cellscope.vision.objectives import channel
from cellscope.vision.redirect import REDIRECTED, redirected
from cellscope.vision.scoring import Score, fitting_batch, scoring
from cellscope.vision.transforms import Robustness, moved, normalised

CAVEAT = "an optimum is no typical sample: look at pictures of the data beside it"


@dataclass(frozen=True)
class Preset:
    """Settings for pictures of a size: `steps` of Adam at `rate`, the moves to be survived, the start's spread."""

    name: str
    steps: int = 512
    rate: float = 0.05
    robustness: Robustness = field(default_factory=Robustness)
    spread: float = 0.01


_MILD = Robustness((1, 0), (0.95, 1.0, 1.05), (-5.0, -2.5, 0.0, 0.0, 2.5, 5.0))
PRESETS: dict[int, Preset] = {
    16: Preset("tiny", 256, robustness=_MILD),
    48: Preset("small", 256, robustness=Robustness((2, 1))),
    96: Preset("middle", 256, robustness=Robustness((4, 2))),
    1 << 30: Preset("lucid"),
}
"""By the shorter side up to which they are taken; from 97 on they are lucid's own."""


def preset_for(rows: int, columns: int) -> Preset:
    """The settings for pictures of this size; lucid's jitter of 8 and 4 pixels is for 128 pixels and shrinks below."""
    return next(preset for limit, preset in PRESETS.items() if min(rows, columns) <= limit)


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
    size = count if wanted.whole else batch or fitting_batch(classifier, repeats)
    size = max(repeats, size // repeats * repeats)
    maps = preset.robustness.draw(preset.steps, count if apart else 1, seed)
    render = _Render(display, image, preset, seed, repeats, normalised(maps, image.rows, image.columns), progress)
    with scoring(classifier, wanted, together=repeats) as score:
        parts = [render.batch(score, range(at, min(at + size, count)), count) for at in range(0, count, size)]
    pictures, curve, start, end, dead, woken = (np.concatenate(column) for column in zip(*parts, strict=True))
    if not np.isfinite(curve).all():
        raise CellscopeError(f"the objective of {classifier.name} was not a number on the way; are its weights finite?")
    names = tuple(wanted.names[p // repeats] for p in range(count))
    return Visualisation(
        pictures, names, curve, start, end, dead, woken, repeats, seed, preset, classifier.name
    )  # fmt: skip


@dataclass(frozen=True, eq=False)
class _Render:
    """What the batches of one call share; `maps` [step, picture or 1, 2, 3]."""

    display: Display
    image: FourierImage
    preset: Preset
    seed: int
    repeats: int
    maps: Tensor
    progress: Progress | None

    def batch(self, score: Score, which: range, of: int) -> tuple[NDArray[np.generic], ...]:
        """Optimise the pictures of these numbers together: pictures, curve, start, end, dead, redirected."""
        device, steps = self.display.black.device, self.preset.steps
        targets = torch.tensor([p // self.repeats for p in which])
        maps = (self.maps if self.maps.shape[1] == 1 else self.maps[:, which.start : which.stop]).to(device)
        scale, colours = self.image.scale.to(device), self.image.colours
        colours = None if colours is None else colours.to(device)
        noise = [self.image.noise(self.seed, r, spread=self.preset.spread) for r in range(self.repeats)]
        spectrum = torch.stack([noise[p % self.repeats] for p in which]).to(device).requires_grad_()
        adam = torch.optim.Adam([spectrum], lr=self.preset.rate, maximize=True, fused=device.type in ("cpu", "cuda"))
        curve = torch.empty(steps, len(which), device=device)
        woken = torch.zeros(len(which), dtype=torch.bool, device=device)

        def climb(step: int | None) -> tuple[Tensor, Tensor]:
            pictures = self.image.pictures(spectrum, scale, colours)
            seen = pictures if step is None else moved(pictures, maps[step])
            scores = score(self.display.inputs(seen), targets)
            return scores.detach(), torch.autograd.grad(scores.sum(), spectrum)[0]

        start, _ = climb(None)
        for step in range(steps):
            curve[step], gradient = climb(step)
            if step < REDIRECTED and bool((silent := ~gradient.flatten(1).any(1)).any()):
                woken |= silent
                with redirected():
                    _, gradient = climb(step)
            spectrum.grad = gradient
            adam.step()
            if self.progress is not None and (step % 16 == 15 or step + 1 == steps):
                self.progress(which.start * steps + (step + 1) * len(which), of * steps, "optimising")
        end, gradient = climb(None)
        dead = ~gradient.flatten(1).any(1) & (end <= start)
        with torch.no_grad():
            pictures = self.image.pictures(spectrum, scale, colours)
        made = (pictures, curve.T, start, end, dead, woken)
        return tuple(tensor.detach().cpu().numpy() for tensor in made)
