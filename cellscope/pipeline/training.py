"""From a text to a trained run, from a run to its continuation."""

from __future__ import annotations

from dataclasses import asdict
from importlib.metadata import version
from pathlib import Path
from typing import Any

import torch

from cellscope.axes import Progress as Progress
from cellscope.data.text import Corpus
from cellscope.data.vocabulary import CAP, Vocabulary
from cellscope.errors import InputError
from cellscope.models.char_rnn import CharRNNConfig
from cellscope.training.config import VAL_FRACTION, ModelOptions, TrainingConfig, revise
from cellscope.training.evaluate import xz_bits
from cellscope.training.lanes import Lanes
from cellscope.training.loop import Trainer
from cellscope.training.precision import choose_device, choose_precision
from cellscope.training.run import RUNS, RunFolder, free_name
from cellscope.training.session import Event
from cellscope.training.text_session import HELD_BACK, TextSession


def begin(
    corpus: Corpus,
    *,
    runs: Path = RUNS,
    name: str | None = None,
    model: ModelOptions | None = None,
    config: TrainingConfig | None = None,
    encoding: str = "utf-8",
    vocabulary_size: int = CAP,
    val_fraction: float = VAL_FRACTION,
    progress: Progress | None = None,
) -> TextSession:
    """A new run folder for this text, with everything settled and step 0 kept; `.train()` trains it.

    The last `val_fraction` of the text is held back. InputError where the text, a name or a number is unfit; then no
    folder is left behind.
    """
    model, config = model or ModelOptions(), config or TrainingConfig()
    if not 0 <= val_fraction < 1:
        raise InputError(f"val-fraction must be at least 0 and below 1, not {val_fraction}")
    split = len(corpus) - int(len(corpus) * val_fraction)
    if split < 2:
        raise InputError(f"{corpus.name} is too short to learn from: {len(corpus)} characters, {split} to train on")
    CharRNNConfig(2, **asdict(model))  # refuse bad shapes before the text is counted
    choose_device(config.device)
    vocabulary = Vocabulary.count(corpus, cap=vocabulary_size, progress=progress)
    shapes = CharRNNConfig(len(vocabulary), **asdict(model))
    info: dict[str, Any] = {
        "cellscope": version("cellscope"),
        "torch": torch.__version__,
        "corpus": {
            "name": corpus.name,
            "path": str(corpus.path.resolve()) if corpus.path else None,
            "encoding": encoding,
            "as_bytes": corpus.as_bytes,
            "length": len(corpus),
            "digest": corpus.digest,
            "train": [0, split],
            "validation": [split, len(corpus)],
        },
        "model": shapes.to_json(),
        "training": config.to_json(),
        "vocabulary": vocabulary.to_json(),
        "xz_bits": xz_bits(corpus, split, min(len(corpus), split + HELD_BACK)) if len(corpus) - split >= 2 else None,
    }
    trainer = _trainer(corpus, vocabulary, info)
    info["parameters"] = sum(parameter.numel() for parameter in trainer.model.parameters())
    stem = Path(corpus.name).stem or "run"
    run = RunFolder.create(runs, name if name is not None else free_name(runs, stem), info)
    return TextSession(run, trainer, corpus, vocabulary)


def proceed(
    run: RunFolder, *, corpus: Corpus | None = None, minutes: float | None = None, epochs: float | None = None,
    device: str | None = None,
) -> TextSession:  # fmt: skip
    """The run's session at its last checkpoint; more `minutes` or `epochs` in all may be given, or another `device`.

    InputError where its text has gone or changed, or the training is finished. A run that was killed between its last
    step and its final evaluation has only that left to do.
    """
    info = run.info()
    if "training" not in info:
        raise InputError(f"run {run.name} was adopted, not trained here: there is nothing to resume")
    revise(info, minutes=minutes, epochs=epochs, device=device)
    if corpus is None:
        corpus = run_corpus(run, check=True)
    elif corpus.digest != info["corpus"]["digest"]:
        raise InputError(f"{corpus.name} is not the text that run {run.name} was trained on; give the same one")
    vocabulary = run.vocabulary()
    session = TextSession(run, _trainer(corpus, vocabulary, info), corpus, vocabulary)
    session.resume(info)
    return session


def run_corpus(run: RunFolder, *, check: bool = False) -> Corpus:
    """The text that a run was trained on; InputError where it has gone or changed (in length; `check`: at all)."""
    known = run.info().get("corpus")
    if not known or not known.get("path"):
        raise InputError(f"run {run.name} does not know its text; give one")
    path = Path(known["path"])
    if not path.is_file():
        raise InputError(f"the text of run {run.name} is not there any more: {path}; give one")
    corpus = Corpus.open(path, encoding=known.get("encoding", "utf-8"), as_bytes=bool(known.get("as_bytes")))
    if len(corpus) != known["length"] or (check and corpus.digest != known["digest"]):
        raise InputError(f"{path} has changed since run {run.name} was trained on it")
    return corpus


def is_own(run: RunFolder | None, corpus: Corpus) -> bool:
    """Whether a text is the one that the run was trained on."""
    known = (run.info().get("corpus") or {}) if run is not None else {}
    return bool(known) and known.get("digest") == corpus.digest


def held_back_from(run: RunFolder | None, corpus: Corpus) -> int:
    """The first position from which on the network was not trained on a text; 0 where it is not the run's own."""
    if run is None or not is_own(run, corpus):
        return 0
    start, stop = run.info()["corpus"]["validation"]
    return int(start) if start < stop else len(corpus)


def _trainer(corpus: Corpus, vocabulary: Vocabulary, info: dict[str, Any]) -> Trainer:
    """The trainer that run.json describes; the precision is settled here, once, and written into `info`."""
    config = TrainingConfig.from_json(info["training"])
    start, stop = info["corpus"]["train"]
    lanes = Lanes(
        corpus,
        vocabulary,
        start=start,
        stop=stop,
        lanes=config.batch_size,
        steps=config.seq_length,
        seed=config.seed,
    )
    device = choose_device(config.device)
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(config.seed)
        module = CharRNNConfig.from_json(info["model"]).build().to(device)
    if "precision" not in info:
        ids = lanes.batch(0, 0)[0].to(device)
        info["precision"], info["precision_reason"] = choose_precision(module, ids, wanted=config.precision)
    return Trainer(module, lanes, config, precision=info["precision"])


__all__ = ["Event", "ModelOptions", "TextSession", "begin", "proceed", "run_corpus"]
