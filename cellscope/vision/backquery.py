"""Backquery: a label run backwards through a sigmoid network (Rashid 2016, *Make Your Own Neural Network*, part 3)."""

from __future__ import annotations

from dataclasses import dataclass
from itertools import pairwise

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from cellscope.data.images import ImageSet
from cellscope.errors import InputError
from cellscope.hooks.modules import evaluating
from cellscope.models.classifier import Classifier
from cellscope.vision.labelled import class_numbers

LOW, HIGH = 0.01, 0.99
"""The targets of the book, and the range to which every layer's signals are brought back."""

Floats = NDArray[np.float64]


@dataclass(frozen=True, eq=False)
class Backqueries:
    """What every label looks like from behind, and what the network says to that.

    targets    float64 [label, class], what was run backwards
    signals    for each layer from the last hidden one down to the input, float64 [label, unit], in .01 to .99
    pictures   float64 [label, *shape], the last of them as a picture (channels red, green, blue) or row
    answers    float64 [label, class], what the network puts out for the picture: sigmoids, as in the book
    """

    classes: tuple[str, ...]
    labels: NDArray[np.int64]
    targets: Floats
    signals: tuple[Floats, ...]
    pictures: Floats
    answers: Floats

    @property
    def told(self) -> NDArray[np.int64]:
        """The class that the network tells of each picture, int64 [label]."""
        told: NDArray[np.int64] = self.answers.argmax(1)
        return told

    @property
    def right(self) -> NDArray[np.bool_]:
        """Whether forward(backquery(label)) is the label, bool [label]."""
        right: NDArray[np.bool_] = self.told == self.labels
        return right

    @property
    def sentence(self) -> str:
        count, of = int(self.right.sum()), len(self.labels)
        return f"shown its own backquery, the network tells {count} of {of} labels as themselves"


def backquery(classifier: Classifier, labels: tuple[int, ...] | None = None) -> Backqueries:
    """Run labels backwards: logit, transposed weights, rescaling to .01 to .99, once for each layer.

    It is a transpose and no inverse: the picture shows what the label's weights favour, no input that was ever seen.
    Biases, of which the book has none, are taken off before a transpose. As a check the pictures are shown to the
    network, pictures as they would be from a file (0 is black), rows of numbers as they are.
    """
    count = len(classifier.classes)
    chosen = np.array(range(count) if labels is None else labels, np.int64)
    wrong = chosen[(chosen < 0) | (chosen >= count)]
    if len(wrong):
        raise InputError(f"no class {wrong[0]}; {classifier.name} has the classes 0 to {count - 1}")
    layers = sigmoid_layers(classifier)
    targets = np.where(chosen[:, None] == np.arange(count), HIGH, LOW)
    signal, signals = targets, []
    for layer in reversed(layers):
        own = {name: value.detach().cpu().double().numpy() for name, value in layer.named_parameters()}
        signal = rescaled((logit(signal) - own.get("bias", 0.0)) @ own["weight"])
        signals.append(signal)
    pictures = signal.reshape(len(chosen), *classifier.shape)
    if classifier.preprocessing.order == "bgr" and len(classifier.shape) == 3:
        pictures = pictures[:, ::-1]
    return Backqueries(classifier.classes, chosen, targets, tuple(signals), pictures, _answers(classifier, pictures))


def rescaled(signals: Floats) -> Floats:
    """Each row [.., unit] brought to .01 to .99 by its own smallest and largest; .5 where all are one number."""
    low, high = signals.min(-1, keepdims=True), signals.max(-1, keepdims=True)
    flat = high <= low
    part = (signals - low) / np.where(flat, 1.0, high - low)
    made: Floats = np.where(flat, 0.5, part * (HIGH - LOW) + LOW)
    return np.clip(made, LOW, HIGH)


def logit(p: Floats) -> Floats:
    """ln(p / (1 - p)), the inverse of the sigmoid."""
    odds: Floats = np.log(p / (1 - p))
    return odds


