"""Names are safe on every disk, numbers look alike everywhere, files are whole or absent."""

from __future__ import annotations

import csv
import json
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from cellscope.errors import CellscopeError
from cellscope.report.files import csv_text, json_text, safe_name, unit_name, write_table, write_whole
from cellscope.report.words import interval, short, visible

BAD = [
    "..",
    ".",
    "",
    "../../etc/passwd",
    "a/b",
    "a\\b",
    "con",
    "NUL.txt",
    "index",
    "assets",
    "a\x00b",
    "x" * 300,
    ".hidden",
    "unit-1",
]


@pytest.mark.parametrize("name", BAD)
def test_bad_names_become_safe(name: str) -> None:
    """No separator, no leading dot, no reserved name, not too long; and never two names in one."""
    safe = safe_name(name)
    assert set(safe) <= set("abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789._-")
    assert safe
    assert not safe.startswith(".")
    assert len(safe) < 110
    assert safe.lower() not in {"index", "assets", "con", "nul.txt"}
    assert len({safe_name(n) for n in BAD}) == len(BAD)


def test_good_names_stay() -> None:
    """What is safe already is not touched."""
    assert [safe_name(n) for n in ("url", "quote-single", "run_1.2")] == ["url", "quote-single", "run_1.2"]
    assert unit_name("lstm.0:cell/221") == "unit-lstm.0-cell-221"


@given(st.text(), st.text())
def test_two_names_never_share_a_file(one: str, other: str) -> None:
    """Different names have different files."""
    assert (safe_name(one) == safe_name(other)) == (one == other)


@given(st.text())
def test_json_in_a_script_element_cannot_close_it(text: str) -> None:
    """No `<`, `>` or `&`, nothing but ASCII, and the same text when read back."""
    made = json_text({"text": text})
    assert made.isascii()
    assert not set(made) & set("<>&")
    assert json.loads(made)["text"] == text


def test_json_has_no_nan() -> None:
    """NaN and infinity are null, also from numpy."""
    made = {"a": float("nan"), "b": np.array([1.0, np.inf]), "c": np.float32(0.5), "d": (1, None), "e": np.int64(3)}
    assert json.loads(json_text(made)) == {"a": None, "b": [1.0, None], "c": 0.5, "d": [1, None], "e": 3}


def test_csv_is_no_formula() -> None:
    """Text that a spreadsheet would run is marked; negative numbers are left alone."""
    rows = list(
        csv.reader(csv_text(["a", "b"], [{"a": "=1+1", "b": -0.5}, {"a": 'x,"y"\n', "b": None}]).splitlines(True))
    )
    assert rows == [["a", "b"], ["'=1+1", "-0.5"], ['x,"y"\n', ""]]


def test_csv_and_json_hold_the_same_numbers(tmp_path: Path) -> None:
    """The two files beside a page agree."""
    write_table(tmp_path / "url.v2", ["unit", "auc"], [{"unit": "a", "auc": 0.123456789}], {"name": "url"})
    table = json.loads((tmp_path / "url.v2.json").read_text())
    assert table["rows"] == [{"unit": "a", "auc": 0.123457}]
    assert (tmp_path / "url.v2.csv").read_text() == "unit,auc\na,0.123457\n"


def test_writing_is_all_or_nothing(tmp_path: Path) -> None:
    """A place that cannot be written is one clear error and leaves nothing behind."""
    (tmp_path / "file").write_text("x")
    with pytest.raises(CellscopeError, match="cannot write"):
        write_whole(tmp_path / "file" / "page.html", "text")
    assert [p.name for p in tmp_path.iterdir()] == ["file"]


@pytest.mark.parametrize(
    ("value", "text"),
    [(0.974, ".97"), (-0.305, "\u2212.30"), (1.0, "1.00"), (12.54, "12.5"), (1803.2, "1,803"), (-0.001, ".00"),
     (None, "\u2013"), (float("nan"), "\u2013"), (0, ".00")],
)  # fmt: skip
def test_numbers_have_two_or_three_digits(value: float | None, text: str) -> None:
    """One way to write a number."""
    assert short(value) == text


def test_intervals() -> None:
    """`.97 (.96-.98)`, or the value alone."""
    assert interval(0.97, 0.96, 0.98) == ".97 (.96\u2013.98)"
    assert interval(0.97, None, 0.98) == ".97"


def test_what_cannot_be_seen_is_written_out() -> None:
    """Direction marks and controls cannot turn round or hide the words of a page."""
    assert visible("a\u202eb\x00\n\ufeff\u2028") == "a\\u202eb\\x00\\n\\ufeff\\u2028"
    assert visible("Größe 語 😀") == "Größe 語 😀"
