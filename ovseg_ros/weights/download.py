"""Downloads over HTTP that go on where they were interrupted."""

from __future__ import annotations

import fcntl
import http.client
import re
import urllib.error
import urllib.request
from collections.abc import Callable
from pathlib import Path
from typing import IO, Any

from ovseg_ros import __version__
from ovseg_ros.errors import WeightsError

# Called with the bytes there are so far and the bytes there will be, where that is known.
Progress = Callable[[int, "int | None"], None]

_TIMEOUT_S = 30.0
_CHUNK_BYTES = 1 << 20
_FRUITLESS_ATTEMPTS = 3
_CONTENT_RANGE = re.compile(r"bytes (\d+)-\d+/(\d+)")


class DownloadError(WeightsError):
    """One address did not give the file; another one may."""


def download(
    url: str, part: Path, size_bytes: int | None, progress: Progress, resumable: bool = True
) -> None:
    """Download `url` into `part`, going on after the bytes that `part` has already.

    A cut connection is taken up again until three attempts in a row bring nothing. Not `resumable`
    is a file whose hash nobody knows, because only a hash can prove that the pieces belong
    together: it has to come in one piece. `size_bytes` is the size of the file where it is known;
    a server that offers another size is refused before the bytes flow.

    Raises `DownloadError` with the reason, and leaves in `part` what can be gone on with;
    `WeightsError` where `part` cannot be written or another process is writing it.
    """
    fruitless = 0
    with _locked(part) as stream:
        while True:
            before = _kept(stream, resumable)
            try:
                _continue(url, stream, size_bytes, progress)
                return
            except urllib.error.HTTPError as error:
                raise DownloadError(f"the server answers {error.code} {error.reason}") from None
            except urllib.error.URLError as error:
                raise DownloadError(f"it cannot be reached: {error.reason}") from None
            except (OSError, http.client.HTTPException) as error:
                have = _kept(stream, resumable)
                fruitless = 0 if have > before else fruitless + 1
                if fruitless == _FRUITLESS_ATTEMPTS or not resumable:
                    reason = str(error) or type(error).__name__
                    raise DownloadError(f"the connection broke: {reason}") from None


def _kept(stream: IO[bytes], resumable: bool) -> int:
    """Return how many bytes there are to go on with."""
    if not resumable:
        stream.truncate(0)
    return stream.seek(0, 2)


def _locked(part: Path) -> IO[bytes]:
    try:
        stream = part.open("ab")
    except OSError as error:
        raise WeightsError(f"cannot write {part}: {error.strerror}; choose another --to") from None
    try:
        fcntl.flock(stream, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError:
        stream.close()
        raise WeightsError(f"another process is writing {part}; wait until it is done") from None
    return stream


def _continue(url: str, stream: IO[bytes], size_bytes: int | None, progress: Progress) -> None:
    """Bring the rest; raises `OSError` or `HTTPException` where the connection is cut."""
    start = stream.seek(0, 2)
    if size_bytes is not None and start > size_bytes:
        start = stream.truncate(0)
    if size_bytes is not None and start == size_bytes:
        return
    with _open(url, start) as response:
        start, total = _offered(response, start)
        if size_bytes is not None and total is not None and total != size_bytes:
            raise DownloadError(
                f"the server offers {total:,} bytes where the file has {size_bytes:,}; "
                "it is another file or a login page"
            )
        stream.truncate(start)
        done = stream.seek(0, 2)
        while chunk := response.read(_CHUNK_BYTES):
            _write(stream, chunk)
            done += len(chunk)
            progress(done, total or size_bytes)
    if total is not None and done < total:
        raise ConnectionError(f"the connection was cut after {done:,} of {total:,} bytes")


def _open(url: str, start: int) -> Any:
    request = urllib.request.Request(url, headers={"User-Agent": f"ovseg_ros/{__version__}"})
    if start:
        request.add_header("Range", f"bytes={start}-")
    try:
        return urllib.request.urlopen(request, timeout=_TIMEOUT_S)
    except urllib.error.HTTPError as error:
        # The file is shorter than what we have: it is another one, so start over.
        if error.code == 416 and start:
            return _open(url, 0)
        raise


def _offered(response: Any, asked: int) -> tuple[int, int | None]:
    """Return (where the bytes of this response begin, how many the whole file has)."""
    if response.status == 206:
        given = _CONTENT_RANGE.match(response.headers.get("Content-Range", ""))
        if not given or int(given[1]) != asked:
            raise DownloadError("the server answers another range than it was asked for")
        return asked, int(given[2])
    length = response.headers.get("Content-Length")
    return 0, int(length) if length is not None else None


def _write(stream: IO[bytes], chunk: bytes) -> None:
    try:
        stream.write(chunk)
        stream.flush()
    except OSError as error:
        raise WeightsError(
            f"cannot write {stream.name}: {error.strerror}; make room or choose another --to, "
            "then run the same command again: it goes on where it stopped"
        ) from None
