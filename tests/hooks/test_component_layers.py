"""Components are modules: seen, edited and copied like any other, and the network's answer follows their edits."""

from __future__ import annotations

import copy
from collections.abc import Callable

import numpy as np
import pytest
import torch
from torch import Tensor, nn

from cellscope.axes import Site
from cellscope.errors import InputError
from cellscope.hooks.component_layers import Components, add_components
from cellscope.hooks.modules import watch
from cellscope.hooks.outlets import choose_outlets, outlets
from cellscope.hooks.replay import replay
from tests.hooks.nets import PICTURES, seeded

RNG = np.random.default_rng(0)
DIRECTIONS = RNG.normal(size=(4, 3)).astype(np.float32)
OFFSET = RNG.normal(size=3).astype(np.float32)


def stack() -> nn.Sequential:
    with torch.random.fork_rng():
        torch.manual_seed(0)
        return nn.Sequential(nn.Conv2d(2, 4, 3), nn.ReLU(inplace=True), nn.Flatten(), nn.Linear(144, 5)).eval()


def grown(name: str = "pca", *, rectified: bool = False) -> tuple[nn.Sequential, Site]:
    model = stack()
    site = add_components(model, Site("0"), Components(DIRECTIONS, OFFSET, rectified=rectified), name)
    return model, site


def of(output: Tensor) -> Tensor:
    """The components of maps [picture, unit, row, column], written out."""
    told = output.movedim(1, -1) @ torch.from_numpy(DIRECTIONS) + torch.from_numpy(OFFSET)
    return told.movedim(-1, 1)


def filled(unit: int | list[int], value: float) -> Callable[[Tensor], Tensor]:
    def edit(told: Tensor) -> Tensor:
        told = told.clone()
        told[:, unit] = value
        return told

    return edit


@pytest.mark.parametrize("rectified", [False, True])
def test_components_are_what_they_are_said_to_be(rectified: bool) -> None:
    """a @ directions + offset in every place, from before the in-place ReLU; the answer is the plain network's."""
    model, site = grown(rectified=rectified)
    assert str(site) == "0.pca"
    with watch(model, [site, "0"]) as seen:
        answer = model(PICTURES)
        told, output = seen[site], seen["0"]
    expected = of(output)
    torch.testing.assert_close(told, expected.relu() if rectified else expected)
    torch.testing.assert_close(answer, stack()(PICTURES), rtol=0, atol=0)


def test_they_are_outlets_and_so_is_the_module_that_they_are_of() -> None:
    """By name and by default; in a block of modules they have no place."""
    model, _ = grown()
    found = [(str(o.site), o.shape, o.kind) for o in outlets(model, PICTURES)]
    assert ("0.pca", (3, 6, 6), "Components") in found
    assert ("0", (4, 6, 6), "Conv2d") in found
    assert choose_outlets(model, PICTURES, ["0.pca"])[0].units == 3
    with pytest.raises(InputError, match="0 has something called pca already"):
        add_components(model, Site("0"), Components(DIRECTIONS, OFFSET), "pca")
    with pytest.raises(InputError, match="block of modules"):
        add_components(nn.Sequential(model), Site("0"), Components(DIRECTIONS, OFFSET), "pca")


@pytest.mark.parametrize("held", [[1], [0, 2], [0, 1, 2]])
def test_an_edit_moves_the_output_the_shortest_way(held: list[int]) -> None:
    """The held components are where they are held, and the output differs by no more than by their directions: it is
    the least-squares solution, by numpy's own.
    """
    model, site = grown()
    with watch(model, ["0"]) as seen:
        before = seen.play(PICTURES)[Site("0")]
    with watch(model, ["0"], edits={site: filled(held, 0.7)}) as seen:
        answer = model(PICTURES)
        after = seen["0"]
    told = of(after)
    torch.testing.assert_close(told[:, held], torch.full_like(told[:, held], 0.7), rtol=0, atol=1e-5)
    d = DIRECTIONS[:, held]
    place = before[0, :, 2, 3].detach().numpy()
    wanted = place + np.linalg.lstsq(d.T, 0.7 - OFFSET[held] - place @ d, rcond=None)[0]
    np.testing.assert_allclose(after[0, :, 2, 3].detach().numpy(), wanted, atol=1e-5)
    torch.testing.assert_close(answer, stack()[1:](after))


