# Copyright (c) 2026 dwp.backend contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What a log tells and a question asked just now contradicts is over: it is listed with the reason, and not blamed."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from typing import Any

from ansible_collections.dwp.backend.plugins.module_utils._diagnosis.from_collect import shared_secrets
from ansible_collections.dwp.backend.plugins.module_utils._diagnosis.health import SPEAKS, Health
from ansible_collections.dwp.backend.plugins.module_utils._diagnosis.model import DOWN, UP, Finding
from ansible_collections.dwp.backend.plugins.module_utils._diagnosis.patience import Words, last_word

DATABASE = {
    "PG_REFUSED", "PG_STARTING", "PG_AUTH", "PG_HBA", "PG_LOGIN", "PG_NODB", "PG_FULL", "PG_TERMINATED", "DB_UNREACHABLE",
    "HIKARI_INIT", "HIKARI_STALE", "HEALTH_DB", "PG_DNS", "PG_UNREACHABLE",
}  # fmt: skip
REDIS = {
    "REDIS_REFUSED", "REDIS_AUTH", "REDIS_SLOW", "HEALTH_REDIS", "REDIS_DNS", "REDIS_UNREACHABLE", "REDIS_LOADING", "REDIS_BUSY",
    "REDIS_CLIENTS",
}  # fmt: skip
#: Variables that decide what a service asks for, and how.
_OF_DATABASE = re.compile(r"^(?:DB|SPRING_DATASOURCE|SPRING_JPA)_")
_OF_REDIS = re.compile(r"REDIS_")
_OF_FLYWAY = re.compile(r"^DB_|^SPRING_DATASOURCE_|FLYWAY_")
_PATIENCE = re.compile(r"^SPRING_CLOUD_GATEWAY_.*TIMEOUT$")
SILENCE = {"PG_REFUSED", "DB_UNREACHABLE", "REDIS_REFUSED"}
CALL = {"GW_REFUSED", "GW_503", "GW_DNS", "GW_CONNECT_TIMEOUT", "GW_PREMATURE", "FEIGN"}
START = {"PORT_IN_USE", "STARTUP_FAILED"}
#: Connections that were cut: all at once by a restart, which is over; again and again by somebody who goes on.
CUT = {"PG_TERMINATED", "HIKARI_STALE"}
# More often than a pool has connections (a restart cuts each once), over so many s, the last one no more s before the newest record.
CUT_TIMES, CUT_SPREAD, CUT_RECENT = 11, 1.5, 15.0
#: Whatever else was told so often, over so many s, and until now.
STILL_TIMES, STILL_SPREAD = 5, 30.0
#: A call that was answered, or was accepted: that its target can be reached says nothing against it.
_ANSWERED = re.compile(r"FeignException\$\w+: \[\d+|Read timed out")
#: What is thrown: where only a line of a warning has it, a request may be called so.
THROWN = {"OOM_HEAP", "DISK_FULL", "NOFILE", "STACKOVERFLOW"}
LAST_WORDS = 120.0  # s before the last record of a service: what is older did not end it


def refute(
    findings: Iterable[Finding],
    collected: Mapping[str, Mapping[str, Any]],
    health: Health,
    last_words: Words,
) -> tuple[list[Finding], list[dict[str, str]]]:
    """The findings, those that are over marked as stale; and what was ruled out by it, and why."""
    kept, ruled, everything = [], [], list(findings)
    asked = {(one.service, one.target): one for one in everything if one.directness == "direct" and one.target}
    for one in everything:
        direct = asked.get((one.service, one.target))
        if direct is not None and one is not direct and one.failure in CALL:
            one = replace(one, about=direct.about, subject=direct.subject)  # the same way was asked, and what ails it is known
        one = _dropped(_on_the_way(_signed_elsewhere(one, collected), collected), collected)
        cut = _goes_on(one, last_words)
        if cut:
            one = replace(one, severity="degraded")
        if one.failure in THROWN and _quoted(one, health):
            one = replace(one, severity="note")
        sure = cut or one.directness == "direct" or one.stale or _told_still(one, collected, last_words)
        why = "" if sure else _contradiction(one, collected, health, last_words)
        if why:
            one = replace(one, stale=True)
            ruled.append({"what": f"{one.failure} of {one.service}", "why": why})
        kept.append(one)
    unique = {(entry["what"], entry["why"]): entry for entry in ruled}
    return kept, list(unique.values())


