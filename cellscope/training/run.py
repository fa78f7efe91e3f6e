"""The run folder: where a network, its history and its checkpoints lie, and how to get the network back."""

from __future__ import annotations

import json
import os
import re
import shutil
from dataclasses import dataclass
from errno import ENAMETOOLONG
from pathlib import Path
from typing import Any

import torch

from cellscope.data.vocabulary import Vocabulary
from cellscope.errors import InputError, MissingError, not_found
from cellscope.models.char_rnn import CharRNN, CharRNNConfig
from cellscope.models.network import Network
from cellscope.training.checkpoint import read_checkpoint, read_description, write_checkpoint, write_text

RUNS = Path("runs")
Which = str | int
"""Which weights of a run: "best" (by validation loss), "last", or the step of a snapshot."""


class Said(dict[str, Any]):
    """What a run.json says; a key that it lacks is an InputError, for a file may have been damaged or edited."""

    where = Path("run.json")

    def __missing__(self, key: str) -> Any:
        raise InputError(f"{self.where} does not say {key!r}: it is damaged, or of another version")


@dataclass(frozen=True)
class RunFolder:
    """runs/NAME: run.json, losses.csv, samples.txt, last.safetensors, best.safetensors, snapshots/STEP.safetensors."""

    path: Path

    @property
    def name(self) -> str:
        return self.path.name

    @property
    def losses(self) -> Path:
        return self.path / "losses.csv"

    @property
    def samples(self) -> Path:
        return self.path / "samples.txt"

    @classmethod
    def create(
        cls, runs: Path, name: str, info: dict[str, Any], *, weights: dict[str, torch.Tensor] | None = None
    ) -> RunFolder:
        """Make runs/NAME with its run.json; InputError where the name is unfit or taken: no run is ever overwritten."""
        path = runs / check_name(name)
        if runs.exists() and not runs.is_dir():
            raise InputError(f"{runs} is a file, not a folder of runs; give another with --runs")
        try:
            runs.mkdir(parents=True, exist_ok=True)
            path.mkdir()
        except FileExistsError as error:
            raise InputError(f"there is a run {name!r} already; try --resume, or another name with --run") from error
        except OSError as error:
            raise InputError(f"{path} cannot be made: {error.strerror or error}") from error
        run = cls(path)
        try:
            (path / "snapshots").mkdir()
            if weights is not None:
                own = {f"model.{name}": tensor for name, tensor in weights.items()}
                write_checkpoint(run.weights("last"), own, {})
            run.write_info(info)
        except BaseException:
            shutil.rmtree(path, ignore_errors=True)
            raise
        return run

    def info(self) -> dict[str, Any]:
        """What run.json says; InputError where it is damaged, or asked for what it does not say."""

        def said(data: dict[str, Any]) -> Said:
            made = Said(data)
            made.where = self.path / "run.json"
            return made

        try:
            data = json.loads((self.path / "run.json").read_text("utf-8"), object_hook=said)
        except (OSError, ValueError) as error:
            raise InputError(f"{self.path / 'run.json'} is not there or damaged ({error})") from error
        if not isinstance(data, dict):
            raise InputError(f"{self.path / 'run.json'} is no description of a run")
        best = self.best()
        if best is not None:
            data["best"] = said(best)
        return data

    def best(self) -> dict[str, Any] | None:
        """The step and loss of the best weights, as their own file says; None where there is none that can be read.

        What run.json says of them is older where the run was killed between the two.
        """
        path = self.path / "best.safetensors"
        try:
            known = read_description(path) if path.is_file() else {}
        except InputError:
            return None
        return known if {"step", "nats"} <= set(known) else None

    def write_info(self, info: dict[str, Any]) -> None:
        write_text(self.path / "run.json", json.dumps(info, indent=1, ensure_ascii=False) + "\n")

    def weights(self, which: Which = "best") -> Path:
        """The file of those weights; "best" is "last" where nothing was validated. MissingError lists what is there."""
        best, last = self.path / "best.safetensors", self.path / "last.safetensors"
        if which == "best":
            return best if best.is_file() else last
        if which == "last":
            return last
        steps = self.snapshots()
        if not str(which).isdecimal() or int(which) not in steps:
            raise not_found(f"snapshot in run {self.name}", str(which), ["best", "last", *map(str, steps)])
        return self.snapshot(int(which))

    def snapshot(self, step: int) -> Path:
        return self.path / "snapshots" / f"{step:09d}.safetensors"

    def snapshots(self) -> list[int]:
        """The steps at which weights were kept, in order; step 0 is the untrained network."""
        files = (self.path / "snapshots").glob("*.safetensors")
        return sorted(int(file.stem) for file in files if file.stem.isdecimal())

    def vocabulary(self) -> Vocabulary:
        return Vocabulary.from_json(self.info().get("vocabulary"))

    def model_config(self) -> CharRNNConfig:
        return CharRNNConfig.from_json(self.info().get("model", {}))


