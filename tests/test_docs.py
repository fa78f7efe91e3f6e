"""The documentation says what the program does, and its links lead somewhere."""

from __future__ import annotations

import importlib.util
import re
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from types import ModuleType

import click
import pytest
from torch import nn

from cellscope.axes import Unit
from cellscope.cli import COMMANDS, cellscope
from cellscope.evidence.verdicts import Evidence
from cellscope.hooks.sites import choose_sites

ROOT = Path(__file__).resolve().parent.parent


@pytest.fixture(scope="module")
def docs() -> ModuleType:
    spec = importlib.util.spec_from_file_location("docs_build", ROOT / "docs" / "build.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def commands(command: click.Command, name: str) -> Iterator[tuple[str, click.Command]]:
    yield name, command
    if isinstance(command, click.Group):
        context = click.Context(command)
        for child in command.list_commands(context):
            found = command.get_command(context, child)
            assert found is not None
            yield from commands(found, f"{name} {child}")


@pytest.mark.parametrize("name", COMMANDS)
def test_every_command_and_option_explains_itself(name: str) -> None:
    """Each command has a help text, and so has each of its options."""
    found = cellscope.get_command(click.Context(cellscope), name)
    assert found is not None
    for path, command in commands(found, name):
        assert command.help, f"{path} says nothing of itself"
        silent = [p.opts for p in command.params if isinstance(p, click.Option) and not p.help and not p.hidden]
        assert silent == [], f"options of {path} without help"


def test_the_command_page_is_what_help_says() -> None:
    """docs/cli.md is up to date; `make docs` writes it anew."""
    # In a process of its own: click keeps a command's help option as it was when it was first asked for.
    program = "import build, sys; sys.stdout.buffer.write(build.cli_page().encode())"
    page = subprocess.run([sys.executable, "-c", program], cwd=ROOT / "docs", capture_output=True, check=True).stdout
    assert (ROOT / "docs" / "cli.md").read_text("utf-8") == page.decode(), "run `make docs`"


def test_every_option_is_on_the_command_page() -> None:
    """Every option's long name and every command stand on docs/cli.md."""
    page = (ROOT / "docs" / "cli.md").read_text("utf-8")
    for path, command in commands(cellscope, "cellscope"):
        assert f"# {path}\n" in page
        for parameter in command.params:
            if isinstance(parameter, click.Option) and not parameter.hidden:
                assert all(name in page for name in parameter.opts), f"{parameter.opts} of {path}"


def test_the_verdict_of_the_documentation_is_one_that_is_printed() -> None:
    """README and docs/finding.md show the same finding, in the very words in which the program would tell it."""
    made = Evidence(
        feature="quote-single", kind="span", labelled=100_000, characters=1_500_000, unit=Unit.parse("lstm.0:cell/32"),
        score=0.966, low=0.961, high=0.971, sign=1, p=0.001, q=0.001, turns=999, three=0.82, over_three_low=1.7,
        over_three_high=1.95, untrained=0.73, untrained_low=0.7, untrained_high=0.76,
    )  # fmt: skip
    assert made.found
    for page in ("README.md", "docs/finding.md"):
        lines = [line.strip() for line in (ROOT / page).read_text("utf-8").splitlines()]
        assert [line for line in lines if re.match(r"cell \d+ of \S+ is (on|off) ", line)] == [made.verdict]


@pytest.mark.parametrize(("kind", "more"), [("LSTM", "i, f, o, g"), ("GRU", "r, z, n")])
def test_the_readme_says_what_is_heard(kind: str, more: str) -> None:
    """h and c by default, and with --streams all the gates that it names, by the letters that --streams takes."""
    module = getattr(nn, kind)(2, 3)
    default = {site.stream for site in choose_sites(module)}
    assert default == ({"hidden", "cell"} if kind == "LSTM" else {"hidden"})
    gates = {site.stream for site in choose_sites(module, more.split(", "))}
    assert {site.stream for site in choose_sites(module, ["all"])} == default | gates
    readme = (ROOT / "README.md").read_text("utf-8")
    assert "is h and, of an LSTM, c; the gates too with `--streams all`" in readme
    assert more in readme


def test_every_link_leads_somewhere(docs: ModuleType) -> None:
    """Relative links and their headings exist, within the repository, and docs/index.md leads to every page."""
    assert docs.faults() == []


def test_a_broken_link_is_found(docs: ModuleType, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The check sees a lost page, a missing file, a wrong heading and a way out of the repository."""
    (tmp_path / "docs").mkdir()
    (tmp_path / "docs" / "index.md").write_text("# A page\n[x](gone.md) [y](#not-here) [z](../../etc) [ok](#a-page)\n")
    (tmp_path / "docs" / "lost.md").write_text("`[code](nothing.md)`\n")
    monkeypatch.setattr(docs, "ROOT", tmp_path)
    monkeypatch.setattr(docs, "DOCS", tmp_path / "docs")
    assert docs.faults() == [
        "docs/index.md: gone.md leads to nothing",
        "docs/index.md: #not-here names no heading of index.md",
        "docs/index.md: ../../etc leads to nothing",
        "docs/lost.md is not linked from docs/index.md",
    ]


def test_the_pages_build_as_html(docs: ModuleType, tmp_path: Path) -> None:
    """Every page becomes HTML whose links lead to the HTML pages."""
    assert docs.build(tmp_path) == len(docs.pages())
    index = (tmp_path / "docs" / "index.html").read_text("utf-8")
    assert 'href="design.html"' in index
    assert "<h1" in index
