# Copyright (c) 2026 dwp.backend contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""From findings to one diagnosis: what is the root, who only suffers from it, and what is not known.

The rules, in order. A finding that something it depends on explains is a symptom. What is left are causes: the heavier
comes first, then the newest life of a process, then the dependency before its callers, then the one that explains more,
then the catalogue's priority, then the earliest. Findings older than the last successful start are listed, not blamed.
What callers tell of a service that fails is never its cause. Nothing found: say so, and name the service that fails if that
is known.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from typing import Any

from ansible_collections.dwp.backend.plugins.module_utils._diagnosis.model import (
    CALLER,
    DEGRADED,
    DOWN,
    SEVERITIES,
    UNKNOWN,
    UP,
    Diagnosis,
    Finding,
    Platform,
    Trouble,
    Unexplained,
)
from ansible_collections.dwp.backend.plugins.module_utils._diagnosis.patience import AGAIN, SILENT, Words, last_word, patience

Instances = Mapping[str, Sequence[Mapping[str, Any]]]

# Rows that speak about a component as a whole; the other rows about it concern the service's own part of it.
WHOLE = {
    "PG_REFUSED", "PG_STARTING", "PG_FULL", "DB_UNREACHABLE", "HIKARI_INIT", "HIKARI_TIMEOUT", "HEALTH_DB", "PG_TERMINATED",
    "REDIS_REFUSED", "REDIS_SLOW", "HEALTH_REDIS", "PG_UNREACHABLE", "PG_READ_ONLY", "REDIS_UNREACHABLE", "REDIS_LOADING", "REDIS_FULL",
    "REDIS_READ_ONLY", "REDIS_PERSISTENCE", "REDIS_BUSY", "REDIS_CLIENTS", "REDIS_EVICTS",
}  # fmt: skip
#: Rows in which a server speaks about itself, however well it answers a probe by now.
OF_ITSELF = {"PG_LOCK", "PG_SLOW_QUERY", "REDIS_FULL", "REDIS_LOADING", "REDIS_PERSISTENCE", "REDIS_BUSY", "REDIS_CLIENTS", "REDIS_EVICTS"}
SERVERS = ("postgres", "redis")
HOST_WIDE = {"DISK_FULL", "DISK_READ_ONLY", "OOM_KILLED", "HOST_UNREACHABLE", "CLOCK_SKEW", "MANAGER_DOWN", "DISK_LOW", "MEMORY_LOW"}
# Rows that tell that something failed, never why: any cause behind them is better.
CARRIERS = {
    "STARTUP_FAILED", "HIKARI_INIT", "HIKARI_TIMEOUT", "HEALTH_DB", "HEALTH_REDIS", "DB_UNREACHABLE", "FEIGN", "GW_REFUSED", "GW_503",
    "GW_504", "GW_CONNECT_TIMEOUT", "GW_PREMATURE", "NOT_ANSWERING",
}  # fmt: skip
# What may be wrong without anybody noticing: no answer to what somebody does notice.
WITHOUT_EFFECT = {"ENVIRONMENT_RULE", "RESTART_NEEDED", "PROFILE_DEFAULT", "CHANGED_BY_HAND"}


