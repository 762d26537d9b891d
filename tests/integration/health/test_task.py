# Copyright (c) 2026 dwp.backend contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""dwp_health as a task: what a person sees while it waits, and what a playbook gets."""

from __future__ import annotations

import json
import os
import re
import socket
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import pytest

ROOT = Path(__file__).resolve().parents[3]
DOWN = b'{"status":"DOWN","components":{"redis":{"status":"DOWN"}}}'


@pytest.fixture
def play(tmp_path):
    """Run a play with one dwp_health task; (return code, screen, registered result)."""

    def run(arguments: dict[str, Any], *options: str, **task: Any) -> tuple[int, str, dict[str, Any]]:
        file = tmp_path / "result.json"
        ask = {"name": "Ask", "dwp.backend.dwp_health": arguments, "register": "asked", "ignore_errors": True, **task}
        keep = {"name": "Keep", "ansible.builtin.copy": {"dest": str(file), "content": "{{ asked | to_json }}"}}
        end = {"name": "End", "ansible.builtin.assert": {"that": "asked is not failed"}}
        keep.update({"no_log": True, "check_mode": False})
        variables = {"ansible_connection": "local", "ansible_python_interpreter": sys.executable}
        book = [{"hosts": "localhost", "gather_facts": False, "vars": variables, "tasks": [ask, keep, end]}]
        (tmp_path / "play.json").write_text(json.dumps(book))
        done = subprocess.run(
            [Path(sys.executable).parent / "ansible-playbook", tmp_path / "play.json", "-i", "localhost,", *options],
            cwd=ROOT, capture_output=True, text=True, timeout=120, check=False, env={**os.environ, "ANSIBLE_NOCOLOR": "1"},
        )  # fmt: skip
        assert file.exists(), done.stdout + done.stderr
        return done.returncode, done.stdout + done.stderr, json.loads(file.read_text())

    return run


def http(status: str, body: bytes) -> bytes:
    return f"HTTP/1.1 {status}\r\nContent-Length: {len(body)}\r\n\r\n".encode() + body


def test_progress_then_success(play, endpoint):
    asked: list[float] = []  # from the first question on: how long a playbook needs to begin is not the matter

    def handler(sock: socket.socket) -> None:
        asked.append(time.monotonic())
        ready = asked[-1] - asked[0] > 7
        sock.sendall(http("200 OK", b'{"status":"UP"}') if ready else http("503 Unavailable", DOWN))

    late, absent = endpoint(handler), endpoint("masked")
    ladder = [{"kind": "actuator"}, {"kind": "tcp"}]
    probes = [{"name": "main", "port": late.port}, {"name": "mail", "port": absent.port, "ladder": ladder}]
    code, screen, result = play({"probes": probes, "timeout": 60, "successes": 3})
    assert code == 0 and result["healthy"] and not result["changed"]
    line = r"\[localhost\] main: waiting \d+ of 60 s, down \(HTTP 503, redis=DOWN\), http://127.0.0.1:%d/actuator/health"
    assert re.search(line % late.port, screen), screen
    assert "mail: waiting" not in screen, "who is healthy is not waited for"
    assert len([request for request in absent.requests if request]) == 1, "an absent rung is asked once over all slices"
    assert 5 < result["services"]["main"]["waited_s"] < 15 and result["services"]["mail"]["waited_s"] < 2
    assert "pending" not in result and "resume" not in result
    assert result["services"]["main"]["attempts"] == len(late.requests)


def test_deadline_over_slices_and_failure(play, endpoint):
    started = time.monotonic()
    code, screen, result = play({"probes": [{"name": "main", "port": endpoint("hang after accept").port}], "timeout": 7})
    assert time.monotonic() - started < 7 + 12, "the play itself costs a second, much more on a busy machine"
    assert code != 0 and result["failed"] and result["unhealthy"] == ["main"]
    assert "1 of 1 not healthy: main." in result["msg"] and "main: waiting" in screen
    assert 6.9 < result["elapsed"] < 10


