"""Measure the upper bound of this machine: a minimal TCP client and server in Python on loopback.

They have no outcomes, timeouts or checks of answers, so no probe agent can be faster.
"""

from __future__ import annotations

import os
import select
import signal
import socket
import struct
import time

CONNECTIONS = 20_000
WINDOW = 256  # concurrent connections, as in the agent
NO_LINGER = struct.pack("ii", 1, 0)


def serve(listener: socket.socket) -> None:
    """Send a fixed identity and the source address to each client, until killed."""
    listener.setblocking(False)  # noqa: FBT003 - its only argument
    ready = select.epoll()
    ready.register(listener, select.EPOLLIN)
    while True:
        ready.poll()
        try:
            while True:
                connection, source = listener.accept()
                connection.send(b"namespace/pod " + source[0].encode())
                connection.close()
        except OSError:
            continue


def connect(address: tuple[str, int]) -> float:
    """Open CONNECTIONS connections to an address and read the answers; returns connections per second."""
    ready = select.epoll()
    active: dict[int, socket.socket] = {}
    opened, done, begun = 0, 0, time.perf_counter()
    while done < CONNECTIONS:
        while opened < CONNECTIONS and len(active) < WINDOW:
            sock = socket.socket(socket.AF_INET, socket.SOCK_STREAM | socket.SOCK_NONBLOCK)
            sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, NO_LINGER)
            sock.connect_ex(address)
            ready.register(sock, select.EPOLLIN)
            active[sock.fileno()] = sock
            opened += 1
        for descriptor, _ in ready.poll():
            sock = active.pop(descriptor)
            sock.recv(256)
            sock.close()
            done += 1
    return CONNECTIONS / (time.perf_counter() - begun)


def rate() -> float:
    """Return TCP connections per second between one client and one server on loopback."""
    with socket.create_server(("127.0.0.1", 0), backlog=4096) as listener:
        server = os.fork()
        if server == 0:
            serve(listener)
        try:
            return connect(listener.getsockname())
        finally:
            os.kill(server, signal.SIGKILL)
            os.waitpid(server, 0)
