"""What can be seen in a network for pictures is found, chosen by name, and refused by name."""

from __future__ import annotations

import pytest
import torch
from torch import Tensor, nn

from cellscope.axes import Site, Unit
from cellscope.errors import CellscopeError, InputError, MissingError
from cellscope.hooks.modules import watch
from cellscope.hooks.outlets import choose_outlets, ends_of_blocks, outlets, require_units
from tests.hooks.nets import PICTURES, Net, Pair, clean, seeded


@pytest.fixture
def net() -> Net:
    return seeded()


def test_outlets_are_found_in_the_order_of_firing(net: Net) -> None:
    """Each with its shape and kind; a module that fires twice is two, dropout and containers are none."""
    found = outlets(net, PICTURES)
    assert [(str(o.site), o.shape, o.kind) for o in found] == [
        ("conv", (4, 8, 8), "Conv2d"),
        ("norm", (4, 8, 8), "BatchNorm2d"),
        ("relu:1", (4, 8, 8), "ReLU"),
        ("top", (3,), "Linear"),
        ("relu:2", (3,), "ReLU"),
    ]
    assert (found[0].units, found[0].grid) == (4, (8, 8))
    assert (found[3].units, found[3].grid) == (3, (1, 1))
    with watch(net, [o.site for o in found]) as seen:
        for outlet, values in zip(found, seen.play(PICTURES).values(), strict=True):
            assert tuple(values.shape[1:]) == outlet.shape


def test_a_module_that_gives_a_tuple_is_no_outlet() -> None:
    """A recurrent layer is left out, and watching it says what it puts out."""
    pair = Pair()
    assert [str(o.site) for o in outlets(pair, PICTURES)] == ["top"]
    with watch(pair, ["core"]) as seen, pytest.raises(CellscopeError, match="core puts out a tuple"):
        seen.play(PICTURES)
    assert clean(pair)


def test_a_network_of_one_module_has_a_site() -> None:
    """A bare layer is called `model`, and is seen under that name."""
    layer = nn.Linear(4, 3)
    rows = torch.ones(2, 4)
    (outlet,) = outlets(layer, rows)
    assert (str(outlet.site), outlet.shape) == ("model", (3,))
    with watch(layer, [outlet.site], stop=True) as seen:
        torch.testing.assert_close(seen.play(rows)[outlet.site], rows @ layer.weight.T + layer.bias)
    assert clean(layer)


def test_choosing_outlets(net: Net) -> None:
    """All by default, those asked for in the order asked; an unknown one and a network without any are errors."""
    assert choose_outlets(net, PICTURES) == outlets(net, PICTURES)
    assert [str(o.site) for o in choose_outlets(net, PICTURES, ["top", Site("conv")])] == ["top", "conv"]
    with pytest.raises(MissingError, match="no site 'relu'; there is relu:2, relu:1, conv"):
        choose_outlets(net, PICTURES, ["relu"])
    with pytest.raises(InputError, match="no module"):
        choose_outlets(nn.Identity(), PICTURES)
    with pytest.raises(MissingError, match="no site 'cnov'; there is conv"), watch(net, ["cnov"]):
        pass


def test_a_container_is_an_outlet_where_it_is_named() -> None:
    """`block` says what its last module says, and is watched and edited like any other; what it counts as units is the
    map that it puts out, and one that puts out something else is not there.
    """
    model = nn.Sequential()
    model.add_module("block", nn.Sequential(nn.Conv2d(2, 4, 3), nn.ReLU()))
    model.add_module("head", nn.Sequential(nn.Flatten(1, 2), nn.Linear(6, 3)))
    assert [str(o.site) for o in outlets(model, PICTURES)] == ["block.0", "block.1"]
    (block,) = choose_outlets(model, PICTURES, ["block"])
    assert (str(block.site), block.shape, block.kind) == ("block", (4, 6, 6), "Sequential")
    with watch(model, ["block", "block.1"]) as seen:
        heard = seen.play(PICTURES)
    torch.testing.assert_close(heard[Site("block")], heard[Site("block.1")], rtol=0, atol=0)
    with pytest.raises(MissingError, match="no site 'head'"):
        choose_outlets(model, PICTURES, ["head"])
    assert clean(model)


def test_units_that_are_not_there(net: Net) -> None:
    """The outlets of the units' sites, each once; a number too large says how many there are."""
    known = require_units(net, PICTURES, [Unit.parse("top/2"), Unit.parse("conv/0"), Unit.parse("top/0")])
    assert [(str(site), outlet.units) for site, outlet in known.items()] == [("top", 3), ("conv", 4)]
    assert require_units(net, PICTURES, []) == {}
    with pytest.raises(InputError, match="no unit 4 in conv; it has 0 to 3"):
        require_units(net, PICTURES, [Unit.parse("conv/4")])
    with pytest.raises(MissingError, match="no site 'cnov'"):
        require_units(net, PICTURES, [Unit.parse("cnov/0")])


def test_a_block_ends_before_the_next_weights() -> None:
    """After norm, ReLU and pooling, before the next layer that has weights; the class scores alone where there is
    nothing else, and everything where no module has weights.
    """
    blocks = nn.Sequential(
        nn.Conv2d(2, 4, 3), nn.BatchNorm2d(4), nn.ReLU(), nn.MaxPool2d(2),
        nn.Conv2d(4, 3, 3), nn.LayerNorm((3, 1, 1)), nn.Flatten(),
        nn.Linear(3, 5), nn.ReLU(), nn.Linear(5, 2), nn.Softmax(1),
    )  # fmt: skip

    def ends(module: nn.Module, example: Tensor = PICTURES) -> list[str]:
        return [str(outlet.site) for outlet in ends_of_blocks(module, outlets(module, example))]

    assert ends(blocks) == ["3", "5", "8"]
    assert ends(nn.Linear(6, 2), torch.zeros(2, 6)) == ["model"]
    assert ends(nn.Sequential(nn.ReLU(), nn.AvgPool2d(2))) == ["0", "1"]
