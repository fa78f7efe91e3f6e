"""`cellscope train FILE`: train a network on a text, on pictures or on rows of numbers, and say how it goes."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from cellscope.cli.pictures import set_given, set_options
from cellscope.cli.say import bar, note
from cellscope.cli.speaker import Speaker, interruptible, summary
from cellscope.training.config import DECAYS, DEFAULT_MINUTES, PRECISIONS, VAL_FRACTION, ModelOptions, TrainingConfig

if TYPE_CHECKING:
    from cellscope.training.session import Session

MODEL, TRAINING = ModelOptions(), TrainingConfig()
TEXT_ALONE = ("num_layers", "rnn_size", "embedding", "dropout", "seq_length", "vocabulary_size", "as_bytes", "encoding")
PICTURES_ALONE = ("widths", "pools", "reads", "hidden", "size", "fit", "channels", "label", "masks", "count")
FOR_TEXT, FOR_PICTURES = ("lstm", "gru", "rnn"), ("small_cnn", "mlp")
CHANGEABLE = {"file", "run", "runs", "resume", "minutes", "epochs", "device", "encoding", "as_bytes"}
"""Options that may be given beside --resume."""


@click.command(context_settings={"show_default": True})
@click.argument("file", required=False)
@click.option("--run", help="Name of the new run (or of the one to resume).  [default: from FILE]", metavar="NAME")
@click.option("--runs", default="runs", type=click.Path(path_type=Path), help="Folder that holds the runs.")
@click.option("--resume", is_flag=True, help="Go on exactly where a run was stopped or killed.")
@click.option("--minutes", type=float, help=f"Train so long in all.  [default: {DEFAULT_MINUTES:g}, without --epochs]")
@click.option("--epochs", "--max-epochs", "epochs", type=float, help="Train so many passes over the text.")
@click.option(
    "--model",
    type=click.Choice([*FOR_TEXT, *FOR_PICTURES]),
    show_default=False,
    help="Kind of network.  [default: lstm for a text, small_cnn for pictures, mlp for rows]",
)
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
@click.option(
    "--val-fraction",
    type=float,
    show_default=False,
    help=f"Part held back: of a text its end, of pictures any.  [default: {VAL_FRACTION:g}; pictures: 0.25]",
)
@click.option("--widths", default="16,32,64", help="small_cnn: channels of its convolutions.")
@click.option(
    "--pools",
    type=int,
    show_default=False,
    help="small_cnn: only so many of them, the first, halve rows and columns.  [default: all]",
)
@click.option(
    "--reads",
    type=click.Choice(["whole", "places"]),
    default="whole",
    help="small_cnn: whether its classifier reads the last maps as a whole or place by place.",
)
@click.option(
    "--hidden", type=int, show_default=False, help="Units of the hidden layer.  [default: small_cnn 64, mlp 200]"
)
@set_options
@click.option("--vocabulary-size", type=int, default=1024, help="Most symbols; the rarer ones become 'other'.")
@click.option("--bytes", "as_bytes", is_flag=True, help="Read bytes, not characters.")
@click.option("--encoding", default="utf-8", help="Encoding of FILE.")
@click.option("--seed", type=int, default=TRAINING.seed, help="Seed of everything random.")
@click.option("--precision", type=click.Choice(PRECISIONS), default=TRAINING.precision, help="auto: timed, see docs.")
@click.option("--device", default=TRAINING.device, help="cpu, cuda, ...; auto takes a GPU where there is one.")
@click.pass_context
def train(ctx: click.Context, /, **options: Any) -> None:
    """Train a network on FILE into runs/NAME: a text, a known corpus (see `cellscope corpus list`), pictures or rows.

    Pictures are a folder with one sub-folder a class, an idx file (MNIST), or one of the sets `shapes` and `digits`;
    rows a CSV (with --model mlp), parquet or npz file.

    Ctrl-C keeps what was learned; --resume goes on from there.
    """
    session = _resumed(ctx, options) if options["resume"] else _begun(ctx, options)
    run = session.run
    note(
        f"run {run.name}: {session.description}, {session.info['parameters']:,} parameters, "
        f"{session.info['precision']} on {session.trainer.device} ({session.info['precision_reason']})"
    )
    with bar("training", unit=session.unit) as progress, interruptible() as stop:
        finished = session.train(on_event=Speaker(session, progress).hear, stop=stop)
    if not finished:
        again = f"cellscope train --resume --run {run.name}"
        if options["runs"] != Path("runs"):
            again += f" --runs {options['runs']}"
        note(f"stopped at step {session.trainer.step_count:,}; go on with: {again}")
        ctx.exit(130)
    click.echo(summary(session))


def _begun(ctx: click.Context, options: dict[str, Any]) -> Session:
    """A new session, for what FILE is or --model says."""
    from cellscope.data.imagesets import is_image_set
    from cellscope.errors import InputError
    from cellscope.training.run import check_name

    if not options["file"]:
        raise InputError("train needs a FILE: a text, pictures, or the name of a known set, such as python or shapes")
    if options["run"] is not None and (options["runs"] / check_name(options["run"])).exists():
        raise InputError(f"there is a run {options['run']!r} already; try --resume, or another name with --run")
    model = options["model"]
    pictures = model in FOR_PICTURES or (model is None and is_image_set(options["file"]))
    foreign = TEXT_ALONE if pictures else PICTURES_ALONE
    given = [name for name in foreign if ctx.get_parameter_source(name) == click.core.ParameterSource.COMMANDLINE]
    if given:
        what = "a text" if pictures else "pictures"
        raise InputError(f"--{given[0].replace('_', '-')} is for {what}, and {options['file']} is not; leave it out")
    return _begun_pictures(options) if pictures else _begun_text(options)


def _begun_pictures(options: dict[str, Any]) -> Session:
    from cellscope.data.imagesets import open_images
    from cellscope.pipeline.picture_training import VAL_FRACTION as PICTURES_FRACTION
    from cellscope.pipeline.picture_training import begin_pictures

    reading = set_given(options)
    with bar("reading", unit="pictures") as progress:
        images = open_images(options["file"], **reading, progress=progress)
    for remark in images.remarks:
        note(remark)
    kind = options["model"] or ("mlp" if images.flat else "small_cnn")
    shapes: dict[str, Any] = {} if options["hidden"] is None else {"hidden": options["hidden"]}
    if kind == "small_cnn":
        shapes |= {"widths": _widths(options["widths"]), "pools": options["pools"], "reads": options["reads"]}
    config = TrainingConfig(**{name: options[name] for name in TrainingConfig.__dataclass_fields__ if name in options})
    fraction = PICTURES_FRACTION if options["val_fraction"] is None else options["val_fraction"]
    return begin_pictures(
        images, runs=options["runs"], name=options["run"], kind=kind, shapes=shapes, config=config,
        val_fraction=fraction, options=reading, fit=options.get("fit") or "crop",
    )  # fmt: skip


def _widths(text: str) -> tuple[int, ...]:
    from cellscope.errors import InputError

    try:
        return tuple(int(part) for part in text.split(","))
    except ValueError as error:
        raise InputError(f"--widths {text!r} is no list of whole numbers; write 16,32,64") from error


def _begun_text(options: dict[str, Any]) -> Session:
    from cellscope.data.corpora import resolve
    from cellscope.data.text import Corpus
    from cellscope.pipeline.training import begin

    model = ModelOptions(
        kind=options["model"] or MODEL.kind,
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
            val_fraction=VAL_FRACTION if options["val_fraction"] is None else options["val_fraction"],
            progress=progress,
        )


def _resumed(ctx: click.Context, options: dict[str, Any]) -> Session:
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
    changed = {"minutes": options["minutes"], "epochs": options["epochs"]}
    if ctx.get_parameter_source("device") == given:
        changed["device"] = options["device"]
    run = open_run(options["run"], options["runs"]) if options["run"] else latest_run(options["runs"])
    if run.info().get("subject") == "pictures":
        from cellscope.pipeline.picture_training import proceed_pictures

        return proceed_pictures(run, **changed)
    corpus = None
    if options["file"]:
        known = run.info().get("corpus") or {}
        corpus = Corpus.open(
            resolve(options["file"]), encoding=known.get("encoding", "utf-8"), as_bytes=bool(known.get("as_bytes"))
        )
    return proceed(run, corpus=corpus, **changed)
