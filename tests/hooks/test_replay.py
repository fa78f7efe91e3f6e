"""Running the rest of a network behind a site, by law."""

from __future__ import annotations

import pytest
import torch
from torch import Tensor, nn

from cellscope.axes import Site
from cellscope.errors import MissingError
from cellscope.hooks.modules import watch
from cellscope.hooks.replay import replay


class Counted(nn.Conv2d):
    """Counts how often it is computed."""

    runs = 0

    def forward(self, x: Tensor) -> Tensor:
        type(self).runs += 1
        return super().forward(x)


class Residual(nn.Module):
    """A shortcut round a block, one ReLU (in place) used three times, a functional head."""

    def __init__(self, *, inplace: bool = True) -> None:
        super().__init__()
        self.stem = Counted(1, 4, 3, padding=1)
        self.block = nn.Sequential(nn.Conv2d(4, 4, 3, padding=1), nn.BatchNorm2d(4))
        self.relu = nn.ReLU(inplace=inplace)
        self.last = nn.Conv2d(4, 5, 1)

    def forward(self, x: Tensor) -> Tensor:
        x = self.relu(self.stem(x))
        y = self.relu(self.block(x) + x)
        return self.relu(self.last(y)).mean((2, 3))


class Writes(nn.Module):
    """Adds to a recorded answer in place, after every module: the short way would add twice."""

    def __init__(self) -> None:
        super().__init__()
        self.one, self.two = nn.Conv2d(1, 3, 3), nn.Conv2d(3, 3, 1)

    def forward(self, x: Tensor) -> Tensor:
        y = self.one(x)
        y += 1
        return self.two(y).mean((2, 3))


@pytest.mark.parametrize("site", ["stem", "relu:1", "block", "block.0", "block.1", "relu:2", "last", "relu:3"])
def test_the_rest_answers_as_the_whole_does(site: str) -> None:
    """With an edit at any site of a residual network, the short way gives what the full pass with that edit gives."""
    torch.manual_seed(0)
    model, place, x = Residual(), Site.parse(site), torch.rand(3, 1, 6, 6)
    scale = [1.0]
    edits = {place: lambda out: out * scale[0]}
    with watch(model, (), edits=edits), torch.no_grad(), replay(model, (place,)) as rest:
        for batch in (x, x + 1):
            scale[0] = 1.0
            rest.hear(batch)
            for factor in (1.0, -0.5, 0.0, 1.0):
                scale[0] = factor
                torch.testing.assert_close(rest(), model(batch))
        assert rest.shortened


def test_what_lies_before_is_computed_once() -> None:
    """However often the rest runs, the first convolution runs for the hearing and for the check (twice) alone."""
    model = Residual()
    Counted.runs = 0
    with replay(model, (Site("last"),)) as rest:
        rest.hear(torch.rand(2, 1, 6, 6))
        assert Counted.runs == 3
        for _ in range(5):
            rest()
    assert Counted.runs == 3


def test_where_the_short_way_is_wrong_the_long_one_is_taken() -> None:
    """A network that writes into recorded answers is run in full, with the right answer."""
    model, x = Writes(), torch.rand(2, 1, 6, 6)
    with replay(model, (Site("two"),)) as rest, torch.no_grad():
        rest.hear(x)
        assert not rest.shortened
        torch.testing.assert_close(rest(), model(x))


def test_two_sites_start_at_the_first_to_fire() -> None:
    """With two edited sites everything from the first on is run, whatever their order."""
    torch.manual_seed(0)
    model, x = Residual(), torch.rand(2, 1, 6, 6)
    sites, on = (Site("last"), Site("block.0")), [False]
    edits = {site: lambda out: out * 0.3 if on[0] else out for site in sites}
    with watch(model, (), edits=edits), replay(model, sites) as rest, torch.no_grad():
        rest.hear(x)
        on[0] = True
        torch.testing.assert_close(rest(), model(x))
        assert rest.shortened


def test_nothing_is_left_behind() -> None:
    """Afterwards there is no hook, no stub, no recorded value, and every module's mode is its own."""
    model = Residual().train()
    with replay(model, (Site("block"),)) as rest:
        rest.hear(torch.rand(2, 1, 6, 6))
        rest()
        wrong = {Site("last"): lambda out: out.reshape(7, 7)}
        with watch(model, (), edits=wrong), pytest.raises(RuntimeError, match="shape"):
            rest()
    for module in model.modules():
        assert module.training
        assert "forward" not in vars(module)
        assert not module._forward_hooks
        assert not module._forward_pre_hooks
    assert not rest._tape


def test_a_missing_site_is_named() -> None:
    """The error says what there is."""
    with pytest.raises(MissingError, match="no site 'blok'; there is block"), replay(Residual(), (Site("blok"),)):
        pass
