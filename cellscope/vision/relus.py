"""Which non-linearities lie on the way to a target, and whether the ReLU rules of guided backprop can reach them.

Guided backprop and deconvnet change the gradient of every `nn.ReLU` module. A ReLU that is a function call (`F.relu`)
has no module: captum then gives the plain gradient and says nothing. So the graph of one pass is walked, and what the
rules cannot reach is refused by name.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor, nn

from cellscope.axes import Unit
from cellscope.errors import InputError
from cellscope.vision.target import Aim

OTHERS = {
    "ClampMin": "clamp", "Clamp": "clamp", "Maximum": "maximum", "Threshold": "threshold", "Hardtanh": "ReLU6",
    "LeakyRelu": "LeakyReLU", "PreluKernel": "PReLU", "RreluWithNoise": "RReLU", "Elu": "ELU", "Silu": "SiLU",
    "Gelu": "GELU", "Mish": "Mish", "Hardswish": "Hardswish", "Softplus": "Softplus", "Where": "where",
}  # fmt: skip
"""Steps of a graph that stand where a ReLU could, and have no rule."""

SMOOTH = {"Sigmoid": "sigmoid", "Tanh": "tanh", "Hardsigmoid": "hardsigmoid"}
"""Steps that keep their plain gradient beside ReLUs, and leave nothing to change where there is no ReLU."""

PLAIN = ("AccumulateGrad", "BackwardHookFunctionBackward", "CopyBackwards")
"""Steps that only hand on."""


@dataclass(frozen=True)
class Step:
    """One step of a graph: what it does (`Relu`, `Convolution`), and the module that did it, where there is one."""

    kind: str
    path: str
    module: nn.Module | None

    def __str__(self) -> str:
        if self.module is None or self.kind not in {**OTHERS, **SMOOTH}:
            return self.path or self.kind
        return f"{self.path} ({type(self.module).__name__})"


def require_relu_rules(aim: Aim, inputs: Tensor, method: str) -> str:
    """InputError where the rules of `method` would not reach a non-linearity; a remark where there is none to reach."""
    steps = list(steps_of(aim, inputs))
    for step in steps:
        if step.kind == "Relu" and not isinstance(step.module, nn.ReLU):
            where = f" in {step.path}" if step.path else ""
            raise InputError(
                f"{method} cannot reach a ReLU that is a function call{where} (F.relu, torch.relu): it would be the "
                "plain gradient, unsaid; make it an nn.ReLU module, or take another method"
            )
        if step.kind in OTHERS:
            raise InputError(f"{method} has a rule for ReLU alone, and {_named(step, OTHERS)} is none; take gradient")
        if not step.kind:
            raise InputError(f"{method} cannot see into {step.path}, a function with a gradient of its own")
    if any(step.kind == "Relu" for step in steps):
        return ""
    smooth = [step for step in steps if step.kind in SMOOTH]
    if smooth:
        raise InputError(f"{method} has a rule for ReLU alone; here is none, but {_named(smooth[0], SMOOTH)}")
    return f"no ReLU lies between the picture and {aim.name}: {method} is the plain gradient"


def _named(step: Step, words: dict[str, str]) -> str:
    return str(step) if step.module is not None else f"a {words[step.kind]}"


def steps_of(aim: Aim, inputs: Tensor) -> Iterator[Step]:
    """Every step between the first picture and the target, nearest the target first."""
    made: dict[Any, tuple[str, nn.Module]] = {}

    def hook(path: str) -> Any:
        def note(module: nn.Module, _: Any, output: Any) -> None:
            if isinstance(output, Tensor) and output.grad_fn is not None:
                made.setdefault(output.grad_fn, (path, module))  # the innermost comes first

        return note

    handles = [module.register_forward_hook(hook(path)) for path, module in aim.network.named_modules()]
    try:
        with torch.enable_grad():
            start = _start(aim, inputs[:1].clone().requires_grad_(True))
    finally:
        for handle in handles:
            handle.remove()
    waiting, seen = [start], {start}
    while waiting:
        node = waiting.pop(0)
        path, module = made.get(node, ("", None))
        name = type(node).__name__
        known = re.fullmatch(r"(\w+?)Backward\d+", name)
        if known or name not in PLAIN:
            yield Step(known[1] if known else "", path or name.removesuffix("Backward"), module)
        for before, _ in node.next_functions:
            if before is not None and before not in seen:
                seen.add(before)
                waiting.append(before)


def _start(aim: Aim, picture: Tensor) -> Any:
    """The step that made the target: of what the network itself gave, before its head is undone."""
    if isinstance(aim.target, Unit):
        made = aim(picture)
    else:
        answer = aim.network(picture)
        key = aim.classifier.key
        made = answer if key is None else answer[key]
    if made.grad_fn is None:
        raise InputError(f"{aim.name} does not depend on the picture by any step that has a gradient")
    return made.grad_fn


@contextmanager
def apart(network: nn.Module) -> Iterator[None]:
    """Within, captum's rules meet each ReLU alone, and an in-place one still rewrites what it was given.

    captum sets its rule on what a ReLU is given, and thereby on all else that reads it (a shortcut around a block);
    and it gives a ReLU a copy, so that an in-place one leaves what the network goes on to use as it was.
    """
    given: dict[nn.Module, Tensor] = {}

    def before(module: nn.ReLU, inputs: tuple[Tensor, ...]) -> Tensor:
        given[module] = inputs[0]
        return inputs[0].clone()

    def after(module: nn.ReLU, _: Any, output: Tensor) -> Tensor:
        own = given.pop(module)
        return own.copy_(output) if module.inplace else output

    relus = [module for module in network.modules() if isinstance(module, nn.ReLU)]
    handles = [module.register_forward_pre_hook(before) for module in relus]
    # ahead of hooks that look at what the module gives, which set a rule on it or keep it
    handles += [module.register_forward_hook(after, prepend=True) for module in relus]
    try:
        yield
    finally:
        for handle in handles:
            handle.remove()
