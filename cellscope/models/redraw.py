"""The same architecture with other weights: the control that a claim about a trained network stands beside."""

from __future__ import annotations

import copy

import torch
from torch import nn


def redrawn(module: nn.Module, seed: int) -> nn.Module:
    """A copy with all weights drawn anew from `seed`; the module itself is left as it is."""
    other = copy.deepcopy(module)
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        _redraw_rest(other, _redraw(other, ""))
    return other


def _redraw(module: nn.Module, prefix: str) -> set[str]:
    """Call `reset_parameters` of the outermost modules that have it; return the names of the parameters so drawn."""
    reset = getattr(module, "reset_parameters", None)
    if callable(reset):
        reset()
        return {prefix + name for name, _ in module.named_parameters(remove_duplicate=False)}
    drawn: set[str] = set()
    for name, child in module.named_children():
        drawn |= _redraw(child, f"{prefix}{name}.")
    return drawn


@torch.no_grad()
def _redraw_rest(module: nn.Module, drawn: set[str]) -> None:
    """Parameters that no `reset_parameters` reaches are drawn from a normal of their own mean and spread."""
    for name, parameter in module.named_parameters(remove_duplicate=False):
        if name not in drawn and parameter.numel() > 1 and parameter.is_floating_point():
            parameter.normal_(float(parameter.mean()), float(parameter.std()))
