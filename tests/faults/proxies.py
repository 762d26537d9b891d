# Copyright (c) 2026 dwp.backend contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What stands between two programs and does harm there: small servers on a port of their own, threads of the tests."""

from __future__ import annotations

import contextlib
import itertools
import socket
import socketserver
import threading
import time
from collections.abc import Callable

from .injections import Inject, environment
from .stand import FIRST_PORT, PORTS, REDIS_PORT, Stand

PROXY_PORT = FIRST_PORT + 12
PROXY_URL = f"http://127.0.0.1:{PROXY_PORT}"
Handle = Callable[[socket.socket], None]


class Server(socketserver.ThreadingTCPServer):
    allow_reuse_address = True
    daemon_threads = True
    block_on_close = False  # who hangs on purpose must not hold the tests


def proxy(handle: Handle) -> Inject:
    """Listens; each connection is handled in a thread and closed afterwards."""

    class Handler(socketserver.BaseRequestHandler):
        def handle(self) -> None:
            with contextlib.suppress(OSError):
                handle(self.request)

    def inject(stand: Stand) -> None:
        server = Server(("127.0.0.1", PROXY_PORT), Handler)
        threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.1}, daemon=True).start()
        stand.undo.append(lambda: (server.shutdown(), server.server_close()))

    return inject


def in_front_of(service: str, handle: Handle) -> Inject:
    """The gateway reaches a service over a proxy."""

    def inject(stand: Stand) -> None:
        proxy(handle)(stand)
        environment("gateway", **{f"SERVICE_{service.upper()}_URL": PROXY_URL})(stand)

    return inject


def closes(connection: socket.socket) -> None:
    """Takes the request and hangs up."""
    connection.recv(65536)


def hangs(connection: socket.socket) -> None:
    """Takes everything and says nothing, until the caller gives up."""
    while connection.recv(65536):
        pass


def trickles(connection: socket.socket) -> None:
    """An answer that begins well and does not end."""
    connection.recv(65536)
    connection.sendall(b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: 100000\r\n\r\n{")
    while True:
        time.sleep(0.5)
        connection.sendall(b" ")


def answers(status: str, page: str) -> Handle:
    """The same page to everybody."""
    head = f"HTTP/1.1 {status}\r\nServer: nginx\r\nContent-Type: text/html\r\nContent-Length: {len(page)}\r\nConnection: close\r\n\r\n"

    def handle(connection: socket.socket) -> None:
        connection.recv(65536)
        connection.sendall((head + page).encode())

    return handle


def relay(
    connection: socket.socket, port: int, delay: float = 0, wanted: Callable[[], bool] = lambda: True,
    change: Callable[[bytes], bytes] = bytes,
) -> None:  # fmt: skip
    """Both directions; answers come later by `delay`, where something is not `wanted` the connection ends, and questions are `change`d."""
    with socket.create_connection(("127.0.0.1", port)) as target:

        def back() -> None:
            with contextlib.suppress(OSError):
                while data := target.recv(65536):
                    time.sleep(delay)
                    connection.sendall(data)
                connection.shutdown(socket.SHUT_RDWR)

        threading.Thread(target=back, daemon=True).start()
        while (data := connection.recv(65536)) and wanted():
            target.sendall(change(data))
        target.shutdown(socket.SHUT_RDWR)


def loses_some(service: str) -> Handle:
    """Every third request is lost with its connection."""
    numbers = itertools.count()
    return lambda connection: relay(connection, PORTS[service], wanted=lambda: next(numbers) % 3 != 2)


def slow_line(connection: socket.socket) -> None:
    """To Redis, with three seconds more than everybody else has."""
    relay(connection, REDIS_PORT, delay=3)


def never_accepts(stand: Stand) -> None:
    """A listener whose queue is full: the kernel drops who wants to connect, as a firewall does."""
    listener = socket.socket()
    listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    listener.bind(("127.0.0.1", PROXY_PORT))
    listener.listen(0)
    stand.holders.append(listener)
    for _number in range(4):
        waiting = socket.socket()
        waiting.setblocking(False)
        waiting.connect_ex(("127.0.0.1", PROXY_PORT))
        stand.holders.append(waiting)


def unfinished(stand: Stand, path: str) -> bool:
    """No whole answer, not even a 504, after longer than the gateway waits for one. A client of the standard library would wait on."""
    end = time.monotonic() + 6
    said = b""
    with contextlib.suppress(ConnectionError), socket.create_connection(("127.0.0.1", stand.traffic.gateway), timeout=1) as connection:
        connection.sendall(f"GET {path} HTTP/1.1\r\nHost: localhost\r\nX-Tenant-ID: 1\r\n\r\n".encode())
        while time.monotonic() < end:
            with contextlib.suppress(TimeoutError):
                if not (data := connection.recv(65536)):
                    return False
                said += data
        return not said.startswith(b"HTTP/1.1 5") and not said.rstrip().endswith(b"}")
    return False


def listens(address: str, port: int) -> bool:
    with contextlib.suppress(OSError), socket.create_connection((address, port), timeout=1):
        return True
    return False
