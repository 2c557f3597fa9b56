"""A server on loopback for one connection, which a test serves as it likes."""

from __future__ import annotations

import socket
import threading
from contextlib import contextmanager
from typing import TYPE_CHECKING

from policies.flow import Target

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator


@contextmanager
def serving(serve: Callable[[socket.socket], None]) -> Iterator[Target]:
    """A server for one connection; where it is."""
    ended = threading.Event()

    def run() -> None:
        connection, _ = listener.accept()
        with connection:
            serve(connection)
            ended.wait(10)

    with socket.create_server(("127.0.0.1", 0)) as listener:
        thread = threading.Thread(target=run, daemon=True)
        thread.start()
        yield Target("tcp", "127.0.0.1", int(listener.getsockname()[1]))
        ended.set()
        thread.join(10)
