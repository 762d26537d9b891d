# Copyright (c) 2026 dwp.backend contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What the databases and Redis answered to the credentials of the services, as findings."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from typing import Any

from ansible_collections.dwp.backend.plugins.module_utils._diagnosis.diagnose import OF_ITSELF
from ansible_collections.dwp.backend.plugins.module_utils._diagnosis.health import ACCEPTED, Health
from ansible_collections.dwp.backend.plugins.module_utils._diagnosis.known import Known
from ansible_collections.dwp.backend.plugins.module_utils._diagnosis.model import DOWN, UP, Finding, Platform
from ansible_collections.dwp.backend.plugins.module_utils._signatures import fill

LOCK_SECONDS = 5.0
FELT_LOCK = 1.0  # the same if the service that asks is not well
SLOW_SECONDS = 30.0
FELT_SECONDS = 5.0  # from which a statement counts if the service that asks is not well
REDIS_SECONDS = 2.0
LOGIN_SECONDS = 3.0  # of PostgreSQL; some milliseconds are usual
CROWDED = 0.9  # of the connections that ordinary roles may use
_HANGS = "accepts connections and does not answer: its process is suspended, starved, or waits for its disk"
_STATES = {
    "28P01": "PG_AUTH", "28000": "PG_AUTH", "3D000": "PG_NODB", "53300": "PG_FULL", "57P03": "PG_STARTING", "42501": "PG_PERM",
    "25006": "PG_READ_ONLY", "57P01": "PG_TERMINATED", "53100": "DISK_FULL",
}  # fmt: skip
_CAUSES = {
    "refused": "PG_REFUSED", "timeout": "PG_UNREACHABLE", "dns": "PG_DNS", "tls": "TLS", "unexpected_body": "PG_FOREIGN",
    "reset": "DB_UNREACHABLE", "unauthorized": "PG_AUTH", "not_found": "PG_NODB", "out_of_service": "PG_STARTING",
}  # fmt: skip
_REDIS = {
    "refused": "REDIS_REFUSED", "timeout": "REDIS_UNREACHABLE", "dns": "REDIS_DNS", "reset": "REDIS_UNREACHABLE", "tls": "TLS",
    "unexpected_body": "REDIS_UNREACHABLE", "unauthorized": "REDIS_AUTH", "out_of_service": "REDIS_LOADING", "down": "REDIS_PERSISTENCE",
}  # fmt: skip
_REDIS_SAYS = (("(maxclients)", "REDIS_CLIENTS"), ("BUSY Redis is busy", "REDIS_BUSY"))
_NO_WAY = ("refused", "timeout")
_NOT_REACHED = ("refused", "timeout", "dns", "tls", "unexpected_body")  # an address, a firewall: by the host that asked
_FLYWAY = {
    "FAILED_VERSIONED_MIGRATION": "FLYWAY_FAILED", "FAILED_REPEATABLE_MIGRATION": "FLYWAY_FAILED", "CHECKSUM_MISMATCH": "FLYWAY_CHECKSUM",
    "DESCRIPTION_MISMATCH": "FLYWAY_CHECKSUM", "TYPE_MISMATCH": "FLYWAY_CHECKSUM",
    "APPLIED_VERSIONED_MIGRATION_NOT_RESOLVED": "FLYWAY_MISSING", "APPLIED_REPEATABLE_MIGRATION_NOT_RESOLVED": "FLYWAY_MISSING",
}  # fmt: skip


#: As administrator: he sees every session.
_WAITING = (
    'psql -h {db_host} -p {db_port} -U DB_ADMIN -d {database} -c "SELECT pid, pg_blocking_pids(pid) AS blocked_by, state, '
    "left(query, 60) FROM pg_stat_activity WHERE wait_event_type = 'Lock'\""
)


