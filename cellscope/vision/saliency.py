"""Maps of what a class or a unit is sensitive to, by name: seven methods, one form, each with its caveats.

`attribute(classifier, "guided", inputs, target)`. Guided backprop, deconvnet and integrated gradients are captum's;
what captum does not check is checked here, and refused by name (see `relus`). `randomisation.survival` says how much of
a map comes from the picture alone.
"""

from __future__ import annotations

import warnings
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from cellscope.axes import Site, Unit
from cellscope.errors import InputError, not_found
from cellscope.hooks.modules import watch
from cellscope.hooks.outlets import choose_outlets, outlets
from cellscope.models.classifier import Classifier
from cellscope.vision.fill import Fill, fill_values
from cellscope.vision.relus import apart, require_relu_rules
from cellscope.vision.target import Aim, Place, Target, aim_at, checked


@dataclass(frozen=True, eq=False)
class Attribution:
    """values  float32 [picture, channel, row, column]; [picture, 1, row, column] where the method has no channels;
    [picture, column] for rows of numbers
    scores  float32 [picture]: the target's number
    signed  whether the values have a sign; if not they are 0 or above
    missing float32 [picture]: f(picture) - f(fill) - the sum of the values (integrated gradients; else empty)
    """

    method: str
    values: NDArray[np.float32]
    scores: NDArray[np.float32]
    target: str
    signed: bool
    missing: NDArray[np.float32]
    site: Site | None = None
    remarks: tuple[str, ...] = ()

    @property
    def limit(self) -> float:
        """The largest absolute value: signed colours go from its negative to it, others from 0."""
        return float(np.abs(self.values).max())

    @property
    def plane(self) -> NDArray[np.float32]:
        """[picture, row, column], or rows as they are: the sum over channels."""
        plane: NDArray[np.float32] = self.values.sum(1) if self.values.ndim == 4 else self.values
        return plane


@dataclass(frozen=True)
class Options:
    """`fill` and `steps` are for integrated gradients, `layer` for Grad-CAM."""

    fill: Fill = "zero"
    steps: int = 64
    layer: Site | None = None


@dataclass(frozen=True)
class Made:
    """What a method gives, before it is checked."""

    values: Tensor
    missing: Tensor | None = None
    site: Site | None = None
    remarks: tuple[str, ...] = ()


@dataclass(frozen=True)
class Method:
    """One way to make a map; `law` says in one line what it is."""

    name: str
    law: str
    source: str
    signed: bool
    make: Callable[[Aim, Tensor, Options], Made]


def attribute(
    classifier: Classifier,
    method: str,
    inputs: Tensor,
    target: Target,
    *,
    place: Place = "mean",
    layer: Site | None = None,
    fill: Fill = "zero",
    steps: int = 64,
    known: bool = False,
) -> Attribution:
    """Maps by one of `METHODS` for prepared pictures [picture, channel, row, column] or rows [picture, column].

    `layer` is the site of Grad-CAM (default: the last whose map is larger than one place), `fill` the start of
    integrated gradients and `steps` their number. The network is left as it was. InputError where a method does not
    apply, with the reason. Target and layer that are `known`, because they were asked of a network like this one, are
    not looked for again.
    """
    chosen = method_named(method)
    inputs = checked(classifier, inputs)
    if steps < 2:
        raise InputError(f"integrated gradients in {steps} steps; take 2 or more")
    if layer is not None and not known:
        choose_outlets(classifier.module, classifier.example, [layer])
    with aim_at(classifier, target, place, known=known) as aim:
        with torch.no_grad():
            scores = aim(inputs)
        with torch.enable_grad(), warnings.catch_warnings():
            warnings.simplefilter("ignore")  # captum tells of the hooks that it sets and takes away
            made = chosen.make(aim, inputs, Options(fill, steps, layer))
        name = aim.name
    values = made.values.detach().float().cpu().numpy()
    if not np.isfinite(values).all() or not bool(torch.isfinite(scores).all()):
        raise InputError(f"{classifier.name} gives numbers that are not finite for {name}; no map can be made")
    missing = np.empty(0, np.float32) if made.missing is None else made.missing.detach().float().cpu().numpy()
    remarks = (*classifier.remarks, *made.remarks, *_dead(values, name))
    return Attribution(method, values, scores.float().cpu().numpy(), name, chosen.signed, missing, made.site, remarks)


def method_named(name: str) -> Method:
    """The method; MissingError lists what there is."""
    if name not in METHODS:
        raise not_found("method", name, list(METHODS))
    return METHODS[name]


def _dead(values: NDArray[np.float32], name: str) -> tuple[str, ...]:
    dead = np.flatnonzero(~values.reshape(len(values), -1).any(axis=1))
    if not len(dead):
        return ()
    which = "" if len(values) == 1 else f" in picture {', '.join(map(str, dead[:8]))}"
    return (f"nothing in the picture moves {name}{which}: its gradient is 0 everywhere (it is off, or saturated)",)


