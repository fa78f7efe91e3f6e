"""Downloads that can be cut and resumed, are checked against a known SHA-256, and leave nothing wrong in place."""

from __future__ import annotations

import json
import os
import re
import shutil
import zipfile
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING, Any

from cellscope.axes import Progress as Progress
from cellscope.data.build import written_whole
from cellscope.errors import CellscopeError

if TYPE_CHECKING:
    import requests


TRIES = 4
TIMEOUT = (10, 60)  # seconds to connect, and between two pieces
_PIECE = 1 << 13  # what a cut can cost at most


class Resumable:
    """A pooch downloader that writes to `part` and, when cut, goes on from there: in this call, or in the next one."""

    def __init__(self, part: Path, *, verified: bool, limit: int, progress: Progress | None) -> None:
        self.part, self.verified, self.limit, self.progress = part, verified, limit, progress
        self.state = part.with_name(part.name + ".json")
        self.received = ""

    def __call__(self, url: str, output_file: str, pooch: Any) -> None:
        import requests
        from pooch import file_hash

        for attempt in range(TRIES):
            before = self._have()
            try:
                self._pull(url)
                break
            except (requests.ConnectionError, requests.Timeout, requests.exceptions.ChunkedEncodingError):
                if attempt == TRIES - 1 or self._have() <= before:
                    raise
        self.received = file_hash(str(self.part), alg="sha256")
        shutil.move(self.part, output_file)
        self.state.unlink(missing_ok=True)

    def _have(self) -> int:
        return self.part.stat().st_size if self.part.exists() else 0

    def _pull(self, url: str) -> None:
        """One request: the rest of the file where the server can send a rest, all of it where not."""
        import requests

        have, headers = self._have(), {"Accept-Encoding": "identity"}
        validator = self._validator(url)
        if have and (validator or self.verified):
            headers["Range"] = f"bytes={have}-"
            if validator:
                headers["If-Range"] = validator
        else:
            have = 0
        with requests.get(url, headers=headers, stream=True, timeout=TIMEOUT) as answer:
            sent = re.fullmatch(r"bytes (?:(\d+)-\d+|\*)/(\d+|\*)", answer.headers.get("Content-Range", ""))
            if answer.status_code == 416 and have:
                if not (sent and sent[2] == str(have)):  # else all of it had come before
                    self._forget()
                    self._pull(url)
                return
            answer.raise_for_status()
            if answer.status_code not in (200, 206):
                raise requests.HTTPError(f"status {answer.status_code}", response=answer)
            if answer.status_code == 206 and not (sent and sent[1] == str(have)):
                self._forget()
                raise requests.ConnectionError("the server sent another range than was asked for")
            if answer.status_code == 200:
                have = 0
            self._remember(url, answer.headers)
            length = answer.headers.get("Content-Length", "")
            self._write(answer, have, have + int(length) if length.isdigit() else 0)

    def _write(self, answer: requests.Response, have: int, total: int) -> None:
        import requests

        with self.part.open("ab" if have else "wb") as out:
            for piece in answer.iter_content(_PIECE):
                have += out.write(piece)
                if self.limit and have > self.limit:
                    raise CellscopeError(
                        f"{answer.url} sends more than {self.limit:,} bytes, far more than is expected"
                    )
                if self.progress is not None:
                    self.progress(have, total, "")
        if total and have != total:
            raise requests.ConnectionError(f"the connection was cut after {have:,} of {total:,} bytes")

    def _validator(self, url: str) -> str:
        """The mark by which the server knows that the file is still the one that `part` is a beginning of."""
        try:
            state = json.loads(self.state.read_text("utf-8"))
            return str(state["validator"]) if state["url"] == url else ""
        except (OSError, ValueError, KeyError, TypeError):
            return ""

    def _remember(self, url: str, headers: Any) -> None:
        tag = headers.get("ETag", "")
        validator = tag if tag.startswith('"') else headers.get("Last-Modified", "")
        self.state.write_text(json.dumps({"url": url, "validator": validator}), "utf-8")

    def _forget(self) -> None:
        self.part.unlink(missing_ok=True)
        self.state.unlink(missing_ok=True)


def download(
    url: str,
    target: Path,
    *,
    sha256: str | None,
    member: str = "",
    content_sha256: str | None = None,
    size: int = 0,
    progress: Progress | None = None,
) -> str:
    """Put what `url` gives (or one `member` of that zip) at `target`, and return the SHA-256 of what was received.

    An interrupted download is kept as `target.part` and resumed by the next call. Where a checksum differs nothing
    is left in place. CellscopeError without network, for an answer that is no file, and for a wrong checksum.
    """
    import pooch
    import requests

    pooch.get_logger().setLevel("WARNING")
    part, whole = target.with_name(target.name + ".part"), target.with_name(target.name + ".download")
    pull = Resumable(part, verified=sha256 is not None, limit=4 * size, progress=progress)
    try:
        target.parent.mkdir(parents=True, exist_ok=True)
        whole.unlink(missing_ok=True)
        known = f"sha256:{sha256}" if sha256 else None
        pooch.retrieve(url, known_hash=known, fname=whole.name, path=whole.parent, downloader=pull)
        if member:
            _unzip(whole, member, target, size, content_sha256)
        else:
            os.replace(whole, target)
    except requests.HTTPError as error:
        status = f"{error.response.status_code} {error.response.reason}" if error.response is not None else str(error)
        raise CellscopeError(f"{url} answers {status}; look at the address, or fetch the file by other means") from None
    except requests.RequestException as error:
        advice = "look at the network and try again"
        if part.exists():
            advice = f"{part.stat().st_size:,} bytes came and are kept, so run it again to go on"
        raise CellscopeError(f"cannot fetch {url}: {_reason(error)}; {advice}") from None
    except ValueError:
        raise CellscopeError(
            f"{url} gave a file with SHA-256 {pull.received}, not the known {sha256}; it was deleted. "
            "It was damaged on the way, or has changed since: try again"
        ) from None
    except OSError as error:
        raise CellscopeError(f"cannot write {target}: {error.strerror or error}") from None
    finally:
        with suppress(OSError):
            whole.unlink()
    return pull.received


def _unzip(archive: Path, member: str, target: Path, size: int, content_sha256: str | None) -> None:
    """Write one member of a zip to `target`, whole and checked, or not at all."""
    import hashlib

    sha, written = hashlib.sha256(), 0
    try:
        with zipfile.ZipFile(archive) as source, source.open(member) as file, written_whole(target) as out:
            while piece := file.read(1 << 20):
                sha.update(piece)
                written += out.write(piece)
                if size and written > size:
                    raise CellscopeError(f"{member} in the zip is larger than the known {size:,} bytes; it was deleted")
            if content_sha256 and sha.hexdigest() != content_sha256:
                raise CellscopeError(
                    f"{member} in the zip has SHA-256 {sha.hexdigest()}, not the known {content_sha256}; it was deleted"
                )
    except (zipfile.BadZipFile, KeyError) as error:
        raise CellscopeError(f"what was fetched is no zip with a file {member!r} in it ({error}); try again") from None


def _reason(error: Exception) -> str:
    """The cause in a few words: the library's own text is a paragraph."""
    text = str(error)
    for sign, said in (
        ("NameResolution", "the host name is not known here"),
        ("refused", "the connection was refused"),
        ("IncompleteRead", "the connection was cut"),
        ("cut after", text),
        ("another range", text),
        ("imed out", "no answer in time"),
        ("CERTIFICATE", "the server's certificate is not trusted"),
        ("Proxy", "the proxy does not let it through"),
    ):
        if sign in text:
            return said
    return f"{type(error).__name__}"