def findings_of_stores(
    collected: Mapping[str, Mapping[str, Any]], platform: Platform, health: Health, known: Known
) -> list[Finding]:
    found: list[Finding] = []
    databases = [(host, entry) for host, facts in collected.items() for entry in facts.get("databases") or ()]
    for host, entry in databases:
        names = [name for name in entry.get("services") or () if name in health.services]
        if not names:
            continue
        if entry.get("cause") not in ("ok", None, ""):
            hangs = _hangs("postgres", host, entry, collected, platform)
            refused = _refused(host, entry, names, [other for _h, other in databases], known, hangs)
            same = [other for asker, other in databases if asker == host and other.get("address") == entry.get("address")]
            home = _home("postgres", host, entry, same, collected, platform)
            found.extend(_cut_off(refused, "postgres", host, entry, home, known) if home else refused)
        elif entry.get("cause") == "ok":
            found.extend(_database(host, entry, known, all(health.services[name] == UP for name in names)))
            found.extend(_flyway(host, entry, names[0], health, known))
    every = [entry for facts in collected.values() for entry in facts.get("redis") or ()]
    for host, facts in collected.items():
        for entry in facts.get("redis") or ():
            names = [name for name in entry.get("services") or () if name in health.services]
            told = _redis(host, entry, names, every, known, _hangs("redis", host, entry, collected, platform))
            same = [other for other in facts.get("redis") or () if other.get("address") == entry.get("address")]
            home = _home("redis", host, entry, same, collected, platform)
            found.extend(_cut_off(told, "redis", host, entry, home, known) if home else told)
    return _once(found)


def _once(found: Sequence[Finding]) -> list[Finding]:
    """The same thing seen from several hosts, or through several databases of one server."""
    seen: dict[tuple[str, ...], Finding] = {}
    for one in found:
        seen.setdefault((one.failure, one.service, one.title), one)
    return list(seen.values())


def place(entry: Mapping[str, Any], prefix: str) -> dict[str, Any]:
    """Host and port of an address, under the names that the catalogue's commands use."""
    host, _colon, port = str(entry.get("address") or "").rpartition(":")
    words = {"host": host.strip("[]"), "port": port}
    named = {f"{kind}_{name}": value for kind in (prefix, "target") for name, value in words.items()}
    return {**named, "address": entry.get("address")}


def _hangs(
    component: str, host: str, entry: Mapping[str, Any], collected: Mapping[str, Mapping[str, Any]], platform: Platform
) -> str:
    """The host on which a server hangs: a time-out that is no firewall's, as it accepted, or listens on the host that asked."""
    if entry.get("cause") != "timeout":
        return ""
    here = ((collected.get(host) or {}).get("components") or {}).get(component) or {}
    if here.get("listener"):
        return host
    homes = platform.hosts.get(component, ())
    return (homes[0] if len(homes) == 1 else host) if ACCEPTED in str(entry.get("message") or "") else ""


def _home(
    component: str, host: str, entry: Mapping[str, Any], same: Sequence[Mapping[str, Any]],
    collected: Mapping[str, Mapping[str, Any]], platform: Platform,
) -> str:  # fmt: skip
    """The host on which a component listens, where all that ask from another host get no connection to it; "" in any other case."""
    users = {name for one in same for name in one.get("services") or ()}
    if entry.get("cause") not in _NO_WAY or ACCEPTED in str(entry.get("message")) or len(users) < 2:
        return ""
    if any(one.get("cause") not in _NO_WAY for one in same) or host in platform.hosts.get(component, ()):
        return ""
    port = str(entry.get("address") or "").rpartition(":")[2]
    for home in platform.hosts.get(component, ()):
        here = ((collected.get(home) or {}).get("components") or {}).get(component) or {}
        if here.get("listener") and str(here.get("port")) == port:
            return home
    return ""


def _cut_off(
    told: Iterable[Finding], component: str, host: str, entry: Mapping[str, Any], home: str, known: Known
) -> list[Finding]:
    """What each service tells of it is one thing: the way from its host to the component."""
    label, prefix = ("PostgreSQL", "db") if component == "postgres" else ("Redis", "redis")
    failure = "PG_UNREACHABLE" if component == "postgres" else "REDIS_UNREACHABLE"
    where = f"{label} at {entry.get('address')}, which listens on {home}"
    title = f"{host} gets no connection to {where}: a firewall, or the network between them"
    action = known.action(failure, place(entry, prefix))
    return [replace(one, failure=failure, subject=f"host:{host}", title=title, next_action=action) for one in told]


def processes(command: str, label: str) -> dict[str, str]:
    verify = f"state T: kill -CONT its PID; D: its disk; R or S: the load of the host; {label} then answers within a second"
    return {"command": f"ps -o pid,stat,etime,wchan:24,args -C {command}", "risk": "read-only", "verify": verify}


def _source(host: str, entry: Mapping[str, Any]) -> str:
    user = f"{entry['user']}@" if entry.get("user") else ""
    database = f"/{entry['database']}" if entry.get("database") else ""
    return f"probe of {user}{entry.get('address')}{database} from {host}"


