"""Which maps have their features on the last axis: Swin and ConvNeXt keep them so between their convolutions."""

from __future__ import annotations

from typing import Any

from torch import Tensor, nn


class FeaturesLast:
    """Hears every module of one pass, `hook` of each, and tells which outputs are [picture, row, column, feature].

    A Linear, and a LayerNorm over one axis, read and give features last. What a module gives in the shape that it was
    given has the layout of that, unless its axes were moved.
    """

    def __init__(self) -> None:
        self._known: list[Tensor] = []
        self._alike: list[tuple[Tensor, Tensor]] = []

    def hook(self, module: nn.Module, inputs: Any, output: Any) -> None:
        """A forward hook. Tensors are held, so that one that is handed on is known again."""
        given = inputs[0] if inputs else None
        if not (isinstance(given, Tensor) and isinstance(output, Tensor) and given.dim() == output.dim() == 4):
            return
        if _over_last_axis(module):
            self._known += [given, output]
        moved = given.data_ptr() == output.data_ptr() and given.stride() != output.stride()
        if given.shape == output.shape and not moved:
            self._alike.append((given, output))

    def outputs(self) -> set[int]:
        """The ids of the tensors that are so."""
        found, before = {id(tensor) for tensor in self._known}, -1
        while len(found) > before:
            before = len(found)
            for one, other in self._alike:
                if id(one) in found or id(other) in found:
                    found |= {id(one), id(other)}
        return found


def _over_last_axis(module: nn.Module) -> bool:
    """Whether it is a Linear, or a LayerNorm over one axis whose forward is torch's: others move the axes first."""
    if isinstance(module, nn.LayerNorm):
        return len(module.normalized_shape) == 1 and type(module).forward is nn.LayerNorm.forward
    return isinstance(module, nn.Linear)
