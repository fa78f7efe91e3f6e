"""`make truth`: does cellscope tell the truth? Planted networks, nothing to find, power, agreement, a real result.

Each part is a file of proof/. What is found goes to truth.json, truth.md and the table of the README; the exit code
is 1 where a check fails. `python benchmarks/truth.py PART ...` runs some parts and keeps the others' rows; `--quick`
runs few trials of each and keeps nothing.
"""

from __future__ import annotations

import argparse
import json
import multiprocessing
import os
import sys
import time
from concurrent.futures import ProcessPoolExecutor
from dataclasses import asdict
from pathlib import Path
from typing import Any

os.environ.setdefault("OMP_NUM_THREADS", "1")  # before torch: every process has one core

HERE = Path(__file__).resolve().parent
README = HERE.parent / "README.md"
PARTS = ("planted", "nothing", "power", "agreement", "real")
OPEN, CLOSE = "<!-- truth -->", "<!-- /truth -->"


def main(arguments: list[str]) -> int:
    """Run the parts, keep what they say, and say whether all checks hold."""
    asked = argparse.ArgumentParser(description=__doc__.split("\n\n")[0])
    asked.add_argument("parts", nargs="*", metavar="PART", help=f"of {', '.join(PARTS)}; all by default")
    asked.add_argument("--quick", action="store_true", help="few trials, nothing is kept")
    asked.add_argument("--workers", type=int, default=os.cpu_count() or 1, help="processes (default: one a core)")
    options = asked.parse_args(arguments)
    unknown = [name for name in options.parts if name not in PARTS]
    if unknown:
        print(f"no part {unknown[0]!r}; there is {', '.join(PARTS)}", file=sys.stderr)
        return 2
    from run import circumstances

    kept = _kept()
    told: dict[str, Any] = {}
    spawn = multiprocessing.get_context("spawn")
    with ProcessPoolExecutor(options.workers, mp_context=spawn) as pool:
        for name in options.parts or PARTS:
            start = time.perf_counter()
            part = measured(name, pool, options.quick)
            kept[name] = {**asdict(part), "seconds": round(time.perf_counter() - start, 1)}
            print(f"{name}: {kept[name]['seconds']} s", file=sys.stderr, flush=True)
            told = {name: kept[name] for name in PARTS if name in kept}
            if not options.quick:  # at once: a later part may fail
                keep(told, circumstances())
    print(checks(told))
    rows = [row for name in (options.parts or PARTS) for row in told[name]["rows"]]
    failed = [row["what"] for row in rows if row["ok"] is False]
    for what in failed:
        print(f"does not hold: {what}", file=sys.stderr)
    return 1 if failed else 0


def measured(name: str, pool: Any, quick: bool) -> Any:
    """One part."""
    from proof import agreement, nothing, planted, power, real

    if name in ("nothing", "power"):
        return {"nothing": nothing, "power": power}[name].measure(pool, quick)
    if name == "agreement":
        return agreement.measure()
    return {"planted": planted, "real": real}[name].measure(quick)


def checks(parts: dict[str, Any]) -> str:
    """Every check of every part as one table."""
    from proof.rows import table

    words = {True: "yes", False: "**no**", None: ""}
    rows = [row for part in parts.values() for row in part["rows"]]
    return table(
        ["what", "asked", "measured", "holds"], [[r["what"], r["asked"], r["measured"], words[r["ok"]]] for r in rows]
    )


def keep(parts: dict[str, Any], about: dict[str, str]) -> None:
    """Write truth.json, truth.md and the README's table, each at once."""
    said = ", ".join(f"{key} {value}" for key, value in about.items())
    page = [
        f"# Does cellscope tell the truth?\n\nWritten by `make truth`; docs/truth.md says what each part is. {said}.\n"
    ]
    page += [
        f"## {part['title']}\n\n{checks({'': part})}\n\n{part['page']}\n\nTook {part['seconds']:g} s.\n"
        for part in parts.values()
    ]
    _write(HERE / "truth.json", json.dumps({"about": about, "parts": parts}, indent=1, ensure_ascii=False) + "\n")
    _write(HERE / "truth.md", "\n".join(page))
    text = README.read_text("utf-8")
    if OPEN in text and CLOSE in text:
        before, _, rest = text.partition(OPEN)
        _write(README, f"{before}{OPEN}\n{checks(parts)}\n{CLOSE}{rest.partition(CLOSE)[2]}")


def _kept() -> dict[str, Any]:
    """The parts that were measured before."""
    path = HERE / "truth.json"
    return dict(json.loads(path.read_text("utf-8"))["parts"]) if path.is_file() else {}


def _write(path: Path, text: str) -> None:
    part = path.with_name(path.name + ".part")
    part.write_text(text, "utf-8")
    os.replace(part, path)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
