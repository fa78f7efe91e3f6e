"""The two demonstrations from nothing, each in a folder of its own: the minutes that they take, and what they find.

What was compiled before is not used: the kernels are compiled as at the first start after an installation.
"""

from __future__ import annotations

import tempfile
from pathlib import Path

from answers import GOOD, PICTURES, TEXT, answers, good, wanted
from command import seconds

from cellscope.evidence.verdicts import digits

MINUTES = {"demo": 5, "demo-images": 4}
Row = tuple[str, str, str, bool]


def made(folder: Path, run: str, *words: str) -> Row:
    """The row of the time that `cellscope demo` takes in an empty folder; runs/ and reports/ are there afterwards."""
    reach = MINUTES[run]
    minutes = seconds("demo", *words, folder=folder, NUMBA_CACHE_DIR=str(folder / "compiled")) / 60
    return f"`make {run}`, after installation", f"<= {reach} minutes", f"{minutes:.1f} minutes", minutes <= reach


def of_text(reports: Path) -> Row:
    """The row of what the demonstration on text found: all of TEXT, by a clear unit each."""
    found = wanted(answers(reports, "demo")).values()
    what = "  what it finds (plain: the last three characters tell it, too)"
    return what, ", ".join(TEXT), ", ".join(map(str, found)), all(answer.clear for answer in found)


def of_pictures(reports: Path) -> Row:
    """The row of what the demonstration on pictures found: how many concepts have a good unit, and all have one."""
    every = answers(reports, "demo-images")
    best, bare = good(every), [answer.name for answer in every.values() if answer.unit is None]
    units = f"no unit: {', '.join(bare)}" if bare else "all have a best unit"
    names = ", ".join(f"{answer.name} {digits(answer.auc)}" for answer in best)
    what = f"  concepts of `shapes` whose best unit has a held-out AUC >= {GOOD}"
    reach = f">= {PICTURES}, a best unit for all"
    return what, reach, f"{len(best)} of {len(every)} ({names}); {units}", len(best) >= PICTURES and not bare


def rows() -> list[Row]:
    """Both demonstrations, one after the other."""
    out = []
    for run, words, found in (("demo", (), of_text), ("demo-images", ("images",), of_pictures)):
        with tempfile.TemporaryDirectory() as name:
            folder = Path(name)
            out += [made(folder, run, *words), found(folder / "reports")]
    return out
