# Copyright (c) 2026 dwp.backend contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Results of dwp_collect as findings: processes, environments and calls. Hosts are in from_hosts, databases and Redis in from_stores."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any
from urllib.parse import urlsplit

from ansible_collections.dwp.backend.plugins.module_utils._diagnosis.from_hosts import clocks, lost_host, on_host
from ansible_collections.dwp.backend.plugins.module_utils._diagnosis.from_stores import findings_of_stores
from ansible_collections.dwp.backend.plugins.module_utils._diagnosis.health import Health
from ansible_collections.dwp.backend.plugins.module_utils._diagnosis.known import Known
from ansible_collections.dwp.backend.plugins.module_utils._diagnosis.model import DOWN, UP, Finding, Platform

CLEAN_ENDS = ("", "SIGTERM", "TERM")
_LOOPBACK = re.compile(r"^(?:localhost|127(?:\.\d+){3}|\[?::1\]?|0\.0\.0\.0)$")
#: Calls that never got an answer.
_SILENT = ("refused", "timeout", "reset", "unexpected_body")


def findings_of_facts(
    collected: Mapping[str, Mapping[str, Any]],
    platform: Platform,
    health: Health,
    known: Known,
    lost: Mapping[str, str] | None = None,
    services: Mapping[str, Mapping[str, Any]] | None = None,
) -> list[Finding]:
    """`collected`: facts by host; `lost`: unreachable hosts and why; `services`: the catalogue's entries."""
    found: list[Finding] = []
    for host, why in (lost or {}).items():
        found.extend(lost_host(host, why, platform, health, known))
    # Where nothing was deployed at all, nobody expects a service.
    anything = any(service.get("current") for facts in collected.values() for service in (facts.get("services") or {}).values())
    for host, facts in collected.items():
        found.extend(on_host(host, facts, health, known))
        for name in facts.get("services") or {}:
            if name in health.instances and anything:
                found.extend(_service(name, host, facts, health, known, (services or {}).get(name, {})))
                found.extend(_environment(name, host, facts["services"][name], health, known))
        found.extend(_calls(host, facts, platform, health, known))
    found.extend(clocks(collected, known))
    found.extend(_shared_secrets(collected, known))
    found.extend(findings_of_stores(collected, platform, health, known))
    return found


# ---- services


def _service(
    name: str, host: str, facts: Mapping[str, Any], health: Health, known: Known, entry: Mapping[str, Any]
) -> list[Finding]:
    service = facts["services"][name]
    row = next((one for one in health.instances[name] if one["host"] == host), None)
    if row is None:
        return []
    process = service.get("process") or {}
    pid = service.get("pid") or process.get("pid") or None
    source = f"{name} on {host}"
    if not service.get("current"):
        text, more = "no release is active", {}
        if service.get("releases") or service.get("activated_at"):
            left = ", ".join(service.get("releases") or ()) or "none"
            text = f"the link to its current release leads nowhere; releases that are there: {left}"
            more = {"title": f"the release of {name} that was active on {host} is gone: {text}", "severity": "down"}
        return [known.finding("NOT_DEPLOYED", name, host, {}, source, text, **more)] if service.get("placed", True) else []
    found = []
    alive = row["health"] == UP
    kills = [one for one in (facts.get("host") or {}).get("oom_kills") or () if one.get("service") == name]  # oldest first
    if not alive:
        found.extend(_why_not(name, host, facts, row, known, entry, bool(kills)))
    if (row["health"] == DOWN and kills) or len(kills) > 1:  # one that it recovered from is over
        told: dict[str, Any] = {"severity": "degraded", "directness": "reported", "count": len(kills)} if alive else {}
        text = f"killed PID {kills[-1].get('pid')} ({kills[-1].get('name')})" + (f", {len(kills)} times" if len(kills) > 1 else "")
        when: dict[str, Any] = {"since": kills[0 if alive else -1].get("time"), "last": kills[-1].get("time")}
        more = {**told, **when, "about": "service", "subject": name}
        found.append(known.finding("OOM_KILLED", name, host, {}, f"kernel log of {host}", text, **more))
    orphans = service.get("orphans") or []
    if orphans:
        numbers = [one.get("pid", one) if isinstance(one, Mapping) else one for one in orphans]
        text = f"PID {', '.join(map(str, numbers))} carries the marker of {name}'s launcher and is not the manager's"
        found.append(known.finding("ORPHAN", name, host, {"pid": numbers[0]}, source, text))
    if process.get("state") in ("T", "t"):
        where = f"/proc/{pid}/status on {host}"
        found.append(known.finding("PROCESS_SUSPENDED", name, host, {"pid": pid}, where, "State: T (stopped)"))
    fds, limit = process.get("fds"), process.get("fd_limit")
    if fds and limit and fds >= 0.95 * limit:
        title = f"{name} has {fds} of {limit} file descriptors open"
        found.append(known.finding("NOFILE", name, host, {}, f"/proc/{pid}/fd on {host}", title, title=title))
    release = service.get("process_release")
    if release and pid and release != service["current"]:
        values = {"process_release": release, "release": service["current"]}
        found.append(known.finding("RELEASE_MISMATCH", name, host, values, source, f"process {pid} runs {release}"))
    return found