def _refused(
    host: str, entry: Mapping[str, Any], names: Sequence[str], every: Sequence[Mapping[str, Any]], known: Known, hangs: str
) -> list[Finding]:
    code, cause, message = entry.get("sqlstate"), str(entry["cause"]), str(entry.get("message") or entry["cause"])
    failure = _STATES.get(str(code)) or _CAUSES.get(cause) or "HIKARI_INIT"
    if cause == "down" and not code:
        failure = "PG_READ_ONLY" if "read only" in message else "PG_PERM"
    words = place(entry, "db")
    more: dict[str, Any] = {}
    if failure == "PG_UNREACHABLE" and hangs:
        more["title"] = f"PostgreSQL at {entry.get('address')} {_HANGS}"
        more.update(next_action=processes("postgres", "PostgreSQL"), severity="down")
        return [known.finding("DB_UNREACHABLE", name, hangs, words, _source(host, entry), message, **more) for name in names]
    values = {**words, "host": words["db_host"], "port": words["db_port"], "user": entry.get("user"), "database": entry.get("database")}
    if failure == "PG_AUTH" and code == "28000":
        # What is advised with each refusal names pg_hba.conf too.
        hba = re.search(r"no pg_hba\.conf entry|pg_hba\.conf rejects", message)
        failure = "PG_HBA" if hba else "PG_LOGIN" if "permitted to log in" in message else failure
    if failure in ("PG_AUTH", "PG_HBA", "PG_LOGIN"):
        # What fits nobody was changed in the database, not in one service after the other.
        same = [one for one in every if one.get("address") == entry.get("address") and one.get("user") == entry.get("user")]
        everybody = len(same) > 1 and all(one.get("sqlstate") == code for one in same)
        if everybody:
            more["subject"] = "postgres"
        if failure == "PG_AUTH":
            whose = f"the password of {entry.get('user')}"
            more["title"] = f"the database does not accept {whose} that {', '.join(names)} uses"
            if everybody:
                more["title"] = f"the database accepts {whose} from none of its services"
    elif failure == "PG_STARTING" and "shutting down" in message:
        more.update(known.variant(failure, "stopping"))
    elif failure == "DISK_FULL":
        more.update(known.variant(failure, "of the database"), about="postgres")
    elif failure == "PG_NODB":
        more["title"] = f"the server at {entry.get('address')} has no database {entry.get('database')}"
    elif failure in ("PG_REFUSED", "DB_UNREACHABLE"):
        more["title"] = f"nothing listens at {entry.get('address')}: PostgreSQL is down, or DB_HOST or DB_PORT are wrong"
    elif failure in ("HIKARI_INIT", "TLS"):
        if failure == "TLS":
            action = known.action("TLS", words)
            more["next_action"] = {**action, "command": action["command"].replace("s_client", "s_client -starttls postgres", 1)}
        more.update(title=f"the database at {entry.get('address')} refuses {', '.join(names)}: {message}", about="environment")
    return [known.finding(failure, name, host, values, _source(host, entry), message, **more) for name in names]


# ---- PostgreSQL from inside