@pytest.mark.parametrize("timeout,fail", [(0, False), (6, "no")])
def test_unhealthy_is_no_failure_when_told_so(play, timeout, fail):
    with socket.create_server(("127.0.0.1", 0)) as listener:
        port = listener.getsockname()[1]
    code, _screen, result = play({"probes": [{"name": "main", "port": port}], "timeout": timeout, "fail": fail})
    assert code == 0 and not result["failed"] and result["services"]["main"]["cause"] == "refused"


def test_check_mode_asks_too(play, endpoint):
    code, _screen, result = play({"probes": [{"name": "main", "port": endpoint("up").port}]}, "--check")
    assert code == 0 and result["healthy"]


def test_secrets_stay_off_the_screen(play, endpoint):
    def handler(sock: socket.socket) -> None:  # an endpoint that echoes what it was given
        sock.sendall(b"HTTP/1.1 302 Found\r\nLocation: /?t=tok-87654321&k=key-87654321\r\nContent-Length: 0\r\n\r\n")

    rung = {"kind": "http", "path": "/x", "token": "tok-87654321", "headers": {"X-Api-Key": "key-87654321"}}
    probes = [{"name": "main", "port": endpoint(handler).port, "ladder": [rung]}]
    code, screen, result = play({"probes": probes, "timeout": 6}, "-vvv")
    assert code != 0 and "redirect to" in result["msg"]
    assert "87654321" not in json.dumps(result["services"]) + result["msg"]
    shown = [line for line in screen.splitlines() if "87654321" in line]
    assert not shown, shown[:3]


def test_no_log_silences_progress(play, endpoint):
    probes = [{"name": "main", "port": endpoint("hang after accept").port}]
    _code, screen, _result = play({"probes": probes, "timeout": 6.5}, no_log=True)
    assert "main: waiting" not in screen


@pytest.mark.parametrize(
    "arguments,says",
    [
        ({"probes": [{"name": "a"}]}, "a.ladder[0].port: missing (set it on the probe or on the rung)"),
        ({"probes": [{"name": "a", "port": 1}], "timeout": -1}, "timeout: -1.0 is below 0"),
        ({"probes": [{"name": "a", "port": 1}], "interval": 0, "successes": 0}, "successes: 0 has to be at least 1"),
        ({"probes": []}, "probes: is empty, and asking nothing proves nothing"),
        ({"probes": [{"name": "a", "port": 1, "ladder": [{"kind": "ping"}]}]}, "kind must be one of"),
        ({}, "probes: is empty, and asking nothing proves nothing; name at least one"),
    ],
)
def test_mistakes_are_named_at_once(run_module, arguments, says):
    result = run_module(**arguments)
    assert result["failed"] and says in result["msg"]
    assert "Traceback" not in result["stderr"] and result["wall"] < 5


@pytest.mark.parametrize("option,value", [("timeout", "soon"), ("fail", "perhaps")])
def test_mistakes_that_the_action_meets_first(play, option, value):
    code, screen, result = play({"probes": [{"name": "a", "port": 1}], option: value})
    assert code != 0 and result["failed"] and option in result["msg"] and "Traceback" not in screen


def test_missing_library_is_named(run_module, tmp_path, endpoint):
    (tmp_path / "redis.py").write_text("raise ImportError('not here')")
    probes = [{"name": "cache", "port": endpoint("up").port, "ladder": [{"kind": "redis"}]}]
    path = os.pathsep.join([str(tmp_path), *sys.path])
    result = run_module({"PYTHONPATH": path}, probes=probes)
    assert result["failed"] and "redis 4.0 or newer" in result["msg"] and "python3-redis" in result["msg"]
    assert "Traceback" not in result["stderr"] and result["wall"] < 5


def test_process_ends_promptly_although_threads_hang(run_module, endpoint):
    ports = [endpoint(name).port for name in ("hang after accept", "trickle headers", "trickle body") * 3]
    probes = [{"name": f"s{port}", "port": port} for port in ports]
    result = run_module(probes=probes, timeout=1.5, probe_timeout=30)
    assert result["elapsed"] <= 2.0 and result["wall"] < 10, "not after the 30 s that its threads may take"
    assert {service["cause"] for service in result["services"].values()} == {"timeout"}
