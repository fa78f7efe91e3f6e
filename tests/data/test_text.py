"""A corpus: positions are characters after universal newlines, whatever the file and wherever it is cut."""

from __future__ import annotations

import hashlib
import itertools
import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from cellscope.data import index as index_module
from cellscope.data.encoding import Encoding
from cellscope.data.text import Corpus
from cellscope.errors import InputError

PIECES = st.text(alphabet=st.sampled_from("ab\r\n é€𝄞\ufeff\u2028\x85"), max_size=60)
ANY = st.text(alphabet=st.characters(exclude_categories=["Cs"], exclude_characters="\0"), max_size=80)


def normal(text: str) -> str:
    return text.removeprefix("\ufeff").replace("\r\n", "\n").replace("\r", "\n")


def written(tmp_path: Path, data: bytes, name: str = "text.txt") -> Path:
    path = tmp_path / name
    path.write_bytes(data)
    return path


def check_slices(corpus: Corpus, expected: str, cuts: list[int]) -> None:
    assert len(corpus) == len(expected)
    ends = sorted({0, len(expected), *(cut % (len(expected) + 1) for cut in cuts)})
    slices = list(itertools.pairwise(ends))
    assert "".join(corpus.text(a, b) for a, b in slices) == expected
    codes = np.concatenate([corpus.codes(0, 0), *(corpus.codes(a, b) for a, b in slices)])
    assert codes.dtype == np.uint32
    assert codes.tolist() == [ord(c) for c in expected]


@given(text=ANY | PIECES, cuts=st.lists(st.integers(0, 200), max_size=6))
def test_any_cutting_of_a_str_gives_its_normal_text(text: str, cuts: list[int]) -> None:
    """Slices of `from_text` concatenate to the text with universal newlines and no leading byte order mark."""
    check_slices(Corpus.from_text(text), normal(text), cuts)


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    text=(ANY | PIECES).filter(lambda text: bool(normal(text))),
    cuts=st.lists(st.integers(0, 200), max_size=6),
    stride=st.sampled_from([1, 2, 3, 7, 4096]),
    block=st.sampled_from([4, 5, 8, 1 << 20]),
)
def test_any_cutting_of_a_file_gives_its_normal_text(
    tmp_path_factory: pytest.TempPathFactory, text: str, cuts: list[int], stride: int, block: int
) -> None:
    """The same law for a UTF-8 file, for every index stride and block size: no border cuts a character or a CRLF."""
    path = tmp_path_factory.getbasetemp() / "cut.txt"
    path.write_bytes(text.encode())
    with pytest.MonkeyPatch.context() as patch:
        patch.setitem(index_module.scan.__kwdefaults__, "block", block)
        corpus = Corpus.open(path, stride=stride)
    check_slices(corpus, normal(text), cuts)


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    data=st.lists(st.sampled_from(b"ab\r\n\xe9\xff\x80"), min_size=1, max_size=60).map(bytes),
    cuts=st.lists(st.integers(0, 100), max_size=4),
    block=st.sampled_from([4, 1 << 20]),
)
def test_latin_1_is_one_character_a_byte_but_for_crlf(
    tmp_path_factory: pytest.TempPathFactory, data: bytes, cuts: list[int], block: int
) -> None:
    """A Latin-1 file reads as Python decodes it, with universal newlines."""
    if data.startswith((b"\xff\xfe", b"\xfe\xff")):
        data = b"a" + data
    path = tmp_path_factory.getbasetemp() / "latin.txt"
    path.write_bytes(data)
    with pytest.MonkeyPatch.context() as patch:
        patch.setitem(index_module.scan.__kwdefaults__, "block", block)
        corpus = Corpus.open(path, encoding="latin-1", stride=3)
    check_slices(corpus, normal("|" + data.decode("latin-1"))[1:], cuts)


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(data=st.binary(min_size=1, max_size=80), cuts=st.lists(st.integers(0, 100), max_size=4))
def test_bytes_are_taken_as_they_are(tmp_path_factory: pytest.TempPathFactory, data: bytes, cuts: list[int]) -> None:
    """With as_bytes a position is a byte: nothing is dropped, joined or refused."""
    path = tmp_path_factory.getbasetemp() / "bytes.bin"
    path.write_bytes(data)
    check_slices(Corpus.open(path, as_bytes=True), data.decode("latin-1"), cuts)


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(data=st.binary(min_size=1, max_size=40))
def test_a_file_is_refused_exactly_when_it_is_not_text(tmp_path_factory: pytest.TempPathFactory, data: bytes) -> None:
    """Arbitrary bytes open if and only if they are non-empty UTF-8 without NUL; else there is an InputError."""
    path = tmp_path_factory.getbasetemp() / "any.bin"
    path.write_bytes(data)
    try:
        expected = normal(data.decode()) if b"\0" not in data else ""
    except UnicodeDecodeError:
        expected = ""
    if expected:
        assert Corpus.open(path).text(0, len(expected)) == expected
    else:
        with pytest.raises(InputError):
            Corpus.open(path)


