# Copyright (c) 2026 dwp.backend contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Cutting records, with all their continuation lines, out of a window of bytes."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass

from ansible_collections.dwp.backend.plugins.module_utils._logs.formats import Record, head_of, parse, time_of

# A record longer than this is read as its beginning and its end: the head, and the deepest "Caused by".
HEAD_BYTES = 192 * 1024
TAIL_BYTES = 64 * 1024


@dataclass(frozen=True)
class Chunk:
    """A piece of one log that begins with the head of a record (or the log's own beginning)."""

    data: bytes
    offset: int
    cutter: Cutter
    service: str
    file: str
    application: str = ""
    near: float | None = None  # a time to fall back on: that of the file
    line: int | None = None  # number of the chunk's first line, where it is known
    last: bool = False  # the log ends with this chunk
    # When reading backwards: what lies behind this chunk, read again on demand.
    following: Callable[[], Iterator[Chunk]] | None = None
    own: bool = True  # only the service writes here, neither a manager nor the kernel

    def record(self, start: int, end: int) -> Record:
        raw, truncated = shorten(self.data[start:end])
        record = parse(raw, self.service, self.file, self.offset + start, self.application, self.near)
        record.truncated = truncated
        return record

    def time_at(self, start: int) -> float | None:
        """Time of the record that begins here; a raw line takes that of its neighbour, else of the file."""
        found = time_of(self.data, start)
        if found is not None:
            return found
        return self.record(start, self.cutter.end(self.data, start)).time


class Cutter:
    """Knows how records of one log begin; built from a sample of it."""

    def __init__(self, sample: bytes) -> None:
        self.mode, head = head_of(sample)
        self.spring = self.mode == "json" or b" --- [" in sample or b'"@timestamp"' in sample
        self.head = re.compile(head)
        self.next = re.compile(rb"\n(?=" + head + rb")")

    def is_head(self, data: bytes, position: int) -> bool:
        return self.head.match(data, position) is not None

    def first(self, data: bytes) -> int | None:
        """Where the first record begins that certainly begins inside `data`; None when none does."""
        match = self.next.search(data)
        return match.end() if match else None

    def last(self, data: bytes) -> int | None:
        """Where the last record begins; looks back from the end, so that long chunks cost nothing."""
        end = len(data)
        while end > 0:
            newline = data.rfind(b"\n", 0, end)
            if newline < 0:
                return None
            if self.is_head(data, newline + 1):
                return newline + 1
            end = newline
        return None

    def start(self, data: bytes, position: int) -> int:
        """Beginning of the record that holds `position`."""
        end = position
        while True:
            line = data.rfind(b"\n", 0, end) + 1
            if line == 0 or self.is_head(data, line):
                return line
            end = line - 1

    def end(self, data: bytes, position: int) -> int:
        """End of the record that holds `position`, its newline included."""
        match = self.next.search(data, position)
        return match.end() if match else len(data)

    def records(self, data: bytes) -> Iterator[tuple[int, int]]:
        position = 0
        while position < len(data):
            end = self.end(data, position)
            yield position, end
            position = end


def shorten(raw: bytes) -> tuple[bytes, bool]:
    """Head and tail of a huge record; the tail begins after a blank, so that no half of a secret stands alone."""
    if len(raw) <= HEAD_BYTES + TAIL_BYTES:
        return raw, False
    head, tail = raw[:HEAD_BYTES], raw[-TAIL_BYTES:]
    cut = max(head.rfind(b" "), head.rfind(b"\n"))
    blank = re.search(rb"\s", tail)
    return head[: max(cut, 0)] + b" [...]\n" + (tail[blank.end() :] if blank else b""), True
