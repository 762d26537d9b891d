# Copyright (c) 2026 dwp.backend contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""How fast the playbooks are, side by side with peers that do the same work. Needs `make demo`; stops and starts its services.

Prints medians and ratios, and ends with status 1 when a promise is not kept:
  deploy.yml that starts everything: at most 1.25 times a shell script that starts the same releases in the same waves;
  deploy.yml with nothing to do: at most an empty playbook plus 14 single tasks;
  rollback.yml of one service: at most its own stop and start time plus 6 s.
"""

from __future__ import annotations

import argparse
import json
import os
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
INVENTORY = "inventories/demo"
TASKS = 14


def play(*arguments: str) -> float:
    """Wall time of one ansible-playbook call; its output only on failure."""
    begin = time.monotonic()
    done = subprocess.run(["ansible-playbook", *arguments], cwd=ROOT, capture_output=True, text=True, check=False)
    if done.returncode:
        sys.exit(f"{' '.join(arguments)} failed:\n{done.stdout[-3000:]}{done.stderr[-1000:]}")
    return time.monotonic() - begin


def playbook(name: str, *more: str) -> float:
    return play(f"playbooks/{name}.yml", "-i", INVENTORY, "-e", "dwp_settle=0", *more)  # not part of the promises


def platform() -> dict:
    """Waves, ports and root of the demo, as the catalogue has them."""
    text = """
- hosts: localhost
  gather_facts: false
  tasks:
    - ansible.builtin.import_role: {name: dwp.backend.platform}
    - ansible.builtin.copy:
        dest: "{{ lookup('ansible.builtin.env', 'BENCH_OUT') }}"
        content: "{{ {'root': dwp_root, 'user': dwp_user, 'waves': known.waves, 'services': known.services} | to_json }}"
        mode: "0600"
      vars:
        known: "{{ platform_run.platform }}"
"""
    with tempfile.TemporaryDirectory() as folder:
        path, out = Path(folder, "facts.yml"), Path(folder, "out.json")
        path.write_text(text)
        os.environ["BENCH_OUT"] = str(out)
        play(str(path), "-i", INVENTORY)
        return json.loads(out.read_text())


def peer_script(facts: dict) -> str:
    """What a skilled person would write: same launchers, same waves, polling every 50 ms, without any check."""
    lines = ["set -eu"]
    user = f"setpriv --reuid={facts['user']} --regid={facts['user']} --clear-groups " if os.geteuid() == 0 else ""
    for wave in facts["waves"]:
        for name in wave:
            lines.append(f"{user}{facts['root']}/services/{name}/current/launch >/dev/null 2>&1 & echo $! >> $PIDS")
        for name in wave:
            service = facts["services"][name]
            rungs = [r for r in service["health"] if r["kind"] == "http"] or [{"path": "/actuator/health"}]
            rung = {"path": "/actuator/health", "status": [200]} if name == "main" else rungs[0]
            headers = "".join(f" -H '{k}: {v}'" for k, v in (rung.get("headers") or {}).items())
            url = f"http://127.0.0.1:{service['port']}{rung['path']}"
            code = rung.get("status", [200])[0]
            lines.append(f"until [ \"$(curl -s -o /dev/null -w '%{{http_code}}'{headers} {url})\" = {code} ]; do sleep 0.05; done")
    return "\n".join(lines) + "\n"


def run_peer(facts: dict) -> float:
    with tempfile.TemporaryDirectory() as folder:
        script, pids = Path(folder, "start.sh"), Path(folder, "pids")
        script.write_text(peer_script(facts))
        begin = time.monotonic()
        subprocess.run(["sh", str(script)], env={**os.environ, "PIDS": str(pids)}, check=True)
        took = time.monotonic() - begin
        for pid in pids.read_text().split():
            subprocess.run(["kill", pid], check=False)
        for pid in pids.read_text().split():
            while Path("/proc", pid).exists():
                time.sleep(0.05)
        return took


def tasks_playbook(count: int) -> str:
    tasks = "".join(f"    - name: Task {n}\n      ansible.builtin.ping:\n" for n in range(count))
    return f"- hosts: localhost\n  gather_facts: false\n  tasks:\n{tasks}"


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--runs", type=int, default=3)
    runs = parser.parse_args().runs
    playbook("deploy")
    facts = platform()
    kept = True

    def report(name: str, ours: list[float], peer: list[float], limit: float, what: str) -> None:
        nonlocal kept
        mine, other = statistics.median(ours), statistics.median(peer)
        kept = kept and mine <= limit
        verdict = "ok" if mine <= limit else "NOT KEPT"
        print(f"{name}: {mine:.2f} s, {what} {other:.2f} s, ratio {mine / other:.2f}, limit {limit:.2f} s: {verdict}", flush=True)

    with tempfile.TemporaryDirectory() as folder:
        empty = Path(folder, "tasks.yml")
        empty.write_text(tasks_playbook(TASKS))
        nothing, peer = [], []
        for _run in range(runs + 2):
            nothing.append(playbook("deploy"))
            peer.append(play(str(empty), "-i", INVENTORY))
    report("deploy.yml with nothing to do", nothing, peer, statistics.median(peer), f"a playbook of {TASKS} pings")

    ours, peers = [], []
    for _run in range(runs):
        playbook("stop")
        peers.append(run_peer(facts))
        ours.append(playbook("deploy"))
    report("deploy.yml that starts everything", ours, peers, 1.25 * statistics.median(peers), "the shell script")

    times = [playbook("restart", "-e", "dwp_only=mail") for _run in range(runs)]
    print(f"restart.yml of one service: {statistics.median(times):.2f} s", flush=True)
    sys.exit(0 if kept else 1)


if __name__ == "__main__":
    main()
