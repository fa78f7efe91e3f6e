"""A made-up atlas of any size: some units found, some plain, most with nothing, and smooth noise on one text."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import planted_pages

from cellscope.report.atlas import AtlasPage, AtlasRow, Scenes, Stretch
from cellscope.report.contents import Headline
from cellscope.report.picture_contents import PictureHeader

TEXT = ("def f(a, b):\n    return 'quote' # x\n" * 7)[:240]
SITES = ("lstm.0:hidden", "lstm.0:cell", "lstm.1:hidden", "lstm.1:cell")
KINDS = ("switch", "counter", "timer")
HEADER = PictureHeader(name="cnn", images="shapes (held back)", model="a small network", pictures=40)


def atlas_page(units: int, *, name: str = "feature", text: str = TEXT) -> AtlasPage:
    """Unit k lies in site k % 4; one in 25 is found, one in ten plain."""
    draw = np.random.default_rng(1)
    found, plain = max(units // 25, 1), units // 10
    rows = tuple(
        AtlasRow(
            address=f"{SITES[k % 4]}/{k // 4}",
            site=SITES[k % 4],
            index=k // 4,
            answer="found" if k < found else "plain" if k < found + plain else "no",
            feature=f"{name} {k % 23}",
            sign=-1 if k % 2 else 1,
            score=None if k == units - 1 else round(float(draw.uniform(0.6, 1)), 4),
            low=0.6,
            high=0.99,
            p=0.01,
            also=((f"{name} {(k + 1) % 23}", 0.8),) if k < found else (),
            why="" if k < found else f"the last three characters of {name} give 0.93",
            more={
                "kind": KINDS[k % 3],
                "time scale": float(draw.exponential(30)),
                "without it": float(draw.normal(0, 0.05)),
                "without it elsewhere": 0.0123,
            },
        )
        for k in range(units)
    )
    values = np.tanh(np.cumsum(draw.normal(0, 0.5, (len(text), units)), 0)).astype(np.float32)
    marks = {f"{name} {k}": np.arange(len(text)) % (k + 5) < 3 for k in range(23)}
    return AtlasPage(
        header=planted_pages.HEADER,
        headline=Headline(sentence=f"{found} of {units} units track a feature."),
        rows=rows,
        sample=Stretch(text=text, start=5, values=values, marks=marks),
        columns=("kind", "time scale", "without it"),
        details=("without it elsewhere",),
        command="cellscope explain python UNIT",
    )


def picture_atlas(units: int = 12, *, name: str = "concept") -> AtlasPage:
    """The same of four pictures of 6 x 8 pixels, on a grid of 3 x 4; unit k is brightest in place k of the first."""
    made = atlas_page(units, name=name)
    values = np.zeros((4, 3, 4, units), np.float32)
    values.reshape(4, 12, units)[0, np.arange(units) % 12, np.arange(units)] = 1 + np.arange(units)
    values[1] = -0.5
    marks = {f"{name} {k}": np.arange(48).reshape(4, 3, 4) % (k + 5) < 2 for k in range(23)}
    pictures = np.random.default_rng(2).integers(0, 255, (4, 6, 8, 3), np.uint8)
    names = tuple(f"picture {k}, {name}" for k in range(4))
    return replace(
        made, header=HEADER, sample=Scenes(values=values, names=names, pictures=pictures, marks=marks),
        columns=("kind",), details=(), command="cellscope find cnn", feature="concept",
        plain="the colours alone give it away", sites=SITES[::-1],
    )  # fmt: skip
