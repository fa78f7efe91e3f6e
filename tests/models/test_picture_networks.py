"""Our own networks for pictures: their shapes, sites and errors, and the same with weights drawn anew."""

from __future__ import annotations

import pytest
import torch
from torch import nn

from cellscope.errors import InputError, MissingError
from cellscope.hooks.outlets import outlets
from cellscope.models.architectures import architecture
from cellscope.models.mlp import MLPConfig
from cellscope.models.redraw import redrawn
from cellscope.models.small_cnn import SmallCNNConfig

CONFIGS = [SmallCNNConfig((3, 16, 12), 4, widths=(4, 6), hidden=5, kernel=3), MLPConfig((7,), 3, hidden=4, bias=True)]


@pytest.mark.parametrize("config", CONFIGS)
def test_shapes_survive_json(config) -> None:
    """The shapes as JSON give the same network again: same parts, same class scores' shape."""
    again = architecture(config.to_json())
    assert again == config
    weights = [[tuple(p.shape) for p in c.build().parameters()] for c in (config, again)]
    assert weights[0] == weights[1]
    assert config.build()(torch.zeros(2, *config.shape)).shape == (2, config.classes)


def test_sites_of_the_small_cnn() -> None:
    """Blocks of four, halving rows and columns; then the hidden layer, its ReLU and the logits."""
    sites = {str(o.site): o.shape for o in outlets(CONFIGS[0].build(), torch.zeros(2, 3, 16, 12))}
    assert sites["features.0"] == sites["features.2"] == (4, 16, 12)
    assert sites["features.3"] == (4, 8, 6)
    assert sites["features.7"] == (6, 4, 3)
    assert sites["norm"] == sites["features.7"]
    assert sites["classifier.0"] == sites["classifier.1"] == (5,)
    assert sites["classifier.2"] == (4,)
    assert CONFIGS[0].describe() == "small_cnn 4-6-5-4"


def test_a_classifier_that_reads_places_averages_their_answers() -> None:
    """Its units have maps, its logits are the means of those of the last layer; only the first blocks pool."""
    config = SmallCNNConfig((3, 16, 12), 4, widths=(4, 6, 5), hidden=7, kernel=3, pools=2, reads="places")
    module = config.build().eval()
    sites = {str(o.site): o.shape for o in outlets(module, torch.zeros(2, 3, 16, 12))}
    assert sites["features.7"] == (6, 4, 3)
    assert sites["features.10"] == sites["norm"] == (5, 4, 3)
    assert (sites["classifier.1"], sites["classifier.2"]) == ((7, 4, 3), (4, 4, 3))
    maps = []
    module.classifier.register_forward_hook(lambda _module, _inputs, output: maps.append(output))
    pictures = torch.randn(2, 3, 16, 12, generator=torch.Generator().manual_seed(0))
    with torch.no_grad():
        logits = module(pictures)
    torch.testing.assert_close(logits, maps[0].mean((2, 3)))
    assert architecture(config.to_json()) == config


def test_sites_of_the_mlp() -> None:
    """`hidden`, `sigmoid` and `output`, in this order, with a spread of one over the root of the fan-in."""
    config = MLPConfig((1, 28, 28), 10)
    module = config.build()
    assert [str(o.site) for o in outlets(module, torch.zeros(2, 1, 28, 28))] == ["hidden", "sigmoid", "output"]
    assert module.hidden.weight.std().item() == pytest.approx(784**-0.5, rel=0.02)
    assert module.hidden.bias is None
    assert config.describe() == "mlp 784-200-10"


