# Copyright (c) 2026 dwp.backend contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What the benches of the playbooks share: calling one, and saying whether a promise is kept."""

from __future__ import annotations

import os
import statistics
import subprocess
import sys
import time
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import NoReturn

ROOT = Path(__file__).resolve().parents[2]
INVENTORY = ROOT / "inventories" / "demo"


def play(*arguments: str, environment: Mapping[str, str] | None = None) -> float:
    """Wall time of one ansible-playbook call; its output only on failure."""
    begin = time.monotonic()
    done = subprocess.run(
        ["ansible-playbook", *arguments], cwd=ROOT, env={**os.environ, **(environment or {})}, capture_output=True, text=True, check=False
    )
    if done.returncode:
        sys.exit(f"{' '.join(arguments)} failed:\n{done.stdout[-3000:]}{done.stderr[-1000:]}")
    return time.monotonic() - begin


def playbook(name: str, *more: str, environment: Mapping[str, str] | None = None) -> float:
    """One of ours on the demo. The settle time is not part of any promise."""
    return play(f"playbooks/{name}.yml", "-i", str(INVENTORY), "-e", "dwp_settle=0", *more, environment=environment)


def tasks_playbook(count: int) -> str:
    tasks = "".join(f"    - name: Task {n}\n      ansible.builtin.ping:\n" for n in range(count))
    return f"- hosts: localhost\n  gather_facts: false\n  tasks:\n{tasks}"


class Verdicts:
    """A line for each promise; ``kept`` is what all of them say together."""

    def __init__(self) -> None:
        self.kept = True

    def seconds(self, name: str, ours: Sequence[float], peer: Sequence[float], limit: float, what: str) -> None:
        self._say(name, statistics.median(ours), statistics.median(peer), limit, what, "s")

    def megabytes(self, name: str, ours: float, peer: float, limit: float, what: str) -> None:
        self._say(name, ours / 1e6, peer / 1e6, limit / 1e6, what, "MB")

    def _say(self, name: str, mine: float, other: float, limit: float, what: str, unit: str) -> None:
        self.kept = self.kept and mine <= limit
        verdict = "ok" if mine <= limit else "NOT KEPT"
        measured = f"{mine:.2f} {unit}, {what} {other:.2f} {unit}, ratio {mine / other:.3f}, limit {limit:.2f} {unit}"
        print(f"{name}: {measured}: {verdict}", flush=True)

    def end(self) -> NoReturn:
        sys.exit(0 if self.kept else 1)
