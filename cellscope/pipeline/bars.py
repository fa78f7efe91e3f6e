"""The scores of an untrained network, kept in a file: a bar is made once for a run."""

from __future__ import annotations

import json
import math
from collections.abc import Mapping
from dataclasses import astuple
from pathlib import Path

from cellscope.evidence.intervals import Estimate
from cellscope.findings import Findings
from cellscope.report.files import write_whole

FORM = "score, low, high; no interval is endless"
"""What is kept of a bar; part of the name of the file, so that one of another form is not asked for."""


def bars_of(findings: Findings) -> list[Estimate | None]:
    """The score of every feature's best unit with its interval; None where it cannot be judged."""
    return [None if e.remark else Estimate(e.score, e.low, e.high) for e in findings.evidence]


def write_bars(path: Path, bars: Mapping[str, Estimate | None]) -> None:
    """Keep bars by name, also those that cannot be had: or they would be looked for again every time."""
    figures = {name: None if bar is None else [_known(x) for x in astuple(bar)] for name, bar in bars.items()}
    write_whole(path, json.dumps(figures))


def read_bars(path: Path | None) -> dict[str, Estimate | None]:
    """The bars that were kept; none where there is no file or a damaged one."""
    try:
        content = json.loads(path.read_text("utf-8")) if path is not None else {}
        return {name: None if bar is None else _bar(*bar) for name, bar in content.items()}
    except (OSError, ValueError, TypeError, AttributeError):
        return {}


def _known(x: float) -> float | None:
    return None if math.isnan(x) else x


def _bar(value: float | None, low: float | None, high: float | None) -> Estimate:
    return Estimate(*(math.nan if x is None else float(x) for x in (value, low, high)))