def _database(host: str, entry: Mapping[str, Any], known: Known, well: bool) -> list[Finding]:
    found = []
    source, base = _source(host, entry), {**place(entry, "db"), "user": entry.get("user"), "database": entry.get("database")}
    server: dict[str, Any] = {"subject": "postgres"}
    if (login := float(entry.get("latency_ms") or 0) / 1000) >= LOGIN_SECONDS:
        title = f"PostgreSQL at {entry.get('address')} takes {login:.0f} s for a login and a SELECT 1"
        action = processes("postgres", "PostgreSQL")
        more = {**server, "title": title, "severity": "degraded", "next_action": action}
        found.append(known.finding("DB_UNREACHABLE", "postgres", host, base, source, title, **more))
    if entry.get("read_only") or entry.get("standby"):
        found.append(known.finding("PG_READ_ONLY", "postgres", host, base, source, f"standby: {entry.get('standby')}", **server))
    blockers = _blockers(entry.get("locks") or ())
    for blocker, waiting in blockers:
        longest = _longest(waiting)
        if longest < (LOCK_SECONDS if well else FELT_LOCK):
            continue
        values = {**base, "application": blocker.get("application") or "a session", "pid": blocker.get("pid"), "waiting": len(waiting),
                  "seconds": round(longest)}  # fmt: skip
        text = f"PID {blocker.get('pid')} {blocker.get('state')}: {blocker.get('query')}; waiting: {waiting[0].get('query')}"
        found.append(known.finding("PG_LOCK", "postgres", host, values, source, text, **server))
    if not blockers and (waiting := [one for one in entry.get("locks") or () if float(one.get("waits_seconds") or 0) >= LOCK_SECONDS]):
        # Who holds it is not told to the role that asked: the administrator sees it.
        title = f"{len(waiting)} statements wait for a lock in {entry.get('database')}, the longest {round(_longest(waiting))} s"
        who = {**base, "application": "a session", "pid": None, "waiting": len(waiting), "seconds": round(_longest(waiting))}
        action = {
            "command": fill(_WAITING, {name: str(value) for name, value in base.items()}), "risk": "read-only",
            "verify": "blocked_by names who holds it: SELECT pg_terminate_backend(pid) of that one ends it, and no statement waits",
        }  # fmt: skip
        text = f"waiting: {waiting[0].get('query')}"
        found.append(known.finding("PG_LOCK", "postgres", host, who, source, text, title=title, next_action=action, **server))
    held = {blocker.get("pid") for blocker, _waiting in blockers}
    waiting_pids = {one.get("pid") for one in entry.get("locks") or ()}
    long = [one for one in entry.get("long_transactions") or () if one.get("pid") not in held | waiting_pids]
    slow = [one for one in long if one.get("state") == "active" and _seconds(one) >= (SLOW_SECONDS if well else FELT_SECONDS)]
    for failure, group in (
        ("PG_SLOW_QUERY", slow), ("PG_LONG_TRANSACTION", [one for one in long if one not in slow and _seconds(one) >= 60]),
    ):
        if group:
            one = max(group, key=_seconds)
            values = {**base, "application": one.get("application") or "a session", "pid": one.get("pid"),
                      "seconds": round(_seconds(one)), "state": one.get("state"), "others": len(group) - 1}  # fmt: skip
            quiet = {"severity": "note"} if str(one.get("application")).startswith("pg_dump") else {}  # a backup is in nobody's way
            more = {"count": len(group), **server, **quiet}
            found.append(known.finding(failure, "postgres", host, values, source, str(one.get("query") or ""), **more))
    most, used = entry.get("max_connections"), entry.get("server_connections")
    if most and used and used >= CROWDED * (most - int(entry.get("reserved") or 0)):
        applications = (entry.get("connections") or {}).get("by_application") or {}
        text = ", ".join(f"{name}: {count}" for name, count in sorted(applications.items(), key=lambda pair: -pair[1]))
        values = {**base, "used": used, "most": most}
        found.append(known.finding("PG_CONNECTIONS", "postgres", host, values, source, text, **server))
    return found


def _longest(waiting: Sequence[Mapping[str, Any]]) -> float:
    return max(float(one.get("waits_seconds") or 0) for one in waiting)


def _seconds(session: Mapping[str, Any]) -> float:
    return float(session.get("seconds") or 0)


def _blockers(locks: Sequence[Mapping[str, Any]]) -> list[tuple[Mapping[str, Any], list[Mapping[str, Any]]]]:
    """The sessions that block others without being blocked, each with those that wait for it, directly or not."""
    waits = {one.get("pid"): one for one in locks}
    found: dict[Any, tuple[Mapping[str, Any], list[Mapping[str, Any]]]] = {}
    for one in locks:
        todo, seen = list(one.get("blocked_by") or ()), set()
        while todo:
            blocker = todo.pop()
            pid = blocker.get("pid")
            if pid in seen:
                continue
            seen.add(pid)
            if pid in waits:
                todo.extend(waits[pid].get("blocked_by") or ())
            else:
                found.setdefault(pid, (blocker, []))[1].append(one)
    return list(found.values())


def _flyway(host: str, entry: Mapping[str, Any], service: str, health: Health, known: Known) -> list[Finding]:
    flyway = entry.get("flyway") or {}
    source = f"schema history of {entry.get('database')} at {entry.get('address')}, against the release of {service}"
    severity = "down" if health.services.get(service) == DOWN else "degraded"
    found: dict[str, Finding] = {}
    for one in flyway.get("errors") or ():
        failure = _FLYWAY.get(str(one.get("code")))
        message = str(one.get("message") or "")
        if failure is not None and failure not in found:
            values = {"version": one.get("version")}
            title = _first_sentence(message)
            found[failure] = known.finding(failure, service, host, values, source, message, title=title, severity=severity)
    for one in flyway.get("failed") or ():
        if "FLYWAY_FAILED" not in found:
            version = one.get("version")
            text = f"version {version} ({one.get('description')}) failed, {one.get('installed_on')}"
            title = f"migration {version} ({one.get('description')}) of {entry.get('database')} stands as failed"
            more = {"severity": severity, "title": title}
            found["FLYWAY_FAILED"] = known.finding("FLYWAY_FAILED", service, host, {"version": version}, source, text, **more)
    if flyway.get("newer_than_jar"):
        values = {"database": flyway.get("schema_version")}
        found["FLYWAY_NEWER_DB"] = known.finding("FLYWAY_NEWER_DB", service, host, values, source, str(flyway.get("message") or ""))
    pending = [str(one.get("version", one)) if isinstance(one, Mapping) else str(one) for one in flyway.get("pending") or ()]
    if pending and not found:
        found["FLYWAY_PENDING"] = known.finding("FLYWAY_PENDING", service, host, {"versions": ", ".join(pending[:8])}, source,
                                                str(flyway.get("message") or ""))  # fmt: skip
    return list(found.values())


