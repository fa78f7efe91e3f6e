"""What many tests share: the real texts, a browser with its network off, and the helpers beside this file."""

from __future__ import annotations

import os
import shutil
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

ROOT = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(Path(__file__).parent))
BROWSERS = ("chromium", "google-chrome", "chromium-browser", "google-chrome-stable")


@pytest.fixture(scope="session")
def real_text() -> Callable[[str], Path]:
    """`real_text("warpeace.txt")`: a file of the real corpora, or a skip where they are not on this machine."""

    def path(name: str) -> Path:
        found = ROOT.parent / "shared" / "corpora" / name
        if not found.exists():
            pytest.skip(f"the real text {name} is not on this machine")
        return found

    return path


ARGUMENTS = [
    "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run", "--disable-background-networking",
    "--disable-component-update", "--disable-sync",
]  # fmt: skip


@pytest.fixture(scope="session")
def chromium() -> Iterator[Any]:
    """Headless Chromium, the system's or playwright's own; absent it is a skip, and under CI=true a failure."""
    from playwright.sync_api import Error, sync_playwright

    absent = pytest.fail if os.environ.get("CI") == "true" else pytest.skip
    with sync_playwright() as playwright:
        own = Path(playwright.chromium.executable_path)
        found = [os.environ.get("CELLSCOPE_CHROMIUM"), *map(shutil.which, BROWSERS), own if own.is_file() else None]
        program = next(filter(None, found), None)
        if program is None:
            absent("no chromium or google-chrome on PATH, nor playwright's; make browser")
        try:
            browser = playwright.chromium.launch(executable_path=program, args=ARGUMENTS)
        except Error as error:
            absent(f"{program} does not start: {' '.join(str(error).split())[:300]}")
        yield browser
        browser.close()


@pytest.fixture
def offline_page(chromium: Any) -> Iterator[Any]:
    """A page with the network off that fails its test on any error or any request that is not for a file."""
    context = chromium.new_context(offline=True)
    page = context.new_page()
    faults: list[str] = []
    page.on("pageerror", lambda error: faults.append(f"error: {error}"))
    page.on("console", lambda message: faults.append(f"console: {message.text}") if message.type == "error" else None)
    page.on("request", lambda r: None if r.url.startswith(("file:", "data:", "blob:")) else faults.append(r.url))
    yield page
    context.close()
    assert faults == []


SLOW = 900
"""Seconds that a slow test may take: it is one because it takes long."""


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Slow tests have more time than others, unless they say how much."""
    for item in items:
        if item.get_closest_marker("slow") and not item.get_closest_marker("timeout"):
            item.add_marker(pytest.mark.timeout(SLOW))
