"""The training of a network on pictures, or on rows of numbers."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor
from torch.nn import functional

from cellscope.hooks.modules import evaluating
from cellscope.models.architectures import architecture
from cellscope.training.loop import Trainer
from cellscope.training.picture_batches import PictureBatches
from cellscope.training.precision import autocast
from cellscope.training.run import RunFolder
from cellscope.training.session import Session

QUICK = 2_000
"""Held-back pictures that the losses along the way are measured on."""
AT_ONCE = 64
"""Of them in a pass: larger maps leave a core's own cache."""


def softmax_loss(logits: Tensor, labels: Tensor) -> Tensor:
    """Mean nats per picture: class scores [picture, class] against labels [picture]."""
    return functional.cross_entropy(logits.float(), labels)


def sigmoid_loss(logits: Tensor, labels: Tensor) -> Tensor:
    """Mean nats per picture of one yes or no a class, with the targets .01 and .99 of the book (see MLP)."""
    targets = torch.full(logits.shape, 0.01, device=logits.device).scatter_(1, labels[:, None], 0.99)
    return functional.binary_cross_entropy_with_logits(logits.float(), targets, reduction="none").sum(1).mean()


LOSSES: dict[str, Callable[[Tensor, Tensor], Tensor]] = {"small_cnn": softmax_loss, "mlp": sigmoid_loss}
"""What each of our architectures is trained with."""


class PictureSession(Session):
    """A session whose losses are in nats per held-back picture."""

    unit = "pictures"

    def __init__(self, run: RunFolder, trainer: Trainer, held_back: NDArray[np.int64]) -> None:
        super().__init__(run, trainer)
        self.held_back = held_back
        self.description = architecture(self.info["model"]).describe()

    def measure(self, *, whole: bool) -> dict[str, Any] | None:
        """Loss in nats, share of pictures told right, and how many there were."""
        batches = self.trainer.batches
        assert isinstance(batches, PictureBatches)
        index = self.held_back if whole else self.held_back[:QUICK]
        if not len(index):
            return None
        model, right, nats = self.trainer.model, 0, 0.0
        precision = "fp32" if whole else self.trainer.precision
        with evaluating(model), torch.no_grad(), autocast(self.trainer.device, precision):
            for at in range(0, len(index), AT_ONCE):
                here = index[at : at + AT_ONCE]
                x = batches.preprocessing.apply(batches.images.pixels(here)).to(self.trainer.device)
                labels = torch.from_numpy(batches.labels[here]).to(self.trainer.device)
                logits = model(x)
                nats += float(self.trainer.loss(logits, labels)) * len(here)
                right += int((logits.argmax(1) == labels).sum())
        return {"nats": nats / len(index), "accuracy": right / len(index), "pictures": len(index)}
