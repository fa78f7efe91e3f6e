"""Gradient ascent on pixels has the closed forms that its published steps have on a linear unit."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from torch import Tensor

from cellscope.errors import InputError, MissingError
from cellscope.vision.ascent import Ascent, ascend
from cellscope.vision.recipes import RECIPES, Rate, Recipe, recipe_named

GENERATOR = torch.Generator().manual_seed(0)
WEIGHT = torch.randn((3, 8, 8), generator=GENERATOR, dtype=torch.float64)
START = torch.randn((2, 3, 8, 8), generator=GENERATOR, dtype=torch.float64)


def linear(x: Tensor) -> Tensor:
    return (x * WEIGHT).sum((1, 2, 3))


def climb(steps: int, rate: Rate, start: Tensor = START, **more: object) -> Ascent:
    recipe = Recipe("test", "", steps, rate, bounded=False, **more)  # type: ignore[arg-type]
    return ascend(linear, start, recipe, typical=5.0)


def test_constant_rate_and_decay_follow_their_formula() -> None:
    """x_n = (1-d)^n x0 + lr w (1-d) (1 - (1-d)^n) / d, and after the last step nothing is changed."""
    d, rate, n = 0.1, 0.03, 7
    made = climb(n + 1, Rate("constant", rate), decay=d)
    expected = (1 - d) ** n * START + rate * WEIGHT * (1 - d) * (1 - (1 - d) ** n) / d
    assert torch.allclose(made.last, expected)
    assert torch.allclose(made.curve[:, -1].double(), linear(expected), atol=1e-4)


def test_progress_raises_a_linear_unit_by_what_is_desired() -> None:
    """By 2.0 at every step; its rate is capped."""
    made = climb(6, Rate("progress", 2.0))
    assert made.curve.diff(dim=1).numpy() == pytest.approx(np.full((2, 5), 2.0), abs=1e-4)
    capped = climb(2, Rate("progress", 2.0, most=1e-3))
    assert capped.curve.diff(dim=1).numpy() == pytest.approx(1e-3 * float(WEIGHT.square().sum()), abs=1e-4)


def test_progress_of_a_probability_tapers_off() -> None:
    """The lesser of what is desired early and a share of what is missing to 1."""
    rate = Rate("progress01", 0.1, late=0.5)
    norm, scores = torch.tensor([2.0, 2.0, 0.0]), torch.tensor([0.2, 0.96, 1.0])
    made = rate.of(norm, scores, 1.0)
    assert made[:2].tolist() == pytest.approx([0.1 / 4, 0.02 / 4])
    assert made[2] == 0


def test_small_norm_sets_half_the_pixels_to_zero() -> None:
    """At 50 % exactly 32 of 64 pixels, in every picture, over all channels; of equal pixels none."""
    made = climb(2, Rate("constant", 0.0), small_norm=50.0)
    assert (made.last == 0).all(1).sum((1, 2)).tolist() == [32, 32]
    kept = made.last[0].norm(dim=0)
    assert START[0].norm(dim=0)[kept == 0].max() < START[0].norm(dim=0)[kept > 0].min()
    equal = climb(2, Rate("constant", 0.0), torch.ones_like(START), small_norm=50.0)
    assert torch.equal(equal.last, torch.ones_like(START))


def test_small_contributions_are_set_to_zero() -> None:
    """Signed: what would gain least by vanishing; absolute: what matters least, at 90 % all but 7 of 64 pixels."""
    benefit = (WEIGHT * -START).sum(1)
    signed = climb(2, Rate("constant", 0.0), small_benefit=25.0).last
    expected = benefit < torch.quantile(benefit.flatten(1), 0.25, dim=1)[:, None, None]
    assert torch.equal((signed == 0).all(1), expected)
    absolute = climb(2, Rate("constant", 0.0), small_effect=90.0).last
    assert (absolute != 0).any(1).sum((1, 2)).tolist() == [7, 7]
    kept = (absolute != 0).any(1)
    for sizes, ours in zip(benefit.abs(), kept, strict=True):
        assert sizes[ours].min() > sizes[~ours].max()


def test_small_values_are_set_to_zero() -> None:
    """A quarter of the numbers, those nearest to zero."""
    made = climb(2, Rate("constant", 0.0), small_value=25.0).last
    assert (made == 0).flatten(1).sum(1).tolist() == [48, 48]


def test_blur_is_scipys() -> None:
    """An impulse at sigma 1 has .1591559 in its middle; borders are reflected, and every fourth step blurs."""
    impulse = torch.zeros(1, 1, 15, 15, dtype=torch.float64)
    impulse[0, 0, 7, 7] = 1
    still = Recipe("test", "", 2, Rate("constant", 0.0), blur=1.0, blur_every=4, bounded=False)
    made = ascend(lambda x: x.sum((1, 2, 3)), impulse, still)
    assert float(made.last[0, 0, 7, 7]) == pytest.approx(0.1591559, abs=1e-7)
    from scipy.ndimage import gaussian_filter

    noise = torch.randn((1, 1, 9, 12), generator=GENERATOR, dtype=torch.float64)
    twice = Recipe("test", "", 6, Rate("constant", 0.0), blur=1.3, blur_every=4, bounded=False)
    blurred = gaussian_filter(gaussian_filter(noise[0, 0].numpy(), 1.3), 1.3)
    assert ascend(lambda x: x.sum((1, 2, 3)), noise, twice).last[0, 0].numpy() == pytest.approx(blurred, abs=1e-9)


def test_a_fixed_norm_ends_at_the_weights_direction() -> None:
    """The maximum of a linear unit at norm 5 is 5 w / |w|; so is L2's with the same share per step."""
    expected = 5 * WEIGHT / WEIGHT.norm()
    fixed = climb(120, Rate("share", 0.1), fixed=True).best
    assert torch.allclose(fixed, expected.expand_as(fixed), atol=1e-3)
    weighed = climb(300, Rate("share", 0.1 / 0.9), torch.zeros_like(START), decay=0.1).last
    assert torch.allclose(weighed, expected.expand_as(weighed), atol=1e-6)


