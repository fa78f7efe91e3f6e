"""Which text is asked about and which is learnt from; what is kept in a run's folder."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from cellscope.data.text import Corpus
from cellscope.data.vocabulary import Vocabulary
from cellscope.errors import InputError
from cellscope.evidence import ngrams
from cellscope.pipeline import reference
from cellscope.pipeline.reference import asked_of, reference_of
from cellscope.training.run import RunFolder

TEXT = "".join(np.random.default_rng(0).choice(list("ab c(d)\n"), 8000))


@pytest.fixture
def place(tmp_path: Path) -> Path:
    (tmp_path / "own.txt").write_text(TEXT)
    (tmp_path / "other.txt").write_text(TEXT[::-1])
    return tmp_path


def run_of(place: Path, split: int) -> RunFolder:
    """A run folder that says that it was trained on own.txt up to `split`."""
    corpus = Corpus.open(place / "own.txt")
    known = {"path": str(place / "own.txt"), "length": len(corpus), "digest": corpus.digest,
             "train": [0, split], "validation": [split, len(corpus)]}  # fmt: skip
    return RunFolder.create(place / "runs", f"run-{split}", {"corpus": known})


def test_what_was_held_back_is_asked(place: Path) -> None:
    """Of the run's own text only what was held back, and the n-grams learn what the network learnt."""
    corpus = Corpus.open(place / "own.txt")
    asked = asked_of(run_of(place, 7000), corpus)
    assert (asked.start, asked.stop, len(asked.learnt)) == (7000, 8000, 7000)
    assert asked.remark == ""
    assert asked_of(run_of(place, 6000), corpus, characters=500).start == 7500
    assert asked_of(run_of(place, 5000), corpus, characters=0).length == 3000


def test_nothing_held_back_is_said(place: Path) -> None:
    """Then the n-grams learn what comes before, and the network knows more than they do: it is said."""
    asked = asked_of(run_of(place, 8000), Corpus.open(place / "own.txt"), characters=3000)
    assert (asked.start, len(asked.learnt)) == (5000, 5000)
    assert "Nothing was held back" in asked.remark


def test_another_text_is_asked_of_what_was_learnt(place: Path) -> None:
    """The n-grams learn the run's own text; where that has gone, what comes before in the other one."""
    run, other = run_of(place, 7000), Corpus.open(place / "other.txt")
    asked = asked_of(run, other, characters=1000)
    assert (asked.start, asked.learnt_name, len(asked.learnt)) == (7000, "own.txt", 7000)
    assert asked_of(run, other, characters=0).start == 1
    (place / "own.txt").unlink()
    asked = asked_of(run, other, characters=0)
    assert (asked.start, len(asked.learnt)) == (4000, 4000)
    assert "not known" in asked.remark


def test_somebodys_model_says_what_it_was_trained_on(place: Path) -> None:
    """Without a run the n-grams learn the text that is named, unless it is the very text that is asked about."""
    own, other = Corpus.open(place / "own.txt"), Corpus.open(place / "other.txt")
    assert asked_of(None, other, trained_on=own, characters=1000).learnt_name == "own.txt"
    assert asked_of(None, other, trained_on=other, characters=1000).learnt_name == "what comes before in other.txt"
    assert asked_of(None, other).start == 4000


def test_too_little_text_is_said(place: Path) -> None:
    """Too little to be asked or learnt from is one clear line."""
    corpus = Corpus.open(place / "own.txt")
    with pytest.raises(InputError, match="100 characters of own.txt are too few"):
        asked_of(run_of(place, 7900), corpus)
    with pytest.raises(InputError, match="too few"):
        asked_of(None, Corpus.from_text("short"))
    with pytest.raises(InputError, match="too few"):
        asked_of(None, corpus, trained_on=Corpus.from_text("short"))


def test_the_ngrams_are_made_once(place: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """What was kept is taken; another order, and a damaged file, are made anew."""
    run, corpus = run_of(place, 7000), Corpus.open(place / "own.txt")
    vocabulary, folder = Vocabulary.count(corpus), place / "control"
    made = []
    real = ngrams.ngram_pieces

    def counted(*given: object, **more: object) -> object:
        made.append(1)
        return real(*given, **more)

    monkeypatch.setattr(reference, "ngram_pieces", counted)
    asked = asked_of(run, corpus)
    first = reference_of(asked, vocabulary, order=5, folder=folder)
    again = reference_of(asked, vocabulary, order=5, folder=folder)
    assert len(made) == 1
    for name in ("nats", "sums", "wrong", "short"):
        np.testing.assert_array_equal(getattr(first, name), getattr(again, name))
    reference_of(asked, vocabulary, order=4, folder=folder)
    reference_of(asked_of(run, corpus, characters=400), vocabulary, order=5, folder=folder)
    assert len(made) == 3
    for file in folder.iterdir():
        file.write_bytes(file.read_bytes()[:100])
    reference_of(asked, vocabulary, order=5, folder=folder)
    assert len(made) == 4


def test_only_the_last_of_a_long_text_is_learnt(place: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Counting is bounded: of a very long text the last characters are counted."""
    monkeypatch.setattr(reference, "LEARNT", 1234)
    asked = asked_of(run_of(place, 7000), Corpus.open(place / "own.txt"))
    assert asked.learnt.text(0, 1234) == TEXT[7000 - 1234 : 7000]
