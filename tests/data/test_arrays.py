"""An array recorded elsewhere is read as it is, or refused with what was found."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import h5py
import numpy as np
import pytest
import zarr

from cellscope.data.arrays import open_array
from cellscope.errors import InputError

ROWS = np.random.default_rng(0).standard_normal((50, 4)).astype(np.float32)


def write(path: Path, arrays: dict[str, Any]) -> Path:
    if path.suffix == ".npy":
        np.save(path, next(iter(arrays.values())), allow_pickle=True)
    elif path.suffix == ".zarr":
        group = zarr.open_group(path, mode="w")
        for name, values in arrays.items():
            group.create_array(name, data=values)
    else:
        with h5py.File(path, "w") as file:
            for name, values in arrays.items():
                file[name] = values
    return path


@pytest.mark.parametrize("suffix", [".npy", ".h5", ".hdf5", ".zarr"])
def test_rows_come_back_as_they_were(tmp_path: Path, suffix: str) -> None:
    """Any stretch of rows of the only array with two axes is read without naming it, as float32."""
    array = open_array(write(tmp_path / f"a{suffix}", {"states": ROWS.astype(np.float64), "text": np.arange(50)}))
    assert (len(array), array.units) == (50, 4)
    rows = array.read(10, 99)
    assert rows.dtype == np.float32
    np.testing.assert_array_equal(rows, ROWS[10:])


@pytest.mark.parametrize("suffix", [".h5", ".zarr"])
def test_several_arrays_need_a_name(tmp_path: Path, suffix: str) -> None:
    """The key chooses, also within groups; without it, or with a wrong one, the message lists what is there."""
    path = write(tmp_path / f"a{suffix}", {"layer1/c": ROWS, "layer1/h": ROWS + 1})
    np.testing.assert_array_equal(open_array(path, key="layer1/h").read(0, 5), ROWS[:5] + 1)
    with pytest.raises(InputError, match=r"several arrays; name one: layer1/. \[50, 4\], layer1/. \[50, 4\]"):
        open_array(path)
    with pytest.raises(InputError, match=r"no array in .* 'layer1/x'; there is layer1/. \[50, 4\]"):
        open_array(path, key="layer1/x")


def test_a_bare_zarr_array_is_read(tmp_path: Path) -> None:
    """A zarr store may be one array without a group."""
    zarr.create_array(tmp_path / "a.zarr", data=ROWS)
    np.testing.assert_array_equal(open_array(tmp_path / "a.zarr").read(0, 50), ROWS)


@pytest.mark.parametrize(
    ("name", "values", "said"),
    [
        ("a.npy", np.zeros(5), r"shape \[5\]; an array \[position, unit\]"),
        ("a.npy", np.zeros((2, 3, 4)), r"shape \[2, 3, 4\]"),
        ("a.npy", np.zeros((0, 4)), "empty"),
        ("a.npy", np.array([["a", "b"]]), "not numbers"),
        ("a.npy", np.zeros((2, 2), complex), "not numbers"),
        ("a.npy", np.array([[{}, 1]], dtype=object), "Python objects, which are never loaded"),
        ("a.h5", np.zeros(5), r"no array \[position, unit\]; there is x \[5\]"),
        ("a.zarr", np.zeros(5), r"no array \[position, unit\]; there is x \[5\]"),
    ],
)
def test_what_is_no_array_of_activations_is_said(tmp_path: Path, name: str, values: Any, said: str) -> None:
    """Axes, sizes, kinds of number: the message says what was found."""
    with pytest.raises(InputError, match=said):
        open_array(write(tmp_path / name, {"x": values}))


@pytest.mark.parametrize("name", ["a.npy", "a.h5", "a.zarr", "a.csv"])
def test_a_file_of_something_else_is_one_line(tmp_path: Path, name: str) -> None:
    """Rubbish under any of the endings, and an unknown ending, are InputErrors of one line that name the file."""
    (tmp_path / name).write_bytes(b"\x00rubbish\n" * 50)
    with pytest.raises(InputError, match=name) as caught:
        open_array(tmp_path / name)
    assert "\n" not in str(caught.value)


def test_a_cut_npy_is_one_line(tmp_path: Path) -> None:
    """A file that lost its end is refused when opened."""
    path = write(tmp_path / "a.npy", {"x": ROWS})
    path.write_bytes(path.read_bytes()[:-100])
    with pytest.raises(InputError, match=r"a\.npy cannot be read"):
        open_array(path)


def test_a_missing_file_is_said(tmp_path: Path) -> None:
    """No file is no traceback."""
    with pytest.raises(InputError, match="no file"):
        open_array(tmp_path / "a.npy")


@pytest.mark.parametrize("bad", [np.nan, np.inf, -np.inf])
def test_nan_and_infinity_are_named(tmp_path: Path, bad: float) -> None:
    """The first value that is no number is given with its unit and position."""
    rows = ROWS.copy()
    rows[30, 2] = bad
    array = open_array(write(tmp_path / "a.npy", {"x": rows}))
    assert array.read(0, 30).shape == (30, 4)
    with pytest.raises(InputError, match=f"unit 2 is {bad} at position 30"):
        array.read(20, 40)


def test_the_length_must_be_the_texts(tmp_path: Path) -> None:
    """One row for every character; a transposed array is guessed at."""
    array = open_array(write(tmp_path / "a.npy", {"x": ROWS}))
    array.check_length(50)
    with pytest.raises(InputError, match="50 rows and the text 51 positions$"):
        array.check_length(51)
    with pytest.raises(InputError, match="other way round"):
        array.check_length(4)
