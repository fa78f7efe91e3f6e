"""Weights: read from files without ever running what is in them, and told from others."""

from __future__ import annotations

import hashlib
import warnings
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn

from cellscope.errors import InputError

NESTED = ("state_dict", "model_state_dict", "model", "net", "network", "module", "weights", "params")
PREFIXES = ("module.", "_orig_mod.")
"""What DataParallel and torch.compile put before every name."""


def read_state_dict(path: Path) -> dict[str, Tensor]:
    """The tensors of a .safetensors file or, through `torch.load(weights_only=True)`, of any other; InputError if none.

    A state dict nested in a checkpoint (under "state_dict", "model" ...) is found; wrappers' prefixes are taken off.
    """
    if not path.is_file():
        raise InputError(f"there is no file {path}")
    data = _read_safetensors(path) if path.suffix.lower() == ".safetensors" else _read_torch(path)
    tensors = _tensors(data, path)
    for prefix in PREFIXES * 2:
        if tensors and all(name.startswith(prefix) for name in tensors):
            tensors = {name.removeprefix(prefix): tensor for name, tensor in tensors.items()}
    for name, tensor in tensors.items():
        if tensor.is_floating_point() and not bool(torch.isfinite(tensor).all()):
            raise InputError(f"{path}: {name} holds values that are no finite numbers")
    return tensors


def shapes(tensors: Mapping[str, Tensor]) -> str:
    """`rnn.weight_ih_l0 [1024, 64], ...`: names and shapes in one line, at most forty of them."""
    shown = [f"{name} {list(tensor.shape)}" for name, tensor in list(tensors.items())[:40]]
    return ", ".join(shown) + (f" and {len(tensors) - 40} more" if len(tensors) > 40 else "")


def digest_of(module: nn.Module) -> str:
    """What tells these modules and their weights from others."""
    digest = hashlib.sha256(repr(module).encode())
    for name, tensor in module.state_dict().items():
        digest.update(name.encode())
        digest.update(tensor.detach().cpu().contiguous().numpy().tobytes())
    return digest.hexdigest()[:16]


def _read_safetensors(path: Path) -> Mapping[str, Any]:
    from safetensors import SafetensorError
    from safetensors.torch import load_file

    try:
        data: Mapping[str, Any] = load_file(path)
    except (SafetensorError, OSError, ValueError) as error:
        raise InputError(f"{path} is damaged or no safetensors file ({error})") from error
    return data


def _read_torch(path: Path) -> Any:
    try:
        with warnings.catch_warnings(action="ignore"):  # torch wonders aloud about files that are refused anyway
            return torch.load(path, map_location="cpu", weights_only=True)
    except Exception as error:  # a damaged or hostile file can make the reader fail in any way
        reason = "it holds more than tensors" if "weights_only" in str(error) else type(error).__name__
        raise InputError(
            f"{path} is refused ({reason}): only plain weights are read, nothing that could run; "
            f"save the network's state_dict() as .safetensors, or with torch.save"
        ) from error


def _tensors(data: Any, path: Path) -> dict[str, Tensor]:
    """The state dict in what a file held: itself, or the one that is nested in it."""
    if not isinstance(data, Mapping):
        raise InputError(f"{path} holds a {type(data).__name__}, not a state dict")
    own = {str(name): value for name, value in data.items() if isinstance(value, Tensor)}
    if sum(tensor.dim() >= 2 for tensor in own.values()):
        return own
    inner = {str(name): value for name, value in data.items() if isinstance(value, Mapping)}
    for name in NESTED:
        if name in inner:
            return _tensors(inner[name], path)
    holding = [value for value in inner.values() if value and all(isinstance(item, Tensor) for item in value.values())]
    if len(holding) == 1:
        return _tensors(holding[0], path)
    found = ", ".join(map(str, list(data)[:20])) or "nothing"
    raise InputError(f"{path} holds no state dict, or more than one; it has {found}")
