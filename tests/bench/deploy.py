# Copyright (c) 2026 dwp.backend contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""How fast deploy.yml is, side by side with peers that do the same work. Needs `make demo`; stops and starts its services.

Prints medians and ratios, and ends with status 1 when a promise is not kept:
  deploy.yml that starts everything: at most 1.25 times a shell script that starts the same releases in the same waves;
  deploy.yml with nothing to do: at most an empty playbook plus 14 single tasks.
"""

from __future__ import annotations

import argparse
import statistics
import tempfile
from pathlib import Path

from common import INVENTORY, Verdicts, play, playbook, tasks_playbook
from demo import Demo

TASKS = 14


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--runs", type=int, default=3)
    runs = parser.parse_args().runs
    playbook("deploy")
    demo, verdicts = Demo(), Verdicts()

    with tempfile.TemporaryDirectory() as folder:
        empty = Path(folder, "tasks.yml")
        empty.write_text(tasks_playbook(TASKS))
        nothing, pings = [], []
        for _run in range(runs + 2):
            nothing.append(playbook("deploy"))
            pings.append(play(str(empty), "-i", str(INVENTORY)))
    verdicts.seconds("deploy.yml with nothing to do", nothing, pings, statistics.median(pings), f"a playbook of {TASKS} pings")

    ours, peers = [], []
    for _run in range(runs):
        playbook("stop")
        peers.append(demo.run_script(stop=False))
        ours.append(playbook("deploy"))
    verdicts.seconds("deploy.yml that starts everything", ours, peers, 1.25 * statistics.median(peers), "the shell script")

    times = [playbook("restart", "-e", "dwp_only=mail") for _run in range(runs)]
    print(f"restart.yml of one service: {statistics.median(times):.2f} s", flush=True)
    verdicts.end()


if __name__ == "__main__":
    main()
