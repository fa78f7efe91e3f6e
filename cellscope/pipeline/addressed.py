"""A run at one time of its training, as it is written: `RUN`, `RUN@last`, `RUN@STEP`."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from cellscope.errors import MissingError
from cellscope.training.run import RUNS, RunFolder, open_run


@dataclass(frozen=True)
class Addressed:
    """A run, and which of its weights: best, last, or the step of a snapshot."""

    run: RunFolder
    which: str

    @property
    def name(self) -> str:
        """The run's name, and which of its weights where these are not the best."""
        return self.run.name if self.which == "best" else f"{self.run.name}@{self.which}"


def addressed(address: str, runs: Path = RUNS) -> Addressed:
    """What an address means; MissingError where there is no such run. A run whose own name has an @ comes first."""
    try:
        return Addressed(open_run(address, runs), "best")
    except MissingError:
        name, at, which = address.rpartition("@")
        if not at:
            raise
        return Addressed(open_run(name, runs), which)
