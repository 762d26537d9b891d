# Copyright (c) 2026 dwp.backend contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""report.json, schema_version 1 (docs/triage.md): the diagnosis and everything it was made from, as plain values."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from ansible_collections.dwp.backend.plugins.module_utils._diagnosis.actions import Words
from ansible_collections.dwp.backend.plugins.module_utils._diagnosis.advice import changed_by_hand, repair
from ansible_collections.dwp.backend.plugins.module_utils._diagnosis.diagnose import host_of
from ansible_collections.dwp.backend.plugins.module_utils._diagnosis.from_collect import difference_text, shared_secrets
from ansible_collections.dwp.backend.plugins.module_utils._diagnosis.health import Health
from ansible_collections.dwp.backend.plugins.module_utils._diagnosis.model import UP, Diagnosis, Finding, Platform
from ansible_collections.dwp.backend.plugins.module_utils._logs.scrub import Scrubber
from ansible_collections.dwp.backend.plugins.module_utils._logs.window import iso

SCHEMA = 1
TEMPLATES = 40
_EVIDENCE = ("source", "text", "file", "line", "time", "level", "logger", "record", "cause")


@dataclass
class Parts:
    """What a report is put together from."""

    catalogue: Mapping[str, Any]
    platform: Platform
    health: Health
    diagnosis: Diagnosis
    facts: Mapping[str, Mapping[str, Any]]
    logs: Mapping[str, Mapping[str, Any]]
    lost: Mapping[str, str]
    words: Words
    ruled_out: Sequence[Mapping[str, str]] = ()
    not_checked: Sequence[Mapping[str, str]] = ()
    timeline: Sequence[Mapping[str, Any]] = ()
    request_path: Mapping[str, Any] | None = None
    canary: Mapping[str, Any] | None = None
    window: Mapping[str, Any] = field(default_factory=dict)


def assemble(parts: Parts, *, now: float, duration: float, version: str) -> dict[str, Any]:
    said = parts.diagnosis
    return {
        "schema_version": SCHEMA,
        "tool": {"name": "dwp.backend triage", "version": version},
        "generated_at": iso(now),
        "environment": parts.catalogue["environment"],
        "window": {"since": parts.window.get("since"), "until": parts.window.get("until") or iso(now)},
        "duration_seconds": round(duration, 1),
        "verdict": _verdict(parts),
        "victims": list(said.victims),
        "findings": _findings(parts),
        "unexplained": [{"service": one.service, "why": one.why} for one in said.unexplained],
        "ruled_out": [*parts.ruled_out, *_well(parts)],
        "services": _services(parts),
        "components": parts.health.components,
        "edges": [{"host": host, **edge} for host, one in parts.facts.items() for edge in one.get("edges") or ()],
        "hosts": _hosts(parts),
        "templates": _templates(parts),
        "database": [{"host": host, **entry} for host, one in parts.facts.items() for entry in one.get("databases") or ()],
        "redis": [{"host": host, **entry} for host, one in parts.facts.items() for entry in one.get("redis") or ()],
        "environment_differences": _differences(parts),
        "timeline": list(parts.timeline),
        "request_path": parts.request_path,
        "canary": parts.canary,
        "baseline": None,
        "not_checked": list(parts.not_checked),
    }


def scrubbed(value: Any, scrubber: Scrubber | None = None) -> Any:
    """Every text once more without secrets and control characters: it is what people send around."""
    scrubber = scrubber or Scrubber()
    if isinstance(value, str):
        return scrubber.text(value, 4000)
    if isinstance(value, Mapping):
        return {str(key): scrubbed(entry, scrubber) for key, entry in value.items()}
    if isinstance(value, (list, tuple)):
        return [scrubbed(entry, scrubber) for entry in value]
    return value


# ---- the answer


def _verdict(parts: Parts) -> dict[str, Any]:
    said = parts.diagnosis
    service, host = said.service or None, said.host or None
    if said.root is not None:
        action = parts.words.action(said.root, said.service, said.host)
    else:
        action = _look_at_log(parts, said.service, said.host)
    return {
        "status": said.status,
        "failure": said.failure,
        "service": service,
        "host": host,
        "title": said.title or _title_of_unknown(parts),
        "confidence": said.confidence,
        "reasons": list(said.reasons),
        "since": iso(said.since),
        "next_action": action or None,
    }


