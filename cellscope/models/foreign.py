"""Other people's networks: any torch module that a factory makes, with its weights and its vocabulary."""

from __future__ import annotations

import sys
from importlib import import_module
from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn

from cellscope.data.vocabulary import Vocabulary
from cellscope.errors import InputError
from cellscope.models.network import Network
from cellscope.models.state_dict import read_state_dict


def load_foreign(factory: str, *, weights: Path | None, vocabulary: Path) -> Network:
    """The network that `package.module:factory` makes, called without arguments, with these weights; on the CPU.

    Its `forward(ids [lane, step], state=None)` must give logits [lane, step, symbol], or (logits, state). InputError
    says what does not fit. The current directory is looked into first. Without weights, the factory brings them.
    """
    symbols = Vocabulary.load(vocabulary)
    module = make_module(factory)
    if weights is not None:
        fill(module, read_state_dict(weights), weights)
    said = f"{type(module).__name__} of {factory}" + (f", weights {weights.name}" if weights is not None else "")
    return wrap(module.to("cpu").eval(), symbols, name=factory.replace(":", "."), description=said)


def wrap(module: nn.Module, vocabulary: Vocabulary, *, name: str, description: str = "") -> Network:
    """A module in memory as a `Network`, after a tiny trial pass; InputError where its forward does not fit. Whether
    its parts are in training is left as it is.
    """
    training = {part: part.training for part in module.modules()}
    try:
        stateful = _probe(module.eval(), len(vocabulary), name)
    finally:
        for part, flag in training.items():
            part.training = flag
    return Network(module, vocabulary, name, description or type(module).__name__, stateful)


def make_module(factory: str) -> nn.Module:
    """What the factory makes; InputError where there is none, it fails, or it makes something else."""
    path, _, name = factory.partition(":")
    if not path or not name:
        raise InputError(f"{factory!r} names no factory; write package.module:factory")
    here = str(Path.cwd())
    sys.path.insert(0, here)
    try:
        made: Any = import_module(path)
        for part in name.split("."):
            made = getattr(made, part)
        made = made()
        if isinstance(made, nn.Module) and any(p.is_meta for p in made.parameters()):
            raise ValueError("its weights are on the device meta, which holds no numbers")
    except (Exception, SystemExit) as error:  # the user's own code may fail in any way
        reason = " ".join(str(error).split())[:200]
        raise InputError(f"the factory {factory} cannot be used: {type(error).__name__}: {reason}") from error
    finally:
        if here in sys.path:
            sys.path.remove(here)
    if not isinstance(made, nn.Module):
        raise InputError(f"the factory {factory} made a {type(made).__name__}, not a torch module")
    return made


def fill(module: nn.Module, tensors: dict[str, Tensor], path: Path) -> None:
    """Load a state dict; InputError names the keys that are missing or unexpected, or do not fit."""
    own = module.state_dict()
    missing = [name for name in own if name not in tensors]
    extra = [name for name in tensors if name not in own]
    if missing or extra:
        parts = [f"missing {_few(missing)}"] * bool(missing) + [f"unexpected {_few(extra)}"] * bool(extra)
        raise InputError(f"the weights in {path} are not those of this network: {'; '.join(parts)}")
    unfit = [
        f"{name} is {list(tensors[name].shape)}, not {list(own[name].shape)}"
        for name in own
        if tensors[name].shape != own[name].shape
    ]
    if unfit:
        raise InputError(f"the weights in {path} do not fit this network: {_few(unfit)}")
    module.load_state_dict(tensors)


def _few(names: list[str]) -> str:
    return ", ".join(names[:8]) + (f" and {len(names) - 8} more" if len(names) > 8 else "")


@torch.no_grad()
def _probe(module: nn.Module, symbols: int, name: str) -> bool:
    """Whether the module hands on a state; InputError where its forward gives no logits [lane, step, symbol]."""
    device = next((parameter.device for parameter in module.parameters()), torch.device("cpu"))
    ids = (torch.arange(6, device=device).reshape(2, 3) + symbols - 6).clamp(0, symbols - 1)
    answer = _call(module, name, ids)
    logits = answer[0] if isinstance(answer, (tuple, list)) and answer else answer
    shape = list(logits.shape) if isinstance(logits, Tensor) else type(logits).__name__
    if shape != [2, 3, symbols]:
        raise InputError(
            f"{name}: for ids [2, 3] (lane, step) forward gave {shape}; it must give logits "
            f"[2, 3, {symbols}], one for each of the vocabulary's {symbols} symbols, or (logits, state)"
        )
    changed = ids.clone()
    changed[0] = (ids[0] + 1) % symbols
    other = _call(module, name, changed)
    other = other[0] if isinstance(other, (tuple, list)) else other
    if symbols > 1 and not torch.allclose(other[1], logits[1], atol=1e-4, rtol=1e-3):
        raise InputError(f"{name}: what one lane reads changes another lane's logits; is batch_first=True missing?")
    if not isinstance(answer, tuple) or len(answer) < 2 or answer[1] is None:
        return False
    _call(module, name, ids, answer[1])
    return True


def _call(module: nn.Module, name: str, *inputs: Any) -> Any:
    try:
        return module(*inputs)
    except Exception as error:  # the user's own code may fail in any way
        reason = " ".join(str(error).split())[:200]
        what = "ids [2, 3]" + (" and the state that it gave" if len(inputs) > 1 else "")
        raise InputError(f"{name}: forward({what}) failed: {type(error).__name__}: {reason}") from error
