# Copyright (c) 2026 dwp.backend contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""How fast dwp_health asks, side by side with the usual `uri` loop. Run from the root: python tests/bench/health.py

Prints medians and ratios, and ends with status 1 when a promise is not kept:
  200 endpoints in one call in less than 2 s; seven hanging endpoints never longer than the task's own deadline plus 0.5 s,
  and at least 5 times less than a `uri` loop with the same timeout.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import multiprocessing
import os
import socket
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parents[2]
BODY = b'{"status":"UP","components":{"db":{"status":"UP"},"redis":{"status":"UP"}}}'
ANSWER = b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: %d\r\n\r\n%s" % (len(BODY), BODY)
HANGING = 7
# s, of an attempt and of the whole call. The default of `uri` is 30; the shorter, the more Ansible's own start weighs.
TIMEOUT = 8


def listen(count: int) -> list[socket.socket]:
    return [socket.create_server(("127.0.0.1", 0), backlog=64) for _number in range(count)]


def serve(sockets: list[socket.socket]) -> None:
    """All healthy endpoints in one process beside the one that is measured."""

    async def answer(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readuntil(b"\r\n\r\n")
        writer.write(ANSWER)
        await writer.drain()
        writer.close()

    async def main() -> None:
        servers = [await asyncio.start_server(answer, sock=sock) for sock in sockets]
        await asyncio.gather(*(server.serve_forever() for server in servers))

    asyncio.run(main())


def ports(sockets: list[socket.socket]) -> list[int]:
    return [sock.getsockname()[1] for sock in sockets]


def call_module(arguments: dict[str, Any]) -> tuple[float, dict[str, Any]]:
    """Wall time of the whole process, and its result."""
    started = time.perf_counter()
    done = subprocess.run(
        [sys.executable, "-m", "ansible_collections.dwp.backend.plugins.modules.dwp_health"],
        input=json.dumps({"ANSIBLE_MODULE_ARGS": arguments}), capture_output=True, text=True, check=False,
        env={**os.environ, "PYTHONPATH": str(ROOT / "collections")},
    )  # fmt: skip
    return time.perf_counter() - started, json.loads(done.stdout)


def play(task: dict[str, Any], folder: Path) -> float:
    """Wall time of a play with one task; what the task says does not matter here."""
    playbook = folder / "play.json"
    variables = {"ansible_connection": "local", "ansible_python_interpreter": sys.executable}
    task = {"name": "Ask", "ignore_errors": True, **task}
    playbook.write_text(
        json.dumps([{"hosts": "localhost", "gather_facts": False, "vars": variables, "tasks": [task]}])
    )
    started = time.perf_counter()
    subprocess.run(
        [Path(sys.executable).parent / "ansible-playbook", playbook, "-i", "localhost,"],
        cwd=ROOT, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, check=True,
    )  # fmt: skip
    return time.perf_counter() - started


def many(count: int, rounds: int) -> list[float]:
    sockets = listen(count)
    server = multiprocessing.get_context("fork").Process(target=serve, args=(sockets,), daemon=True)
    server.start()
    probes = [{"name": f"s{number}", "port": port} for number, port in enumerate(ports(sockets))]
    times = []
    for _round in range(rounds):
        wall, result = call_module({"probes": probes, "timeout": 30})
        assert result["healthy"] and len(result["services"]) == count, result["msg"][:2000]
        times.append(wall)
    server.terminate()
    return times


def hanging(rounds: int) -> tuple[list[float], list[float], list[float], list[float]]:
    """Seconds of (module by itself, play with dwp_health, play with a uri loop, play with an empty task)."""
    sockets = listen(HANGING)
    probes = [{"name": f"s{number}", "port": port} for number, port in enumerate(ports(sockets))]
    arguments = {"probes": probes, "timeout": TIMEOUT, "probe_timeout": TIMEOUT}
    loop = {
        "ansible.builtin.uri": {"url": "http://127.0.0.1:{{ item }}/actuator/health", "timeout": TIMEOUT},
        "loop": ports(sockets),
    }
    own, ours, usual, empty = [], [], [], []
    with tempfile.TemporaryDirectory() as folder:
        for _round in range(rounds):
            _status, result = call_module({**arguments, "fail": False})
            assert {service["cause"] for service in result["services"].values()} == {"timeout"}, result
            own.append(result["elapsed"])
            ours.append(play({"dwp.backend.dwp_health": arguments}, Path(folder)))
            usual.append(play(loop, Path(folder)))
            assert ours[-1] > TIMEOUT and usual[-1] > HANGING * TIMEOUT, "one of the tasks did not ask"
            empty.append(play({"ansible.builtin.ping": {}}, Path(folder)))
    return own, ours, usual, empty


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rounds", type=int, default=2)
    rounds = parser.parse_args().rounds
    failed = []

    def row(what: str, value: str, kept: bool | None = None) -> None:
        mark = {None: "", True: "kept", False: "NOT KEPT"}[kept]
        print(f"{what:<62} {value:>10}  {mark}".rstrip())
        if kept is False:
            failed.append(what)

    times = many(200, rounds)
    row("200 healthy endpoints, one call, whole process, median", f"{statistics.median(times):.2f} s")
    row("  slowest of the rounds (promise: under 2 s)", f"{max(times):.2f} s", max(times) < 2)
    own, ours, usual, empty = hanging(rounds)
    row(f"{HANGING} hanging endpoints, deadline {TIMEOUT} s: slowest call (promise: + 0.5 s)", f"{max(own):.2f} s",
        max(own) <= TIMEOUT + 0.5)  # fmt: skip
    row("  play with dwp_health, median", f"{statistics.median(ours):.2f} s")
    row(f"  play with a uri loop, timeout {TIMEOUT} s, median", f"{statistics.median(usual):.2f} s")
    row("  play with one ping, median", f"{statistics.median(empty):.2f} s")
    ratio = statistics.median(usual) / statistics.median(ours)
    row("  uri loop / dwp_health (promise: at least 5)", f"{ratio:.1f}", ratio >= 5)
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
