"""A study: a page of exhibits alone, for what is about a whole run or several, listed in the index."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from cellscope.report.contents import Headline, RunHeader
from cellscope.report.exhibits import Exhibit, need_keys
from cellscope.report.files import safe_name, study_name, write_table
from cellscope.report.panels.exhibits import exhibits_panel, exhibits_told, write_exhibits
from cellscope.report.picture_contents import PictureHeader
from cellscope.report.render import about, run_of, write_page
from cellscope.report.tables import Table


@dataclass(frozen=True, kw_only=True, eq=False)
class StudyPage:
    """A page of exhibits; `name` is what the index and the address call it, `header` the run that it lies with."""

    header: RunHeader | PictureHeader
    name: str
    headline: Headline
    exhibits: tuple[Exhibit, ...]

    def __post_init__(self) -> None:
        need_keys(self.exhibits)


def study_of(kind: str, asked: Sequence[str] = (), *more: str) -> str:
    """A study's name, another one for every question: `probe-url` of one thing that was asked, `probe url, quote` of
    several, the kind alone of all; `more` says what else is not as usual. File names keep them apart, however long.
    """
    name = f"{kind}-{asked[0]}" if len(asked) == 1 else f"{kind} {', '.join(asked)}".rstrip()
    return ", ".join([name, *(part for part in more if part)])


def write_study_page(folder: Path | str, page: StudyPage, *, single_file: bool = False) -> Path:
    """The page of a study under `folder` (reports/), its tables beside it; the page's path.

    The page's own CSV and JSON are those of its first exhibit that has a table.
    """
    root = Path(folder)
    path = root / safe_name(page.header.name) / f"{study_name(page.name)}.html"
    data: dict[str, object] = {"kind": "study", "exhibits": exhibits_panel(page.exhibits)}
    table = next((one.table for one in page.exhibits if one.table is not None), Table(columns=(), rows=()))
    run = run_of(page.header)
    told = about("study", page.name, run, page.headline) | exhibits_told(page.exhibits)
    write_table(path.with_suffix(""), table.columns, table.rows, told)
    write_exhibits(path, page.exhibits, run)
    here = {"name": page.name, "exhibits": page.exhibits, "run_page": path.with_name("index.html").is_file()}
    return write_page(root, path, "study.html", page.header, page.headline, data, here, single_file)
