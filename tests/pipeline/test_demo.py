from __future__ import annotations

import json
from pathlib import Path

import pytest

from cellscope.pipeline import demo
from cellscope.pipeline.demo import (
    DEFINITION,
    PARAGRAPH,
    commented,
    demo_text,
    interleaved,
    latest_demo,
    pieces,
    session,
)
from cellscope.training.run import RunFolder

CODE = "".join(f"def f{k}():\n    return {k}\n\n\n" for k in range(400))
PROSE = "".join(f"See https://example.org/{k} for more\nand more.\n\n" for k in range(40))


def test_pieces_end_where_something_new_begins() -> None:
    """All of the text, in pieces of at least so much; none begins within a function or a paragraph."""
    for border in (PARAGRAPH, DEFINITION):
        parts = pieces(CODE, 100, border)
        assert "".join(parts) == CODE
        assert all(part.startswith("def ") for part in parts)
        assert min(map(len, parts[:-1])) >= 100
        assert pieces("", 10, border) == []
        assert pieces("no blank line at all", 3, border) == ["no blank line at all"]


def test_no_readme_is_put_into_a_string() -> None:
    """Sources are cut between functions, not at the blank lines of what they say."""
    said = 'def say():\n    print("""First.\n\nSecond.\n\n\nThird.""")\n\n\n'
    mixed = "".join(interleaved(said * 40, PROSE, least=10))
    assert mixed.count(said) == 40
    assert "https://" in mixed[: len(mixed) // 4]


def test_readmes_are_spread_evenly_over_the_sources() -> None:
    """Nothing is lost, the sources keep their order, and every tenth of the text has its share of addresses."""
    mixed = "".join(interleaved(CODE, PROSE, least=40))
    assert len(mixed) == len(CODE) + len(PROSE)
    assert [line for line in mixed.splitlines() if line.startswith("def")] == [
        line for line in CODE.splitlines() if line.startswith("def")
    ]
    tenth = len(mixed) // 10
    counts = [mixed[k * tenth : (k + 1) * tenth].count("https://") for k in range(10)]
    assert min(counts) >= 2
    assert mixed == "".join(interleaved(CODE, PROSE, least=40))


def test_without_readmes_there_are_the_sources(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """A machine without descriptions of packages has a demonstration too; what is built is kept."""
    from cellscope.errors import CellscopeError

    def resolve(name: str, **_: object) -> Path:
        if name == "readmes":
            raise CellscopeError("no installed package has a long description here")
        (tmp_path / "python.txt").write_text(CODE)
        return tmp_path / "python.txt"

    monkeypatch.setattr(demo, "resolve", resolve)
    text = demo_text(tmp_path)
    assert text == tmp_path / "built" / "demo.txt"
    assert text.read_text() == CODE
    monkeypatch.setattr(demo, "resolve", lambda *_, **__: pytest.fail("built again"))
    assert demo_text(tmp_path) == text


def test_a_stopped_training_goes_on_and_a_finished_one_is_kept(tmp_path: Path) -> None:
    """New, resumed, kept, new again under another name."""
    text = tmp_path / "demo.txt"
    text.write_text(CODE)
    runs = tmp_path / "runs"
    first = session(text, runs=runs, minutes=5)
    assert first is not None
    assert not first.train(stop=lambda: True)
    info = first.run.info()
    info["training"]["minutes"] = 0.001  # on a busy machine the first step would have used them up
    (first.run.path / "run.json").write_text(json.dumps(info))
    again = session(text, runs=runs)
    assert again is not None
    assert again.run == first.run
    assert again.train()
    assert session(text, runs=runs) is None
    other = session(text, runs=runs, again=True)
    assert other is not None
    assert (first.run.name, other.run.name) == ("demo", "demo-1")


def test_other_runs_are_no_demonstration(tmp_path: Path) -> None:
    """Only demo and demo-1, demo-2, ... are looked at; the latest of them."""
    for name in ("demonstrate", "my-demo", "demo-x"):
        RunFolder.create(tmp_path, name, {})
    assert latest_demo(tmp_path) is None
    RunFolder.create(tmp_path, "demo", {})
    RunFolder.create(tmp_path, "demo-2", {})
    assert latest_demo(tmp_path) == RunFolder(tmp_path / "demo-2")


def test_sources_that_say_something() -> None:
    """Of the sources those pieces are taken that have comments; where none has, all."""
    plain = "def f():\n    return '#'\n\n\n"
    said = "def g():\n    # What it gives.\n    return 1  # One.\n\n\n"
    assert commented(plain + said + plain + said, least=1) == said + said
    assert commented(plain * 3, least=1) == plain * 3


def test_training_reads_so_many_characters_or_takes_so_many_minutes(tmp_path: Path) -> None:
    """By itself the demonstration reads a fixed number of characters, so that the machine's speed changes nothing."""
    text = tmp_path / "demo.txt"
    text.write_text(CODE)
    told = [session(text, runs=tmp_path / str(k), minutes=k or None) for k in (0, 2)]
    by_itself, asked = (t.run.info()["training"] for t in told if t is not None)
    assert by_itself["epochs"] == pytest.approx(demo.TRAINED / (0.9 * len(CODE)))
    assert by_itself["minutes"] == demo.MINUTES
    assert (asked["epochs"], asked["minutes"]) == (None, 2)
