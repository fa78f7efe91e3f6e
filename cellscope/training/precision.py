"""Which device to train on, and whether bf16 autocast is faster there than fp32: timed, not guessed."""

from __future__ import annotations

import copy
import time
from collections.abc import Callable
from contextlib import AbstractContextManager

import torch
from torch import Tensor, nn

from cellscope.errors import InputError
from cellscope.models.char_rnn import negative_log_likelihood

GAIN = 1.1
"""bf16 must be this many times as fast as fp32 to be chosen."""
DOUBT = 0.67
"""... but where an LSTM meets a CPU made for bf16, only a clear loss speaks against it: a busy machine times badly."""
SECONDS = 1.0
"""Time that the timing may take, roughly."""


def autocast(device: torch.device, precision: str) -> AbstractContextManager[object]:
    """The context in which a forward pass runs in `precision`, "fp32" or "bf16"."""
    return torch.autocast(device.type, torch.bfloat16, enabled=precision == "bf16")


def choose_device(name: str) -> torch.device:
    """The device of that name; for "auto" a GPU where there is one."""
    if name == "auto":
        return torch.device("cuda" if torch.cuda.is_available() else "cpu")
    try:
        device = torch.device(name)
        torch.empty(1, device=device)
    except (RuntimeError, AssertionError, NotImplementedError) as error:
        reason = str(error).splitlines()[0]
        raise InputError(f"device {name!r} cannot be used ({reason}); try --device auto or cpu") from error
    if device.type == "meta":
        raise InputError("device 'meta' holds no numbers; try --device auto or cpu")
    return device


def choose_precision(
    model: nn.Module, ids: Tensor, targets: Tensor | None = None, *, wanted: str = "auto",
    loss: Callable[[Tensor, Tensor], Tensor] = negative_log_likelihood,
) -> tuple[str, str]:  # fmt: skip
    """("bf16" or "fp32", why), by timing forward and backward passes of a copy of `model` over ids [lane, step];
    or over pictures, with their labels as `targets`.
    """
    if wanted != "auto":
        return wanted, "as asked for"
    copied = copy.deepcopy(model)
    short, aims = (ids[:, :32], ids[:, :32]) if targets is None else (ids, targets)
    times: dict[str, list[float]] = {"fp32": [], "bf16": []}
    with torch.random.fork_rng(devices=[ids.device] if ids.is_cuda else []):
        begun = time.perf_counter()
        while len(times["bf16"]) < 3 or (len(times["bf16"]) < 12 and time.perf_counter() - begun < SECONDS):
            for precision, kept in times.items():
                try:
                    kept.append(_time(copied, short, aims, precision, loss))
                except RuntimeError:  # a layer without a bf16 kernel
                    return "fp32", "this network does not run in bf16 here"
    gain = min(times["fp32"][1:]) / min(times["bf16"][1:])
    least = DOUBT if _made_for_bf16(model, ids.device) else GAIN
    return ("bf16" if gain >= least else "fp32"), f"bf16 autocast runs at {gain:.2f}x the speed of fp32 here"


def _made_for_bf16(model: nn.Module, device: torch.device) -> bool:
    """oneDNN's fused bf16 LSTM on a CPU with instructions for it runs at twice the speed of fp32, when it is let."""
    supported = getattr(torch.cpu, "_is_avx512_bf16_supported", None)
    fused = any(isinstance(part, nn.LSTM) for part in model.modules())
    return device.type == "cpu" and fused and supported is not None and bool(supported())


def _time(
    model: nn.Module, ids: Tensor, targets: Tensor, precision: str, loss: Callable[[Tensor, Tensor], Tensor]
) -> float:
    if ids.is_cuda:
        torch.cuda.synchronize()
    begin = time.perf_counter()
    with autocast(ids.device, precision):
        answer = model(ids)
        logits = answer[0] if isinstance(answer, tuple) else answer
        value = loss(logits, targets)
    value.backward()  # type: ignore[no-untyped-call]
    model.zero_grad()
    if ids.is_cuda:
        torch.cuda.synchronize()
    return time.perf_counter() - begin
