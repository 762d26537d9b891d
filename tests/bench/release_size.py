# Copyright (c) 2026 dwp.backend contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What a second release with one changed class costs: bytes sent to the host, bytes on its disk. Needs `make demo`'s jars.

Ends with status 1 when the promise is not kept: at most 5 % of what the first release cost. Deploys one service on a place of its
own beside the demo, which may run meanwhile. Counted is everything that Ansible's connection carries to the host, Ansible's own
modules included, and what the store and the releases take on the disk, files that releases share once.
"""

from __future__ import annotations

import argparse
import json
import os
import tempfile
from pathlib import Path
from typing import Any

import yaml
from common import INVENTORY, Verdicts, playbook
from demo import Demo

SHARE = 0.05
PORTS = 1000  # above those of the demo
PLUGINS = Path(__file__).parent / "connection_plugins"


def variables(folder: Path, service: str) -> dict[str, Any]:
    """What makes another place of the demo."""
    files = [yaml.safe_load((INVENTORY / "group_vars/all" / name).read_text()) for name in ("services.yml", "platform.yml")]
    found: dict[str, Any] = {key: files[n][key] for n, key in enumerate(("dwp_services", "dwp_components"))}
    for entries in found.values():
        for entry in entries.values():
            entry["port"] += PORTS
    return {
        **found, "demo_jvm_options": files[0]["demo_jvm_options"], "dwp_root": str(folder / "root"), "dwp_user": "dwp-bench",
        "demo_secrets": str(folder / "secrets"), "dwp_only": [service], "ansible_connection": "counted",
    }


def on_disk(root: Path) -> int:
    """Bytes of the blocks that store and releases take, each file once however many names it has."""
    blocks: dict[tuple[int, int], int] = {}
    for base in ("store", "services"):
        for folder, folders, files in os.walk(root / base):
            for name in (*folders, *files):
                found = os.lstat(os.path.join(folder, name))
                blocks[found.st_dev, found.st_ino] = found.st_blocks * 512
    return sum(blocks.values())


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--service", default="main")
    service = parser.parse_args().service
    demo, verdicts = Demo(), Verdicts()
    with tempfile.TemporaryDirectory(prefix="dwp-bench-") as name:
        folder = Path(name)
        folder.chmod(0o755)  # the services' user has to get in
        given, sent = folder / "given.json", folder / "sent"
        given.write_text(json.dumps(variables(folder, service)))
        environment = {"ANSIBLE_CONNECTION_PLUGINS": str(PLUGINS), "BENCH_SENT": str(sent)}

        def deploy(*arguments: str) -> tuple[int, int]:
            """Bytes sent by a deployment, and bytes on the disk after it."""
            sent.write_text("")
            playbook("deploy", "-e", f"@{given}", *arguments, environment=environment)
            parts = [line.split() for line in sent.read_text().splitlines()]
            release = sum(int(size) for size, name in parts if name in ("payload.tar", "spec.json"))
            everything = sum(int(size) for size, _name in parts)
            print(f"sent {everything / 1e6:.2f} MB, {release / 1e6:.2f} MB of them the release, the rest Ansible's modules", flush=True)
            return everything, on_disk(folder / "root")

        try:
            first, disk = deploy()
            second, both = deploy(*demo.changed(folder, [service]))
        finally:
            playbook("demo_down", "-e", f"@{given}", environment=environment)
    verdicts.megabytes(f"bytes sent by a second release of {service}", second, first, SHARE * first, "by the first")
    verdicts.megabytes(f"bytes on the disk by a second release of {service}", both - disk, disk, SHARE * disk, "by the first")
    verdicts.end()


if __name__ == "__main__":
    main()
