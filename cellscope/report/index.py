"""What the index lists: read back from the JSON beside the pages, which may be anything by now."""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path

from cellscope.report.words import visible

ORDER = {"atlas": -2, "study": -1, "feature": 0, "concept": 0, "unit": 1, "layer": 2}
"""What is listed first."""

MOST_BYTES = 50_000_000
"""A bigger file is none of ours."""


@dataclass(frozen=True)
class Entry:
    """One page: where it lies and what it says; `claim` is false for a page that finds nothing, only shows."""

    kind: str
    name: str
    sentence: str
    good: bool
    plain: bool
    href: str
    place: float = 0
    claim: bool = True


@dataclass(frozen=True)
class RunEntry:
    """One run's folder and its pages, those with a finding first."""

    name: str
    href: str
    line: str
    sentence: str
    pages: tuple[Entry, ...]


def gather(root: Path) -> list[RunEntry]:
    """Every run under `root`, newest first; files that are not ours are passed over."""
    found: list[tuple[str, RunEntry]] = []
    for folder in sorted(p for p in root.iterdir() if p.is_dir()) if root.is_dir() else ():
        abouts = [(page, _read(page.with_suffix(".json"))) for page in sorted(folder.glob("*.html"))]
        kept = [(page, about) for page, about in abouts if about is not None]
        if kept:
            found.append(_run(folder, kept))
    return [entry for _, entry in sorted(found, key=lambda pair: pair[0], reverse=True)]


def _run(folder: Path, kept: list[tuple[Path, dict[str, object]]]) -> tuple[str, RunEntry]:
    own = next((about for page, about in kept if page.name == "index.html"), None)
    header = (own or kept[0][1]).get("run")
    run = header if isinstance(header, dict) else {}
    pages = [_entry(f"{folder.name}/{page.name}", about) for page, about in kept if page.name != "index.html"]
    pages.sort(key=lambda e: (ORDER.get(e.kind, len(ORDER)), e.place, not e.good, not e.plain, e.name))
    parts = (run.get("corpus"), run.get("model"), run.get("date"))
    entry = RunEntry(
        name=visible(str(run.get("name", folder.name))),
        href=f"{folder.name}/index.html" if own else "",
        line=" · ".join(visible(str(part)) for part in parts if part),
        sentence=visible(str(own.get("sentence", ""))) if own else "",
        pages=tuple(pages),
    )
    return str(run.get("date", "")), entry


def _entry(href: str, about: dict[str, object]) -> Entry:
    place = about.get("position")
    return Entry(
        kind=str(about["cellscope"]),
        name=visible(str(about.get("name", ""))),
        sentence=visible(str(about.get("sentence", ""))),
        good=about.get("good") is True,
        plain=about.get("plain") is True,
        href=href,
        place=float(place) if isinstance(place, (int, float)) else 0.0,
        claim=about["cellscope"] not in ("atlas", "study", "layer"),
    )


def _read(path: Path) -> dict[str, object] | None:
    try:
        if path.stat().st_size > MOST_BYTES:
            return None
        about = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError, RecursionError):
        return None
    return about if isinstance(about, dict) and isinstance(about.get("cellscope"), str) else None
