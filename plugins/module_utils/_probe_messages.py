# Copyright (c) 2026 dwp.backend contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What a person is told about the health of a service: what is wrong, where, why, and what to do next."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from ansible_collections.dwp.backend.plugins.module_utils._probe_model import Outcome, Probe, Rung, Skip, Verdict

WEB = ("actuator", "http")

GET_REAL_HEALTH = {
    "absent": "For its real health add spring-boot-starter-actuator to the service and expose health.",
    "closed": "For its real health permit /actuator/health in the service's filter chain, or give the rung a token.",
}


def advice(rung: Rung, verdict: Verdict) -> str:
    """What to do next, by cause."""
    if rung.kind == "postgres" and verdict.cause in _POSTGRES:
        return _POSTGRES[verdict.cause]
    if rung.kind == "redis" and verdict.cause in _REDIS:
        return _REDIS[verdict.cause]
    if verdict.cause == "down" and rung.kind == "actuator":
        return _advice_down(verdict)
    if verdict.cause == "timeout":
        return _advice_timeout(rung, verdict)
    if verdict.cause == "unexpected_body" and rung.kind == "actuator" and verdict.status is not None:
        return "Read that component: a custom status, or an own http-mapping that dropped Spring's defaults."
    text = _ADVICE.get(verdict.cause, "")
    return text.replace("PORT", str(rung.port)).replace("HOST", rung.host)


def _advice_down(verdict: Verdict) -> str:
    names = [name for name, status in verdict.components.items() if status != "UP"]
    if not names:
        return (
            "The body names no component: look for 'health check failed' in the log of the same second, "
            "or set MANAGEMENT_ENDPOINT_HEALTH_SHOWDETAILS=always."
        )
    hints = []
    if any(name.split(".")[0] == "db" for name in names):
        hints.append("probe PostgreSQL with the service's own DB_* (rung kind postgres)")
    if any("redis" in name.lower() for name in names):
        hints.append("probe Redis with the service's own REDIS_* (rung kind redis)")
    if "diskSpace" in names:
        hints.append("free space on its disk")
    text = " and ".join(hints) or f"read why {', '.join(sorted(names)[:5])} is not UP in the log"
    return f"Next: {text}."


def _advice_timeout(rung: Rung, verdict: Verdict) -> str:
    if verdict.phase == "connect":
        return "No answer to the connection: a firewall, a dead host or a full backlog; try TCP from another host."
    if verdict.phase == "dns":
        return f"The name server did not answer for {rung.host}: check resolv.conf, or use an address."
    if rung.kind == "actuator":
        return (
            "It accepted and said nothing: a dead database holds each health call for Hikari's connection-timeout "
            "(30 s); if /actuator/health/liveness answers, suspect db, else take a thread dump."
        )
    return "It accepted and did not finish its answer: busy threads, a wait for the database, or a stopped process."


_ADVICE = {
    "down": "Read the log of the same second.",
    "out_of_service": "It refuses traffic on purpose (starting, or draining): wait, then ask who set it.",
    "unauthorized": "A filter chain guards it, or hides an error behind /error: give the rung a token, or add a rung "
    "that is open (http on a business path, tcp).",
    "not_found": "No actuator, health not exposed, or another base path: GET /actuator lists what is exposed; add an "
    "http rung on a business path.",
    "client_error": "The question does not suit the endpoint: check path, method and headers of the rung.",
    "server_error": "The endpoint itself broke: read the log record of the same second.",
    "unexpected_status": "Check path and expected status of the rung; redirects are not followed.",
    "unexpected_body": "Another program or a proxy may answer there: ss -ltnp 'sport = :PORT' on HOST.",
    "refused": "Nothing listens on HOST:PORT: process down, not yet listening, or a wrong port. See the service "
    "manager and the last start-up records.",
    "dns": "The name HOST does not resolve here: a wrong variable, or a name known only inside a container network.",
    "tls": "Compare scheme, certificate and name: openssl s_client -connect HOST:PORT.",
    "reset": "The connection was cut during the call: compare with the restart times of the service.",
}

_POSTGRES = {
    "unauthorized": "Compare user and password with the server's, and pg_hba.conf for this address.",
    "not_found": "Create the database: Flyway creates schemas, never databases. Or correct the name.",
    "out_of_service": "PostgreSQL is starting up or shutting down: wait, and read its log if it stays so.",
    "unexpected_body": "The listener is not PostgreSQL: check host and port.",
    "down": "",
}
_REDIS = {
    "unauthorized": "Compare the password (and user) with requirepass or the ACL of the server.",
    "out_of_service": "Redis loads its data set: wait.",
    "unexpected_body": "The listener is not Redis: check host and port.",
    "down": "Read the log of Redis.",
}

_WHAT_HAPPENED = {
    "refused": "connection refused",
    "dns": "name not resolved",
    "tls": "TLS handshake failed",
    "reset": "connection cut",
}