def _title_of_unknown(parts: Parts) -> str:
    causes = {row["cause"] for rows in parts.health.instances.values() for row in rows}
    if causes == {"not_deployed"}:
        return "nothing was deployed on these hosts yet"
    names = ", ".join(one.service for one in parts.diagnosis.unexplained)
    return f"no failure was found, but not everything could be asked: {names}" if names else "nothing could be asked"


def _look_at_log(parts: Parts, service: str, host: str) -> dict[str, str]:
    """Nobody knows the cause: its own words, or the plan of what was never deployed, or changed since."""
    for one in (host, *parts.platform.hosts.get(service, ())):
        files = changed_by_hand(((parts.facts.get(one) or {}).get("services") or {}).get(service) or {})
        if files:
            return parts.words.fill(repair(service, files), service, one)
    found = parts.words.look_at_log(service, host, *parts.platform.hosts.get(service, ()))
    causes = {row["cause"] for rows in parts.health.instances.values() for row in rows}
    if not found and parts.diagnosis.status == "unknown" and "not_deployed" in causes:
        command = "ansible-playbook playbooks/deploy.yml -i inventories/ENVIRONMENT --check"
        return parts.words.fill({"command": command, "verify": "the plan says what is missing"}, "", "")
    return found


def _findings(parts: Parts) -> list[dict[str, Any]]:
    said = parts.diagnosis
    roles: list[tuple[str, Iterable[Finding]]] = [
        ("root", [said.root] if said.root else []), ("contributing", said.contributing), ("symptom", said.symptoms),
        ("note", said.notes), ("stale", said.stale),
    ]  # fmt: skip
    return [_finding(one, role, parts) for role, group in roles for one in group]


def _finding(one: Finding, role: str, parts: Parts) -> dict[str, Any]:
    # A cause is listed under what it blames, everything else under who told it.
    service, host = one.service, one.host
    if role in ("root", "contributing"):
        service = parts.diagnosis.blames(one)
        host = host_of(service, one, parts.platform) if service else one.host
    return {
        "failure": one.failure,
        "role": role,
        "service": service or None,
        "host": host or None,
        "told_by": one.service or None,
        "severity": one.severity,
        "title": one.title,
        "since": iso(one.since),
        "last": iso(one.last),
        "count": one.count,
        "evidence": [{key: entry[key] for key in _EVIDENCE if entry.get(key) is not None} for entry in one.evidence],
        "next_action": parts.words.action(one) or None,
    }


# ---- the parts of the platform


def _services(parts: Parts) -> dict[str, Any]:
    found = {}
    for name, rows in parts.health.instances.items():
        instances = []
        for row in rows:
            facts = parts.facts.get(row["host"]) or {}
            environment = ((facts.get("services") or {}).get(name) or {}).get("environment") or {}
            kept = {"plain": environment.get("plain") or {}, "fingerprints": environment.get("fingerprints") or {},
                    "key": facts.get("fingerprint_key")}  # fmt: skip
            instances.append({**row, "environment": kept})
        found[name] = {
            "state": parts.health.services.get(name, "unknown"),
            "calls": list(parts.platform.calls.get(name, ())),
            "needs": list(parts.platform.needs.get(name, ())),
            "wave": parts.catalogue["services"][name].get("wave", 0),
            "instances": instances,
        }
    return found


def _hosts(parts: Parts) -> dict[str, Any]:
    found: dict[str, Any] = {}
    for host, one in parts.facts.items():
        about = dict(one.get("host") or {})
        about.pop("name", None)
        about.pop("lock", None)
        kills = [{**kill, "time": iso(kill.get("time"))} for kill in about.get("oom_kills") or ()]
        found[host] = {
            **about, "state": "up", "time": iso(about.get("time")), "boot_time": iso(about.get("boot_time")), "oom_kills": kills,
            "seconds": one.get("seconds"),
        }  # fmt: skip
    for host, why in parts.lost.items():
        found[host] = {"state": "unreachable", "message": why}
    return found


