"""Between a picture as it is shown, in 0..1, and as the network takes it: differentiable, both ways."""

from __future__ import annotations

from dataclasses import dataclass

from torch import Tensor

from cellscope.errors import InputError
from cellscope.models.classifier import Classifier


@dataclass(frozen=True, eq=False)
class Display:
    """`inputs(pictures)` and `pictures(inputs)`, [picture, channel, row, column], after a network's preprocessing.

    `black` and `span` are what 0 becomes and how far 1 lies from it, [channel, 1, 1] in the network's order; `flip`
    tells whether the network takes the channels backwards (BGR).
    """

    black: Tensor
    span: Tensor
    flip: bool

    @classmethod
    def of(cls, classifier: Classifier) -> Display:
        """Of a network for pictures; InputError for one that takes rows of numbers."""
        if len(classifier.shape) != 3:
            raise InputError(
                f"{classifier.name} takes rows of {classifier.shape[0]} numbers, which are no picture; use maximise"
            )
        low, high = classifier.preprocessing.ranges(classifier.shape[0])
        device = classifier.device
        return cls(low.to(device), (high - low).to(device), classifier.preprocessing.order == "bgr")

    def inputs(self, pictures: Tensor) -> Tensor:
        """What the network gets."""
        return self.black + self.span * (pictures.flip(1) if self.flip else pictures)

    def pictures(self, inputs: Tensor) -> Tensor:
        """What is shown, unclipped."""
        shown = (inputs - self.black) / self.span
        return shown.flip(1) if self.flip else shown

    def back(self, gradient: Tensor) -> Tensor:
        """The gradient of pictures from that of inputs."""
        made = gradient * self.span
        return made.flip(1) if self.flip else made