def test_the_best_of_all_steps_is_kept() -> None:
    """Of a climb that nears a peak it is the last, of one that swings away from it the first."""
    recipe = Recipe("test", "", 9, Rate("constant", 0.9), bounded=False)
    made = ascend(lambda x: -(x - 3).square().sum((1, 2, 3)), torch.zeros(1, 1, 1, 1), recipe)
    assert float(made.value) == pytest.approx(float(made.curve.max()))
    assert int(made.step) == int(made.curve.argmax()) == 8
    away = ascend(lambda x: -(x - 3).square().sum((1, 2, 3)), torch.full((1, 1, 1, 1), 2.9),
                  Recipe("test", "", 9, Rate("constant", 1.1), bounded=False))  # fmt: skip
    assert (int(away.step), float(away.best)) == (0, pytest.approx(2.9))


def test_pictures_stay_within_bounds() -> None:
    """A bounded climb never leaves low..high; a linear unit's best is in a corner."""
    recipe = Recipe("test", "", 3, Rate("constant", 1e9))
    made = ascend(linear, START * 300, recipe, low=-100.0, high=155.0)
    assert float(made.best.min()) >= -100
    assert float(made.best.max()) <= 155
    corner = torch.maximum(WEIGHT * -100, WEIGHT * 155).sum()
    assert torch.allclose(made.value, corner.expand(2))


def test_a_unit_without_gradient_is_dead() -> None:
    """Nothing is reached, nothing becomes NaN, whatever the rate."""
    for kind in ("constant", "progress", "share"):
        recipe = Recipe("test", "", 3, Rate(kind, 2.0), bounded=False)
        made = ascend(lambda x: 0 * x.sum((1, 2, 3)), START, recipe)
        assert made.dead.all()
        assert torch.isfinite(made.last).all()
    assert not climb(2, Rate("constant", 1.0)).dead.any()


def test_the_published_sets_have_their_numbers() -> None:
    """The four rows of table 1: decay, blur, clipping, steps and rates."""
    one, two, three, four = (RECIPES[f"yosinski-{row}"] for row in (1, 2, 3, 4))
    assert (one.decay, one.blur, one.blur_every, one.small_norm, one.steps) == (0, 0.5, 4, 50, 500)
    assert one.rate == Rate("progress", 2.0, 100.0)
    assert (two.decay, two.blur, two.small_norm, two.steps, two.rate.amount) == (0.3, 0, 20, 750, 100)
    assert (three.decay, three.blur, three.blur_every, three.steps) == (1e-4, 1.0, 4, 1000)
    assert (four.decay, four.blur, four.small_effect, four.steps) == (0, 0.5, 90, 1000)
    assert four.rate == Rate("progress", 2.0, 1e8)


def test_what_is_no_recipe_is_refused() -> None:
    """Unknown names list what there is; numbers out of range are named."""
    with pytest.raises(MissingError, match="yosinski-1"):
        recipe_named("yosinski")
    with pytest.raises(MissingError, match="progress01"):
        Rate("fast", 1.0)
    with pytest.raises(MissingError, match="noise"):
        Recipe("x", "", 5, Rate("constant", 1.0), start="grey")
    with pytest.raises(InputError, match="decay"):
        Recipe("x", "", 5, Rate("constant", 1.0), decay=1.0)
    with pytest.raises(InputError, match="percentiles"):
        Recipe("x", "", 5, Rate("constant", 1.0), small_norm=120.0)