def _why_not(
    name: str, host: str, facts: Mapping[str, Any], row: Mapping[str, Any], known: Known, entry: Mapping[str, Any], killed: bool
) -> list[Finding]:
    """What the host itself tells about a service that is not well. ``killed``: by the kernel, for want of memory."""
    service = facts["services"][name]
    about = facts.get("host") or {}
    state, pid, listener = service.get("state"), service.get("pid"), service.get("listener") or {}
    source, since = f"{name} on {host}", service.get("since") or None
    found = []
    # A holder without a process, though all of them can be seen, has just ended: one of a crash loop.
    gone = not listener.get("pid") and about.get("user") in ("root", listener.get("user"))
    if listener and not gone and not listener.get("ours") and (not pid or listener.get("pid") not in (None, pid)):
        holder = listener.get("service") or listener.get("command") or "another process"
        title = f"port {listener.get('port')} of {name} is held by {holder} (PID {listener.get('pid')}, user {listener.get('user')})"
        found.append(known.finding("PORT_IN_USE", name, host, {"port": listener.get("port")}, f"listeners of {host}", title, title=title))
    # supervisor does not tell the signal, only that there was one.
    ended = str(service.get("exit_signal") or ("a signal" if state == "failed" and service.get("exit_status") == -1 else ""))
    if state == "stopped" and not killed and ended in CLEAN_ENDS and service.get("outcome") not in ("failed", "pending"):
        text = f"its manager says stopped, exit status {service.get('exit_status')}"
        found.append(known.finding("PROCESS_STOPPED", name, host, {}, source, text))
    elif not pid and ended not in CLEAN_ENDS and not killed:
        text = f"its manager says {state}, ended by {ended}"
        found.append(known.finding("PROCESS_KILLED", name, host, {"signal": ended}, source, text, since=since))
    if pid and row["cause"] == "timeout":
        found.append(known.finding("NOT_ANSWERING", name, host, {"pid": pid}, source, row["message"]))
    if pid and row["cause"] == "refused":
        found.extend(_elsewhere(name, host, service, known))
    wanted, has = entry.get("java_version"), (about.get("java") or {}).get("version")
    major = re.match(r"(?:1\.)?(\d+)", str(has)) if has else None
    if not pid and wanted and major and int(major[1]) < int(wanted) and str(entry.get("java", "java")) == "java":
        title = f"the Java of {host} is {has}, {name} needs {wanted}"
        found.append(known.finding("CLASS_VERSION", name, host, {}, f"java of {host}", title, title=title, about="service"))
    return found


_EVERYWHERE = ("[::]", "0.0.0.0", "*")


def _elsewhere(name: str, host: str, service: Mapping[str, Any], known: Known) -> list[Finding]:
    """Its process listens, but on another address, or on the port that its environment names instead of the inventory's."""
    listens, port = service.get("listens") or [], str(service.get("port"))
    given = str(((service.get("environment") or {}).get("plain") or {}).get("SERVER_PORT") or "")
    for variable, number in (("SERVER_ADDRESS", port), ("SERVER_PORT", given)):
        at = [address for address in listens if address.rpartition(":")[2] == number]
        if number == port and any(address.rpartition(":")[0] in _EVERYWHERE for address in at):
            return []  # it answers wherever it is asked, since a moment ago
        if at:  # any other port of a process that starts may be its debugger's
            values = {"listens": ", ".join(at), "port": port, "variable": variable, "pid": service.get("pid")}
            text = f"PID {service.get('pid')}: {', '.join(at)}"
            return [known.finding("LISTENS_ELSEWHERE", name, host, values, f"listeners of {host}", text)]
    return []


# ---- environments

#: Spring Cloud Gateway's list of routes, under its old and its new name.
_ROUTES = re.compile(r"SPRING_CLOUD_GATEWAY_(?:SERVER_WEBFLUX_)?ROUTES_\d+_")
_RULES = {("JWT_SECRET", "min_bytes"): "JWT_WEAK", ("JWT_SECRET", "not_empty"): "JWT_WEAK"}


