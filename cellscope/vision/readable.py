"""The simplest readable model: a logistic regression on the pixels, whose weights are pictures."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from cellscope.data.images import ImageSet
from cellscope.models.classifier import Classifier
from cellscope.vision.labelled import Halves, halves, told
from cellscope.vision.linear import Floats, fit, share


@dataclass(frozen=True, eq=False)
class Readable:
    """What one weight a pixel and class can do, beside the network, on the same pictures that neither chose.

    weights   float64 [class, *shape], scores a unit of the picture's own 0..1; a class of no picture has zeros
    accuracy, network, chance   shares told right: of the regression, the network, the commonest class; [3] with the
              ends of a 95 % interval for the first two
    recall    float64 [class], the regression's accuracy by class; NaN for a class without pictures, see `absent`
    same      share of pictures of which regression and network tell the same class
    """

    classes: tuple[str, ...]
    weights: Floats
    bias: Floats
    accuracy: tuple[float, float, float]
    network: tuple[float, float, float]
    chance: float
    same: float
    recall: Floats
    absent: tuple[str, ...]
    learned: int
    scored: int
    strength: float
    converged: bool
    seed: int

    @property
    def sentence(self) -> str:
        (own, low, high), (other, below, above) = self.accuracy, self.network
        return (
            f"a logistic regression on pixels tells {own:.3f} ({low:.3f}-{high:.3f}) of the pictures, the network "
            f"{other:.3f} ({below:.3f}-{above:.3f}), the commonest class {self.chance:.3f}"
        )


def readable(
    classifier: Classifier,
    images: ImageSet,
    *,
    learn_from: ImageSet | None = None,
    most: int = 2000,
    seed: int = 0,
    iterations: int = 300,
) -> Readable:
    """Fit a logistic regression to the pixels as the network gets them, before its mean and spread are taken off.

    It learns from half of at most `most` pictures and is scored on the other half; with `learn_from` (the pictures
    that the network was trained on, for a fair race) it learns from as many of those and is scored on `images`.
    """
    if learn_from is None:
        two = halves(classifier, images, most=most, seed=seed)
    else:
        lesson, test = (halves(classifier, part, most=most, seed=seed) for part in (learn_from, images))
        two = Halves(lesson.choosing, test.reporting, lesson.chosen, test.reported, seed)
    model = fit(_pixels(classifier, two.choosing), two.chosen, each=images.flat, seed=seed, iterations=iterations)
    own = model.tell(_pixels(classifier, two.reporting))
    network = told(classifier, two.reporting)
    classes = len(classifier.classes)
    weights, bias = np.zeros((classes, model.weights.shape[1])), np.full(classes, -np.inf)
    weights[model.known], bias[model.known] = model.weights, model.bias
    right, pictures = own == two.reported, np.bincount(two.reported, minlength=classes)
    with np.errstate(invalid="ignore"):
        recall = np.bincount(two.reported[right], minlength=classes) / pictures
    return Readable(
        classifier.classes, weights.reshape(classes, *classifier.shape), bias, share(right),
        share(network == two.reported), float(pictures.max() / pictures.sum()), float((own == network).mean()),
        recall, tuple(c for c, n in zip(classifier.classes, pictures, strict=True) if n == 0),
        len(two.choosing), len(two.reporting), model.strength, model.converged, seed,
    )  # fmt: skip


def _pixels(classifier: Classifier, images: ImageSet) -> Floats:
    """Pictures in the size that the network takes, in 0..1, channels red, green, blue; float [picture, pixel]."""
    x = images.pixels(slice(None))
    inputs = classifier.prepare(x)
    if inputs.dim() == 2:
        return x.astype(np.float64)
    pixels: Floats = classifier.preprocessing.undo(inputs.cpu()).flatten(1).double().numpy()
    return pixels