def gradient_of(aim: Aim, inputs: Tensor) -> Tensor:
    """d target / d input, of each picture by itself."""
    inputs = inputs.clone().requires_grad_(True)
    total = aim(inputs).sum()
    if not total.requires_grad:
        raise InputError(f"{aim.name} does not depend on the picture by any step that has a gradient")
    gradients: tuple[Tensor | None, ...] = torch.autograd.grad(total, inputs, allow_unused=True)
    return torch.zeros_like(inputs) if gradients[0] is None else gradients[0]


def _gradient(aim: Aim, inputs: Tensor, _: Options) -> Made:
    return Made(gradient_of(aim, inputs))


def _saliency(aim: Aim, inputs: Tensor, _: Options) -> Made:
    size = gradient_of(aim, inputs).abs()
    return Made(size.amax(1, keepdim=True) if size.dim() == 4 else size)


def _gradient_x_input(aim: Aim, inputs: Tensor, _: Options) -> Made:
    return Made(gradient_of(aim, inputs) * inputs)


def _guided(aim: Aim, inputs: Tensor, _: Options) -> Made:
    from captum.attr import GuidedBackprop

    remark = require_relu_rules(aim, inputs, "guided")
    with apart(aim.network):
        values = GuidedBackprop(aim).attribute(inputs.clone())
    return Made(values, remarks=(remark,) if remark else ())


def _deconvnet(aim: Aim, inputs: Tensor, _: Options) -> Made:
    from captum.attr import Deconvolution

    remark = require_relu_rules(aim, inputs, "deconvnet")
    with apart(aim.network):
        values = Deconvolution(aim).attribute(inputs.clone())
        other = Deconvolution(aim).attribute(aim.classifier.example[:1].clone())
    remarks = [remark] if remark else []
    if torch.allclose(values[:1], other, rtol=1e-4, atol=1e-6 * float(other.abs().max())):
        remarks.append("the map is the same for any picture: nothing (no max-pooling) ties a deconvnet to this one")
    return Made(values, remarks=tuple(remarks))


def _integrated(aim: Aim, inputs: Tensor, options: Options) -> Made:
    from captum.attr import IntegratedGradients

    start = fill_values(aim.classifier, inputs, options.fill).expand_as(inputs).clone()
    values, missing = IntegratedGradients(aim, multiply_by_inputs=True).attribute(
        inputs.clone(), start, n_steps=options.steps, internal_batch_size=max(64, len(inputs)),
        return_convergence_delta=True,
    )  # fmt: skip
    return Made(values, -missing)


def _grad_cam(aim: Aim, inputs: Tensor, options: Options) -> Made:
    if inputs.dim() != 4:
        raise InputError("grad-cam needs maps over a picture; this network takes rows of numbers")
    site = options.layer or last_map(aim)
    held: list[Tensor] = []

    def hold(values: Tensor) -> Tensor:
        held.append(values.clone())
        return held[-1].clone()  # an in-place layer after it rewrites only this

    with watch(aim.network, (), edits={site: hold}):
        total = aim(inputs.clone().requires_grad_(True)).sum()
    if not held or held[-1].dim() != 4:
        raise InputError(f"grad-cam needs the maps of a layer; {site} puts out none")
    gradients: tuple[Tensor | None, ...] = torch.autograd.grad(total, held[-1], allow_unused=True)
    if gradients[0] is None:
        raise InputError(f"grad-cam needs a layer before {aim.name}, which does not depend on {site}")
    small = (gradients[0].mean((2, 3), keepdim=True) * held[-1]).sum(1, keepdim=True).relu()
    values = torch.nn.functional.interpolate(small, inputs.shape[2:], mode="bilinear", align_corners=False)
    rows, columns = held[-1].shape[2:]
    return Made(values, site=site, remarks=(f"made of the {rows} x {columns} map of {site}, drawn large",))


def last_map(aim: Aim) -> Site:
    """The last site before the target whose map is larger than one place."""
    known = outlets(aim.network, aim.classifier.example)
    if isinstance(aim.target, Unit):
        own = [k for k, outlet in enumerate(known) if outlet.site == aim.target.site]
        known = known[: own[0]] if own else known
    maps = [outlet.site for outlet in known if outlet.grid != (1, 1)]
    if not maps:
        raise InputError(f"grad-cam needs a layer with maps before {aim.name}; this network has none")
    return maps[-1]


KNOWN = (
    Method("saliency", "the largest |gradient| of a pixel's channels", "Simonyan et al. 2013", False, _saliency),
    Method("gradient", "the gradient of the target by each pixel", "Simonyan et al. 2013", True, _gradient),
    Method("gradient-x-input", "gradient times input", "Shrikumar et al. 2016", True, _gradient_x_input),
    Method("guided", "ReLUs hand back what is positive, where they are on", "Springenberg et al. 2014", True, _guided),
    Method("deconvnet", "ReLUs hand back what is positive", "Zeiler and Fergus 2013", True, _deconvnet),
    Method("grad-cam", "maps weighted by mean gradient, positive part", "Selvaraju et al. 2016", False, _grad_cam),
    Method("integrated-gradients", "mean gradient from a fill to the picture, times their difference",
           "Sundararajan et al. 2017", True, _integrated),
)  # fmt: skip

METHODS: dict[str, Method] = {method.name: method for method in KNOWN}
"""Every method, by name."""
