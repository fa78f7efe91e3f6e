from __future__ import annotations

import pytest

from cellscope.errors import InputError
from cellscope.training.config import TrainingConfig
from cellscope.training.schedule import learning_rate


def rate(decay, step=10**6, epoch=0.0, fraction=0.0, warm_up=100):
    config = TrainingConfig(learning_rate=1.0, decay=decay, warm_up=warm_up, final_rate=0.1)
    return learning_rate(config, step=step, epoch=epoch, fraction=fraction)


def test_warm_up_rises_linearly():
    """The rate rises to its height within warm_up steps, and never above."""
    assert [rate("none", step=step, warm_up=4) for step in range(6)] == [0.25, 0.5, 0.75, 1, 1, 1]


def test_cosine_falls_to_the_final_rate():
    """Cosine: all of it at the start, half way at half time, final_rate at the end and after."""
    found = [rate("cosine", fraction=fraction) for fraction in (0, 0.5, 1, 1.5)]
    assert found == pytest.approx([1, 0.55, 0.1, 0.1])


def test_char_rnns_decay():
    """Epochs: 0.97 for each epoch after the tenth."""
    assert [rate("epochs", epoch=epoch) for epoch in (0, 10.9, 11, 13.5)] == pytest.approx([1, 1, 0.97, 0.97**3])


def test_five_minutes_where_nothing_is_said():
    """Training ends some time: without epochs and minutes it is five minutes."""
    assert TrainingConfig().minutes == 5
    assert TrainingConfig(epochs=2).minutes is None


@pytest.mark.parametrize(
    "field",
    [
        {"seq_length": 0},
        {"batch_size": 1.5},
        {"learning_rate": float("nan")},
        {"learning_rate": -1},
        {"epochs": -1},
        {"minutes": float("inf")},
        {"seed": -1},
        {"decay": "step"},
        {"precision": "fp8"},
        {"nesterov": True},
        {"grad_clip": "5"},
    ],
)
def test_unfit_numbers_are_refused(field):
    """A configuration out of range, of the wrong type, or unknown is an InputError."""
    with pytest.raises(InputError):
        TrainingConfig.from_json(field)