def _environment(name: str, host: str, service: Mapping[str, Any], health: Health, known: Known) -> list[Finding]:
    environment = service.get("environment") or {}
    found = []
    source = f"environment of {name} on {host}"
    up = health.services.get(name) == UP
    for one in environment.get("violations") or ():
        if one.get("severity") != "error" or one.get("rule") == "equal_across":
            continue  # equality is judged over all hosts, below
        variable = str(one.get("variable") or "")
        failure = _RULES.get((variable, str(one.get("rule"))), "ENVIRONMENT_RULE")
        if one.get("rule") == "required":
            failure = "PLACEHOLDER"
        elif one.get("rule") == "not_localhost" and variable.startswith("SERVICE_"):
            failure = "GW_LOCALHOST"
        message = str(one.get("message") or "")
        values = {"message": message, "name": variable, "variable": variable}
        found.append(known.finding(failure, name, host, values, source, message, title=message, about="environment",
                                   severity="degraded" if up else "down"))  # fmt: skip
    routes = sorted(str(one["variable"]) for one in environment.get("inventory") or () if _ROUTES.match(str(one["variable"])))
    if routes:
        title = f"{routes[0]} of {name} puts its routes in place of all others: a list in the environment replaces the whole list"
        found.append(known.finding("GW_404", name, host, {}, source, ", ".join(routes), title=title, about="environment"))
    profile = next((one for one in environment.get("inventory") or () if one["variable"] == "SPRING_PROFILES_ACTIVE"), None)
    if profile and up:  # what runs under another profile reads other files, and its seed runners may be on
        text = difference_text(profile)
        title = f"{name} runs under another profile than the inventory says: {text}"
        found.append(known.finding("PROFILE_DEFAULT", name, host, {}, source, text, title=title, about="environment", severity="degraded"))
    differences = [one for one in environment.get("differences") or () if "process" in one.get("between", ())]
    names = sorted({str(one["variable"]) for one in differences} | set(service.get("drift") or ()))
    if names and service.get("pid"):
        than = "file" if any("file" in one.get("between", ()) for one in differences) else "release"
        text = "; ".join(difference_text(one) for one in differences) or ", ".join(names)
        values = {"than": than, "variables": ", ".join(names[:6])}
        found.append(known.finding("RESTART_NEEDED", name, host, values, source, text))
    elif up and service.get("tampered"):
        # It answers, and does something else than what was deployed: users may feel what no log tells.
        variables = [str(one["variable"]) for one in environment.get("inventory") or ()]
        what = ", ".join(map(str, service["tampered"])) + (f" ({', '.join(variables[:4])})" if variables else "")
        text = "; ".join(difference_text(one) for one in environment.get("inventory") or ()) or what
        found.append(known.finding("CHANGED_BY_HAND", name, host, {"what": what}, source, text))
    return found


def difference_text(one: Mapping[str, Any]) -> str:
    """One variable in two places, values only where they are no secret."""
    values = one.get("values") or {}
    sides = one.get("between") or ()
    if one.get("secret") or not values:
        return f"{one['variable']} differs between {' and '.join(sides)}"
    told = [f"{values[side]!r} in the {side}" if values.get(side) is not None else f"not in the {side}" for side in sides]
    return f"{one['variable']} is {', '.join(told)}"


def shared_secrets(collected: Mapping[str, Mapping[str, Any]], variable: str = "JWT_SECRET") -> dict[tuple[str, str], str]:
    """Fingerprints of one secret by (service, host), as far as they were made with the same key."""
    keys: dict[str, dict[tuple[str, str], str]] = {}
    for host, facts in collected.items():
        for name, service in (facts.get("services") or {}).items():
            digest = ((service.get("environment") or {}).get("fingerprints") or {}).get(variable)
            if digest:
                keys.setdefault(str(facts.get("fingerprint_key")), {})[(name, host)] = str(digest)
    return max(keys.values(), key=len, default={})


def _shared_secrets(collected: Mapping[str, Mapping[str, Any]], known: Known) -> list[Finding]:
    """Who signs and who checks need one secret. The odd one is named: not restarted since its file was changed, edited by hand,
    in the minority, or started last.
    """
    digests = shared_secrets(collected)
    counts = {digest: list(digests.values()).count(digest) for digest in digests.values()}
    if len(counts) < 2:
        return []

    def waits(place: tuple[str, str]) -> bool:
        environment = collected[place[1]]["services"][place[0]].get("environment") or {}
        return any(
            one["variable"] == "JWT_SECRET" and "process" in one.get("between", ()) for one in environment.get("differences") or ()
        )

    def oddness(place: tuple[str, str]) -> tuple[Any, ...]:
        service = collected[place[1]]["services"][place[0]]
        edited = bool((service.get("environment") or {}).get("edited")) or "environment" in (service.get("tampered") or ())
        drift = "JWT_SECRET" in (service.get("drift") or ()) or any(
            one["variable"] == "JWT_SECRET" for one in (service.get("environment") or {}).get("inventory") or ()
        )
        since, wave = float(service.get("since") or 0), int(service.get("wave") or 0)
        return (waits(place), edited or drift, -counts[digests[place]], since, wave, place)

    odd = max(digests, key=oddness)
    others = sorted({name for (name, host), digest in digests.items() if digest != digests[odd]})
    text = ", ".join(f"{name} on {host}: {digest}" for (name, host), digest in sorted(digests.items()))
    title = f"JWT_SECRET of {odd[0]} differs from that of {', '.join(others)}: each rejects the tokens of the other"
    if waits(odd):
        title += f"; the process of {odd[0]} has not what its file says: it was not restarted since that changed"
    return [known.finding("JWT_SIG", odd[0], odd[1], {}, "fingerprints of JWT_SECRET in the running processes", text, title=title)]


