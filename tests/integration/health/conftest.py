# Copyright (c) 2026 dwp.backend contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Endpoints that misbehave, on real sockets."""

from __future__ import annotations

import json
import os
import socket
import ssl
import struct
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Callable

import pytest

UP = b'{"status":"UP"}'
GIVE_UP = 20.0  # no handler outlives it, so that a failing test cannot hang the session


def head(status: str = "200 OK", length: int | None = None, **headers: str) -> bytes:
    lines = [f"HTTP/1.1 {status}", "Content-Type: application/json"]
    lines += [f"{name.replace('_', '-')}: {value}" for name, value in headers.items()]
    if length is not None:
        lines.append(f"Content-Length: {length}")
    return ("\r\n".join(lines) + "\r\n\r\n").encode()


def reply(status: str = "200 OK", body: bytes = UP, **headers: str) -> Callable[[socket.socket], None]:
    return lambda sock: sock.sendall(head(status, len(body), **headers) + body)


def raw(data: bytes) -> Callable[[socket.socket], None]:
    return lambda sock: sock.sendall(data)


def hang(sock: socket.socket) -> None:
    sock.settimeout(GIVE_UP)
    sock.recv(1)


def trickle(data: bytes, pause: float = 0.2) -> Callable[[socket.socket], None]:
    def handler(sock: socket.socket) -> None:
        end = time.monotonic() + GIVE_UP
        for number in range(10**6):
            sock.sendall(data[number : number + 1] or b"x")
            time.sleep(pause)
            if time.monotonic() > end:
                return

    return handler


def flood(start: bytes, piece: bytes) -> Callable[[socket.socket], None]:
    def handler(sock: socket.socket) -> None:
        sock.sendall(start)
        end = time.monotonic() + GIVE_UP
        while time.monotonic() < end:
            sock.sendall(piece)

    return handler


def reset(sock: socket.socket) -> None:
    sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))


HANDLERS: dict[str, Callable[[socket.socket], None]] = {
    "up": reply(),
    "redirect loop": reply("302 Found", b"", Location="/actuator/health"),
    "not found": reply("404 Not Found", b"{}"),
    "closed": reply("401 Unauthorized", b'{"errorCode":"E2000"}'),
    "masked": reply("500 Internal Server Error", b'{"errorCode":"E1000"}'),
    "invalid utf-8": reply(body=b'\xff\xfe{"status":\xe9"UP"}'),
    "length too long": raw(head(length=999) + UP),
    "length too short": raw(head(length=8) + UP),
    "chunked, broken": raw(head(Transfer_Encoding="chunked") + b"zz\r\nabc\r\n"),
    "chunked, cut": raw(head(Transfer_Encoding="chunked") + b"f\r\n" + UP[:5]),
    "no length, closed at the end": raw(head() + UP),
    "hang after accept": hang,
    "hang after headers": lambda sock: (sock.sendall(head(length=15)), hang(sock)),
    "hang in headers": lambda sock: (sock.sendall(b"HTTP/1.1 200 OK\r\nContent-Type: a"), hang(sock)),
    "trickle headers": trickle(b"HTTP/1.1 200 OK\r\nX-Slow: "),
    "trickle body": trickle(head(length=10**6), 0.02),
    "endless headers": flood(b"HTTP/1.1 200 OK\r\n", b"X-More: yes\r\n"),
    "endless header line": flood(b"HTTP/1.1 200 OK\r\nX-Long: ", b"x" * 4096),
    "endless body": flood(head(), b"x" * 65536),
    "endless chunks": flood(head(Transfer_Encoding="chunked"), b"10000\r\n" + b"x" * 65536 + b"\r\n"),
    "no http": raw(b"SSH-2.0-OpenSSH_9.2p1 Debian-2\r\n"),
    "only newlines": flood(b"", b"\r\n"),
    "close without an answer": lambda sock: None,
    "reset": reset,
}


class Endpoint:
    def __init__(self, handler: Callable[[socket.socket], None], context: ssl.SSLContext | None = None) -> None:
        self.handler, self.context = handler, context
        self.requests: list[bytes] = []
        self.listener = socket.create_server(("127.0.0.1", 0), backlog=256)
        self.port = self.listener.getsockname()[1]
        threading.Thread(target=self._accept, daemon=True).start()

    def _accept(self) -> None:
        while True:
            try:
                sock, _address = self.listener.accept()
            except OSError:
                return
            threading.Thread(target=self._serve, args=(sock,), daemon=True).start()

    def _serve(self, sock: socket.socket) -> None:
        sock.settimeout(GIVE_UP)
        try:
            if self.context is not None:
                sock = self.context.wrap_socket(sock, server_side=True)
            self.requests.append(sock.recv(65536))
            self.handler(sock)
        except OSError:
            pass
        finally:
            sock.close()

    def close(self) -> None:
        self.listener.close()


@pytest.fixture
def endpoint() -> Iterator[Callable[..., Endpoint]]:
    """Call it with a name of HANDLERS or a function of the accepted socket."""
    made: list[Endpoint] = []

    def make(handler: Any, context: ssl.SSLContext | None = None) -> Endpoint:
        made.append(Endpoint(HANDLERS[handler] if isinstance(handler, str) else handler, context))
        return made[-1]

    yield make
    for each in made:
        each.close()


@pytest.fixture
def handler_names() -> set[str]:
    return set(HANDLERS)


@pytest.fixture(scope="session")
def certificate(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, ssl.SSLContext]:
    """A self-signed certificate for localhost (not for 127.0.0.1), and a server that shows it."""
    folder = tmp_path_factory.mktemp("tls")
    key, cert = folder / "key.pem", folder / "cert.pem"
    subprocess.run(
        ["openssl", "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-days", "2", "-subj", "/CN=localhost",
         "-addext", "subjectAltName=DNS:localhost", "-keyout", key, "-out", cert],
        check=True, capture_output=True,
    )  # fmt: skip
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(cert, key)
    return cert, context


@pytest.fixture
def run_module() -> Callable[..., dict[str, Any]]:
    """dwp_health through main(): JSON in, JSON out, in a process of its own; the result with its wall time."""

    def run(environment: dict[str, str] | None = None, **arguments: Any) -> dict[str, Any]:
        started = time.monotonic()
        done = subprocess.run(
            [sys.executable, "-m", "ansible_collections.dwp.backend.plugins.modules.dwp_health"],
            input=json.dumps({"ANSIBLE_MODULE_ARGS": arguments}), capture_output=True, text=True, timeout=120, check=False,
            env={**os.environ, "PYTHONPATH": os.pathsep.join(sys.path), **(environment or {})},
        )  # fmt: skip
        assert done.stdout.strip().startswith("{"), done.stdout + done.stderr
        return {**json.loads(done.stdout), "wall": time.monotonic() - started, "stderr": done.stderr, "raw": done.stdout}

    return run
