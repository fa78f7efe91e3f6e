from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
import torch

from cellscope.data.text import Corpus
from cellscope.data.vocabulary import Vocabulary
from cellscope.errors import InputError, MissingError
from cellscope.models.char_rnn import CharRNN, CharRNNConfig
from cellscope.training.checkpoint import read_checkpoint, write_checkpoint
from cellscope.training.evaluate import bits, evaluate, evaluated, xz_bits
from cellscope.training.run import RunFolder, check_name, free_name, latest_run, load_network, open_run

VOCABULARY = Vocabulary(tuple("abcde"))
CONFIG = CharRNNConfig(5, size=4, embedding=3)


@pytest.fixture
def run(tmp_path):
    torch.manual_seed(0)
    info = {"model": CONFIG.to_json(), "vocabulary": VOCABULARY.to_json()}
    return RunFolder.create(tmp_path / "runs", "r", info, weights=CONFIG.build().state_dict())


@pytest.mark.parametrize(
    "name", ["", ".", "..", "a/b", "../up", "a\\b", "/etc", "a..b", "-x", ".hidden", "a\nb", "a\x00b", "x" * 101, "<b>"]
)
def test_hostile_names_are_refused(tmp_path, name):
    """A run's name is one plain folder name: no separators, no dots that lead upwards, nothing hidden."""
    with pytest.raises(InputError, match="no name for a run"):
        RunFolder.create(tmp_path / "runs", name, {})
    assert list(tmp_path.iterdir()) == []


def test_a_name_counts_its_bytes(tmp_path):
    """A name that no file system would take is refused as a name, and the default name stays short in any script."""
    with pytest.raises(InputError, match="takes 300 bytes of 200"):
        check_name("文" * 100)
    assert check_name(free_name(tmp_path, "文" * 80)) == "文" * 26 + "-1"
    with pytest.raises(InputError, match="no run 'x"):
        open_run("x" * 300, tmp_path)


def test_a_folder_that_cannot_be_read_is_no_run_that_is_missing(tmp_path, monkeypatch):
    """What the operating system says is handed on in one line, with the path."""

    def refused(self):
        raise PermissionError(13, "Permission denied")

    monkeypatch.setattr(Path, "is_file", refused)
    with pytest.raises(InputError, match="runs.r cannot be read: Permission denied") as caught:
        open_run("r", tmp_path / "runs")
    assert not isinstance(caught.value, MissingError)


def test_a_file_is_no_folder_of_runs(tmp_path):
    """A file where the folder of runs should be is named as such, and stays as it was."""
    (tmp_path / "runs").write_text("mine")
    with pytest.raises(InputError, match="is a file, not a folder of runs"):
        RunFolder.create(tmp_path / "runs", "r", {})
    assert (tmp_path / "runs").read_text() == "mine"


def test_ordinary_names_are_fine():
    """Letters of any script, digits, dots and dashes make a name."""
    assert [check_name(name) for name in ("war-and-peace", "Война_1", "v1.2+x")]


def test_a_run_is_never_overwritten(run):
    """Creating a run of a name that is taken is refused, and the run stays as it was."""
    before = (run.path / "run.json").read_bytes()
    with pytest.raises(InputError, match="--resume"):
        RunFolder.create(run.path.parent, "r", {"model": None})
    assert (run.path / "run.json").read_bytes() == before


def test_free_names_count_on(tmp_path):
    """The default name is the text's with the first free number, whatever the text is called."""
    (tmp_path / "war-1").mkdir()
    assert free_name(tmp_path, "war") == "war-2"
    for stem in ("../../etc", "", "...", "a b", "<script>"):
        assert check_name(free_name(tmp_path, stem))


def test_runs_are_found_by_name_path_and_time(run):
    """A run opens by its name or its path; the latest is the one written to last; others are listed."""
    runs = run.path.parent
    other = RunFolder.create(runs, "s", {})
    assert latest_run(runs) == other
    run.write_info(run.info())
    assert latest_run(runs) == run
    assert open_run("r", runs) == run == open_run(run.path, runs)
    with pytest.raises(MissingError, match="no run 'q'; there is r, s"):
        open_run("q", runs)
    with pytest.raises(MissingError, match="none"):
        latest_run(runs / "r")


def test_a_network_comes_back_as_it_was_saved(run):
    """load_network gives the saved weights, in evaluation mode, with the run's vocabulary."""
    network = load_network(run)
    torch.manual_seed(0)
    assert all(torch.equal(a, b) for a, b in zip(network.module.parameters(), CONFIG.build().parameters(), strict=True))
    assert (network.name, network.vocabulary, network.module.training) == ("r", VOCABULARY, False)


