from __future__ import annotations

import numpy as np
import pytest
import torch
from torch import Tensor, nn

from cellscope.axes import Site
from cellscope.data.images import ImageSet
from cellscope.errors import InputError, MissingError
from cellscope.hooks.outlets import outlets
from cellscope.models.classifier import Classifier, wrap
from cellscope.models.preprocessing import Preprocessing
from cellscope.vision.crops import FRAME, Crops, crops
from cellscope.vision.examples import examples
from cellscope.vision.projections import projections
from cellscope.vision.receptive import receptive_fields

IMAGES = ImageSet("noise", np.random.default_rng(0).random((12, 3, 12, 12)).astype(np.float32))


def network(prepared: Preprocessing | None = None) -> Classifier:
    torch.manual_seed(1)
    layers = (nn.Conv2d(3, 4, 3), nn.ReLU(), nn.MaxPool2d(2), nn.Conv2d(4, 5, 3), nn.ReLU())
    return wrap(nn.Sequential(*layers, nn.Flatten(), nn.LazyLinear(2)), (3, 12, 12), preprocessing=prepared)


def nine(classifier: Classifier, site: str, unit: int) -> Crops:
    known = {o.site: o for o in outlets(classifier.module, classifier.example)}
    found = examples(classifier, IMAGES, [site])[Site(site)]
    field = receptive_fields(classifier, [known[Site(site)]])[Site(site)]
    return crops(classifier, IMAGES, found, unit, field)


@pytest.mark.parametrize("method", ["deconvnet", "guided", "gradient"])
def test_nothing_is_projected_outside_the_receptive_field(method: str) -> None:
    """A projection starts at one place, so it is 0 outside that place's box, and not 0 inside."""
    classifier = network()
    made = nine(classifier, "4", 2)
    found = projections(classifier, IMAGES, made, method)
    assert found.values.shape == made.pixels.shape
    for values, (top, bottom, left, right) in zip(found.values, made.boxes, strict=True):
        assert (values[:, top:bottom, left:right] != 0).any()
        values[:, top:bottom, left:right] = 0
        assert (values == 0).all()


def test_a_first_layer_projects_its_filter() -> None:
    """Through one convolution (with its ReLU on) every method gives the filter itself, at the place of the maximum."""
    classifier = network()
    made = nine(classifier, "1", 0)
    weight = classifier.module[0].weight[0].detach().numpy()
    for method in ("deconvnet", "guided", "gradient"):
        values = projections(classifier, IMAGES, made, method).values
        for own, (top, bottom, left, right) in zip(values, made.boxes, strict=True):
            np.testing.assert_allclose(own[:, top:bottom, left:right], weight, atol=1e-6)


def test_colours_are_in_the_order_of_a_picture() -> None:
    """A network that takes BGR has its projection turned round, to lie beside the picture."""
    classifier = network(Preprocessing(order="bgr"))
    made = nine(classifier, "1", 0)
    top, bottom, left, right = made.boxes[0]
    own = projections(classifier, IMAGES, made, "guided").values[0][:, top:bottom, left:right]
    np.testing.assert_allclose(own, classifier.module[0].weight[0].detach().numpy()[::-1], atol=1e-6)


def test_a_sheet_shows_zero_as_grey() -> None:
    """Whole pictures: 128 everywhere outside what the unit sees but for its frame; its limit is 0 or 255 inside."""
    classifier = network()
    found = projections(classifier, IMAGES, nine(classifier, "4", 2), "guided")
    drawn = found.sheet(whole=True, columns=9)
    first, (top, bottom, left, right) = drawn[:12, :12], found.crops.boxes[0]
    outside = np.ones((12, 12), bool)
    outside[top:bottom, left:right] = False
    framed = (first == FRAME).all(2)
    assert framed.any()
    assert not (framed & ~outside).any()
    assert (first[outside & ~framed] == 128).all()
    assert {int(first[~outside].min()), int(first[~outside].max())} & {0, 255}
    assert "maximum" in found.seed


def test_what_the_rules_cannot_reach_is_refused() -> None:
    """A functional ReLU would silently give the plain gradient; a method that is not there is named."""

    class Functional(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.conv = nn.Conv2d(3, 4, 3)
            self.second = nn.Conv2d(4, 4, 3)
            self.head = nn.Linear(256, 2)

        def forward(self, x: Tensor) -> Tensor:
            return self.head(torch.relu(self.second(torch.relu(self.conv(x)))).flatten(1))

    torch.manual_seed(0)
    classifier = wrap(Functional(), (3, 12, 12))
    made = nine(classifier, "second", 0)
    with pytest.raises(InputError, match="ReLU that is a function call"):
        projections(classifier, IMAGES, made, "guided")
    with pytest.raises(MissingError, match="no projection 'occlusion'"):
        projections(classifier, IMAGES, made, "occlusion")
    assert all(p.grad is None for p in classifier.module.parameters())
    assert all(not m._forward_hooks for m in classifier.module.modules())
