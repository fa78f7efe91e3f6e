"""A made-up atlas of any size: some units found, some plain, most with nothing, and smooth noise on one text."""

from __future__ import annotations

import numpy as np
import planted_pages

from cellscope.report.atlas import AtlasPage, AtlasRow, Stretch
from cellscope.report.contents import Headline

TEXT = ("def f(a, b):\n    return 'quote' # x\n" * 7)[:240]
SITES = ("lstm.0:hidden", "lstm.0:cell", "lstm.1:hidden", "lstm.1:cell")
KINDS = ("switch", "counter", "timer")


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
        stretch=Stretch(text=text, start=5, values=values, marks=marks),
        columns=("kind", "time scale", "without it"),
        details=("without it elsewhere",),
        command="cellscope explain python UNIT",
    )
