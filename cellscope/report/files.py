"""Where pages lie: names that are safe on every disk, and files that are whole or not there."""

from __future__ import annotations

import csv
import hashlib
import io
import json
import math
import os
import re
import tempfile
from collections.abc import Iterable, Mapping
from pathlib import Path

from cellscope.errors import CellscopeError

DEVICES = frozenset(f"{device}{number}" for device in ("com", "lpt") for number in range(1, 10))
RESERVED = DEVICES | {"index", "assets", "atlas", "con", "prn", "aux", "nul"}
Cell = str | float | int | bool | None


def safe_name(name: str) -> str:
    """A name as a file name: letters, digits, `.`, `_`, `-`; what had to change gets a short hash, so two stay two."""
    plain = re.sub(r"[^A-Za-z0-9._-]+", "-", name).strip(".-")[:80]
    taken = plain.lower().split(".")[0] in RESERVED or plain.lower().startswith(("unit-", "layer-", "study-"))
    if plain and plain == name and not taken:
        return plain
    mark = hashlib.sha256(name.encode("utf-8", "surrogatepass")).hexdigest()[:8]
    return f"{plain}-{mark}" if plain and not taken else f"{'page-' + plain + '-' if plain else 'page-'}{mark}"


def unit_name(address: str) -> str:
    """The file name of a unit's page: `lstm.0:cell/221` is `unit-lstm.0-cell-221`."""
    usual = re.fullmatch(r"[A-Za-z0-9._]+(:[A-Za-z]+)?/\d+", address)
    return "unit-" + (re.sub(r"[:/]", "-", address) if usual else safe_name(address))


def study_name(name: str) -> str:
    """The file name of a study's page: `formation` is `study-formation`."""
    return "study-" + safe_name(name)


def exhibit_stem(page: Path, key: str) -> Path:
    """The files of an exhibit beside its page: `quote.html` has `quote~lesion.csv`; no page's own name has a tilde."""
    return page.with_name(f"{page.stem}~{key}")


def layer_name(site: str) -> str:
    """The file name of a layer's page: `features.3` is `layer-features.3`."""
    usual = re.fullmatch(r"[A-Za-z0-9._]+(:\d+)?", site)
    return "layer-" + (site.replace(":", "-") if usual else safe_name(site))


def write_whole(path: Path, content: str | bytes) -> Path:
    """Write to a temporary name beside the file, then put it in place: a reader sees the old or the new, never half."""
    raw = content.encode("utf-8") if isinstance(content, str) else content
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        handle, temporary = tempfile.mkstemp(dir=path.parent, prefix=".writing-")
        try:
            with os.fdopen(handle, "wb") as file:
                file.write(raw)
            Path(temporary).chmod(0o644)
            os.replace(temporary, path)
        except BaseException:
            Path(temporary).unlink(missing_ok=True)
            raise
    except OSError as error:
        raise CellscopeError(f"cannot write {path}: {error.strerror or error}; is the folder writable?") from error
    return path


def plain(value: object) -> object:
    """A value as JSON can say it: no NaN, no infinity, no array types; numbers keep six digits."""
    if isinstance(value, Mapping):
        return {str(k): plain(v) for k, v in value.items()}
    if isinstance(value, (list, tuple)):
        return [plain(v) for v in value]
    if value is None or isinstance(value, (str, bool, int)):
        return value
    tolist = getattr(value, "tolist", None)
    if tolist is not None:
        return plain(tolist())
    if isinstance(value, float):
        return float(f"{value:.6g}") if math.isfinite(value) else None
    return str(value)


def json_text(value: object) -> str:
    """JSON that may stand inside a script element: ASCII, and `<`, `>`, `&` written as escapes."""
    text = json.dumps(plain(value), ensure_ascii=True, allow_nan=False, separators=(",", ":"))
    return text.replace("<", "\\u003c").replace(">", "\\u003e").replace("&", "\\u0026")


def csv_text(columns: Iterable[str], rows: Iterable[Mapping[str, Cell]]) -> str:
    """A table as CSV; text that a spreadsheet would run as a formula gets an apostrophe before it."""
    out = io.StringIO()
    names = list(columns)
    writer = csv.writer(out, lineterminator="\n")
    writer.writerow(names)
    for row in rows:
        writer.writerow([_cell(plain(row.get(name))) for name in names])
    return out.getvalue()


def _cell(value: object) -> object:
    if isinstance(value, str) and value[:1] in ("=", "+", "-", "@", "\t", "\r"):
        return "'" + value
    return "" if value is None else value


def write_table(
    stem: Path, columns: Iterable[str], rows: Iterable[Mapping[str, Cell]], about: Mapping[str, object]
) -> None:
    """`stem.csv` and `stem.json` (what it is about, and the rows): the numbers of the page beside it."""
    names, kept = list(columns), [dict(row) for row in rows]
    write_whole(stem.with_name(stem.name + ".csv"), csv_text(names, kept))
    full = {**about, "columns": names, "rows": kept}
    write_whole(stem.with_name(stem.name + ".json"), json.dumps(plain(full), ensure_ascii=True, indent=1) + "\n")
