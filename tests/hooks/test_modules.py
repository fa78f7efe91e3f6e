"""Modules are heard and edited during a pass, whatever they are, and nothing of it is left behind."""

from __future__ import annotations

import gc
import weakref

import pytest
import torch
from torch import Tensor

from cellscope.axes import Site
from cellscope.errors import CellscopeError
from cellscope.hooks.modules import evaluating, watch
from cellscope.hooks.outlets import outlets
from tests.hooks.nets import PICTURES, Net, clean, seeded


@pytest.fixture
def net() -> Net:
    return seeded()


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


def test_what_was_not_seen_is_an_error(net: Net) -> None:
    """Asking for a site that has not fired names those that have."""
    with watch(net, ["conv"]) as seen:
        with pytest.raises(CellscopeError, match="no sites yet"):
            seen["conv"]
        seen.play(PICTURES)
        with pytest.raises(CellscopeError, match="top was not seen; seen were conv"):
            seen["top"]
