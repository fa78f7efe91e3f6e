"""The training loop. It knows no model of ours, no file and no printing: modules, batches and numbers only."""

from __future__ import annotations

import math
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor, nn

from cellscope.errors import CellscopeError
from cellscope.models.char_rnn import negative_log_likelihood
from cellscope.training.config import TrainingConfig
from cellscope.training.lanes import Batches
from cellscope.training.precision import autocast
from cellscope.training.schedule import learning_rate

Loss = Callable[[Tensor, Tensor], Tensor]
"""(what the model gives, targets) -> the mean loss, a number."""
EXPLODED = 3.0
"""A loss this many times the first one ends the training (as in char-rnn)."""


class DivergedError(CellscopeError):
    """The loss is no number any more, or has exploded."""


@dataclass(frozen=True)
class Step:
    """What one step of training came to: the loss (nats per character) is that before the update, the rest after it."""

    step: int
    epoch: float
    fraction: float
    seconds: float
    characters: int
    loss: float
    rate: float
    grad_norm: float


class Trainer:
    """Trains `model` on `batches` with Adam (Kingma & Ba 2015), carrying the state from batch to batch within an epoch.

    `capture()` and `restore()` hold all that decides what comes next, so that a restored trainer gives the same losses
    to the last bit. `clock` counts seconds; what `minutes` ends and schedules is the time since the first start.
    """

    def __init__(
        self,
        model: nn.Module,
        batches: Batches,
        config: TrainingConfig,
        *,
        precision: str = "fp32",
        loss: Loss = negative_log_likelihood,
        clock: Callable[[], float] = time.perf_counter,
    ) -> None:
        self.model, self.batches, self.config, self.precision, self.loss = model, batches, config, precision, loss
        self.device = next(model.parameters()).device
        self.optimiser = torch.optim.Adam(model.parameters(), lr=config.learning_rate, betas=(0.9, 0.99), fused=True)
        self.step_count = 0
        self.state: Any = None
        self.first_loss: float | None = None
        self.clock = clock
        self._began = clock()
        self._before = 0.0
        with self._own_randomness(None):
            torch.manual_seed(config.seed)

    @property
    def seconds(self) -> float:
        """Training time so far, over all resumptions."""
        return self._before + self.clock() - self._began

    @property
    def epoch(self) -> float:
        return self.step_count / self.batches.per_epoch

    @property
    def characters(self) -> int:
        """Characters read so far."""
        return self.step_count * self.batches.lanes * self.batches.steps

    def fraction(self, seconds: float) -> float:
        """How much of the training is done, 0 to 1 and beyond."""
        parts = [0.0]
        if self.config.epochs is not None:
            parts.append(self.step_count / max(1, round(self.config.epochs * self.batches.per_epoch)))
        if self.config.minutes is not None:
            parts.append(seconds / max(60 * self.config.minutes, 1e-9))
        return max(parts)

    @property
    def done(self) -> bool:
        return self.fraction(self.seconds) >= 1

    def step(self) -> Step:
        """One batch, one update; DivergedError, and no update, where the loss or the gradient blew up."""
        fraction = self.fraction(self.seconds)
        rate = learning_rate(self.config, step=self.step_count, epoch=self.epoch, fraction=fraction)
        epoch, index = divmod(self.step_count, self.batches.per_epoch)
        ids, targets = (part.to(self.device, non_blocking=True) for part in self.batches.batch(epoch, index))
        self.model.train()
        with self._own_randomness(self._random):
            loss, norm, state = self._gradient(ids, targets, None if index == 0 else self.state)
        self._check(loss, norm)
        for group in self.optimiser.param_groups:
            group["lr"] = rate
        self.optimiser.step()
        self.state = state
        self.step_count += 1
        seconds = self.seconds
        fraction = min(1.0, self.fraction(seconds))
        return Step(self.step_count, self.epoch, fraction, seconds, self.characters, loss, rate, norm)

    def _gradient(self, ids: Tensor, targets: Tensor, state: Any) -> tuple[float, float, Any]:
        with autocast(self.device, self.precision):
            answer = self.model(ids, state) if state is not None else self.model(ids)
            logits, state = answer if isinstance(answer, tuple) else (answer, None)
            loss = self.loss(logits, targets)
        self.optimiser.zero_grad()
        loss.backward()  # type: ignore[no-untyped-call]
        limit = self.config.grad_clip or math.inf
        norm = nn.utils.clip_grad_norm_(self.model.parameters(), limit)
        return float(loss.detach()), float(norm), detach(state)

    def _check(self, loss: float, norm: float) -> None:
        if self.first_loss is None:
            self.first_loss = loss
        if not math.isfinite(loss) or not math.isfinite(norm):
            what = f"the loss became {loss}" if not math.isfinite(loss) else f"the gradient became {norm}"
        elif loss > EXPLODED * self.first_loss:
            what = f"the loss exploded to {loss:.2f}, from {self.first_loss:.2f} at the start"
        else:
            return
        raise DivergedError(f"{what} at step {self.step_count + 1}; try a lower --learning-rate or --grad-clip")

    def _own_randomness(self, state: Tensor | None) -> _OwnRandomness:
        return _OwnRandomness(self, state)

    _random: Tensor

    def capture(self) -> tuple[dict[str, Tensor], dict[str, Any]]:
        """All that decides what comes next, as (tensors on the CPU, numbers); copies."""
        tensors = {f"model.{name}": tensor for name, tensor in self.model.state_dict().items()}
        for name, parameter in self.model.named_parameters():
            for key, value in self.optimiser.state.get(parameter, {}).items():
                tensors[f"optimiser.{name}.{key}"] = torch.as_tensor(value)
        kind, parts = flatten(self.state)
        tensors |= {f"state.{index}": part for index, part in enumerate(parts)}
        tensors["random.cpu"] = self._random
        copied = {name: tensor.detach().to("cpu", copy=True).contiguous() for name, tensor in tensors.items()}
        return copied, {
            "step": self.step_count,
            "seconds": self.seconds,
            "first_loss": self.first_loss,
            "state": kind,
            "precision": self.precision,
        }

    def restore(self, tensors: dict[str, Tensor], numbers: dict[str, Any]) -> None:
        """Go on exactly where `capture` was called."""
        own = {name.removeprefix("model."): tensor for name, tensor in tensors.items() if name.startswith("model.")}
        self.model.load_state_dict(own)
        for name, parameter in self.model.named_parameters():
            prefix = f"optimiser.{name}."
            held = {key.removeprefix(prefix): value for key, value in tensors.items() if key.startswith(prefix)}
            if held:
                self.optimiser.state[parameter] = {
                    key: value.clone().to(self.device if value.dim() or self.device.type == "cuda" else "cpu")
                    for key, value in held.items()
                }
        parts = [tensors[f"state.{index}"] for index in range(sum(name.startswith("state.") for name in tensors))]
        self.state = unflatten(numbers["state"], [part.to(self.device) for part in parts])
        self._random = tensors["random.cpu"].clone()
        self.step_count, self.first_loss = int(numbers["step"]), numbers["first_loss"]
        self._before, self._began = float(numbers["seconds"]), self.clock()


