# Copyright (c) 2026 dwp.backend contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""One pass over a service's chunks: signatures, error groups, level counts, starts and stops.

Every log line is looked at by `bytes.find` only. Around what it finds the record is cut out, and what is left of it
after taking away digits and hexadecimal letters, its skeleton, decides which signatures can match at all. Skeletons are
remembered, so that the thousandth record of a flood costs a dictionary look-up. (A text that holds a literal also holds
that literal's skeleton in its own; the other way round is not sure, so the expressions decide.)
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass, field

from ansible_collections.dwp.backend.plugins.module_utils._logs import lifecycle
from ansible_collections.dwp.backend.plugins.module_utils._logs.formats import Record, time_of
from ansible_collections.dwp.backend.plugins.module_utils._logs.last_words import last_words
from ansible_collections.dwp.backend.plugins.module_utils._logs.records import Chunk, shorten
from ansible_collections.dwp.backend.plugins.module_utils._logs.templates import Group, group_for
from ansible_collections.dwp.backend.plugins.module_utils._logs.window import Window
from ansible_collections.dwp.backend.plugins.module_utils._signature_match import match_text
from ansible_collections.dwp.backend.plugins.module_utils._signatures import Match, Signature

GATES = (b"ERROR", b"WARN")
NOT_OWN = (b"Killed process", b"class file version", b"No space left on device")  # or at ERROR, or at the very end
DEBUG_ONLY = (b"Response took longer than timeout",)
REACH = 256 << 10  # how much a service may log between the order to stop and its end
AFTER_START = 3  # records behind "Starting" that are read whatever their level: the profile is told there
KEPT = 3
MOST_TIMES = 100000
MOST_SKELETONS = 20000
_SKELETON = b"0123456789abcdefABCDEF-"
_LEVEL = re.compile(rb"(?<![A-Za-z])(ERROR|WARN)(?![A-Za-z])")
_PID = re.compile(rb" (\d+) --- \[")
_ABSENT = re.compile(
    r"No static resource|NoResourceFoundException|NoHandlerFoundException|Missing required header|is not supported"
    r"|Authentication failed: path=|Full authentication is required"
)


@dataclass(frozen=True)
class Ignore:
    """What the caller's own probes leave behind: paths that they asked for, and when."""

    paths: tuple[str, ...] = ()
    windows: tuple[Window, ...] = ()

    def covers(self, record: Record, matches: Sequence[Match]) -> bool:
        """True for a record that tells only that such a path is absent or closed; a real failure behind it counts."""
        if not self.paths or any(not match.signature.by_probe for match in matches):
            return False
        if self.windows and not any(window.contains(record.time) for window in self.windows):
            return False
        text = record.text[:4000]
        if not matches and not _ABSENT.search(text):
            return False
        for path in self.paths:
            bare = re.escape(path.strip("/"))
            if bare and re.search(rf"(?<![\w-]){bare}(?![\w/-])", text):
                return True
        return False


@dataclass
class Hits:
    """All occurrences of one signature in one service."""

    signature: Signature
    count: int = 0
    times: list[float] = field(default_factory=list)
    newest: list[tuple[Record, Match]] = field(default_factory=list)
    oldest: tuple[Record, Match] | None = None
    by_pid: dict[int | None, list[float]] = field(default_factory=dict)  # count, suspects, first time

    def add(self, record: Record, match: Match, suspect: bool) -> None:
        self.count += 1
        if record.pid in self.by_pid or len(self.by_pid) < 1000:
            told = self.by_pid.setdefault(record.pid, [0, 0, record.time or 0.0])
            told[0] += 1
            told[1] += suspect
            told[2] = min(told[2], record.time or 0.0)
        if record.time is not None and len(self.times) < MOST_TIMES:
            self.times.append(record.time)
        if self.oldest is None or _order(record) < _order(self.oldest[0]):
            self.oldest = (record, match)
        self.newest.append((record, match))
        if len(self.newest) > KEPT:
            self.newest.sort(key=lambda pair: _order(pair[0]), reverse=True)
            del self.newest[KEPT:]

    def suspects(self, edges: lifecycle.Boundaries) -> int:
        """Records that the service most likely did not write: their process never logged its start in this log."""
        total = 0.0
        for pid, (count, suspects, first) in self.by_pid.items():
            foreign = pid is not None and edges.pids and pid not in edges.pids and first >= (edges.first_starting or 0.0)
            total += count if foreign else suspects
        return int(total)


def _order(record: Record) -> tuple[float, int]:
    return (record.time if record.time is not None else 0.0, record.offset)


class Scan:
    """Collects what the chunks of one service say; feed it with `chunk()`."""

    def __init__(
        self,
        service: str,
        signatures: Sequence[Signature],
        window: Window,
        environment: str = "",
        ignore: Ignore | None = None,
        levels: Sequence[str] = ("ERROR",),
        names: Sequence[str] = (),
    ) -> None:
        self.service, self.window, self.environment = service, window, environment
        self.ignore = ignore or Ignore()
        self.levels = set(levels)
        self.names = (service, f"dwp-{service}", *names)
        self.hits: dict[str, Hits] = {}
        self.groups: dict[tuple[str, ...], Group] = {}
        self.counts: dict[str, int] = {}
        self.events: list[lifecycle.Event] = []
        self.discounted = 0
        self.last_words: list[str] = []
        self.truncated = 0
        self._signatures = [signature for signature in signatures if signature.patterns]
        self._anywhere = sorted({s.anywhere.encode() for s in self._signatures if s.anywhere})
        self._always = [s for s in self._signatures if not all(s.literals)]
        self._literals: dict[bytes, list[Signature]] = {}
        for signature in self._signatures:
            for literal in signature.literals:
                if literal:
                    self._literals.setdefault(literal.encode().translate(None, _SKELETON), []).append(signature)
        self._heads: dict[bytes, tuple[str, tuple[Signature, ...]]] = {}
        self._flood: dict[bytes, str] = {}  # levels of those heads that need no second look
        self._rests: dict[bytes, tuple[Signature, ...]] = {}
        self._known_groups: dict[tuple[bytes, bytes], Group] = {}
        self._places: set[tuple[str, int]] = set()
        self._told: dict[tuple[float, int], str] = {}
        self._line = (0, 0)

    def chunk(self, chunk: Chunk) -> None:
        data, cutter = chunk.data, chunk.cutter
        done: set[int] = set()
        self._line = (0, chunk.line or 0)
        if chunk.following and chunk.own:
            self._lives(chunk, done)
        else:
            for anchor in lifecycle.ANCHORS if chunk.own else lifecycle.ANCHORS + lifecycle.EXIT_ANCHORS:
                position = data.find(anchor)
                while position >= 0:
                    start, end = self._event(chunk, position)
                    if anchor is lifecycle.STARTING:
                        self._after_start(chunk, end, done)
                    position = data.find(anchor, end)
        counts = self.counts
        # Whether a record that no signature can match and no group wants needs no second look.
        dull = not self._always and not self.ignore.paths and self._inside(chunk)
        flood = (self._flood if dull else {}).get
        find, rfind, is_head, next_head = data.find, data.rfind, cutter.head.match, cutter.next.search
        for anchor in (*GATES, *(a for a in self._anywhere if self._possible(a, chunk))):
            position = find(anchor)
            while position >= 0:
                start = rfind(b"\n", 0, position) + 1
                newline = find(b"\n", position)
                if newline >= 0 and is_head(data, newline + 1):
                    end = newline + 1  # a single line, and most often one of a flood: of a known head, so it is one itself
                    level = flood(data[start:newline].translate(None, _SKELETON))
                    if level is not None:
                        counts[level] = counts.get(level, 0) + 1
                        done.add(start)
                        position = find(anchor, end)
                        continue
                else:
                    match = next_head(data, position)
                    end = match.end() if match else len(data)
                if start and not is_head(data, start):
                    start = cutter.start(data, start - 1)
                if start not in done:
                    done.add(start)
                    self._record(chunk, start, end)
                position = find(anchor, end)
        if chunk.last and data:
            self.last_words = last_words(data, cutter) or self.last_words
            # What a dying JVM prints itself continues the last record, whatever its level.
            start = cutter.last(data) or 0
            if start not in done:
                self._record(chunk, start, len(data))

    def _inside(self, chunk: Chunk) -> bool:
        """Whether the chunk lies within the window from its first to its last record."""
        if self.window.since is None and self.window.until is None:
            return True
        ends = (0, chunk.cutter.last(chunk.data) or 0)
        return bool(chunk.data) and all(self.window.contains(chunk.time_at(place)) for place in ends)

    @staticmethod
    def _possible(anchor: bytes, chunk: Chunk) -> bool:
        """Spares a pass for what the kernel or the JVM say outside of a service's log, and for DEBUG where it is off."""
        if chunk.own and anchor in NOT_OWN:
            return False
        return anchor not in DEBUG_ONLY or b"DEBUG" in chunk.data[:65536] or b"DEBUG" in chunk.data[-65536:]

    def _lives(self, chunk: Chunk, done: set[int]) -> None:
        """Starts by one pass; what belongs to a start is looked for behind it, an orderly end before it or at the end."""
        data = chunk.data
        position = data.find(lifecycle.STARTING)
        before = 0
        while position >= 0:
            start, end = self._event(chunk, position)
            self._after_start(chunk, end, done)
            self._all_events(chunk, lifecycle.STOPPING, max(before, start - REACH), start)
            follows = data.find(lifecycle.STARTING, end)
            if not self._all_events(chunk, lifecycle.STARTED, end, follows if follows >= 0 else len(data)) and follows < 0:
                self._started_later(chunk)
            position, before = follows, end
        self._all_events(chunk, lifecycle.STOPPING, max(before, len(data) - REACH), len(data))

    def _started_later(self, chunk: Chunk) -> None:
        """A start at the end of a chunk: its success stands in one of the chunks behind, before the next start."""
        for later in chunk.following() if chunk.following else ():
            limit = later.data.find(lifecycle.STARTING)
            if self._all_events(later, lifecycle.STARTED, 0, limit if limit >= 0 else len(later.data)) or limit >= 0:
                return

    def _all_events(self, chunk: Chunk, anchor: bytes, begin: int, end: int) -> bool:
        position = chunk.data.find(anchor, begin, end)
        found = position >= 0
        while position >= 0:
            _start, behind = self._event(chunk, position)
            position = chunk.data.find(anchor, behind, end)
        return found

    def _event(self, chunk: Chunk, position: int) -> tuple[int, int]:
        """Notes the event that the record around this place tells, once."""
        start, end = chunk.cutter.start(chunk.data, position), chunk.cutter.end(chunk.data, position)
        record = chunk.record(start, end)
        event = lifecycle.event_of(record, self.names)
        place = (chunk.file, record.offset)
        # Events before the window still tell since when the service runs; their chunk was read anyway.
        if event is not None and place not in self._places and self.window.contains(record.time, only_until=True):
            self._places.add(place)
            self._locate(chunk, record, start)
            self.events.append(event)
        return start, end

    def _after_start(self, chunk: Chunk, position: int, done: set[int]) -> None:
        for _number in range(AFTER_START):
            if position >= len(chunk.data):
                return
            end = chunk.cutter.end(chunk.data, position)
            if position not in done:
                done.add(position)
                self._record(chunk, position, end)
            position = end

    def _record(self, chunk: Chunk, start: int, end: int) -> None:
        raw = chunk.data[start:end]
        if len(raw) > 65536:
            raw, _cut = shorten(raw)
        head, _newline, rest = raw.partition(b"\n")
        head_key = head.translate(None, _SKELETON)
        known = self._heads.get(head_key)
        if known is None:
            known = self._learn(head, head_key)
        level, candidates = known
        rest_key = b""
        if rest:
            rest_key = rest.translate(None, _SKELETON)
            more = self._rests.get(rest_key)
            if more is None:
                more = self._candidates(rest_key)
                if len(self._rests) > MOST_SKELETONS // 10:
                    self._rests.clear()
                self._rests[rest_key] = more
            if more:
                candidates = (*candidates, *(one for one in more if one not in candidates))
        wanted = level in self.levels
        time = time_of(chunk.data, start)
        if time is None:
            time = chunk.time_at(start)
        if not self.window.contains(time) or self._twin(chunk.file, time, raw):
            return
        if candidates or self._always or (self.ignore.paths and self._mentions_ignored(raw)):
            record = chunk.record(start, end)
            matches = match_text(record.text, (*candidates, *self._always), self.environment)
            if self.ignore.covers(record, matches):
                self.discounted += 1
                return
            self._note(chunk, start, end, record, matches)
        self.counts[level] = self.counts.get(level, 0) + 1
        if wanted:
            self._group(chunk, start, end, (head_key, rest_key), time)

    def _twin(self, file: str, time: float | None, raw: bytes) -> bool:
        """The console of a service repeats what its log says, with the thread cut off; told once, it counts once."""
        if time is None:
            return False
        key = (time, hash(raw[max(0, raw.find(b" : ")) :].rstrip()))
        if len(self._told) < MOST_TIMES:
            return self._told.setdefault(key, file) != file
        return self._told.get(key, file) != file

    def _learn(self, head: bytes, key: bytes) -> tuple[str, tuple[Signature, ...]]:
        match = _LEVEL.search(head[:400])
        level = match[1].decode() if match and b" --- " not in head[: match.start()] else ""
        if head.lstrip(b"\x00").startswith(b"{"):
            level = self._structured_level(head)
        found = (level, self._candidates(key))
        if len(self._heads) > MOST_SKELETONS:
            self._heads.clear()
            self._flood.clear()
            self._known_groups.clear()
        self._heads[key] = found
        if not found[1] and level not in self.levels:
            self._flood[key] = level
        return found

    @staticmethod
    def _structured_level(head: bytes) -> str:
        match = re.search(rb'"(?:log\.level|level|_level_name)"\s*:\s*"(ERROR|WARN)', head)
        return match[1].decode() if match else ""

    def _candidates(self, key: bytes) -> tuple[Signature, ...]:
        found: list[Signature] = []
        for literal, signatures in self._literals.items():
            if literal in key:
                found.extend(one for one in signatures if one not in found)
        return tuple(found)

    def _mentions_ignored(self, raw: bytes) -> bool:
        beginning = raw[:4000]
        return any(path.strip("/").encode() in beginning for path in self.ignore.paths if path.strip("/"))

    def _note(self, chunk: Chunk, start: int, end: int, record: Record, matches: list[Match]) -> None:
        if not matches:
            return
        self.truncated += record.truncated
        self._locate(chunk, record, start)
        event = lifecycle.event_of(record, self.names)
        if event is not None and event.kind == "failed":
            self.events.append(event)
        suspect = self._suspect(chunk, start, end, record)
        for match in matches:
            hits = self.hits.setdefault(match.signature.id, Hits(match.signature))
            hits.add(record, match, suspect)

    def _suspect(self, chunk: Chunk, start: int, end: int, record: Record) -> bool:
        """A line that somebody smuggled in through a request: another PID than the records around it have."""
        if record.pid is None or record.format != "text" or start == 0:
            return False
        data = chunk.data
        before = _PID.search(data, chunk.cutter.start(data, start - 1), start)
        after = _PID.search(data, end, min(len(data), end + 400))
        own = str(record.pid).encode()
        return before is not None and after is not None and before[1] == after[1] != own

    def _group(self, chunk: Chunk, start: int, end: int, key: tuple[bytes, bytes], time: float | None) -> None:
        group = self._known_groups.get(key)
        if group is None:
            record = chunk.record(start, end)
            self._locate(chunk, record, start)
            group = group_for(self.groups, record)
            self._known_groups[key] = group
        group.add(time)
        if group.newest is None or (time or 0.0) > (group.newest.time or 0.0):
            group.newest = chunk.record(start, end)
            self._locate(chunk, group.newest, start)

    def _locate(self, chunk: Chunk, record: Record, start: int) -> None:
        """The line number, where the reader counts lines; counted on from the last one asked for."""
        if chunk.line is None:
            return
        position, line = self._line
        if start < position:
            position, line = 0, chunk.line
        line += chunk.data.count(b"\n", position, start)
        self._line = (start, line)
        record.line = line