def diagnose(
    findings: Iterable[Finding],
    platform: Platform,
    health: Mapping[str, str],
    now: float | None = None,
    not_checked: Sequence[Mapping[str, str]] = (),
    troubles: Sequence[Trouble] = (),
    words: Words | None = None,
    instances: Instances | None = None,
) -> Diagnosis:
    """`health`: up, degraded, down or unknown, for each service and component as its probes found it.

    `troubles`: errors that no finding explains. They tell where to look when nothing else does. `words`: when each service wrote its
    newest record. `instances`: the rows of each service, one for each host.
    """
    everything = list(findings)
    live = [one for one in everything if not _over(one, health, now, words or {})]
    stale = tuple(one for one in everything if one not in live)
    bad = [name for name, state in health.items() if state in (DOWN, DEGRADED)]
    noticed = bool(bad) or any(one.severity != "note" and one.failure not in WITHOUT_EFFECT for one in live)
    storm = {one.service for one in troubles if one.count >= AGAIN}
    # Errors of now that nobody knows say more than that somebody changed something, or that a token is too old.
    notes = tuple(
        one for one in live
        if one.severity == "note" or (troubles and one.failure == "CHANGED_BY_HAND")
        or (_without_effect(one, health) and (noticed or storm - {one.service}))
    )  # fmt: skip
    weighty = [one for one in live if one not in notes]
    subjects = {id(one): subject_of(one, platform, health, weighty) for one in (*weighty, *notes)}

    causes: list[Finding] = []
    symptoms: list[Finding] = []
    for one in weighty:
        hearsay = _hearsay(one, subjects[id(one)], platform, bad)
        (symptoms if hearsay or _explained(one, weighty, subjects, platform, health) else causes).append(one)
    causes.sort(key=lambda one: _rank(one, subjects, platform, bad))
    known = Diagnosis("unknown", stale=stale, notes=notes, not_checked=tuple(not_checked), subjects=subjects)
    if not causes and not bad and not storm:
        callers = (one for one in notes if one.about == CALLER)
        causes = sorted(callers, key=lambda one: (one.priority, -one.count, one.failure, one.service))[:1]
        known = replace(known, notes=tuple(one for one in notes if one not in causes))
    if not causes:
        return _without_cause(replace(known, symptoms=tuple(symptoms)), health, bad, platform, troubles, instances or {})

    root = causes[0]
    subject = subjects[id(root)]
    first: dict[tuple[str, str], Finding] = {}
    for one in causes:  # asked and told by a log, or by several instances: one cause, the others tell the same
        first.setdefault((one.failure, subjects[id(one)]), one)
    apart = {id(one) for one in first.values() if not _again(one, root, subjects, platform)}
    same = [one for one in causes[1:] if id(one) not in apart]
    others = tuple(one for one in causes[1:] if id(one) in apart)
    touched = {one.service for one in (*symptoms, *same, root)} | set(bad)
    victims = tuple(sorted(name for name in touched if name != subject and subject in platform.on(name) and _suffers(name, health)))
    explained = set(victims) | {subject} | {subjects[id(one)] for one in others} | {one.service for one in others}
    for one in others:
        explained |= {name for name in bad if subjects[id(one)] in platform.on(name)}
    unexplained = tuple(Unexplained(name, f"{name} is {health[name]} and no finding says why") for name in bad if name not in explained)
    confidence, reasons = _confidence(root, subject, [*symptoms, *same], others, unexplained, health, not_checked)
    return replace(
        known,
        status=_status(root, subject, health, bad, instances or {}),
        failure=root.failure,
        service=known.blames(root),
        host=host_of(subject, root, platform),
        title=root.title,
        since=min((one.since for one in (root, *same, *symptoms) if one.since and _dates(one, subject, subjects)), default=None),
        root=root,
        victims=victims,
        contributing=others,
        symptoms=(*symptoms, *same),
        unexplained=unexplained + _apart(troubles, explained | touched, {subject, *(subjects[id(one)] for one in others)}, platform),
        confidence=confidence,
        reasons=reasons,
        next_action=root.next_action,
    )


def _over(one: Finding, health: Mapping[str, str], now: float | None, words: Words) -> bool:
    """Before the last start, smuggled in, or silent since while the service and all that it needs are well."""
    if one.stale or one.suspect:
        return True
    if one.holds or one.directness == "direct" or now is None or one.last is None:
        return False
    well = health.get(one.service) == UP and (not one.target or health.get(one.target) == UP)
    if well:
        return now - one.last > patience(one.count, one.since, one.last)
    end = last_word(words, one.service, one.host)
    # It goes on writing and has not told of it for long: whatever is wrong now is something else.
    return end is not None and end - one.last > patience(one.count, one.since, one.last, SILENT)


def _without_effect(one: Finding, health: Mapping[str, str]) -> bool:
    return one.failure in WITHOUT_EFFECT and health.get(one.service) == UP


def _hearsay(one: Finding, subject: str, platform: Platform, bad: Sequence[str]) -> bool:
    """A failed call, while its target fails (so that its own words count) or while only others fail."""
    if one.failure not in CARRIERS or one.about != "downstream" or not bad:
        return False
    return subject in bad or not any(subject in platform.on(name) for name in bad)


def subject_of(one: Finding, platform: Platform, health: Mapping[str, str], others: Sequence[Finding]) -> str:
    """The thing that a finding blames."""
    if one.subject:
        return one.subject
    if one.about == CALLER:
        return CALLER
    if one.failure == "OOM_KILLED" and one.service in health:
        return one.service  # its own control group's limit, or the host's choice of it
    if one.failure == "STARVED" and len({other.service for other in others if (other.failure, other.host) == ("STARVED", one.host)}) > 1:
        return f"host:{one.host}"
    if one.failure in HOST_WIDE and one.host and one.about not in SERVERS:
        return f"host:{one.host}"
    if one.about == "downstream" and one.target:
        return one.target
    if one.about not in SERVERS or one.failure not in WHOLE | HOST_WIDE | OF_ITSELF:
        return one.service
    component = next((name for name in platform.needs.get(one.service, ()) if name.startswith(one.about)), one.about)
    if one.service == component or health.get(component) in (DOWN, DEGRADED) or one.failure in HOST_WIDE | OF_ITSELF:
        return component
    if health.get(component) == UP:
        return one.service  # the component answers: the service asks at the wrong place, or too much
    dependents = [name for name, needed in platform.needs.items() if component in needed and name != one.service]
    tellers = {other.service for other in others if other.about == one.about and other.failure in WHOLE}
    if any(name in tellers for name in dependents) or not any(health.get(name) == UP for name in dependents):
        return component
    return one.service


