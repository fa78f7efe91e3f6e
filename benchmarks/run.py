"""`make bench`: every measurement of this folder, one table, kept in results.md and results.json.

A module of this folder that has `rows()` is a benchmark. It returns rows (what, reach, measured, ok): two texts, the
figure as text, and whether it is within reach (None where nothing is promised). Each runs in a process of its own, so
that none sees another's memory, threads or caches. `python benchmarks/run.py NAME ...` runs some of them and keeps the
others' rows.
"""

from __future__ import annotations

import datetime
import importlib.metadata
import importlib.util
import json
import os
import platform
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

HERE = Path(__file__).resolve().parent
COLUMNS = ("what", "reach", "measured", "ok")
PACKAGES = ("cellscope", "torch", "numpy", "numba", "zarr")
MARK = "benchmark rows: "


def modules() -> dict[str, Path]:
    """The benchmarks there are, by name."""
    found = {path.stem: path for path in sorted(HERE.glob("*.py")) if path.stem != Path(__file__).stem}
    return {name: path for name, path in found.items() if "\ndef rows(" in path.read_text("utf-8")}


def measure_here(name: str) -> None:
    """Run one benchmark in this process and print its rows for the process that started it."""
    sys.path.insert(0, str(HERE))
    spec = importlib.util.spec_from_file_location(name, modules()[name])
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    sys.modules[name] = module
    spec.loader.exec_module(module)
    print(MARK + json.dumps([as_row(row) for row in module.rows()]))


def as_row(row: Any) -> dict[str, Any]:
    """A tuple or a mapping (what, reach, measured, ok) as a mapping of plain values."""
    values = tuple(row[c] for c in COLUMNS) if isinstance(row, dict) else tuple(row)
    what, reach, measured, ok = values
    return {"what": str(what), "reach": str(reach), "measured": str(measured), "ok": None if ok is None else bool(ok)}


def measure(name: str) -> list[dict[str, Any]]:
    """The rows of one benchmark, run in a process of its own; a failure is a row that is not ok."""
    start = time.perf_counter()
    command = [sys.executable, str(Path(__file__)), "--here", name]
    lines: list[str] = []
    # As the command line does: threads that wait spin briefly, for ours and for what it is measured against.
    environment = {"GOMP_SPINCOUNT": "1000", **os.environ}
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True, env=environment) as process:
        assert process.stdout is not None
        for line in process.stdout:
            if line.startswith(MARK):
                lines.append(line.removeprefix(MARK))
            else:
                print(line, end="", file=sys.stderr, flush=True)
    seconds = round(time.perf_counter() - start, 1)
    if process.returncode or not lines:
        failed = {"what": name, "reach": "runs", "measured": "failed", "ok": False}
        return [{**failed, "benchmark": name, "seconds": seconds}]
    return [{**row, "benchmark": name, "seconds": seconds} for row in json.loads(lines[-1])]


def processor() -> str:
    """The processor's name, and how many of its cores this process may use."""
    name = platform.processor() or platform.machine()
    info = Path("/proc/cpuinfo")
    if info.exists():
        found = [
            line.partition(":")[2].strip() for line in info.read_text().splitlines() if line.startswith("model name")
        ]
        name = found[0] if found else name
    cores = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count()
    return f"{name}, {cores} cores"


def circumstances() -> dict[str, str]:
    """When, on what, and with which versions."""
    versions = {}
    for package in PACKAGES:
        try:
            versions[package] = importlib.metadata.version(package)
        except importlib.metadata.PackageNotFoundError:
            versions[package] = "absent"
    return {
        "date": datetime.datetime.now(datetime.UTC).strftime("%Y-%m-%d"),
        "processor": processor(),
        "python": platform.python_version(),
        **versions,
    }


def table(rows: list[dict[str, Any]]) -> str:
    """The rows as a markdown table."""
    words = {True: "yes", False: "**no**", None: ""}
    cells = [COLUMNS, ("---",) * 4, *((r["what"], r["reach"], r["measured"], words[r["ok"]]) for r in rows)]
    return "\n".join("| " + " | ".join(c.replace("|", "\\|") for c in line) + " |" for line in cells)


def keep(rows: list[dict[str, Any]], about: dict[str, str]) -> None:
    """Write results.json and results.md, each at once."""
    said = ", ".join(f"{key} {value}" for key, value in about.items())
    page = f"# What was measured\n\nWritten by `make bench`. {said}.\n\n{table(rows)}\n"
    texts = {"results.json": json.dumps({"about": about, "rows": rows}, indent=1) + "\n", "results.md": page}
    for name, text in texts.items():
        part = HERE / f"{name}.part"
        part.write_text(text, "utf-8")
        os.replace(part, HERE / name)


def main(arguments: list[str]) -> int:
    """Run the named benchmarks, or all; 1 where one is out of reach."""
    if arguments[:1] == ["--here"]:
        measure_here(arguments[1])
        return 0
    known = modules()
    unknown = [name for name in arguments if name not in known]
    if unknown:
        print(f"no benchmark {unknown[0]!r}; there is {', '.join(known) or 'none'}", file=sys.stderr)
        return 2
    wanted = arguments or list(known)
    old = HERE / "results.json"
    kept = json.loads(old.read_text("utf-8"))["rows"] if arguments and old.exists() else []
    by_name = {name: [row for row in kept if row["benchmark"] == name] for name in known}
    for name in wanted:
        print(f"{name} ...", file=sys.stderr, flush=True)
        by_name[name] = measure(name)
    rows = [row for name in known for row in by_name[name]]
    keep(rows, circumstances())
    print(table(rows))
    return 0 if all(row["ok"] is not False for row in rows) else 1


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
