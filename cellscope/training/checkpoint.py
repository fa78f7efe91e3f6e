"""Tensors and their description as one safetensors file: written whole or not at all, read without running anything."""

from __future__ import annotations

import json
import os
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from torch import Tensor

from cellscope.errors import InputError

KEY = "cellscope"
"""The entry of a safetensors file's own header under which the description lies, as JSON."""


def write_text(path: Path, text: str) -> None:
    """Replace a text file in one step: whoever reads, or is killed, meets the old one or the new one."""
    _replace(path, text.encode("utf-8"))


def write_checkpoint(path: Path, tensors: Mapping[str, Tensor], description: Mapping[str, Any]) -> None:
    """Replace the checkpoint at `path` in one step; tensors are stored without their device."""
    from safetensors.torch import save

    apart = {name: tensor.detach().cpu().contiguous() for name, tensor in tensors.items()}
    _replace(path, save(_unshared(apart), metadata={KEY: json.dumps(dict(description))}))


def read_checkpoint(path: Path) -> tuple[dict[str, Tensor], dict[str, Any]]:
    """(tensors, description) of the checkpoint at `path`; InputError where it is not there, damaged or not ours."""
    with _opened(path) as opened:
        tensors = {name: opened.get_tensor(name) for name in opened.keys()}  # noqa: SIM118  # no mapping
        return tensors, _said(path, opened)


def read_description(path: Path) -> dict[str, Any]:
    """The description of the checkpoint at `path` alone; its tensors are not read."""
    with _opened(path) as opened:
        return _said(path, opened)


@contextmanager
def _opened(path: Path) -> Iterator[Any]:
    from safetensors import SafetensorError, safe_open

    if not path.is_file():
        raise InputError(f"there is no checkpoint {path}")
    try:
        with safe_open(path, framework="pt", device="cpu") as opened:
            yield opened
    except (SafetensorError, OSError, ValueError, RuntimeError) as error:
        raise InputError(f"{path} is damaged or no checkpoint ({error}); try another one of the run") from error


def _said(path: Path, opened: Any) -> dict[str, Any]:
    description = json.loads((opened.metadata() or {}).get(KEY, "{}"))
    if not isinstance(description, dict):
        raise InputError(f"{path} is no checkpoint of cellscope: its description is no object")
    return description


def _unshared(tensors: dict[str, Tensor]) -> dict[str, Tensor]:
    """Tied weights are written twice: safetensors refuses tensors that share memory."""
    seen: set[int] = set()
    result = {}
    for name, tensor in tensors.items():
        shared = tensor.data_ptr() in seen
        seen.add(tensor.data_ptr())
        result[name] = tensor.clone() if shared else tensor
    return result


def _replace(path: Path, content: bytes) -> None:
    temporary = path.with_name(f".{path.name}.{os.getpid()}.tmp")
    try:
        with temporary.open("wb") as file:
            file.write(content)
            file.flush()
            os.fsync(file.fileno())
        temporary.replace(path)
    except OSError as error:
        raise InputError(f"{path} cannot be written: {error.strerror or error}") from error
    finally:
        temporary.unlink(missing_ok=True)
