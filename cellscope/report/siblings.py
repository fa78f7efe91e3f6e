"""Which pages lie beside a page: a list that every page reads, so that one written later is linked from the earlier."""

from __future__ import annotations

from pathlib import Path

from cellscope.report.files import json_text, write_whole

LIST = "pages.js"


def list_pages(folder: Path) -> Path:
    """Write the names of the pages in a run's folder as a script, which a page opened from a file may read."""
    names = sorted(page.stem for page in folder.glob("*.html"))
    return write_whole(folder / LIST, f"window.cellscopePages = {json_text(names)};\n")


def list_all(root: Path) -> None:
    """Write the lists of all folders under `root` that have one."""
    for known in sorted(root.glob(f"*/{LIST}")):
        list_pages(known.parent)