def _first_sentence(text: str) -> str:
    return text.strip().partition("\n")[0][:200]


# ---- Redis


def _redis(
    host: str, entry: Mapping[str, Any], names: Sequence[str], every: Sequence[Mapping[str, Any]], known: Known, hangs: str
) -> list[Finding]:
    source, words = _source(host, entry), place(entry, "redis")
    cause, message = entry.get("cause"), str(entry.get("message") or "")
    values: dict[str, Any] = {**words, "message": message}
    if cause not in ("ok", None, ""):
        failure = next((name for words, name in _REDIS_SAYS if words in message), _REDIS.get(str(cause), "HEALTH_REDIS"))
        if entry.get("tls") and cause in ("timeout", "reset", "unexpected_body"):
            failure, hangs = "TLS", ""  # to a Redis without TLS the greeting is a command that does not end
        same = [one for one in every if one.get("address") == entry.get("address")]
        users = {name for one in same for name in one.get("services") or ()}
        nobody = len(users) > 1 and all(one.get("cause") == cause for one in same)
        # Its own words about itself; or what it says to everybody alike.
        about_it = failure in OF_ITSELF or (nobody and cause not in _NOT_REACHED)
        more: dict[str, Any] = {"subject": "redis"} if about_it else {}
        if failure == "REDIS_UNREACHABLE" and hangs:
            failure, host = "REDIS_SLOW", hangs
            more.update(title=f"Redis at {entry.get('address')} {_HANGS}", next_action=processes("redis-server", "Redis"))
        if failure == "REDIS_REFUSED":
            more = {"title": f"nothing listens at {entry.get('address')}: Redis is down, or REDIS_HOST or REDIS_PORT are wrong"}
        if failure == "REDIS_AUTH" and nobody:
            more["title"] = "Redis accepts the password from none of its services"
        if failure == "TLS":
            more = {"title": f"no TLS with Redis at {entry.get('address')}: {message}", "about": "environment"}
        return [known.finding(failure, name, host, values, source, message, **more) for name in names]
    if cause != "ok":
        return []
    found = []
    if (seconds := float(entry.get("latency_ms") or 0) / 1000) >= REDIS_SECONDS:
        title = f"Redis at {entry.get('address')} takes {seconds:.0f} s for a login and a PING"
        found += [known.finding("REDIS_SLOW", name, host, values, source, message, title=title) for name in names]
    server: dict[str, Any] = {"subject": "redis"}
    memory = entry.get("memory") or {}
    used, most = memory.get("used_mb") or 0, memory.get("max_mb") or 0
    if memory.get("full", most and used >= 0.98 * most) and memory.get("policy") == "noeviction":
        found.append(known.finding("REDIS_FULL", "redis", host, {**values, "used": used, "most": most}, source,
                                   f"{used} MB used, maxmemory {most} MB, policy {memory.get('policy')}", **server))  # fmt: skip
    if memory.get("full") and memory.get("policy") != "noeviction" and entry.get("evicted"):
        text = f"policy {memory.get('policy')}, evicted {entry['evicted']}"
        found.append(known.finding("REDIS_EVICTS", "redis", host, {**values, "evicted": entry["evicted"]}, source, text, **server))
    if entry.get("role") in ("slave", "replica"):
        found.append(known.finding("REDIS_READ_ONLY", "redis", host, values, source, f"role {entry['role']}", **server))
    if entry.get("loading"):
        found.append(known.finding("REDIS_LOADING", "redis", host, values, source, "loading: 1", **server))
    if entry.get("last_save_ok") is False:
        found.append(known.finding("REDIS_PERSISTENCE", "redis", host, values, source, "the last save failed", severity="note", **server))
    return found
