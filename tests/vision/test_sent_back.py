from __future__ import annotations

import numpy as np
import pytest
import torch
from torch import nn

from cellscope.axes import Site, Unit
from cellscope.errors import InputError
from cellscope.models.classifier import Classifier, wrap
from cellscope.vision.randomisation import drawn_anew, survival, survived
from cellscope.vision.saliency import attribute
from cellscope.vision.sent_back import METHODS, require_methods, sent_back

INPUTS = torch.randn(6, 3, 12, 12, generator=torch.Generator().manual_seed(3))


def network(*, inplace: bool = False) -> Classifier:
    torch.manual_seed(1)
    layers = (nn.Conv2d(3, 4, 3), nn.ReLU(inplace), nn.MaxPool2d(2), nn.Conv2d(4, 5, 3), nn.ReLU(inplace))
    return wrap(nn.Sequential(*layers, nn.Flatten(), nn.Linear(45, 7), nn.ReLU(), nn.Linear(7, 2)), (3, 12, 12))


@pytest.mark.parametrize("inplace", [False, True])
@pytest.mark.parametrize("site", ["0", "1", "3", "4", "6", "7"])
def test_each_picture_gets_what_its_own_unit_sends_back_alone(site: str, inplace: bool) -> None:
    """One pass over pictures with units of their own gives what captum gives, unit by unit."""
    classifier = network(inplace=inplace)
    units = [0, 3, 1, 1, 2, 0]
    found = sent_back(classifier, INPUTS, Site(site), units)
    assert tuple(found) == METHODS
    for method, values in found.items():
        assert values.any()
        for k, unit in enumerate(units):
            alone = attribute(classifier, method, INPUTS[k : k + 1], Unit(Site(site), unit), place="max")
            np.testing.assert_allclose(values[k : k + 1], alone.values, rtol=1e-5, atol=1e-7)


def test_the_network_and_the_pictures_are_left_as_they_were() -> None:
    """No hook, rule or gradient stays behind, also where a first layer works in place."""
    classifier = wrap(
        nn.Sequential(nn.ReLU(inplace=True), nn.Conv2d(3, 4, 3), nn.Flatten(), nn.Linear(400, 2)), (3, 12, 12)
    )
    before, given = classifier.logits(INPUTS.clone()).detach(), INPUTS.clone()
    sent_back(classifier, given, Site("1"), [0] * 6)
    assert torch.equal(given, INPUTS)
    assert torch.equal(classifier.logits(INPUTS.clone()), before)
    assert all(parameter.grad is None for parameter in classifier.module.parameters())


def test_a_rule_that_cannot_reach_is_refused() -> None:
    """A network without a ReLU that is a module is refused by name, for its maps would be plain gradients."""

    class Bare(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.conv, self.read = nn.Conv2d(3, 2, 3), nn.Linear(200, 2)

        def forward(self, x: torch.Tensor) -> torch.Tensor:
            answer: torch.Tensor = self.read(torch.relu(self.conv(x)).flatten(1))
            return answer

    with pytest.raises(InputError, match="function call"):
        require_methods(wrap(Bare(), (3, 12, 12)), Unit(Site("read"), 0))


def test_what_survives_is_that_of_the_check_itself() -> None:
    """The short way, many units on one network that was drawn anew, gives the figure of `survival`."""
    classifier, target = network(), Unit(Site("4"), 2)
    anew = drawn_anew(classifier, target, place="max")
    for method in METHODS:
        whole = survival(classifier, method, INPUTS, target, place="max", cascade=False, draws=1).top
        before, after = (sent_back(one, INPUTS, target.site, [2] * 6)[method] for one in (classifier, anew))
        assert survived(before, after) == pytest.approx(whole, abs=1e-6)