def test_a_code_that_is_off_stays_off() -> None:
    """Of rectified components one that is at 0 is not moved by being held at 0; one that is on is put out."""
    model, none = stack(), np.zeros(3, np.float32)
    site = add_components(model, Site("0"), Components(DIRECTIONS, none, rectified=True), "dictionary")
    with watch(model, [site, "0"]) as seen, torch.no_grad():
        heard = seen.play(PICTURES)
        code, before = heard[site], heard[Site("0")]
    with watch(model, ["0"], edits={site: filled(0, 0.0)}) as seen, torch.no_grad():
        after = seen.play(PICTURES)[Site("0")]
    off = code[:, 0] == 0
    assert 0 < off.float().mean() < 1
    torch.testing.assert_close(after.movedim(1, -1)[off], before.movedim(1, -1)[off], rtol=0, atol=0)
    assert float((after.movedim(1, -1) @ torch.from_numpy(DIRECTIONS[:, 0])).max()) < 1e-5


def test_a_code_is_held_also_where_it_was_off() -> None:
    """Held at .7 it is that everywhere, and of several each goes the way that it would go alone, in every batch."""
    model, none = stack(), np.zeros(3, np.float32)
    site = add_components(model, Site("0"), Components(DIRECTIONS, none, rectified=True), "dictionary")

    def held(unit: int | list[int], value: float, pictures: Tensor) -> Tensor:
        with watch(model, ["0"], edits={site: filled(unit, value)}) as seen, torch.no_grad():
            return seen.play(pictures)[Site("0")]

    after = held(0, 0.7, PICTURES)
    told = after.movedim(1, -1) @ torch.from_numpy(DIRECTIONS[:, 0])
    torch.testing.assert_close(told, torch.full_like(told, 0.7))
    with watch(model, ["0"]) as seen, torch.no_grad():
        before = seen.play(PICTURES)[Site("0")]
    alone = [held(unit, 0.0, PICTURES) - before for unit in (0, 2)]
    torch.testing.assert_close(held([0, 2], 0.0, PICTURES), before + alone[0] + alone[1])
    torch.testing.assert_close(held([0, 2], 0.0, PICTURES[1:2]), held([0, 2], 0.0, PICTURES)[1:2])


@pytest.mark.parametrize("at", ["0", "1"])
def test_the_short_way_of_lesions_is_the_long_one(at: str) -> None:
    """What lies behind a component's site is run again with its edit, as with that of any site, also in place."""
    model = stack()
    site = add_components(model, Site(at), Components(DIRECTIONS, OFFSET), "pca")
    hold, on = filled(1, 0.0), False
    with watch(model, (), edits={site: hold}):
        full = model(PICTURES)
    with watch(model, (), edits={site: lambda told: hold(told) if on else told}), replay(model, [site]) as rest:
        rest.hear(PICTURES)
        torch.testing.assert_close(rest(), stack()(PICTURES))
        on = True
        torch.testing.assert_close(rest(), full)
        torch.testing.assert_close(rest(), full)
        assert rest.shortened


def test_a_copy_has_components_of_its_own() -> None:
    """A deep copy tells its own components, not those of the network it was copied from."""
    model, site = grown()
    twin = copy.deepcopy(model)
    twin.get_submodule("0.pca").directions.zero_()
    with watch(twin, [site]) as seen:
        assert torch.allclose(seen.play(PICTURES)[site], torch.from_numpy(OFFSET)[:, None, None].expand(3, 3, 6, 6))
    with watch(model, [site]) as seen:
        assert seen.play(PICTURES)[site].std(0).min() > 0


def test_the_second_call_of_a_module_is_meant_by_its_number() -> None:
    """`relu:2` puts out units; its components are told once a pass, in every pass."""
    net = seeded().eval()
    site = add_components(net, Site("relu", "2"), Components(np.eye(3, 2, dtype=np.float32), np.zeros(2)), "pca")
    assert str(site) == "relu.pca@2"
    with watch(net, [site, "relu:2"]) as seen:
        for part in (PICTURES, PICTURES[:1]):
            heard = seen.play(part)
            torch.testing.assert_close(heard[site], heard[Site("relu", "2")][:, :2])
