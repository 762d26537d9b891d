# Copyright (c) 2026 dwp.backend contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What one log record says: Boot text, ECS, logstash, GELF, supervisor, syslog and plain lines, as one Record."""

from __future__ import annotations

import calendar
import json
import re
import time as clock
from dataclasses import dataclass, field
from typing import Any

LEVELS = ("TRACE", "DEBUG", "INFO", "WARN", "ERROR")
# What may stand before the time of a record: colours of a console, NUL bytes left by a full disk or a power cut.
# One repetition that cannot be split in two ways: a pattern that can takes exponential time on a line of NUL bytes.
LEAD = rb"(?:\xef\xbb\xbf)?\x00*(?:\x1b\[[0-9;]{0,20}m){0,4}"
TEXT_HEAD = LEAD + (
    rb"(?:\d{4}-\d\d-\d\d[T ]\d\d:\d\d:\d\d|\d\d:\d\d:\d\d\.\d{3} \[|"
    rb'\{"(?:@timestamp"|version":"1\.1","short_message")|'
    rb"[A-Z][a-z]{2} [ \d]\d \d\d:\d\d:\d\d |\[ *\d+\.\d{6}\] )"
)
JSON_HEAD = LEAD + rb'\{\s*"'
PLAIN_HEAD = LEAD + rb"(?!\s|at |Caused by: |\.\.\. \d+ |\Z)[^\n]"

_COLOURS = re.compile(r"\x1b\[[0-9;]*m|\x00+|\ufeff")
_TIME = re.compile(rb"(\d{4})-(\d\d)-(\d\d)[T ](\d\d):(\d\d):(\d\d)(?:[.,](\d{1,9}))?\s?(Z|[+-]\d\d:?\d\d)?")
_BOOT = re.compile(
    r"^(?P<ts>\d{4}-\d\d-\d\d[T ]\d\d:\d\d:\d\d\S*)\s+(?P<lvl>TRACE|DEBUG|INFO|WARN|ERROR)\s+"
    r"(?P<pre>(?:\[[^\]]*\]\s*)*)(?P<pid>\d+) --- (?P<ctx>(?:\[[^\]]*\] ?)+)(?P<log>\S+)\s*: ?(?P<msg>.*)$"
)
_BARE = re.compile(r"^(?P<ts>\d\d:\d\d:\d\d\.\d{3}) \[(?P<thread>[^\]]*)\] (?P<lvl>[A-Z]+)\s+(?P<log>\S+) --? ?(?P<msg>.*)$")
_SYSLOG = re.compile(r"^(?P<ts>[A-Z][a-z]{2} [ \d]\d \d\d:\d\d:\d\d) \S+ (?P<log>[^\s:\[]+)(?:\[\d+\])?: ?(?P<msg>.*)$")
_DMESG = re.compile(r"^\[ *\d+\.\d{6}\] (?P<msg>.*)$")
_STAMPED = re.compile(r"^\S+[ T][\d:,.]+(?:Z|[+-]\d\d:?\d\d)?\s+(?P<rest>.*)$")
_LEVEL_WORD = re.compile(r"^\[?(TRACE|DEBUG|DEBG|INFO|WARN(?:ING)?|ERROR?|ERRO|CRIT|FATAL)\]?:?\s+(.*)$")
_LEVEL_NAMES = {"DEBG": "DEBUG", "WARNING": "WARN", "ERRO": "ERROR", "CRIT": "ERROR", "FATAL": "ERROR", "ERR": "ERROR"}
_PAIR = re.compile(r"([A-Za-z_][\w.-]*)=([^\s,\]]*)")
_BARE_ID = re.compile(r"^(?:[0-9a-fA-F]{8}-[0-9a-fA-F-]{4,60}|[0-9a-fA-F]{16,64}(?:-[0-9a-fA-F]{16})?|-?|\s+)$")
_SYSLOG_LEVELS = ("ERROR", "ERROR", "ERROR", "ERROR", "WARN", "INFO", "INFO", "DEBUG")
LONGEST_HEAD = 16 * 1024
# MDC keys that name a request; any key ending so is taken too, whatever its case.
ID_KEYS = ("correlationid", "traceid", "gatewayrequestid", "requestid", "spanid")


@dataclass
class Record:
    """One record, however many lines; `stack` is everything after its first line."""

    service: str
    file: str
    offset: int
    format: str = "plain"
    time: float | None = None
    level: str = ""
    pid: int | None = None
    app: str = ""
    thread: str = ""
    logger: str = ""
    message: str = ""
    stack: str = ""
    ids: dict[str, str] = field(default_factory=dict)
    line: int | None = None
    truncated: bool = False
    time_estimated: bool = False

    @property
    def text(self) -> str:
        return self.message + "\n" + self.stack if self.stack else self.message


