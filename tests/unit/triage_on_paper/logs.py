# Copyright (c) 2026 dwp.backend contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Logs on paper: what a service writes into its file and on its console, what systemd and the kernel write about it."""

from __future__ import annotations

import functools
import json
import os
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ansible_collections.dwp.backend.plugins.module_utils._logs.errors import LogsError
from ansible_collections.dwp.backend.plugins.module_utils._logs.journal import JournalStream
from tests.unit.logs import helpers

from . import texts

if TYPE_CHECKING:
    from .hosts import Host

#: The moment of every scenario. All times are told as seconds before it, so no clock of the machine takes part.
NOW = helpers.START.timestamp()
WINDOW = 3600.0  # s that are looked at
_MARK = "[correlationId=] "
_PACE = 60  # s between two ordinary words
_SYSTEMD, _KERNEL = ("systemd", "1"), ("kernel", "0")

#: (time, what writes the record for that time as the host's clock has it)
Record = tuple[float, Callable[[float], str]]


@dataclass
class Life:
    """One process that serves: it writes ordinary words from `begin` to `end`."""

    begin: float
    pid: int
    end: float | None = None


class Log:
    """What all processes of one instance wrote, the newest one last."""

    def __init__(self, service: str, pid: int) -> None:
        self.service, self.pid = service, pid
        self.records: list[Record] = []
        self.console: list[tuple[float, str]] = []  # what is not in the file
        self.systemd: list[tuple[float, int, str]] = []  # time, priority, text
        self.lives: list[Life] = []
        self.silent_from: float | None = None
        self.lost = False  # the file is gone

    # ---- what scenarios let it say
    def write(self, ago: float, level: str, logger: str, text: str, *, times: int = 1, every: float = 1.0, pid: int | None = None) -> None:
        """So many records, the newest one `ago` s ago; `{i}` in the text is another number in each."""
        for number in range(times):
            said, by = text.replace("{i}", str(1000 + number)), pid or self.pid
            self._add(NOW - ago - every * number, level, logger, said, by)

    def _add(self, time: float, level: str, logger: str, text: str, pid: int) -> None:
        self.records.append((time, functools.partial(helpers.boot, text, level=level, pid=pid, mark=_MARK, logger=logger[-40:])))

    def error(self, ago: float, text: str, logger: str = texts.HANDLER, **more: Any) -> None:
        self.write(ago, "ERROR", logger, text, **more)

    def warn(self, ago: float, logger: str, text: str, **more: Any) -> None:
        self.write(ago, "WARN", logger, text, **more)

    # ---- lives
    def begin(self, time: float, pid: int, *, started_after: float | None = 12.4) -> None:
        """A process starts; `started_after` is None for one that does not get so far."""
        self.end(time - 5)
        self.records.append((time + 1, functools.partial(helpers.starting, pid=pid)))
        if started_after is not None:
            self.lives.append(Life(time + started_after, pid))
            self.records.append((time + started_after, functools.partial(helpers.started, pid=pid)))

    def end(self, time: float) -> None:
        for life in self.lives:
            if life.end is None:
                life.end = time

    def shut_down(self, time: float) -> None:
        """In good order."""
        self.end(time)
        self.records.append((time, functools.partial(helpers.stopping, pid=self.pid)))

    def _ordinary(self) -> Iterator[Record]:
        """What a log is full of, so that it is seen to be alive."""
        newest = NOW - 4 - len(self.service) * 7 % 11
        for number in range(int(WINDOW) // _PACE):
            time = newest - number * _PACE
            life = next((one for one in self.lives if one.begin < time and (one.end is None or time < one.end)), None)
            if life and (self.silent_from is None or time <= self.silent_from):
                text = f"GET /{self.service}/items/{number} 200 in {10 + number} ms"
                yield time, functools.partial(helpers.boot, text, level="INFO", pid=life.pid, mark=_MARK, logger=texts.REQUESTS)

    # ---- where it can be read
    def lines(self, ahead: float) -> list[tuple[float, str]]:
        """The records in their order, by a clock that is so much ahead."""
        ordered = sorted([*self.records, *self._ordinary()], key=lambda record: record[0])
        return [(time + ahead, write(time + ahead - NOW)) for time, write in ordered]

    def journal(self, file: list[tuple[float, str]], ahead: float) -> list[bytes]:
        """The unit's journal of the last hour: the console, which has the same lines as the file, and systemd's words."""
        entries = [(time, line, ("java", str(self.pid)), 6) for time, text in file for line in _split(text)]
        entries += [(time + ahead, line, ("java", str(self.pid)), 6) for time, text in self.console for line in _split(text)]
        entries += [(time + ahead, text, _SYSTEMD, priority) for time, priority, text in self.systemd]
        return [_entry(*one) for one in sorted(entries, key=lambda one: one[0]) if one[0] >= NOW + ahead - WINDOW]


def _split(text: str) -> list[str]:
    return text.rstrip("\n").split("\n")


def _entry(time: float, text: str, who: tuple[str, str], priority: int) -> bytes:
    stamp = str(int(time * 1e6))
    entry = {"MESSAGE": text, "SYSLOG_IDENTIFIER": who[0], "_PID": who[1], "PRIORITY": str(priority), "__REALTIME_TIMESTAMP": stamp}
    return json.dumps(entry).encode() + b"\n"


class Logs:
    """All logs of one host: files in a directory, and a journal that needs no journalctl."""

    def __init__(self, host: Host, logs: dict[str, Log], folder: Path, unreadable: bool) -> None:
        self._host, self._folder, self._unreadable = host, folder, unreadable
        self._logs = {name: (log, log.lines(host.ahead)) for name, log in logs.items()}

    def write(self) -> None:
        for name, (log, lines) in self._logs.items():
            if not log.lost:
                path = self._folder / f"{name}.log"
                path.write_text("".join(text for _time, text in lines), encoding="utf-8")
                os.utime(path, (lines[-1][0], lines[-1][0]))

    @contextmanager
    def journal(self, command: list[str], _environment: dict[str, str], _stop: Callable[[], str]) -> Iterator[JournalStream]:
        """Stands in for the running journalctl."""
        if self._unreadable:
            raise LogsError("journalctl ended with 1: No journal files were opened due to insufficient permissions.")
        unit = next((word.partition("=")[2] for word in command if word.startswith("--unit=")), "")
        yield JournalStream(self._unit(unit) if unit else self._kernel())

    def _unit(self, unit: str) -> list[bytes]:
        log, lines = self._logs[unit[len("dwp-"):-len(".service")]]
        return log.journal(lines, self._host.ahead)

    def _kernel(self) -> list[bytes]:
        lines = sorted(self._host.kernel_lines())
        return [_entry(time, text, _KERNEL, 3) for time, text in lines if time >= NOW + self._host.ahead - WINDOW]
