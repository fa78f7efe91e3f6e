"""A ReLU that is given another gradient gives the same numbers, and rewrites what it rewrote."""

from __future__ import annotations

from collections.abc import Callable

import pytest
import torch
from odd_networks import PreActivated, noise, seeded
from torch import Tensor, nn
from torch.nn import functional

from cellscope.vision.redirect import redirected
from cellscope.vision.relu_mode import ReluMode
from cellscope.vision.sent_back import _Rules

WAYS: dict[str, Callable[[Tensor], Tensor]] = {
    "F.relu": functional.relu,
    "F.relu by name": lambda x: functional.relu(input=x),
    "F.relu in place": lambda x: functional.relu(x, inplace=True),
    "F.relu in place by position": lambda x: functional.relu(x, True),
    "F.relu_": functional.relu_,
    "torch.relu": torch.relu,
    "torch.relu_": torch.relu_,
    "method": lambda x: x.relu(),
    "method in place": lambda x: x.relu_(),
    "module": nn.ReLU(),
    "module in place": nn.ReLU(inplace=True),
}
MODES = (redirected, _Rules)


@pytest.mark.parametrize("mode", MODES)
@pytest.mark.parametrize("way", WAYS)
def test_every_way_to_write_a_relu_does_what_it_does(way: str, mode: type[ReluMode]) -> None:
    """What it gives, whether that is what it was given, and what that is afterwards."""
    start = noise(3, 4) - 0.5
    usual = start.clone()
    answer = WAYS[way](usual)
    given = start.clone().requires_grad_().clone()
    with mode():
        made = WAYS[way](given)
    assert torch.equal(made, answer)
    assert torch.equal(given, usual)
    assert (made is given) == (answer is usual)
    assert type(made.grad_fn).__name__ in ("_RuledBackward", "_RedirectedBackward", "CopyBackwards")


@pytest.mark.parametrize("mode", MODES)
@pytest.mark.parametrize("inplace", [False, True])
def test_the_network_that_is_run_is_the_users(inplace: bool, mode: type[ReluMode]) -> None:
    """A shortcut from before an in-place ReLU takes what that has rewritten."""
    network, x = seeded(lambda: PreActivated(inplace=inplace)), noise(2, 3, 8, 8)
    with mode():
        made = network(x)
    assert torch.equal(made, network(x))
