# Copyright (c) 2026 dwp.backend contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Each fault is made on the running platform, triage is asked, and its answer compared with the right one."""

from __future__ import annotations

import json
import os
import re
import shutil
import time
from pathlib import Path

import pytest

from .faults import FAULTS, QUIET
from .model import Fault
from .score import judge, judge_quiet
from .stand import Stand
from .traffic import Load
from .unseen import UNSEEN_QUIET

TAKES = 60  # seconds until a fault has to show


# Once answered rightly on a fresh platform: a wrong answer to one of them is a step back, and `make test` samples these alone.
# The others are open or kept aside; they run with DWP_SAMPLE=all.
ANSWERED = frozenset([
    "database-name-wrong", "database-port-wrong", "redis-password-rotated", "redis-stopped", "connections-exhausted",
    "schema-permission", "schema-validation", "jwt-different", "jwt-too-short", "jwt-too-short-for-auth", "token-expired",
    "tenant-missing", "route-localhost", "variable-missing", "dns-wrong", "never-healthy", "jar-cut-off", "killed-by-somebody",
    "java-wrong", "start-fails", "service-frozen", "service-stopped", "auth-stopped", "data-unreadable", "function-gone",
    "database-password-rotated", "query-slow", "table-gone", "checksum-changed", "migration-half-done", "migration-missing", "older-jar",
    "redis-password-wrong", "jwt-unset", "token-malformed", "heap-exhausted", "synapsex-frozen", "tls-broken", "profile-prod",
    "history-address-wrong", "not-executable", "redis-memory", "memory-killed", "disk-full", "service-stopped+warnings",
    "jwt-different+red-herring", "redis-stopped+old-errors", "service-stopped&schema-permission", "jwt-too-short&dns-wrong",
    "schema-permission+restart",
])  # fmt: skip


def case(fault: Fault, *marks: pytest.MarkDecorator) -> object:
    aside = (pytest.mark.aside, getattr(pytest.mark, f"unseen{fault.round}")) if fault.aside else ()
    return pytest.param(fault, id=fault.id, marks=(*marks, *aside))


def cases() -> list[object]:
    everything = os.environ.get("DWP_SAMPLE", "all") == "all"
    return [case(fault, pytest.mark.slow) for fault in FAULTS if everything or (fault.id in ANSWERED and not fault.aside)]


def quiet_cases() -> list[object]:
    everything = os.environ.get("DWP_SAMPLE", "all") == "all"
    return [case(fault) for fault in (*QUIET, *UNSEEN_QUIET) if everything or not fault.aside]


def shown(stand: Stand, fault: Fault) -> list[str]:
    """What is still to be seen of the fault."""
    missing = [f"{name}: {pattern}" for name, pattern in fault.shows.items() if not re.search(pattern, stand.said(name))]
    if fault.check and not fault.check(stand):
        missing.append("the check")
    return missing


def make(stand: Stand, fault: Fault) -> None:
    """Inject it, and use the platform until the fault shows: an injection that does not take is no test."""
    fault.inject(stand)
    end = time.monotonic() + TAKES
    while True:
        fault.use(stand)
        missing = shown(stand, fault)
        if not missing:
            return
        if time.monotonic() > end:
            raise AssertionError(f"{fault.id} does not show: {missing}\n{stand.said(next(iter(fault.shows), 'gateway'))[-3000:]}")
        time.sleep(0.3)


def keep(results: Path, fault: Fault, directory: Path, output: str) -> None:
    target = results / fault.id
    shutil.rmtree(target, ignore_errors=True)
    shutil.copytree(directory, target)
    (target / "terminal.txt").write_text(output, encoding="utf-8")
    shutil.rmtree(directory, ignore_errors=True)


@pytest.mark.parametrize("fault", cases())
def test_fault(stand: Stand, results: Path, fault: Fault, request: pytest.FixtureRequest) -> None:
    if fault.needs_root and not stand.is_root:
        pytest.skip(f"{fault.id} needs root")
    try:
        make(stand, fault)
        if request.config.getoption("--inject-only"):
            return
        done, report, directory = stand.triage(*(argument.format(base=stand.base) for argument in fault.arguments))
        keep(results, fault, directory, done.stdout)
        score = judge(fault, report)
        request.node.user_properties.append(("score", vars(score)))
        assert done.returncode == 0, f"triage ended with {done.returncode}\n{done.stdout[-3000:]}"
        assert not score.wrong, "\n".join([f"{fault.id}: {fault.title}", *score.wrong, f"report: {results / fault.id}"])
    finally:
        stand.heal()


@pytest.mark.parametrize("fault", quiet_cases())
def test_quiet(stand: Stand, results: Path, fault: Fault, request: pytest.FixtureRequest) -> None:
    try:
        make(stand, fault)
        if request.config.getoption("--inject-only"):
            return
        done, report, directory = stand.triage()
        keep(results, fault, directory, done.stdout)
        assert not (wrong := judge_quiet(fault.id, report).wrong), "\n".join([fault.title, *wrong])
    finally:
        stand.heal()


def test_healthy_under_load(stand: Stand, results: Path, request: pytest.FixtureRequest) -> None:
    """The probes of triage leave traces in the logs; they are nothing to find the next time."""
    if request.config.getoption("--inject-only"):
        pytest.skip("--inject-only")
    times = 20 if os.environ.get("DWP_SAMPLE", "all") == "all" else 3
    with Load(stand.traffic) as load:
        for number in range(times):
            _done, report, directory = stand.triage()
            wrong = judge_quiet("healthy", report).wrong
            assert not wrong, "\n".join([f"run {number + 1} of {times}", *wrong, json.dumps(report.get("findings"), indent=1)[:3000]])
            assert report["verdict"]["failure"] is None
            shutil.rmtree(directory)
    assert set(load.answers) == {200}
