"""Modules are heard and edited during a pass, whatever they are, and nothing of it is left behind."""

from __future__ import annotations

import gc
import weakref

import pytest
import torch
from torch import Tensor, nn
from torch.nn import functional

from cellscope.axes import Site
from cellscope.errors import CellscopeError, InputError, MissingError
from cellscope.hooks.modules import choose_outlets, ends_of_blocks, evaluating, outlets, watch

PICTURES = torch.rand((3, 2, 8, 8), generator=torch.Generator().manual_seed(0)) - 0.5


class Net(nn.Module):
    """A convolution with an in-place ReLU that serves twice, dropout, norm, and a functional ReLU."""

    def __init__(self) -> None:
        super().__init__()
        self.conv, self.norm = nn.Conv2d(2, 4, 3, padding=1), nn.BatchNorm2d(4)
        self.relu, self.drop = nn.ReLU(inplace=True), nn.Dropout(0.5)
        self.top = nn.Linear(4, 3)
        self.calls: list[str] = []

    def forward(self, x: Tensor) -> Tensor:
        x = self.drop(self.relu(self.norm(self.conv(x))))
        self.calls.append("conv")
        x = functional.relu(x.mean((2, 3)) - 0.1)
        self.calls.append("mean")
        return self.relu(self.top(x))