def _dates(one: Finding, subject: str, subjects: Mapping[int, str]) -> bool:
    """A caller's errors of an earlier fault would date it back: only what blames the same thing tells since when."""
    return one.current and subjects[id(one)] == subject and one.about != "downstream"


def host_of(subject: str, root: Finding, platform: Platform) -> str:
    if subject.startswith("host:"):
        return subject.split(":", 1)[1]
    if subject == root.service and not platform.is_component(subject):
        return root.host
    hosts = platform.hosts.get(subject, ())
    return hosts[0] if len(hosts) == 1 else ""


def _explained(
    one: Finding, all_of_them: Sequence[Finding], subjects: Mapping[int, str], platform: Platform, health: Mapping[str, str]
) -> bool:
    """Only what tells a failure, not a cause of its own, can be a symptom of something else."""
    own = subjects[id(one)]
    # A component that was asked and fails does so by itself, whatever else the service lacks that told of it.
    by_itself = platform.is_component(own) and health.get(own) in (DOWN, DEGRADED)
    told_of_other = own != one.service
    if one.failure not in CARRIERS and not told_of_other:
        return False
    for other in all_of_them:
        if other is one:
            continue
        theirs = subjects[id(other)]
        deeper = theirs in platform.on(own) or (theirs in platform.on(one.service) and not by_itself)
        if theirs == own and one.failure in CARRIERS and other.failure not in CARRIERS and other.service == own:
            return True  # the thing itself says why
        if theirs == own and one.failure in CARRIERS and other.failure not in CARRIERS and other.about == one.about:
            return True
        if theirs != own and deeper and own not in platform.on(theirs) and SEVERITIES.index(other.severity) > 0:
            return True
    return False


def _rank(one: Finding, subjects: Mapping[int, str], platform: Platform, bad: Sequence[str]) -> tuple[object, ...]:
    subject = subjects[id(one)]
    below = sum(1 for name in bad if name == subject or subject in platform.on(name))
    return (
        -SEVERITIES.index(one.severity),
        one.failure in CARRIERS,
        not one.current,
        subject not in bad and bool(bad) and below == 0,
        len(platform.on(subject)),
        -below,
        one.directness != "direct",
        one.priority,
        one.since if one.since is not None else float("inf"),
        one.failure,
        one.service,
    )


def _again(one: Finding, root: Finding, subjects: Mapping[int, str], platform: Platform) -> bool:
    """The same thing told again, by another service or in other words; what a component does to all of its users, each of them tells."""
    own, subject = subjects[id(one)], subjects[id(root)]
    if own == subject:
        return _kin(one, root)
    return one.failure == root.failure and platform.is_component(subject) and subject in platform.needs.get(own, ())


def _kin(one: Finding, root: Finding) -> bool:
    return one.failure == root.failure or one.failure in CARRIERS or (one.about == root.about and one.about in SERVERS)


def _suffers(name: str, health: Mapping[str, str]) -> bool:
    return health.get(name, UNKNOWN) != UP


def _status(root: Finding, subject: str, health: Mapping[str, str], bad: Sequence[str], instances: Instances) -> str:
    if not any(health[name] == DOWN for name in bad) and any(row["health"] == UP for row in instances.get(subject, ())):
        return "degraded"  # another instance serves
    if subject.startswith("host:"):
        serves = not bad or any(row["health"] == UP for name in bad for row in instances.get(name, ()))
    else:
        serves = health.get(subject, UNKNOWN) == UP
    if any(health[name] == DOWN for name in bad) or (root.severity == "down" and not serves):
        return "down"
    if root.failure == "HOST_UNREACHABLE" and not bad:
        return "unknown"  # it may well run
    return "degraded"


