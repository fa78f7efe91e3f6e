"""A recording is exactly what was heard, in whatever order it came, or it is not there at all."""

from __future__ import annotations

import warnings
from itertools import pairwise
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import xarray
from hypothesis import given, settings
from hypothesis import strategies as st

from cellscope.axes import Site
from cellscope.chunks import Chunk
from cellscope.errors import InputError
from cellscope.sinks.recording import Recording, array_name

CELL, HIDDEN = Site("lstm.0", "cell"), Site("lstm.0", "hidden")


def heard(positions: list[int], values: dict[Site, np.ndarray[Any, Any]]) -> Chunk:
    first = np.array(positions)
    return Chunk(first, np.zeros_like(first), values, 0, 1)


def lanes_of(truth: dict[Site, np.ndarray[Any, Any]], borders: list[int], steps: int, seed: int) -> list[Chunk]:
    """Every stretch between two borders is played in parts of `steps`, one lane a chunk, in an order drawn by seed."""
    chunks = []
    for start, stop in pairwise(borders):
        for first in range(start, stop, steps):
            part = slice(first, min(first + steps, stop))
            chunks.append(heard([first], {s: v[part][:, None] for s, v in truth.items()}))
    order = np.random.default_rng(seed).permutation(len(chunks))
    return [chunks[i] for i in order]


def truth_of(length: int, *, units: int = 3, seed: int = 0) -> dict[Site, np.ndarray[Any, Any]]:
    rng = np.random.default_rng(seed)
    return {s: rng.standard_normal((length, units)).astype(np.float32) for s in (CELL, HIDDEN)}


def sizes(truth: dict[Site, np.ndarray[Any, Any]]) -> dict[Site, int]:
    return {site: values.shape[1] for site, values in truth.items()}


@settings(max_examples=12, deadline=None)
@given(
    length=st.integers(1, 900),
    borders=st.lists(st.integers(1, 899), max_size=4),
    steps=st.integers(1, 300),
    memory=st.sampled_from([1, 5000, 1 << 20]),
    seed=st.integers(0, 9),
)
def test_any_cut_and_order_gives_the_same_store(
    tmp_path_factory: pytest.TempPathFactory, length: int, borders: list[int], steps: int, memory: int, seed: int
) -> None:
    """Whatever the lanes, the steps, the order and the memory: row t of the store is row t that was heard."""
    truth = truth_of(length, seed=seed)
    path = tmp_path_factory.mktemp("store") / "a.zarr"
    recording = Recording(path, sizes(truth), length, memory=memory)
    for chunk in lanes_of(truth, sorted({0, length, *(b for b in borders if b < length)}), steps, seed):
        recording.add(chunk)
    recording.finish()
    with xarray.open_zarr(path) as store:
        for site, values in truth.items():
            np.testing.assert_array_equal(store[array_name(site)].values, values)


def test_many_lanes_in_one_chunk_and_an_end_beyond_the_text(tmp_path: Path) -> None:
    """Lanes lie side by side in a chunk; what the last lane says beyond the end is left out."""
    values = np.arange(4 * 3 * 2, dtype=np.float32).reshape(4, 3, 2)  # [step, lane, unit]
    recording = Recording(tmp_path / "a.zarr", {CELL: 2}, 10)
    recording.add(heard([0, 4, 8], {CELL: values}))
    with xarray.open_zarr(recording.finish()) as store:
        expected = values.transpose(1, 0, 2).reshape(12, 2)[:10]
        np.testing.assert_array_equal(store["lstm.0.cell"].values, expected)


def test_xarray_opens_it_with_named_dimensions_and_no_warning(tmp_path: Path) -> None:
    """xarray.open_zarr says position and unit, knows the site and the run, and has nothing to complain of."""
    truth = truth_of(20)
    recording = Recording(tmp_path / "a.zarr", sizes(truth), 20, about={"run": "r1", "digest": "ab"})
    recording.column("character", 0, np.arange(20, dtype=np.uint32), description="code points")
    recording.add(heard([0], {s: v[:, None] for s, v in truth.items()}))
    path = recording.finish(seconds=1.5)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        store = xarray.open_zarr(path)
    assert store["lstm.0.cell"].dims == ("position", "unit")
    assert store["lstm.0.cell"].attrs["site"] == "lstm.0:cell"
    assert store["lstm.0.cell"].dtype == np.float32
    assert store["character"].dims == ("position",)
    assert store["character"].values.tolist() == list(range(20))
    assert store.attrs["run"] == "r1"
    assert store.attrs["complete"] is True
    assert dict(store.sizes) == {"position": 20, "unit": 3}


