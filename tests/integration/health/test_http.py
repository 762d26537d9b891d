# Copyright (c) 2026 dwp.backend contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""HTTP endpoints that misbehave: each ends with the right cause, and in time."""

from __future__ import annotations

import os
import socket
import subprocess
import threading
import time
from typing import Any

import pytest

from ansible_collections.dwp.backend.plugins.module_utils import _prober
from ansible_collections.dwp.backend.plugins.module_utils._gate import gate
from ansible_collections.dwp.backend.plugins.module_utils._probe_model import parse_probes

LIMIT = 1.0  # of an attempt, s
GRACE = 0.4

CASES = {
    "up": "ok",
    "redirect loop": "unexpected_status",
    "not found": "not_found",
    "closed": "unauthorized",
    "masked": "not_found",
    "invalid utf-8": "unexpected_body",
    "length too long": "reset",
    "length too short": "unexpected_body",
    "chunked, broken": "reset",
    "chunked, cut": "reset",
    "no length, closed at the end": "ok",
    "hang after accept": "timeout",
    "hang after headers": "timeout",
    "hang in headers": "timeout",
    "trickle headers": "timeout",
    "trickle body": "timeout",
    "endless headers": "unexpected_body",
    "endless header line": "unexpected_body",
    "endless body": "unexpected_body",
    "endless chunks": "unexpected_body",
    "no http": "unexpected_body",
    "only newlines": "unexpected_body",
    "close without an answer": "reset",
    "reset": "reset",
}


def look(port: int, probe_timeout: float = LIMIT, **rung: Any):
    """One attempt."""
    probes = parse_probes([{"name": "a", "port": port, "ladder": [{"kind": "actuator", **rung}]}])
    return gate(probes, timeout=0, probe_timeout=probe_timeout, successes=1)["a"]


@pytest.mark.parametrize("name", CASES)
def test_cause_in_time(endpoint, name):
    server = endpoint(name)
    started = time.monotonic()
    outcome = look(server.port)
    assert outcome.cause == CASES[name], outcome.message
    assert time.monotonic() - started < LIMIT + GRACE
    assert outcome.attempts == len(server.requests) == 1, "no retry, no redirect followed"
    assert outcome.final and outcome.healthy == (CASES[name] == "ok")


def test_every_handler_has_a_case(handler_names):
    assert handler_names == set(CASES)


def test_a_cut_attempt_leaves_no_thread_behind(endpoint):
    server = endpoint("trickle headers")
    look(server.port, probe_timeout=0.3)
    deadline = time.monotonic() + 2
    while any(thread.name == "dwp-probe" for thread in threading.enumerate()) and time.monotonic() < deadline:
        time.sleep(0.02)
    assert not [thread for thread in threading.enumerate() if thread.name == "dwp-probe"]


def test_refused_and_unknown_name():
    with socket.create_server(("127.0.0.1", 0)) as listener:
        port = listener.getsockname()[1]
    assert look(port).cause == "refused"
    assert look(1, host="no-such-host.invalid").cause == "dns"
    assert look(1, host="x" * 70 + ".invalid").cause == "dns", "a label that is too long"


def test_connect_timeout_is_told_from_read_timeout(endpoint):
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        listener.listen(0)
        fillers = [socket.socket() for _number in range(4)]
        for filler in fillers:
            filler.setblocking(False)
            filler.connect_ex(listener.getsockname())
        time.sleep(0.1)
        outcome = look(listener.getsockname()[1], probe_timeout=0.7)
        for filler in fillers:
            filler.close()
    assert outcome.cause == "timeout" and "full backlog" in outcome.message
    assert "accepted and said nothing" in look(endpoint("hang after accept").port, probe_timeout=0.3).message


def test_silent_name_server(monkeypatch, endpoint):
    released = threading.Event()
    monkeypatch.setattr(_prober.socket, "getaddrinfo", lambda *args, **kwargs: released.wait(20))
    started = time.monotonic()
    outcome = look(1, probe_timeout=0.5, host="slow.example")
    released.set()
    assert outcome.cause == "timeout" and "name server" in outcome.message
    assert time.monotonic() - started < 0.5 + GRACE


