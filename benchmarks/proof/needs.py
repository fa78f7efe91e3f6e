"""What the network loses without the best unit of each feature, beside units of like variance, held as it is."""

from __future__ import annotations

from typing import Any

import numpy as np

from cellscope.axes import Unit
from cellscope.evidence.controls import Held, alike, held_at, ratios
from cellscope.evidence.lesions import lesion_changes
from cellscope.evidence.moments import Moments
from cellscope.evidence.needs import Need
from cellscope.findings import Findings
from cellscope.pipeline.lesion_plan import need_of
from proof.material import SEED

DRAWS = 10
"""Units of nearest variance, drawn at random, that are lesioned beside each."""


def needs(network: Any, text: Any, findings: Findings, many: int) -> dict[str, Need]:
    """By span feature: the best unit held at its mean while the last `many` characters are read, and its controls."""
    spans = [e for e in findings.evidence if e.kind == "span" and e.unit is not None]
    features = [next(f for f in findings.features if f.name == e.feature) for e in spans]
    moments = Moments.of(findings.counts)
    fills = {site: moments.fill(site, "mean") for site in moments.mean}
    rng, lesions, number = np.random.default_rng(SEED), [], {}
    drawn: dict[Unit, list[Held]] = {}

    def lesioned(held: Held) -> int:
        (name,) = (str(Unit(site, int(units[0]))) for site, units in held.items())
        if name not in number:
            number[name] = len(lesions)
            lesions.append(held_at(name, held, fills))
        return int(number[name])

    plans = []
    for e in spans:
        assert e.unit is not None
        own: Held = {e.unit.site: np.array([e.unit.index])}
        if e.unit not in drawn:
            drawn[e.unit] = list(alike(own, moments.variance, DRAWS, rng))
        plans.append((lesioned(own), [lesioned(held) for held in drawn[e.unit]], own, drawn[e.unit]))
    changes = lesion_changes(network, text, features, lesions, start=len(text) - many)
    return {
        e.feature: need_of(
            changes, own, random, f, of=e.feature, name=str(e.unit), fill="mean", characters=many,
            chosen=findings.characters, seed=SEED, ratios=ratios(held, controls, moments.variance), before=False,
        ) for f, (e, (own, random, held, controls)) in enumerate(zip(spans, plans, strict=True))
    }  # fmt: skip
