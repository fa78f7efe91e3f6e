"""The learning rate at every step."""

from __future__ import annotations

import math

from cellscope.training.config import TrainingConfig


def learning_rate(config: TrainingConfig, *, step: int, epoch: float, fraction: float) -> float:
    """The rate at `step` (from 0), `epoch` passes into the text and `fraction` (0 to 1) of the way through training."""
    rise = min(1.0, (step + 1) / config.warm_up) if config.warm_up else 1.0
    if config.decay == "cosine":
        cosine = 0.5 * (1 + math.cos(math.pi * min(max(fraction, 0.0), 1.0)))
        scale = config.final_rate + (1 - config.final_rate) * cosine
    elif config.decay == "epochs":
        scale = 0.97 ** max(0, math.floor(epoch) - 10)
    else:
        scale = 1.0
    return config.learning_rate * rise * scale