@pytest.mark.parametrize(
    ("make", "said"),
    [
        (lambda: SmallCNNConfig((7,), 3), "take --model mlp"),  # type: ignore[arg-type]
        (lambda: SmallCNNConfig((1, 4, 4), 3), "cannot be halved 3 times"),
        (lambda: SmallCNNConfig((1, 8, 8), 1), "2 classes"),
        (lambda: SmallCNNConfig((1, 8, 8), 2, pools=4), "4 of 3 blocks cannot pool"),
        (lambda: SmallCNNConfig((1, 8, 8), 2, reads="nothing"), "reads whole or places, not 'nothing'"),
        (lambda: SmallCNNConfig((1, 8, 8), 2, kernel=4), "a kernel of 4"),
        (lambda: SmallCNNConfig((1, 8, 8), 2, widths=()), "1 to 8 widths"),
        (lambda: SmallCNNConfig((1, 8, 8), 2, widths=(8, 0)), "has 1 to 8 widths from 1 to 4,096, not 8, 0"),
        (lambda: SmallCNNConfig((1, 8, 8), 2, widths=(10**11,)), "widths from 1 to 4,096, not 100000000000"),
        (lambda: SmallCNNConfig((1, 8, 8), 2, hidden=0), "1 to 4,096 hidden units, not 0"),
        (lambda: MLPConfig((4,), 2, hidden=10**9), "1 to 65,536 hidden units, not 1000000000"),
        (lambda: MLPConfig((4,), 1), "2 classes"),
        (lambda: MLPConfig((4,), 2, hidden=0), "hidden units"),
        (lambda: architecture({"kind": "vgg"}), "no network for pictures 'vgg'; there is small_cnn, mlp"),
        (lambda: architecture({}), "no network for pictures"),
        (lambda: architecture({"kind": "mlp", "shape": [4]}), "shapes of the mlp cannot be read.*classes"),
        (lambda: architecture({**CONFIGS[0].to_json(), "depth": 3}), "small_cnn cannot be read.*depth"),
        (lambda: architecture({**CONFIGS[0].to_json(), "widths": "many"}), "small_cnn cannot be read"),
    ],
)
def test_shapes_that_cannot_be_are_refused(make, said: str) -> None:
    """Too small, too few, missing, unknown: one line that says which."""
    with pytest.raises(InputError, match=said):
        make()
    assert issubclass(MissingError, InputError)


@pytest.mark.parametrize("config", CONFIGS)
def test_weights_drawn_anew_are_those_of_a_fresh_network(config) -> None:
    """Redrawn weights have the spread of fresh ones, statistics begin again, the seed decides, the old ones stay."""
    torch.manual_seed(5)
    wide = type(config)(**{**config.to_json(), "hidden": 300})
    module = wide.build()
    with torch.no_grad():
        for tensor in module.state_dict().values():
            tensor.fill_(9)
    random = torch.get_rng_state()
    one, same, other = (redrawn(module, seed).state_dict() for seed in (1, 1, 2))
    assert torch.equal(random, torch.get_rng_state())
    assert all((tensor == 9).all() for tensor in module.state_dict().values())
    fresh = wide.build().state_dict()
    for name, tensor in one.items():
        assert torch.equal(tensor, same[name])
        if tensor.dim() > 1:
            assert not torch.equal(tensor, other[name])
            assert tensor.std().item() == pytest.approx(fresh[name].std().item(), rel=0.15)
        assert "running" not in name or torch.equal(tensor, fresh[name])


def test_bare_parameters_and_tied_weights_are_redrawn() -> None:
    """A parameter that belongs to no layer is drawn from its own spread; tied weights stay tied; a scale stays."""

    class Loose(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.one, self.two = nn.Linear(4, 4), nn.Linear(4, 4)
            self.two.weight = self.one.weight
            self.token = nn.Parameter(torch.arange(400.0))
            self.scale = nn.Parameter(torch.tensor(3.0))

    other = redrawn(Loose(), 0)
    assert other.two.weight is other.one.weight
    assert other.scale.item() == 3.0
    assert not torch.equal(other.token, torch.arange(400.0))
    assert other.token.mean().item() == pytest.approx(199.5, rel=0.2)
    assert other.token.std().item() == pytest.approx(115.6, rel=0.2)
