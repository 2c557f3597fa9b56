"""A web server of tests that publishes files: completely, interrupted, late, or at another address."""

from __future__ import annotations

import contextlib
import http.server
import threading
import time
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator

POLL = 0.01  # seconds between two looks of the server whether the test has ended


@dataclass
class Publisher:
    """A web server on loopback.

    Attributes:
        url: its address, without a slash at the end.
        files: path → content.
        cuts: path → numbers of bytes after which the next transfers break off, one per transfer.
        holds: path → numbers of bytes after which the next transfers stop until `release` is set, one per transfer.
        release: lets transfers that `holds` stopped go on.
        redirects: path → address.
        ranges: whether it supports Range headers.
        delay: seconds before it answers.
        requests: (path, Range header) of every request, in order.
    """

    url: str = ""
    files: dict[str, bytes] = field(default_factory=dict)
    cuts: dict[str, list[int]] = field(default_factory=dict)
    holds: dict[str, list[int]] = field(default_factory=dict)
    release: threading.Event = field(default_factory=threading.Event)
    redirects: dict[str, str] = field(default_factory=dict)
    ranges: bool = True
    delay: float = 0.0
    requests: list[tuple[str, str]] = field(default_factory=list)


def _handler(publisher: Publisher) -> type[http.server.BaseHTTPRequestHandler]:
    class Handler(http.server.BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            path, requested = self.path, self.headers.get("Range", "")
            publisher.requests.append((path, requested))
            time.sleep(publisher.delay)  # the test sets it
            if path in publisher.redirects:
                self.send_response(302)
                self.send_header("Location", publisher.redirects[path])
                self.end_headers()
            elif path not in publisher.files:
                self.send_error(404)
            else:
                self._send(path, publisher.files[path], requested)

        def _send(self, path: str, content: bytes, requested: str) -> None:
            partial = bool(requested) and publisher.ranges
            begin = int(requested.removeprefix("bytes=").split("-")[0]) if partial else 0
            if begin >= len(content):
                self.send_error(416)
                return
            self.send_response(206 if partial else 200)
            self.send_header("Content-Length", str(len(content) - begin))
            self.end_headers()
            rest = content[begin:]
            if requested != "bytes=0-0" and publisher.cuts.get(path):
                rest = rest[: publisher.cuts[path].pop(0)]
            if requested != "bytes=0-0" and publisher.holds.get(path):
                begin = publisher.holds[path].pop(0)
                self.wfile.write(rest[:begin])
                publisher.release.wait()
                rest = rest[begin:]
            with contextlib.suppress(OSError):  # the client was killed
                self.wfile.write(rest)

        def log_message(self, format: str, *args: object) -> None:  # noqa: A002 - the base class calls it so
            """Log nothing."""

    return Handler


@contextmanager
def published() -> Iterator[Publisher]:
    """A running publisher."""
    publisher = Publisher()
    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), _handler(publisher)) as server:
        publisher.url = f"http://127.0.0.1:{server.server_port}"
        server.daemon_threads = True
        threading.Thread(target=server.serve_forever, args=(POLL,), daemon=True).start()
        yield publisher
        publisher.release.set()
        server.shutdown()