def test_windows_1252_has_its_own_characters(tmp_path: Path) -> None:
    """Byte 0x93 is a left double quote in windows-1252; codes give its code point, not the byte."""
    corpus = Corpus.open(written(tmp_path, b"\x93so\x94\r\n"), encoding="windows-1252")
    assert corpus.text(0, 5) == "“so”\n"
    assert corpus.codes(0, 1).tolist() == [0x201C]


def test_a_part_is_a_view_that_counts_from_0() -> None:
    """Parts of parts address the same characters, and nothing outside of them."""
    corpus = Corpus.from_text("0123456789")
    inner = corpus.part(2, 8).part(1, 4)
    assert (len(inner), inner.text(0, 3), inner.codes(2, 3).tolist()) == (3, "345", [ord("5")])
    with pytest.raises(IndexError, match="has 3"):
        inner.text(0, 4)
    with pytest.raises(IndexError):
        inner.codes(-1, 2)


def test_digest_is_that_of_the_content(tmp_path: Path) -> None:
    """The digest is the file's SHA-256, the same for a str; parts differ by their range in the whole, however cut."""
    corpus = Corpus.open(written(tmp_path, "naïve\n".encode()))
    assert corpus.digest == hashlib.sha256("naïve\n".encode()).hexdigest() == Corpus.from_text("naïve\n").digest
    assert corpus.part(0, 6).digest == corpus.digest
    assert corpus.part(1, 5).part(1, 2).digest == corpus.part(2, 3).digest != corpus.part(1, 2).digest


def test_one_character_and_one_long_line(tmp_path: Path) -> None:
    """The smallest text works, and so does a text of one line without an end."""
    assert Corpus.open(written(tmp_path, "€".encode())).text(0, 1) == "€"
    line = Corpus.open(written(tmp_path, b"x" * 5_000_000 + "é".encode()))
    assert (len(line), line.text(4_999_999, 5_000_001)) == (5_000_001, "xé")


@pytest.mark.parametrize(
    ("data", "said"),
    [
        (b"", "is empty"),
        (b"\xef\xbb\xbf", "byte order mark and nothing else"),
        (b"ab\xffcd", r"not utf-8: byte 2 is 0xff.*--encoding latin-1.*--bytes"),
        (b"\xef\xbb\xbfab\xc3", r"byte 5 is 0xc3"),
        ("é".encode() * 700_000 + b"\x80", r"byte 1,400,000 is 0x80"),
        ("hi".encode("utf-16"), "UTF-16.*iconv"),
        ("hi".encode("utf-32"), "UTF-32"),
        ("hi".encode("utf-16-le"), "NUL byte at byte 1.*--bytes"),
        (b"text\0text", "NUL byte at byte 4"),
    ],
)
def test_what_is_not_text_is_refused_by_name_and_place(tmp_path: Path, data: bytes, said: str) -> None:
    """The error is one line that names the file, says where it goes wrong, and what to try."""
    path = written(tmp_path, data)
    with pytest.raises(InputError, match=said) as caught:
        Corpus.open(path)
    assert str(path) in str(caught.value)
    assert "\n" not in str(caught.value)


