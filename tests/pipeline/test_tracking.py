from __future__ import annotations

import numpy as np

from cellscope.pipeline.exhibits.tracking import LINES, exhibit
from cellscope.pipeline.explain import evidence_of
from cellscope.pipeline.find import Search
from cellscope.pipeline.tracking import tracking


def test_tracking_is_what_explain_says_of_every_unit(planted_search: Search) -> None:
    """Found and plain of every unit at every feature are those of `explain`, worked out all at once."""
    findings = planted_search.findings
    told = tracking(findings)
    for unit in range(len(findings.units)):
        by_name = {e.feature: e for e in evidence_of(findings, unit)}
        for f, feature in enumerate(findings.features):
            e = by_name.get(feature.name)
            assert told.found[f, unit] == (e is not None and e.found)
            assert told.plain[f, unit] == (e is not None and e.plain)


def test_the_planted_cell_is_counted(planted_search: Search) -> None:
    """Cell 0 tracks; the count falls as the line rises, and the sentence and table say the same number."""
    told = tracking(planted_search.findings)
    flags = told.units(0.9)
    assert flags[[str(u) for u in planted_search.findings.units].index("lstm.0:cell/0")]
    counts = [told.count(at) for at in LINES]
    assert counts == sorted(counts, reverse=True)
    made = exhibit(planted_search.findings)
    assert made.table is not None
    assert [row["units"] for row in made.table.rows] == counts
    cells = sum(flags[k] for k, unit in enumerate(planted_search.findings.units) if unit.site.stream == "cell")
    assert f"{cells} of 8 of lstm.0:cell" in made.sentence
    assert told.sentence(0.9).startswith(f"{int(flags.sum())} of {len(flags)} units")
    assert np.isclose(float(made.table.rows[0]["percent"] or 0), 100 * counts[0] / len(flags))
