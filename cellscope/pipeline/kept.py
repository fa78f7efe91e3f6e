"""What a search found, kept beside its run: `explain` after `find` need not read the whole text once more.

One file a search, named by a digest of all that its numbers hang on: weights, sites, text, range, features, seed and
this program itself. The sums of the null, which are large and which nobody asks for again, are not kept.
"""

from __future__ import annotations

import hashlib
import io
import json
import zipfile
import zlib
from collections.abc import Sequence
from dataclasses import asdict, astuple, dataclass
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

import cellscope
from cellscope.axes import Site, Unit
from cellscope.chunks import Round
from cellscope.data.text import Corpus
from cellscope.errors import CellscopeError
from cellscope.evidence.intervals import Replicates
from cellscope.evidence.terms import TEXT, Terms
from cellscope.evidence.verdicts import Evidence
from cellscope.findings import Findings
from cellscope.models.network import Network
from cellscope.pipeline.gates import digest_of
from cellscope.report.files import write_whole
from cellscope.sinks.tally import Tally

PATTERN = "findings-*.npz"
MOST, MOST_BYTES = 4, 2**26
"""Searches that are kept for a run, the latest; and the largest file that is worth its room."""


@dataclass(frozen=True)
class Drawn:
    """That there were so many shifts; their sums are gone."""

    draws: range


@dataclass(frozen=True)
class Remembered:
    """What pages and figures ask of the counts of a search (count.Counts), without the sums of null and lags."""

    units: tuple[Unit, ...]
    features: tuple[Any, ...]
    characters: int
    labelled: NDArray[np.int64]
    tally: Tally
    shifts: Drawn | None
    seed: int
    spans: int
    rounds: tuple[Round, ...]
    lags: bool = True
    terms: Terms = TEXT


def place(
    folder: Path, network: Network, corpus: Corpus, features: Sequence[Any], sites: tuple[Site, ...], *, start: int,
    exact: bool, seed: int,
) -> Path:  # fmt: skip
    """The file in which the search of exactly this is kept."""
    about = [
        _program(), digest_of(network), network.vocabulary.to_json(), corpus.digest, len(corpus), corpus.as_bytes,
        start, [[f.name, f.digest] for f in features], list(map(str, sites)), exact, seed,
    ]  # fmt: skip
    return folder / PATTERN.replace("*", hashlib.sha256(json.dumps(about).encode()).hexdigest()[:24])


def keep(path: Path, findings: Findings) -> None:
    """Write what was found, whole or not at all, and let go of the oldest; nothing where it cannot be written."""
    counts = findings.counts
    evidence = [asdict(e) | {"unit": str(e.unit) if e.unit else None, "terms": None} for e in findings.evidence]
    about = {
        "features": [f.name for f in findings.features], "evidence": evidence, "characters": counts.characters,
        "draws": findings.draws, "seed": counts.seed, "stride": counts.tally.stride,
        "rounds": [astuple(part) for part in counts.rounds],
        "sites": [[str(site), size] for site, size in _sizes(findings.units).items()],
    }  # fmt: skip
    arrays = {f"score {name}": values for name, values in findings.scores.items()}
    (alone,) = findings.alone
    arrays |= {"alone whole": alone.whole, "alone left": alone.left}
    arrays |= {f"tally {name}": _narrow(values) for name, values in counts.tally.state().items()}
    arrays |= {"about": np.frombuffer(json.dumps(about).encode(), np.uint8), "labelled": counts.labelled}
    packed = _packed(arrays)
    if len(packed) > MOST_BYTES:
        return
    try:
        write_whole(path, packed)
        old = sorted(path.parent.glob(PATTERN), key=lambda file: file.stat().st_mtime_ns)
        for file in old[:-MOST]:
            file.unlink(missing_ok=True)
    except (CellscopeError, OSError):
        pass  # a run that cannot be written to is searched again next time


def recall(path: Path, features: Sequence[Any]) -> Findings | None:
    """What was kept of this search; None where nothing was, or what is there is damaged."""
    try:
        with np.load(path, allow_pickle=False) as file:
            arrays = {name: file[name] for name in file.files}
        return _findings(arrays, {f.name: f for f in features})
    except (OSError, EOFError, ValueError, LookupError, TypeError, zipfile.BadZipFile, zlib.error, CellscopeError):
        return None


def _findings(arrays: dict[str, NDArray[Any]], features: dict[str, Any]) -> Findings:
    about = json.loads(arrays.pop("about").tobytes())
    units = tuple(Unit(Site.parse(site), k) for site, size in about["sites"] for k in range(size))
    made = [e | {"unit": Unit.parse(e["unit"]) if e["unit"] else None, "terms": TEXT} for e in about["evidence"]]
    evidence = tuple(Evidence(**e) for e in made)
    part = {kind: {name.removeprefix(kind): values for name, values in arrays.items() if name.startswith(kind)}
            for kind in ("score ", "tally ", "alone ")}  # fmt: skip
    ordered = tuple(features[name] for name in about["features"])
    shifts = Drawn(range(about["draws"])) if about["draws"] else None
    counts = Remembered(
        units, ordered, about["characters"], arrays["labelled"],
        Tally.of_state(part["tally "], stride=about["stride"]), shifts, about["seed"],
        sum(f.kind == "span" for f in ordered), tuple(Round(*part) for part in about["rounds"]),
    )  # fmt: skip
    return Findings(units, ordered, evidence, part["score "], (counts,), (Replicates(**part["alone "]),))


def _packed(arrays: dict[str, NDArray[Any]]) -> bytes:
    """The arrays as an .npz, packed lightly: numpy's own packing of it takes a fifth of the time of the search."""
    target = io.BytesIO()
    with zipfile.ZipFile(target, "w", zipfile.ZIP_DEFLATED, compresslevel=1) as file:
        for name, values in arrays.items():
            with file.open(f"{name}.npy", "w", force_zip64=True) as member:
                np.lib.format.write_array(member, np.asarray(values), allow_pickle=False)
    return target.getvalue()


def _sizes(units: Sequence[Unit]) -> dict[Site, int]:
    sizes: dict[Site, int] = {}
    for unit in units:
        sizes[unit.site] = sizes.get(unit.site, 0) + 1
    return sizes


def _narrow(values: NDArray[Any]) -> NDArray[Any]:
    """Whole numbers in as few bytes as hold them."""
    if values.dtype.kind == "i" and values.size and values.min() >= 0:
        return values.astype(np.min_scalar_type(int(values.max())))
    return values


@cache
def _program() -> str:
    """What tells this program from another version of it: its numbers may differ."""
    digest = hashlib.sha256()
    folder = Path(cellscope.__file__).parent
    for path in sorted(folder.rglob("*.py")):
        if path.relative_to(folder).parts[0] not in ("cli", "report", "vision", "training"):
            digest.update(path.read_bytes())
    return digest.hexdigest()
