from __future__ import annotations

import math
from itertools import islice

import pytest
import torch
from torch import nn

from cellscope.data.text import Corpus
from cellscope.data.vocabulary import Vocabulary
from cellscope.models.char_rnn import CharRNN
from cellscope.training.config import TrainingConfig
from cellscope.training.lanes import Lanes
from cellscope.training.loop import DivergedError, Trainer, fit

TEXT = "the quick brown fox jumps over the lazy dog; " * 40
CORPUS = Corpus.from_text(TEXT)
VOCABULARY = Vocabulary.count(CORPUS)


@pytest.fixture(autouse=True)
def one_thread():
    """Networks this small are no quicker on two threads, and far slower where others want the cores."""
    before = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(before)


def trainer(kind="lstm", *, clock=None, precision="fp32", dropout=0.3, **config):
    """A small trainer that is the same every time."""
    config = TrainingConfig(**{"epochs": 3, "seq_length": 16, "batch_size": 4, "warm_up": 5, **config})
    lanes = Lanes(CORPUS, VOCABULARY, start=0, stop=len(CORPUS), lanes=4, steps=16, seed=config.seed)
    torch.manual_seed(0)
    model = CharRNN(len(VOCABULARY), kind=kind, layers=2, size=12, embedding=6, dropout=dropout)
    return Trainer(model, lanes, config, precision=precision, clock=clock or (lambda: 0.0))


def losses(steps):
    return [(step.step, step.loss, step.rate, step.grad_norm) for step in steps]


@pytest.mark.parametrize("kind", ["lstm", "gru", "rnn"])
@pytest.mark.parametrize("precision", ["fp32", "bf16"])
@pytest.mark.parametrize("cut", [1, 27, 50])
def test_a_resumed_training_is_bit_equal(kind, precision, cut):
    """Losses, rates and gradients after restoring are to the last bit those of a training that was never cut."""
    whole = losses(fit(trainer(kind, precision=precision)))
    first = trainer(kind, precision=precision)
    begun = losses(islice(fit(first), cut))
    tensors, numbers = first.capture()
    second = trainer(kind, precision=precision)
    second.restore(tensors, numbers)
    rest = losses(fit(second))
    assert begun + rest == whole
    assert len(whole) == 3 * second.batches.per_epoch


def test_minutes_are_counted_over_resumptions():
    """With --minutes the schedule follows the training time used, and goes on from there when resumed."""

    class Clock:
        now = 100.0

        def __call__(self):
            return self.now

    def played(made, clock, steps=None):
        for step in islice(fit(made), steps):
            yield (step.step, step.loss, step.rate, step.grad_norm)
            clock.now += 0.5

    clock = Clock()
    config = {"epochs": None, "minutes": 0.25, "clock": clock}
    whole = list(played(trainer(**config), clock))
    first = trainer(**config)
    begun = list(played(first, clock, 11))
    tensors, numbers = first.capture()
    clock.now += 3600  # an hour in which nobody trained
    second = trainer(**config)
    second.restore(tensors, numbers)
    assert begun + list(played(second, clock)) == whole
    assert len(whole) == 30


def test_the_callers_randomness_is_left_alone():
    """Training draws from its own random state, whatever the caller draws in between."""
    torch.manual_seed(7)
    before = torch.get_rng_state()
    quiet = trainer()
    torch.set_rng_state(before)
    first = losses(fit(quiet))
    assert torch.equal(torch.get_rng_state(), before)
    noisy = []
    for step in fit(trainer()):
        noisy.append((step.step, step.loss, step.rate, step.grad_norm))
        torch.rand(3)
    assert noisy == first


def test_a_loss_that_is_no_number_stops_before_the_update():
    """A weight that became NaN ends the training with an error that says so, and no weight is changed by it."""
    made = trainer()
    for step in fit(made):
        if step.step == 5:
            with torch.no_grad():
                made.model.decoder.bias[0] = math.nan
            break
    before = made.model.lstm.weight_ih_l0.detach().clone()
    with pytest.raises(DivergedError, match="loss became nan at step 6"):
        made.step()
    assert torch.equal(made.model.lstm.weight_ih_l0, before)


def test_an_exploding_loss_stops():
    """A loss above three times the first ends the training."""
    made = trainer(learning_rate=900.0, warm_up=0, grad_clip=0.0)
    with pytest.raises(DivergedError, match="exploded|became"):
        list(fit(made))


def test_fit_needs_no_model_of_ours():
    """Any module with that forward is trained, one that gives logits alone too, and it learns."""

    class Bare(nn.Module):
        def __init__(self):
            super().__init__()
            self.table = nn.Embedding(len(VOCABULARY), len(VOCABULARY))

        def forward(self, ids):
            return self.table(ids)

    made = trainer()
    bare = Trainer(Bare(), made.batches, TrainingConfig(epochs=20, learning_rate=0.1))
    steps = list(fit(bare))
    assert steps[-1].loss < 0.4 * steps[0].loss


def test_gradient_norm_is_bounded():
    """After clipping, the gradient's norm is at most grad_clip."""
    made = trainer(grad_clip=0.01)
    step = made.step()
    norm = torch.stack([parameter.grad.norm() for parameter in made.model.parameters()]).norm()
    assert step.grad_norm > 0.01
    assert float(norm) == pytest.approx(0.01, rel=1e-3)


def test_stop_is_asked_before_every_step():
    """A training that is asked to stop ends between two steps."""
    asked = []
    steps = list(fit(trainer(), stop=lambda: bool(asked.append(1)) or len(asked) > 4))
    assert len(steps) == 4
