"""The texts of a page: stretches that were chosen, heard again with everything that is shown of them."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from cellscope.axes import Unit
from cellscope.pipeline.find import Search
from cellscope.pipeline.marks import Marks
from cellscope.pipeline.passages import Cut
from cellscope.pipeline.recorded import Recorded
from cellscope.pipeline.rehear import rehear
from cellscope.pipeline.scan import Survey
from cellscope.report.contents import Passage, Passages, Predictions


def texts(
    search: Search,
    cuts: Sequence[Cut],
    *,
    units: Sequence[Unit],
    gated: Sequence[Unit] = (),
    spans: NDArray[np.bool_] | None = None,
    numbers: NDArray[np.float32] | None = None,
    marks: Marks | None = None,
) -> Passages:
    """The cuts with what `units` did on them, the gates of `gated`, and the labels `spans`, `numbers` [position].

    Who asks for the texts of many pages gives `marks`, so that no warm-up is played again and again.
    """
    wanted: dict[str, list[int]] = {}
    for unit in sorted(units):
        wanted.setdefault(str(unit.site), []).append(unit.index)
    sites = tuple(dict.fromkeys(unit.site for unit in sorted(units)))
    stretches = [(cut.start, cut.stop) for cut in cuts]
    if isinstance(search.network, Recorded):  # what it predicts, what its gates do, nobody has written down
        whole = search.network.read(stretches)
        return Passages(
            items=tuple(_passage(search, cut) for cut in cuts),
            activations={str(site): whole[:, wanted[str(site)]] for site in sites},
            units={site: tuple(columns) for site, columns in wanted.items()},
            spans=spans,
            numbers=numbers,
        )
    heard = rehear(search.network, search.corpus, sites, stretches, gated=gated, bases=search.bases, marks=marks)
    symbols = tuple(symbol or "\ufffd" for symbol in search.network.vocabulary.symbols)
    return Passages(
        items=tuple(_passage(search, cut) for cut in cuts),
        activations={str(site): heard.values[site][:, wanted[str(site)]] for site in sites},
        units={site: tuple(columns) for site, columns in wanted.items()},
        spans=spans,
        numbers=numbers,
        predictions=Predictions(symbols=symbols, ids=heard.ids, probabilities=heard.probabilities),
        gates={str(unit): gates for unit, gates in heard.gates.items() if gates},
        loss=heard.loss,
    )


def flags_on(labels: Survey, feature: int, cuts: Sequence[Cut]) -> NDArray[np.bool_]:
    """Where a span feature is on, over the cuts one after the other, bool [position]."""
    flags = labels.flags(feature)
    return np.concatenate([flags[cut.start - labels.start : cut.stop - labels.start] for cut in cuts])


def numbers_on(labels: Survey, feature: int, cuts: Sequence[Cut]) -> NDArray[np.float32]:
    """A numeric feature over the cuts one after the other, float32 [position]."""
    row = labels.row(feature)
    return np.concatenate([row[cut.start - labels.start : cut.stop - labels.start] for cut in cuts])


def _passage(search: Search, cut: Cut) -> Passage:
    text = search.corpus.text(cut.start, cut.stop)
    peak = None if cut.peak is None else cut.peak - cut.start
    return Passage(kind=cut.kind, text=text, start=cut.start, unit=cut.unit, peak=peak)