def _contradiction(one: Finding, collected: Mapping[str, Mapping[str, Any]], health: Health, last_words: Words) -> str:
    rows = {row["host"]: row["health"] for row in health.instances.get(one.service, ())}
    state = rows.get(one.host, health.services.get(one.service))
    # Flyway's last words end a start; a next one that has begun has not passed it yet.
    if state == DOWN and (one.current or one.failure.startswith("FLYWAY_")):
        end = last_word(last_words, one.service, one.host)
        if end is None or one.last is None or end - one.last <= LAST_WORDS:
            return ""  # its last words: they may well be why it is down, whatever works by now
    if _differs(one, collected):
        return ""  # what was asked just now is not what the service asks for
    if one.failure in DATABASE or (one.failure, one.variant) == ("HIKARI_TIMEOUT", "unreachable"):
        return _store("databases", one, collected, "logs in to its database now")
    if one.failure in REDIS:
        return _store("redis", one, collected, "gets an answer of Redis now")
    if one.failure.startswith("FLYWAY_"):
        return _history(one, collected)
    answered = one.failure == "FEIGN" and any(_ANSWERED.search(str(entry.get("record"))) for entry in one.evidence)
    if one.failure in CALL and not answered and one.target and health.services.get(one.target) == UP:
        edges = _edges(one, collected)
        # What lies at another place may lose every third request, and one path of an address is not the other.
        known = all(edge.get("points_to") and not _changed(edge["variable"], one, collected) for edge in edges)
        if edges and known and all(edge.get("cause") == "ok" for edge in edges) and _same_name(one, edges):
            return f"{one.target} is up and answers at the address that {one.service} has"
    if one.failure in START and state == UP:
        return f"{one.service} runs and is healthy"
    if one.failure == "DISK_FULL" and one.about == "host" and one.host in collected:
        disks = ((collected[one.host].get("host") or {}).get("disks")) or ()
        if disks and all((disk.get("free_mb") or 0) > 200 or (disk.get("free_percent") or 0) > 20 for disk in disks):
            return f"no file system of {one.host} is full now"
    return ""


def _on_the_way(one: Finding, collected: Mapping[str, Mapping[str, Any]]) -> Finding:
    """A call that fails on a way that is not the inventory's, while the target is well: the address is the cause, or the patience."""
    if one.failure == "GW_504" and any(_PATIENCE.search(str(entry["variable"])) for entry in _different(one, collected)):
        return replace(one, about="environment", subject=one.service)
    for edge in _edges(one, collected) if one.failure in (*CALL, "GW_504") and one.target else ():
        address = f"{edge['variable']} of {one.service} is {edge.get('url')}"
        if edge.get("url") and not edge.get("points_to") and (edge.get("reference") or {}).get("cause") == "ok":
            title = f"{one.title}; {address}, where the inventory has nothing, and {one.target} itself answers"
        elif edge.get("url") and _changed(str(edge["variable"]), one, collected):
            title = f"{one.title}; {address}"
        else:
            continue
        return replace(one, about="environment", subject=one.service, title=title)
    return one


def _dropped(one: Finding, collected: Mapping[str, Mapping[str, Any]]) -> Finding:
    """A header that a service misses and its caller demands, and that has to pass something which is not the inventory's."""
    for edge in (edge for facts in collected.values() for edge in facts.get("edges") or ()):
        if one.failure != "TENANT_MISSING" or edge.get("to") != one.service or edge.get("external") or edge.get("points_to"):
            continue
        caller, variable = str(edge.get("from")), str(edge.get("variable"))
        if edge.get("url") and any(_changed(variable, replace(one, service=caller, host=host), collected) for host in collected):
            title = f"{one.title}; {variable} of {caller} is {edge['url']}, where the inventory has nothing: it is lost there"
            return replace(one, about="environment", subject=caller, severity="degraded", target=one.service, title=title)
    return one


def _edges(one: Finding, collected: Mapping[str, Mapping[str, Any]]) -> list[Mapping[str, Any]]:
    return [
        edge for facts in collected.values() for edge in facts.get("edges") or ()
        if edge.get("from") == one.service and edge.get("to") == one.target
    ]  # fmt: skip


def _changed(variable: str, one: Finding, collected: Mapping[str, Mapping[str, Any]]) -> bool:
    """Whether the service has another value of it than the inventory."""
    return any(entry["variable"] == variable for entry in _different(one, collected))


def _different(one: Finding, collected: Mapping[str, Mapping[str, Any]]) -> Sequence[Mapping[str, Any]]:
    service = ((collected.get(one.host) or {}).get("services") or {}).get(one.service) or {}
    return (service.get("environment") or {}).get("inventory") or ()


def _differs(one: Finding, collected: Mapping[str, Mapping[str, Any]]) -> bool:
    """The service has another value than the inventory of a variable that decides what it asks the database or Redis for."""
    if one.failure in DATABASE or one.failure == "HIKARI_TIMEOUT":
        family = _OF_DATABASE
    elif one.failure in REDIS:
        family = _OF_REDIS
    elif one.failure.startswith("FLYWAY_"):
        family = _OF_FLYWAY
    else:
        return False
    return any(family.search(str(entry["variable"])) for entry in _different(one, collected))


