"""The one form in which the rest of cellscope meets a network for pictures: module, preprocessing, classes."""

from __future__ import annotations

import copy
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from functools import cached_property
from typing import Any

import torch
from numpy.typing import NDArray
from torch import Tensor, nn
from torch.overrides import TorchFunctionMode

from cellscope.errors import InputError
from cellscope.models.preprocessing import Preprocessing
from cellscope.models.redraw import redrawn

HEADS = ("logits", "softmax", "log_softmax", "sigmoid")


@dataclass(frozen=True)
class Classifier:
    """A module that takes prepared pictures [picture, *shape] and gives one number a class, and what belongs to it.

    `head` says what the module gives; `logits` turns all of them into unnormalised class scores. `key` finds them where
    the module gives a tuple or a dict. `loss` is what it was trained with: "softmax" or "sigmoid" (one a class).
    """

    module: nn.Module
    shape: tuple[int, ...]
    classes: tuple[str, ...]
    preprocessing: Preprocessing = field(default_factory=Preprocessing)
    name: str = "network"
    description: str = ""
    head: str = "logits"
    key: str | int | None = None
    remarks: tuple[str, ...] = ()

    @property
    def device(self) -> torch.device:
        tensor = next(self.module.parameters(), None)
        return tensor.device if tensor is not None else torch.device("cpu")

    @property
    def preparation(self) -> str:
        """What is done to its pictures, or rows, before it sees them, in one line."""
        return self.preprocessing.describe(rows=len(self.shape) == 1)

    def prepare(self, pixels: NDArray[Any]) -> Tensor:
        """Pictures in 0..1 [picture, channel, row, column] (or rows) as the module takes them, on its device."""
        rows = len(self.shape) == 1
        if rows != (pixels.ndim == 2):
            takes, got = ("rows of numbers", "pictures") if rows else ("pictures", "rows of numbers")
            raise InputError(f"{self.name} takes {takes} and got {got}")
        shape = tuple(pixels.shape[1:])
        if rows or shape[0] == self.shape[0]:  # mean and std have a number for each of the network's own channels
            made = self.preprocessing.apply(pixels)
            shape = tuple(made.shape[1:])
            if shape == tuple(self.shape):
                return made.to(self.device)
        raise InputError(
            f"{self.name} takes pictures of {_by(self.shape)} (channels x rows x columns) and got {_by(shape)}; "
            "state a --size, or give pictures with as many channels"
        )

    def logits(self, inputs: Tensor) -> Tensor:
        """Unnormalised class scores [picture, class] of prepared pictures; differentiable."""
        return self.read(self.module(inputs))

    def read(self, answer: Any) -> Tensor:
        """The class scores in what the module gave."""
        if self.key is not None:
            answer = answer[self.key]
        scores: Tensor = answer
        if self.head == "softmax":  # up to a constant a picture, which no difference of scores sees
            return scores.clamp_min(torch.finfo(scores.dtype).tiny).log()
        if self.head == "sigmoid":
            return torch.logit(scores, eps=1e-7)
        return scores

    def untrained(self, seed: int) -> Classifier:
        """The same architecture with weights drawn anew from `seed`; this network is left as it is."""
        name = f"{self.name} (untrained)"
        return replace(self, module=redrawn(self.module, seed), name=name, description="weights drawn anew")

    def twin(self) -> Classifier:
        """The same network with modules of its own and the same weights, so that two threads can each watch one."""
        shared = {id(tensor): tensor for tensor in (*self.module.parameters(), *self.module.buffers())}
        return replace(self, module=copy.deepcopy(self.module, shared))

    @cached_property
    def example(self) -> Tensor:
        """Two prepared pictures of noise, to see what fires: the same every time."""
        generator = torch.Generator().manual_seed(0)
        return torch.rand((2, *self.shape), generator=generator).to(self.device)


