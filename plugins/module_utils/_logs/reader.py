# Copyright (c) 2026 dwp.backend contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Reading logs of any size in a bounded memory: files from the end backwards, streams (.gz, journald) forwards.

Files are read with `pread`, not mapped: a log that is truncated while it is read then gives a short answer instead of
killing the process, and the pages do not count as memory of this process.
"""

from __future__ import annotations

import glob
import gzip
import os
import re
import zlib
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from functools import partial
from typing import Protocol

from ansible_collections.dwp.backend.plugins.module_utils._logs.errors import LogsError
from ansible_collections.dwp.backend.plugins.module_utils._logs.records import Chunk, Cutter
from ansible_collections.dwp.backend.plugins.module_utils._logs.window import Window

WINDOW = 1 << 20  # fits into the cache of a core, as several passes run over it
LARGEST_WINDOW = 32 << 20  # a record that does not even end in here is cut
FORWARD = 256 << 20  # how far the end of a start is looked for
SAMPLE = 64 << 10
LINES_UP_TO = 1 << 30  # beyond this offset counting lines costs more than it tells; the offset stands alone


@dataclass(frozen=True)
class Source:
    """Where one service's records are: a file with its rolled ones, a journal unit, a supervisor log."""

    service: str
    path: str = ""
    kind: str = "file"  # file, supervisor, journald
    unit: str = ""
    application: str = ""


@dataclass
class FileReport:
    """What was read of one file, and what was not."""

    service: str
    file: str
    size: int = 0
    bytes_read: int = 0
    modified: float | None = None
    mode: str = ""
    first_time: float | None = None
    last_time: float | None = None
    complete: bool = False  # everything of the window was read
    ends_inside_line: bool = False
    problem: str = ""


class Readable(Protocol):
    def read(self, size: int = -1, /) -> bytes: ...


Stop = Callable[[], str]  # the reason to stop reading now, or ""


def never() -> str:
    return ""


def files_of(path: str) -> list[str]:
    """The log and its rolled files, newest first; `path` may hold wildcards."""
    found = {name for name in glob.glob(path) if os.path.isfile(name)} if glob.has_magic(path) else {path}
    rolled = re.compile(r"[.-](?:\d{4}-?\d\d-?\d\d|\d+)[\w.:-]*(?:\.gz)?$|\.gz$")
    for name in list(found):
        stem = name[:-4] if name.endswith(".log") else name
        for sibling in glob.glob(glob.escape(stem) + "[.-]*"):
            if sibling != name and rolled.search(sibling[len(stem) :]) and os.path.isfile(sibling):
                found.add(sibling)
    current = [name for name in found if name == path]
    others = sorted(found - set(current), key=_modified, reverse=True)
    return current + others


def _modified(path: str) -> float:
    try:
        return os.stat(path).st_mtime
    except OSError:
        return 0.0


def read_file(source: Source, path: str, window: Window, report: FileReport, stop: Stop = never) -> Iterator[Chunk]:
    """Chunks of one file; problems end up in the report, as the other files still have to be read."""
    try:
        status = os.stat(path)
        report.size, report.modified = status.st_size, status.st_mtime
        if window.since is not None and status.st_mtime < window.since:
            report.complete = True  # written to the last time before the window began
            return
        if not os.path.isfile(path):
            raise LogsError(f"{path} is not a regular file")
        with open(path, "rb") as handle:
            packed = _is_packed(path, handle.read(SAMPLE))
            handle.seek(0)
            if packed:
                with gzip.open(handle, "rb") as stream:
                    yield from read_stream(source, path, stream, window, report, stop)
            else:
                yield from _backwards(source, path, handle.fileno(), window, report, stop)
    except (OSError, EOFError, zlib.error, LogsError) as error:
        report.complete = False
        why = error.strerror if isinstance(error, OSError) and error.strerror else str(error)
        report.problem = f"{type(error).__name__}: {why}" if not isinstance(error, LogsError) else str(error)


def _is_packed(path: str, beginning: bytes) -> bool:
    """A log may begin with any bytes, those of gzip too; what does not unpack is read as it is, unless its name says .gz."""
    if not beginning.startswith(b"\x1f\x8b"):
        return False
    try:
        zlib.decompressobj(16 + zlib.MAX_WBITS).decompress(beginning, 1)
    except zlib.error:
        return path.endswith(".gz")
    return True


