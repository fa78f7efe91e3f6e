"""The scale: white at zero, safe for the colour-blind, readable on every step."""

from __future__ import annotations

import pytest

from cellscope.report.colour import STEPS, THEMES, contrast, from_oklab, likely, luminance, ramp, to_oklab


@pytest.mark.parametrize("theme", THEMES)
def test_ink_is_readable_on_every_step(theme: str) -> None:
    """WCAG 2.2 asks for a contrast of 4.5."""
    assert min(contrast(colour, THEMES[theme]["ink"]) for colour in ramp(theme)) >= 4.5
    assert min(contrast(background, ink) for background, ink in likely(theme)) >= 4.5


@pytest.mark.parametrize("theme", THEMES)
def test_zero_is_the_paper(theme: str) -> None:
    """No activation, no colour; white in the light theme."""
    assert ramp(theme)[STEPS] == THEMES[theme]["paper"]
    assert ramp("light")[STEPS] == (255, 255, 255)
    assert len(ramp(theme)) == 2 * STEPS + 1


@pytest.mark.parametrize("theme", THEMES)
def test_steps_go_one_way(theme: str) -> None:
    """Each step away from zero is further from the paper, on both sides."""
    paper = luminance(THEMES[theme]["paper"])
    away = [abs(luminance(colour) - paper) for colour in ramp(theme)]
    assert away[:STEPS] == sorted(away[:STEPS], reverse=True)
    assert away[STEPS:] == sorted(away[STEPS:])


def test_contrast_of_black_and_white_is_21() -> None:
    """The reference values of WCAG."""
    assert contrast((0, 0, 0), (255, 255, 255)) == pytest.approx(21)
    assert contrast((119, 119, 119), (255, 255, 255)) == pytest.approx(4.48, abs=0.01)


def test_oklab_and_back() -> None:
    """A colour survives the way to OKLab and back."""
    for colour in [(255, 255, 255), (0, 0, 0), (74, 148, 226), (240, 142, 42), (1, 200, 3)]:
        assert max(abs(a - b) for a, b in zip(from_oklab(to_oklab(colour)), colour, strict=True)) <= 1


@pytest.mark.parametrize("theme", THEMES)
def test_the_two_ends_differ_for_the_colour_blind(theme: str) -> None:
    """Without red cones or green cones (Vienot 1999), the ends still differ in yellow against blue."""
    low, high = THEMES[theme]["low"], THEMES[theme]["high"]
    for simulate in (_deutan, _protan):
        one, other = to_oklab(simulate(low)), to_oklab(simulate(high))
        assert abs(one[2] - other[2]) > 0.12


def _deutan(colour: tuple[int, int, int]) -> tuple[int, int, int]:
    r, g, b = colour
    mixed = round(0.29275 * r + 0.70725 * g)
    return mixed, mixed, min(255, max(0, round(-0.02234 * r + 0.02234 * g + b)))


def _protan(colour: tuple[int, int, int]) -> tuple[int, int, int]:
    r, g, b = colour
    mixed = round(0.11238 * r + 0.88762 * g)
    return mixed, mixed, min(255, max(0, round(0.00401 * r - 0.00401 * g + b)))
