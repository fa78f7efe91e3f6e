"""Activation maximisation on pixels: the input that a unit or class answers to most, from several random starts."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from cellscope.axes import Progress, Unit
from cellscope.errors import CellscopeError, InputError
from cellscope.models.classifier import Classifier
from cellscope.vision.agreement import Agreement
from cellscope.vision.ascent import Ascent, ascend
from cellscope.vision.ground import Ground
from cellscope.vision.objective import Objective
from cellscope.vision.objectives import neuron
from cellscope.vision.recipes import Recipe, recipe_named
from cellscope.vision.scoring import fitting_batch, scoring


@dataclass(frozen=True, eq=False)
class Maximisation:
    """The best picture of every climb, [unit, start, ..].

    pictures   float32 [unit, start, channel, row, column] in 0..1, as shown and clipped; rows as the data are
    values     float32 [unit, start]: the activation of the best, unclipped picture; `best_step` when it was
    curve      float32 [unit, start, step]
    outside    float32 [unit, start]: share of numbers that were clipped to be shown
    dead       bool [unit, start]: no gradient at any step
    agreement  of the starts of each unit
    units      in words, what `recipe`'s numbers are measured in
    """

    pictures: NDArray[np.float32]
    names: tuple[str, ...]
    values: NDArray[np.float32]
    best_step: NDArray[np.int64]
    curve: NDArray[np.float32]
    outside: NDArray[np.float32]
    dead: NDArray[np.bool_]
    agreement: Agreement
    recipe: Recipe
    seed: int
    units: str
    network: str


def maximise(
    classifier: Classifier,
    objective: Objective | Unit | str | Sequence[Unit | str],
    *,
    recipe: Recipe | str = "any",
    steps: int | None = None,
    starts: int = 4,
    seed: int = 0,
    batch: int | None = None,
    progress: Progress | None = None,
) -> Maximisation:
    """Climb from `starts` random pictures for each target; bare units stand for their neuron in the middle.

    A start is `numpy.random.RandomState(seed + start).normal(0, 10)` as in the published code; a recipe that begins at
    zero has but one. A recipe's numbers are in 0..255, and gradients are taken in these units, whatever the network's
    own range. The network is as it was afterwards.
    """
    wanted = objective if isinstance(objective, Objective) else neuron(objective)
    recipe = recipe_named(recipe) if isinstance(recipe, str) else recipe
    recipe = replace(recipe, steps=steps) if steps is not None else recipe
    if starts < 1 or (batch is not None and batch < 1):
        raise InputError(f"starts and batch are 1 or more, not {starts} and {batch}")
    if recipe.of_pixels and len(classifier.shape) != 3:
        raise InputError(
            f"{recipe.name} is for pixels and their neighbours; for rows of numbers take erhan or simonyan"
        )
    starts = 1 if recipe.start == "zero" else starts
    ground = Ground.of(classifier)
    count = len(wanted.names) * starts
    size = count if wanted.whole else max(starts, (batch or fitting_batch(classifier, starts)) // starts * starts)
    noise = torch.stack([ground.start(classifier.shape, recipe, seed + start) for start in range(starts)])
    parts: list[Ascent] = []
    with scoring(classifier, wanted, together=starts) as score:
        for at in range(0, count, size):
            targets = torch.arange(at, min(at + size, count)) // starts
            begin = noise.repeat(len(targets) // starts, *(1,) * len(classifier.shape)).to(classifier.device)

            def scored(x: Tensor, targets: Tensor = targets) -> Tensor:
                return score(ground.inputs(x), targets)

            def report(done: int, total: int, text: str, at: int = at, now: int = len(targets)) -> None:
                if progress is not None:
                    progress(at * total + done * now, count * total, text)

            parts.append(
                ascend(
                    scored, begin, recipe,
                    low=ground.low, high=ground.high, typical=ground.typical, progress=report,
                )
            )  # fmt: skip
    return _gathered(classifier, wanted, recipe, ground, Ascent.joined(parts), starts, seed)


def _gathered(
    classifier: Classifier, wanted: Objective, recipe: Recipe, ground: Ground, part: Ascent, starts: int, seed: int
) -> Maximisation:
    if not bool(torch.isfinite(part.curve).all()):
        raise CellscopeError(
            f"{recipe.name} left the range of numbers with {classifier.name}: its rate is too large for this network; "
            "take any"
        )
    picture = len(classifier.shape) == 3
    shown = classifier.preprocessing.undo(ground.inputs(part.best).cpu())
    outside = ((shown < -1e-4) | (shown > 1 + 1e-4)).flatten(1).float().mean(1) * picture

    def grouped(tensor: Tensor) -> NDArray[Any]:
        return tensor.cpu().numpy().reshape(-1, starts, *tensor.shape[1:])

    values = grouped(part.value)
    return Maximisation(
        pictures=grouped(shown.clamp(0, 1) if picture else shown),
        names=wanted.names,
        values=values,
        best_step=grouped(part.step),
        curve=grouped(part.curve),
        outside=grouped(outside),
        dead=grouped(part.dead),
        agreement=Agreement.of(grouped(part.best), values, grouped(part.reached)),
        recipe=recipe,
        seed=seed,
        units=ground.words,
        network=classifier.name,
    )