def head_of(sample: bytes) -> tuple[str, bytes]:
    """How records begin in this log: (mode, pattern). Decided on a sample, as a custom layout shows only there."""
    lines = [line for line in sample.split(b"\n") if line.strip(b" \r\x00")][:400]
    text = sum(1 for line in lines if re.match(TEXT_HEAD, line))
    if text:
        return "text", TEXT_HEAD
    structured = sum(1 for line in lines if line.startswith(b"{") and _json_fields(line) is not None)
    if structured * 2 > len(lines):
        return "json", JSON_HEAD
    return "plain", PLAIN_HEAD


_MINUTES: dict[bytes, int] = {}


def time_of(raw: bytes, start: int = 0) -> float | None:
    """Epoch seconds of the first ISO time near the start of a record; minutes are remembered, as logs repeat them."""
    match = _TIME.search(raw, start, start + 64)
    if not match:
        return _gelf_time(raw, start)
    prefix = raw[match.start() : match.start() + 16]
    minute = _MINUTES.get(prefix)
    if minute is None:
        year, month, day, hour, mins = (int(match[n]) for n in (1, 2, 3, 4, 5))
        if not (1 <= month <= 12 and 1 <= day <= 31 and hour < 24 and mins < 60):
            return None
        minute = calendar.timegm((year, month, day, hour, mins, 0))
        if len(_MINUTES) > 5000:
            _MINUTES.clear()
        _MINUTES[prefix] = minute
    seconds = minute + int(match[6])
    if match[7]:
        seconds_float = seconds + int(match[7]) / 10 ** len(match[7])
    else:
        seconds_float = float(seconds)
    zone = match[8]
    if zone == b"Z":
        return seconds_float
    if zone:
        digits = zone[1:].replace(b":", b"")
        shift = int(digits[:2]) * 3600 + int(digits[2:4]) * 60
        return seconds_float + (shift if zone[:1] == b"-" else -shift)
    return _local(seconds_float)


def _local(seconds: float) -> float:
    """A time without zone is local time of the host that wrote it."""
    parts = clock.gmtime(seconds)
    try:
        return clock.mktime((*parts[:6], 0, 0, -1)) + seconds % 1
    except (OverflowError, ValueError):
        return seconds


_GELF = re.compile(rb'"timestamp":(\d{9,11}(?:\.\d+)?)')


def _gelf_time(raw: bytes, start: int) -> float | None:
    if b"{" not in raw[start : start + 4]:
        return None
    match = _GELF.search(raw, start)
    return float(match[1]) if match else None


def parse(raw: bytes, service: str, file: str, offset: int, application: str = "", near: float | None = None) -> Record:
    """Bytes of one record to a Record. Never fails: what is not understood is a plain record with its text."""
    record = Record(service=service, file=file, offset=offset)
    fields = _json_fields(raw.strip(b"\x00\r\n ")) if b"{" in raw[:64] else None
    if fields is not None:
        _from_json(record, fields)
    else:
        _from_text(record, raw, application, near)
    if record.time is None and near is not None:
        record.time, record.time_estimated = near, True
    return record


def _json_fields(raw: bytes) -> dict[str, Any] | None:
    try:
        value = json.loads(raw.decode("utf-8", "replace"))
    except (ValueError, RecursionError):
        return None
    known = ("@timestamp", "short_message", "message", "log.level")
    return value if isinstance(value, dict) and any(key in value for key in known) else None


_MAPPED = {
    "@timestamp", "timestamp", "log.level", "level", "_level_name", "level_value", "message", "short_message",
    "full_message", "log.logger", "logger_name", "_log_logger", "process.thread.name", "thread_name",
    "_process_thread_name", "process.pid", "_process_pid", "service.name", "host", "service.version",
    "_service_version", "error.type", "error.message", "error.stack_trace", "stack_trace", "_error_type",
    "_error_message", "_error_stack_trace", "ecs.version", "@version", "version", "tags", "service", "log", "process",
    "error", "ecs",
}  # fmt: skip


