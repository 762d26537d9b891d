# Copyright (c) 2026 dwp.backend contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The words of probing: what is asked (Probe, Rung), what came back (Answer), what it means (Verdict, Outcome)."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

CAUSES = (
    "ok", "down", "out_of_service", "unauthorized", "not_found", "client_error", "server_error", "unexpected_status",
    "unexpected_body", "refused", "timeout", "dns", "tls", "reset", "process_dead",
)  # fmt: skip
KINDS = ("actuator", "http", "tcp", "postgres", "redis")
DEFAULT_PORTS = {"postgres": 5432, "redis": 6379}
DEFAULT_PATHS = {"actuator": "/actuator/health"}
#: Keys that mean something for some kinds only; given to another kind they are a mistake, not a wish to be ignored.
MEANT_FOR = {
    "path": ("actuator", "http"),
    "headers": ("actuator", "http"),
    "token": ("actuator", "http"),
    "status": ("http",),
    "body_contains": ("http",),
    "ca_cert": ("actuator", "http", "postgres", "redis"),
    "user": ("actuator", "http", "postgres", "redis"),
    "password": ("actuator", "http", "postgres", "redis"),
    "database": ("postgres",),
    "schema": ("postgres",),
}
SENSITIVE_HEADERS = ("authorization", "cookie", "token", "secret", "api-key", "apikey", "password")


class ProbeError(Exception):
    """The question itself is wrong: a mistake of the user, with every problem in one message."""


@dataclass(frozen=True)
class Process:
    """The process that must stay the same: field 22 of /proc/PID/stat tells a reused pid apart."""

    pid: int
    start_ticks: int | None = None


@dataclass(frozen=True)
class Rung:
    """One question to one endpoint."""

    kind: str
    host: str
    port: int
    path: str = ""
    method: str = "GET"
    scheme: str = "http"
    headers: Mapping[str, str] = field(default_factory=dict)
    status: tuple[int, ...] = (200,)
    body_contains: str | None = None
    verify: bool = True
    ca_cert: str | None = None
    database: str | None = None
    user: str | None = None
    password: str | None = None
    token: str | None = None
    ssl_mode: str = "prefer"
    schema: str | None = None
    timeout: float | None = None

    @property
    def address(self) -> str:
        return f"[{self.host}]:{self.port}" if ":" in self.host else f"{self.host}:{self.port}"

    @property
    def url(self) -> str:
        """Where the question goes, without any secret."""
        if self.kind in ("actuator", "http"):
            return f"{self.scheme}://{self.address}{self.path}"
        if self.kind == "postgres":
            return f"postgresql://{self.user or ''}{'@' if self.user else ''}{self.address}/{self.database or ''}"
        return f"{self.kind}://{self.address}"

    @property
    def label(self) -> str:
        """As a person would name it in a sentence."""
        if self.kind in ("actuator", "http"):
            return self.url if self.method == "GET" else f"{self.method} {self.url}"
        name = {"tcp": "TCP", "postgres": "PostgreSQL", "redis": "Redis"}[self.kind]
        return f"{name} {self.url.split('//')[1]}"

    def secrets(self) -> list[str]:
        found = [self.password or "", self.token or ""]
        found += [value for name, value in self.headers.items() if is_sensitive(name)]
        # "Bearer abc": the second word alone must not appear either.
        found += [word for value in list(found) for word in value.split() if len(word) > 7]
        return sorted({value for value in found if value}, key=len, reverse=True)


@dataclass(frozen=True)
class Skip:
    """A rung that is not asked again in this run, and why."""

    rung: int
    url: str
    cause: str
    why: str  # absent | closed
    http_status: int | None = None

    def as_dict(self) -> dict[str, Any]:
        return dict(vars(self))


@dataclass(frozen=True)
class Probe:
    """A service and its ladder of questions."""

    name: str
    ladder: tuple[Rung, ...]
    process: Process | None = None
    skip_rungs: tuple[Skip, ...] = ()


@dataclass(frozen=True)
class Answer:
    """What came back, not yet judged."""

    failure: str | None = None  # refused, timeout, dns, tls, reset, unexpected_body: the talk broke off
    phase: str = ""  # of a timeout: connect or read
    http_status: int | None = None
    headers: Mapping[str, str] = field(default_factory=dict)  # names in lower case
    body: bytes = b""
    cut: str = ""  # "long": more than was read; "short": the connection ended before the promised length
    code: str | None = None  # SQLSTATE, or the error word of Redis
    facts: Mapping[str, Any] = field(default_factory=dict)
    detail: str = ""
    latency_ms: float = 0.0


@dataclass(frozen=True)
class Verdict:
    """What an answer means. `why` is set when the rung is closed or absent, so that the next one has to decide."""

    cause: str
    detail: str = ""
    why: str = ""
    http_status: int | None = None
    status: str | None = None
    components: Mapping[str, str] = field(default_factory=dict)
    latency_ms: float = 0.0
    code: str | None = None
    phase: str = ""
    content_type: str = ""  # without its parameters


@dataclass
class Outcome:
    """The result for one service, as far as it is known. `final`: nothing more will be asked."""

    name: str
    healthy: bool = False
    final: bool = False
    cause: str = "timeout"
    http_status: int | None = None
    status: str | None = None
    components: dict[str, str] = field(default_factory=dict)
    latency_ms: float | None = None
    content_type: str = ""
    attempts: int = 0
    successes: int = 0
    rung: dict[str, Any] | None = None
    shallow: bool = False
    message: str = ""
    waited_s: float = 0.0
    skip_rungs: list[dict[str, Any]] = field(default_factory=list)

    def as_dict(self) -> dict[str, Any]:
        return dict(vars(self))


