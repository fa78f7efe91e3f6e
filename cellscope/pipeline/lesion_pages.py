"""The pages of lesions and formation: a study of some units, one of every unit in turn, one of a run's snapshots."""

from __future__ import annotations

import hashlib
import re
from datetime import datetime
from pathlib import Path

from cellscope.data.text import Corpus
from cellscope.evidence.needs import Need
from cellscope.models.network import Network
from cellscope.pipeline.exhibits.formation import formation_exhibits
from cellscope.pipeline.exhibits.lesions import causes_exhibits, map_exhibit, need_exhibit, units_exhibit
from cellscope.pipeline.formation import Formed
from cellscope.pipeline.lesion_map import Mapped
from cellscope.pipeline.lesions import Lesioned, Subject
from cellscope.pipeline.picture_lesions import PictureLesioned
from cellscope.pipeline.picture_pages.words import header_in
from cellscope.pipeline.training import is_own
from cellscope.report.contents import Headline, RunHeader
from cellscope.report.exhibits import Exhibit
from cellscope.report.page import write_index
from cellscope.report.picture_contents import PictureHeader
from cellscope.report.study import StudyPage, study_of, write_study_page
from cellscope.training.run import RunFolder

DEEP = 8
"""Features that have an exhibit of their own; more are told together."""


def write_lesion(lesioned: Lesioned, reports: Path, *, single_file: bool = False) -> Path:
    """The study of a lesion; its path."""
    needs = lesioned.needs
    if len(needs) <= DEEP and any(need.several for need in needs):
        exhibits = tuple(need_exhibit(need, number) for number, need in enumerate(needs, 1))
    else:
        exhibits = causes_exhibits(needs)
    name = _name(lesioned.held, needs[0], lesioned.asked, usual="mean")
    return _write(
        _header(lesioned.subject), name, exhibits, any(n.needed for n in needs), reports, single_file,
        remark=lesioned.subject.remark,
    )  # fmt: skip


def write_picture_lesion(lesioned: PictureLesioned, reports: Path, *, single_file: bool = False) -> Path:
    """The study of a lesion in pictures; its path."""
    needs, subject = lesioned.needs, lesioned.subject
    header = header_in(subject.network, subject.run, subject.two.reporting, needs[0].seed)
    name = _name(lesioned.held, needs[0], tuple(need.feature for need in needs), usual="zero")
    exhibits = tuple(need_exhibit(need, number) for number, need in enumerate(needs, 1))
    return _write(header, name, exhibits, any(n.needed for n in needs), reports, single_file)


def _name(held: str, need: Need, asked: tuple[str, ...], *, usual: str) -> str:
    """The name of a lesion's study: of many units the first are named, and a mark tells them from others; what they are
    held at, where it is not the usual.
    """
    short = held = re.sub("[:/]", "-", held)
    if len(held) > len(need.name):
        short = f"{re.sub('[:/]', '-', need.name)} #{hashlib.sha256(held.encode()).hexdigest()[:8]}"
    fill = f"filled with {need.fill}" if need.fill != usual else ""
    return study_of("lesion", (short,), f"at {', '.join(asked)}" if asked else "", fill)


def write_map(mapped: Mapped, reports: Path, *, single_file: bool = False) -> Path:
    """The study of every unit in turn; its path."""
    good = any(leader.needed for leader in mapped.map.leaders())
    exhibits = (map_exhibit(mapped.map), units_exhibit(mapped.map))
    remark = mapped.subject.remark
    return _write(_header(mapped.subject), "lesions", exhibits, good, reports, single_file, remark=remark)


def write_formation(formed: Formed, reports: Path, *, single_file: bool = False) -> Path:
    """The study of a run's snapshots; its path."""
    made = formed.formations
    good = any(one.stays is not None for one in made)
    header = header_of(formed.network, formed.run, formed.corpus, made[0].characters + made[0].lesioned)
    steps = f"at {', '.join(f'{step}' for step in formed.steps)}" if formed.steps else ""
    name = study_of("formation", formed.asked, steps)
    return _write(header, name, formation_exhibits(formed), good, reports, single_file)


def header_of(network: Network, run: RunFolder | None, corpus: Corpus, characters: int) -> RunHeader:
    """Which network read which text; pages of a text that is not the run's own have a folder of their own."""
    own = is_own(run, corpus)
    return RunHeader(
        name=network.name if own else f"{network.name}-on-{corpus.name}",
        corpus=corpus.name,
        model=network.description or type(network.module).__name__,
        characters=characters,
        date=datetime.now().astimezone().strftime("%Y-%m-%d %H:%M"),
        vocabulary_size=len(network.vocabulary),
    )


def _header(subject: Subject) -> RunHeader:
    return header_of(subject.network, subject.run, subject.corpus, subject.characters)


def _write(
    header: RunHeader | PictureHeader,
    name: str,
    exhibits: tuple[Exhibit, ...],
    good: bool,
    reports: Path,
    single_file: bool,
    *,
    remark: str = "",
) -> Path:
    caveats = (f"{remark}.",) if remark else ()
    headline = Headline(sentence=exhibits[0].sentence, numbers=(), good=good, caveats=caveats, method=())
    page = StudyPage(header=header, name=name, headline=headline, exhibits=exhibits)
    path = write_study_page(reports, page, single_file=single_file)
    write_index(reports, single_file=single_file)
    return path