def _backwards(source: Source, path: str, descriptor: int, window: Window, report: FileReport, stop: Stop) -> Iterator[Chunk]:
    size = os.fstat(descriptor).st_size
    sample = os.pread(descriptor, SAMPLE, 0) + b"\n" + os.pread(descriptor, SAMPLE, max(0, size - SAMPLE))
    cutter = Cutter(sample)
    report.size, report.mode = size, cutter.mode
    report.ends_inside_line = size > 0 and os.pread(descriptor, 1, size - 1) != b"\n"
    high = size
    while high > 0:
        reason = stop()
        if reason:
            report.problem = f"{reason}; the first {high} of {size} bytes were not read"
            return
        low = max(0, high - WINDOW)
        data = os.pread(descriptor, high - low, low)
        start = 0 if low == 0 else cutter.first(data)
        while start is None and high - low < LARGEST_WINDOW and low > 0:
            low = max(0, low - 2 * (high - low))
            data = os.pread(descriptor, high - low, low)
            start = 0 if low == 0 else cutter.first(data)
        if len(data) < high - low:
            report.problem = f"shrank from {size} bytes while it was read"
            return
        start = start or 0
        chunk = _chunk(source, path, cutter, report, data[start:] if start else data, low + start, last=high == size)
        chunk = replace(chunk, following=partial(_onwards, source, path, descriptor, cutter, report, high))
        report.bytes_read += len(chunk.data)
        oldest, newest = _note_times(chunk, report)
        if not (window.until is not None and oldest is not None and oldest > window.until):
            yield chunk
        if window.since is not None and newest is not None and newest < window.since:
            break
        high = low + start
    report.complete = True


def _onwards(source: Source, path: str, descriptor: int, cutter: Cutter, report: FileReport, position: int) -> Iterator[Chunk]:
    """From a record on towards the end of the file; nothing of it is counted or noted again."""
    end = min(report.size, position + FORWARD)
    while position < end:
        data = os.pread(descriptor, WINDOW, position)
        if not data:
            return
        cut = len(data) if position + len(data) >= report.size else cutter.last(data) or len(data)
        yield _chunk(source, path, cutter, report, data[:cut], position)
        position += cut


def _chunk(
    source: Source, file: str, cutter: Cutter, report: FileReport, data: bytes, offset: int,
    line: int | None = None, last: bool = False,
) -> Chunk:  # fmt: skip
    own = source.kind == "file" and cutter.spring
    return Chunk(data, offset, cutter, source.service, file, source.application, report.modified, line=line, last=last, own=own)


def _note_times(chunk: Chunk, report: FileReport) -> tuple[float | None, float | None]:
    """Oldest and newest time of some records of the chunk, noted in the report.

    Several records are asked, as a single one may carry a faked or a wrong time and must not end the reading.
    """
    data, cutter = chunk.data, chunk.cutter
    places = {0, cutter.last(data) or 0}
    for part in range(1, 4):
        position = len(data) * part // 4
        places.update((cutter.start(data, position), cutter.end(data, position)))
    times = [chunk.time_at(place) for place in sorted(places) if place < len(data)]
    known = [time for time in times if time is not None]
    if not known:
        return None, None
    report.first_time = min([*known, *([] if report.first_time is None else [report.first_time])])
    report.last_time = max([*known, *([] if report.last_time is None else [report.last_time])])
    return min(known), max(known)


def read_stream(source: Source, name: str, stream: Readable, window: Window, report: FileReport, stop: Stop = never) -> Iterator[Chunk]:
    """A log that can only be read forwards; a chunk ends before the record that may not be whole yet."""
    rest, offset, line = b"", 0, 1
    cutter: Cutter | None = None
    while True:
        reason = stop()
        if reason:
            report.problem = f"{reason}; read up to {report.bytes_read} bytes"
            return
        block = stream.read(WINDOW)
        report.bytes_read += len(block)
        data = rest + block
        if cutter is None:
            cutter = Cutter(data[:SAMPLE])
            report.mode = cutter.mode
        end: int | None = len(data)
        if block:
            end = cutter.last(data)
            if end is None and len(data) < LARGEST_WINDOW:
                rest = data
                continue
            end = len(data) if end is None else end
        if end:
            chunk = _chunk(source, name, cutter, report, data[:end], offset, line, last=not block)
            oldest, newest = _note_times(chunk, report)
            if not (window.since is not None and newest is not None and newest < window.since):
                yield chunk
            if window.until is not None and oldest is not None and oldest > window.until:
                break
            offset += end
            line += chunk.data.count(b"\n")
        if not block:
            report.ends_inside_line = bool(data) and not data.endswith(b"\n")
            break
        rest = data[end:]
    report.problem = stop()  # a stream may have ended because of it
    report.complete = not report.problem


def line_numbers(path: str, offsets: list[int]) -> dict[int, int]:
    """Line numbers of byte offsets of a plain file, counted once from its beginning; far ones are left out."""
    found: dict[int, int] = {}
    wanted = sorted(offset for offset in set(offsets) if offset <= LINES_UP_TO)
    try:
        with open(path, "rb") as handle:
            position, line = 0, 1
            for offset in wanted:
                while position < offset:
                    data = handle.read(min(1 << 20, offset - position))
                    if not data:
                        return found
                    line += data.count(b"\n")
                    position += len(data)
                found[offset] = line
    except OSError:
        pass
    return found
