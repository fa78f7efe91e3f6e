"""How many units track anything, by stream and layer, and how that hangs on where the line is drawn."""

from __future__ import annotations

import numpy as np

from cellscope.evidence.terms import TEXT
from cellscope.evidence.verdicts import CLEAR, Q
from cellscope.findings import Findings
from cellscope.pipeline.tracking import Tracking, tracking
from cellscope.report.exhibits import Bars, Exhibit, Group, Lines, Series
from cellscope.report.tables import Table

LINES = (0.5, 0.6, 0.7, 0.75, 0.8, 0.85, 0.9, 0.95, 0.99)
"""Least scores between which the reader may choose."""
FEW = 8
"""So many layers are all named; of more, those with a unit that tracks something."""


def exhibit(findings: Findings) -> Exhibit:
    """The share of units that track a feature, from all that are found to those that are all but perfect."""
    told, terms = tracking(findings), findings.counts.terms
    counts = [told.count(at) for at in LINES]
    sites = list(dict.fromkeys(str(unit.site) for unit in findings.units))
    return Exhibit(
        key="tracking",
        title="How many units track something",
        sentence=_sentence(told, sites),
        caveats=(
            f"Tracks: q <= {Q:g}, and the unit lies above the {terms.three} and above the best unit of the untrained "
            f"network with the whole interval of each difference, on {terms.chosen_on}.",
            "A unit that tracks nothing that was looked for may track something that was not.",
        ),
        figures=(
            Lines(
                title="By the least score that counts",
                caption=f"How many units track some {terms.feature} at least so well.",
                series=(Series(name="units", x=LINES, y=tuple(float(c) for c in counts)),),
                x=f"AUC (numeric {terms.feature}s: rank correlation)",
                y="units",
            ),
            Bars(
                title="By layer" if terms is not TEXT else "By stream and layer",
                caption=f"Units that track some {terms.feature}, and those that do so at {CLEAR:g} or better.",
                labels=tuple(sites),
                groups=(_group(told, sites, 0.0, "tracks"), _group(told, sites, CLEAR, f"at {CLEAR:g} or better")),
                value="units",
            ),
        ),
        table=Table(
            columns=("least score", "units", "of", "percent", "features"),
            rows=tuple(
                {
                    "least score": at,
                    "units": told.count(at),
                    "of": len(findings.units),
                    "percent": 100 * told.count(at) / max(len(findings.units), 1),
                    "features": told.features(at),
                }
                for at in LINES
            ),
        ),
    )


def _sentence(told: Tracking, sites: list[str]) -> str:
    """`At 0.9 or better: 10 of 256 units of lstm.0:cell, 4 of 256 of lstm.0:hidden.`"""
    own = np.array([sites.index(str(unit.site)) for unit in told.findings.units])
    counted = np.bincount(own[told.units(CLEAR)], minlength=len(sites)), np.bincount(own, minlength=len(sites))
    numbers = [one for one in zip(*counted, sites, strict=True) if one[0] or len(sites) <= FEW]
    parts = [f"{n:,} of {of:,} of {site}" for n, of, site in numbers]
    if len(parts) < len(sites):
        parts.append(f"none of {f'{len(sites) - len(parts)} other layers' if parts else 'any layer'}")
    return f"Units that track a {told.findings.counts.terms.feature} at {CLEAR:g} or better: {', '.join(parts)}."


def _group(told: Tracking, sites: list[str], at: float, name: str) -> Group:
    own = np.array([sites.index(str(unit.site)) for unit in told.findings.units])
    number = np.bincount(own[told.units(at)], minlength=len(sites))
    return Group(name=name, values=tuple(float(n) for n in number))