def check_name(name: str) -> str:
    """The name, where it is fit for a folder: InputError for separators, `..`, and what begins with a dot or dash.

    A file system counts bytes, and most end at 255: what is written beside a run has its name and some more.
    """
    if not re.fullmatch(r"\w[\w.+-]{0,99}", name) or ".." in name:
        raise InputError(f"{name!r:.120} is no name for a run; use up to 100 letters, digits, '_', '-', '+' and '.'")
    if len(os.fsencode(name)) > 200:
        raise InputError(f"{name!r:.120} is too long a name for a run: it takes {len(os.fsencode(name))} bytes of 200")
    return name


def free_name(runs: Path, stem: str) -> str:
    """The first of stem-1, stem-2, ... that is no run yet."""
    clean = re.sub(r"[^\w+-]+", "_", stem).encode()[:80].decode(errors="ignore").strip("_-+") or "run"
    number = 1
    while (runs / f"{clean}-{number}").exists():
        number += 1
    return f"{clean}-{number}"


def all_runs(runs: Path = RUNS) -> list[RunFolder]:
    """The runs of a folder, the latest last (by when their run.json was written)."""
    found = [file for file in runs.glob("*/run.json") if file.is_file()]
    return [RunFolder(file.parent) for file in sorted(found, key=lambda file: (file.stat().st_mtime_ns, file))]


def latest_run(runs: Path = RUNS) -> RunFolder:
    """The run that was written to last; MissingError where there is none."""
    found = all_runs(runs)
    if not found:
        raise not_found("run", "latest", [])
    return found[-1]


def open_run(name: str | Path, runs: Path = RUNS) -> RunFolder:
    """The run of that name in `runs`, or at that path; MissingError lists the runs that are there."""
    for path in (runs / str(name), Path(name)):
        try:
            if str(name) and (path / "run.json").is_file():
                return RunFolder(path)
        except OSError as error:
            if error.errno != ENAMETOOLONG:  # no file system has a run of such a name
                raise InputError(f"{path} cannot be read: {error.strerror or error}") from error
    own, at, step = str(name).rpartition("@")
    if at and (runs / own / "run.json").is_file():
        raise MissingError(f"no run {str(name)!r}; the snapshot of {own} is meant by --which {step}")
    raise not_found("run", str(name), [run.name for run in reversed(all_runs(runs))])


def load_network(run: RunFolder | str | Path, *, which: Which = "best", device: str = "cpu") -> Network:
    """The network of a run with its best (default) or last weights or those of a snapshot, ready to be played."""
    folder = run if isinstance(run, RunFolder) else open_run(run)
    if folder.info().get("subject") == "pictures":
        raise InputError(f"run {folder.name} sees pictures, and this reads text; give a run that was trained on a text")
    config, vocabulary = folder.model_config(), folder.vocabulary()
    if len(vocabulary) != config.vocabulary_size:
        raise InputError(f"run {folder.name} has {len(vocabulary)} symbols for a model of {config.vocabulary_size}")
    path = folder.weights(which)
    tensors, description = read_checkpoint(path)
    module = _filled(config, tensors, path)
    said = f"{config.describe()}, {weights_told(which, description)}"
    return Network(module.to(device).eval(), vocabulary, folder.name, said)


def weights_told(which: Which, description: dict[str, Any]) -> str:
    """Which weights these are, for people: `best weights (step 640)`, `a snapshot (step 640)`."""
    said = f"{which} weights" if which in ("best", "last") else "a snapshot"
    return f"{said} (step {description['step']:,})" if isinstance(description.get("step"), int) else said


def _filled(config: CharRNNConfig, tensors: dict[str, torch.Tensor], path: Path) -> CharRNN:
    own = {name.removeprefix("model."): tensor for name, tensor in tensors.items() if name.startswith("model.")}
    with torch.random.fork_rng(devices=[]):
        module = config.build()
    try:
        module.load_state_dict(own)
    except RuntimeError as error:
        reason = " ".join(str(error).split())[:300]
        raise InputError(f"the weights in {path} do not fit the model of the run: {reason}") from error
    return module
