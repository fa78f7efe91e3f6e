"""Any module that tells pictures apart is met in one form: class scores, whatever it puts out."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from torch import Tensor, nn

from cellscope.errors import InputError
from cellscope.models.classifier import wrap
from cellscope.models.preprocessing import Preprocessing

SHAPE = (1, 6, 6)
PIXELS = np.random.default_rng(0).random((4, *SHAPE), np.float32)


class Ends(nn.Module):
    """Scores, and something done to them at the end."""

    def __init__(self, end, classes: int = 3) -> None:
        super().__init__()
        with torch.random.fork_rng():
            torch.manual_seed(1)
            self.core, self.sigmoid = nn.Linear(36, classes), nn.Sigmoid()
        self.end = end

    def forward(self, x: Tensor):
        return self.end(self.core(x.flatten(1)))


def scores(module: Ends) -> Tensor:
    return module.core(torch.from_numpy(PIXELS).flatten(1)).detach()


def differences(x: Tensor) -> Tensor:
    return x - x[:, :1]


@pytest.mark.parametrize(
    ("end", "head"),
    [
        (lambda x: x, "logits"),
        (lambda x: x.softmax(1), "softmax"),
        (nn.LogSoftmax(1), "log_softmax"),
        (nn.Sigmoid(), "sigmoid"),
        (torch.sigmoid, "sigmoid"),
        (lambda x: {"probabilities": x.sigmoid()}, "sigmoid"),
        (lambda x: (x.softmax(1), x[:, 0]), "softmax"),
    ],
    ids=["none", "softmax", "log_softmax", "sigmoid", "function", "in a dict", "in a tuple"],
)
def test_what_is_at_the_end_is_undone(end, head: str) -> None:
    """Softmax, log-softmax and sigmoid, module or function, are noticed and said; their class scores come back."""
    module = Ends(end)
    made = wrap(module, SHAPE)
    assert made.head == head
    assert any(head in remark for remark in made.remarks) == (head != "logits")
    got, want = made.logits(made.prepare(PIXELS)).detach(), scores(module)
    torch.testing.assert_close(differences(got), differences(want), atol=1e-4, rtol=1e-4)
    if head in ("logits", "sigmoid"):
        torch.testing.assert_close(got, want, atol=1e-4, rtol=1e-4)


def test_a_sigmoid_within_is_no_head() -> None:
    """A network that uses a sigmoid inside, and names it last, gives plain scores."""

    class Within(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.one, self.two, self.act = nn.Linear(36, 5), nn.Linear(5, 3), nn.Sigmoid()

        def forward(self, x: Tensor) -> Tensor:
            return self.two(self.act(self.one(x.flatten(1))))

    made = wrap(Within(), SHAPE)
    assert (made.head, made.remarks) == ("logits", ())


@pytest.mark.parametrize(
    ("end", "key"),
    [
        (lambda x: (x, x[:, 0]), 0),
        (lambda x: [x[:, 0], x], 1),
        (lambda x: {"aux": x * 2, "logits": x}, "logits"),
        (lambda x: {"features": x[:, None], "scores": x}, "scores"),
    ],
)
def test_scores_are_found_in_tuples_and_dicts(end, key) -> None:
    """By name where there is one, else the only part that is [picture, class]."""
    module = Ends(end)
    made = wrap(module, SHAPE)
    assert made.key == key
    torch.testing.assert_close(made.logits(made.prepare(PIXELS)).detach(), scores(module))


@pytest.mark.parametrize(
    ("end", "said"),
    [
        (lambda x: {"one": x, "two": x}, "gave a dict with one, two for 2 pictures"),
        (lambda x: x[:, :, None, None], "a tensor of shape (2, 3, 1, 1)"),
        (lambda x: x.sum(), "a tensor of shape ()"),
        (lambda x: "cat", "gave a str for 2 pictures"),
        (lambda x: x[:1], "a tensor of shape (1, 3)"),
    ],
)
def test_what_has_no_scores_is_refused_by_name(end, said: str) -> None:
    """An answer without class scores is an InputError that says what was there."""
    with pytest.raises(InputError) as error:
        wrap(Ends(end), SHAPE, name="theirs")
    assert str(error.value).startswith("theirs gave")
    assert said in str(error.value)


def test_a_module_that_fails_is_refused_with_its_reason() -> None:
    """A shape that does not fit gives one line with the module's own error."""
    with pytest.raises(InputError, match=r"Ends: forward.*5 x 5.*failed: RuntimeError") as error:
        wrap(Ends(lambda x: x), (1, 5, 5))
    assert "\n" not in str(error.value)


def test_classes_must_be_as_many_as_scores() -> None:
    """Without names the classes are numbers; too few names are refused."""
    assert wrap(Ends(lambda x: x), SHAPE).classes == ("0", "1", "2")
    with pytest.raises(InputError, match="3 numbers a picture and there are 2 classes"):
        wrap(Ends(lambda x: x), SHAPE, classes=("a", "b"))


def test_wrapping_leaves_the_module_alone() -> None:
    """A module in training mode stays in it; statistics, weights and torch's random numbers are what they were."""
    module = nn.Sequential(nn.Conv2d(1, 2, 3), nn.BatchNorm2d(2), nn.Dropout(), nn.Flatten(), nn.Linear(32, 2)).train()
    before, random = {k: v.clone() for k, v in module.state_dict().items()}, torch.get_rng_state()
    made = wrap(module, SHAPE)
    assert torch.equal(random, torch.get_rng_state())
    assert all(part.training for part in module.modules())
    assert all(torch.equal(before[k], v) for k, v in module.state_dict().items())
    assert torch.equal(made.example, made.example)
    other = made.untrained(3)
    assert torch.equal(random, torch.get_rng_state())
    assert all(torch.equal(before[k], v) for k, v in module.state_dict().items())
    assert not torch.equal(other.module[0].weight, module[0].weight)
    assert other.name == "Sequential (untrained)"


def test_pictures_of_another_shape_are_refused() -> None:
    """Prepared pictures must be what the network takes; the line says both shapes."""
    made = wrap(Ends(lambda x: x), SHAPE, preprocessing=Preprocessing(mean=(0.5,)))
    torch.testing.assert_close(made.prepare(PIXELS), torch.from_numpy(PIXELS) - 0.5)
    with pytest.raises(InputError, match="takes pictures of 1 x 6 x 6 .* and got 3 x 6 x 6"):
        made.prepare(np.zeros((2, 3, 6, 6), np.float32))
    three = wrap(
        nn.Sequential(nn.Flatten(), nn.Linear(108, 2)), (3, 6, 6), preprocessing=Preprocessing(mean=(0.1, 0.2, 0.3))
    )
    with pytest.raises(InputError, match="takes pictures of 3 x 6 x 6 .* and got 1 x 6 x 6"):
        three.prepare(PIXELS)
    with pytest.raises(InputError, match="Ends takes pictures and got rows of numbers"):
        made.prepare(np.zeros((2, 6), np.float32))
    with pytest.raises(InputError, match="Linear takes rows of numbers and got pictures"):
        wrap(torch.nn.Linear(6, 2), (6,)).prepare(PIXELS)


def test_saturated_probabilities_stay_numbers() -> None:
    """A softmax or sigmoid that reached 0 or 1 gives finite scores."""
    for end in (lambda x: (x * 1e4).softmax(1), lambda x: (x * 1e4).sigmoid()):
        made = wrap(Ends(end), SHAPE)
        assert torch.isfinite(made.logits(made.prepare(PIXELS))).all()
