"""Scripts and styles: copied once beside the pages, or inlined into a page that is to be mailed."""

from __future__ import annotations

import hashlib
import importlib.util
from dataclasses import dataclass
from functools import cache
from pathlib import Path

from cellscope.errors import CellscopeError
from cellscope.report.files import write_whole
from cellscope.report.quantise import pack

HERE = Path(__file__).parent / "assets"


@dataclass(frozen=True)
class Kit:
    """The scripts, in their order, and the styles of one kind of page."""

    styles: tuple[str, ...]
    scripts: tuple[str, ...]


def _scripts(names: str) -> tuple[str, ...]:
    return tuple(f"{name}.js" for name in names.split())


TEXT_KIT = Kit(
    ("page.css", "exhibits.css"),
    _scripts(
        "codec words colour glyphs text siblings table figures plots drawn samples exhibits reader inspector keys page"
    ),
)
PICTURE_KIT = Kit(
    ("page.css", "pictures.css"),
    _scripts("codec words colour table figures plots sheets bank unit walk concept measures snapshots network page"),
)
ATLAS_KIT = Kit(
    (*TEXT_KIT.styles, "atlas.css"),
    (*TEXT_KIT.scripts[:-1], *_scripts("atlasscenes atlas atlastold atlasmap"), TEXT_KIT.scripts[-1]),
)
KITS = (TEXT_KIT, PICTURE_KIT, ATLAS_KIT)
STYLES = tuple(dict.fromkeys(name for kit in KITS for name in kit.styles))
SCRIPTS = tuple(dict.fromkeys(name for kit in KITS for name in kit.scripts))


@cache
def plotly_source() -> bytes:
    """plotly.min.js of the installed package; CellscopeError where it has none."""
    spec = importlib.util.find_spec("plotly")
    for place in (spec.submodule_search_locations or ()) if spec else ():
        path = Path(place) / "package_data" / "plotly.min.js"
        if path.is_file():
            return path.read_bytes()
    raise CellscopeError("the plots need plotly.min.js, which the plotly package brings; try: pip install plotly")


@cache
def packed_plotly() -> str:
    """plotly.min.js as deflated base64: 2.0 MB instead of 4.8."""
    return pack(plotly_source())


@cache
def version() -> str:
    """A short hash of scripts and styles: pages made by another version keep their own."""
    digest = hashlib.sha256()
    for name in (*STYLES, *SCRIPTS):
        digest.update((HERE / name).read_bytes())
    digest.update(hashlib.sha256(plotly_source()).digest())
    return digest.hexdigest()[:8]


def copy_assets(folder: Path) -> str:
    """Put scripts, styles and plotly under `folder/assets` where they are not yet; the sub-folder's name."""
    target = folder / "assets" / version()
    for name in (*STYLES, *SCRIPTS):
        _once(target / name, (HERE / name).read_bytes())
    _once(target / "plotly.min.js", plotly_source())
    return f"assets/{version()}"


def _once(path: Path, content: bytes) -> None:
    if not (path.is_file() and path.stat().st_size == len(content)):
        write_whole(path, content)


def inline(names: tuple[str, ...]) -> str:
    """The text of some assets, one after the other."""
    return "\n".join((HERE / name).read_text(encoding="utf-8") for name in names)
