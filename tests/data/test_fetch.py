"""Downloads from a loopback server that is cut, slow of wit or wrong."""

from __future__ import annotations

import hashlib
import io
import re
import threading
import zipfile
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest

from cellscope.data.fetch import download
from cellscope.errors import CellscopeError

CONTENT = bytes(range(256)) * 2000
SHA = hashlib.sha256(CONTENT).hexdigest()


class Server(ThreadingHTTPServer):
    """Serves `content`; the first answers are cut after `cuts` bytes each."""

    content = CONTENT
    cuts: list[int]
    ranges = True
    etag = '"one"'
    status = 200
    shift = 0

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), Handler)
        self.cuts, self.asked = [], []

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.server_address[1]}/file"


class Handler(BaseHTTPRequestHandler):
    server: Server

    def do_GET(self) -> None:
        server = self.server
        asked = self.headers.get("Range")
        server.asked.append(asked)
        if server.status != 200:
            self.send_error(server.status)
            return
        content, start = server.content, 0
        held = self.headers.get("If-Range", server.etag)
        if asked and server.ranges and held == server.etag:
            start = int(re.fullmatch(r"bytes=(\d+)-", asked)[1])
            if start >= len(content):
                self.send_response(416)
                self.send_header("Content-Range", f"bytes */{len(content)}")
                self.send_header("Content-Length", "0")
                self.end_headers()
                return
            start += server.shift
            self.send_response(206)
            self.send_header("Content-Range", f"bytes {start}-{len(content) - 1}/{len(content)}")
        else:
            self.send_response(200)
        if server.etag:
            self.send_header("ETag", server.etag)
        body = content[start:]
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body[: server.cuts.pop(0)] if server.cuts else body)
        self.close_connection = True

    def log_message(self, *args: object) -> None:
        pass


@pytest.fixture
def server() -> Iterator[Server]:
    with Server() as running:
        thread = threading.Thread(target=running.serve_forever, args=(0.02,))
        thread.start()
        yield running
        running.shutdown()
        thread.join()


def names(folder: Path) -> list[str]:
    return sorted(path.name for path in folder.iterdir())


def test_a_whole_download_is_checked_and_put_in_place(server: Server, tmp_path: Path) -> None:
    """The file is what was served, nothing else is left, and progress ends at the whole."""
    seen: list[tuple[int, int, str]] = []
    sha = download(server.url, tmp_path / "f", sha256=SHA, progress=lambda *args: seen.append(args))
    assert (sha, (tmp_path / "f").read_bytes(), names(tmp_path)) == (SHA, CONTENT, ["f"])
    assert seen[-1][:2] == (len(CONTENT), len(CONTENT))


def test_a_download_that_is_cut_goes_on_in_the_same_call(server: Server, tmp_path: Path) -> None:
    """After each cut the rest is asked for, and only the rest."""
    server.cuts = [98_304, 49_152]
    download(server.url, tmp_path / "f", sha256=SHA)
    assert (tmp_path / "f").read_bytes() == CONTENT
    assert server.asked == [None, "bytes=98304-", "bytes=147456-"]


@pytest.mark.parametrize("sha256", [SHA, None])
def test_a_download_that_is_given_up_goes_on_in_the_next_call(
    server: Server, tmp_path: Path, sha256: str | None
) -> None:
    """What came is kept beside the target, which is not there yet; the next call asks for the rest."""
    server.cuts = [98_304, 0]
    with pytest.raises(CellscopeError, match="98,304 bytes came and are kept"):
        download(server.url, tmp_path / "f", sha256=sha256)
    assert names(tmp_path) == ["f.part", "f.part.json"]
    assert download(server.url, tmp_path / "f", sha256=sha256) == SHA
    assert (names(tmp_path), (tmp_path / "f").read_bytes()) == (["f"], CONTENT)
    assert server.asked[-1] == "bytes=98304-"


def test_a_file_that_changed_between_the_calls_is_fetched_anew(server: Server, tmp_path: Path) -> None:
    """The beginning of one file is never joined to the end of another."""
    server.cuts = [98_304, 0]
    with pytest.raises(CellscopeError):
        download(server.url, tmp_path / "f", sha256=None)
    server.content, server.etag = CONTENT[::-1], '"two"'
    download(server.url, tmp_path / "f", sha256=None)
    assert (tmp_path / "f").read_bytes() == CONTENT[::-1]


def test_without_a_mark_and_a_checksum_nothing_is_resumed(server: Server, tmp_path: Path) -> None:
    """Where neither the server nor the manifest can tell whether it is the same file, it begins again."""
    server.etag, server.cuts = "", [98_304, 0]
    with pytest.raises(CellscopeError):
        download(server.url, tmp_path / "f", sha256=None)
    download(server.url, tmp_path / "f", sha256=None)
    assert server.asked == [None] * 3
    assert (tmp_path / "f").read_bytes() == CONTENT


