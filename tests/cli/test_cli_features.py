"""The command `features`."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from click.testing import CliRunner

from cellscope.cli.features import features
from cellscope.errors import InputError
from cellscope.features.library import library


def run(*arguments: str) -> tuple[str, str]:
    result = CliRunner().invoke(features, list(arguments), catch_exceptions=False)
    assert result.exit_code == 0
    return result.stdout, result.stderr


def test_lists_every_feature() -> None:
    """A line for each, name first; JSON has the same."""
    table, _ = run()
    assert [line.split()[0] for line in table.splitlines()] == ["name", *(f.name for f in library())]
    rows = json.loads(run("--format", "json")[0])
    assert [row["name"] for row in rows] == [f.name for f in library()]
    assert {row["kind"] for row in rows} == {"span", "numeric"}


def test_counts_in_a_text(tmp_path: Path) -> None:
    """How often, how many characters, what share; remarks on stderr alone."""
    file = tmp_path / "t.txt"
    file.write_bytes(b"see http://a.b\r\nand JIRA-12\r\n")
    chosen = ("--feature", "url", "--feature", r"ticket=JIRA-\d+", "--feature", "none=zzz", "--feature", "column")
    out, remarks = run(*chosen, "--text", str(file), "--format", "json")
    rows = {row["name"]: row for row in json.loads(out)}
    assert (rows["url"]["occurs"], rows["url"]["characters"]) == (1, 10)
    assert (rows["ticket"]["occurs"], rows["ticket"]["share"]) == (1, round(7 / 27, 6))
    assert rows["column"]["highest"] == 14
    assert remarks == "feature 'none': 'zzz' matches nothing in the 27 characters\n"
    assert "7" in run(*chosen, "--text", str(file))[0].splitlines()[2].split()


def test_mistakes(tmp_path: Path) -> None:
    """An unknown name, a bad pattern, a bad file: one InputError."""
    bad = tmp_path / "bad.toml"
    bad.write_text("[a]\npattern = '('\n")
    for arguments in (["--feature", "nope"], ["--feature", "a=("], ["--features", str(bad)], ["--features", "no.toml"]):
        with pytest.raises(InputError) as caught:
            CliRunner().invoke(features, arguments, catch_exceptions=False)
        assert "\n" not in str(caught.value)
