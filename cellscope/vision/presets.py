"""Settings of feature visualisation by the size of the picture."""

from __future__ import annotations

from dataclasses import dataclass, field

from cellscope.vision.transforms import Robustness


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
    48: Preset("small", 128, robustness=Robustness((2, 1))),
    96: Preset("middle", 128, robustness=Robustness((4, 2))),
    1 << 30: Preset("lucid"),
}
"""By the shorter side up to which they are taken; from 97 on they are lucid's own. Small networks saturate soon."""


def preset_for(rows: int, columns: int) -> Preset:
    """The settings for pictures of this size; lucid's jitter of 8 and 4 pixels is for 128 pixels and shrinks below."""
    return next(preset for limit, preset in PRESETS.items() if min(rows, columns) <= limit)
