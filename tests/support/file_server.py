"""A real HTTP server on the loopback that serves bytes, with Range, and fails as it is told."""

from __future__ import annotations

import re
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer


@dataclass
class FileServer:
    """What it serves, how it fails, and what it was asked for.

    `cuts` are taken from the front, one per request: after so many bytes of the body the connection
    is closed; None is no cut. `ranges` off makes it ignore the Range header, `lengths` off leaves
    out Content-Length.
    """

    url: str = ""
    files: dict[str, bytes] = field(default_factory=dict)
    cuts: list[int | None] = field(default_factory=list)
    ranges: bool = True
    lengths: bool = True
    requests: list[tuple[str, str | None]] = field(default_factory=list)


@contextmanager
def serving(files: dict[str, bytes]) -> Iterator[FileServer]:
    """Serve `files` (path to content) on a free port until the block ends."""
    plan = FileServer(files=files)
    server = ThreadingHTTPServer(("127.0.0.1", 0), _handler(plan))
    plan.url = f"http://127.0.0.1:{server.server_port}"
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02})
    thread.start()
    try:
        yield plan
    finally:
        server.shutdown()
        server.server_close()
        thread.join()


def _handler(plan: FileServer) -> type[BaseHTTPRequestHandler]:
    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            asked = self.headers.get("Range")
            plan.requests.append((self.path, asked))
            content = plan.files.get(self.path)
            cut = plan.cuts.pop(0) if plan.cuts else None
            if content is None:
                self.send_error(404)
                return
            start = int(re.findall(r"\d+", asked)[0]) if asked and plan.ranges else 0
            if start and start >= len(content):
                self.send_error(416)
                return
            self.send_response(206 if start else 200)
            if start:
                self.send_header(
                    "Content-Range", f"bytes {start}-{len(content) - 1}/{len(content)}"
                )
            if plan.lengths:
                self.send_header("Content-Length", str(len(content) - start))
            self.end_headers()
            self.wfile.write(content[start:] if cut is None else content[start : start + cut])

        def log_message(self, *_: object) -> None:
            """Keep quiet."""

    return Handler
