# Copyright (c) 2026 dwp.backend contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What an answer means, and which rung of a ladder decides. Plain values in, plain values out."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from typing import Any

from ansible_collections.dwp.backend.plugins.module_utils._probe_model import (
    Answer,
    Probe,
    Rung,
    Skip,
    Verdict,
    scrub,
)

# The backend's catch-all exception handler answers an unknown path with 500 and this code (spring-boot#38733).
MASKED_CODE = "E1000"
NO_HANDLER = re.compile(
    r"No static resource|NoResourceFound|NoHandlerFound|No endpoint|Request method '\w+' (is )?not supported"
)
# Spring's order is DOWN, OUT_OF_SERVICE, UP, UNKNOWN: an UNKNOWN component lowers nothing. It is told, not blamed.
BELOW_UP = {"DOWN": "down", "OUT_OF_SERVICE": "out_of_service"}

SQLSTATE_CAUSES = {
    "3D000": "not_found",  # no such database
    "3F000": "not_found",  # no such schema
    "57P03": "out_of_service",  # starting up, shutting down, in recovery
    "57P01": "reset",
    "57P02": "reset",
    "53300": "down",  # too many connections
    "57014": "timeout",  # statement_timeout
    "42501": "unauthorized",
}
REDIS_CAUSES = {
    "NOAUTH": "unauthorized",
    "WRONGPASS": "unauthorized",
    "NOPERM": "unauthorized",
    "AUTH": "unauthorized",
    "LOADING": "out_of_service",
    "MAXCLIENTS": "down",
    "BUSY": "down",
    "MASTERDOWN": "down",
    "MISCONF": "down",
}


def judge(rung: Rung, answer: Answer) -> Verdict:
    """Give the cause of one answer. A verdict with `why` does not decide: the rung is closed or absent."""
    if answer.failure:
        verdict = _verdict(answer, answer.failure, answer.detail)
    elif rung.kind == "actuator":
        verdict = _judge_actuator(rung, answer)
    elif rung.kind == "http":
        verdict = _judge_http(rung, answer)
    elif rung.kind == "postgres":
        verdict = _judge_postgres(rung, answer)
    elif rung.kind == "redis":
        cause = REDIS_CAUSES.get(answer.code, "server_error") if answer.code else "ok"
        verdict = _verdict(answer, cause, answer.detail)
    else:
        verdict = _verdict(answer, "ok")
    clean = {**vars(verdict), "detail": scrub(verdict.detail, rung.secrets())}
    return Verdict(**clean)


def first_rung(probe: Probe, skips: Mapping[int, Skip]) -> int:
    """The rung to ask now: the first that is not known to be absent or closed; the last one is always left."""
    for index in range(len(probe.ladder) - 1):
        if index not in skips:
            return index
    return len(probe.ladder) - 1


def usable_skips(probe: Probe, skips: Mapping[int, Skip] | None = None) -> dict[int, Skip]:
    """Skips of an earlier run that still fit the ladder: same place, same address."""
    wanted = {skip.rung: skip for skip in probe.skip_rungs}
    wanted.update(skips or {})
    last = len(probe.ladder) - 1
    return {
        index: skip for index, skip in wanted.items() if 0 <= index < last and skip.url in ("", probe.ladder[index].url)
    }


def skip_of(rung_index: int, rung: Rung, verdict: Verdict) -> Skip:
    return Skip(rung_index, rung.url, verdict.cause, verdict.why, verdict.http_status)


def _verdict(answer: Answer, cause: str, detail: str = "", **more: Any) -> Verdict:
    return Verdict(
        cause, detail, http_status=answer.http_status, latency_ms=answer.latency_ms, code=answer.code,
        phase=answer.phase, content_type=answer.headers.get("content-type", "").partition(";")[0].strip().lower(), **more,
    )  # fmt: skip


def _json(body: bytes) -> Any:
    try:
        return json.loads(body.decode("utf-8", "replace"))
    except (ValueError, RecursionError):
        return None


def _status_word(value: Any) -> str | None:
    """The status of a health body: a word, or (a custom Status with description) a mapping with a code."""
    if isinstance(value, Mapping):
        value = value.get("code", value.get("status"))
    return value if isinstance(value, str) and value else None


def components_of(body: Any, prefix: str = "") -> dict[str, str]:
    """Names and status words of all components, composites flattened with dots; v2 bodies keep them under details."""
    found: dict[str, str] = {}
    members = body.get("components")
    if not isinstance(members, Mapping):
        members = body.get("details")
    if not isinstance(members, Mapping):
        return found
    for name, member in members.items():
        word = _status_word(member.get("status")) if isinstance(member, Mapping) else None
        if word:
            found[f"{prefix}{name}"] = word
            if len(prefix) < 200:
                found.update(components_of(member, f"{prefix}{name}."))
    return found


def describe_body(answer: Answer) -> str:
    """One short phrase on what the body is, for a message: never the body itself."""
    text = answer.body[:4096].decode("utf-8", "replace")
    title = re.search(r"<title[^>]*>([^<]{1,80})", text, re.IGNORECASE)
    kind = answer.headers.get("content-type", "").split(";")[0].strip()[:60]
    if title:
        return f'a page titled "{" ".join(title.group(1).split())}"'
    if not answer.body:
        return "an empty body"
    size = "more than 1 MB" if answer.cut == "long" else f"{len(answer.body)} bytes"
    return f"{size} of {kind or 'unnamed type'}"


def error_code(body: Any) -> str:
    """The backend's errorCode, at the top of its envelope or one level down."""
    if not isinstance(body, Mapping):
        return ""
    for holder in (body, body.get("error"), body.get("data")):
        if isinstance(holder, Mapping):
            code = holder.get("errorCode") or holder.get("code")
            if isinstance(code, str):
                return code[:20]
    return ""


