"""One diverging scale, orange below zero and blue above; zero is the paper itself.

Steps are even in OKLab (Ottosson 2020), so equal steps of activation look equal. Orange and blue stay apart for all
common kinds of colour blindness, and the ink keeps a contrast of 4.5 (WCAG 2.2, 1.4.3) on every step of both themes.
`assets/colour.js` draws with the same numbers; a test compares the two.
"""

from __future__ import annotations

STEPS = 20
"""Colours on either side of zero."""

RGB = tuple[int, int, int]

THEMES: dict[str, dict[str, RGB]] = {
    "light": {"paper": (255, 255, 255), "ink": (17, 19, 22), "low": (240, 142, 42), "high": (74, 148, 226)},
    "dark": {"paper": (19, 21, 25), "ink": (233, 235, 238), "low": (146, 74, 8), "high": (34, 92, 168)},
}
LIKELY: dict[str, dict[str, RGB]] = {
    "light": {"none": (255, 255, 255), "all": (150, 20, 24)},
    "dark": {"none": (19, 21, 25), "all": (178, 48, 46)},
}
"""Predictions: from the paper to dark red, by probability."""


def _linear(channel: float) -> float:
    c = channel / 255
    return c / 12.92 if c <= 0.04045 else float(((c + 0.055) / 1.055) ** 2.4)


def _display(linear: float) -> int:
    c = min(max(linear, 0.0), 1.0)
    s = 12.92 * c if c <= 0.0031308 else 1.055 * c ** (1 / 2.4) - 0.055
    return int(s * 255 + 0.5)


def luminance(colour: RGB) -> float:
    """Relative luminance, 0 black to 1 white (WCAG 2.2)."""
    r, g, b = (_linear(c) for c in colour)
    return 0.2126 * r + 0.7152 * g + 0.0722 * b


def contrast(one: RGB, other: RGB) -> float:
    """Contrast of two colours, 1 to 21 (WCAG 2.2)."""
    dark, light = sorted((luminance(one), luminance(other)))
    return (light + 0.05) / (dark + 0.05)


def to_oklab(colour: RGB) -> tuple[float, float, float]:
    """sRGB to OKLab."""
    r, g, b = (_linear(c) for c in colour)
    x = (0.4122214708 * r + 0.5363325363 * g + 0.0514459929 * b) ** (1 / 3)
    y = (0.2119034982 * r + 0.6806995451 * g + 0.1073969566 * b) ** (1 / 3)
    z = (0.0883024619 * r + 0.2817188376 * g + 0.6299787005 * b) ** (1 / 3)
    return (
        0.2104542553 * x + 0.7936177850 * y - 0.0040720468 * z,
        1.9779984951 * x - 2.4285922050 * y + 0.4505937099 * z,
        0.0259040371 * x + 0.7827717662 * y - 0.8086757660 * z,
    )


def from_oklab(lab: tuple[float, float, float]) -> RGB:
    """OKLab to sRGB, clipped."""
    lightness, a, b = lab
    x = (lightness + 0.3963377774 * a + 0.2158037573 * b) ** 3
    y = (lightness - 0.1055613458 * a - 0.0638541728 * b) ** 3
    z = (lightness - 0.0894841775 * a - 1.2914855480 * b) ** 3
    return (
        _display(4.0767416621 * x - 3.3077115913 * y + 0.2309699292 * z),
        _display(-1.2684380046 * x + 2.6097574011 * y - 0.3413193965 * z),
        _display(-0.0041960863 * x - 0.7034186147 * y + 1.7076147010 * z),
    )


def mix(start: RGB, end: RGB, part: float) -> RGB:
    """The colour a part (0 to 1) of the way, even in OKLab."""
    one, other = to_oklab(start), to_oklab(end)
    lab = tuple(a + (b - a) * part for a, b in zip(one, other, strict=True))
    return from_oklab((lab[0], lab[1], lab[2])) if 0 < part < 1 else (start if part <= 0 else end)


def ramp(theme: str) -> list[RGB]:
    """The 2 * STEPS + 1 backgrounds of a theme, most negative first; the middle one is the paper."""
    colours = THEMES[theme]
    low = [mix(colours["paper"], colours["low"], k / STEPS) for k in range(STEPS, 0, -1)]
    high = [mix(colours["paper"], colours["high"], k / STEPS) for k in range(1, STEPS + 1)]
    return [*low, colours["paper"], *high]


def best_ink(background: RGB, theme: str) -> RGB:
    """Of the theme's ink and its paper, the one that is read better on a background."""
    ink, paper = THEMES[theme]["ink"], THEMES[theme]["paper"]
    return ink if contrast(ink, background) >= contrast(paper, background) else paper


def likely(theme: str) -> list[tuple[RGB, RGB]]:
    """Background and ink of a prediction, by probability in STEPS steps from 0 to 1."""
    ends = LIKELY[theme]
    backgrounds = [mix(ends["none"], ends["all"], k / STEPS) for k in range(STEPS + 1)]
    return [(b, best_ink(b, theme)) for b in backgrounds]