def wrap(
    module: nn.Module,
    shape: tuple[int, ...],
    *,
    classes: tuple[str, ...] = (),
    preprocessing: Preprocessing | None = None,
    name: str = "",
    description: str = "",
) -> Classifier:
    """A module as a `Classifier`, after a trial pass in eval mode; InputError where it does not fit.

    A tuple's or dict's class scores are found; a softmax, log-softmax or sigmoid at the end is noticed, and undone when
    scores are asked for.
    """
    name = name or type(module).__name__
    bare = Classifier(module, shape, classes, preprocessing or Preprocessing(), name, description)
    with _Sigmoids() as sigmoids:
        answer = _tried(bare)
    key, scores = _scores(answer, name)
    if not scores.is_floating_point() or not scores.isfinite().all():
        what = "numbers that are not finite" if scores.is_floating_point() else f"numbers of type {scores.dtype}"
        raise InputError(f"{name} gave {what} for pictures of noise; class scores are finite floating-point numbers")
    head = _head(scores, sigmoids.last)
    if classes and len(classes) != scores.shape[1]:
        raise InputError(f"{name} gives {scores.shape[1]} numbers a picture and there are {len(classes)} classes")
    if len(set(classes)) < len(classes):
        raise InputError(f"two of the {len(classes)} classes of {name} have one name; each needs its own")
    remarks = () if head == "logits" else (f"the network ends in a {head}; its inverse is taken as the class scores",)
    own = classes or tuple(str(k) for k in range(scores.shape[1]))
    return replace(
        bare, classes=own, head=head, key=key, remarks=remarks, description=description or type(module).__name__
    )


def _tried(bare: Classifier) -> Any:
    """What the module gives for two pictures, after one alone; InputError where it fails, or cannot be looked into."""
    from cellscope.hooks.modules import evaluating

    name, module = bare.name, bare.module
    what = "pictures" if len(bare.shape) == 3 else "rows"
    if any(isinstance(part, torch.jit.ScriptModule) for part in module.modules()):
        raise InputError(f"{name} is a TorchScript module, which cannot be looked into; give the module it was made of")
    answer = None
    with evaluating(module), torch.no_grad():
        for many in (1, 2):
            try:
                answer = module(bare.example[:many])
            except Exception as error:  # the user's own code may fail in any way
                reason = " ".join(str(error).split())[:200]
                raise InputError(
                    f"{name}: forward({what} [{many}, {_by(bare.shape)}]) failed: {type(error).__name__}: {reason}"
                ) from error
    return answer


def _scores(answer: Any, name: str) -> tuple[str | int | None, Tensor]:
    """Where in an answer the class scores are, and they: itself, or the one [picture, class] of a tuple or dict."""
    if isinstance(answer, Tensor) and answer.dim() == 2 and len(answer) == 2:
        return None, answer
    parts: list[tuple[Any, Any]] = []
    if isinstance(answer, Mapping):
        parts = list(answer.items())
    elif isinstance(answer, (tuple, list)):
        parts = list(enumerate(answer))
    fitting = [(key, part) for key, part in parts if isinstance(part, Tensor) and part.dim() == 2 and len(part) == 2]
    named = [(key, part) for key, part in fitting if key in ("logits", "out", "output", 0)]
    if named or len(fitting) == 1:
        return (named or fitting)[0]
    what = f"a tensor of shape {tuple(answer.shape)}" if isinstance(answer, Tensor) else f"a {type(answer).__name__}"
    more = f" with {', '.join(str(key) for key, _ in parts[:8])}" if parts else ""
    raise InputError(f"{name} gave {what}{more} for 2 pictures; it must give class scores [picture, class]")


SIGMOIDS = (torch.sigmoid, torch.sigmoid_, Tensor.sigmoid, Tensor.sigmoid_, torch.special.expit)


class _Sigmoids(TorchFunctionMode):
    """Sees what the last sigmoid within it gave, module or function: a network may hold one that is not its end."""

    last: Tensor | None = None

    def __torch_function__(self, func: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
        given = func(*args, **(kwargs or {}))
        if func in SIGMOIDS:
            self.last = given.clone()
        return given


def _head(scores: Tensor, sigmoid: Tensor | None) -> str:
    """What the numbers at the end are, read off the numbers themselves and off the last sigmoid's."""
    if scores.shape[1] > 1 and bool((scores >= 0).all()) and torch.allclose(scores.sum(1), torch.ones(2).to(scores)):
        return "softmax"
    if scores.shape[1] > 1 and torch.allclose(scores.exp().sum(1), torch.ones(2).to(scores), atol=1e-5):
        return "log_softmax"
    if sigmoid is not None and torch.equal(sigmoid.flatten(), scores.flatten()):
        return "sigmoid"
    return "logits"


def _by(shape: tuple[int, ...]) -> str:
    return " x ".join(map(str, shape))
