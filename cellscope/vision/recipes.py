"""Recipes of activation maximisation by name, with the numbers that were published."""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor

from cellscope.errors import InputError, not_found

RATES = ("constant", "progress", "progress01", "share")
STARTS = ("noise", "uniform", "zero")


@dataclass(frozen=True)
class Rate:
    """How far a step goes along the gradient g.

    constant    amount
    progress    amount / |g|^2, at most `most`: a linear unit would rise by `amount`
    progress01  the same for a probability p: it would rise by the lesser of `amount` and late x (1 - p)
    share       amount x the typical norm / |g|: every step is as long as that share of a usual picture's norm
    """

    kind: str
    amount: float
    most: float = 1e8
    late: float = 0.0

    def __post_init__(self) -> None:
        if self.kind not in RATES:
            raise not_found("learning rate", self.kind, RATES)

    def of(self, norm: Tensor, scores: Tensor, typical: float) -> Tensor:
        """The rate of each picture, from |g| and its score; where there is no gradient it is `most`."""
        if self.kind == "constant":
            return torch.full_like(norm, self.amount)
        norm = norm.clamp_min(1e-12)
        if self.kind == "share":
            made = self.amount * typical / norm
        elif self.kind == "progress":
            made = self.amount / norm.square()
        else:
            made = (self.late * (1 - scores)).clamp_max(self.amount) / norm.square()
        return made.clamp_max(self.most)


@dataclass(frozen=True)
class Recipe:
    """Gradient ascent on a picture, and what is done to it at every step, in this order.

    A picture is in 0..255 less the mean colour. decay: the share taken off. blur: standard deviation in pixels, in
    every `blur_every`-th step. small_value, small_norm, small_benefit, small_effect: the percentile below which a
    value's size, a pixel's norm over channels, its signed and its absolute contribution are set to zero. bounded: held
    within 0..255. fixed: held at the typical norm. start: normal noise of `spread`, uniform, or zero. wake: a gradient
    that ReLUs block entirely is redirected in the first steps.
    """

    name: str
    source: str
    steps: int
    rate: Rate
    decay: float = 0.0
    blur: float = 0.0
    blur_every: int = 1
    small_value: float = 0.0
    small_norm: float = 0.0
    small_benefit: float = 0.0
    small_effect: float = 0.0
    bounded: bool = True
    fixed: bool = False
    start: str = "noise"
    spread: float = 10.0
    wake: bool = False

    @property
    def of_pixels(self) -> bool:
        """Whether it looks at pixels and their neighbours, so that it is none for rows of numbers."""
        return bool(self.blur or self.small_norm or self.small_benefit or self.small_effect)

    def __post_init__(self) -> None:
        shares = (self.small_value, self.small_norm, self.small_benefit, self.small_effect)
        if self.start not in STARTS:
            raise not_found("start", self.start, STARTS)
        if self.steps < 1 or self.blur_every < 1 or not 0 <= self.decay < 1 or self.blur < 0:
            raise InputError(f"{self.name}: steps and blur_every are 1 or more, decay is 0 to 1, blur 0 or more")
        if not all(0 <= share <= 100 for share in shares):
            raise InputError(f"{self.name}: percentiles are 0 to 100, not {shares}")


_PAPER = "Yosinski et al. 2015, table 1, row {}"
RECIPES: dict[str, Recipe] = {
    recipe.name: recipe
    for recipe in (
        Recipe("any", "ours: the regularisers of Yosinski et al. with steps that fit any network", 200,
               Rate("share", 0.05), decay=0.02, blur=0.5, blur_every=4, wake=True),
        Recipe("yosinski-1", _PAPER.format(1), 500, Rate("progress", 2.0, 100.0),
               blur=0.5, blur_every=4, small_norm=50.0),
        Recipe("yosinski-2", _PAPER.format(2), 750, Rate("constant", 100.0), decay=0.3, small_norm=20.0),
        Recipe("yosinski-3", _PAPER.format(3), 1000, Rate("constant", 100.0), decay=1e-4, blur=1.0, blur_every=4),
        Recipe("yosinski-4", _PAPER.format(4), 1000, Rate("progress", 2.0, 1e8),
               blur=0.5, blur_every=4, small_effect=90.0),
        Recipe("erhan", "Erhan et al. 2009: the norm is fixed; step and norm are ours", 200, Rate("share", 0.1),
               bounded=False, fixed=True),
        Recipe("simonyan", "Simonyan et al. 2013: zero start, L2, class score; the weight of L2 is ours", 200,
               Rate("share", 0.1 / 0.9), decay=0.1, bounded=False, start="zero"),
    )
}  # fmt: skip
"""One that fits any network, the four published sets of Yosinski et al., Erhan's fixed norm, Simonyan's class model."""


def recipe_named(name: str) -> Recipe:
    """The recipe of this name; MissingError lists what there is."""
    if name not in RECIPES:
        raise not_found("recipe", name, list(RECIPES))
    return RECIPES[name]
