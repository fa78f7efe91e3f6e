"""One training of one run folder: steps, and between them losses, snapshots, checkpoints, best weights."""

from __future__ import annotations

import json
import math
import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from torch import Tensor, nn

from cellscope.errors import InputError
from cellscope.training.checkpoint import read_checkpoint, write_checkpoint, write_text
from cellscope.training.journal import Journal
from cellscope.training.lock import Lock
from cellscope.training.loop import DivergedError, Step, Trainer, fit
from cellscope.training.run import RunFolder

EVALUATE_EVERY = 250
CHECKPOINT_SECONDS = 20.0


@dataclass(frozen=True)
class Event:
    """What the listener hears after a step; `validation` and `sample` only where there is a new one."""

    step: Step
    train: float | None
    validation: float | None = None
    sample: str | None = None


class Session:
    """Runs a trainer and keeps its run folder; killed at any instant, the folder holds a checkpoint to go on from.

    A checkpoint is written only after the next step has shown its weights to be good, so the last one always is. What
    is learned from, and so how the network is measured, is said by its children, for texts and for pictures.
    """

    unit = "chars"
    """What its speed is counted in."""

    def __init__(self, run: RunFolder, trainer: Trainer) -> None:
        self.run, self.trainer = run, trainer
        self.description = run.name
        self.info = run.info()
        self.lock = Lock(run.path)
        self.journal = Journal(run)
        self.best: dict[str, Any] | None = None
        self._pending: tuple[dict[str, Tensor], dict[str, Any]] | None = None
        self._saved = time.monotonic()

    def measure(self, *, whole: bool) -> dict[str, Any] | None:
        """The loss in "nats" on what was held back, on some of it or the `whole`; None where nothing was."""
        raise NotImplementedError

    def sample(self, step: int) -> str | None:
        """Something of the network's own to look at after `step`, where it is time for it."""
        return None

    def resume(self, info: dict[str, Any]) -> None:
        """Go on from the last checkpoint, if there is one, as `info` says; InputError where the run is finished.

        A run that was killed between its last step and its final evaluation has only that left to do.
        """
        self.lock.take()  # before the history is cut back to the checkpoint's length
        self.info = info
        try:
            if self.run.weights("last").is_file():
                self.restore()
        except InputError:
            self.lock.release()
            raise
        if self.trainer.done and info.get("state") == "finished":
            self.lock.release()
            raise InputError(f"run {self.run.name} is finished; to train on, give more --minutes or --epochs in all")

    def restore(self) -> None:
        """Go on from the last checkpoint; InputError where it is not one of this run's network."""
        path = self.run.weights("last")
        tensors, description = read_checkpoint(path)
        try:
            self.trainer.restore(tensors, description["trainer"])
            self.journal.rewind(description["journal"])
            # The weights themselves say what they are: a run may have been killed after they were written, and before
            # anything else was.
            self.best = self.run.best()
        except (RuntimeError, KeyError) as error:
            reason = " ".join(str(error).split())[:200]
            raise InputError(f"{path} does not fit the run.json beside it: {reason}") from error

    def train(self, *, on_event: Callable[[Event], None] | None = None, stop: Callable[[], bool] | None = None) -> bool:
        """Train to the end (True) or until `stop()` (False); on DivergedError the last good checkpoint stays.

        InputError where somebody else trains this run.
        """
        self.lock.take()
        try:
            return self._train(on_event, stop)
        finally:
            self.lock.release()

    def _train(self, on_event: Callable[[Event], None] | None, stop: Callable[[], bool] | None) -> bool:
        if self.trainer.step_count == 0:
            self._snapshot()
            self._capture()
            self._write()
        try:
            for step in fit(self.trainer, stop=stop):
                event = self._after(step)
                if on_event is not None:
                    on_event(event)
        except DivergedError as error:
            self._say(f"stopped: {error}")
            at = read_checkpoint(self.run.weights("last"))[1]["trainer"]["step"]
            raise DivergedError(f"{error}; run {self.run.name} keeps its checkpoint of step {at:,}") from error
        self._capture()
        self._write()
        finished = self.trainer.done
        if finished:
            self._snapshot()
            self._finish()
        else:
            self._say("interrupted")
        return finished

    def _after(self, step: Step) -> Event:
        self._write()
        validation = self._validate() if _evaluates(step.step) else None
        self.journal.add(step, validation)
        text = self.sample(step.step)
        if text is not None:
            self.journal.sample(step.step, text)
        if _is_power_of_two(step.step):
            self._snapshot()
        if validation is not None or time.monotonic() - self._saved > CHECKPOINT_SECONDS:
            self._capture()
        return Event(step, self.journal.train, validation, text)

    def _validate(self) -> float | None:
        """The loss on some of what was held back; the best weights so far are kept."""
        measured = self.measure(whole=False)
        if measured is None:
            return None
        loss = float(measured["nats"])
        if math.isfinite(loss) and (self.best is None or loss < self.best["nats"]):
            self.best = {"step": self.trainer.step_count, "nats": loss}
            self.info.pop("validation", None)  # of the weights that are replaced now
            write_checkpoint(self.run.path / "best.safetensors", self._weights(), self.best)
        return loss

    def _finish(self) -> None:
        if self._validate() is not None:
            model: nn.Module = self.trainer.model
            tensors, _ = read_checkpoint(self.run.weights("best"))
            model.load_state_dict({name.removeprefix("model."): tensor for name, tensor in tensors.items()})
            self.info["validation"] = {**(self.measure(whole=True) or {}), "weights": "best"}
        self._say("finished")

    def _weights(self) -> dict[str, Tensor]:
        return {f"model.{name}": tensor for name, tensor in self.trainer.model.state_dict().items()}

    def _snapshot(self) -> None:
        """Keep the weights of this step for later study; the index says when each was taken."""
        step, known = self.trainer.step_count, {}
        about = {"step": step, "characters": self.trainer.characters, "seconds": self.trainer.seconds}
        write_checkpoint(self.run.snapshot(step), self._weights(), about)
        index = self.run.path / "snapshots" / "index.json"
        if index.is_file():
            known = {item["step"]: item for item in json.loads(index.read_text("utf-8"))}
        known[step] = about
        write_text(index, json.dumps([known[key] for key in sorted(known)], indent=1) + "\n")

    def _capture(self) -> None:
        tensors, numbers = self.trainer.capture()
        self._pending = tensors, {"trainer": numbers, "journal": self.journal.mark(), "best": self.best}

    def _write(self) -> None:
        if self._pending is None:
            return
        tensors, description = self._pending
        write_checkpoint(self.run.weights("last"), tensors, description | {"step": description["trainer"]["step"]})
        self._pending, self._saved = None, time.monotonic()
        self._say("training")

    def _say(self, state: str) -> None:
        self.info |= {
            "state": state,
            "step": self.trainer.step_count,
            "seconds": self.trainer.seconds,
            "train_nats": self.journal.train,
            "best": self.best,
        }
        self.run.write_info(self.info)


def _is_power_of_two(number: int) -> bool:
    return number > 0 and number & (number - 1) == 0


def _evaluates(step: int) -> bool:
    return step % EVALUATE_EVERY == 0 or (16 <= step < EVALUATE_EVERY and _is_power_of_two(step))
