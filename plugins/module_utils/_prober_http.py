# Copyright (c) 2026 dwp.backend contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""One HTTP question with requests: new connection, no proxy, no redirect, at most 1 MB of body."""

from __future__ import annotations

import functools
import http.client
import sys
import threading
import time
from typing import Any

from ansible_collections.dwp.backend.plugins.module_utils._probe_model import Answer, Rung
from ansible_collections.dwp.backend.plugins.module_utils._requires import require

MAX_BODY = 1 << 20
#: By this name the log records that probes cause can be told from those of users.
USER_AGENT = "dwp-health"
ACCEPT = "application/vnd.spring-boot.actuator.v3+json, application/json;q=0.9, */*;q=0.5"

_current = threading.local()


def ask_http(rung: Rung, deadline: float, cutter: Any) -> Answer:
    requests = require("requests")
    headers: dict[str, Any] = {"User-Agent": USER_AGENT, "Accept-Encoding": "identity", "Connection": "close"}
    headers["Accept"] = ACCEPT if rung.kind == "actuator" else "*/*"
    if rung.token:
        headers["Authorization"] = b"Bearer " + rung.token.encode()
    headers.update({name: value.encode("utf-8") for name, value in rung.headers.items()})
    auth = (rung.user.encode(), (rung.password or "").encode()) if rung.user else None
    _current.cutter = cutter
    with requests.Session() as session:
        session.trust_env = False  # neither proxies nor .netrc of whoever runs this
        session.mount("http://", adapter())
        session.mount("https://", adapter())
        with session.request(
            rung.method,
            rung.url,
            headers=headers,
            auth=auth,
            timeout=max(0.05, deadline - time.monotonic()),
            verify=(rung.ca_cert or True) if rung.verify else False,
            allow_redirects=False,
            stream=True,
        ) as response:
            body, cut = _read_body(response.raw, deadline)
            without_body = rung.method == "HEAD" or response.status_code in (204, 304)
            if not cut and not without_body and _promised(response.headers) > len(body):
                cut = "short"  # urllib3 before 2.0 does not notice
            names = ("content-type", "location", "www-authenticate", "server")
            kept = {name: response.headers[name] for name in names if name in response.headers}
            return Answer(http_status=response.status_code, headers=kept, body=body, cut=cut)


def _promised(headers: Any) -> int:
    length = str(headers.get("Content-Length", ""))
    return int(length) if length.isascii() and length.isdigit() else 0


def _read_body(raw: Any, deadline: float) -> tuple[bytes, str]:
    """(body, "" | "long" | "short"). The status is there already, so a body that breaks off is a fact, not an error."""
    body = b""
    try:
        while len(body) <= MAX_BODY:
            piece = raw.read(65536, decode_content=False)
            if not piece:
                return body, ""
            body += piece
            if time.monotonic() > deadline:
                raise TimeoutError
        return body[:MAX_BODY], "long"
    except Exception as error:
        names = {type(error).__name__ for error in (error, error.__cause__, error.__context__, *error.args)}
        if names & {"IncompleteRead", "InvalidChunkLength", "ConnectionResetError", "ProtocolError"}:
            return body, "short"
        raise


def talk_errors() -> tuple[type[Exception], ...]:
    """Everything that an endpoint can provoke, for `except`."""
    known: tuple[type[Exception], ...] = (OSError, UnicodeError, http.client.HTTPException)
    if "requests" not in sys.modules:  # then nobody asked by HTTP, and nothing of it can be raised
        return known
    requests = require("requests")
    import urllib3

    return (*known, urllib3.exceptions.HTTPError, requests.exceptions.RequestException)


def failure_of_http(chain: list[BaseException]) -> Answer | None:
    """Answers that are no HTTP: who listens there?"""
    for each in chain:
        if isinstance(each, http.client.RemoteDisconnected):
            return Answer(failure="reset", detail="closed without an answer")
    for each in chain:
        if isinstance(each, http.client.BadStatusLine):
            if repr(each).find("\\x15\\x03") >= 0:  # a TLS alert record
                return Answer(failure="tls", detail="the port speaks TLS, but the rung says http")
            return Answer(failure="unexpected_body", detail="the listener does not speak HTTP")
        if isinstance(each, http.client.HTTPException):
            return Answer(failure="unexpected_body", detail=f"the headers are no HTTP ({type(each).__name__})")
    return None


@functools.lru_cache(maxsize=1)
def _adapter_class() -> Any:
    requests = require("requests")
    import urllib3
    from urllib3.connection import HTTPConnection, HTTPSConnection
    from urllib3.connectionpool import HTTPConnectionPool, HTTPSConnectionPool

    # `verify: false` was asked for on purpose; a line per attempt on standard error tells nobody anything.
    urllib3.disable_warnings(urllib3.exceptions.InsecureRequestWarning)

    def watched(base: Any) -> Any:
        class Watched(base):
            """A connection that shows its socket to the cutter of the attempt."""

            def connect(self) -> None:
                super().connect()
                cutter = getattr(_current, "cutter", None)
                if cutter is not None:
                    cutter.phase = "read"
                    cutter.hold(self.sock)

        return Watched

    pools = {
        "http": type("Pool", (HTTPConnectionPool,), {"ConnectionCls": watched(HTTPConnection)}),
        "https": type("TlsPool", (HTTPSConnectionPool,), {"ConnectionCls": watched(HTTPSConnection)}),
    }

    base: Any = requests.adapters.HTTPAdapter

    class Adapter(base):
        def init_poolmanager(self, *args: Any, **kwargs: Any) -> None:
            super().init_poolmanager(*args, **kwargs)
            self.poolmanager.pool_classes_by_scheme = pools

    return Adapter


def adapter() -> Any:
    """A transport of requests that shows its sockets and never tries twice."""
    return _adapter_class()(max_retries=0)
