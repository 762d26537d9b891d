# Copyright (c) 2026 dwp.backend contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The demo as a skilled person handles it without the playbooks: launchers, processes, health, and a script of the lot.

Its services run under supervisor, which does not start again what ended by SIGTERM; what is launched here has to be ended
here before a playbook runs.
"""

from __future__ import annotations

import contextlib
import datetime
import http.client
import json
import os
import signal
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any, NamedTuple

from common import INVENTORY, ROOT, play

FACTS = """
- hosts: localhost
  gather_facts: false
  tasks:
    - ansible.builtin.import_role: {name: dwp.backend.platform}
    - ansible.builtin.copy:
        dest: "{{ lookup('ansible.builtin.env', 'BENCH_OUT') }}"
        content: "{{ {'root': dwp_root, 'user': dwp_user, 'artifacts': dwp_artifacts_dir} | combine(platform_run.platform) | to_json }}"
        mode: "0600"
"""


class Question(NamedTuple):
    """One request that only a healthy service answers with this status."""

    port: int
    path: str
    headers: dict[str, str]
    status: int

    def answered(self, timeout: float = 5.0) -> bool:
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=timeout)
        try:
            connection.request("GET", self.path, headers=self.headers)
            return connection.getresponse().status == self.status
        except (OSError, http.client.HTTPException):
            return False
        finally:
            connection.close()


class Demo:
    """Where the deployed demo lies and what it is made of, as the catalogue has it."""

    def __init__(self) -> None:
        with tempfile.TemporaryDirectory() as folder:
            path, out = Path(folder, "facts.yml"), Path(folder, "out.json")
            path.write_text(FACTS)
            play(str(path), "-i", str(INVENTORY), environment={"BENCH_OUT": str(out)})
            facts = json.loads(out.read_text())
        self.root, self.artifacts = Path(facts["root"]), Path(facts["artifacts"])
        self.waves: list[list[str]] = facts["waves"]
        self.services: dict[str, Any] = facts["services"]
        user = facts["user"]
        self._become = ["setpriv", f"--reuid={user}", f"--regid={user}", "--clear-groups"] if os.geteuid() == 0 else []

    def question(self, name: str) -> Question:
        service = self.services[name]
        rungs = [rung for rung in service["health"] if rung["kind"] == "http"]
        actuator: dict[str, Any] = {"path": "/actuator/health", "status": [200]}
        rung = rungs[0] if rungs and name != "main" else actuator
        return Question(service["port"], rung["path"], rung.get("headers") or {}, rung.get("status", [200])[0])

    def command(self, name: str) -> list[str]:
        return [*self._become, f"{self.root}/services/{name}/current/launch"]

    def current(self, name: str) -> str:
        return os.path.basename(os.readlink(self.root / "services" / name / "current"))

    def pids(self) -> dict[str, int]:
        """Who runs, found by the marker of the launcher."""
        found = {}
        for folder in Path("/proc").iterdir():
            with contextlib.suppress(OSError):
                if folder.name.isdigit() and alive(int(folder.name)):
                    pairs = dict(p.split(b"=", 1) for p in (folder / "environ").read_bytes().split(b"\0") if b"=" in p)
                    if pairs.get(b"DWP_LAUNCH", b"").startswith(os.fsencode(self.root) + b"/"):
                        found[pairs[b"DWP_SERVICE"].decode()] = int(folder.name)
        return found

    def end(self, names: Iterable[str] | None = None) -> None:
        pids = self.pids()
        chosen = [pids[name] for name in (pids if names is None else names) if name in pids]
        for pid in chosen:
            os.kill(pid, signal.SIGTERM)
        for pid in chosen:
            wait_gone(pid)

    def bounce(self, name: str) -> float:
        """The own time of a service: from SIGTERM to its process over to the first good answer of the next one."""
        pid, question = self.pids()[name], self.question(name)
        begin = time.monotonic()
        os.kill(pid, signal.SIGTERM)
        wait_gone(pid)
        subprocess.Popen(self.command(name), stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, start_new_session=True)
        while not question.answered():
            time.sleep(0.01)
        return time.monotonic() - begin

    def script(self, *, stop: bool) -> str:
        """What a skilled person would write: same launchers, same waves, polling every 50 ms, without any check."""
        pids, lines = self.pids() if stop else {}, ["set -eu"]
        for wave in self.waves:
            old = [str(pids[name]) for name in wave if name in pids]
            lines += [f"kill {' '.join(old)}"] if old else []
            lines += [f"while [ -e /proc/{pid}/exe ]; do sleep 0.05; done" for pid in old]  # a zombie has none
            lines += [f"{' '.join(self.command(name))} >/dev/null 2>&1 &" for name in wave]
            for name in wave:
                port, path, headers, status = self.question(name)
                options = "".join(f" -H '{key}: {value}'" for key, value in headers.items())
                ask = f"curl -s -o /dev/null -w '%{{http_code}}'{options} http://127.0.0.1:{port}{path}"
                lines.append(f'until [ "$({ask})" = {status} ]; do sleep 0.05; done')
        return "\n".join(lines) + "\n"

    def run_script(self, *, stop: bool) -> float:
        """Wall time of the script, with ``stop`` from services that run; then everything is ended."""
        with tempfile.TemporaryDirectory() as folder:
            path = Path(folder, "start.sh")
            path.write_text(self.script(stop=stop))
            begin = time.monotonic()
            subprocess.run(["sh", str(path)], check=True)
            took = time.monotonic() - begin
        self.end()
        return took

    def changed(self, folder: Path, names: Iterable[str]) -> list[str]:
        """Jars with one changed class, never the same one twice; returns the arguments that deploy them."""
        mark = os.urandom(4).hex()
        for name in names:
            jar = self.services[name]["artifact"] + ".jar"
            make = [sys.executable, ROOT / "tests/backend/variant", self.artifacts / jar, "changed-class", folder / jar, "--mark", mark]
            subprocess.run(make, check=True, stdout=subprocess.DEVNULL)
        return ["-e", f"dwp_artifacts_dir={folder}", "-e", f"dwp_version=bench-{mark}"]

    def activation(self) -> float:
        """How long the newest deployment took from the first service that it touched to the last gate that it passed."""
        entries = [json.loads(line) for line in (self.root / "journal.jsonl").read_text().splitlines()]
        last = [entry for entry in entries if entry["deployment"] == entries[-1]["deployment"]]
        first, *_more = [moment(entry) for entry in last if entry["event"] == "activating"]
        *_more, gated = [moment(entry) for entry in last if entry["event"] == "gated"]
        return gated - first


def moment(entry: dict[str, Any]) -> float:
    return datetime.datetime.fromisoformat(entry["at"]).timestamp()


def alive(pid: int) -> bool:
    """A zombie has ended; supervisord may take a second to look at it."""
    try:
        return Path(f"/proc/{pid}/stat").read_text(errors="replace").rpartition(")")[2].split()[0] not in ("Z", "X")
    except OSError:
        return False


def wait_gone(pid: int) -> None:
    while alive(pid):
        time.sleep(0.01)
    with contextlib.suppress(ChildProcessError):
        os.waitpid(pid, os.WNOHANG)  # one that bounce() started


@contextlib.contextmanager
def watched(question: Question) -> Iterator[list[float]]:
    """Asks every 20 ms; the list takes the moments of the good answers."""
    good: list[float] = []
    over = threading.Event()

    def ask() -> None:
        while not over.wait(0.02):
            if question.answered(timeout=1.0):
                good.append(time.monotonic())

    thread = threading.Thread(target=ask, daemon=True)
    thread.start()
    try:
        yield good
    finally:
        over.set()
        thread.join()


def longest_gap(good: list[float]) -> float:
    return max(after - before for before, after in zip(good, good[1:]))