def sigmoid_layers(classifier: Classifier) -> tuple[nn.Linear, ...]:
    """The linear layers of a network that is nothing but linear layers with sigmoids between; InputError otherwise.

    That they are applied in this order, and nothing else, is checked on two inputs.
    """
    parts = [m for m in classifier.module.modules() if not any(True for _ in m.children())]
    own = [m for m in parts if not isinstance(m, (nn.Flatten, nn.Identity, nn.Dropout))]
    layers = [m for m in own if isinstance(m, nn.Linear)]
    other = sorted({type(m).__name__ for m in own if not isinstance(m, (nn.Linear, nn.Sigmoid))})
    refused = f"backquery needs a network of linear layers with sigmoids between, and {classifier.name}"
    if other:
        raise InputError(f"{refused} has {', '.join(other)}")
    if not layers or not any(isinstance(m, nn.Sigmoid) for m in own):
        raise InputError(f"{refused} has no {'sigmoid' if layers else 'linear layer'} among its modules")
    fits = all(a.out_features == b.in_features for a, b in pairwise(layers))
    if not fits or not _same(classifier, layers):
        raise InputError(f"{refused} does something else in its forward()")
    return tuple(layers)


@torch.no_grad()
def _same(classifier: Classifier, layers: list[nn.Linear]) -> bool:
    x = classifier.example.flatten(1)
    if layers[0].in_features != x.shape[1]:
        return False
    for layer in layers[:-1]:
        x = torch.sigmoid(layer(x))
    expected = layers[-1](x)
    with evaluating(classifier.module):
        found = classifier.logits(classifier.example)
    return found.shape == expected.shape and torch.allclose(found, expected, rtol=1e-3, atol=1e-3)


@torch.no_grad()
def _answers(classifier: Classifier, pictures: Floats) -> Floats:
    with evaluating(classifier.module):
        logits = classifier.logits(_inputs(classifier, pictures))
    answers: Floats = torch.sigmoid(logits.double()).cpu().numpy()
    return answers


def _inputs(classifier: Classifier, pictures: Floats) -> Tensor:
    """Pictures as they would be prepared from a file; rows as they are."""
    if pictures.ndim == 2:
        return torch.from_numpy(pictures).float().to(classifier.device)
    return classifier.prepare(pictures)


@dataclass(frozen=True, eq=False)
class Likeness:
    """How like the mean picture of every class a backquery is: cosine [label, class], of deviations from the mean of
    all; `nearest` is the class of the highest, int64 [label].
    """

    cosine: Floats
    nearest: NDArray[np.int64]


def likeness(found: Backqueries, classifier: Classifier, images: ImageSet, *, batch: int = 1024) -> Likeness:
    """Compare the deviation of every backquery from their mean with that of every class's mean picture from the mean of
    these; a class without pictures has cosine 0.
    """
    numbers = class_numbers(classifier, images)
    sums = np.zeros((len(classifier.classes), int(np.prod(classifier.shape))))
    for at in range(0, len(images), batch):
        part = slice(at, at + batch)
        inputs = classifier.prepare(images.pixels(part)).flatten(1).cpu().double().numpy()
        np.add.at(sums, numbers[part], inputs)
    pictures = np.bincount(numbers, minlength=len(sums))
    there = pictures > 0
    means = sums[there] / pictures[there, None]
    own = _inputs(classifier, found.pictures).flatten(1).cpu().double().numpy()
    seen = np.zeros_like(sums)
    seen[there] = means - means.mean(0)
    own = own - own.mean(0)
    size = np.linalg.norm(own, axis=1)[:, None] * np.linalg.norm(seen, axis=1)
    cosine = np.divide(own @ seen.T, size, out=np.zeros((len(own), len(seen))), where=size > 0)
    return Likeness(cosine, cosine.argmax(1))
