# Copyright (c) 2026 dwp.backend contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""A report of triage against what is expected of it. Pure."""

from __future__ import annotations

import dataclasses
import re
from collections.abc import Iterable, Sequence
from typing import Any

from .model import Expected, Fault

HOST = "localhost"


@dataclasses.dataclass(frozen=True)
class Score:
    """Each part: empty when right, else what is wrong with it."""

    fault: str
    got: str
    root: str = ""
    victims: str = ""
    action: str = ""
    blame: str = ""
    status: str = ""
    others: str = ""

    @property
    def wrong(self) -> list[str]:
        parts = ("root", "victims", "action", "blame", "status", "others")
        return [f"{part}: {text}" for part in parts if (text := getattr(self, part))]


def said(value: object, absent: str) -> str:
    return absent if value in (None, "", "null") else str(value)


def is_one_of(alternatives: str, value: object, absent: str) -> bool:
    return re.fullmatch(f"(?:{alternatives})", said(value, absent)) is not None


def names(*texts: str) -> set[str]:
    return {word for text in texts for word in re.split(r"[|\s]+", text) if word not in ("", "none")}


def matches(expected: Expected, failure: object, service: object) -> bool:
    return is_one_of(expected.failure, failure, "unknown") and is_one_of(expected.service, service, "none")


def accused(report: dict[str, Any]) -> dict[str, str]:
    """Who is said to be broken, or to suffer, and where the report says so."""
    found: dict[str, str] = {}
    verdict = report.get("verdict") or {}
    if verdict.get("service"):
        found[verdict["service"]] = "verdict"
    for finding in report.get("findings") or []:
        if finding.get("role") in ("root", "contributing") and finding.get("service"):
            found.setdefault(finding["service"], f"finding {said(finding.get('failure'), 'unknown')} ({finding['role']})")
    for each in report.get("unexplained") or []:
        found.setdefault(each.get("service") if isinstance(each, dict) else each, "unexplained")
    for name in report.get("victims") or []:
        found.setdefault(name if isinstance(name, str) else name.get("service"), "victim")
    return found


def blame(report: dict[str, Any], allowed: set[str]) -> str:
    return ", ".join(f"{name} ({where})" for name, where in sorted(accused(report).items()) if name not in allowed)


def got(report: dict[str, Any]) -> str:
    verdict = report.get("verdict") or {}
    if verdict.get("status") == "healthy" and not verdict.get("failure"):
        return "healthy"
    return f"{said(verdict.get('failure'), 'unknown')}/{said(verdict.get('service'), 'none')}"


def judge(fault: Fault, report: dict[str, Any]) -> Score:
    verdict = report.get("verdict") or {}
    choices: Sequence[Expected] = (fault.expected, *fault.expected.also)
    hit = next((one for one in choices if matches(one, verdict.get("failure"), verdict.get("service"))), None)
    wanted = " or ".join(f"{one.failure}/{one.service}" for one in choices)
    root = "" if hit else f"{got(report)}, expected {wanted}"
    if hit and verdict.get("host") not in (None, HOST):
        root = f"host {verdict['host']}"
    expected = hit or fault.expected
    victims = {name if isinstance(name, str) else name.get("service") for name in report.get("victims") or []}
    missing = names(expected.victims) - victims - {verdict.get("service")}
    action = verdict.get("next_action") or {}
    status = said(verdict.get("status"), "absent")
    return Score(
        fault.id,
        got(report),
        root=root,
        victims=f"not named: {', '.join(sorted(missing))}" if missing else "",
        action=judge_action(expected, action) if verdict.get("status") != "healthy" or "unknown" not in expected.failure.split("|") else "",
        blame=blame(report, names(*(f"{one.service} {one.victims} {one.may}" for one in choices))),
        status="" if is_one_of(expected.status, status, "") else f"{status}, expected {expected.status}",
        others=judge_others(fault, choices, hit, report),
    )


def judge_action(expected: Expected, action: dict[str, Any]) -> str:
    command = action.get("command") or ""
    if not re.search(expected.action, command):
        return f"{command!r} says nothing of /{expected.action}/"
    if not is_one_of(expected.risk, action.get("risk"), "absent"):
        return f"risk {action.get('risk')}, expected {expected.risk}"
    return "" if action.get("verify") else "says not how to verify"


def judge_others(fault: Fault, choices: Sequence[Expected], hit: Expected | None, report: dict[str, Any]) -> str:
    """The other independent faults are told, if only as a note (what works and was changed), and a variable that differs is named."""
    problems = []
    findings = [one for one in report.get("findings") or [] if one.get("role") in ("root", "contributing", "note")]
    findings += [one for one in report.get("unexplained") or [] if isinstance(one, dict)]  # without a failure: unknown
    for other in choices:
        if other is not hit and len(choices) > 1 and not any(matches(other, one.get("failure"), one.get("service")) for one in findings):
            problems.append(f"no finding {other.failure}/{other.service}")
    if fault.differences:
        named = {one.get("variable") for one in report.get("environment_differences") or [] if isinstance(one, dict)}
        if fault.differences not in named:
            problems.append(f"environment_differences lacks {fault.differences}")
    return "; ".join(problems)


def judge_quiet(name: str, report: dict[str, Any]) -> Score:
    """Nothing is wrong, so nothing may be said to be."""
    verdict = report.get("verdict") or {}
    status = "" if verdict.get("status") == "healthy" else f"{verdict.get('status')}, expected healthy"
    loud = [one for one in report.get("findings") or [] if one.get("role") not in ("stale", "note")]
    root = "; ".join(f"{said(one.get('failure'), 'unknown')}/{said(one.get('service'), 'none')} ({one.get('role')})" for one in loud)
    return Score(name, got(report), root=root, blame=blame(report, set()), status=status)


def percentage(scores: Iterable[Score]) -> str:
    rows = list(scores)
    right = sum(not score.root for score in rows)
    return f"{right} of {len(rows)} ({100 * right / len(rows):.1f} %)" if rows else "none run"


def table(scores: Sequence[Score], faults: dict[str, Fault]) -> list[str]:
    """Expected against got, and what else was wrong."""
    lines = [f"{'fault':34} {'expected':34} {'got':30} root victims action blame"]
    for score in scores:
        fault = faults[score.fault]
        wanted = f"{fault.expected.failure.split('|')[0]}/{fault.expected.service.split('|')[0]}"
        marks = " ".join(f"{'-' if text else 'ok':{width}}" for text, width in
                         ((score.root, 4), (score.victims, 7), (score.action, 6), (score.blame, 5)))  # fmt: skip
        lines.append(f"{score.fault:34} {wanted:34} {score.got:30} {marks}".rstrip())
    return lines


def summary(scores: Sequence[Score], faults: dict[str, Fault]) -> list[str]:
    known = [score for score in scores if not faults[score.fault].aside]
    aside = [score for score in scores if faults[score.fault].aside]
    lines = [*table(known, faults), "", f"root right, known faults: {percentage(known)}"]
    if aside:
        lines += ["", *table(aside, faults), "", f"root right, faults kept aside: {percentage(aside)}"]
    blamed = [f"  {score.fault}: {score.blame}" for score in scores if score.blame]
    return [*lines, f"false blame: {len(blamed)}", *blamed]
