"""Rows of numbers come from CSV, parquet and npz as they are; what is no number is named by column and row."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pytest
from pyarrow import parquet

from cellscope.data.csv_head import Head, looks_like_rows
from cellscope.data.imagesets import is_image_set, open_images
from cellscope.data.npz import open_npz
from cellscope.data.pixel_rows import is_pixel_rows
from cellscope.data.rows import open_rows
from cellscope.errors import InputError, MissingError

IRIS = "length,width,species\n5.1,3.5,setosa\n7,3.2,versicolor\n6.3,3.3,virginica\n5,3.4,setosa\n"


def csv(folder: Path, text: str, name: str = "x.csv") -> Path:
    path = folder / name
    path.write_text(text, "utf-8")
    return path


def table(folder: Path, **columns: Any) -> Path:
    path = folder / "x.parquet"
    parquet.write_table(pa.table(columns), path)
    return path


def npz(folder: Path, **arrays: Any) -> Path:
    path = folder / "x.npz"
    np.savez(path, **arrays)
    return path


@pytest.mark.parametrize(
    "text",
    [
        IRIS,
        "\ufeff" + IRIS.replace("\n", "\r\n"),
        IRIS.replace(",", ";"),
        IRIS.replace(",", "\t"),
        IRIS.replace(",", ", "),
        "\n".join(f'"{a}",{b},"{c}"' for a, b, c in (line.split(",") for line in IRIS.split())),
        IRIS + "\n\n",
    ],
)
def test_a_csv_is_read_as_it_is(tmp_path: Path, text: str) -> None:
    """Whatever separates cells, ends lines or quotes: features are float32 columns, the last one the label."""
    found = open_rows(csv(tmp_path, text))
    assert found.flat
    np.testing.assert_array_equal(found.pictures, np.float32([[5.1, 3.5], [7, 3.2], [6.3, 3.3], [5, 3.4]]))
    assert [name.strip() for name in found.columns] == ["length", "width"]
    assert (found.labels.tolist(), found.classes) == ([0, 1, 2, 0], ("setosa", "versicolor", "virginica"))
    assert found.pixels(slice(1, 3)).dtype == np.float32


def test_without_a_header_columns_are_numbered(tmp_path: Path) -> None:
    """A first line of numbers and a class is a row; columns are called by their places, and named so."""
    path = csv(tmp_path, IRIS.partition("\n")[2])
    found = open_rows(path)
    assert (len(found), found.columns, found.classes[0]) == (4, ("column 0", "column 1"), "setosa")
    numeric = csv(tmp_path, "1,2,0\n3,4,1\n5,6,0\n")
    assert open_rows(numeric, label="0").classes == ("1", "3", "5")
    assert open_rows(numeric, label="column 1").columns == ("column 0", "column 2")


@pytest.mark.parametrize(
    ("header", "chosen"),
    [("a,target,b", "target"), ("Label,b,y", "Label"), ("y,a,b", "y"), ("a,b,c", "c"), ("CLASS,y,target", "target")],
)
def test_the_label_is_found(tmp_path: Path, header: str, chosen: str) -> None:
    """label, target, class, y, in any case and in this order, else the last column."""
    found = open_rows(csv(tmp_path, f"{header}\n1,0,1\n2,1,0\n"))
    assert set(found.columns) == set(header.split(",")) - {chosen}


def test_the_label_is_named(tmp_path: Path) -> None:
    """`label` names the column; "" says there is none; for a wrong name those there are get listed."""
    path = csv(tmp_path, "kind,a,b\nx,1,2\ny,3,4\n")
    assert open_rows(path, label="kind").classes == ("x", "y")
    assert open_images(path, label="kind").columns == ("a", "b")
    assert open_rows(csv(tmp_path, "a,b\n1,2\n", "other.csv"), label="").labels is None
    with pytest.raises(MissingError, match=r"no column in .* 'sort'; there is kind, a, b"):
        open_rows(path, label="sort")


def test_labels_are_ordered(tmp_path: Path) -> None:
    """Whole numbers count as numbers (2 before 10), also where 2.0 is written; booleans are two."""
    for values in ("10,2,2,10", "10.0,2.0,2.0,10.0"):
        lines = "".join(f"{n},{value}\n" for n, value in enumerate(values.split(",")))
        found = open_rows(csv(tmp_path, "a,y\n" + lines))
        assert (found.classes, found.labels.tolist()) == (("2", "10"), [1, 0, 0, 1])
    assert open_rows(table(tmp_path, a=[1, 2], y=[True, False])).classes == ("False", "True")


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("a,b,y\n1,2,0\n3,,1\n", r"column 'b' has no value, or an infinite one, in row 1 \(from 0\)"),
        ("a,b,y\n1,2,0\n3,?,1\n,?,1\n", r"column 'a' has no value.* in row 2"),
        ("a,b,y\n1,NA,0\n3,nan,1\n", r"column 'b' .* in row 0 \(from 0\) and in 1 more"),
        ("a,b,y\n1,inf,0\n3,4,1\n", r"column 'b' has no value, or an infinite one, in row 0"),
        ("a,b,y\n1,2,0\n3,4,\n", r"column 'y' has no value.* in row 1"),
        ("city,b,y\nParis,2,0\nRome,4,1\n", r"column 'city' holds text \('Paris' in row 0, from 0\)"),
        ("a,b,y\n1,2,0\n3,oops,1\n", r"column 'b' holds text \('oops' in row 1"),
        ("a,b,y\n1,2,0\n3,4\n", r"cannot be read: CSV parse error: Expected 3 columns, got 2"),
        ("a,a,y\n1,2,0\n", "several columns called 'a'"),
        ("a,b,y\n", "has no rows"),
        ("", "is empty, or no text"),
        ("y\n1\n0\n", "no column beside its label 'y'"),
        ("a,price\n1,2.5\n2,3.5\n", r"column 'price' holds 2.5, which is no label"),
        ("a,name\n" + "".join(f"{n},n{n}\n" for n in range(30)), "'name' has 30 different values in 30 rows"),
        ("a,\x1b[31mb,y\n1,x,0\n", "column '\ufffd\\[31mb' holds text"),
    ],
)
def test_what_is_no_number_is_named(tmp_path: Path, text: str, message: str) -> None:
    """A missing value, a text, an infinite number, a ragged or empty file: where and what is said."""
    with pytest.raises(InputError, match=message):
        open_rows(csv(tmp_path, text))


def test_binary_files_are_no_csv(tmp_path: Path) -> None:
    """A file of bytes, of NULs, in UTF-16, or of one endless cell is refused by name."""
    path = tmp_path / "x.csv"
    for content in (b"\xff\xfe\x00a,\x00b", b"a,b\n\0\0,1\n", "a,b\n1,2\n".encode("utf-16"), b"x" * 200_000):
        path.write_bytes(content)
        assert not looks_like_rows(path)
        assert not is_pixel_rows(path)
        with pytest.raises(InputError, match="x.csv"):
            open_rows(path)


def test_parquet_is_read(tmp_path: Path) -> None:
    """Integers, floats, booleans and decimals are features, categories labels; lists and dates are refused by name."""
    kinds = pa.array(["b", "a", "b"]).dictionary_encode()
    path = table(tmp_path, i=[1, 2, 3], f=[0.5, 1.5, 2.5], b=[True, False, True], kind=kinds)
    found = open_rows(path)
    np.testing.assert_array_equal(found.pictures, [[1, 0.5, 1], [2, 1.5, 0], [3, 2.5, 1]])
    assert (found.columns, found.classes, found.labels.tolist()) == (("i", "f", "b"), ("a", "b"), [1, 0, 1])
    with pytest.raises(InputError, match=r"column 'l' holds list"):
        open_rows(table(tmp_path, l=[[1], [2]], y=[0, 1]))
    with pytest.raises(InputError, match=r"column 'a' has no value.* in row 1"):
        open_rows(table(tmp_path, a=[1, None], y=[0, 1]))
    path.write_bytes(b"PAR1 and no more")
    with pytest.raises(InputError, match=r"x.parquet cannot be read"):
        open_rows(path)


@pytest.mark.parametrize(("x", "y"), [("X", "y"), ("data", "labels"), ("data", "target"), ("x_train", "y_train")])
def test_npz_is_read(tmp_path: Path, x: str, y: str) -> None:
    """Rows under any of the usual names, labels as whole numbers of any kind; other arrays are left alone."""
    rows = np.arange(6.0).reshape(3, 2)
    found = open_npz(npz(tmp_path, **{x: rows, y: np.array([[5], [3], [5]], np.uint8), "z": np.ones(3)}))
    np.testing.assert_array_equal(found.pictures, rows)
    assert (found.columns, found.classes, found.labels.tolist()) == (("column 0", "column 1"), ("3", "5"), [1, 0, 1])
    assert is_image_set(tmp_path / "x.npz")
    assert open_images(tmp_path / "x.npz").digest == found.digest


def test_npz_names_are_taken(tmp_path: Path) -> None:
    """`columns` and `classes` (scikit-learn's names, too) name columns and classes."""
    path = npz(tmp_path, data=np.eye(2), target=[1, 0], feature_names=["a", "b"], target_names=["no", "yes"])
    found = open_npz(path)
    assert (found.columns, found.classes, found.labels.tolist()) == (("a", "b"), ("no", "yes"), [1, 0])


@pytest.mark.parametrize("shape", [(2, 4, 5), (2, 4, 5, 1), (2, 4, 5, 3), (2, 3, 4, 5), (2, 4, 5, 2)])
def test_npz_of_pictures(tmp_path: Path, shape: tuple[int, ...]) -> None:
    """Arrays with three or four axes are pictures, their channels found, uint8 as it is and floats in 0..1."""
    values = np.random.default_rng(0).integers(0, 256, shape).astype(np.uint8)
    for given in (values, values.astype(np.int64), values / 255):
        found = open_npz(npz(tmp_path, images=given, labels=["a", "b"]))
        channels = 1 if len(shape) == 3 else min(shape[1], shape[3])
        assert found.shape == (channels, 4, 5)
        first = values[:1].reshape(1, 4, 5, -1).transpose(0, 3, 1, 2) if shape[1] == 4 else values[:1]
        np.testing.assert_allclose(found.pixels(slice(0, 1)), first / 255, atol=1e-6)


class Evil:
    def __reduce__(self) -> Any:
        return (Path.touch, (Path("/tmp/cellscope-was-here"),))


@pytest.mark.parametrize(
    ("arrays", "message"),
    [
        ({"X": np.array([Evil()], object), "y": [0]}, "holds Python objects, which are never loaded"),
        ({"X": np.eye(2), "y": np.array(["a", None], object)}, "holds Python objects"),
        ({"a": np.eye(2)}, "has none of the arrays X, x, data.*; there is a"),
        ({"X": np.eye(2), "y": [0]}, "2 rows and 1 labels"),
        ({"X": np.array([[1, np.nan]]), "y": [0]}, r"in row 0, column 1 \(from 0\)"),
        ({"X": np.eye(2), "y": [0.5, 1]}, "whole numbers or texts"),
        ({"X": np.eye(2), "y": np.eye(2)}, "whole numbers or texts"),
        ({"X": np.array([["a"]])}, "rows or pictures of numbers"),
        ({"X": np.zeros((0, 3))}, "rows or pictures of numbers"),
        ({"X": np.eye(2), "columns": ["a"]}, "2 columns and 1 names"),
        ({"images": np.full((1, 4, 4), 0.5) * 300}, "give uint8, or numbers in 0..1"),
    ],
)
def test_npz_of_anything_else_is_refused(tmp_path: Path, arrays: dict[str, Any], message: str) -> None:
    """Objects are never unpickled; missing arrays, values and other shapes are named."""
    with pytest.raises(InputError, match=message):
        open_npz(npz(tmp_path, **arrays))
    assert not Path("/tmp/cellscope-was-here").exists()


def test_a_broken_npz_is_refused(tmp_path: Path) -> None:
    """A file that is no archive, or is cut, is an error that names it."""
    path = npz(tmp_path, X=np.eye(30), y=np.zeros(30))
    for content in (b"hello", b"", path.read_bytes()[:-40]):
        path.write_bytes(content)
        with pytest.raises(InputError, match="x.npz cannot be read"):
            open_npz(path)


def pixels(header: str | None, side: int, label: bool = True) -> str:
    values = np.random.default_rng(0).integers(0, 256, (3, side * side))
    lines = [",".join(map(str, ([n % 2] if label else []) + row.tolist())) for n, row in enumerate(values)]
    return "\n".join(([header] if header else []) + lines) + "\n"


def names(pattern: str, side: int) -> str:
    return ",".join(pattern.format(n=n, r=n // side + 1, c=n % side + 1) for n in range(side * side))


@pytest.mark.parametrize(
    ("header", "side", "label"),
    [
        (None, 28, True),
        ("label," + names("{r}x{c}", 28), 28, True),
        ("label," + names("pixel{n}", 28), 28, True),
        (names("pixel{n}", 28), 28, False),
        ("label," + names("pixel{n}", 6), 6, True),
    ],
)
def test_mnist_as_csv(tmp_path: Path, header: str | None, side: int, label: bool) -> None:
    """A label and square pictures, with or without a header, are pictures and no rows."""
    path = csv(tmp_path, pixels(header, side, label))
    found = open_images(path)
    assert (len(found), found.shape, found.pictures.dtype) == (3, (1, side, side), np.uint8)
    expected = np.random.default_rng(0).integers(0, 256, (3, side * side)).reshape(3, 1, side, side)
    np.testing.assert_array_equal(found.pictures, expected)
    assert found.labels is None if not label else found.labels.tolist() == [0, 1, 0]
    assert is_image_set(path)


@pytest.mark.parametrize(("cell", "message"), [("256", "256"), ("-1", "-1"), ("x", "'x'"), ("", "1 missing")])
def test_pixels_are_bytes(tmp_path: Path, cell: str, message: str) -> None:
    """A pixel that is none of 0..255, or missing, is an error that shows it."""
    header = "label," + names("pixel{n}", 4)
    path = csv(tmp_path, f"{header}\n" + ",".join(["1"] * 16 + [cell]) + "\n")
    with pytest.raises(InputError, match=message):
        open_images(path)


@pytest.mark.parametrize(
    ("text", "rows"),
    [
        (IRIS, True),
        ("1,2\n3,4\n", True),
        ("a,b\n1,2\n", True),
        ("To be, or not to be\nthat is the question\n", False),
        ("name,remark\nx,hello\ny,bye\n", False),
        ("1\n2\n", False),
        ("a,b\n1,2,3\n", False),
        ("a,b\n", False),
        ("", False),
    ],
)
def test_rows_are_told_from_texts(tmp_path: Path, text: str, rows: bool) -> None:
    """A CSV counts as rows where its first lines are all numbers but for one cell each, equally many."""
    assert is_image_set(csv(tmp_path, text)) is rows
    assert not is_image_set(csv(tmp_path, text, "x.txt"))


@pytest.mark.parametrize(
    ("text", "named"),
    [
        ("a,b\n1,2\n", True),
        ("1,2\n3,4\n", False),
        ("0,1,label\n1,2,x\n", True),
        ("1,2,x\n3,4,y\n", False),
        ("a,b", True),
    ],
)
def test_headers_are_told_from_rows(tmp_path: Path, text: str, named: bool) -> None:
    """A first line of texts, with a text over numbers, or with a name for labels, names the columns."""
    assert Head.of(csv(tmp_path, text)).named is named
