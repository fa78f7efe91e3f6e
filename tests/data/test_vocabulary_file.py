"""Vocabularies from files that somebody else wrote."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from cellscope.data.vocabulary import Vocabulary
from cellscope.errors import InputError


def load(tmp_path: Path, data: object, name: str = "vocabulary.json") -> Vocabulary:
    path = tmp_path / name
    path.write_bytes((data if isinstance(data, str) else json.dumps(data)).encode())
    return Vocabulary.load(path)


ABC = Vocabulary(("a", "\n", "c"))


@pytest.mark.parametrize(
    ("data", "name"),
    [
        (["a", "\n", "c"], "v.json"),
        ({"c": 2, "a": 0, "\n": 1}, "v.json"),
        ({"0": "a", "1": "\n", "2": "c"}, "v.json"),
        ({"token_to_idx": {"a": 1, "\n": 2, "c": 3}, "idx_to_token": {"1": "a"}}, "v.json"),
        (ABC.to_json(), "v.json"),
        ('["a", "\\n", "c"]', "v.txt"),
        ("a\n\nc\n", "v.txt"),
        ("a\r\n\r\nc\r\n", "v.txt"),
        ("a\n\\n\nc", "v.txt"),
    ],
)
def test_every_make_of_file_gives_the_same_vocabulary(tmp_path: Path, data: object, name: str) -> None:
    """A list, symbol -> id, id -> symbol, torch-rnn's, our own and plain text all say a, line end, c."""
    assert load(tmp_path, data, name) == ABC


def test_all_symbols_in_one_string(tmp_path: Path) -> None:
    """A text of long lines is one string of symbols in order; its last line end does not count."""
    assert load(tmp_path, "\n !abc\n", "v.txt").symbols == ("\n", " ", "!", "a", "b", "c")
    assert load(tmp_path, "abc", "v.txt").symbols == ("a", "b", "c")
    assert load(tmp_path, "[]{}", "v.txt").symbols == ("[", "]", "{", "}")


def test_words_in_brackets_are_ids_without_a_character(tmp_path: Path) -> None:
    """<pad> keeps its id but no character has it; <unk> is the other symbol."""
    found = load(tmp_path, {"<pad>": 0, "<UNK>": 1, "a": 2})
    assert found == Vocabulary(("", "", "a"), other=1)
    assert load(tmp_path, ["<pad>", "a"]).other is None


@pytest.mark.parametrize(
    ("data", "said"),
    [
        ('{"a": 0, "a": 1}', "'a' is there twice"),
        ({"a": 0, "b": 2}, "no symbol has id 1, the next is 2"),
        ({"a": 1, "b": 2}, "no symbol has id 0"),
        ({"a": 0, "b": 0}, "'a' and 'b' both have id 0"),
        ({"a": 0.5}, "not a whole number"),
        ({"a": True}, "not a whole number"),
        (["a", "a"], "'a' twice"),
        (["a", "word"], "symbol 1 is 'word'"),
        (["a", None], "symbol 1 is None"),
        ([], "without symbols"),
        ({}, "without symbols"),
        ("3", "holds no vocabulary"),
        ("[" * 100_000, "not JSON"),
        ("{", "not JSON"),
        ("", "holds no symbols"),
        ("\n\n", "holds no symbols"),
    ],
)
def test_a_faulty_file_is_refused_by_name(tmp_path: Path, data: object, said: str) -> None:
    """The error names the file and its fault in one line."""
    with pytest.raises(InputError, match=said) as caught:
        load(tmp_path, data)
    assert "vocabulary.json" in str(caught.value)
    assert "\n" not in str(caught.value)


def test_a_file_that_cannot_be_read_is_refused(tmp_path: Path) -> None:
    """No file, a directory, and bytes that are not UTF-8."""
    with pytest.raises(InputError, match="no vocabulary file"):
        Vocabulary.load(tmp_path / "absent")
    with pytest.raises(InputError, match="cannot read"):
        Vocabulary.load(tmp_path)
    (tmp_path / "latin").write_bytes(b"\xe9")
    with pytest.raises(InputError, match="not UTF-8"):
        Vocabulary.load(tmp_path / "latin")


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(data=st.binary(max_size=40), name=st.sampled_from(["v.json", "v.txt"]))
def test_any_bytes_are_a_vocabulary_or_an_input_error(tmp_path: Path, data: bytes, name: str) -> None:
    """No file makes load fail in another way."""
    (tmp_path / name).write_bytes(data)
    try:
        found = Vocabulary.load(tmp_path / name)
    except InputError:
        return
    assert len(found) > 0