def test_a_server_without_ranges_starts_over(server: Server, tmp_path: Path) -> None:
    """An answer of everything to a question for the rest replaces what was there."""
    server.ranges, server.cuts = False, [100_000]
    download(server.url, tmp_path / "f", sha256=SHA)
    assert (tmp_path / "f").read_bytes() == CONTENT


def test_a_part_that_was_whole_already_is_taken(server: Server, tmp_path: Path) -> None:
    """When all had come before the stop, the server's 416 ends the download well."""
    (tmp_path / "f.part").write_bytes(CONTENT)
    download(server.url, tmp_path / "f", sha256=SHA)
    assert (tmp_path / "f").read_bytes() == CONTENT


def test_a_part_that_is_too_long_is_thrown_away(server: Server, tmp_path: Path) -> None:
    """A part longer than the file is of another file."""
    (tmp_path / "f.part").write_bytes(CONTENT + b"more")
    download(server.url, tmp_path / "f", sha256=SHA)
    assert (tmp_path / "f").read_bytes() == CONTENT


def test_another_range_than_was_asked_for_is_refused(server: Server, tmp_path: Path) -> None:
    """A rest that begins elsewhere is not joined on."""
    (tmp_path / "f.part").write_bytes(CONTENT[:1000])
    server.shift = 7
    with pytest.raises(CellscopeError, match="another range"):
        download(server.url, tmp_path / "f", sha256=SHA)
    assert names(tmp_path) == []


def test_a_wrong_checksum_leaves_nothing(server: Server, tmp_path: Path) -> None:
    """The error names both checksums, and neither the file nor a part of it stays; an older file does."""
    (tmp_path / "f").write_bytes(b"older")
    with pytest.raises(CellscopeError, match=f"{SHA}, not the known 000"):
        download(server.url, tmp_path / "f", sha256="0" * 64)
    assert (names(tmp_path), (tmp_path / "f").read_bytes()) == (["f"], b"older")


@pytest.mark.parametrize(("status", "said"), [(404, "404 Not Found"), (503, "503 Service Unavailable")])
def test_an_answer_that_is_no_file_is_said(server: Server, tmp_path: Path, status: int, said: str) -> None:
    """A 404 is an error with the address in it, and leaves nothing."""
    server.status = status
    with pytest.raises(CellscopeError, match=f"127.0.0.1.*answers {said}"):
        download(server.url, tmp_path / "f", sha256=SHA)
    assert names(tmp_path) == []


def test_no_network_is_said_in_one_line(tmp_path: Path) -> None:
    """A refused connection is not a traceback."""
    with pytest.raises(CellscopeError, match=r"cannot fetch http://127.0.0.1:1/f: the connection was refused"):
        download("http://127.0.0.1:1/f", tmp_path / "f", sha256=SHA)


def test_a_place_that_cannot_be_written_is_said(server: Server, tmp_path: Path) -> None:
    """A target below a file is an error of one line."""
    (tmp_path / "file").write_text("")
    with pytest.raises(CellscopeError, match="cannot write"):
        download(server.url, tmp_path / "file" / "f", sha256=SHA)


def test_more_than_is_expected_is_stopped(server: Server, tmp_path: Path) -> None:
    """A server that sends without end does not fill the disk."""
    with pytest.raises(CellscopeError, match="far more than is expected"):
        download(server.url, tmp_path / "f", sha256=None, size=1000)
    assert not (tmp_path / "f").exists()


def zipped(content: bytes, member: str = "inner") -> bytes:
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr(member, content)
    return buffer.getvalue()


def test_one_member_of_a_zip_is_taken_out(server: Server, tmp_path: Path) -> None:
    """Only the member stays, checked by its own SHA-256; the checksum returned is the zip's."""
    server.content = zipped(CONTENT)
    zip_sha = hashlib.sha256(server.content).hexdigest()
    got = download(server.url, tmp_path / "f", sha256=zip_sha, member="inner", content_sha256=SHA, size=len(CONTENT))
    assert (got, names(tmp_path), (tmp_path / "f").read_bytes()) == (zip_sha, ["f"], CONTENT)


@pytest.mark.parametrize(
    ("content", "content_sha256", "size", "said"),
    [
        (b"no zip at all", SHA, 0, "is no zip with a file 'inner'"),
        (zipped(CONTENT, "../inner"), SHA, 0, "is no zip with a file 'inner'"),
        (zipped(CONTENT), "0" * 64, 0, "not the known 000"),
        (zipped(CONTENT), SHA, 1000, "larger than the known 1,000 bytes"),
    ],
)
def test_a_wrong_zip_leaves_nothing(
    server: Server, tmp_path: Path, content: bytes, content_sha256: str, size: int, said: str
) -> None:
    """No zip, no such member, another content and a zip that swells are each said, and nothing stays."""
    server.content = content
    with pytest.raises(CellscopeError, match=said):
        download(server.url, tmp_path / "f", sha256=None, member="inner", content_sha256=content_sha256, size=size)
    assert names(tmp_path) == []
