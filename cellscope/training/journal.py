"""The run's history as it grows: losses.csv and samples.txt, cut back to a checkpoint's length on resuming."""

from __future__ import annotations

from typing import Any

from cellscope.training.loop import Step
from cellscope.training.run import RunFolder

COLUMNS = ("step", "epoch", "seconds", "characters", "train_nats", "validation_nats", "learning_rate", "grad_norm")
EVERY = 10
"""Steps whose mean loss makes one row of losses.csv; the first ten steps are rows of their own."""


class Journal:
    """Collects steps into rows; `mark()` is what a checkpoint must hold so that `rewind` can go on from there."""

    def __init__(self, run: RunFolder) -> None:
        self.run = run
        self.sum, self.count = 0.0, 0
        self.train: float | None = None
        for path, head in ((run.losses, ",".join(COLUMNS) + "\n"), (run.samples, "")):
            if not path.exists():
                path.write_text(head, "utf-8")

    def add(self, step: Step, validation: float | None = None) -> None:
        """Take a step in; write a row where ten have come together or a validation loss is known."""
        self.sum += step.loss
        self.count += 1
        if step.step > EVERY and step.step % EVERY and validation is None:
            return
        self.train = self.sum / self.count
        self.sum, self.count = 0.0, 0
        checked = "" if validation is None else repr(validation)
        row = f"{step.step},{step.epoch:.6f},{step.seconds:.3f},{step.characters},{self.train!r},{checked}"
        self._append("losses.csv", f"{row},{step.rate:.6g},{step.grad_norm:.6g}\n")

    def sample(self, step: int, text: str) -> None:
        self._append("samples.txt", f"--- step {step} ---\n{text}\n\n")

    def mark(self) -> dict[str, Any]:
        sizes = {path.name: path.stat().st_size for path in (self.run.losses, self.run.samples)}
        return {"sum": self.sum, "count": self.count, "train": self.train, "sizes": sizes}

    def rewind(self, mark: dict[str, Any]) -> None:
        """Forget everything after `mark`, so that resumed training writes each row once."""
        self.sum, self.count, self.train = float(mark["sum"]), int(mark["count"]), mark["train"]
        for path in (self.run.losses, self.run.samples):
            with path.open("r+b") as file:
                file.truncate(min(int(mark["sizes"][path.name]), path.stat().st_size))

    def _append(self, name: str, text: str) -> None:
        with (self.run.path / name).open("a", encoding="utf-8", newline="") as file:
            file.write(text)