def is_sensitive(header: str) -> bool:
    lowered = header.lower().replace("_", "-")
    return any(word in lowered for word in SENSITIVE_HEADERS)


def scrub(text: str, secrets: Iterable[str]) -> str:
    """Take every secret out of a text. Very short ones too: a mangled message is better than a leak."""
    for secret in secrets:
        text = text.replace(secret, "***")
    return text


def parse_probes(raw: Iterable[Mapping[str, Any]]) -> list[Probe]:
    """Make Probes of plain data. Raises ProbeError that names every problem at once."""
    problems: list[str] = []
    probes: list[Probe] = []
    seen: set[str] = set()
    for position, entry in enumerate(raw):
        name = str(entry.get("name") or "")
        where = name or f"probes[{position}]"
        if not name:
            problems.append(f"{where}.name: missing")
        elif name in seen:
            problems.append(f"{where}: this name appears twice; results are kept by name")
        seen.add(name)
        rungs = _parse_ladder(where, entry, problems)
        skips = tuple(_parse_skip(skip) for skip in entry.get("skip_rungs") or ())
        probes.append(Probe(name, rungs, _parse_process(where, entry.get("process"), problems), skips))
    if problems:
        raise ProbeError(f"probes: {len(problems)} problem(s), nothing was asked.\n  " + "\n  ".join(problems))
    return probes


def ladder_problems(name: str, probe: Mapping[str, Any]) -> list[str]:
    """What is wrong with the ladder of one probe, without asking anything."""
    problems: list[str] = []
    _parse_ladder(name, probe, problems)
    return problems


def _parse_ladder(where: str, entry: Mapping[str, Any], problems: list[str]) -> tuple[Rung, ...]:
    ladder = entry.get("ladder")
    if ladder is None:
        ladder = [{"kind": "actuator"}]
    if not ladder:
        problems.append(f"{where}.ladder: empty; give at least one rung, for example {{kind: actuator}}")
    rungs = []
    for index, raw in enumerate(ladder):
        known = {key: value for key, value in raw.items() if value is not None and key in Rung.__dataclass_fields__}
        rung_where = f"{where}.ladder[{index}]"
        for key in sorted(set(raw) - set(Rung.__dataclass_fields__)):
            problems.append(f"{rung_where}.{key}: unknown key")
        kind = known.get("kind")
        if kind not in KINDS:
            problems.append(f"{rung_where}.kind: {kind!r} is not one of {', '.join(KINDS)}")
            continue
        for key, kinds in MEANT_FOR.items():
            if known.get(key) and kind not in kinds:
                problems.append(f"{rung_where}.{key}: means nothing for kind {kind}, only for {', '.join(kinds)}")
        known["host"] = str(known.get("host") or entry.get("host") or "127.0.0.1")
        known["path"] = str(known.get("path") or DEFAULT_PATHS.get(kind, ""))
        known["headers"] = {str(key): str(value) for key, value in (known.get("headers") or {}).items()}
        try:
            known["port"] = int(known.get("port") or entry.get("port") or DEFAULT_PORTS.get(kind, 0))
            known["status"] = tuple(int(status) for status in known.get("status") or (200,))
        except (TypeError, ValueError):
            problems.append(f"{rung_where}: port and status have to be whole numbers")
            continue
        rung = Rung(**known)
        problems.extend(f"{rung_where}.{problem}" for problem in _check_rung(rung))
        rungs.append(rung)
    return tuple(rungs)


def _check_rung(rung: Rung) -> list[str]:
    problems = []
    if not 1 <= rung.port <= 65535:
        what = f"{rung.port} is not between 1 and 65535" if rung.port else "missing"
        problems.append(f"port: {what} (set it on the probe or on the rung)")
    if rung.timeout is not None and rung.timeout <= 0:
        problems.append(f"timeout: {rung.timeout} is not above 0 seconds")
    if rung.kind in ("actuator", "http"):
        if not rung.path.startswith("/") or any(ord(char) < 33 for char in rung.path):
            problems.append(f"path: {rung.path!r} has to start with / and to hold no blanks")
        if rung.scheme not in ("http", "https"):
            problems.append(f"scheme: {rung.scheme!r} is neither http nor https")
        for name, value in rung.headers.items():
            if not name or any(char in name + value for char in "\r\n\0") or any(char in name for char in ": "):
                problems.append(f"headers: the header {name!r} has a line break, or a name that HTTP does not allow")
    if rung.password and not rung.user and rung.kind in ("actuator", "http", "postgres"):
        problems.append("password: needs a user")
    return problems


def _parse_process(where: str, raw: Mapping[str, Any] | None, problems: list[str]) -> Process | None:
    if not raw:
        return None
    try:
        ticks = raw.get("start_ticks")
        process = Process(int(raw["pid"]), None if ticks is None else int(ticks))
    except (KeyError, TypeError, ValueError):
        problems.append(f"{where}.process: pid (and start_ticks, if given) have to be whole numbers")
        return None
    if process.pid < 1:
        problems.append(f"{where}.process.pid: {process.pid} is not a process id; was the service started?")
    return process


def _parse_skip(raw: Mapping[str, Any]) -> Skip:
    return Skip(int(raw["rung"]), str(raw.get("url", "")), str(raw["cause"]), str(raw.get("why", "absent")),
                raw.get("http_status"))  # fmt: skip
