"""Sessions: a run folder that survives Ctrl-C, kill -9 and divergence."""

from __future__ import annotations

import csv
import json
import math
import random
import signal
import subprocess
import sys
import time

import pytest
import torch

from cellscope.data.text import Corpus
from cellscope.errors import InputError
from cellscope.pipeline.training import begin, proceed, run_corpus
from cellscope.training import session as module
from cellscope.training import text_session
from cellscope.training.checkpoint import read_checkpoint
from cellscope.training.config import ModelOptions, TrainingConfig
from cellscope.training.loop import DivergedError
from cellscope.training.run import RunFolder, load_network

SMALL = ModelOptions(size=12, embedding=6, dropout=0.2)
QUICK = {"epochs": 4.0, "seq_length": 16, "batch_size": 4, "precision": "fp32", "device": "cpu"}


@pytest.fixture
def corpus(tmp_path):
    words = random.Random(1).choices(["if", "else", "(x)", "'quoted'", "\n"], k=900)
    (tmp_path / "text.txt").write_text(" ".join(words))
    return Corpus.open(tmp_path / "text.txt")


@pytest.fixture(autouse=True)
def often(monkeypatch):
    """What happens now and then happens often; and on one thread, as networks this small gain nothing of two."""
    before = torch.get_num_threads()
    torch.set_num_threads(1)
    monkeypatch.setattr(module, "EVALUATE_EVERY", 50)
    monkeypatch.setattr(text_session, "SAMPLE_EVERY", 70)
    yield
    torch.set_num_threads(before)


def start(tmp_path, corpus, name="r", **changes):
    config = TrainingConfig(**{**QUICK, **changes})
    return begin(corpus, runs=tmp_path / "runs", name=name, model=SMALL, config=config)


def rows(run):
    """losses.csv without the column of seconds, which no two runs share."""
    with run.losses.open() as file:
        return [{name: value for name, value in row.items() if name != "seconds"} for row in csv.DictReader(file)]


def weights(run, which):
    return read_checkpoint(run.weights(which))[0]


def same(one, other):
    return one.keys() == other.keys() and all(torch.equal(one[name], other[name]) for name in one)


def test_a_run_folder_holds_everything(tmp_path, corpus):
    """run.json, losses, samples, last, best and snapshots from step 0 on; loss beside xz's in bits on the same text."""
    session = start(tmp_path, corpus)
    assert session.train()
    run, info = session.run, session.run.info()
    steps = run.snapshots()
    assert steps[:6] == [0, 1, 2, 4, 8, 16]
    assert steps[-1] == info["step"] == session.trainer.step_count
    assert [item["step"] for item in json.loads((run.path / "snapshots" / "index.json").read_text())] == steps
    split = info["corpus"]["train"][1]
    assert info["corpus"]["validation"] == [split, len(corpus)]
    assert len(corpus) - split == int(0.05 * len(corpus))
    assert info["validation"]["bits"] == pytest.approx(info["validation"]["nats"] / math.log(2))
    assert info["validation"]["characters"] == len(corpus) - split - 1  # the first is predicted from nothing
    assert (info["state"], info["xz_bits"] > 0.1, info["cellscope"] != "") == ("finished", True, True)
    assert {"step", "train_nats", "validation_nats", "learning_rate", "grad_norm"} <= set(rows(run)[0])
    assert "--- step 70 ---\n" in run.samples.read_text()
    assert run_corpus(run, check=True).digest == corpus.digest
    assert not list(run.path.glob("**/.*"))


def test_step_0_is_the_untrained_network(tmp_path, corpus):
    """The first snapshot holds the weights before any update, and `untrained` with the run's seed draws the same."""
    session = start(tmp_path, corpus)
    session.train()
    first = load_network(session.run, which=0).module.state_dict()
    drawn = load_network(session.run).untrained(session.trainer.config.seed).module.state_dict()
    last = load_network(session.run, which="last").module.state_dict()
    assert first["lstm.bias_hh_l0"].abs().sum() == 0
    assert not same(first, last)
    assert {name: tensor.shape for name, tensor in drawn.items()} == {name: t.shape for name, t in first.items()}