def _quoted(one: Finding, health: Health) -> bool:
    """Told by warnings of one line alone, in a service that is well, and not as what Spring resolved: words of a request, most likely."""
    if one.directness == "direct" or health.services.get(one.service) != UP or not one.evidence:
        return False
    records = [str(entry.get("record") or "").strip() for entry in one.evidence]
    return all(entry.get("level") == "WARN" for entry in one.evidence) and not any("\n" in text or "Resolved [" in text for text in records)


def _goes_on(one: Finding, last_words: Words) -> bool:
    if one.failure not in CUT or one.stale or one.since is None or one.last is None or one.count < CUT_TIMES:
        return False
    return one.last - one.since >= CUT_SPREAD and _silence(one, last_words) <= CUT_RECENT


def _told_still(one: Finding, collected: Mapping[str, Mapping[str, Any]], last_words: Words) -> bool:
    """Again and again until this moment, and what it blames was not started since: one good answer does not end it."""
    if one.stale or one.since is None or one.last is None or one.count < STILL_TIMES or one.last - one.since < STILL_SPREAD:
        return False
    usual = (one.last - one.since) / (one.count - 1)
    return _silence(one, last_words) <= max(CUT_RECENT, 3 * usual) and not any(one.since < time for time in _starts(one, collected))


def _silence(one: Finding, last_words: Words) -> float:
    """Seconds from when it was told last to the newest record of its service."""
    newest = last_word(last_words, one.service, one.host)
    return 0.0 if newest is None or one.last is None else newest - one.last


def _starts(one: Finding, collected: Mapping[str, Mapping[str, Any]]) -> list[float]:
    """When what a finding blames was started last, wherever it runs."""
    found = []
    for facts in collected.values():
        service = (facts.get("services") or {}).get(one.target) or {}
        found.append(float(service.get("since") or 0))
        if one.failure in DATABASE or one.failure == "HIKARI_TIMEOUT":
            found += [float(entry.get("started") or 0) for entry in facts.get("databases") or ()]
        elif one.failure in REDIS:
            now = float((facts.get("host") or {}).get("time") or 0)
            found += [now - float(entry["uptime_seconds"]) for entry in facts.get("redis") or () if entry.get("uptime_seconds") is not None]
    return found


def _same_name(one: Finding, edges: Iterable[Mapping[str, Any]]) -> bool:
    """A name that cannot be resolved and stands in no variable: the profile fixes another address, which nobody asked."""
    name = re.search(r"Failed to resolve '([^']+)'", "\n".join(str(entry.get("record")) for entry in one.evidence))
    return name is None or any(name[1] in str(edge.get("url")) for edge in edges)


def _store(kind: str, one: Finding, collected: Mapping[str, Mapping[str, Any]], text: str) -> str:
    entries = [entry for facts in collected.values() for entry in facts.get(kind) or () if one.service in entry.get("services", ())]
    if one.failure in SILENCE and entries and all(entry.get("sqlstate") or entry.get("cause") in SPEAKS for entry in entries):
        return f"{entries[0].get('address')} answers {one.service} now"
    if entries and all(entry.get("cause") == "ok" for entry in entries):
        return f"{one.service} {text}, with the credentials that it has ({entries[0].get('address')})"
    return ""


def _history(one: Finding, collected: Mapping[str, Mapping[str, Any]]) -> str:
    """What a service said at its start about a history that was put right since."""
    found = [
        entry["flyway"] for facts in collected.values() for entry in facts.get("databases") or ()
        if one.service in entry.get("services", ()) and entry.get("flyway")
    ]  # fmt: skip
    if found and not any(f.get("errors") or f.get("failed") or f.get("pending") or f.get("newer_than_jar") for f in found):
        return f"the schema history and the release of {one.service} agree now"
    return ""


def _signed_elsewhere(one: Finding, collected: Mapping[str, Mapping[str, Any]]) -> Finding:
    """A bad signature although all our secrets agree: the token was signed by somebody else, such as the Aura platform."""
    if one.failure != "JWT_SIG" or one.directness == "direct":
        return one
    digests = shared_secrets(collected)
    if len(digests) < 1 or len(set(digests.values())) != 1 or one.service not in {name for name, _host in digests}:
        return one
    names = ", ".join(sorted({name for name, _host in digests}))
    title = f"{one.service} rejects tokens that were signed with another JWT_SECRET; here it is the same in {names}: look at who signs them"
    return replace(one, about="caller", title=title)
