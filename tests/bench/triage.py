# Copyright (c) 2026 dwp.backend contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""How fast triage.yml tells that a healthy platform of seven services is healthy. Needs `make demo`.

Ends with status 1 when the promise is not kept: at most an empty playbook plus 12 single tasks. Wall time is told, CPU time decides,
since it does not depend on what else the machine does.
"""

from __future__ import annotations

import argparse
import os
import resource
import statistics
import tempfile
from pathlib import Path

from common import Verdicts, play, tasks_playbook

TASKS = 12


def cpu_seconds(*arguments: str) -> tuple[float, float]:
    """CPU and wall time of one run and everything it started."""
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    wall = play(*arguments)
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    return after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime, wall


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--runs", type=int, default=5)
    parser.add_argument("--inventory", default="inventories/demo")
    given = parser.parse_args()
    verdicts = Verdicts()
    ours, peers = [], []
    with tempfile.TemporaryDirectory() as folder:
        peer = Path(folder, "tasks.yml")
        peer.write_text(tasks_playbook(TASKS))
        for _run in range(given.runs):
            arguments = ["-e", f"dwp_report_dir={folder}", "-e", "dwp_strict=true"]
            ours.append(cpu_seconds("playbooks/triage.yml", "-i", given.inventory, *arguments))
            peers.append(cpu_seconds(str(peer), "-i", given.inventory))
    mine, other = [one[0] for one in ours], [one[0] for one in peers]
    verdicts.seconds("triage.yml, healthy, CPU time", mine, other, statistics.median(other), f"a playbook of {TASKS} pings")
    walls = [statistics.median(one[1] for one in runs) for runs in (ours, peers)]
    print(f"wall time {walls[0]:.2f} s and {walls[1]:.2f} s, load {os.getloadavg()[0]:.1f}", flush=True)
    verdicts.end()


if __name__ == "__main__":
    main()