@pytest.mark.parametrize("cut", [1, 37, 100])
def test_an_interrupted_run_becomes_the_uninterrupted_one(tmp_path, corpus, cut):
    """Stopped after any step and resumed: the same rows, samples, weights and best loss to the last bit."""
    whole = start(tmp_path, corpus, "whole")
    whole.train()
    asked = []
    parted = start(tmp_path, corpus, "parted")
    assert not parted.train(stop=lambda: bool(asked.append(1)) or len(asked) > cut)
    assert parted.run.info()["state"] == "interrupted"
    resumed = proceed(RunFolder(parted.run.path))
    assert resumed.trainer.step_count == cut
    assert resumed.train()
    assert rows(whole.run) == rows(resumed.run)
    assert whole.run.samples.read_text() == resumed.run.samples.read_text()
    for which in ("last", "best"):
        assert same(weights(whole.run, which), weights(resumed.run, which))
    assert whole.run.info()["best"] == resumed.run.info()["best"]
    assert whole.run.info()["validation"] == resumed.run.info()["validation"]


KILLED = """
import sys
from pathlib import Path
import torch
torch.set_num_threads(1)
from cellscope.training import session, text_session
session.EVALUATE_EVERY, text_session.SAMPLE_EVERY, session.CHECKPOINT_SECONDS = 50, 70, 0.02
from cellscope.pipeline.training import proceed
from cellscope.training.run import RunFolder
print("ready", flush=True)
proceed(RunFolder(Path(sys.argv[1]))).train()
"""


def test_kill_9_at_any_instant_leaves_a_run_that_goes_on(tmp_path, corpus):
    """Killed again and again at random instants and resumed, a run ends bit-equal to one that was left in peace."""
    whole = start(tmp_path, corpus, "whole", epochs=30.0)
    whole.train()
    killed = start(tmp_path, corpus, "killed", epochs=30.0).run
    rng, kills = random.Random(5), 0
    for _ in range(40):
        process = subprocess.Popen(
            [sys.executable, "-c", KILLED, str(killed.path)], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
        )
        assert process.stdout is not None
        process.stdout.readline()
        if kills < 3:
            time.sleep(rng.uniform(0.05, 1.0))
            process.send_signal(signal.SIGKILL)
        _, errors = process.communicate(timeout=100)
        if killed.weights("last").exists():
            load_network(killed, which="last")
        assert process.returncode in (0, -signal.SIGKILL), errors
        if process.returncode == 0:
            break
        kills += 1
    assert kills >= 1
    assert killed.info()["state"] == "finished"
    assert rows(whole.run) == rows(killed)
    assert same(weights(whole.run, "last"), weights(killed, "last"))
    assert same(weights(whole.run, "best"), weights(killed, "best"))


def test_divergence_keeps_the_last_good_checkpoint(tmp_path, corpus):
    """A loss that becomes NaN stops the run, says at which step, and the checkpoint on disk is a good one."""
    session = start(tmp_path, corpus)

    def poison(event):
        if event.step.step == 60:
            with torch.no_grad():
                session.trainer.model.decoder.weight[0, 0] = math.nan

    with pytest.raises(DivergedError, match=r"loss became nan at step 61.*keeps its checkpoint of step 50"):
        session.train(on_event=poison)
    assert session.run.info()["state"].startswith("stopped: the loss became nan")
    network = load_network(session.run, which="last")
    assert all(bool(torch.isfinite(parameter).all()) for parameter in network.module.parameters())
    resumed = proceed(session.run)
    assert resumed.train()


def test_a_finished_run_goes_on_only_for_longer(tmp_path, corpus):
    """A finished run is not resumed by itself, but with more epochs in all."""
    session = start(tmp_path, corpus)
    session.train()
    with pytest.raises(InputError, match="finished"):
        proceed(session.run)
    longer = proceed(session.run, epochs=5.0)
    assert longer.train()
    assert longer.trainer.step_count == 5 * session.trainer.batches.per_epoch
    assert session.run.info()["training"]["epochs"] == 5


def test_killed_in_the_final_evaluation(tmp_path, corpus, monkeypatch):
    """A run whose steps are done, but that was killed before its final evaluation, is finished by resuming it."""
    session = start(tmp_path, corpus)
    with monkeypatch.context() as patch:
        patch.setattr(module.Session, "_finish", lambda self: (_ for _ in ()).throw(KeyboardInterrupt))
        with pytest.raises(KeyboardInterrupt):
            session.train()
    assert session.run.info()["state"] == "training"
    assert proceed(session.run).train()
    assert session.run.info()["state"] == "finished"
    assert session.run.info()["validation"]["nats"] > 0
    with pytest.raises(InputError, match="finished"):
        proceed(session.run)


