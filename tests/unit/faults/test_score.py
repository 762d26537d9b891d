# Copyright (c) 2026 dwp.backend contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The judge of tests/faults: a right answer passes, and each way to be wrong is seen."""

from __future__ import annotations

import copy
from collections.abc import Callable
from typing import Any

import pytest

from tests.faults.model import Expected, Fault, no_traffic
from tests.faults.score import judge, judge_quiet, summary

FAULT = Fault(
    "mail-stopped", "mail is stopped", no_traffic,
    Expected("GW_REFUSED|X_STOPPED", "mail", "restart.*mail", risk="restart", victims="main", may="gateway"), differences="DB_NAME",
    unseen=True,
)  # fmt: skip
RIGHT: dict[str, Any] = {
    "verdict": {
        "status": "degraded", "failure": "GW_REFUSED", "service": "mail", "host": "localhost",
        "next_action": {"command": "restart.yml -e dwp_only=mail", "risk": "restart", "verify": "status.yml"},
    },
    "victims": ["main", "gateway"],
    "findings": [
        {"failure": "GW_REFUSED", "service": "mail", "role": "root"}, {"failure": "HIKARI_TIMEOUT", "service": "chat", "role": "stale"},
    ],
    "environment_differences": [{"variable": "DB_NAME"}],
    "unexplained": [],
}  # fmt: skip
PAIR = Fault("pair", "two", no_traffic, Expected("GW_REFUSED", "mail", also=(Expected("PG_PERM", "synapsex"),)))


def verdict(**values: object) -> Callable[[dict[str, Any]], object]:
    return lambda report: report["verdict"].update(values)


def found(**values: object) -> Callable[[dict[str, Any]], object]:
    return lambda report: report["findings"].append({"failure": "FEIGN", "role": "root", **values})


WRONG: list[tuple[str, Callable[[dict[str, Any]], object]]] = [
    ("root", verdict(failure="FEIGN")),
    ("root", verdict(failure=None)),
    ("root", verdict(service="chat")),
    ("root", verdict(service=None)),
    ("root", verdict(host="elsewhere")),
    ("root", verdict(status="healthy", failure=None, service=None)),
    ("status", verdict(status="healthy")),
    ("status", verdict(status=None)),
    ("victims", lambda report: report["victims"].remove("main")),
    ("action", lambda report: report["verdict"]["next_action"].update(command="reboot")),
    ("action", lambda report: report["verdict"]["next_action"].update(risk="destructive")),
    ("action", lambda report: report["verdict"]["next_action"].pop("verify")),
    ("action", lambda report: report["verdict"].pop("next_action")),
    ("blame", lambda report: report["victims"].append("chat")),
    ("blame", lambda report: report["unexplained"].append({"service": "chat", "why": "?"})),
    ("blame", found(service="chat")),
    ("blame", found(service="chat", role="contributing")),
    ("others", lambda report: report["environment_differences"].clear()),
]


def test_right_answer() -> None:
    assert judge(FAULT, RIGHT).wrong == []


@pytest.mark.parametrize(("part", "change"), WRONG)
def test_wrong_answer(part: str, change: Callable[[dict[str, Any]], object]) -> None:
    report = copy.deepcopy(RIGHT)
    change(report)
    assert part in [text.partition(":")[0] for text in judge(FAULT, report).wrong]


def test_of_two_faults_one_is_the_verdict_and_one_a_finding() -> None:
    report = copy.deepcopy(RIGHT)
    assert judge(PAIR, {**report, "victims": []}).others == "no finding PG_PERM/synapsex"
    found(failure="PG_PERM", service="synapsex")(report)
    assert judge(PAIR, {**report, "victims": []}).wrong == []


def test_quiet() -> None:
    healthy = {"verdict": {"status": "healthy", "failure": None}, "findings": [{"role": "stale", "service": "mail"}], "victims": []}
    assert judge_quiet("quiet", healthy).wrong == []
    assert len(judge_quiet("quiet", RIGHT).wrong) == 3
    assert judge_quiet("quiet", {**healthy, "findings": [{"role": "symptom", "service": "mail"}]}).root == "unknown/mail (symptom)"


def test_summary_counts_the_faults_kept_aside_for_themselves() -> None:
    faults = {"mail-stopped": FAULT, "pair": PAIR}
    lines = summary([judge(FAULT, RIGHT), judge(PAIR, {})], faults)
    assert (FAULT.aside, PAIR.aside) == (True, False)
    assert [line for line in lines if line.startswith("root right")] == [
        "root right, known faults: 0 of 1 (0.0 %)", "root right, faults kept aside: 1 of 1 (100.0 %)",
    ]  # fmt: skip
    assert lines[-1] == "false blame: 0"