class Pair(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.core = nn.GRU(4, 5, batch_first=True)
        self.top = nn.Linear(5, 2)

    def forward(self, x: Tensor) -> Tensor:
        return self.top(self.core(x.flatten(1)[:, None, :4])[0][:, 0])


@pytest.fixture
def net() -> Net:
    with torch.random.fork_rng():
        torch.manual_seed(0)
        return Net().train()


def test_a_copy_is_kept_from_before_the_in_place_relu(net: Net) -> None:
    """What a convolution or norm put out is seen as it was, though an in-place ReLU rewrote it a moment later."""
    with watch(net, ["conv", "norm", "relu:1"]) as seen:
        got = seen.play(PICTURES)
    with evaluating(net):
        conv = net.conv(PICTURES)
        norm = net.norm(conv)
    assert (norm < 0).any()
    torch.testing.assert_close(got[Site("conv")], conv)
    torch.testing.assert_close(got[Site("norm")], norm)
    torch.testing.assert_close(got[Site("relu", "1")], norm.relu())


def test_a_module_that_fires_twice_is_two_sites(net: Net) -> None:
    """Both times can be seen at once; without saying which, it is an error that names them."""
    with watch(net, ["relu:1", "relu:2"]) as seen:
        answer = net(PICTURES)
        assert seen["relu:1"].shape == (3, 4, 8, 8)
        torch.testing.assert_close(seen["relu:2"], answer)
    with watch(net, ["relu"]) as seen, pytest.raises(CellscopeError, match="relu:1, relu:2"):
        seen.play(PICTURES)


def test_a_second_pass_forgets_the_first(net: Net) -> None:
    """What is seen is of the last pass; calls are counted from one again."""
    with watch(net, ["relu:2"]) as seen:
        seen.play(PICTURES)
        torch.testing.assert_close(seen.play(PICTURES[:1])[Site("relu", "2")], net(PICTURES[:1]))


def test_gradients_flow_through_what_is_seen(net: Net) -> None:
    """The copy is a part of the graph: its gradient with regard to the pictures is that of the module itself."""
    x = PICTURES.clone().requires_grad_()
    with watch(net, ["conv"]) as seen:
        seen.play(x)
        (got,) = torch.autograd.grad(seen["conv"].sum(), x)
    (want,) = torch.autograd.grad(net.conv(x).sum(), x)
    torch.testing.assert_close(got, want)
    assert all(p.grad is None for p in net.parameters())


def test_an_edit_is_handed_on_and_seen(net: Net) -> None:
    """With a unit set to zero the answer is that of a network without it; what is seen is what was handed on."""

    def off(x: Tensor) -> Tensor:
        return x * torch.tensor([1.0, 0, 1, 1])[:, None, None]

    with watch(net, ["conv"], edits={Site("conv"): off}) as seen:
        answer = net(PICTURES)
        assert (seen["conv"][:, 1] == 0).all()
    with torch.no_grad():
        net.conv.weight[1], net.conv.bias[1] = 0, 0
    torch.testing.assert_close(net.eval()(PICTURES), answer)
    with watch(net, [], edits={Site("top"): lambda x: x * 0 + 7}) as seen:
        assert (net(PICTURES) == 7).all()
        assert seen.play(PICTURES) == {}


def test_only_the_asked_call_is_edited(net: Net) -> None:
    """An edit of the second time leaves the first time as it was."""
    with watch(net, ["relu:1", "relu:2"], edits={Site("relu", "2"): lambda x: x + 1}) as seen:
        seen.play(PICTURES)
        first, second = seen["relu:1"], seen["relu:2"]
    with watch(net, ["relu:1", "relu:2"]) as seen:
        seen.play(PICTURES)
        torch.testing.assert_close(seen["relu:1"], first)
        torch.testing.assert_close(seen["relu:2"] + 1, second)


def test_stop_leaves_the_pass_early(net: Net) -> None:
    """With `stop` nothing after the last asked site is computed, and hooks and modes are put back all the same."""
    with watch(net, ["conv"], stop=True) as seen:
        seen.play(PICTURES)
        assert net.calls == []
    with watch(net, ["conv", "top"], stop=True) as seen:
        seen.play(PICTURES)
        assert net.calls == ["conv", "mean"]
    assert clean(net)
    net.eval()
    net.calls.clear()
    net(PICTURES)
    assert net.calls == ["conv", "mean"]


def test_a_keep_may_keep_less(net: Net) -> None:
    """`keep` for all, or one a site, says what of an output is kept."""
    keep = {Site("conv"): lambda x: x.amax((2, 3)), Site("norm"): lambda x: x[:, 0]}
    with watch(net, ["conv", "norm"], keep=keep) as seen:
        got = seen.play(PICTURES)
    assert got[Site("conv")].shape == (3, 4)
    assert got[Site("norm")].shape == (3, 8, 8)


def clean(module: nn.Module) -> bool:
    return not any(m._forward_hooks or m._forward_pre_hooks or m._backward_hooks for m in module.modules())


def test_nothing_is_left_behind(net: Net) -> None:
    """No hook, no mode changed, no statistic of the norm, no reference that keeps the model alive, also on an error."""
    net.conv.eval()
    modes = {name: m.training for name, m in net.named_modules()}
    before = {name: tensor.clone() for name, tensor in net.state_dict().items()}
    with pytest.raises(RuntimeError), watch(net, ["conv", "relu:1"]) as seen:
        seen.play(PICTURES[:, :1])
    outlets(net, PICTURES)
    with pytest.raises(RuntimeError):
        outlets(net, PICTURES[:, :1])
    assert clean(net)
    assert {name: m.training for name, m in net.named_modules()} == modes
    assert all(torch.equal(before[name], tensor) for name, tensor in net.state_dict().items())
    other = Net()
    gone = weakref.ref(other)
    with watch(other, ["conv"]) as seen:
        seen.play(PICTURES)
    del other, seen
    gc.collect()
    assert gone() is None


def test_evaluating_gives_every_module_its_own_flag_back(net: Net) -> None:
    """Eval mode within; a frozen norm in a network in training mode is still frozen afterwards."""
    net.norm.eval()
    with evaluating(net) as inside:
        assert inside is net
        assert not any(m.training for m in net.modules())
    assert (net.training, net.norm.training, net.conv.training) == (True, False, True)


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
    known = outlets(net, PICTURES)
    assert choose_outlets(known) == known
    assert [str(o.site) for o in choose_outlets(known, ["top", "conv"])] == ["top", "conv"]
    with pytest.raises(MissingError, match="no site 'relu'; there is relu:2, relu:1, conv"):
        choose_outlets(known, ["relu"])
    with pytest.raises(InputError, match="no module"):
        choose_outlets(())
    with pytest.raises(MissingError, match="no site 'cnov'; there is conv"), watch(net, ["cnov"]):
        pass


def test_what_was_not_seen_is_an_error(net: Net) -> None:
    """Asking for a site that has not fired names those that have."""
    with watch(net, ["conv"]) as seen:
        with pytest.raises(CellscopeError, match="no sites yet"):
            seen["conv"]
        seen.play(PICTURES)
        with pytest.raises(CellscopeError, match="top was not seen; seen were conv"):
            seen["top"]


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