def _without_cause(
    base: Diagnosis, health: Mapping[str, str], bad: Sequence[str], platform: Platform, troubles: Sequence[Trouble], instances: Instances
) -> Diagnosis:
    if not bad and troubles:
        return _troubled(base, troubles, platform)
    if not bad:
        unsure = [name for name, state in health.items() if state != UP]
        if health and not unsure:
            said = ("every probe says up, and nothing speaks against it",)
            return replace(base, status="healthy", title="nothing is wrong", confidence="high", reasons=said)
        gaps = tuple(Unexplained(name, f"the state of {name} is not known") for name in unsure)
        return replace(base, unexplained=gaps, reasons=("no failure was found, but not everything could be asked",))
    # The deepest thing that fails, without anything failing below it, is where to look.
    first = min(bad, key=lambda name: (sum(1 for other in bad if other in platform.on(name)), health[name] != DOWN, name))
    victims = tuple(sorted(name for name in bad if name != first and first in platform.on(name)))
    own = [one for one in troubles if one.service == first]
    told = tuple(f"its newest error: {one.text} ({one.count} times)" for one in own[-1:])
    ill = [row for row in instances.get(first, ()) if row["health"] in (DOWN, DEGRADED)]
    hosts = [str(row["host"]) for row in ill] or platform.hosts.get(first, ())
    probed = next((str(row["message"]) for row in ill if row.get("message")), "a probe says so")
    return replace(
        base,
        status="down" if any(health[name] == DOWN for name in bad) else "degraded",
        service=first,
        host=hosts[0] if len(hosts) == 1 else "",
        title=f"{first} is {health[first]}; the cause is not known",
        since=min((one.since for one in own if one.since is not None), default=None),
        victims=victims,
        unexplained=(
            *(Unexplained(name, f"{name} is {health[name]} and no finding says why") for name in bad if name not in victims),
            *_apart(troubles, set(bad), {first}, platform),
        ),
        reasons=(probed, "no known failure was found", *told, *_witnesses(base.symptoms, first)),
    )


def _apart(troubles: Sequence[Trouble], told: Iterable[str], roots: Iterable[str], platform: Platform) -> tuple[Unexplained, ...]:
    """Errors again and again of services that nothing else speaks of, and that do without what is the matter."""
    left = [
        one for one in troubles
        if one.count >= AGAIN and one.service not in told and not any(root in platform.on(one.service) for root in roots)
    ]  # fmt: skip
    newest = {one.service: one for one in left}
    return tuple(Unexplained(one.service, f"{one.service} logs {one.text} ({one.count} times)") for one in newest.values())


def _witnesses(symptoms: Sequence[Finding], service: str) -> list[str]:
    names = sorted({one.service for one in symptoms if one.target == service and one.service != service})
    return [f"{', '.join(names)} cannot use it either"] if names else []


def _troubled(base: Diagnosis, troubles: Sequence[Trouble], platform: Platform) -> Diagnosis:
    """Every probe is content, and yet a service logs errors: the deepest one is where to look."""
    names = {one.service for one in troubles}
    first = min(troubles, key=lambda one: (not one.restless, len(names & platform.on(one.service)), -one.count, one.service, one.text))
    told = [one for one in troubles if one.service == first.service or one.count >= AGAIN]  # once is noise
    others = sorted({one.service for one in told} - {first.service})
    ended = "ended by itself and was started again; the cause is not known"
    what = ended if first.restless else "logs errors that the catalogue does not know"
    return replace(
        base,
        status="degraded",
        service=first.service,
        host=first.host,
        title=f"{first.service} answers, but {what}",
        since=first.since,
        unexplained=tuple(Unexplained(one.service, f"{one.text} ({one.count} times)") for one in told),
        reasons=("every probe says up", f"{first.service} logged: {first.text} ({first.count} times)",
                 *([f"{', '.join(others)} log errors too"] if others else [])),
    )  # fmt: skip


def _confidence(
    root: Finding,
    subject: str,
    symptoms: Sequence[Finding],
    others: Sequence[Finding],
    unexplained: Sequence[Unexplained],
    health: Mapping[str, str],
    not_checked: Sequence[Mapping[str, str]],
) -> tuple[str, tuple[str, ...]]:
    """A word, and why."""
    points, reasons = 0, []

    def say(value: int, text: str) -> None:
        nonlocal points
        points += value
        reasons.append(text)

    if root.directness == "direct":
        say(2, f"it was asked directly: {root.evidence[0].get('source')}" if root.evidence else f"{subject} was asked directly")
    elif root.failure not in CARRIERS:
        say(1, f"the log of {root.service} names the cause")
    else:
        say(-1, "what was found tells that something failed, not why")
    if health.get(subject) in (DOWN, DEGRADED):
        say(1, f"its health agrees: {subject} is {health[subject]}")
    elif health.get(subject) == UP and root.directness != "direct":
        say(-1, f"its health does not agree: {subject} is up")
    tellers = {one.service for one in symptoms} - {subject, root.service}
    if tellers:
        say(1, f"{', '.join(sorted(tellers))} {'tells' if len(tellers) == 1 else 'tell'} the same")
    if not root.current:
        say(-1, "it was told before the newest start")
    rivals = [one for one in others if one.severity == root.severity]
    if rivals:
        say(-1, f"{', '.join(sorted({one.failure for one in rivals}))} weighs as much")
    if unexplained:
        say(-1, f"{', '.join(one.service for one in unexplained)} is not explained by it")
    if any(subject in str(entry.get("what", "")) for entry in not_checked):
        say(-1, f"not everything of {subject} could be checked")
    return ("high" if points >= 2 else "medium" if points >= 1 else "low"), tuple(reasons)
