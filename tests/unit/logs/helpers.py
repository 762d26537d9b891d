# Copyright (c) 2026 dwp.backend contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What the tests of the log reader share: records in every format, and one call that reads files of a temporary directory."""

from __future__ import annotations

import json
from datetime import datetime, timedelta, timezone
from pathlib import Path
from typing import Any

from ansible_collections.dwp.backend.plugins.module_utils._logs.reader import Source
from ansible_collections.dwp.backend.plugins.module_utils._logs.run import Request, run
from ansible_collections.dwp.backend.plugins.module_utils._logs.scrub import Scrubber
from ansible_collections.dwp.backend.plugins.module_utils._signatures import catalogue

DATA = Path(__file__).parents[1] / "testdata" / "logs"
START = datetime(2026, 11, 23, 1, 30, tzinfo=timezone.utc)
CATALOGUE = catalogue()


def stamp(second: float) -> str:
    moment = START + timedelta(seconds=second)
    return moment.strftime("%Y-%m-%dT%H:%M:%S.") + f"{moment.microsecond // 1000:03d}Z"


def boot(text: str, second: float = 0, level: str = "ERROR", pid: int = 4711, mark: str = "", logger: str = "c.d.Thing") -> str:
    head, _newline, rest = text.partition("\n")
    line = f"{stamp(second)} {level:>5} {pid} --- [svc] [           main] {mark}{logger:<40} : {head}\n"
    return line + (rest + "\n" if rest else "")


def starting(second: float, pid: int = 4711) -> str:
    return boot(f"Starting App v1 using Java 17.0.15 with PID {pid} (/srv/app)", second, "INFO", pid, logger="t.App")


def started(second: float, pid: int = 4711) -> str:
    return boot("Started App in 7.0 seconds (process running for 8.0)", second, "INFO", pid, logger="t.App")


def stopping(second: float, pid: int = 4711) -> str:
    return boot("Commencing graceful shutdown. Waiting for active requests to complete", second, "INFO", pid)


def structured(kind: str, text: str, second: float = 0, level: str = "ERROR", **mdc: str) -> str:
    """One record as Boot 3.4 writes it: the stack trace apart from the message, a slash as it is."""
    message, _newline, stack = text.partition("\n")
    when = stamp(second)
    if kind == "ecs":
        fields: dict[str, Any] = {
            "@timestamp": when,
            "log.level": level,
            "process.pid": 4711,
            "process.thread.name": "main",
            "service.name": "svc",
            "log.logger": "c.d.Thing",
            "message": message,
            **mdc,
        }
        fields.update({"error.stack_trace": stack} if stack else {}, **{"ecs.version": "8.11"})
    elif kind == "logstash":
        fields = {
            "@timestamp": when,
            "@version": "1",
            "message": message,
            "logger_name": "c.d.Thing",
            "thread_name": "main",
            "level": level,
            "level_value": 40000,
            **mdc,
        }
        fields.update({"stack_trace": stack} if stack else {})
    else:
        number = {"ERROR": 3, "WARN": 4, "INFO": 6}.get(level, 7)
        seconds = (START + timedelta(seconds=second)).timestamp()
        fields = {
            "version": "1.1",
            "short_message": message,
            "timestamp": seconds,
            "level": number,
            "_level_name": level,
            "_process_pid": 4711,
            "_process_thread_name": "main",
            "host": "svc",
            "_log_logger": "c.d.Thing",
            **{f"_{key}": value for key, value in mdc.items()},
        }
        fields.update({"full_message": f"{message}\n\n{stack}"} if stack else {})
    return json.dumps(fields, ensure_ascii=False, separators=(",", ":")) + "\n"


def read(*paths: Path | str, secrets: tuple[str, ...] = (), now: float = 0.0, **request: Any) -> dict[str, Any]:
    """Runs a request over files, each of the service named by its stem."""
    sources = [Source(Path(path).name.split(".")[0], str(path)) for path in paths]
    request.setdefault("signatures", CATALOGUE)
    request.setdefault("sources", sources)
    return run(Request(**request), Scrubber(secrets), now)


def read_text(directory: Path, text: str | bytes, name: str = "svc.log", **request: Any) -> dict[str, Any]:
    path = directory / name
    path.write_bytes(text if isinstance(text, bytes) else text.encode())
    return read(path, **request)


def ids(service: dict[str, Any]) -> list[str]:
    return [one["id"] for one in service["signatures"]]
