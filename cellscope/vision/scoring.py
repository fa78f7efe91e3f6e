"""`with scoring(classifier, objective) as score: score(pictures, targets)`: pictures as shown, to one number each."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager

import torch
from torch import Tensor, nn

from cellscope.axes import Site
from cellscope.errors import InputError
from cellscope.hooks.modules import watch
from cellscope.models.classifier import Classifier
from cellscope.vision.objective import Heard, Objective

Score = Callable[[Tensor, Tensor], Tensor]
"""`score(inputs [picture, ..], targets int64 [picture]) -> [picture]`, differentiable."""

Hear = Callable[[Tensor], tuple[dict[Site, Tensor], Tensor | None]]
"""`hear(inputs) -> (maps of the sites, class scores or None)`."""

AT_ONCE = 1 << 18
"""Numbers in the widest map of a batch: what a core's own cache holds, or nearly."""


@contextmanager
def hearing(classifier: Classifier, objective: Objective) -> Iterator[Hear]:
    """What an objective must see of a batch, no further into the network than it must look.

    The network is in eval mode and its weights ask for no gradient within; all is as it was afterwards.
    """
    stop = not objective.logits
    # What is seen last cannot be rewritten in place by what follows, for nothing follows: it needs no copy.
    keep = _same if stop and len(objective.sites) == 1 else torch.clone
    module = classifier.module
    with frozen(module), watch(module, objective.sites, keep=keep, stop=stop) as seen:

        def hear(inputs: Tensor) -> tuple[dict[Site, Tensor], Tensor | None]:
            inputs = inputs.clone()  # a first layer may work in place
            if stop:
                return seen.play(inputs), None
            logits = classifier.logits(inputs)
            return {site: seen[site] for site in objective.sites}, logits

        yield hear


@contextmanager
def scoring(classifier: Classifier, objective: Objective, *, together: int = 1) -> Iterator[Score]:
    """The objective as a function of prepared inputs; see `hearing`."""
    with hearing(classifier, objective) as hear:

        def score(inputs: Tensor, targets: Tensor) -> Tensor:
            scores = objective.score(Heard(*hear(inputs), targets, together))
            if torch.is_grad_enabled() and inputs.requires_grad and not scores.requires_grad:
                raise InputError(f"{objective.names[0]} of {classifier.name} does not depend on the picture smoothly")
            return scores

        yield score


@contextmanager
def frozen(module: nn.Module) -> Iterator[nn.Module]:
    """No weight asks for a gradient within; every one's own flag afterwards."""
    flags = [(parameter, parameter.requires_grad) for parameter in module.parameters()]
    try:
        for parameter, _ in flags:
            parameter.requires_grad_(False)
        yield module
    finally:
        for parameter, flag in flags:
            parameter.requires_grad_(flag)


def fitting_batch(classifier: Classifier, together: int = 1) -> int:
    """How many pictures to take at once: what keeps the widest map in a core's cache, many on an accelerator.

    It depends on shapes alone, so that the same pictures come out whatever else the machine does.
    """
    from cellscope.hooks.outlets import outlets

    if classifier.device.type != "cpu":
        return max(together, 64 // together * together)
    sizes = [torch.Size(outlet.shape).numel() for outlet in outlets(classifier.module, classifier.example)]
    widest = max([torch.Size(classifier.shape).numel(), *sizes])
    return max(together, AT_ONCE // widest // together * together)


def _same(tensor: Tensor) -> Tensor:
    return tensor
