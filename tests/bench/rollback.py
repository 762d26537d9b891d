# Copyright (c) 2026 dwp.backend contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""How fast a rollback is, and how short a service is away. Needs `make demo`; stops and starts its services.

Prints medians and ratios, and ends with status 1 when a promise is not kept:
  rollback.yml of one service, from command to gate passed: at most the service's own stop and start time plus 6 s;
  the part of a deploy.yml in which that service is down: at most its own stop and start time plus 1 s;
  rollback.yml of everything: at most 1.15 times a shell script that stops and starts the same old releases in the same waves.
The own time is that of the same release with the same launcher, without anything else, from SIGTERM to the first good answer.
"""

from __future__ import annotations

import argparse
import statistics
import tempfile
from pathlib import Path

from common import Verdicts, playbook
from demo import Demo, longest_gap, watched

ROLLBACK, DOWN, PLATFORM = 6.0, 1.0, 1.15


def deploy_and_back(demo: Demo, folder: Path, names: list[str]) -> tuple[float, float]:
    """Deploys a changed class and takes it back; how long the first of the services was down, and how long the way back took."""
    before = {name: demo.current(name) for name in names}
    only = ["-e", f"dwp_only={','.join(names)}"] if len(names) < len(demo.services) else []
    with watched(demo.question(names[0])) as good:
        playbook("deploy", *only, *demo.changed(folder, names))
    assert not set(before.values()) & {demo.current(name) for name in names}, "nothing was replaced"
    back = playbook("rollback", *only)
    assert before == {name: demo.current(name) for name in names}, "this is not where it came from"
    return longest_gap(good), back


def one_service(demo: Demo, verdicts: Verdicts, folder: Path, name: str, runs: int) -> None:
    down: list[float] = []
    back: list[float] = []
    own: list[float] = []
    for _run in range(runs):
        away, way = deploy_and_back(demo, folder, [name])
        down.append(away)
        back.append(way)
        own.append(demo.bounce(name))
        demo.end([name])
        playbook("restart", "-e", f"dwp_only={name}")
    peer = f"own stop and start of {name}"
    verdicts.seconds(f"rollback.yml of {name}", back, own, statistics.median(own) + ROLLBACK, peer)
    verdicts.seconds(f"{name} down during deploy.yml", down, own, statistics.median(own) + DOWN, peer)


def whole_platform(demo: Demo, verdicts: Verdicts, folder: Path, runs: int) -> None:
    back, peers = [], []
    for _run in range(runs):
        back.append(deploy_and_back(demo, folder, list(demo.services))[1])
        peers.append(demo.run_script(stop=True))
        playbook("deploy")
    verdicts.seconds("rollback.yml of everything", back, peers, PLATFORM * statistics.median(peers), "the shell script")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--runs", type=int, default=3)
    parser.add_argument("--service", nargs="*", default=["mail", "auth"], help="those that are rolled back alone")
    parser.add_argument("--without-platform", action="store_true", help="leave out the rollback of everything, which takes longest")
    given = parser.parse_args()
    playbook("deploy")
    demo, verdicts = Demo(), Verdicts()
    with tempfile.TemporaryDirectory() as folder:
        for name in given.service:
            one_service(demo, verdicts, Path(folder), name, given.runs)
        if not given.without_platform:
            whole_platform(demo, verdicts, Path(folder), given.runs)
    verdicts.end()


if __name__ == "__main__":
    main()
