# Copyright (c) 2026 dwp.backend contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Put one question to one endpoint and bring back the answer, whatever the endpoint does.

Timeouts of sockets count from byte to byte, so an endpoint that trickles outlives them. The caller (_gate) therefore
runs `ask` in a thread, and cuts its connection with the Cutter when the time of the attempt is over.
"""

from __future__ import annotations

import os
import socket
import ssl
import time
from collections.abc import Iterable
from typing import Any

from ansible_collections.dwp.backend.plugins.module_utils import _prober_http, _prober_servers
from ansible_collections.dwp.backend.plugins.module_utils._probe_model import Answer, Rung
from ansible_collections.dwp.backend.plugins.module_utils._requires import require


class Cutter:
    """The handle by which a hanging attempt is ended from outside."""

    def __init__(self) -> None:
        self.phase = "dns"  # where the attempt is: dns, connect, read
        self._sock: Any = None
        self._cut = False

    def hold(self, sock: Any) -> None:
        self._sock = sock
        if self._cut:
            self.cut()

    def cut(self) -> None:
        """End the connection, so that the thread which waits for it comes back."""
        self._cut = True
        try:
            if self._sock is not None:
                # The plain shutdown also for TLS: SSLSocket.shutdown would take the TLS layer away under the reader.
                socket.socket.shutdown(self._sock, socket.SHUT_RDWR)
        except (OSError, ValueError):
            pass


def prepare(kinds: Iterable[str]) -> None:
    """Import what these kinds need before any clock runs; says at once what is missing."""
    for kind in sorted(set(kinds)):
        if kind in ("actuator", "http"):
            _prober_http.adapter()
        elif kind in ("postgres", "redis"):
            require({"postgres": "psycopg2"}.get(kind, kind))


def ask(rung: Rung, timeout: float, cutter: Cutter) -> Answer:
    """One attempt. Raises only for mistakes (a missing library), never for what the endpoint does."""
    started = time.monotonic()
    try:
        answer = _ask(rung, started + timeout, cutter)
    except _prober_http.talk_errors() as error:
        answer = failure_of(error, cutter.phase)
    return Answer(**{**vars(answer), "latency_ms": (time.monotonic() - started) * 1000})


def _ask(rung: Rung, deadline: float, cutter: Cutter) -> Answer:
    if rung.ca_cert and not os.path.isfile(rung.ca_cert):
        return Answer(failure="tls", detail=f"there is no file {rung.ca_cert} (ca_cert)")
    # The name is resolved first, by itself: that tells a silent name server from a silent endpoint.
    if not rung.host.startswith("/"):
        socket.getaddrinfo(rung.host, rung.port, type=socket.SOCK_STREAM)
    cutter.phase = "connect"
    if rung.kind in ("actuator", "http"):
        return _prober_http.ask_http(rung, deadline, cutter)
    if rung.kind == "postgres":
        return _prober_servers.ask_postgres(rung, deadline, cutter)
    if rung.kind == "redis":
        return _prober_servers.ask_redis(rung, deadline, cutter)
    with socket.create_connection((rung.host, rung.port), timeout=max(0.05, deadline - time.monotonic())):
        return Answer()


def failure_of(error: BaseException, phase: str) -> Answer:
    """The cause of a broken talk, from the chain of exceptions, never from their English texts."""
    chain = _chain(error)
    for kinds, cause in (
        ((socket.gaierror, UnicodeError), "dns"),
        ((ssl.SSLError,), "tls"),
        ((ConnectionRefusedError,), "refused"),
        ((ConnectionResetError, BrokenPipeError, ConnectionAbortedError), "reset"),
    ):
        for each in chain:
            if isinstance(each, kinds) and not isinstance(each, (TimeoutError, socket.timeout)):
                return Answer(failure=cause, phase=phase, detail=_short(each))
    if any(isinstance(each, (TimeoutError, socket.timeout)) for each in chain):
        return Answer(failure="timeout", phase=phase)
    foreign = _prober_http.failure_of_http(chain)
    if foreign is not None:
        return foreign
    for each in chain:
        if isinstance(each, OSError) and each.errno is not None:
            # No route, network unreachable, no file for a Unix socket: nothing listens there for us.
            return Answer(failure="refused", phase=phase, detail=_short(each))
    return Answer(failure="reset", phase=phase, detail=_short(error))


def _chain(error: BaseException) -> list[BaseException]:
    """The exception and all that it wraps; requests and urllib3 keep inner ones in args and `reason`."""
    found: list[BaseException] = []
    waiting: list[Any] = [error]
    while waiting and len(found) < 30:
        each = waiting.pop(0)
        if not isinstance(each, BaseException) or any(each is known for known in found):
            continue
        found.append(each)
        waiting += [getattr(each, "reason", None), *each.args, each.__cause__, each.__context__]
    return found


def _short(error: BaseException) -> str:
    if isinstance(error, ssl.SSLCertVerificationError):
        return str(getattr(error, "verify_message", "") or error)[:160]
    if isinstance(error, ssl.SSLError):
        return str(error.reason or error.strerror or "")[:160]
    if isinstance(error, OSError) and error.strerror:
        return "" if isinstance(error, ConnectionRefusedError) else str(error.strerror)[:160]
    name = type(error).__name__
    return "" if name == "OSError" else name
