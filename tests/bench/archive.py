# Copyright (c) 2026 dwp.backend contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What a CDS archive saves a deployment of auth and main. Needs `make demo`; stops and starts these two.

Prints medians and ratio, and ends with status 1 when the promise is not kept: deploy.yml with `fast_start: before` at most
0.75 of the same deploy.yml with executable jars (`layout: jar`), in wall time of activation, from the first service that is
touched to the last gate that is passed. What making the archive adds to the run, before anything is touched, is not in it.
"""

from __future__ import annotations

import argparse
import json
import statistics
import tempfile
from pathlib import Path

import yaml
from common import INVENTORY, Verdicts, playbook
from demo import Demo

SERVICES = ("auth", "main")
SHARE = 0.75


def settings(folder: Path, title: str, **keys: str) -> list[str]:
    """Arguments that deploy the two services with these keys in the catalogue."""
    services = yaml.safe_load((INVENTORY / "group_vars/all/services.yml").read_text())
    for name in SERVICES:
        services["dwp_services"][name].update(keys)
    path = folder / f"{title}.json"
    path.write_text(json.dumps(services))
    return ["-e", f"@{path}", "-e", f"dwp_only={','.join(SERVICES)}"]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--runs", type=int, default=3)
    runs = parser.parse_args().runs
    playbook("deploy")
    demo, verdicts = Demo(), Verdicts()
    ours: list[float] = []
    peers: list[float] = []
    with tempfile.TemporaryDirectory() as folder:
        jar = settings(Path(folder), "jar", layout="jar")
        archive = settings(Path(folder), "archive", fast_start="before")
        for _run in range(runs):
            for arguments, times in ((jar, peers), (archive, ours)):
                playbook("deploy", *arguments)
                times.append(demo.activation())
            maps = {name: Path(f"/proc/{demo.pids()[name]}/maps").read_text() for name in SERVICES}
            assert all("/cds/app.jsa" in text for text in maps.values()), "the archive is not in use"
    playbook("deploy")
    limit = SHARE * statistics.median(peers)
    verdicts.seconds("activation of auth and main with an archive", ours, peers, limit, "with executable jars")
    verdicts.end()


if __name__ == "__main__":
    main()