def _refusal(rung: Rung, answer: Answer, body: Any) -> Verdict | None:
    """The answers that say: this rung cannot tell. None when the status is another one."""
    status = answer.http_status
    code = error_code(body)
    detail = f"HTTP {status}" + (f" {code}" if code else "")
    if status in (401, 403):
        return _verdict(answer, "unauthorized", detail, why="closed")
    if status in (404, 410):
        return _verdict(answer, "not_found", detail, why="absent")
    if status == 405:
        return _verdict(answer, "client_error", f"{detail} (method {rung.method} not allowed)", why="absent")
    if status is not None and status >= 500:
        no_handler = bool(NO_HANDLER.search(answer.body[:8192].decode("utf-8", "replace")))
        # The same code stands for every unexpected exception. On /actuator/health it can only mean that there is no
        # actuator; on a business path it may as well be a lost database, which a lower rung must not cover up.
        if no_handler or (code == MASKED_CODE and rung.kind == "actuator"):
            return _verdict(answer, "not_found", f"{detail} (no handler for this path)", why="absent")
    return None


def _by_status(answer: Answer, body: Any) -> Verdict:
    """Statuses that nobody asked for."""
    status = answer.http_status or 0
    code = error_code(body)
    detail = f"HTTP {status}" + (f" {code}" if code else "")
    if 400 <= status < 500:
        return _verdict(answer, "client_error", detail)
    if status >= 500:
        return _verdict(answer, "server_error", detail)
    if answer.headers.get("location"):
        detail += f", redirect to {answer.headers['location'][:120]}"
    return _verdict(answer, "unexpected_status", detail)


def _judge_actuator(rung: Rung, answer: Answer) -> Verdict:
    body = _json(answer.body)
    refusal = _refusal(rung, answer, body)
    if refusal is not None:
        return refusal
    if answer.http_status not in (200, 503):
        return _by_status(answer, body)
    if answer.cut == "short":
        return _verdict(answer, "reset", f"HTTP {answer.http_status}, body cut short")
    word = _status_word(body.get("status")) if isinstance(body, Mapping) else None
    if word is None or not isinstance(body, Mapping):
        detail = f"HTTP {answer.http_status} with {describe_body(answer)} instead of actuator JSON"
        return _verdict(answer, "unexpected_body", detail)
    parts = components_of(body)
    odd = ", ".join(f"{name}={status}" for name, status in sorted(parts.items()) if status != "UP")
    detail = f"HTTP {answer.http_status} with status {word[:40]}" + (f" ({odd[:300]})" if odd else "")
    cause = _health_cause(answer.http_status, word, parts)
    return _verdict(answer, cause, detail, status=word[:40], components=parts)


def _health_cause(http_status: int | None, word: str, parts: Mapping[str, str]) -> str:
    if word in BELOW_UP:
        return BELOW_UP[word]
    if http_status == 503:
        # A custom word that the service maps to 503 says "not healthy" in its own way; UP with 503 contradicts itself.
        return "unexpected_status" if word == "UP" else "down"
    if word != "UP":
        return "unexpected_body"
    for below in ("DOWN", "OUT_OF_SERVICE"):  # a custom order or aggregator hides it from the total
        if below in parts.values():
            return BELOW_UP[below]
    return "unexpected_body" if set(parts.values()) - {"UP", "UNKNOWN"} else "ok"


def _judge_http(rung: Rung, answer: Answer) -> Verdict:
    body = _json(answer.body) if (answer.http_status or 0) >= 400 else None
    if answer.http_status in rung.status:
        if answer.cut == "short":
            return _verdict(answer, "reset", f"HTTP {answer.http_status}, body cut short")
        if rung.body_contains and rung.body_contains not in answer.body.decode("utf-8", "replace"):
            detail = f"HTTP {answer.http_status} with {describe_body(answer)} that lacks {rung.body_contains[:80]!r}"
            return _verdict(answer, "unexpected_body", detail)
        return _verdict(answer, "ok", f"HTTP {answer.http_status}")
    return _refusal(rung, answer, body) or _by_status(answer, body)


def _judge_postgres(rung: Rung, answer: Answer) -> Verdict:
    if answer.code:
        cause = SQLSTATE_CAUSES.get(answer.code) or ("unauthorized" if answer.code[:2] == "28" else "server_error")
        return _verdict(answer, cause, answer.detail)
    facts = answer.facts
    if rung.schema is None or "schema_exists" not in facts:
        return _verdict(answer, "ok", answer.detail)
    name, role, schema = rung.database or "", facts.get("role") or rung.user or "", rung.schema
    if facts.get("read_only"):
        return _verdict(answer, "down", f"database {name} is read only (a standby, or default_transaction_read_only)")
    if not facts["schema_exists"]:
        if facts.get("database_create"):
            return _verdict(answer, "ok", f"schema {schema} is not there yet; role {role} may create it")
        grant = f'GRANT CREATE ON DATABASE "{name}" TO "{role}"'
        return _verdict(answer, "down", f"no schema {schema} in {name}, and role {role} may not create it: {grant}")
    lacking = [right for right in ("USAGE", "CREATE") if not facts.get(f"schema_{right.lower()}")]
    if lacking:
        grant = f'GRANT {", ".join(lacking)} ON SCHEMA "{schema}" TO "{role}"'
        text = f"role {role} lacks {' and '.join(lacking)} on schema {schema} of {name}; as its owner run: {grant}"
        return _verdict(answer, "down", text)
    return _verdict(answer, "ok", answer.detail)
