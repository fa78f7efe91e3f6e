"""Which recurrent layers a model uses at all: a module may hold more of them than a forward pass goes through."""

from __future__ import annotations

from torch import Tensor, nn

from cellscope.hooks.listen import listen
from cellscope.hooks.sites import Layer, recurrent_layers


def firing_layers(model: nn.Module, ids: Tensor) -> tuple[Layer, ...]:
    """The recurrent layers that take part in a forward pass over `ids` [lane, step], in the order of named modules."""
    with listen(model, (), carry=True) as ear:
        model(ids)
        fired = ear.carried()
    return tuple(layer for layer in recurrent_layers(model) if layer.module_path in fired)