class _OwnRandomness:
    """Within it torch draws from the trainer's own random state; the caller's is put back afterwards."""

    def __init__(self, trainer: Trainer, state: Tensor | None) -> None:
        self.trainer, self.state = trainer, state

    def __enter__(self) -> None:
        self.outer = torch.get_rng_state()
        if self.state is not None:
            torch.set_rng_state(self.state)

    def __exit__(self, *_: object) -> None:
        self.trainer._random = torch.get_rng_state()
        torch.set_rng_state(self.outer)


def fit(trainer: Trainer, *, stop: Callable[[], bool] | None = None) -> Iterator[Step]:
    """Step until the training is done or `stop()` says so; what happens between two steps is the caller's."""
    while not trainer.done and not (stop is not None and stop()):
        yield trainer.step()


def detach(state: Any) -> Any:
    """The same state, cut off from the graph that made it."""
    if isinstance(state, Tensor):
        return state.detach()
    return tuple(detach(part) for part in state) if isinstance(state, (tuple, list)) else state


def flatten(state: Any) -> tuple[str, list[Tensor]]:
    """A state as ("none" | "tensor" | "tuple", its tensors)."""
    if state is None:
        return "none", []
    if isinstance(state, Tensor):
        return "tensor", [state]
    if isinstance(state, (tuple, list)) and all(isinstance(part, Tensor) for part in state):
        return "tuple", list(state)
    raise CellscopeError(f"a carried state must be a tensor or a tuple of tensors, not {type(state).__name__}")


def unflatten(kind: str, parts: list[Tensor]) -> Any:
    """The state that `flatten` took apart."""
    return None if kind == "none" else parts[0] if kind == "tensor" else tuple(parts)
