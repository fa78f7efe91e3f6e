"""The folder of pages: its index, the pages of one run, and a server for this machine alone."""

from __future__ import annotations

from functools import partial
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

from cellscope.errors import InputError, MissingError, not_found
from cellscope.report.files import safe_name
from cellscope.report.index import gather
from cellscope.report.page import write_index

HERE = "127.0.0.1"


def pages_of(reports: Path, run: str | None = None) -> Path:
    """Write the index over all pages anew; its path, or that of the pages of `run`. MissingError without any."""
    entries = {entry.name: entry for entry in gather(reports)}
    if not entries:
        raise MissingError(f"no pages in {reports}; write some with: cellscope find")
    index = write_index(reports)
    if run is None:
        return index
    name = Path(run).name or run
    folder = reports / safe_name(name)
    if not folder.is_dir():
        raise not_found("pages of run", run, list(entries))
    own = folder / "index.html"
    return own if own.is_file() else index


class Handler(SimpleHTTPRequestHandler):
    """Files of one folder, to requests that name this machine alone: no other site's page can reach them by a name."""

    def do_GET(self) -> None:
        """Answer, unless the request came by another name."""
        if self._ours():
            super().do_GET()

    def do_HEAD(self) -> None:
        """Answer, unless the request came by another name."""
        if self._ours():
            super().do_HEAD()

    def list_directory(self, path: Any) -> None:
        """No listings: the index has every page."""
        self.send_error(404)

    def log_message(self, *_: Any) -> None:
        """The library never prints."""

    def _ours(self) -> bool:
        host = (self.headers.get("Host") or "").rpartition(":")[0] or self.headers.get("Host") or ""
        if host in (HERE, "localhost"):
            return True
        self.send_error(403)
        return False


def server(reports: Path, port: int = 8000) -> ThreadingHTTPServer:
    """A server of the pages that is bound to 127.0.0.1; InputError where the port is taken."""
    try:
        return ThreadingHTTPServer((HERE, port), partial(Handler, directory=str(reports)))
    except OSError as error:
        raise InputError(f"port {port} cannot be used: {error.strerror or error}; try another --port") from error
