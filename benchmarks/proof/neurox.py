"""NeuroX's rankings and linear probes on the same activations, where it can be had."""

from __future__ import annotations

import contextlib
import importlib
import io
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path
from types import ModuleType
from typing import Any

import numpy as np
from numpy.typing import NDArray

from cellscope.evidence.probes import Probe
from cellscope.findings import Findings
from proof.material import SEED
from proof.rows import Row

PINNED = "neurox==1.0.9"
EPOCHS, BATCH, RATE = 30, 256, 0.003
Flags = NDArray[np.bool_]
Floats = NDArray[np.floating[Any]]


@contextlib.contextmanager
def fetched() -> Iterator[str]:
    """NeuroX can be imported here; given is why not, or an empty string.

    Its requirements are of years ago and are left out: of what is compared, nothing needs more than numpy, torch,
    scipy, scikit-learn and tqdm. `imblearn` is named at the top of a module and used by none of it.
    """
    with tempfile.TemporaryDirectory() as folder:
        command = [sys.executable, "-m", "pip", "download", "--quiet", "--no-deps", PINNED, "-d", folder]
        done = subprocess.run(command, capture_output=True, text=True, check=False, timeout=120)
        wheels = [str(path) for path in Path(folder).glob("*.whl")]
        if done.returncode or not wheels:
            yield "does not install here"
            return
        absent = ModuleType("imblearn.under_sampling")
        absent.RandomUnderSampler = None  # type: ignore[attr-defined]
        stood_in = {"imblearn": ModuleType("imblearn"), "imblearn.under_sampling": absent}
        known = {name: sys.modules[name] for name in stood_in if name in sys.modules}
        sys.path.insert(0, wheels[0])
        sys.modules.update(stood_in | known)
        try:
            importlib.import_module("neurox.interpretation.linear_probe")
            yield ""
        except ImportError as error:
            yield f"does not run here: {error}"
        finally:
            sys.path.remove(wheels[0])
            for name in stood_in.keys() - known.keys():
                del sys.modules[name]


def ranked(findings: Findings, spans: Flags, values: Floats, half: Flags) -> Row:
    """The Probeless ranking (mean difference) of standardised units, which has to be ours by |r|."""
    from scipy.stats import spearmanr

    ordering = importlib.import_module("neurox.interpretation.probeless").get_neuron_ordering
    here = values[half].astype(float)
    scaled = (here - here.mean(0)) / here.std(0)
    agreed, best, tried = 1.0, 0, 0
    for f in range(len(spans)):
        if findings.evidence[f].remark:
            continue
        ranking = ordering(scaled, spans[f, half].astype(int))
        own = np.abs(findings.scores["r"][f])
        agreed = min(agreed, float(spearmanr(np.argsort(ranking), -own)[0]))
        best += int(ranking[0] == int(own.argmax()))
        tried += 1
    said = f"rank correlation {agreed:.3f} at least; the same best unit for {best} of {tried} features"
    return Row(f"Ranking of units by NeuroX ({PINNED}, Probeless) against ours by |r|", ">= 0.95", said, agreed >= 0.95)


def probed(probes: list[tuple[Probe, Floats, Flags]], x: Floats, choose: Flags, report: Flags) -> list[Row]:
    """Its linear probe and the ranking by its weights against our ridge reading: a probe, our weights for standardised
    units and the label of each feature; `x` are the standardised units.
    """
    from scipy.stats import spearmanr
    from sklearn.metrics import r2_score

    module = importlib.import_module("neurox.interpretation.linear_probe")
    # In any order: it learns from neighbours together, and the last of the text would weigh most.
    order = np.random.default_rng(SEED).permutation(np.flatnonzero(choose))
    rows, away, agreed, shared = np.ascontiguousarray(x[order], np.float32), [], 1.0, []
    for p, own, label in probes:
        with contextlib.redirect_stdout(io.StringIO()), contextlib.redirect_stderr(io.StringIO()):
            theirs = module.train_linear_regression_probe(
                rows, label[order].astype(np.float32), num_epochs=EPOCHS, batch_size=BATCH, learning_rate=RATE
            )
            ranking = [int(unit) for unit in module.get_neuron_ordering(theirs, {"label": 0}, search_stride=1000)[0]]
        weights, offset = theirs.linear.weight.detach().numpy()[0], float(theirs.linear.bias.detach())
        away.append(p.all.score - r2_score(label[report].astype(float), x[report] @ weights + offset))
        agreed = min(agreed, float(spearmanr(np.argsort(ranking), -np.abs(own))[0]))
        shared.append(len(set(ranking[:10]) & set(np.argsort(-np.abs(own))[:10].tolist())))
    return [
        Row(f"R2 of all units by our probe less that of NeuroX's linear probe ({PINNED}), which has no penalty", "",
            f"{min(away):+.3f} to {max(away):+.3f}, of {len(probes)} features"),
        Row("Ranking of units by the weights of NeuroX's linear probe against ours", "",
            f"rank correlation {agreed:.2f} at least; of the first ten {min(shared)} to {max(shared)} are the same"),
    ]  # fmt: skip
