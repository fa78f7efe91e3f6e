"""`with` a ReluMode every ReLU, as a module or a function, is its `relu`; the model is left as it is."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Iterable, Mapping
from typing import Any

import torch
from torch import Tensor
from torch.overrides import TorchFunctionMode

IN_PLACE = {torch.nn.functional.relu_, torch.relu_, Tensor.relu_}
RELUS = {torch.nn.functional.relu, torch.relu, Tensor.relu, *IN_PLACE}


class ReluMode(TorchFunctionMode, ABC):
    """Catches calls, not modules. A ReLU that works in place still rewrites what it was given."""

    @abstractmethod
    def relu(self, inputs: Tensor) -> Tensor:
        """What a ReLU gives, with a backward of its own that needs no more of `inputs` once this has returned."""

    def __torch_function__(
        self, func: Any, types: Iterable[Any], args: tuple[Any, ...] = (), kwargs: Mapping[str, Any] | None = None
    ) -> Any:
        kwargs = kwargs or {}
        if func not in RELUS:
            return func(*args, **kwargs)
        inputs: Tensor = args[0] if args else kwargs["input"]
        made = self.relu(inputs)
        # F.relu hands on its `inplace` by name, however it was given
        return inputs.copy_(made) if func in IN_PLACE or kwargs.get("inplace") else made
