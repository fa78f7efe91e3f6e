"""One training at a time: the second is told who trains, and a process that died holds nothing."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from cellscope.data.text import Corpus
from cellscope.errors import InputError
from cellscope.pipeline.training import begin, proceed
from cellscope.training.config import ModelOptions, TrainingConfig
from cellscope.training.lock import NAME, Lock

HOLDS = """
import sys, time
from pathlib import Path
from cellscope.training.lock import Lock
Lock(Path(sys.argv[1])).take()
held = Lock(Path(sys.argv[1]) / "other"); held.path.parent.mkdir(); held.take()
print("held", flush=True)
time.sleep(60)
"""


@pytest.fixture
def held(tmp_path: Path):
    """Another process that holds the lock of `tmp_path`/other."""
    process = subprocess.Popen([sys.executable, "-c", HOLDS, str(tmp_path)], stdout=subprocess.PIPE, text=True)
    assert process.stdout is not None
    assert process.stdout.readline() == "held\n"
    yield process
    process.kill()
    process.wait()
    process.stdout.close()


def test_another_process_is_named(tmp_path: Path, held: subprocess.Popen[str]) -> None:
    """One line: which run, which process, and what to do; an object that is gone holds nothing."""
    with pytest.raises(InputError, match=f"run other is being trained by process {held.pid} on .* since") as caught:
        Lock(tmp_path / "other").take()
    assert "\n" not in str(caught.value)
    Lock(tmp_path).take()


def test_a_killed_process_holds_nothing(tmp_path: Path, held: subprocess.Popen[str]) -> None:
    """The file stays, and names who died; the lock is free."""
    held.send_signal(signal.SIGKILL)
    held.wait()
    assert str(held.pid) in (tmp_path / "other" / NAME).read_text()
    lock = Lock(tmp_path / "other")
    lock.take()
    assert str(os.getpid()) in (tmp_path / "other" / NAME).read_text()
    lock.release()


def test_taking_twice_is_taking_once(tmp_path: Path) -> None:
    """And two objects of one process keep each other out."""
    lock, other = Lock(tmp_path), Lock(tmp_path)
    lock.take()
    lock.take()
    with pytest.raises(InputError, match=f"process {os.getpid()}"):
        other.take()
    lock.release()
    lock.release()
    other.take()


def test_a_run_is_resumed_once_at_a_time(tmp_path: Path) -> None:
    """Resuming holds the run from before its history is cut back until its training ends, however it ends."""
    (tmp_path / "text.txt").write_text("words and (words) of a text\n" * 200)
    config = TrainingConfig(epochs=0.2, batch_size=2, seq_length=16, precision="fp32")
    model = ModelOptions(size=4, embedding=4)
    session = begin(Corpus.open(tmp_path / "text.txt"), runs=tmp_path, name="run", model=model, config=config)
    left = iter(range(3))
    session.train(stop=lambda: next(left, None) is None)
    losses = session.run.losses.read_bytes()
    first = proceed(session.run)
    for start in (lambda: proceed(session.run), session.train):
        with pytest.raises(InputError, match="run run is being trained by process"):
            start()
    assert session.run.losses.read_bytes() == losses
    with pytest.raises(KeyboardInterrupt):
        first.train(on_event=lambda _: (_ for _ in ()).throw(KeyboardInterrupt))
    assert proceed(session.run).train()
    for _ in range(2):
        with pytest.raises(InputError, match="finished"):
            proceed(session.run)
