"""Every way to a network: a run of ours, somebody's module and weights, or a bare state dict that becomes a run."""

from __future__ import annotations

from pathlib import Path

from cellscope.data.vocabulary import Vocabulary
from cellscope.errors import InputError
from cellscope.models.foreign import load_foreign
from cellscope.models.layout import Layout, read_layout
from cellscope.models.network import Network
from cellscope.models.state_dict import read_state_dict
from cellscope.training.run import RUNS, RunFolder, Which, free_name, latest_run, load_network, open_run


def open_network(
    run: str | Path | None = None,
    *,
    runs: Path = RUNS,
    which: Which = "best",
    model: str | None = None,
    weights: Path | None = None,
    vocabulary: Path | None = None,
) -> tuple[Network, RunFolder | None]:
    """The network of a run (the latest by default) and its folder, or that of `model`, `weights`, `vocabulary`."""
    if model is not None:
        if run is not None:
            raise InputError(f"give either the run {run} or --model {model}, not both")
        if vocabulary is None:
            raise InputError(f"--model {model} needs --vocabulary FILE: the symbols in the order of their ids")
        return load_foreign(model, weights=weights, vocabulary=vocabulary), None
    if weights is not None or vocabulary is not None:
        raise InputError("--weights and --vocabulary go with --model package.module:factory")
    folder = open_run(run, runs) if run is not None else latest_run(runs)
    return load_network(folder, which=which), folder


def adopt(
    checkpoint: Path, *, vocabulary: Path, runs: Path = RUNS, name: str | None = None
) -> tuple[RunFolder, Layout]:
    """A run folder with the network of a bare state dict; its layout is read from names and shapes, or refused."""
    symbols = Vocabulary.load(vocabulary)
    layout = read_layout(read_state_dict(checkpoint))
    if layout.config.vocabulary_size != len(symbols):
        raise InputError(
            f"the network has {layout.config.vocabulary_size} symbols and {vocabulary} has {len(symbols)}; "
            f"give the vocabulary that it was trained with, in the order of its ids"
        )
    info = {
        "state": "adopted",
        "adopted": {"checkpoint": checkpoint.name, "remarks": list(layout.remarks)},
        "model": layout.config.to_json(),
        "parameters": sum(tensor.numel() for tensor in layout.tensors.values()),
        "vocabulary": symbols.to_json(),
        "corpus": None,
    }
    stem = name if name is not None else free_name(runs, checkpoint.stem)
    return RunFolder.create(runs, stem, info, weights=layout.tensors), layout
