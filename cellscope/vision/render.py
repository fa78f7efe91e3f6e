"""The loop of feature visualisation: from spectra to scores and back, many pictures at a time."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import torch
from torch import Tensor

from cellscope.vision.display import Display
from cellscope.vision.fourier import FourierImage
from cellscope.vision.presets import Preset
from cellscope.vision.redirect import REDIRECTED, redirected
from cellscope.vision.scoring import Score
from cellscope.vision.transforms import GREY, Matrices, Mover


@dataclass(frozen=True, eq=False, kw_only=True)
class Rendered:
    """What came of a group of pictures; see `Visualisation` for the fields."""

    pictures: Tensor
    curve: Tensor
    start: Tensor
    end: Tensor
    dead: Tensor
    redirected: Tensor


@dataclass(frozen=True, eq=False)
class Render:
    """What the groups of one call share; `moves` [step, picture or 1, 3, 3]; the network sees `batch` at a time."""

    display: Display
    image: FourierImage
    preset: Preset
    moves: Matrices
    seed: int
    repeats: int
    batch: int
    report: Callable[[int], None]

    def pictures(self, score: Score, which: range) -> Rendered:
        """Optimise the pictures of these numbers side by side, by Adam on their spectra."""
        steps, climb = self.preset.steps, _Climb(self, score, which)
        spectrum = climb.spectrum
        device, ascent = spectrum.device, Adam(spectrum, self.preset.rate)
        curve = torch.empty(len(which), steps, device=device)
        woken = torch.zeros(len(which), dtype=torch.bool, device=device)
        start, _ = climb(None)
        for step in range(steps):
            curve[:, step], gradient = climb(step)
            if step < REDIRECTED and bool((silent := ~gradient.flatten(1).any(1)).any()):
                woken |= silent
                with redirected():
                    _, gradient = climb(step)
            ascent.step(gradient)
            if step % 16 == 15 or step + 1 == steps:
                self.report((step % 16 + 1) * len(which))
        end, gradient = climb(None)
        dead = ~gradient.flatten(1).any(1) & (end <= start)
        pictures = climb.synthesis.pictures(spectrum)
        return Rendered(pictures=pictures, curve=curve, start=start, end=end, dead=dead, redirected=woken)


class Adam:
    """Adam (Kingma and Ba 2015) with its usual constants, upwards: torch's own, without what it asks at every step."""

    def __init__(self, values: Tensor, rate: float) -> None:
        self.values, self.rate, self.steps = values, rate, 0
        self.mean, self.square = torch.zeros_like(values), torch.zeros_like(values)

    def step(self, gradient: Tensor) -> None:
        """Move the values along the gradient, in place."""
        self.steps += 1
        self.mean.lerp_(gradient, 0.1)
        self.square.mul_(0.999).addcmul_(gradient, gradient, value=0.001)
        root = (1 - 0.999**self.steps) ** 0.5
        spread = self.square.sqrt().add_(1e-8 * root)  # of the corrected square, times `root`
        self.values.addcdiv_(self.mean, spread, value=self.rate * root / (1 - 0.9**self.steps))


class _Climb:
    """`climb(step)`: scores [picture] and the gradient of `spectrum`; with None, of the pictures unmoved.

    What lies before the network is led back by hand and for all pictures at once, at less cost than by autograd; the
    network sees few at a time, so that its maps stay in a core's cache.
    """

    def __init__(self, render: Render, score: Score, which: range) -> None:
        image, self.display, self.score = render.image, render.display, score
        device = self.display.black.device
        noise = [image.noise(render.seed, r, spread=render.preset.spread) for r in range(render.repeats)]
        self.spectrum = torch.stack([noise[p % render.repeats] for p in which]).to(device)
        self.synthesis = image.synthesis(device)
        self.mover = Mover(image.rows, image.columns, device=device)
        moves = render.moves if render.moves.shape[1] == 1 else render.moves[:, which.start : which.stop]
        self.maps = self.mover.maps(moves)
        targets = torch.tensor([p // render.repeats for p in which])
        self.parts = torch.split(targets, render.batch)

    def __call__(self, step: int | None) -> tuple[Tensor, Tensor]:
        pictures = self.synthesis.pictures(self.spectrum)
        ground = pictures - GREY
        if step is None:
            scores, gradient = self._scored(self.display.inputs(pictures))
        else:
            grid = self.mover.grid(self.maps[step], len(ground))
            scores, gradient = self._scored(self.display.inputs(self.mover(ground, grid) + GREY))
            gradient = self.mover.back(gradient, ground, grid)
        return scores, self.synthesis.back(gradient, pictures)

    def _scored(self, inputs: Tensor) -> tuple[Tensor, Tensor]:
        """Scores of the inputs, and the gradient of the pictures that they show."""
        scores, gradient, at = inputs.new_empty(len(inputs)), torch.empty_like(inputs), 0
        for targets in self.parts:
            here = slice(at, at := at + len(targets))
            seen = inputs[here].requires_grad_()
            scored = self.score(seen, targets)
            (gradient[here],) = torch.autograd.grad(scored.sum(), seen)
            scores[here] = scored.detach()
        return scores, self.display.back(gradient)
