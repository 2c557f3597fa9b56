"""Requests to end, made by signals and waited for together with the end of a process."""

from __future__ import annotations

import contextlib
import select
import signal
import socket
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from types import FrameType

SIGNALS = (signal.SIGINT, signal.SIGTERM)


class Stop:
    """Requests to end.

    A request is a byte in a socket that `select` waits for. A signal that arrives just before `select` begins would
    not interrupt it, and Python's handler would run only after it, so the byte is written by the interpreter's own
    handler (`signal.set_wakeup_fd`).

    Attributes:
        requests: number of requests so far.
    """

    def __init__(self) -> None:
        self.requests = 0
        self._receiver, self._sender = socket.socketpair()
        self._receiver.settimeout(0)
        self._sender.settimeout(0)
        self._wakes = False

    def close(self) -> None:
        """Close the socket; requests are no longer possible."""
        if self._wakes:
            signal.set_wakeup_fd(-1)
        self._receiver.close()
        self._sender.close()

    def on_signals(self) -> None:
        """Let SIGINT and SIGTERM make requests; only the main thread can do this."""
        for number in SIGNALS:
            signal.signal(number, self._count)
        signal.set_wakeup_fd(self._sender.fileno(), warn_on_full_buffer=False)
        self._wakes = True

    def request(self) -> None:
        """Make a request."""
        self.requests += 1
        with contextlib.suppress(BlockingIOError):  # many requests that nothing waits for
            self._sender.send(b"x")

    def wait(self, seconds: float | None, *files: int) -> None:
        """Wait until a request is made that no earlier call has waited for, or a file is readable, or time is over.

        Args:
            seconds: the longest time; None for no limit.
            files: file descriptors.
        """
        own = self._receiver.fileno()
        readable, _, _ = select.select([own, *files], [], [], seconds)
        if own in readable:
            self._receiver.recv(1)

    def _count(self, _number: int, _frame: FrameType | None) -> None:
        self.requests += 1
