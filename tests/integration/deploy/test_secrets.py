# Copyright (c) 2026 dwp.backend contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""No secret in any output, argument, world-readable file or leftover."""

from __future__ import annotations

import os
import stat
import threading
import time
from pathlib import Path
from typing import Any

import pytest

from .fleet import Fleet, Run, cmdline_of

SECRETS = {"LIGHT_PASSWORD": "pw-Zq7'xW$1-geheim", "JWT_SECRET": "jwt-0123456789abcdefghijklmnopqrstuvwxyz-Zq7"}
HEADER = "probe-token-Zq7"
WORDS = ("pw-Zq7", "jwt-01234", HEADER)


class Watcher(threading.Thread):
    """Arguments and environments that processes of others could see, sampled while a run goes on."""

    def __init__(self) -> None:
        super().__init__(daemon=True)
        self.found: list[str] = []
        self.samples = 0
        self.over = threading.Event()

    def run(self) -> None:
        while not self.over.is_set():
            for entry in Path("/proc").iterdir():
                if entry.name.isdigit():
                    arguments = " ".join(cmdline_of(int(entry.name)))
                    self.found += [arguments for word in WORDS if word in arguments]
            self.samples += 1
            time.sleep(0.02)


def watched(fleet: Fleet, playbook: str, *arguments: str) -> Run:
    watcher = Watcher()
    watcher.start()
    done = fleet.run(playbook, "-vvv", "--diff", *arguments, ANSIBLE_DEBUG="0")
    watcher.over.set()
    watcher.join()
    assert watcher.samples > 10
    assert watcher.found == []
    return done


def leaks(done: Run) -> list[str]:
    return [line for line in done.output.splitlines() if any(word in line for word in WORDS)]


@pytest.fixture(scope="module")
def seeded(fresh_module: Fleet) -> Fleet:
    for name in fresh_module.services:
        fresh_module.services[name]["secrets"] = dict(SECRETS)
    fresh_module.services["beta"]["health"][0]["headers"] = {"Authorization": f"Bearer {HEADER}"}
    return fresh_module


@pytest.fixture(scope="module")
def fresh_module(light_class: bytes, new_ports: Any) -> Any:
    made = Fleet(new_ports(), light_class)
    try:
        yield made
    finally:
        made.remove()


def test_first_deployment(seeded: Fleet) -> None:
    check = watched(seeded, "deploy", "--check")
    assert leaks(check) == []
    assert check.rc == 0, str(check)
    done = watched(seeded, "deploy")
    assert done.rc == 0, str(done)
    assert leaks(done) == []
    assert "(secret " in done.output, "the diff shows fingerprints in their place"


def test_a_changed_secret_shows_in_the_diff_but_not_its_value(seeded: Fleet) -> None:
    seeded.services["beta"]["secrets"]["LIGHT_PASSWORD"] += "-pw-Zq7-second"
    done = watched(seeded, "deploy")
    assert done.actions["beta"] == "replace" and done.plan["beta"]["reasons"] == ["environment (LIGHT_PASSWORD) changed"]
    assert leaks(done) == []
    assert "+LIGHT_PASSWORD=(secret " in done.output


def test_failed_deployment(seeded: Fleet) -> None:
    seeded.set("beta", LIGHT_MODE="fail")
    done = watched(seeded, "deploy")
    assert leaks(done) == []
    assert done.rc != 0, str(done)
    seeded.set("beta", LIGHT_MODE="ok")
    seeded.deploy()


@pytest.mark.parametrize("playbook", ["status", "restart", "stop"])
def test_other_playbooks(seeded: Fleet, playbook: str) -> None:
    done = watched(seeded, playbook)
    assert done.rc == 0, str(done)
    assert leaks(done) == []


def readable_by_others(path: Path, base: Path) -> bool:
    if not path.stat().st_mode & stat.S_IROTH:
        return False
    return all(folder.stat().st_mode & stat.S_IXOTH for folder in path.parents if folder.is_relative_to(base))


def test_files(seeded: Fleet) -> None:
    """Secrets stand in files that only their owner and the group of the services read; nothing is left elsewhere."""
    holding = []
    for folder, _folders, files in os.walk(seeded.base):
        for path in (Path(folder, name) for name in files):
            if path.is_file() and "/inventory/" not in str(path) and any(word.encode() in path.read_bytes() for word in WORDS):
                holding.append(str(path))
                assert not readable_by_others(path, seeded.base), path
    # The console log has what the failing service itself said about its password.
    # Probes may carry credentials: service.json has those in use, policy.json those of each release.
    expected = ("/environment", "/service.json", "/policy.json", "/log/beta.console.log")
    assert holding and all(path.endswith(expected) for path in holding), holding