@pytest.mark.parametrize("name", ["losses.csv", "samples.txt"])
def test_a_history_that_was_deleted(tmp_path, corpus, name):
    """A run whose losses or samples were deleted goes on; they begin again."""
    session = start(tmp_path, corpus)
    left = iter(range(30))
    assert not session.train(stop=lambda: next(left, None) is None)
    (session.run.path / name).unlink()
    assert proceed(session.run).train()
    assert (session.run.path / name).is_file()


def test_a_changed_text_is_refused(tmp_path, corpus):
    """Resuming on a text that changed, in length or content, or that has gone, is an InputError."""
    session = start(tmp_path, corpus)
    session.train(stop=lambda: session.trainer.step_count >= 3)
    text = corpus.path.read_text()
    for changed in (text + "more", "X" + text[1:], None):
        corpus.path.unlink() if changed is None else corpus.path.write_text(changed)
        with pytest.raises(InputError, match="changed|not there"):
            proceed(session.run)


@pytest.mark.parametrize("text", ["", "a"])
def test_texts_too_short_are_refused_without_a_folder(tmp_path, text):
    """No character, or one: an InputError, and no run folder is left behind."""
    with pytest.raises(InputError, match="too short"):
        begin(Corpus.from_text(text, name="t"), runs=tmp_path / "runs", config=TrainingConfig(**QUICK))
    assert not (tmp_path / "runs").exists()


@pytest.mark.parametrize("text", ["ab", "abc" * 5, "x" * 40])
def test_tiny_texts_are_trained_on(tmp_path, text):
    """Two characters are enough to train on, however large lanes and steps were asked for."""
    session = begin(
        Corpus.from_text(text, name="t"), runs=tmp_path, model=SMALL, config=TrainingConfig(epochs=3, precision="fp32")
    )
    assert session.train()
    assert load_network(session.run).vocabulary.symbols[0] == min(text)


def test_bytes_are_trained_on(tmp_path, corpus):
    """A corpus of bytes gives a network over 256 symbols, whose samples are text."""
    raw = Corpus.open(corpus.path, as_bytes=True)
    session = start(tmp_path, raw, epochs=1.0)
    session.train()
    assert len(load_network(session.run).vocabulary) == 256
    assert run_corpus(session.run).as_bytes


def test_weights_and_description_agree_after_a_kill_between_them(tmp_path, corpus, monkeypatch):
    """Killed after best.safetensors is written and before anything else: run.json is read as the weights say, and a
    resumed run goes on so.
    """
    session = start(tmp_path, corpus)
    left = iter(range(60))
    session.train(stop=lambda: next(left, None) is None)
    old = json.loads((session.run.path / "run.json").read_text())["best"]
    resumed = proceed(session.run)
    with monkeypatch.context() as patch:
        patch.setattr(module.Session, "_capture", lambda self: (_ for _ in ()).throw(KeyboardInterrupt))
        with pytest.raises(KeyboardInterrupt):
            resumed.train()
    written = read_checkpoint(session.run.weights("best"))[1]
    assert json.loads((session.run.path / "run.json").read_text())["best"] == old
    assert written["nats"] < old["nats"]
    assert session.run.info()["best"] == written
    again = proceed(session.run)
    assert again.best == written
    assert again.train()
    assert session.run.info()["best"] == read_checkpoint(session.run.weights("best"))[1]


def test_a_final_loss_is_of_the_weights_that_are_there(tmp_path, corpus):
    """Trained on, a run's final loss goes as soon as better weights take the place of those it was measured on."""
    session = start(tmp_path, corpus, epochs=1.0)
    session.train()
    assert "validation" in session.run.info()
    longer, better = proceed(session.run, epochs=6.0), session.run.best()
    longer.train(stop=lambda: session.run.best() != better and longer.run.info()["step"] > better["step"] + 60)
    assert session.run.best() != better
    assert "validation" not in session.run.info()


def test_a_damaged_best_file_is_no_traceback(tmp_path, corpus):
    """run.json is still read, and resuming makes new best weights."""
    session = start(tmp_path, corpus)
    left = iter(range(60))
    session.train(stop=lambda: next(left, None) is None)
    session.run.weights("best").write_bytes(b"damaged")
    assert session.run.best() is None
    assert session.run.info()["step"] == 60
    again = proceed(session.run)
    assert again.best is None
    assert again.train()
    assert session.run.best() is not None
