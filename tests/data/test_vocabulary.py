"""A vocabulary: which characters have an id, and what happens to the others."""

from __future__ import annotations

import json
from collections import Counter
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from cellscope.data.text import Corpus
from cellscope.data.vocabulary import Vocabulary
from cellscope.errors import InputError

TEXT = st.text(alphabet=st.characters(exclude_categories=["Cs"]), max_size=60)
JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=3),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=3), inner, max_size=4),
)


@given(text=TEXT, cap=st.integers(2, 8))
def test_the_most_frequent_are_kept_in_the_order_of_code_points(text: str, cap: int) -> None:
    """`count` keeps the cap - 1 most frequent characters, ties to the lower code point, and adds the other symbol."""
    corpus = Corpus.from_text(text)
    counts = Counter(corpus.text(0, len(corpus)))
    kept = sorted(sorted(counts, key=lambda c: (-counts[c], c))[: cap - 1])
    assert Vocabulary.count(corpus, cap=cap) == Vocabulary((*kept, ""), other=len(kept))


@given(text=TEXT, cap=st.integers(2, 8))
def test_decoding_undoes_encoding_but_for_the_others(text: str, cap: int) -> None:
    """decode(encode(text)) is the text, with U+FFFD for every character that has no id of its own."""
    corpus = Corpus.from_text(text)
    vocabulary = Vocabulary.count(corpus, cap=cap)
    ids = vocabulary.encode(corpus.codes(0, len(corpus)))
    assert ids.dtype == np.int64
    shown = [c if c in vocabulary.symbols else "\ufffd" for c in corpus.text(0, len(corpus))]
    assert vocabulary.decode(ids) == "".join(shown)


@given(text=TEXT)
def test_json_gives_the_vocabulary_back(text: str) -> None:
    """from_json(to_json) is the same vocabulary, through real JSON."""
    vocabulary = Vocabulary.count(Corpus.from_text(text))
    assert Vocabulary.from_json(json.loads(json.dumps(vocabulary.to_json()))) == vocabulary


@given(data=JSON | st.fixed_dictionaries({"symbols": JSON, "kind": JSON, "other": JSON}))
def test_hostile_json_is_a_vocabulary_or_an_input_error(data: object) -> None:
    """Whatever is in the metadata, from_json gives a vocabulary that encodes, or an InputError."""
    try:
        vocabulary = Vocabulary.from_json(data)
    except InputError:
        return
    codes = np.array([ord(symbol) for symbol in vocabulary.symbols if symbol], np.uint32)
    assert [vocabulary.symbols[i] for i in vocabulary.encode(codes)] == [s for s in vocabulary.symbols if s]


@pytest.mark.parametrize(
    ("data", "said"),
    [
        ({"symbols": []}, "without symbols"),
        ({"symbols": ["a", "a"]}, "'a' twice, as ids 0 and 1"),
        ({"symbols": ["ab"]}, "one character"),
        ({"symbols": [3]}, "one character"),
        ({"symbols": ["\ud800"]}, "one character"),
        ({"symbols": ["a"], "kind": "words"}, "there is characters and bytes"),
        ({"symbols": ["€"], "kind": "bytes"}, "no byte"),
        ({"symbols": ["a"], "other": 1}, "has ids 0 to 0"),
        ({"symbols": ["a"], "other": True}, "other symbol has id True"),
        ({"symbols": ["a"], "other": 0}, "id of 'a'"),
        (["a"], "no vocabulary"),
    ],
)
def test_a_wrong_vocabulary_is_refused_with_its_reason(data: object, said: str) -> None:
    """Each fault of the metadata has its own words."""
    with pytest.raises(InputError, match=said):
        Vocabulary.from_json(data)


def test_bytes_are_their_own_ids(tmp_path: Path) -> None:
    """A corpus of bytes has the 256 symbols, whatever occurs, and encodes to the bytes."""
    path = tmp_path / "b"
    path.write_bytes(bytes(range(256)))
    corpus = Corpus.open(path, as_bytes=True)
    vocabulary = Vocabulary.count(corpus)
    assert vocabulary == Vocabulary.of_bytes()
    assert vocabulary.encode(corpus.codes(0, 256)).tolist() == list(range(256))


def test_an_unknown_character_without_an_other_symbol_is_named() -> None:
    """Where nothing stands for the rest, encode names the character that is not known."""
    with pytest.raises(InputError, match=r"'c' \(U\+0063\) is not in the vocabulary of 2"):
        Vocabulary(("a", "b")).encode(np.array([97, 99], np.uint32))
    with pytest.raises(InputError, match="--bytes"):
        Vocabulary.of_bytes().encode(np.array([0x20AC], np.uint32))


def test_a_cap_below_two_is_refused() -> None:
    """A vocabulary needs one symbol beside that of the others."""
    with pytest.raises(InputError, match="needs 2 or more"):
        Vocabulary.count(Corpus.from_text("a"), cap=1)


def test_published_numbers_of_symbols(real_text) -> None:
    """tiny-shakespeare has 65 symbols, War and Peace 82, each and the other symbol; awesome.md is cut to the cap."""
    assert len(Vocabulary.count(Corpus.open(real_text("tinyshakespeare.txt")))) == 66
    assert len(Vocabulary.count(Corpus.open(real_text("warpeace.txt")))) == 83
    assert len(Vocabulary.count(Corpus.open(real_text("awesome.md")), cap=100)) == 100
