"""What a search found, kept beside its run: `explain` after `find` need not read the whole text once more, nor `atlas`
show the pictures again.

One file a search, named by a digest of all that its numbers hang on: weights, sites, text or pictures and how they are
taken, features, seed and this program itself. The sums of the null, which are large and which nobody asks for again,
are not kept.
"""

from __future__ import annotations

import hashlib
import io
import json
import zipfile
import zlib
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, astuple, dataclass
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

import cellscope
from cellscope.axes import Site, Unit
from cellscope.chunks import Round
from cellscope.data.images import ImageSet
from cellscope.data.text import Corpus
from cellscope.errors import CellscopeError
from cellscope.evidence.intervals import Replicates
from cellscope.evidence.terms import NAMED, Terms
from cellscope.evidence.verdicts import Evidence
from cellscope.findings import Findings
from cellscope.models.classifier import Classifier
from cellscope.models.network import Network
from cellscope.models.state_dict import digest_of
from cellscope.report.files import write_whole
from cellscope.sinks.tally import Tally

Arrays = dict[str, NDArray[Any]]

PATTERN = "findings-*.npz"
MOST, MOST_BYTES = 4, 2**26
"""Searches that are kept for a run, the latest; and the largest file that is worth its room."""


@dataclass(frozen=True)
class Drawn:
    """That there were so many shifts; their sums are gone."""

    draws: range


@dataclass(frozen=True)
class Remembered:
    """What pages and figures ask of the counts of a search (count.Counts), without the sums of null and lags; of the
    lags there is left whether there were any.
    """

    units: tuple[Unit, ...]
    features: tuple[Any, ...]
    characters: int
    labelled: NDArray[np.int64]
    tally: Tally
    shifts: Drawn | None
    lags: bool | None
    seed: int
    terms: Terms
    together: NDArray[np.int64] | None
    rounds: tuple[Round, ...]

    @property
    def spans(self) -> int:
        """How many of the features are spans."""
        return sum(f.kind == "span" for f in self.features)


def place(
    folder: Path, network: Network | Classifier, subject: Corpus | ImageSet, features: Sequence[Any],
    sites: Sequence[Site], *, seed: int, start: int = 0, exact: bool = False,
) -> Path:  # fmt: skip
    """The file in which the search of exactly this is kept: of a text from `start` on, or of a set of pictures."""
    about = [
        _program(), digest_of(network.module), _taken(network), _shown(subject), start,
        [[f.name, f.digest] for f in features], list(map(str, sites)), exact, seed,
    ]  # fmt: skip
    return folder / PATTERN.replace("*", hashlib.sha256(json.dumps(about).encode()).hexdigest()[:24])


def _taken(network: Network | Classifier) -> list[Any]:
    """How a network takes what it is given."""
    if isinstance(network, Network):
        return [network.vocabulary.to_json()]
    return [network.preprocessing.to_json(), network.shape]


def _shown(subject: Corpus | ImageSet) -> list[Any]:
    """What tells this text, or this set of pictures, from others."""
    if isinstance(subject, Corpus):
        return [subject.digest, len(subject), subject.as_bytes]
    return [subject.digest, len(subject), subject.columns, None if subject.masks is None else subject.masks.shape]


def once(path: Path | None, features: Sequence[Any], search: Callable[[], Findings]) -> Findings:
    """What is kept at `path`; where nothing is, `search` is made and kept there. Without a path it is always made."""
    known = recall(path, features) if path is not None else None
    if known is not None:
        return known
    found = search()
    if path is not None:
        keep(path, found)
    return found


