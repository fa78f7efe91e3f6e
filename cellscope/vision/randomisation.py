"""How much of a map survives when what the network has learnt is taken away (Adebayo et al. 2018).

Layers are drawn anew from the top down, each beside those above it, and the map is made again. A map that stays the
same shows the picture and the architecture, not what was learnt: guided backprop and deconvnet are of this kind.
"""

from __future__ import annotations

import copy
from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from cellscope.axes import Progress
from cellscope.errors import InputError
from cellscope.models.classifier import Classifier
from cellscope.models.redraw import redrawn
from cellscope.vision.occlusion import occlusion
from cellscope.vision.saliency import attribute
from cellscope.vision.similarity import ranks, similarities
from cellscope.vision.target import Aim, Place, Target, aim_at, checked

MOSTLY = 0.5
"""A rank correlation from which a map is said to survive."""

Maps = NDArray[np.float32]


@dataclass(frozen=True, eq=False)
class Survival:
    """layers: the layer drawn anew at each step, top first, with all those above it
    signed    float64 [step]: Spearman's correlation of the maps before and after, mean over pictures and draws
    absolute  float64 [step]: that of their absolute values
    ssim      float64 [step]: structural similarity of the absolute values, each over its own maximum (rows: nan)
    hog       float64 [step]: Pearson's correlation of their histograms of oriented gradients (rows: nan)
    A map that is constant after drawing counts as 0; `constant` are maps that were so before: nothing can survive.
    """

    method: str
    target: str
    layers: tuple[str, ...]
    signed: NDArray[np.float64]
    absolute: NDArray[np.float64]
    ssim: NDArray[np.float64]
    hog: NDArray[np.float64]
    pictures: int
    draws: int
    seed: int
    remarks: tuple[str, ...] = ()
    constant: bool = False

    @property
    def top(self) -> float:
        """What survives when the top layer alone is drawn anew: the larger of the two rank correlations."""
        return float(max(self.signed[0], self.absolute[0]))

    @property
    def sentence(self) -> str:
        """The check in one line."""
        if self.constant:
            return "the map is the same everywhere, so there is nothing in it that could survive"
        figures = f"rank correlation {self.signed[0]:.2f}, of absolute values {self.absolute[0]:.2f}"
        if self.signed[0] >= MOSTLY:
            meaning = "most of it shows the picture and the architecture, not what was learnt"
        elif self.absolute[0] >= MOSTLY:
            meaning = "where it is large comes from the picture and the architecture; its signs from what was learnt"
        else:
            meaning = "it depends on what was learnt"
        return f"with {self.layers[0]} drawn anew: {figures} ({self.draws} draws): {meaning}"


def survival(
    classifier: Classifier,
    method: str,
    inputs: Tensor,
    target: Target,
    *,
    place: Place = "mean",
    seed: int = 0,
    draws: int = 3,
    cascade: bool = True,
    progress: Progress | None = None,
    **options: Any,
) -> Survival:
    """The survival of a map by one of `METHODS` or by `occlusion`; `options` are those of its function.

    Without `cascade` the top layer alone is drawn anew. The network itself is left as it is: a copy is drawn anew,
    `draws` times.
    """
    inputs = checked(classifier, inputs)
    if draws < 1:
        raise InputError(f"{draws} draws; take 1 or more")
    make = _maker(method, inputs, target, place, options)
    with aim_at(classifier, target, place, stop=True) as aim:
        stages, name = weighted_layers(aim), aim.name
    before = make(classifier)
    stages = stages if cascade else stages[:1]
    found = np.empty((draws, len(stages), 4))
    for draw in range(draws):
        network = replace(classifier, module=copy.deepcopy(classifier.module))
        for step, stage in enumerate(stages):
            for number, path in enumerate(stage):
                _draw_anew(network.module, path, seed + 10_000 * draw + 100 * step + number)
            found[draw, step] = similarities(before, make(network))
            if progress is not None:
                progress(draw * len(stages) + step + 1, draws * len(stages), "drawing layers anew")
    mean = found.mean(0)
    return Survival(
        method, name, tuple(stage[0] for stage in stages),
        mean[:, 0], mean[:, 1], mean[:, 2], mean[:, 3], len(inputs), draws, seed,
        constant=all(np.ptp(one) == 0 for one in before),
    )  # fmt: skip


def drawn_anew(classifier: Classifier, target: Target, *, place: Place = "mean", seed: int = 0) -> Classifier:
    """The network with the top layer on the way to the target drawn anew, as in the first draw of `survival`."""
    with aim_at(classifier, target, place, stop=True) as aim:
        stage = weighted_layers(aim)[0]
    network = replace(classifier, module=copy.deepcopy(classifier.module))
    for number, path in enumerate(stage):
        _draw_anew(network.module, path, seed + number)
    return network


def survived(before: Maps, after: Maps) -> float:
    """What `Survival.top` is, of maps [picture, ..] before and after: the larger of the two rank correlations."""
    pairs = list(zip(before, after, strict=True))
    signed, absolute = [ranks(a, b) for a, b in pairs], [ranks(np.abs(a), np.abs(b)) for a, b in pairs]
    return float(max(np.mean(signed), np.mean(absolute)))


def weighted_layers(aim: Aim) -> list[list[str]]:
    """Layers with weights that fire on the way to the target, top first; each with the norms that follow it."""
    fired: dict[str, nn.Module] = {}

    def hook(path: str) -> Any:
        def note(module: nn.Module, _: Any) -> None:  # before it fires: after it, the pass may be left
            fired.setdefault(path, module)

        return note

    own = [
        (path, module) for path, module in aim.network.named_modules() if any(True for _ in module.parameters(False))
    ]
    handles = [module.register_forward_pre_hook(hook(path)) for path, module in own]
    try:
        with torch.no_grad():
            aim(aim.classifier.example)
    finally:
        for handle in handles:
            handle.remove()
    stages: list[list[str]] = []
    for path, module in fired.items():
        if stages and max(p.dim() for p in module.parameters(False)) < 2:
            stages[-1].append(path)
        else:
            stages.append([path])
    if not stages:
        raise InputError(f"no layer with weights lies before {aim.name}: there is nothing to draw anew")
    return stages[::-1]


def _maker(
    method: str, inputs: Tensor, target: Target, place: Place, options: dict[str, Any]
) -> Callable[[Classifier], Maps]:
    if method == "occlusion":
        return lambda network: occlusion(network, inputs, target, place=place, **options).values[:, None]
    return lambda network: attribute(network, method, inputs, target, place=place, known=True, **options).values


def _draw_anew(network: nn.Module, path: str, seed: int) -> None:
    """One layer of a copy gets weights of its own kind, drawn from `seed`."""
    layer = network.get_submodule(path)
    layer.load_state_dict(redrawn(layer, seed).state_dict())
