# Copyright (c) 2026 dwp.backend contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Why PostgreSQL refuses a login, read from the wire.

libpq hides the SQLSTATE of a failed login (psycopg2's pgcode is None) and its text is translated by the server. So a
refused login is repeated here far enough to read field C of the ErrorResponse: SSLRequest, startup packet, and the
password exchange (clear text, MD5, SCRAM-SHA-256). The protocol is that of PostgreSQL's documentation, chapter 54.
"""

from __future__ import annotations

import base64
import hashlib
import hmac
import os
import socket
import ssl
import struct
from typing import Any

SSL_REQUEST = struct.pack("!ii", 8, 80877103)
PROTOCOL_3 = 196608
MAX_MESSAGE = 1 << 20
MAX_ITERATIONS = 1_000_000  # PostgreSQL's own default is 4096


class WireError(Exception):
    """What talks there is not PostgreSQL, or uses a way to log in that is not spoken here."""


def greet(sock: Any) -> bool:
    """Ask for TLS; True when the server offers it. Raises WireError when the listener is something else."""
    sock.sendall(SSL_REQUEST)
    reply = sock.recv(1)
    if reply in (b"S", b"N") and not _more_to_read(sock):  # "SSH-2.0-..." starts with an S too
        return bool(reply == b"S")
    if not reply:
        raise ConnectionResetError("closed after the greeting")
    if reply == b"E":  # a server so busy or old that it refuses before the greeting; still PostgreSQL if it parses
        (length,) = struct.unpack("!i", _read_exactly(sock, 4))
        if 4 <= length <= 65536 and "C" in parse_fields(_read_exactly(sock, length - 4)):
            return False
    raise WireError("the listener does not speak PostgreSQL's protocol")


def _more_to_read(sock: Any) -> bool:
    """Whether bytes wait: after its one letter PostgreSQL is silent until the client goes on."""
    limit = sock.gettimeout()
    sock.settimeout(0)
    try:
        return bool(sock.recv(1, socket.MSG_PEEK))
    except BlockingIOError:
        return False
    finally:
        sock.settimeout(limit)


def login_error(sock: Any, user: str, database: str, password: str, use_tls: bool) -> dict[str, str] | None:
    """Fields of the ErrorResponse that ends this login (C is the SQLSTATE), or None when the login succeeds."""
    try:
        return _login(sock, user, database, password, use_tls)
    except (struct.error, ValueError, KeyError) as error:  # what a listener can provoke with malformed messages
        raise WireError("the listener does not speak PostgreSQL's protocol") from error


def _login(sock: Any, user: str, database: str, password: str, use_tls: bool) -> dict[str, str] | None:
    if use_tls:
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
        context.check_hostname, context.verify_mode = False, ssl.CERT_NONE  # libpq, asked before, has judged it
        sock = context.wrap_socket(sock)
    pairs = b"".join(
        part.encode() + b"\0" for part in ("user", user, "database", database, "application_name", "dwp_health")
    )
    sock.sendall(struct.pack("!ii", len(pairs) + 9, PROTOCOL_3) + pairs + b"\0")
    scram: _Scram | None = None
    while True:
        kind, payload = _read_message(sock)
        if kind == b"E":
            return parse_fields(payload)
        if kind == b"Z":
            sock.sendall(b"X" + struct.pack("!i", 4))
            return None
        if kind != b"R":
            continue  # ParameterStatus, BackendKeyData, Notice
        (method,) = struct.unpack("!i", payload[:4])
        if method == 3:
            _send_password(sock, password.encode() + b"\0")
        elif method == 5:
            _send_password(sock, md5_password(user, password, payload[4:8]) + b"\0")
        elif method == 10 and b"SCRAM-SHA-256" in payload[4:].split(b"\0"):
            scram = _Scram(password, base64.b64encode(os.urandom(18)).decode())
            first = scram.first().encode()
            _send_password(sock, b"SCRAM-SHA-256\0" + struct.pack("!i", len(first)) + first)
        elif method == 11 and scram is not None:
            _send_password(sock, scram.final(payload[4:].decode()).encode())
        elif method not in (0, 12):
            raise WireError(f"the server asks for authentication method {method}")


def parse_fields(payload: bytes) -> dict[str, str]:
    """{'C': '28P01', 'M': ...} from the body of an ErrorResponse."""
    fields = {}
    for part in payload.split(b"\0"):
        if len(part) > 1:
            fields[chr(part[0])] = part[1:].decode("utf-8", "replace")
    return fields


def md5_password(user: str, password: str, salt: bytes) -> bytes:
    inner = hashlib.md5((password + user).encode(), usedforsecurity=False).hexdigest().encode()
    return b"md5" + hashlib.md5(inner + salt, usedforsecurity=False).hexdigest().encode()


class _Scram:
    """The client's side of SCRAM-SHA-256 (RFC 5802, RFC 7677) without channel binding."""

    def __init__(self, password: str, nonce: str) -> None:
        self.password, self.nonce = password, nonce
        self.bare = f"n=,r={nonce}"  # PostgreSQL takes the user from the startup packet

    def first(self) -> str:
        return "n,," + self.bare

    def final(self, server_first: str) -> str:
        parts = dict(part.split("=", 1) for part in server_first.split(","))
        if not parts.get("r", "").startswith(self.nonce):
            raise WireError("the server answered with a nonce that is not ours")
        if int(parts["i"]) > MAX_ITERATIONS:
            raise WireError("the server asks for an absurd number of hash rounds")
        salted = hashlib.pbkdf2_hmac("sha256", self.password.encode(), base64.b64decode(parts["s"]), int(parts["i"]))
        client_key = hmac.digest(salted, b"Client Key", "sha256")
        without_proof = f"c=biws,r={parts['r']}"
        message = f"{self.bare},{server_first},{without_proof}".encode()
        signature = hmac.digest(hashlib.sha256(client_key).digest(), message, "sha256")
        proof = bytes(a ^ b for a, b in zip(client_key, signature))
        return f"{without_proof},p={base64.b64encode(proof).decode()}"


def _send_password(sock: Any, data: bytes) -> None:
    sock.sendall(b"p" + struct.pack("!i", len(data) + 4) + data)


def _read_exactly(sock: Any, count: int) -> bytes:
    data = b""
    while len(data) < count:
        piece = sock.recv(count - len(data))
        if not piece:
            raise ConnectionResetError("closed during the login")
        data += piece
    return data


def _read_message(sock: Any) -> tuple[bytes, bytes]:
    kind, length = struct.unpack("!ci", _read_exactly(sock, 5))
    if not 4 <= length <= MAX_MESSAGE:
        raise WireError("the listener does not speak PostgreSQL's protocol")
    return kind, _read_exactly(sock, length - 4)


def connect(host: str, port: int, timeout: float) -> socket.socket:
    """A TCP connection, or one to the Unix socket in the directory `host`."""
    if not host.startswith("/"):
        return socket.create_connection((host, port), timeout=timeout)
    sock = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
    sock.settimeout(timeout)
    try:
        sock.connect(f"{host}/.s.PGSQL.{port}")
    except OSError:
        sock.close()
        raise
    return sock
