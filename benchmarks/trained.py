"""The trained network that benchmarks look into: what a network has learnt decides where its values lie, and that how
fast they can be sorted into bins.
"""

from __future__ import annotations

import shutil
import sys
import tempfile
from functools import cache
from pathlib import Path

from texts import KEPT, code

from cellscope.models.network import Network
from cellscope.pipeline.training import begin
from cellscope.training.config import TrainingConfig
from cellscope.training.run import load_network, open_run

CHARACTERS, EPOCHS = 4_000_000, 2
NAME = f"code-{CHARACTERS}-{EPOCHS}"


@cache
def network() -> Network:
    """A 1x256 LSTM after two passes over four million characters of code; kept for the next time."""
    if not (KEPT / NAME).is_dir():
        print("training the network that benchmarks look into ...", file=sys.stderr)
        KEPT.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryDirectory(dir=KEPT) as folder:
            begin(code(CHARACTERS), runs=Path(folder), name=NAME, config=TrainingConfig(epochs=EPOCHS)).train()
            shutil.move(Path(folder) / NAME, KEPT / NAME)
    return load_network(open_run(NAME, KEPT))
