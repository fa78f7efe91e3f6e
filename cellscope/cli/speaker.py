"""How a training is told to a person: a bar or lines, losses, samples, and how it ended."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING

from cellscope.cli.say import note

if TYPE_CHECKING:
    from types import FrameType

    from cellscope.training.session import Event, Session


@contextmanager
def interruptible() -> Iterator[Callable[[], bool]]:
    """The first Ctrl-C (or SIGTERM) asks the loop to stop after its step; the second one ends it at once."""
    import signal

    asked: list[int] = []

    def ask(number: int, frame: FrameType | None) -> None:
        if asked:
            raise KeyboardInterrupt
        asked.append(number)

    before = {number: signal.signal(number, ask) for number in (signal.SIGINT, signal.SIGTERM)}
    try:
        yield lambda: bool(asked)
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)


class Speaker:
    """Turns events into a bar on a terminal, and into plain lines now and then elsewhere."""

    def __init__(self, session: Session, progress: Callable[[int, int, str], None] | None) -> None:
        self.progress, self.xz = progress, session.info.get("xz_bits")
        self.unit = session.unit
        self.say = _both if session.unit == "chars" else _nats
        self.validation: float | None = None
        self.said = float("-inf")

    def hear(self, event: Event) -> None:
        step = event.step
        self.validation = event.validation if event.validation is not None else self.validation
        total = round(step.characters / max(step.fraction, 1e-6))
        if self.progress is not None:
            self.progress(step.characters, max(total, step.characters), self._losses(event))
        elif event.validation is not None or step.seconds - self.said >= 10:
            self.said = step.seconds
            speed = step.characters / max(step.seconds, 1e-9)
            note(f"{step.fraction:4.0%}  step {step.step:,}  {speed:,.0f} {self.unit}/s  {self._losses(event)}")
        if event.sample is not None:
            note("\n".join("    | " + line for line in _printable(event.sample).splitlines()))

    def _losses(self, event: Event) -> str:
        text = "" if event.train is None else f"train {self.say(event.train)}"
        if self.validation is not None:
            text += f"  validation {self.say(self.validation)}"
        return text + (f"  xz {self.xz:.2f} bpc" if self.xz is not None else "")


def _both(nats: float) -> str:
    return f"{nats:.3f} nats ({nats / 0.6931471805599453:.2f} bpc)"


def _nats(nats: float) -> str:
    return f"{nats:.3f} nats"


def _printable(text: str) -> str:
    """The text without what could steer a terminal."""
    return "".join(c if c.isprintable() or c in "\n\t" else "\N{REPLACEMENT CHARACTER}" for c in text)


def summary(session: Session) -> str:
    """How a run ended: steps, minutes, and the validation loss (beside xz's) or accuracy."""
    info = session.info
    minutes = info["seconds"] / 60
    lines = [f"run {session.run.name}: {info['step']:,} steps in {minutes:.1f} minutes, {session.run.path}"]
    if "accuracy" in info.get("validation", {}):
        held = info["validation"]
        lines.append(f"{held['accuracy']:.1%} of {held['pictures']:,} held-back pictures are told right")
    elif info.get("validation"):
        held = info["validation"]
        lines.append(
            f"validation loss {held['nats']:.4f} nats, {held['bits']:.3f} bits per character "
            f"over {held['characters']:,} held-back characters; xz needs {info['xz_bits']:.3f}"
        )
    elif info.get("train_nats") is not None:
        lines.append(f"training loss {_both(info['train_nats'])}; nothing was held back")
    return "\n".join(lines)
