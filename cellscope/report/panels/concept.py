"""A concept's page for its script: the ranked units are as on pages of text; pictures carry their mask's outline."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from cellscope.report.panels.evidence import line_panel
from cellscope.report.panels.layer import bank_panel
from cellscope.report.picture_contents import ConceptExample, ConceptPage
from cellscope.report.sheets import Json, Sheets


def concept_panel(page: ConceptPage, sheets: Sheets) -> Json:
    """The pictures of a concept and its curve over units."""
    return {
        "bank": None if page.bank is None else bank_panel(page.bank, sheets),
        "examples": examples_panel(page.examples, sheets),
        "over_units": line_panel(page.over_units),
        "best": page.ranking.rows[0].address if page.ranking.rows else "",
    }


def examples_panel(examples: Sequence[ConceptExample], sheets: Sheets) -> list[Json]:
    """Each picture with the outline of its mask and the map of the best unit."""
    return [
        {
            "kind": one.kind,
            "input": one.input,
            "value": one.value,
            "outline": None if one.mask is None else outline(one.mask),
            "size": None if one.mask is None else one.mask.shape,
            "map": None if one.map is None else sheets.maps("maps", one.map[None]),
        }
        for one in examples
    ]


def outline(mask: NDArray[np.bool_]) -> str:
    """The border of a mask as an SVG path along the edges of its pixels, x to the right and y down."""
    framed = np.pad(np.asarray(mask, bool), 1)
    across = framed[1:, 1:-1] != framed[:-1, 1:-1]
    down = framed[1:-1, 1:] != framed[1:-1, :-1]
    parts = [f"M{start} {y}h{length}" for y, start, length in _runs(across)]
    parts += [f"M{x} {start}v{length}" for x, start, length in _runs(down.T)]
    return "".join(parts)


def _runs(flags: NDArray[np.bool_]) -> list[tuple[int, int, int]]:
    """The stretches of True of every row: (row, start, length)."""
    edges = np.diff(np.pad(flags.astype(np.int8), ((0, 0), (1, 1))), axis=1)
    rows, starts = np.nonzero(edges == 1)
    _, ends = np.nonzero(edges == -1)
    return list(zip(rows.tolist(), starts.tolist(), (ends - starts).tolist(), strict=True))