# ---- calls


def _calls(host: str, facts: Mapping[str, Any], platform: Platform, health: Health, known: Known) -> list[Finding]:
    found: dict[tuple[str, str, str], Finding] = {}
    for edge in facts.get("edges") or ():
        source, target = str(edge.get("from") or ""), str(edge.get("to") or "")
        if edge.get("external") or source not in health.instances or not target:
            continue
        one = _call(edge, source, target, host, platform, health, known)
        if one is not None:
            found.setdefault((one.failure, source, target), one)
    return list(found.values())


def _call(
    edge: Mapping[str, Any], source: str, target: str, host: str, platform: Platform, health: Health, known: Known
) -> Finding | None:
    url, cause, variable = str(edge.get("url") or ""), str(edge.get("cause") or ""), str(edge.get("variable") or "")
    elsewhere = edge.get("points_to")
    try:
        parts = urlsplit(url)
        to_host, to_port = parts.hostname or "", parts.port or {"https": 443}.get(parts.scheme, 80)
    except ValueError:
        to_host, to_port = "", 0
    values = {
        "variable": variable, "url": url, "target": target, "address": f"{to_host}:{to_port}", "target_host": to_host,
        "target_port": to_port, "name": to_host, "instead": f", {elsewhere} does" if elsewhere and elsewhere != target else "",
    }  # fmt: skip
    evidence = (f"{variable} of {source}, asked from {host}", f"{url}: {edge.get('message') or cause}")
    here: dict[str, Any] = {"about": "environment", "subject": source, "target": target}
    if cause == "dns":
        title = f"{variable} of {source} names a host that {host} cannot resolve: {to_host}"
        return known.finding("GW_DNS", source, host, values, *evidence, title=title, **here)
    if elsewhere and elsewhere != target:
        return known.finding("WRONG_URL", source, host, values, *evidence, **here)
    if cause == "tls":
        title = f"{source} and {target} do not agree on TLS at {url}: {edge.get('message')}"
        return known.finding("TLS", source, host, values, *evidence, title=title, **here)
    if not elsewhere and _somebody_else(edge):
        return known.finding("WRONG_URL", source, host, values, *evidence, **here)
    if cause not in _SILENT:
        return None
    if elsewhere == target and platform.frontends.get(int(to_port)) == target:
        title = f"nothing answers {source} at {url}, the address that the balancer has for {target}"
        return known.finding("CALL_BLOCKED", source, host, values, *evidence, **{**here, "subject": "balancer", "title": title})
    away = host not in platform.hosts.get(target, ()) and bool(platform.hosts.get(target))
    if _LOOPBACK.match(to_host) and away:
        title = f"{variable} of {source} is {url}, but {target} runs on {', '.join(platform.hosts[target])}"
        return known.finding("GW_LOCALHOST", source, host, values, *evidence, title=title, **here)
    if elsewhere != target and platform.ports.get(int(to_port)) != target and target in platform.ports.values():
        return known.finding("WRONG_URL", source, host, values, *evidence, **here)
    if target not in health.services and target in platform.hosts:
        title = f"{target} does not answer {source} at {url}; it was not asked itself, as it is not part of this run"
        failure = "GW_REFUSED" if cause == "refused" else "GW_CONNECT_TIMEOUT"
        return known.finding(failure, source, host, values, *evidence, about="downstream", target=target, title=title)
    if health.services.get(target) != UP:
        return None  # the target itself tells why
    if elsewhere == "" and not edge.get("local"):
        return known.finding("WRONG_URL", source, host, values, *evidence, **here)
    if cause in ("timeout", "reset", "refused") and not edge.get("local"):
        return known.finding("CALL_BLOCKED", source, host, values, *evidence, **{**here, "about": "host"})
    return None


def _somebody_else(edge: Mapping[str, Any]) -> bool:
    """The target answers well where the inventory has it, and otherwise where the caller asks."""
    reference = edge.get("reference") or {}
    if reference.get("cause") != "ok" or edge.get("cause") in (None, "unset", *_SILENT):
        return False
    kinds = (edge.get("content_type"), reference.get("content_type"))
    return edge["cause"] != "ok" or (all(kinds) and kinds[0] != kinds[1])
