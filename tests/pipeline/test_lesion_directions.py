"""Controls of directions are other directions; directions are told apart by what they are, whatever they are called."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from cellscope.axes import Site, Unit
from cellscope.evidence.bases import Basis
from cellscope.pipeline.bases import Choice
from cellscope.pipeline.components import Component
from cellscope.pipeline.lesion_directions import _alike, spans_of

CELL = Site("lstm.0", "cell")


def rng() -> np.random.Generator:
    return np.random.default_rng(7)


def test_no_control_is_the_held_direction_again() -> None:
    """Where one axis has nearly all variance, what varies most is that axis: the controls lie across all that is held,
    and among them are those of most variance that is left.
    """
    heard = rng().standard_normal((500, 8)) * np.array([100.0, 3, 1, 1, 1, 1, 1, 1])
    held = np.eye(8)[[0, 3]]
    drawn = _alike(held[0], held, heard, 20, rng())
    assert drawn.shape == (20, 8)
    assert np.abs(drawn @ held.T).max() < 1e-9
    np.testing.assert_allclose(np.linalg.norm(drawn, axis=1), 1)
    assert ((heard @ drawn.T) ** 2).mean(0).min() > 4


def test_where_all_is_held_there_is_no_control_and_where_most_is_there_are_some() -> None:
    """Six of eight axes leave no room for six others at right angles; eight of eight leave nothing else."""
    heard = rng().standard_normal((500, 8))
    assert len(_alike(np.eye(8)[0], np.eye(8), heard, 20, rng())) == 0
    assert len(_alike(np.eye(8)[0], np.eye(8)[:6], heard, 20, rng())) == 20


def test_a_state_that_never_moves_has_controls() -> None:
    """Mixtures of states are nothing there, and are left out."""
    drawn = _alike(np.eye(8)[0], np.eye(8)[:1], np.zeros((500, 8)), 20, rng())
    np.testing.assert_allclose(np.linalg.norm(drawn, axis=1), 1)


def read(component: Component) -> tuple[Basis, Unit]:
    basis = component.choice.read({CELL: 4})
    return basis, Unit(basis.site, int(component.which))


def test_files_of_one_name_are_two_directions(tmp_path: Path) -> None:
    """Both are held, and the second is called by its whole path; the same file twice is one direction."""
    for at, folder in enumerate("ab"):
        (tmp_path / folder).mkdir()
        np.save(tmp_path / folder / "url.npy", np.eye(4, dtype=np.float32)[at])
    one, other = (Component((CELL,), Choice(str(tmp_path / folder / "url.npy")), "0") for folder in "ab")
    spans, name = spans_of((one, other, one), read)
    assert name == f"lstm.0.cell:url.npy/0, lstm.0.cell:{tmp_path / 'b' / 'url.npy'}/0"
    np.testing.assert_allclose(np.abs(spans[CELL]).sum(0), [1, 1, 0, 0], atol=1e-7)
    again = Component((CELL,), Choice(f"{tmp_path}/b/../a/url.npy"), "0")
    assert spans_of((one, again), read)[1] == "lstm.0.cell:url.npy/0"


def test_two_directions_of_the_probe_are_two() -> None:
    """Each is learnt alone, and is the first of its basis: their names tell them apart."""

    def learnt(component: Component) -> tuple[Basis, Unit]:
        at, site = "ab".index(component.which), Site("lstm.0.cell", "probe")
        directions = np.eye(4, dtype=np.float32)[:, at : at + 1]
        basis = Basis(site, (CELL,), directions, np.zeros(1, np.float32), names=(component.which,))
        return basis, Unit(site, 0)

    spans, name = spans_of([Component((CELL,), Choice("probe"), which) for which in "ab"], learnt)
    assert (name, len(spans[CELL])) == ("lstm.0.cell:probe/a, lstm.0.cell:probe/b", 2)
