"""A page as one HTML file: template, data, scripts and styles, beside it or within."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from dataclasses import asdict
from functools import cache
from pathlib import Path
from typing import Any

import jinja2

from cellscope.report import colour
from cellscope.report.contents import Headline, RunHeader
from cellscope.report.files import json_text, layer_name, safe_name, write_whole
from cellscope.report.picture_contents import PictureHeader
from cellscope.report.shared import HERE, TEXT_KIT, Kit, copy_assets, inline, packed_plotly
from cellscope.report.siblings import LIST, list_pages
from cellscope.report.words import visible


@cache
def _templates() -> jinja2.Environment:
    made = jinja2.Environment(
        loader=jinja2.FileSystemLoader(HERE),
        autoescape=True,
        undefined=jinja2.StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    made.filters |= {
        "visible": lambda text: visible(str(text)),
        "safe_name": safe_name,
        "layer_name": layer_name,
        "thousands": "{:,}".format,
    }
    return made


def write_page(
    root: Path,
    path: Path,
    template: str,
    header: RunHeader | PictureHeader | None,
    headline: Headline | None,
    data: Mapping[str, object],
    here: Mapping[str, Any],
    single_file: bool,
    *,
    kit: Kit = TEXT_KIT,
    plots: bool = True,
) -> Path:
    """Fill a template with what a page shows (`data` for its script, `here` for itself) and write it; the path.

    `plots` says whether a page that stands alone brings plotly along.
    """
    listed = LIST if kit is TEXT_KIT and header is not None and not single_file else ""
    up = "../" if path.parent != root else ""
    body = json_text({**data, "theme": {"colours": colour.THEMES, "likely": colour.LIKELY, "steps": colour.STEPS}})
    assets = "" if single_file else up + copy_assets(root)
    html = (
        _templates()
        .get_template(template)
        .render(
            **here,
            header=header,
            headline=headline,
            data=body,
            nonce=hashlib.sha256(body.encode()).hexdigest()[:24],
            single=single_file,
            assets=assets,
            up=up,
            atlas=(path.parent / "atlas.html").is_file(),
            styles=kit.styles,
            scripts=kit.scripts,
            inline=inline,
            plotly=packed_plotly() if single_file and plots else "",
            stem=path.stem,
            listed=listed,
        )
    )
    written = write_whole(path, html.encode("utf-8", "replace"))
    if listed:
        list_pages(path.parent)
    return written


def about(kind: str, name: str, run: Mapping[str, object], headline: Headline) -> dict[str, object]:
    """What the JSON beside a page says of it before its rows: which run, and the answer."""
    return {
        "cellscope": kind,
        "name": name,
        "run": dict(run),
        "sentence": headline.sentence,
        "good": headline.good,
        "plain": headline.plain,
        "numbers": dict(headline.numbers),
        "caveats": headline.caveats,
        "method": headline.method,
    }


def run_of(header: RunHeader | PictureHeader) -> Mapping[str, object]:
    """What the JSON beside a page says of its run."""
    told = asdict(header)
    if isinstance(header, PictureHeader):
        told["corpus"] = told.pop("images")
    return {**told.pop("extra"), **told}
