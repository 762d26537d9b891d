# Copyright (c) 2026 dwp.backend contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The question as a whole: which sources, which window, which ids; read everything once and give plain results."""

from __future__ import annotations

import os
import re
import time as clock
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Any

from ansible_collections.dwp.backend.plugins.module_utils._logs import journal, reader, results
from ansible_collections.dwp.backend.plugins.module_utils._logs.errors import LogsError
from ansible_collections.dwp.backend.plugins.module_utils._logs.reader import FileReport, Source
from ansible_collections.dwp.backend.plugins.module_utils._logs.scan import Ignore, Scan
from ansible_collections.dwp.backend.plugins.module_utils._logs.scrub import Scrubber
from ansible_collections.dwp.backend.plugins.module_utils._logs.search import Coverage, IdSearch, assemble, step_of
from ansible_collections.dwp.backend.plugins.module_utils._logs.window import Window, iso
from ansible_collections.dwp.backend.plugins.module_utils._signatures import Signature

KINDS = ("file", "supervisor", "journald", "kernel")


@dataclass
class Request:
    """Everything that a run is asked for; defaults read it all."""

    sources: list[Source]
    signatures: list[Signature] = field(default_factory=list)
    window: Window = field(default_factory=Window)
    ids: list[str] = field(default_factory=list)
    expand_ids: bool = True
    environment: str = ""
    ignore: Ignore = field(default_factory=Ignore)
    levels: tuple[str, ...] = ("ERROR",)
    calls: dict[str, list[str]] = field(default_factory=dict)
    host: str = ""
    budget: float = 20.0
    limits: results.Limits = field(default_factory=results.Limits)
    journalctl: str = "journalctl"


def check_source(entry: dict[str, Any], number: int) -> Source:
    where = f"sources[{number}]"
    service, kind = str(entry.get("service") or ""), str(entry.get("kind") or "file")
    if not re.match(r"^[A-Za-z0-9][A-Za-z0-9_.-]{0,63}$", service):
        raise LogsError(f"{where}: service {service!r} is not a name; use letters, digits, ., _ and -")
    if kind not in KINDS:
        raise LogsError(f"{where} ({service}): kind {kind!r} is not one of {', '.join(KINDS)}")
    path, unit = str(entry.get("path") or ""), str(entry.get("unit") or "")
    if kind in ("file", "supervisor") and not path.startswith("/"):
        raise LogsError(f"{where} ({service}): path {path!r} must be absolute, such as /var/log/dwp/{service}.log")
    if kind == "journald" and not unit:
        raise LogsError(f"{where} ({service}): a journald source needs unit, such as dwp-{service}.service")
    return Source(service, path, kind, unit, str(entry.get("application") or ""))


class Run:
    """One reading of all sources within one time budget."""

    def __init__(self, request: Request, monotonic: Callable[[], float] = clock.monotonic) -> None:
        self.request = request
        self._monotonic = monotonic
        self._deadline = monotonic() + request.budget
        self.scans: dict[str, Scan] = {}
        self.searches: dict[str, IdSearch] = {}
        self.reports: list[FileReport] = []

    def _stop(self) -> str:
        return "time budget used up" if self._monotonic() > self._deadline else ""

    def read(self) -> None:
        ids = list(self.request.ids)
        self._pass(ids, scan=bool(self.request.signatures))
        if ids and self.request.expand_ids:
            more = sorted({other for one in self.searches.values() for other in one.related()} - set(ids))[:20]
            if more and not self._stop():
                self.related = more
                self._pass(more, scan=False)

    related: Sequence[str] = ()

    def _pass(self, ids: list[str], scan: bool) -> None:
        for source in self.request.sources:
            collectors: list[Scan | IdSearch] = []
            if scan:
                collectors.append(self._scan_of(source))
            if ids:
                search = self.searches.setdefault(source.service, IdSearch(source.service, [], self.request.window))
                search.look_for(ids)
                collectors.append(search)
            for report, chunks in self._open(source):
                for chunk in chunks:
                    for collector in collectors:
                        collector.chunk(chunk)
                self._keep_report(report)

    def _scan_of(self, source: Source) -> Scan:
        request = self.request
        scan = self.scans.get(source.service)
        if scan is None:
            scan = Scan(source.service, request.signatures, request.window, request.environment, request.ignore, request.levels)
            self.scans[source.service] = scan
        if source.unit:
            scan.names = (*scan.names, source.unit)
        return scan

    def _keep_report(self, report: FileReport) -> None:
        known = next((one for one in self.reports if (one.service, one.file) == (report.service, report.file)), None)
        if known is None:
            self.reports.append(report)
        elif report.problem and not known.problem:
            known.problem, known.complete = report.problem, report.complete

    def _open(self, source: Source) -> Any:
        window = self.request.window
        if source.kind in ("journald", "kernel"):
            report = FileReport(source.service, f"journal:{source.unit or 'kernel'}")
            yield report, self._journal(source, report)
            return
        for path in reader.files_of(source.path):
            report = FileReport(source.service, path)
            yield report, reader.read_file(source, path, window, report, self._stop)

    def _journal(self, source: Source, report: FileReport) -> Any:
        window = self.request.window
        command = journal.argv(source.unit, window, source.kind == "kernel", self.request.journalctl)
        environment = {**os.environ, "LC_ALL": "C", "SYSTEMD_PAGER": "", "SYSTEMD_COLORS": "0"}
        try:
            with journal.Journal(command, environment, self._stop) as stream:
                yield from reader.read_stream(source, report.file, stream, window, report, self._stop)
        except LogsError as error:
            report.problem, report.complete = str(error), False


def run(request: Request, scrubber: Scrubber, now: float, monotonic: Callable[[], float] = clock.monotonic) -> dict[str, Any]:
    """Reads and answers. A source that cannot be read is said in `not_checked`; the rest is still done."""
    reading = Run(request, monotonic)
    reading.read()
    results.number_lines(reading.scans.values(), reading.searches.values())
    services = {name: results.service_result(scan, request.limits, scrubber, request.host) for name, scan in reading.scans.items()}
    files = [results.file_result(report, scrubber, now) for report in reading.reports]
    for name, service in services.items():
        service["files"] = [one for one in files if one["service"] == name]
    found: dict[str, Any] = {
        "window": {"since": iso(request.window.since), "until": iso(request.window.until)},
        "services": services,
        "files": files,
        "not_checked": results.not_checked(reading.reports, scrubber),
        "request_path": None,
    }
    if request.ids:
        found["request_path"] = _path(request, reading, scrubber)
    return found


def _path(request: Request, reading: Run, scrubber: Scrubber) -> dict[str, Any]:
    coverage = []
    for name, search in reading.searches.items():
        reports = [report for report in reading.reports if report.service == name]
        problems = "; ".join(report.problem for report in reports if report.problem)
        readable = any(report.complete or report.bytes_read for report in reports)
        coverage.append(Coverage(name, request.host, readable, not problems, search.prints_ids, scrubber.text(problems, 300)))
    steps = [
        step_of(record, request.host, scrubber.text(record.text, request.limits.text))
        for search in reading.searches.values()
        for record in search.records
    ]
    path = assemble(request.ids, steps, coverage, request.calls)
    return {
        "ids": path.ids,
        "related_ids": sorted(reading.related),
        "services": path.services,
        "steps": path.steps,
        "gaps": path.gaps,
        "longest_wait": path.longest_wait,
        "failed_at": path.failed_at,
        "dropped": sum(search.dropped for search in reading.searches.values()),
    }
