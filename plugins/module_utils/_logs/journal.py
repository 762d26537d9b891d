# Copyright (c) 2026 dwp.backend contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""journald as a stream of log lines: `journalctl -o json` turned back into what the service wrote."""

from __future__ import annotations

import json
import os
import select
import subprocess
import tempfile
from collections.abc import Callable, Iterable, Iterator
from typing import Any

from ansible_collections.dwp.backend.plugins.module_utils._logs.errors import LogsError
from ansible_collections.dwp.backend.plugins.module_utils._logs.window import Window, iso

NEWEST_LINES = 200000  # without `since` a journal is not read from its beginning
MOST_ENTRIES = 20000  # at once, so that the time budget is looked at now and then
_LEVELS = ("ERROR", "ERROR", "ERROR", "ERROR", "WARN", "INFO", "INFO", "DEBUG")
# Entries that others write about the unit; they carry the journal's own time and their program as the logger.
_ABOUT = ("systemd", "kernel", "systemd-oomd", "systemd-coredump")


def argv(unit: str, window: Window, kernel: bool = False, program: str = "journalctl") -> list[str]:
    """The command as a list; the unit is one argument, so nothing in its name is read as an option or by a shell."""
    command = [program, "--output=json", "--no-pager", "--quiet", "--all"]
    command.append("--dmesg" if kernel else f"--unit={unit}")
    if window.since is not None:
        command.append(f"--since=@{window.since:.0f}")
    else:
        command.append(f"--lines={NEWEST_LINES}")
    if window.until is not None:
        command.append(f"--until=@{window.until + 1:.0f}")
    return command


def line_of(entry: dict[str, Any]) -> bytes:
    """One journal entry as the line of a log. What the service wrote stays as it was, so its stack traces join again."""
    message = entry.get("MESSAGE")
    if isinstance(message, list):  # not valid UTF-8: journald gives a list of byte values
        text = bytes(value & 255 for value in message if isinstance(value, int))
    else:
        text = str(message or "").encode("utf-8", "replace")
    text = text.rstrip(b"\r\n")
    name = str(entry.get("SYSLOG_IDENTIFIER") or entry.get("_COMM") or "")
    if name not in _ABOUT:
        return text + b"\n"
    stamp = str(entry.get("__REALTIME_TIMESTAMP") or "0")
    time = int(stamp) / 1e6 if stamp.isdigit() else 0.0
    priority = str(entry.get("PRIORITY") or "6")
    level = _LEVELS[int(priority)] if priority in "01234567" else "INFO"
    pid = str(entry.get("_PID") or "0")
    head = f"{iso(time)} {level:>5} {pid if pid.isdigit() else 0} --- [journal] {name} : "
    return head.encode() + text.replace(b"\n", b" | ") + b"\n"


class JournalStream:
    """`read()` over the entries, so that the reader of streams can cut it into chunks."""

    def __init__(self, lines: Iterable[bytes]) -> None:
        self._lines: Iterator[bytes] = iter(lines)
        self.skipped = 0

    def read(self, size: int = -1, /) -> bytes:
        parts, length = [], 0
        for raw in self._lines:
            try:
                entry = json.loads(raw)
            except ValueError:
                self.skipped += 1
                continue
            line = line_of(entry) if isinstance(entry, dict) else b""
            parts.append(line)
            length += len(line)
            if 0 <= size <= length or len(parts) >= MOST_ENTRIES:
                break
        return b"".join(parts)


class Journal:
    """The running journalctl; a context manager that leaves no process behind."""

    def __init__(self, command: list[str], environment: dict[str, str] | None = None, stop: Callable[[], str] = str) -> None:
        self._stop = stop
        self._errors = tempfile.TemporaryFile()  # noqa: SIM115 - closed in __exit__
        try:
            # run_command keeps the whole output in memory and waits for the end; a journal is a stream without one.
            self._process = subprocess.Popen(  # pylint: disable=ansible-bad-function
                command, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=self._errors, env=environment
            )
        except OSError as error:
            self._errors.close()
            raise LogsError(f"{command[0]} cannot be run ({error.strerror}); give the service's log file as `path` instead") from error
        self.command = command

    def __enter__(self) -> JournalStream:
        if self._process.stdout is None:
            raise AssertionError("journalctl was started without a pipe")
        return JournalStream(self._lines(self._process.stdout.fileno()))

    def _lines(self, descriptor: int) -> Iterator[bytes]:
        """Lines as they come; waits no longer than the time budget, even for a journalctl that says nothing."""
        rest = b""
        while not self._stop():
            ready, _writable, _failed = select.select([descriptor], [], [], 0.1)
            if not ready:
                continue
            block = os.read(descriptor, 1 << 18)
            if not block:
                break
            *lines, rest = (rest + block).split(b"\n")
            yield from lines
        if rest:
            yield rest

    def __exit__(self, *_reason: object) -> None:
        finished = self._process.poll() is not None
        if not finished:
            try:
                finished = self._process.wait(0.2) is not None
            except subprocess.TimeoutExpired:
                self._process.kill()
                self._process.wait()
        if self._process.stdout is not None:
            self._process.stdout.close()
        self._errors.seek(0)
        said = self._errors.read(2000).decode("utf-8", "replace").strip()
        self._errors.close()
        if finished and self._process.returncode and _reason[0] is None:
            raise LogsError(
                f"journalctl ended with {self._process.returncode}: {said or 'no reason given'}; "
                "reading the journal needs root or the group systemd-journal"
            )