def keep(path: Path, findings: Findings) -> None:
    """Write what was found, whole or not at all, and let go of the oldest; nothing where it cannot be written."""
    about = {
        "features": [[f.name, f.kind] for f in findings.features],
        "evidence": [
            asdict(e) | {"unit": str(e.unit) if e.unit else None, "terms": _name(e.terms)} for e in findings.evidence
        ],
        "parts": [_told(part) for part in findings.parts],
    }
    arrays: Arrays = {"about": np.frombuffer(json.dumps(about).encode(), np.uint8)}
    arrays |= {f"score {name}": values for name, values in findings.scores.items()}
    for number, (part, alone) in enumerate(zip(findings.parts, findings.alone, strict=True)):
        arrays |= {f"{number} {name}": values for name, values in _counted(part).items()}
        arrays |= {f"{number} alone whole": alone.whole, f"{number} alone left": alone.left}
    packed = _packed(arrays)
    if packed is None:
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
        return _findings(arrays, features)
    except (
        OSError, EOFError, ValueError, LookupError, TypeError, AttributeError, zipfile.BadZipFile, zlib.error,
        CellscopeError,
    ):  # fmt: skip
        return None


def _findings(arrays: Arrays, features: Sequence[Any]) -> Findings:
    about = json.loads(arrays["about"].tobytes())
    named = {(f.name, f.kind): f for f in features}  # a class and a column may have one name
    ordered = tuple(named[name, kind] for name, kind in about["features"])
    evidence = tuple(
        Evidence(**e | {"unit": Unit.parse(e["unit"]) if e["unit"] else None, "terms": NAMED[e["terms"]]})
        for e in about["evidence"]
    )
    parts = tuple(
        _remembered(told, _under(f"{number} ", arrays), ordered) for number, told in enumerate(about["parts"])
    )
    units = tuple(unit for part in parts for unit in part.units)
    alone = tuple(Replicates(**_under(f"{number} alone ", arrays)) for number in range(len(parts)))
    return Findings(units, ordered, evidence, _under("score ", arrays), parts, alone)


def _told(part: Any) -> dict[str, Any]:
    """What there is to say of a part of a search beside its arrays."""
    return {
        "sites": [[str(site), size] for site, size in _sizes(part.units).items()], "characters": part.characters,
        "draws": None if part.shifts is None else len(part.shifts.draws), "lags": part.lags is not None,
        "seed": part.seed, "stride": part.tally.stride, "terms": _name(part.terms),
        "rounds": [astuple(one) for one in part.rounds],
    }  # fmt: skip


def _counted(part: Any) -> Arrays:
    """The arrays of a part by name."""
    arrays = {"labelled": part.labelled} | ({} if part.together is None else {"together": part.together})
    return arrays | {f"tally {name}": values for name, values in part.tally.state().items()}


def _remembered(told: Mapping[str, Any], arrays: Arrays, features: tuple[Any, ...]) -> Remembered:
    """The part of which `_told` and `_counted` speak."""
    units = tuple(Unit(Site.parse(site), k) for site, size in told["sites"] for k in range(size))
    tally = Tally.of_state(_under("tally ", arrays), stride=told["stride"])
    shifts = None if told["draws"] is None else Drawn(range(told["draws"]))
    rounds = tuple(Round(*one) for one in told["rounds"])
    together = arrays["together"].astype(np.int64) if "together" in arrays else None
    return Remembered(
        units, features, told["characters"], arrays["labelled"].astype(np.int64), tally, shifts, told["lags"] or None,
        told["seed"], NAMED[told["terms"]], together, rounds,
    )  # fmt: skip


def _under(prefix: str, arrays: Arrays) -> Arrays:
    """The arrays whose names begin so, by what follows."""
    return {name.removeprefix(prefix): values for name, values in arrays.items() if name.startswith(prefix)}


def _name(terms: Terms) -> str:
    return next(name for name, known in NAMED.items() if known is terms)


def _packed(arrays: Arrays) -> bytes | None:
    """The arrays as an .npz, packed lightly: numpy's own packing of it takes a fifth of the time of the search. None
    where that is more than MOST_BYTES.
    """
    target = io.BytesIO()
    with zipfile.ZipFile(target, "w", zipfile.ZIP_DEFLATED, compresslevel=1) as file:
        for name, values in arrays.items():
            with file.open(f"{name}.npy", "w", force_zip64=True) as member:
                np.lib.format.write_array(member, np.asarray(_narrow(values)), allow_pickle=False)
            if target.tell() > MOST_BYTES:
                return None
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
