from __future__ import annotations

import io
import json
import os
import pty
import shutil
import signal
import subprocess
import sys
import time
from contextlib import redirect_stderr, redirect_stdout
from dataclasses import dataclass

import pytest
import torch
from torch import nn

from cellscope.cli import main
from cellscope.training.config import ModelOptions, TrainingConfig

SMALL = ["--rnn-size", "12", "--embedding", "6", "--seq-length", "16", "--batch-size", "4", "--precision", "fp32"]


PROGRAM = [sys.executable, "-c", "from cellscope.cli import main; main()"]
ONE_THREAD = os.environ | {"OMP_NUM_THREADS": "1"}


@dataclass
class Done:
    returncode: int
    stdout: str
    stderr: str


def run(*arguments, cwd):
    """The command line, in this process: no second start of torch."""
    out, err = io.StringIO(), io.StringIO()
    with pytest.MonkeyPatch.context() as patch, redirect_stdout(out), redirect_stderr(err):
        patch.chdir(cwd)
        patch.setattr(sys, "argv", ["cellscope", *map(str, arguments)])
        try:
            main()
        except SystemExit as end:
            return Done(int(end.code or 0), out.getvalue(), err.getvalue())
    raise AssertionError("main() ends the program")


@pytest.fixture(scope="module", autouse=True)
def one_thread():
    """Networks this small are no quicker on two threads, and far slower where others want the cores."""
    before = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(before)


@pytest.fixture(scope="module")
def place(tmp_path_factory):
    """A folder with a text and a finished run `r`."""
    folder = tmp_path_factory.mktemp("place")
    (folder / "text.txt").write_text("if (a) { say('hello'); }\n" * 300)
    done = run("train", "text.txt", "--run", "r", "--epochs", 2, *SMALL, cwd=folder)
    assert done.returncode == 0, done.stderr
    return folder, done


def test_results_on_stdout_progress_on_stderr(place):
    """Piped, stdout holds the result alone, stderr plain lines without a bar or colour; xz stands beside the loss."""
    folder, done = place
    assert done.stdout.startswith("run r: ")
    assert "bits per character" in done.stdout
    assert "xz needs" in done.stdout
    assert "chars/s" in done.stderr
    assert "\x1b" not in done.stdout + done.stderr
    assert (folder / "runs" / "r" / "best.safetensors").exists()


def test_sample_writes_text_alone(place):
    """stdout is the prime text and what follows, the same for the same seed; nothing on stderr."""
    folder, _ = place
    texts = [run("sample", "r", "--prime", "if", "--length", 50, "--seed", 3, cwd=folder) for _ in range(2)]
    assert texts[0].stdout == texts[1].stdout
    assert texts[0].stdout.startswith("if")
    assert (len(texts[0].stdout), texts[0].stderr) == (2 + 50 + 1, "")


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["train"], "needs a FILE"),
        (["train", "absent.txt"], "absent.txt"),
        (["train", "text.txt", "--run", "r"], "there is a run 'r' already; try --resume"),
        (["train", "text.txt", "--run", "../up"], "no name for a run"),
        (["train", "text.txt", "--run", ""], "no name for a run"),
        (["train", "text.txt", "--rnn-size", "0"], "size"),
        (["train", "text.txt", "--dropout", "1.5"], "dropout"),
        (["train", "text.txt", "--minutes", "nan"], "minutes"),
        (["train", "text.txt", "--device", "abacus"], "abacus"),
        (["train", "text.txt", "--val-fraction", "1"], "val-fraction"),
        (["train", "text.txt", "--vocabulary-size", "1"], "symbols"),
        (["train", "--resume", "--run", "r"], "finished"),
        (["train", "--resume", "--run", "q"], "no run 'q'; there is r"),
        (["train", "--resume", "--run", "r", "--rnn-size", "5"], "--rnn-size cannot change"),
        (["sample", "q"], "no run 'q'; there is r"),
        (["sample", "r", "--which", "7"], "no snapshot"),
        (["sample", "r", "--temperature", "-1"], "temperature"),
        (["sample", "r", "--model", "a:b"], "not both"),
        (["sample", "--model", "a:b"], "needs --vocabulary"),
        (["adopt", "absent.pt", "--vocabulary", "text.txt"], "text.txt"),
    ],
)
def test_mistakes_are_one_line(place, arguments, said):
    """A user's mistake is one line on stderr and exit code 2, nothing on stdout, and no new run."""
    folder, _ = place
    done = run(*arguments, cwd=folder)
    assert (done.returncode, done.stdout) == (2, "")
    assert done.stderr.startswith("cellscope: ")
    assert said in done.stderr
    assert done.stderr.count("\n") == 1
    assert [path.name for path in (folder / "runs").iterdir()] == ["r"]


