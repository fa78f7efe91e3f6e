"""What kind of cell a unit of a search is: its best feature, its lag, and the portrait of both."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from cellscope.axes import Progress, Unit
from cellscope.errors import InputError
from cellscope.evidence.kinds import CRITERION, Kind
from cellscope.evidence.portraits import MOST, Portrait, Stretch, kinds_of, portray
from cellscope.findings import Findings
from cellscope.pipeline.find import Search
from cellscope.pipeline.recorded import Recorded
from cellscope.pipeline.searched import search_with
from cellscope.pipeline.tracking import tracking

EARLIER = 0.01
"""A lag is taken for one if it raises the score on the choosing half by so much."""


@dataclass(frozen=True, eq=False)
class Told:
    """The portrait of one unit of a search."""

    search: Search
    portrait: Portrait

    def figures(self) -> dict[str, Any]:
        """What JSON says of the run beside the portrait."""
        run, findings = self.search.run, self.search.findings
        return {
            "run": run.name if run else None, "network": self.search.network.description,
            "corpus": self.search.corpus.name, "searched": findings.characters, "criterion": CRITERION,
        }  # fmt: skip


def kind_in(
    run: str | Path | None,
    address: str,
    *,
    feature: str | None = None,
    progress: Progress | None = None,
    **options: Any,
) -> Told:
    """Search as `find_in` does, with the same options, and portray one unit or component at a feature, by default its
    best one.
    """
    asked = () if feature is None else (feature,)
    search, unit = search_with(run, address, asked=asked, progress=progress, **options)
    name = None if feature is None else feature.partition("=")[0].strip()
    return Told(search, portrait_of(search, unit, name, progress=progress))


def portrait_of(
    search: Search, unit: Unit, feature: str | None = None, *, most: int = MOST, progress: Progress | None = None
) -> Portrait:
    """The portrait of a unit at a feature of the search (its best one by default); InputError where there is none."""
    findings = search.findings
    if isinstance(search.network, Recorded):
        raise InputError(f"{search.network.name} is an array: what its units did is known, what drives them is not")
    index = findings.units.index(unit)
    names = [f.name for f in findings.features]
    if feature is not None and feature not in names:
        raise InputError(f"{feature} was not searched; searched were {', '.join(names)}")
    row = int(best_features(findings)[index]) if feature is None else names.index(feature)
    if row < 0:
        raise InputError(f"none of {len(names)} features can be judged in {search.corpus.name}, so {unit} has no kind")
    return portray(
        search.network, search.corpus, unit, findings.features[row], stretch=stretch_of(findings, most),
        lag=int(lags_of(findings)[row, index]), sign=-1 if findings.scores["sign"][row, index] < 0 else 1,
        seed=findings.counts.seed, basis=next((b for b in search.bases if b.site == unit.site), None),
        progress=progress,
    )  # fmt: skip


def kinds_in(
    search: Search, features: Sequence[int] | None = None, *, most: int = MOST, progress: Progress | None = None
) -> dict[Unit, Kind]:
    """The kind of every unit of a search, at the feature whose number `features` has for it (its best one by default);
    units with -1, for which no feature can be judged, are left out.
    """
    findings = search.findings
    own = best_features(findings) if features is None else np.asarray(features)
    lags = lags_of(findings)
    plans = {
        unit: (findings.features[own[u]], int(lags[own[u], u])) for u, unit in enumerate(findings.units) if own[u] >= 0
    }
    with search.source() as source:
        return kinds_of(source, search.corpus, plans, stretch=stretch_of(findings, most), progress=progress)


def stretch_of(findings: Findings, most: int = MOST) -> Stretch:
    """About `most` characters from all blocks of the last round that was searched."""
    return Stretch.of(findings.counts.rounds, most=most)


def best_features(findings: Findings) -> NDArray[np.int64]:
    """The feature that each unit goes with best on the choosing half [unit]: of those that it tracks, else of those
    that only the last three characters keep it from tracking, else of all; -1 where none can be judged.
    """
    span = np.array([f.kind == "span" for f in findings.features])[:, None]
    chosen = findings.scores["chosen"]
    effect = np.where(span, 2 * chosen - 1, chosen)  # both 0 by chance and 1 at best
    told = tracking(findings)
    worth = np.where(np.isnan(effect), -np.inf, effect + 2 * told.plain + 4 * told.found)
    found: NDArray[np.int64] = np.where(np.isfinite(worth).any(0), worth.argmax(0), -1)
    return found


def lags_of(findings: Findings) -> NDArray[np.int64]:
    """The lag of every unit at every feature [feature, unit], from the choosing half; 0 where none is clearly best."""
    gain = np.nan_to_num(findings.scores["lag_gain"])
    found: NDArray[np.int64] = np.where(gain > EARLIER, np.nan_to_num(findings.scores["lag"]), 0).astype(np.int64)
    return found
