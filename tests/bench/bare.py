"""The yardstick of the machine: the least Python that connects, asks who answers, and hangs up, on loopback.

No outcome, no timeout, no check of the answer: what an agent could reach if it had nothing to do.
"""

from __future__ import annotations

import os
import select
import signal
import socket
import struct
import time

CONNECTIONS = 20_000
WINDOW = 256  # under way at once, as in the agent
NO_LINGER = struct.pack("ii", 1, 0)


def serve(listener: socket.socket) -> None:
    """Say who answers and whom it saw to whoever connects, until killed."""
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
    """Connections per second."""
    ready = select.epoll()
    under_way: dict[int, socket.socket] = {}
    begun, done, time_begun = 0, 0, time.perf_counter()
    while done < CONNECTIONS:
        while begun < CONNECTIONS and len(under_way) < WINDOW:
            sock = socket.socket(socket.AF_INET, socket.SOCK_STREAM | socket.SOCK_NONBLOCK)
            sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, NO_LINGER)
            sock.connect_ex(address)
            ready.register(sock, select.EPOLLIN)
            under_way[sock.fileno()] = sock
            begun += 1
        for descriptor, _ in ready.poll():
            sock = under_way.pop(descriptor)
            sock.recv(256)
            sock.close()
            done += 1
    return CONNECTIONS / (time.perf_counter() - time_begun)


def rate() -> float:
    """TCP connections per second of one bare client to one bare server."""
    with socket.create_server(("127.0.0.1", 0), backlog=4096) as listener:
        server = os.fork()
        if server == 0:
            serve(listener)
        try:
            return connect(listener.getsockname())
        finally:
            os.kill(server, signal.SIGKILL)
            os.waitpid(server, 0)
