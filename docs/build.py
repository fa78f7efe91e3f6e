"""The documentation: writes the page that is generated, checks every link, and builds docs/ as HTML into build/docs."""

from __future__ import annotations

import re
import sys
from collections.abc import Iterator
from html import escape
from pathlib import Path
from urllib.parse import unquote, urlsplit

from markdown_it import MarkdownIt
from markdown_it.token import Token

ROOT = Path(__file__).resolve().parent.parent
DOCS = ROOT / "docs"
MARKDOWN = MarkdownIt("commonmark", {"html": True}).enable("table")
PAGE = """<!doctype html>
<html lang="en"><meta charset="utf-8"><meta name="viewport" content="width=device-width">
<title>{title}</title>
<style>
:root {{ color-scheme: light dark; }}
body {{ max-width: 50rem; margin: 2rem auto; padding: 0 1rem; font: 1rem/1.55 system-ui, sans-serif; }}
pre {{ overflow-x: auto; padding: .8rem; border: 1px solid #8884; border-radius: .4rem; line-height: 1.35; }}
table {{ border-collapse: collapse; }}
td, th {{ border-bottom: 1px solid #8884; padding: .25rem .7rem; text-align: left; }}
img {{ max-width: 100%; }}
</style>
<nav><a href="{home}">cellscope</a></nav>
{body}
</html>
"""


def pages() -> list[Path]:
    """Every page that a reader may open: those at the top of the repository and those of docs/."""
    return [*sorted(ROOT.glob("*.md")), *sorted(DOCS.rglob("*.md")), *sorted(ROOT.glob("reports/*.md"))]


def cli_page() -> str:
    """docs/cli.md: what `--help` says of every command."""
    import click

    from cellscope.cli import COMMANDS, cellscope

    lines = ["# The command line", "", "Written by `make docs` from what `--help` says; do not edit it by hand.", ""]

    def section(name: str, command: click.Command, level: int) -> None:
        context = click.Context(command, info_name=name, terminal_width=100,
                                **cellscope.context_settings | command.context_settings)  # fmt: skip
        help_text = command.get_help(context)
        lines.extend([f"{'#' * level} {name}", "", "```text", help_text.rstrip(), "```", ""])
        if isinstance(command, click.Group):
            for child in command.list_commands(context) if command is not cellscope else COMMANDS:
                found = command.get_command(context, child)
                assert found is not None, f"{name} {child} is listed and not there"
                section(f"{name} {child}", found, 3 if command is not cellscope else 2)

    section("cellscope", cellscope, 2)
    return "\n".join(lines).rstrip() + "\n"


def inner(tokens: list[Token]) -> Iterator[Token]:
    """Every token, those within lines included."""
    for token in tokens:
        yield token
        yield from inner(token.children or [])


def links(page: Path) -> list[str]:
    """The targets of a page's links and images, those in code left out."""
    tokens = inner(MARKDOWN.parse(page.read_text("utf-8")))
    found = [token.attrGet("href") or token.attrGet("src") for token in tokens if token.type in ("link_open", "image")]
    return [str(target) for target in found if target]


def anchors(page: Path) -> set[str]:
    """The names under which a page's headings can be linked to, as code forges make them."""
    tokens = MARKDOWN.parse(page.read_text("utf-8"))
    titles = [tokens[i + 1].content for i, token in enumerate(tokens) if token.type == "heading_open"]
    return {re.sub(r"[^\w\- ]", "", title.lower()).strip().replace(" ", "-") for title in titles}


def faults() -> list[str]:
    """What is wrong with the pages: links to nothing, links out of the repository, pages that nothing leads to."""
    found: list[str] = []
    linked: set[Path] = set()
    for page in pages():
        name = page.relative_to(ROOT)
        for link in links(page):
            parts = urlsplit(link)
            if parts.scheme or parts.netloc:
                continue
            target = (page.parent / unquote(parts.path)).resolve() if parts.path else page
            if ROOT not in target.parents or not target.exists():
                found.append(f"{name}: {link} leads to nothing")
            elif parts.fragment and target.suffix == ".md" and parts.fragment not in anchors(target):
                found.append(f"{name}: {link} names no heading of {target.name}")
            if page == DOCS / "index.md":
                linked.add(target)
    lost = [page for page in DOCS.rglob("*.md") if page not in linked and page != DOCS / "index.md"]
    return found + [f"{page.relative_to(ROOT)} is not linked from docs/index.md" for page in sorted(lost)]


def build(folder: Path) -> int:
    """Write every page as HTML under `folder`; returns how many there are."""
    for page in pages():
        tokens = MARKDOWN.parse(page.read_text("utf-8"))
        for i, token in enumerate(tokens):
            if token.type == "heading_open":
                title = tokens[i + 1].content
                token.attrSet("id", re.sub(r"[^\w\- ]", "", title.lower()).strip().replace(" ", "-"))
        for token in inner(tokens):
            target = token.attrGet("href") if token.type == "link_open" else None
            if target and not urlsplit(str(target)).scheme:
                token.attrSet("href", re.sub(r"\.md(?=#|$)", ".html", str(target)))
        name = page.relative_to(ROOT)
        body = MARKDOWN.renderer.render(tokens, MARKDOWN.options, {})
        home = "../" * (len(name.parts) - 1) + "docs/index.html"
        out = (folder / name).with_suffix(".html")
        out.parent.mkdir(parents=True, exist_ok=True)
        out.write_text(PAGE.format(title=escape(name.stem), home=home, body=body), "utf-8")
    return len(pages())


def main() -> int:
    """`make docs`."""
    (DOCS / "cli.md").write_text(cli_page(), "utf-8")
    wrong = faults()
    for fault in wrong:
        print(fault, file=sys.stderr)
    if wrong:
        return 1
    print(f"{build(ROOT / 'build' / 'docs')} pages under build/docs, every link checked")
    return 0


if __name__ == "__main__":
    sys.exit(main())