def test_best_last_and_snapshots_are_told_apart(run):
    """`which` chooses the file; a snapshot that is not there lists those that are."""
    for place, value in ((run.path / "best.safetensors", 1.0), (run.snapshot(0), 2.0), (run.snapshot(64), 3.0)):
        tensors = {f"model.{n}": torch.full_like(t, value) for n, t in CONFIG.build().state_dict().items()}
        write_checkpoint(place, tensors, {"step": 9})
    found = [load_network(run, which=which).module.decoder.bias[0].item() for which in ("best", 0, 64, "64")]
    assert found == [1, 2, 3, 3]
    assert load_network(run, which="last").module.decoder.bias[0] == 0
    said = [load_network(run, which=which).description for which in ("best", "last", 64)]
    assert [one.rpartition(", ")[2] for one in said] == ["best weights (step 9)", "last weights", "a snapshot (step 9)"]
    with pytest.raises(MissingError, match="the snapshot of r is meant by --which 64"):
        open_run("r@64", run.path.parent)
    for which in (5, "newest", "../run"):
        with pytest.raises(MissingError, match="best, last, 0, 64"):
            load_network(run, which=which)


@pytest.mark.parametrize("keep", [0, 5, 100, 0.5, 0.99])
def test_a_truncated_checkpoint_is_one_clear_error(run, keep):
    """However much of a checkpoint is left, the answer is an InputError of one line that names it."""
    path = run.weights("last")
    content = path.read_bytes()
    path.write_bytes(content[: keep if isinstance(keep, int) else int(keep * len(content))])
    with pytest.raises(InputError, match="last.safetensors") as caught:
        load_network(run)
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize(
    "info",
    [
        "",
        "[]",
        '{"model": {"vocabulary_size": 5}}',
        '{"model": 3, "vocabulary": {"symbols": ["a"]}}',
        '{"model": {"vocabulary_size": 6}, "vocabulary": {"symbols": ["a", "b", "c", "d", "e"]}}',
        '{"model": {"vocabulary_size": 5, "size": 99999999999}, "vocabulary": {"symbols": ["a", "b", "c", "d", "e"]}}',
    ],
)
def test_a_damaged_run_json_is_one_clear_error(run, info):
    """Whatever stands in run.json, loading the network is an InputError."""
    (run.path / "run.json").write_text(info)
    with pytest.raises(InputError):
        load_network(run)


def test_weights_of_other_shapes_are_refused(run):
    """run.json and weights that do not fit each other are an InputError that names the file."""
    info = run.info()
    info["model"]["size"] = 5
    (run.path / "run.json").write_text(json.dumps(info))
    with pytest.raises(InputError, match="do not fit"):
        load_network(run)


def test_a_checkpoint_is_replaced_in_one_step(tmp_path, monkeypatch):
    """A write that fails leaves the old checkpoint, and no other file."""
    path = tmp_path / "c.safetensors"
    write_checkpoint(path, {"a": torch.ones(2)}, {"step": 1})
    monkeypatch.setattr("os.fsync", lambda _: (_ for _ in ()).throw(OSError(28, "No space left on device")))
    with pytest.raises(InputError, match="No space left"):
        write_checkpoint(path, {"a": torch.zeros(2)}, {"step": 2})
    tensors, description = read_checkpoint(path)
    assert (tensors["a"].tolist(), description, len(list(tmp_path.iterdir()))) == ([1, 1], {"step": 1}, 1)


def test_a_model_that_guesses_evenly_needs_log_of_the_alphabet():
    """With all logits 0 the loss is ln of the number of symbols, and its bits are log2."""
    corpus = Corpus.from_text("abcde" * 200)
    model = CharRNN(5, size=4)
    torch.nn.init.zeros_(model.decoder.weight)
    loss = evaluate(model, corpus, VOCABULARY, start=100, stop=900)
    assert loss == pytest.approx(1.6094379)
    assert bits(loss) == pytest.approx(2.3219281)
    assert model.training


def test_xz_is_xz():
    """Bits per character are those of lzma's own compress, in one go."""
    import lzma
    import random

    text = "".join(random.Random(0).choices("abcdefgh ä", k=30_000))
    corpus = Corpus.from_text("x" * 50 + text)
    packed = len(lzma.compress(text.encode(), preset=9))
    assert xz_bits(corpus, 50, len(corpus)) == pytest.approx(8 * packed / 30_000)


@pytest.mark.parametrize("length", [2, 3, 100, 300, 500, 700, 5_000, 23_000, 40_001])
def test_the_loss_is_over_as_many_characters_as_is_said(length):
    """Every prediction is counted once; left out are the first character and at most one in 128 of the rest."""
    text = "".join(np.random.default_rng(length).choice(list("abcde"), length))
    corpus = Corpus.from_text(text)
    seen = []

    class Counting(CharRNN):
        def forward(self, ids, state=None):
            seen.append(ids.numel())
            return super().forward(ids, state)

    torch.manual_seed(0)
    model = Counting(5, size=4, embedding=3)
    loss, characters = evaluated(model, corpus, VOCABULARY, start=0, stop=length)
    assert sum(seen) == characters
    assert length - 1 - length / 128 <= characters <= length - 1
    assert loss == evaluate(model, corpus, VOCABULARY, start=0, stop=length)