def _templates(parts: Parts) -> list[dict[str, Any]]:
    found = []
    for host, result in parts.logs.items():
        for name, service in (result.get("services") or {}).items():
            for one in service.get("templates") or ():
                sample = one.get("evidence") or {}
                found.append({
                    "service": name, "host": host,
                    **{key: one.get(key) for key in ("template", "level", "exception", "cause", "count", "first", "last")},
                    "stale": bool(one.get("stale")), "sample": sample.get("record"), "file": sample.get("file"), "line": sample.get("line"),
                })  # fmt: skip
    found.sort(key=lambda one: (one["stale"], -(one["count"] or 0), one["service"]))
    return found[:TEMPLATES]


def _differences(parts: Parts) -> list[dict[str, Any]]:
    found = []
    for host, facts in parts.facts.items():
        for name, service in (facts.get("services") or {}).items():
            environment = service.get("environment") or {}
            for one in environment.get("differences") or ():
                sides = list(one.get("between") or ())
                needs = ": a restart is needed" if "process" in sides else ""
                found.append({
                    "kind": "process" if needs else "file", "service": name, "host": host, "variable": one["variable"],
                    "secret": bool(one.get("secret")), "between": sides,
                    "values": {} if one.get("secret") else dict(one.get("values") or {}),
                    "text": f"{name} on {host}: {difference_text(one)}{needs}",
                })  # fmt: skip
            for one in environment.get("inventory") or ():
                found.append({
                    "kind": "inventory", "service": name, "host": host, "variable": one["variable"], "secret": bool(one.get("secret")),
                    "between": list(one["between"]), "values": {} if one.get("secret") else dict(one.get("values") or {}),
                    "text": f"{name} on {host}: {difference_text(one)}: a deployment is needed",
                })  # fmt: skip
            for one in environment.get("violations") or ():
                found.append({
                    "kind": "rule", "service": name, "host": host, "variable": one.get("variable"), "secret": False, "between": [],
                    "values": {}, "severity": one.get("severity"), "text": one.get("message"),
                })  # fmt: skip
    digests = shared_secrets(parts.facts)
    if len(set(digests.values())) > 1:
        names = sorted({name for name, _host in digests})
        found.append({
            "kind": "secret", "service": names[0], "host": None, "variable": "JWT_SECRET", "secret": True, "between": names,
            "values": {f"{name}@{host}": digest for (name, host), digest in digests.items()},
            "text": f"JWT_SECRET is not the same in {', '.join(names)} (compare the fingerprints)",
        })  # fmt: skip
    return found


def _well(parts: Parts) -> list[dict[str, str]]:
    """What was asked and is in order: it need not be looked at again."""
    found = []
    blamed = {parts.diagnosis.service, *(parts.diagnosis.blames(one) for one in parts.diagnosis.contributing)}
    for kind, what, text in (("databases", "PostgreSQL", "login and SELECT 1 succeed"), ("redis", "Redis", "it answers")):
        entries = [entry for facts in parts.facts.values() for entry in facts.get(kind) or ()]
        users = sorted({name for entry in entries for name in entry.get("services", ())})
        component = "postgres" if kind == "databases" else kind
        if entries and all(entry.get("cause") == "ok" for entry in entries) and component not in blamed:
            found.append({"what": what, "why": f"{text} with the credentials of {', '.join(users)}"})
    edges = [edge for facts in parts.facts.values() for edge in facts.get("edges") or () if not edge.get("external")]
    if edges and all(edge.get("cause") == "ok" for edge in edges):
        found.append({"what": "addresses between services", "why": f"all {len(edges)} were asked and answer"})
    digests = shared_secrets(parts.facts)
    if len(digests) > 1 and len(set(digests.values())) == 1:
        found.append({"what": "JWT_SECRET", "why": f"it is the same in {', '.join(sorted({name for name, _host in digests}))}"})
    disks = [disk for facts in parts.facts.values() for disk in (facts.get("host") or {}).get("disks") or ()]
    told = [one for one in (parts.diagnosis.root, *parts.diagnosis.contributing, *parts.diagnosis.notes) if one is not None]
    if disks and not any(one.failure.startswith("DISK_") for one in told):
        found.append({"what": "full file systems", "why": "every file system in use has space"})
    states = [state for name, state in parts.health.services.items()]
    if states and all(state == UP for state in states) and parts.diagnosis.status != "healthy":
        found.append({"what": "a service that is down", "why": "every probe of a service says up"})
    return found
