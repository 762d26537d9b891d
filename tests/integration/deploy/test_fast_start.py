# Copyright (c) 2026 dwp.backend contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""CDS archives beside the releases of real JVMs: made, used, kept, and never in the way."""

from __future__ import annotations

import os
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from .fleet import Fleet


@pytest.fixture
def fast(light_class: bytes, new_ports: Callable[[], int]) -> Iterator[Fleet]:
    """Two services: alpha has its archive before it is started, beta after that."""
    made = Fleet(new_ports(), light_class, names="alpha beta")
    made.services["alpha"]["fast_start"], made.services["beta"]["fast_start"] = "before", "after"
    try:
        yield made
    finally:
        wait_for(lambda: not list(made.root.glob("services/*/releases/*/.cds-*")))
        made.remove()


def wait_for(true: Callable[[], object], seconds: float = 90) -> None:
    end = time.monotonic() + seconds
    while not true():
        assert time.monotonic() < end, "waited in vain"
        time.sleep(0.1)


def folder(fleet: Fleet, name: str) -> Path:
    return fleet.home(name) / "releases" / fleet.current(name) / "cds"


def states(fleet: Fleet) -> dict[str, str]:
    report = fleet.run("status").report
    return {name: report[name]["archive"]["state"] for name in report}


def test_a_life_with_archives(fast: Fleet) -> None:
    fast.deploy()
    assert f"{folder(fast, 'alpha')}/app.jsa" in Path(f"/proc/{fast.pids()['alpha']}/maps").read_text()
    wait_for((folder(fast, "beta") / "stamp").exists)
    assert states(fast) == {"alpha": "used", "beta": "ready"}
    if os.geteuid() == 0:
        assert {(folder(fast, n) / "app.jsa").stat().st_uid for n in ("alpha", "beta")} == {0}  # nothing that a service could change

    before, pids = fast.listing(), fast.pids()
    again = fast.deploy()
    assert (again.changed, fast.listing(), fast.pids()) == ([], before, pids)
    assert {e["event"] for e in again.tasks("start faster")} == {"skipped"}, "nobody has to look for archives that are there"

    assert fast.run("restart").rc == 0
    assert states(fast) == {"alpha": "used", "beta": "used"}

    first = {name: fast.current(name) for name in ("alpha", "beta")}
    for mark in ("2", "3"):
        for name in first:
            fast.jar(name, mark)
        fast.deploy()
        wait_for((folder(fast, "beta") / "stamp").exists)
    for name, release in first.items():
        with_archive = [path.parent.parent.name for path in fast.home(name).glob("releases/*/cds/stamp")]
        assert len(with_archive) == 2 and fast.current(name) in with_archive and release not in with_archive

    assert fast.run("rollback").rc == 0
    assert fast.mark("alpha") == "2"
    assert states(fast) == {"alpha": "used", "beta": "used"}, "the last known good release has kept its archive"

    fast.deploy()
    fast.services["alpha"]["fast_start"] = "off"
    pids = fast.pids()
    assert fast.deploy().actions == {"alpha": "policy", "beta": "none"}
    assert fast.pids() == pids and not list(fast.home("alpha").glob("releases/*/cds"))


@pytest.mark.slow
def test_a_bad_archive_never_prevents_a_start(fast: Fleet) -> None:
    fast.services["beta"]["fast_start"] = "before"
    fast.deploy()
    archive = folder(fast, "alpha") / "app.jsa"
    os.truncate(archive, archive.stat().st_size // 2)
    stamp = folder(fast, "beta") / "stamp"
    stamp.write_text(stamp.read_text().replace("/libjvm.so", "/libjvm.so.other", 1))
    assert fast.run("restart").rc == 0
    assert fast.healthy()
    done = fast.run("status")
    assert {name: row["archive"]["state"] for name, row in done.report.items()} == {"alpha": "ignored", "beta": "ignored"}
    assert "alpha on localhost: CDS archive ignored (its file was changed after it was made)" in done.output
    assert not any(row["tampered"] for row in done.report.values())
    fast.deploy()
    assert fast.run("restart").rc == 0
    assert states(fast) == {"alpha": "used", "beta": "used"}


@pytest.mark.slow
def test_a_training_that_fails_is_told_and_not_in_the_way(fast: Fleet) -> None:
    """Without the JDK's own archive there is nothing that one of the application could be made on."""
    fast.services["alpha"]["jvm_options"] = [*fast.services["alpha"]["jvm_options"], "-XX:SharedBaseAddress=0", "-XX:-UseSharedSpaces"]
    fast.services["beta"]["fast_start"] = "off"
    done = fast.deploy()
    assert "alpha starts without a CDS archive: the training run ended with status" in done.output
    assert states(fast) == {"alpha": "none", "beta": "off"}
    assert fast.deploy().changed == []