def test_what_is_not_a_file_is_refused(tmp_path: Path) -> None:
    """No file, a directory, a pipe, an impossible name and an unknown encoding are each said to be so."""
    os.mkfifo(tmp_path / "pipe")
    for path, said in (
        (tmp_path / "absent", "no file"),
        (tmp_path, "is a directory"),
        (tmp_path / "pipe", "not a regular file"),
        (tmp_path / "a\0b", "cannot open"),
        (tmp_path / ("x" * 5000), "cannot open"),
    ):
        with pytest.raises(InputError, match=said):
            Corpus.open(path)
    file = written(tmp_path, b"abc")
    for name in ("rot13", "utf-16", "gbk", "nonsense", "hex", "\0"):
        with pytest.raises(InputError, match="no encoding"):
            Corpus.open(file, encoding=name)
    with pytest.raises(InputError, match="not ascii.*latin-1"):
        Corpus.open(written(tmp_path, b"\xe9"), encoding="ascii")
    assert Encoding.named("ISO-8859-1") == Encoding.named("latin1")


def test_a_file_that_changes_under_us_is_an_error(tmp_path: Path) -> None:
    """After the file was cut or rewritten, reading says so; it neither crashes nor gives other text."""
    path = written(tmp_path, b"x" * 100_000)
    corpus = Corpus.open(path)
    assert corpus.text(99_999, 100_000) == "x"
    os.truncate(path, 10)
    with pytest.raises(InputError, match="was changed.*10 now"):
        corpus.text(99_000, 100_000)
    corpus = Corpus.open(path)
    path.write_bytes(b"y" * 10)
    os.utime(path, ns=(1, 1))
    with pytest.raises(InputError, match="was changed"):
        corpus.codes(0, 5)


def test_a_replaced_file_is_still_read_as_it_was(tmp_path: Path) -> None:
    """A file that another one was renamed onto is the one that was opened, until it is closed."""
    corpus = Corpus.open(written(tmp_path, b"old"))
    written(tmp_path, b"new!", "other").replace(tmp_path / "text.txt")
    assert corpus.text(0, 3) == "old"


def test_bare_returns_and_a_byte_order_mark_change_no_word(real_text) -> None:
    """War and Peace with a BOM and bare CR has the words and the line ends of the LF one."""
    plain, nasty = Corpus.open(real_text("warpeace.txt")), Corpus.open(real_text("warpeace_bom_cr.txt"))
    text = nasty.text(0, len(nasty))
    lines, expected = text.rstrip("\n").split("\n"), plain.text(0, len(plain)).rstrip("\n").split("\n")
    assert [line.rstrip(" ") for line in lines] == [line.rstrip(" ") for line in expected]
    assert not text.startswith("\ufeff")


@pytest.mark.parametrize("name", ["awesome.md", "wikipedia_markup.txt", "warpeace_bom_cr.txt", "tinyshakespeare.txt"])
def test_real_texts_read_as_python_reads_them(real_text, name: str) -> None:
    """Slices at 300 random places equal those of the whole text as Python's own universal newlines give it."""
    expected = real_text(name).read_text("utf-8-sig")
    corpus = Corpus.open(real_text(name))
    assert len(corpus) == len(expected)
    rng = np.random.default_rng(0)
    for start in rng.integers(0, len(expected), 300).tolist():
        stop = min(start + int(rng.integers(0, 10_000)), len(expected))
        assert corpus.text(start, stop) == expected[start:stop]


SLICING = """
import resource, sys
import numpy as np
from cellscope.data.text import Corpus
from cellscope.data.vocabulary import Vocabulary
np.bincount(np.arange(1 << 20))
before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
corpus = Corpus.open(sys.argv[1], as_bytes=sys.argv[2] == "bytes")
for start in range(0, len(corpus) - 65536, 65536):
    corpus.codes(start, start + 65536)
    corpus.text(start // 2, start // 2 + 2048)
Vocabulary.count(corpus)
print(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before)
"""


@pytest.mark.skipif(sys.platform != "linux", reason="ru_maxrss is in kilobytes on Linux alone")
@pytest.mark.parametrize("kind", ["bytes", "text"])
def test_memory_does_not_grow_with_the_file(tmp_path: Path, kind: str) -> None:
    """Opening, reading and counting all of a file of 250 MB (sparse) or 120 MB (UTF-8) takes under 80 MB beside it."""
    path = tmp_path / "large"
    with path.open("wb") as file:
        if kind == "bytes":
            file.truncate(250_000_000)
        else:
            for _ in range(60):
                file.write("a line of text, naïve\r\n".encode() * 83_000)
    done = subprocess.run([sys.executable, "-c", SLICING, str(path), kind], capture_output=True, text=True, check=True)
    assert int(done.stdout) < 80_000