def test_layers_of_different_sizes_open_together(tmp_path: Path) -> None:
    """Two sites with 3 and 5 units have two unit dimensions, so that one data set can hold both."""
    recording = Recording(tmp_path / "a.zarr", {CELL: 3, Site("lstm.1", "cell"): 5}, 4)
    recording.add(heard([0], {CELL: np.zeros((4, 1, 3), "f4"), Site("lstm.1", "cell"): np.ones((4, 1, 5), "f4")}))
    store = xarray.open_zarr(recording.finish())
    assert dict(store.sizes) == {"position": 4, "unit_3": 3, "unit_5": 5}


def test_float16_refuses_what_it_cannot_hold(tmp_path: Path) -> None:
    """A counter at -70,000 ends a float16 recording by name and place; -1,800 is held."""
    recording = Recording(tmp_path / "a.zarr", {CELL: 2}, 3, dtype="float16")
    values = np.array([[0, -1800], [0, -1], [0, -70000]], np.float32)[:, None]
    with pytest.raises(InputError, match=r"lstm\.0:cell/1 is -70,000 at position 2, beyond float16's 65,504"):
        recording.add(heard([0], {CELL: values}))
    again = Recording(tmp_path / "a.zarr", {CELL: 2}, 2, dtype="float16")
    again.add(heard([0], {CELL: values[:2]}))
    assert xarray.open_zarr(again.finish())["lstm.0.cell"].values[0, 1] == -1800


def test_nothing_has_the_name_until_all_is_there(tmp_path: Path) -> None:
    """A store that lacks positions is refused and never takes its name; the next recording clears what it left."""
    path = tmp_path / "a.zarr"
    recording = Recording(path, {CELL: 2}, 10)
    recording.add(heard([0], {CELL: np.zeros((9, 1, 2), "f4")}))
    with pytest.raises(InputError, match="1 of 10 positions of lstm.0:cell were never heard"):
        recording.finish()
    assert not path.exists()
    again = Recording(path, {CELL: 2}, 10)
    again.add(heard([0], {CELL: np.ones((10, 1, 2), "f4")}))
    again.finish()
    assert [p.name for p in tmp_path.iterdir()] == ["a.zarr"]


def test_nothing_is_overwritten_unasked(tmp_path: Path) -> None:
    """An existing recording is kept unless `overwrite`; what is no recording is kept even then."""
    path = tmp_path / "a.zarr"
    for value in (1, 2):
        recording = Recording(path, {CELL: 1}, 2, overwrite=value == 2)
        recording.add(heard([0], {CELL: np.full((2, 1, 1), value, "f4")}))
        recording.finish()
        with pytest.raises(InputError, match="exists"):
            Recording(path, {CELL: 1}, 2)
    assert xarray.open_zarr(path)["lstm.0.cell"].values.max() == 2
    precious = tmp_path / "letters.zarr"
    precious.mkdir()
    (precious / "letter.txt").write_text("dear")
    with pytest.raises(InputError, match="no recording"):
        Recording(precious, {CELL: 1}, 2, overwrite=True)
    assert (precious / "letter.txt").read_text() == "dear"


def test_a_position_heard_twice_is_a_fault(tmp_path: Path) -> None:
    """Two lanes that overlap are a fault of the caller and are not averaged away."""
    recording = Recording(tmp_path / "a.zarr", {CELL: 1}, 4)
    recording.add(heard([0], {CELL: np.zeros((3, 1, 1), "f4")}))
    with pytest.raises(ValueError, match="heard twice"):
        recording.add(heard([2], {CELL: np.zeros((2, 1, 1), "f4")}))


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        ({"units": {}, "length": 3}, "no site"),
        ({"units": {CELL: 1}, "length": 0}, "the text is empty"),
        ({"units": {CELL: 1}, "length": 3, "dtype": "int8"}, "float16 or float32, not 'int8'"),
        ({"units": {Site("a/b"): 1, Site("a b"): 1}, "length": 3}, "same name"),
    ],
)
def test_what_cannot_be_recorded_is_said(tmp_path: Path, arguments: dict[str, Any], said: str) -> None:
    """No site, no text, no such dtype, two sites of one name: one line each, and nothing on disk."""
    with pytest.raises(InputError, match=said):
        Recording(tmp_path / "a.zarr", **arguments)
    assert list(tmp_path.iterdir()) == []


def test_a_hostile_module_name_stays_inside_the_store() -> None:
    """A module called `../../x` becomes one plain name."""
    assert array_name(Site("../../x", "cell")) == "x.cell"
    assert array_name(Site("lstm.0", "cell")) == "lstm.0.cell"
