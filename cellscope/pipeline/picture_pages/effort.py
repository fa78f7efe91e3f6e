"""How much is spent on the pages of pictures: everything is measured either way, on more or on fewer pictures."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Effort:
    """steps     of every optimised picture
    climbed   units of a layer that are climbed for on pixels, from `starts` random starts in `climb` steps; `published`
              steps of the published recipes (None: as published)
    checked   units of a layer for which it is measured how much of deconvnet and guided pictures survives
    lesioned  pictures on which lesions are scored: half of them choose, half report
    shares, draws  points of a damage curve, and its random orders; `damaged` pictures they are scored on
    moved     pictures that are shifted, turned and so on
    lessons   pictures that the readable model and the probes are given
    fits      iterations of the readable model at most
    explained pictures that are explained, and `redrawn` draws of the layer that is drawn anew for the check
    snapshots of the training that are shown, on `formed` pictures each
    """

    steps: int = 192
    climbed: int = 512
    starts: int = 4
    climb: int = 120
    published: int | None = None
    checked: int = 16
    lesioned: int = 1_000
    shares: int = 8
    draws: int = 8
    damaged: int = 500
    moved: int = 256
    lessons: int = 2_000
    fits: int = 300
    explained: int = 6
    redrawn: int = 3
    snapshots: int = 16
    formed: int = 400


FULL = Effort()
QUICK = Effort(
    steps=24, climbed=4, starts=3, climb=40, published=24, checked=4, lesioned=96, shares=4, draws=3, damaged=40,
    moved=48, lessons=500, fits=50, explained=3, redrawn=2, snapshots=5, formed=120,
)  # fmt: skip
"""What the demonstration spends, so that its pages are there within two minutes of the training."""
