"""Everything that decides how a network is trained, apart from its shapes and its text."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import asdict, dataclass, replace
from typing import Any

from cellscope.errors import InputError

PRECISIONS = ("auto", "fp32", "bf16")
DECAYS = ("cosine", "epochs", "none")
DEFAULT_MINUTES = 5.0
VAL_FRACTION = 0.05


@dataclass(frozen=True)
class ModelOptions:
    """The shapes of a network before its vocabulary is counted; `CharRNNConfig` says what is allowed."""

    kind: str = "lstm"
    layers: int = 1
    size: int = 256
    embedding: int = 64
    dropout: float = 0.0


@dataclass(frozen=True)
class TrainingConfig:
    """How to train; the defaults are those of the command line, and suit a 1x256 LSTM on some megabytes of text.

    Training ends after `epochs` passes or `minutes`, whichever comes first; after five minutes where neither is given.
    `decay`: "cosine" falls to `final_rate` of the learning rate over the whole training, "epochs" multiplies it by
    0.97 per epoch after the tenth (char-rnn's train.lua), "none" keeps it. `warm_up` counts steps of linear rise.
    `grad_clip` bounds the norm of the whole gradient; 0 for none. (char-rnn clips every value at 5 instead.)
    """

    seq_length: int = 128
    batch_size: int = 64
    learning_rate: float = 4e-3
    warm_up: int = 100
    decay: str = "cosine"
    final_rate: float = 0.05
    grad_clip: float = 5.0
    epochs: float | None = None
    minutes: float | None = None
    seed: int = 123
    precision: str = "auto"
    device: str = "auto"

    def __post_init__(self) -> None:
        self._need("seq_length", 1, 1_000_000, whole=True)
        self._need("batch_size", 1, 1_000_000, whole=True)
        self._need("learning_rate", 0, 1000)
        self._need("warm_up", 0, 10**9, whole=True)
        self._need("final_rate", 0, 1)
        self._need("grad_clip", 0, 10**9)
        self._need("seed", 0, 2**63 - 1, whole=True)
        if self.epochs is None and self.minutes is None:
            object.__setattr__(self, "minutes", DEFAULT_MINUTES)
        for name in ("epochs", "minutes"):
            if getattr(self, name) is not None:
                self._need(name, 0, 10**7)
        for name, known in (("precision", PRECISIONS), ("decay", DECAYS)):
            if getattr(self, name) not in known:
                raise InputError(f"no {name} {getattr(self, name)!r}; there is {', '.join(known)}")

    def _need(self, name: str, low: float, high: float, *, whole: bool = False) -> None:
        value = getattr(self, name)
        number = isinstance(value, int) or (isinstance(value, float) and not whole)
        if not number or isinstance(value, bool) or not math.isfinite(value) or not low <= value <= high:
            kind = "a whole number" if whole else "a number"
            raise InputError(f"{name} must be {kind} from {low:,} to {high:,}, not {value!r}")

    def to_json(self) -> dict[str, Any]:
        return asdict(self)

    @classmethod
    def from_json(cls, data: Mapping[str, Any]) -> TrainingConfig:
        """The configuration that `to_json` wrote; InputError where a field is unknown or out of range."""
        unknown = sorted(set(data) - set(cls.__dataclass_fields__))
        if unknown:
            raise InputError(f"the training configuration has unknown fields: {', '.join(unknown)}")
        return cls(**data)


def revise(info: dict[str, Any], *, minutes: float | None, epochs: float | None, device: str | None = None) -> None:
    """Let the training that run.json describes go on to so many minutes or epochs in all, where either is given, and
    on another device, where that is.
    """
    config = TrainingConfig.from_json(info["training"])
    if minutes is not None or epochs is not None:
        config = replace(config, minutes=minutes, epochs=epochs)
    if device is not None and device != config.device:
        config = replace(config, device=device)
        if config.precision == "auto":
            info.pop("precision", None)  # what was quicker on the other one
    info["training"] = config.to_json()