def test_tls(endpoint, certificate):
    cert, context = certificate
    secure, plain = endpoint("up", context), endpoint("up")
    https = {"scheme": "https", "host": "localhost"}
    assert look(secure.port, **https).cause == "tls"
    assert "certificate" in look(secure.port, **https).message
    assert look(secure.port, **https, ca_cert=str(cert)).cause == "ok"
    assert look(secure.port, **https, verify=False).cause == "ok"
    assert look(secure.port, scheme="https", ca_cert=str(cert)).cause == "tls", "the name does not match"
    assert look(plain.port, **https).cause == "tls"
    assert look(secure.port).cause in ("tls", "reset"), "http asked of a TLS port"
    assert "/no/such" in look(secure.port, **https, ca_cert="/no/such").message
    for name in ("hang after accept", "trickle body"):
        started = time.monotonic()
        assert look(endpoint(name, context).port, **https, ca_cert=str(cert), probe_timeout=0.6).cause == "timeout"
        assert time.monotonic() - started < 0.6 + GRACE
    started = time.monotonic()
    assert look(endpoint("hang after accept").port, **https, probe_timeout=0.6).cause == "timeout", "no handshake"
    assert time.monotonic() - started < 0.6 + GRACE


def test_each_attempt_is_a_new_connection(endpoint):
    server = endpoint("up")
    outcome = gate(parse_probes([{"name": "a", "port": server.port}]), timeout=5, successes=3)["a"]
    assert outcome.healthy and len(server.requests) == 3


def test_what_is_sent(endpoint):
    server = endpoint("up")
    look(server.port, headers={"X-Tenant-ID": "1", "X-Name": "한글"}, token="tok-1", path="/a/health?x=1")
    request = server.requests[0].decode()
    assert request.startswith("GET /a/health?x=1 HTTP/1.1\r\n")
    for line in ("User-Agent: dwp-health", "X-Tenant-ID: 1", "X-Name: 한글", "Authorization: Bearer tok-1"):
        assert f"\r\n{line}\r\n" in request
    look(server.port, kind="http", path="/", method="POST", user="u", password="p")
    assert "Authorization: Basic dTpw" in server.requests[1].decode()


def test_absent_rung_is_asked_once_over_a_real_wire(endpoint):
    server = endpoint("masked")
    ladder = [{"kind": "actuator"}, {"kind": "tcp"}]
    outcome = gate(parse_probes([{"name": "a", "port": server.port, "ladder": ladder}]), timeout=5, successes=3)["a"]
    assert outcome.healthy and outcome.shallow
    assert [request for request in server.requests if request] == server.requests[:1]


def test_proxies_of_the_environment_are_ignored(endpoint, run_module):
    server = endpoint("up")
    proxy = dict.fromkeys(("http_proxy", "HTTP_PROXY", "ALL_PROXY", "https_proxy"), "http://127.0.0.1:9")
    assert run_module(proxy, timeout=0, probes=[{"name": "a", "port": server.port}])["healthy"]


def test_process_of_the_probe_dies(endpoint, run_module):
    child = subprocess.Popen(["sleep", "1"])
    threading.Thread(target=child.wait, daemon=True).start()
    server = endpoint("hang after accept")
    process = {"pid": child.pid}
    result = run_module(timeout=30, probe_timeout=20, probes=[{"name": "a", "port": server.port, "process": process}])
    assert result["services"]["a"]["cause"] == "process_dead" and result["elapsed"] < 3 and result["wall"] < 5
    assert f"process {child.pid} ended" in result["msg"] and result["failed"]


def test_own_process_counts(endpoint, run_module):
    with open(f"/proc/{os.getpid()}/stat", encoding="utf-8") as handle:
        ticks = int(handle.read().rpartition(")")[2].split()[19])
    probe = {"name": "a", "port": endpoint("up").port, "process": {"pid": os.getpid(), "start_ticks": ticks}}
    assert run_module(timeout=5, successes=3, probes=[probe])["healthy"]