def happened(verdict: Verdict) -> str:
    """The last answer in a few words."""
    if verdict.cause == "timeout":
        what = {"connect": "no connection", "dns": "no answer from the name server"}.get(verdict.phase, "no answer")
        return f"{what} within the probe's limit" + (f" ({verdict.detail})" if verdict.detail else "")
    if verdict.http_status is None and verdict.cause in _WHAT_HAPPENED:
        return _WHAT_HAPPENED[verdict.cause] + (f" ({verdict.detail})" if verdict.detail else "")
    return verdict.detail or verdict.cause


def explain_skips(probe: Probe, skips: Mapping[int, Skip]) -> str:
    """'/actuator/health answered 404, so ...': why an upper rung did not decide."""
    said = []
    for index in sorted(skips):
        rung, skip = probe.ladder[index], skips[index]
        place = rung.path if rung.kind in WEB else rung.label
        masked = " (no handler)" if skip.why == "absent" and (skip.http_status or 0) >= 500 else ""
        said.append(f"{place} answered {skip.http_status or skip.cause}{masked}")
    return ", ".join(said)


def describe(
    probe: Probe, outcome: Outcome, rung: Rung, verdict: Verdict | None, skips: Mapping[int, Skip], dead: str = ""
) -> str:
    """The message of one service."""
    seconds = f"{outcome.waited_s:.1f} s"
    count = f"{outcome.attempts} probe{'' if outcome.attempts == 1 else 's'}"
    if dead:
        last = f", the last one {happened(verdict)}" if verdict is not None else ""
        return (
            f"{probe.name}: {dead} ({seconds}, {count} of {rung.label}{last}) [process_dead]. "
            "Waiting longer cannot help: read the last start-up records of its log."
        )
    if verdict is None:
        return f"{probe.name}: not asked yet after {seconds}."
    if outcome.healthy:
        return _describe_healthy(probe, outcome, rung, verdict, skips)
    if verdict.cause == "ok":
        return (
            f"{probe.name} is not proven healthy after {seconds}: {count} of {rung.label}, good in a row at the end: "
            f"{outcome.successes}. It was about to pass: allow more time, or ask for fewer successes."
        )
    why_here = f" {explain_skips(probe, skips)}, so rung {outcome_rung(outcome)} was asked." if skips else ""
    return (
        f"{probe.name} is not healthy after {seconds}: {count} of {rung.label}{', the last one ' if outcome.attempts > 1 else ': '}"
        f"{happened(verdict)} [{verdict.cause}].{why_here} {advice(rung, verdict)}"
    ).rstrip()


def _describe_healthy(probe: Probe, outcome: Outcome, rung: Rung, verdict: Verdict, skips: Mapping[int, Skip]) -> str:
    said = f" answered {verdict.detail}" if verdict.detail else ""
    text = f"{probe.name} is healthy after {outcome.waited_s:.1f} s: {rung.label}{said}."
    if not skips:
        return text
    text += f" This is shallow: {explain_skips(probe, skips)}, so rung {outcome_rung(outcome)} decided"
    text += ", and an open port proves little." if rung.kind == "tcp" else "."
    whys = {skip.why for index, skip in skips.items() if probe.ladder[index].kind == "actuator"}
    return " ".join([text, *(GET_REAL_HEALTH[why] for why in ("absent", "closed") if why in whys)])


def outcome_rung(outcome: Outcome) -> int:
    """The number of the deciding rung as people count."""
    return int(outcome.rung["index"]) + 1 if outcome.rung else 1


def summary(outcomes: Iterable[Outcome]) -> str:
    """All services in one text: a line for each that is not healthy, or shallow."""
    every = list(outcomes)
    bad = [outcome for outcome in every if not outcome.healthy]
    shallow = [outcome for outcome in every if outcome.healthy and outcome.shallow]
    if not bad:
        lines = [f"{len(every)} of {len(every)} healthy."]
    else:
        lines = [f"{len(bad)} of {len(every)} not healthy: {', '.join(outcome.name for outcome in bad)}."]
    return "\n".join([*lines, *(f"  {outcome.message}" for outcome in [*bad, *shallow])])


def progress(service: Mapping[str, Any], elapsed: float, timeout: float) -> str:
    """One line while waiting, from the result of one service."""
    seen = service["cause"] if service["attempts"] else "not asked yet"
    parts = [f"HTTP {service['http_status']}"] if service["http_status"] is not None else []
    parts += [f"{name}={status}" for name, status in sorted(service["components"].items()) if status != "UP"][:5]
    if service["successes"]:
        parts.append(f"good answers in a row: {service['successes']}")
    said = f" ({', '.join(parts)})" if parts else ""
    return f"{service['name']}: waiting {elapsed:.0f} of {timeout:.0f} s, {seen}{said}, {service['rung']['url']}"
