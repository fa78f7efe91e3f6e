"""The pages of lesions: a study of some units, and one of every unit in turn."""

from __future__ import annotations

import re
from datetime import datetime
from pathlib import Path

from cellscope.pipeline.exhibits.lesions import causes_exhibit, map_exhibit, need_exhibit
from cellscope.pipeline.lesion_map import Mapped
from cellscope.pipeline.lesions import Lesioned, Subject
from cellscope.report.contents import Headline, RunHeader
from cellscope.report.exhibits import Exhibit
from cellscope.report.page import write_index
from cellscope.report.study import StudyPage, write_study_page

DEEP = 8
"""Features that have an exhibit of their own; more are told together."""


def write_lesion(lesioned: Lesioned, reports: Path, *, single_file: bool = False) -> Path:
    """The study of a lesion; its path."""
    needs = lesioned.needs
    if len(needs) <= DEEP and any(need.several for need in needs):
        exhibits = tuple(need_exhibit(need) for need in needs)
    else:
        exhibits = tuple(e for e in [causes_exhibit(needs)] if e is not None)
    name = re.sub("[:/]", "-", needs[0].name)
    return _write(lesioned.subject, f"lesion-{name}", exhibits, any(n.needed for n in needs), reports, single_file)


def write_map(mapped: Mapped, reports: Path, *, single_file: bool = False) -> Path:
    """The study of every unit in turn; its path."""
    good = any(leader.needed for leader in mapped.map.leaders())
    return _write(mapped.subject, "lesions", (map_exhibit(mapped.map),), good, reports, single_file)


def header_of(subject: Subject) -> RunHeader:
    """Which network read which text; pages of a text that is not the run's own have a folder of their own."""
    known = (subject.run.info().get("corpus") or {}) if subject.run else {}
    own = bool(known) and known.get("digest") == subject.corpus.digest
    network = subject.network
    return RunHeader(
        name=network.name if own else f"{network.name}-on-{subject.corpus.name}",
        corpus=subject.corpus.name,
        model=network.description or type(network.module).__name__,
        characters=subject.characters,
        date=datetime.now().astimezone().strftime("%Y-%m-%d %H:%M"),
        vocabulary_size=len(network.vocabulary),
    )


def _write(
    subject: Subject, name: str, exhibits: tuple[Exhibit, ...], good: bool, reports: Path, single_file: bool
) -> Path:
    headline = Headline(sentence=exhibits[0].sentence, numbers=(), good=good, caveats=(), method=())
    page = StudyPage(header=header_of(subject), name=name, headline=headline, exhibits=exhibits)
    path = write_study_page(reports, page, single_file=single_file)
    write_index(reports, single_file=single_file)
    return path
