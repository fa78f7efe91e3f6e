"""`cellscope train FILE`: train a character-level network, and say how it goes."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from cellscope.cli.say import bar, note
from cellscope.training.config import DECAYS, DEFAULT_MINUTES, PRECISIONS, VAL_FRACTION, ModelOptions, TrainingConfig

if TYPE_CHECKING:
    from types import FrameType

    from cellscope.pipeline.training import Event, TextSession

MODEL, TRAINING = ModelOptions(), TrainingConfig()
CHANGEABLE = {"file", "run", "runs", "resume", "minutes", "epochs", "encoding", "as_bytes"}
"""Options that may be given beside --resume."""


@click.command(context_settings={"show_default": True})
@click.argument("file", required=False)
@click.option("--run", help="Name of the new run (or of the one to resume).  [default: from FILE]", metavar="NAME")
@click.option("--runs", default="runs", type=click.Path(path_type=Path), help="Folder that holds the runs.")
@click.option("--resume", is_flag=True, help="Go on exactly where a run was stopped or killed.")
@click.option("--minutes", type=float, help=f"Train so long in all.  [default: {DEFAULT_MINUTES:g}, without --epochs]")
@click.option("--epochs", "--max-epochs", "epochs", type=float, help="Train so many passes over the text.")
@click.option("--model", type=click.Choice(["lstm", "gru", "rnn"]), default=MODEL.kind, help="Kind of network.")
@click.option("--num-layers", type=int, default=MODEL.layers, help="Recurrent layers.")
@click.option("--rnn-size", type=int, default=MODEL.size, help="Units of a layer.")
@click.option("--embedding", type=int, default=MODEL.embedding, help="Size of the embedding; 0 for one-hot.")
@click.option("--dropout", type=float, default=MODEL.dropout, help="Dropout after every layer.")
@click.option("--seq-length", type=int, default=TRAINING.seq_length, help="Characters of a lane in one step.")
@click.option("--batch-size", type=int, default=TRAINING.batch_size, help="Lanes that are read side by side.")
@click.option("--learning-rate", type=float, default=TRAINING.learning_rate, help="Highest learning rate of Adam.")
@click.option("--warm-up", type=int, default=TRAINING.warm_up, help="Steps in which the rate rises to it.")
@click.option("--decay", type=click.Choice(DECAYS), default=TRAINING.decay, help="How it falls (see docs/training.md).")
@click.option("--grad-clip", type=float, default=TRAINING.grad_clip, help="Bound of the gradient's norm; 0 for none.")
@click.option("--val-fraction", type=float, default=VAL_FRACTION, help="Part of the text, at its end, held back.")
@click.option("--vocabulary-size", type=int, default=1024, help="Most symbols; the rarer ones become 'other'.")
@click.option("--bytes", "as_bytes", is_flag=True, help="Read bytes, not characters.")
@click.option("--encoding", default="utf-8", help="Encoding of FILE.")
@click.option("--seed", type=int, default=TRAINING.seed, help="Seed of everything random.")
@click.option("--precision", type=click.Choice(PRECISIONS), default=TRAINING.precision, help="auto: timed, see docs.")
@click.option("--device", default=TRAINING.device, help="cpu, cuda, ...; auto takes a GPU where there is one.")
@click.pass_context
def train(ctx: click.Context, /, **options: Any) -> None:
    """Train a network on the text FILE, or on a known corpus (see `cellscope corpus list`), into runs/NAME.

    Ctrl-C keeps what was learned; --resume goes on from there.
    """
    session = _resumed(ctx, options) if options["resume"] else _begun(options)
    run = session.run
    note(
        f"run {run.name}: {session.network.description}, {session.info['parameters']:,} parameters, "
        f"{session.info['precision']} on {session.trainer.device} ({session.info['precision_reason']})"
    )
    with bar("training") as progress, interruptible() as stop:
        finished = session.train(on_event=Speaker(session, progress).hear, stop=stop)
    if not finished:
        again = f"cellscope train --resume --run {run.name}"
        if options["runs"] != Path("runs"):
            again += f" --runs {options['runs']}"
        note(f"stopped at step {session.trainer.step_count:,}; go on with: {again}")
        ctx.exit(130)
    click.echo(summary(session))


def _begun(options: dict[str, Any]) -> TextSession:
    from cellscope.data.corpora import resolve
    from cellscope.data.text import Corpus
    from cellscope.errors import InputError
    from cellscope.pipeline.training import begin
    from cellscope.training.run import check_name

    if not options["file"]:
        raise InputError("train needs a text FILE, or the name of a known corpus, such as python")
    if options["run"] is not None and (options["runs"] / check_name(options["run"])).exists():
        raise InputError(f"there is a run {options['run']!r} already; try --resume, or another name with --run")
    model = ModelOptions(
        kind=options["model"],
        layers=options["num_layers"],
        size=options["rnn_size"],
        embedding=options["embedding"],
        dropout=options["dropout"],
    )
    own = {name: options[name] for name in TrainingConfig.__dataclass_fields__ if name in options}
    config = TrainingConfig(**own)
    with bar("reading", unit="") as progress:
        path = resolve(options["file"], progress=progress)
        corpus = Corpus.open(path, encoding=options["encoding"], as_bytes=options["as_bytes"], progress=progress)
        return begin(
            corpus,
            runs=options["runs"],
            name=options["run"],
            model=model,
            config=config,
            encoding=options["encoding"],
            vocabulary_size=options["vocabulary_size"],
            val_fraction=options["val_fraction"],
            progress=progress,
        )


def _resumed(ctx: click.Context, options: dict[str, Any]) -> TextSession:
    from cellscope.data.corpora import resolve
    from cellscope.data.text import Corpus
    from cellscope.errors import InputError
    from cellscope.pipeline.training import proceed
    from cellscope.training.run import latest_run, open_run

    given = click.core.ParameterSource.COMMANDLINE
    fixed = [name for name in options if name not in CHANGEABLE and ctx.get_parameter_source(name) == given]
    if fixed:
        named = ", ".join("--" + name.replace("_", "-") for name in fixed)
        raise InputError(f"{named} cannot change on --resume: the run knows it; leave it out, or start a new run")
    run = open_run(options["run"], options["runs"]) if options["run"] else latest_run(options["runs"])
    corpus = None
    if options["file"]:
        known = run.info().get("corpus") or {}
        corpus = Corpus.open(
            resolve(options["file"]), encoding=known.get("encoding", "utf-8"), as_bytes=bool(known.get("as_bytes"))
        )
    return proceed(run, corpus=corpus, minutes=options["minutes"], epochs=options["epochs"])


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

    def __init__(self, session: TextSession, progress: Callable[[int, int, str], None] | None) -> None:
        self.progress, self.xz = progress, session.info.get("xz_bits")
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
            note(f"{step.fraction:4.0%}  step {step.step:,}  {speed:,.0f} chars/s  {self._losses(event)}")
        if event.sample is not None:
            note("\n".join("    | " + line for line in _printable(event.sample).splitlines()))

    def _losses(self, event: Event) -> str:
        text = "" if event.train is None else f"train {_both(event.train)}"
        if self.validation is not None:
            text += f"  validation {_both(self.validation)}"
        return text + (f"  xz {self.xz:.2f} bpc" if self.xz is not None else "")


def _both(nats: float) -> str:
    return f"{nats:.3f} nats ({nats / 0.6931471805599453:.2f} bpc)"


def _printable(text: str) -> str:
    """The text without what could steer a terminal."""
    return "".join(c if c.isprintable() or c in "\n\t" else "\N{REPLACEMENT CHARACTER}" for c in text)


def summary(session: TextSession) -> str:
    """How a run ended: steps, minutes, and the validation loss beside xz's."""
    info = session.info
    minutes = info["seconds"] / 60
    lines = [f"run {session.run.name}: {info['step']:,} steps in {minutes:.1f} minutes, {session.run.path}"]
    if info.get("validation"):
        held = info["validation"]
        lines.append(
            f"validation loss {held['nats']:.4f} nats, {held['bits']:.3f} bits per character "
            f"over {held['characters']:,} held-back characters; xz needs {info['xz_bits']:.3f}"
        )
    elif info.get("train_nats") is not None:
        lines.append(f"training loss {_both(info['train_nats'])}; nothing was held back")
    return "\n".join(lines)