def test_defaults_are_those_of_the_dataclasses():
    """The options' defaults are read from the configurations, under char-rnn's names."""
    from cellscope.cli.train import train

    defaults = {option.name: option.default for option in train.params}
    for name in ("seq_length", "batch_size", "learning_rate", "warm_up", "decay", "grad_clip", "seed", "precision"):
        assert defaults[name] == getattr(TrainingConfig(), name)
    assert [defaults[n] for n in ("num_layers", "rnn_size")] == [1, ModelOptions().size]


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_ctrl_c_keeps_a_checkpoint_and_says_how_to_go_on(place, tmp_path, number):
    """Interrupted: exit code 130, a line that tells how to resume, and resuming finishes the run."""
    folder, _ = place
    arguments = ["train", str(folder / "text.txt"), "--run", "c", "--epochs", "400", *SMALL]
    process = subprocess.Popen(
        PROGRAM + arguments,
        cwd=tmp_path,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        env=ONE_THREAD,
    )
    while not (tmp_path / "runs" / "c" / "snapshots" / "000000016.safetensors").exists():
        time.sleep(0.02)
        assert process.poll() is None
    process.send_signal(number)
    out, said = process.communicate(timeout=60)
    assert (process.returncode, out) == (130, "")
    assert "cellscope train --resume --run c" in said
    step = json.loads((tmp_path / "runs" / "c" / "run.json").read_text())["step"]
    assert step >= 16
    done = run("train", "--resume", "--run", "c", "--epochs", step // 100 + 2, cwd=tmp_path)
    assert done.returncode == 0, done.stderr
    assert json.loads((tmp_path / "runs" / "c" / "run.json").read_text())["step"] > step


def test_a_run_goes_on_where_its_device_is_not(place, tmp_path):
    """Resumed where its device is absent: one line says what to give; with --device it goes on, and stays there."""
    folder, _ = place
    shutil.copytree(folder / "runs", tmp_path / "runs")
    path = tmp_path / "runs" / "r" / "run.json"
    info = json.loads(path.read_text())
    info["training"]["device"] = "cuda:99"
    path.write_text(json.dumps(info))
    refused = run("train", "--resume", "--epochs", 3, cwd=tmp_path)
    assert refused.returncode == 2
    assert "device 'cuda:99' cannot be used" in refused.stderr
    assert "try --device auto or cpu" in refused.stderr
    assert refused.stderr.count("\n") == 1
    done = run("train", "--resume", "--epochs", 3, "--device", "cpu", cwd=tmp_path)
    assert done.returncode == 0, done.stderr
    after = json.loads(path.read_text())
    assert after["step"] > info["step"]
    assert after["training"]["device"] == "cpu"


def test_a_terminal_gets_a_bar(place, tmp_path):
    """On a terminal there is a bar with speed and time left."""
    folder, _ = place
    parent, child = pty.openpty()
    process = subprocess.Popen(
        [*PROGRAM, "train", str(folder / "text.txt"), "--epochs", "10", *SMALL],
        cwd=tmp_path,
        stdout=subprocess.DEVNULL,
        stderr=child,
        env=ONE_THREAD | {"TERM": "xterm", "COLUMNS": "200"},
    )
    os.close(child)
    said = b""
    while True:
        try:
            said += os.read(parent, 65536)
        except OSError:
            break
    os.close(parent)
    assert process.wait(60) == 0
    assert b"training" in said
    assert b"chars/s" in said


def test_adopted_weights_become_a_run(tmp_path):
    """adopt makes a run of a bare state dict, says what it took it for, and sample works on it."""
    modules = nn.ModuleDict({"embed": nn.Embedding(4, 3), "rnn": nn.RNN(3, 5), "out": nn.Linear(5, 4)})
    torch.save({"epoch": 1, "state_dict": modules.state_dict()}, tmp_path / "theirs.pt")
    (tmp_path / "v.json").write_text(json.dumps(["a", "b", "c", "\n"]))
    done = run("adopt", "theirs.pt", "--vocabulary", "v.json", cwd=tmp_path)
    assert done.returncode == 0, done.stderr
    assert done.stdout == "run theirs-1: rnn 1x5, embedding 3, 4 symbols, runs/theirs-1\n"
    assert "tanh is assumed" in done.stderr
    assert len(run("sample", "--length", 9, cwd=tmp_path).stdout) == 9 + 1
    (tmp_path / "short.json").write_text(json.dumps(["a", "b"]))
    wrong = run("adopt", "theirs.pt", "--vocabulary", "short.json", cwd=tmp_path)
    assert wrong.returncode == 2
    assert "4 symbols" in wrong.stderr
    again = run("train", "--resume", "--run", "theirs-1", cwd=tmp_path)
    assert "adopted" in again.stderr