def _from_json(record: Record, fields: dict[str, Any]) -> None:
    def first(*keys: str) -> str:
        for key in keys:
            value = fields.get(key)
            if value is None and "." in key:  # nested ECS, as Boot 4 and other shippers write it
                value = fields
                for part in key.split("."):
                    value = value.get(part) if isinstance(value, dict) else None
            if value is not None and not isinstance(value, (dict, list)):
                return str(value)
        return ""

    gelf = "short_message" in fields
    record.format = "gelf" if gelf else "logstash" if "@version" in fields or "logger_name" in fields else "ecs"
    stamp = fields.get("timestamp") if gelf else fields.get("@timestamp")
    if isinstance(stamp, (int, float)) and not isinstance(stamp, bool) and 0 <= stamp < 1e11:
        record.time = float(stamp)
    elif isinstance(stamp, str):
        record.time = time_of(stamp.encode())
    level = first("_level_name", "log.level") or first("level")
    if level.isdigit():
        level = _SYSLOG_LEVELS[min(int(level), 7)]
    record.level = _LEVEL_NAMES.get(level.upper(), level.upper())
    pid = first("process.pid", "_process_pid")
    record.pid = int(pid) if pid.isdigit() else None
    record.app = first("service.name") or (first("host") if gelf else "")
    record.thread = first("process.thread.name", "thread_name", "_process_thread_name")
    record.logger = first("log.logger", "logger_name", "_log_logger")
    record.message = first("short_message", "message")
    record.stack = first("error.stack_trace", "stack_trace", "_error_stack_trace")
    if not record.stack:
        full = first("full_message")
        record.stack = full[len(record.message) :].lstrip("\n") if full.startswith(record.message) else full
    for key, value in fields.items():
        if key not in _MAPPED and isinstance(value, (str, int)) and not isinstance(value, bool):
            record.ids[key[1:] if gelf and key.startswith("_") else key] = str(value)


def _from_text(record: Record, raw: bytes, application: str, near: float | None) -> None:
    text = raw.decode("utf-8", "replace").replace("\r\n", "\n").rstrip("\n")
    head, _newline, rest = text.partition("\n")
    head = _COLOURS.sub("", head)
    record.stack = _COLOURS.sub("", rest).strip("\n")
    record.message = head
    record.time = time_of(head.encode())
    tail = head[LONGEST_HEAD:]  # a line of megabytes is all message; patterns see its beginning
    head = head[:LONGEST_HEAD]
    match = _BOOT.match(head)
    if match:
        record.format, record.level, record.pid = "text", match["lvl"], int(match["pid"][:9])
        record.logger, record.message = match["log"], (match["msg"] + tail).strip()
        brackets = re.findall(r"\[([^\]]*)\]", match["ctx"])
        record.app, record.thread, marks = split_context(brackets, application)
        for mark in marks + re.findall(r"\[([^\]]*)\]", match["pre"]):
            record.ids.update(ids_in(mark))
        return
    match = _BARE.match(head)
    if match:
        record.format, record.level, record.logger = "bare", match["lvl"], match["log"]
        record.thread, record.message = match["thread"], match["msg"] + tail
        record.time = _time_today(match["ts"], near)
        record.time_estimated = True
        return
    match = _SYSLOG.match(head)
    if match:
        record.format, record.logger, record.message = "syslog", match["log"], match["msg"] + tail
        record.time = _time_syslog(match["ts"], near)
        return
    match = _DMESG.match(head) or (_STAMPED.match(head) if record.time is not None else None)
    if match:
        record.message = (match.groupdict().get("rest") or match.groupdict().get("msg") or "") + tail
        word = _LEVEL_WORD.match(record.message)
        if word:
            record.level, record.message = _LEVEL_NAMES.get(word[1], word[1]), word[2]


def split_context(brackets: list[str], application: str = "") -> tuple[str, str, list[str]]:
    """Brackets between `---` and the logger: application, group, thread, correlation; only the thread is sure."""
    marks: list[str] = []
    rest = list(brackets)
    while len(rest) > 1 and ("=" in rest[-1] or _BARE_ID.match(rest[-1])):
        marks.insert(0, rest.pop())
    thread = rest.pop().strip() if rest else ""
    app = application if application and application in rest else (rest[0] if rest else "")
    return app, thread, marks


def ids_in(mark: str) -> dict[str, str]:
    """`correlationId=abc` or a bare id, as a correlation bracket holds them; empty values are left out."""
    pairs = {key: value for key, value in _PAIR.findall(mark) if value}
    bare = mark.strip()
    if not pairs and "=" not in mark and bare not in ("", "-"):
        pairs["correlationId"] = bare
    return pairs


def _time_today(text: str, near: float | None) -> float | None:
    """A clock time without a date: the day of `near`, or the day before when that would lie after it."""
    if near is None:
        return None
    day = clock.localtime(near)
    hour, minute, second = int(text[:2]), int(text[3:5]), float(text[6:])
    found = clock.mktime((day[0], day[1], day[2], hour, minute, 0, 0, 0, -1)) + second
    return found if found <= near + 60 else found - 86400


def _time_syslog(text: str, near: float | None) -> float | None:
    if near is None:
        return None
    year = clock.localtime(near)[0]
    for candidate in (year, year - 1):
        try:
            found = clock.mktime(clock.strptime(f"{candidate} {text}", "%Y %b %d %H:%M:%S"))
        except ValueError:
            continue
        if found <= near + 86400:
            return found
    return None
