"""Regularised gradient ascent on pixels, step by step as published by Yosinski et al. (2015)."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor

from cellscope.axes import Progress
from cellscope.vision.recipes import Recipe
from cellscope.vision.redirect import REDIRECTED, redirected


@dataclass(frozen=True, eq=False)
class Ascent:
    """What a climb found, of each picture: `best` of all steps, its value and step, the curve, what was reached.

    best, reached  [picture, ..]: reached is where a gradient ever was other than zero, over channels
    curve          [picture, step]; dead [picture]: no gradient at any step
    last           the picture after the last step
    """

    best: Tensor
    value: Tensor
    step: Tensor
    curve: Tensor
    reached: Tensor
    last: Tensor

    @classmethod
    def joined(cls, parts: Sequence[Ascent]) -> Ascent:
        """Several batches as one."""
        columns = ("best", "value", "step", "curve", "reached", "last")
        return cls(*(torch.cat([getattr(part, name) for part in parts]) for name in columns))

    @property
    def dead(self) -> Tensor:
        return ~self.reached.flatten(1).any(1)


def ascend(
    score: Callable[[Tensor], Tensor],
    start: Tensor,
    recipe: Recipe,
    *,
    low: Tensor | float = 0.0,
    high: Tensor | float = 255.0,
    typical: float = 1.0,
    progress: Progress | None = None,
) -> Ascent:
    """Climb `score(x [picture, ..]) -> [picture]` from `start`, every picture by itself.

    Each step: hold x within low..high, score it, take the gradient; then add rate x gradient, decay, blur, set small
    values, small pixels and pixels of small contribution to zero, fix the norm. After the last step nothing is changed.
    """
    x = start.detach()
    blur = None if recipe.blur <= 0 else [_blurring(n, recipe.blur).to(x) for n in x.shape[2:]]
    best, value = x.clone(), x.new_full((len(x),), -torch.inf)
    at = torch.zeros(len(x), dtype=torch.int64, device=x.device)
    curve = x.new_empty((len(x), recipe.steps))
    reached = torch.zeros_like(x[:, 0], dtype=torch.bool) if x.dim() == 4 else torch.zeros_like(x, dtype=torch.bool)
    for step in range(recipe.steps):
        x = (x.clamp(low, high) if recipe.bounded else x).detach().requires_grad_()  # type: ignore[arg-type]
        scores = score(x)
        (gradient,) = torch.autograd.grad(scores.sum(), x)
        there = gradient != 0
        if recipe.wake and step < REDIRECTED and not bool(there.flatten(1).any(1).all()):
            with redirected():
                (gradient,) = torch.autograd.grad(score(x).sum(), x)
        x, scores = x.detach(), scores.detach()
        curve[:, step] = scores
        better = scores > value
        best[better], value[better], at[better] = x[better], scores[better], step
        reached |= there.any(1) if x.dim() == 4 else there
        norm = gradient.flatten(1).norm(dim=1)
        rate = recipe.rate.of(norm, scores, typical)
        if step + 1 < recipe.steps:
            x = _regularised(x + _column(rate, x) * gradient, gradient, recipe, step, blur)
            if recipe.fixed:
                x = x * _column(typical / x.flatten(1).norm(dim=1).clamp_min(1e-12), x)
        if progress is not None and (step % 16 == 15 or step + 1 == recipe.steps):
            progress(step + 1, recipe.steps, "climbing")
    return Ascent(best, value, at, curve, reached, x)


def _regularised(x: Tensor, gradient: Tensor, recipe: Recipe, step: int, blur: list[Tensor] | None) -> Tensor:
    """Decay, blur, and the four ways of setting to zero, in the published order."""
    x = x * (1 - recipe.decay)
    if blur is not None and step % recipe.blur_every == 0:
        x = blur[0] @ x @ blur[1].T
    if recipe.small_value:
        x = x.where(~_below(x.abs(), recipe.small_value), 0)
    if recipe.small_norm:
        x = x.where(~_below(x.norm(dim=1, keepdim=True), recipe.small_norm), 0)
    if recipe.small_benefit:  # what a pixel's vanishing would add, to first order
        x = x.where(~_below((gradient * -x).sum(1, keepdim=True), recipe.small_benefit), 0)
    if recipe.small_effect:
        x = x.where(~_below((gradient * -x).sum(1, keepdim=True).abs(), recipe.small_effect), 0)
    return x


def _below(values: Tensor, percentile: float) -> Tensor:
    """Which values lie below the percentile of their own picture; of equal ones none does."""
    flat = values.flatten(1)
    edge = torch.quantile(flat, percentile / 100, dim=1, keepdim=True)
    return (flat < edge).view_as(values)


def _blurring(size: int, spread: float) -> Tensor:
    """The matrix that blurs a line of `size` pixels: scipy's Gaussian filter, its borders reflected."""
    from scipy.ndimage import gaussian_filter1d

    return torch.from_numpy(gaussian_filter1d(np.eye(size), spread, axis=0))


def _column(values: Tensor, like: Tensor) -> Tensor:
    return values.view(-1, *(1,) * (like.dim() - 1))
