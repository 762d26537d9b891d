# Copyright (c) 2026 dwp.backend contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

import gzip
import os
import random
import subprocess
import sys
from pathlib import Path

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from ansible_collections.dwp.backend.plugins.module_utils._logs import reader
from ansible_collections.dwp.backend.plugins.module_utils._logs.reader import FileReport, Source, files_of, read_file
from ansible_collections.dwp.backend.plugins.module_utils._logs.records import HEAD_BYTES, TAIL_BYTES, shorten
from ansible_collections.dwp.backend.plugins.module_utils._logs.window import Window

from . import helpers


@pytest.fixture
def small(monkeypatch):
    """Windows of some bytes, so that every cut is met by short logs."""

    def set_sizes(window: int, largest: int = 4096) -> None:
        monkeypatch.setattr(reader, "WINDOW", window)
        monkeypatch.setattr(reader, "LARGEST_WINDOW", largest)

    return set_sizes


def records_of(path, window: Window | None = None, **source):
    report = FileReport("svc", str(path))
    records = []
    for chunk in read_file(Source("svc", str(path), **source), str(path), window or Window(), report):
        for start, end in chunk.cutter.records(chunk.data):
            records.append((chunk.offset + start, chunk.data[start:end]))
    return sorted(records), report


def log_of(count: int, seed: int = 1, errors: float = 1.0) -> list[str]:
    rng = random.Random(seed)
    records = []
    for number in range(count):
        stack = "".join(f"\tat a.B.c(B.java:{line})\n" for line in range(rng.choice([0, 0, 0, 3, 30])))
        text = f"message {number} " + "x" * rng.choice([0, 5, 300])
        level = "ERROR" if rng.random() < errors else "INFO"
        records.append(helpers.boot(text + ("\n" + stack.rstrip("\n") if stack else ""), number, level))
    return records


@pytest.mark.parametrize("window", [100, 256, 1000, 1 << 20])
def test_backwards_gives_every_record_once_and_whole(tmp_path, small, window):
    small(window, 1 << 20)
    records = log_of(120)
    path = tmp_path / "a.log"
    path.write_text("".join(records))
    found, report = records_of(path)
    assert [raw.decode() for _offset, raw in found] == records
    assert report.complete and report.bytes_read == path.stat().st_size and not report.ends_inside_line


@pytest.mark.parametrize("window", [100, 1000, 1 << 20])
def test_a_compressed_log_gives_the_same(tmp_path, small, window):
    small(window, 1 << 20)
    records = log_of(60)
    path = tmp_path / "a.log.2026-11-22.0.gz"
    path.write_bytes(gzip.compress("".join(records).encode()))
    found, report = records_of(path)
    assert [raw.decode() for _offset, raw in found] == records and report.complete


@example([b"\x1f\x8b"], 40)  # how gzip begins
@settings(max_examples=60, deadline=None)
@given(st.lists(st.binary(max_size=120).map(lambda raw: raw.replace(b"\n", b" ")), max_size=20), st.integers(40, 400))
def test_no_byte_is_lost_or_read_twice(tmp_path_factory, lines, window):
    path = tmp_path_factory.mktemp("r") / "a.log"
    data = b"".join(line + b"\n" for line in lines) + helpers.boot("x").encode()
    path.write_bytes(data)
    old = reader.WINDOW, reader.LARGEST_WINDOW
    reader.WINDOW, reader.LARGEST_WINDOW = window, 4 * window
    try:
        found, _report = records_of(path)
    finally:
        reader.WINDOW, reader.LARGEST_WINDOW = old
    assert b"".join(raw for _offset, raw in found) == data
    assert [offset for offset, _raw in found] == sorted({offset for offset, _raw in found})


def test_reading_stops_where_the_window_begins(tmp_path, small):
    small(2000, 1 << 20)
    path = tmp_path / "a.log"
    path.write_text("".join(log_of(2000)))
    since = (helpers.START.timestamp()) + 1900
    os.utime(path, (since + 100, since + 100))
    _found, report = records_of(path, Window(since))
    assert report.complete and report.bytes_read < path.stat().st_size / 5


def test_a_faked_old_record_does_not_end_the_reading(tmp_path, small):
    """Each window would end the search if its last record were believed alone."""
    small(3000, 1 << 20)
    fake = "2020-01-01T00:00:00.000Z  INFO 1 --- [x] a.B : smuggled in\n"
    path = tmp_path / "a.log"
    path.write_text("".join(record + fake for record in log_of(300)))
    since = helpers.START.timestamp() + 10
    os.utime(path, (since + 400, since + 400))
    found, _report = records_of(path, Window(since))
    assert sum(b"message 20 " in raw for _offset, raw in found) == 1


def test_a_file_written_before_the_window_is_not_opened(tmp_path):
    path = tmp_path / "a.log"
    path.write_text("".join(log_of(5)))
    os.utime(path, (1000, 1000))
    found, report = records_of(path, Window(2000.0))
    assert not found and report.complete and report.bytes_read == 0


def test_a_line_of_megabytes_does_not_stop_the_rest(tmp_path):
    path = tmp_path / "a.log"
    path.write_text(helpers.boot("before") + helpers.boot("big " + "z" * (10 << 20)) + helpers.boot("after"))
    found, report = records_of(path)
    assert [len(raw) > 1 << 20 for _offset, raw in found] == [False, True, False] and report.complete


def test_a_line_beyond_every_window_is_cut_but_read(tmp_path, small):
    small(1000, 8000)
    path = tmp_path / "a.log"
    path.write_text(helpers.boot("before") + helpers.boot("big " + "z" * 60000) + helpers.boot("after"))
    found, report = records_of(path)
    text = b"".join(raw for _offset, raw in found)
    assert text == path.read_bytes() and report.complete


def test_a_log_that_ends_inside_a_line(tmp_path):
    path = tmp_path / "a.log"
    path.write_text(helpers.boot("whole") + helpers.boot("cut off in the middle")[:-8])
    found, report = records_of(path)
    assert report.ends_inside_line and len(found) == 2


@pytest.mark.parametrize("content", [b"", b"\n", b"\n\n\n", b"\x00" * 5000, b"no newline", b"   \n\tat x\n"])
def test_odd_files(tmp_path, content):
    path = tmp_path / "a.log"
    path.write_bytes(content)
    found, report = records_of(path)
    assert b"".join(raw for _offset, raw in found) == content and report.complete


PROBLEMS = [
    ("missing.log", None, "No such file"),
    ("dir.log", "dir", "not a regular file"),
    ("broken.gz", b"\x1f\x8b\x08\x00 this is no gzip", ""),
    ("short.gz", gzip.compress(b"x" * 100000, mtime=0)[:60], "end-of-stream"),
]


@pytest.mark.parametrize(("name", "content", "said"), PROBLEMS, ids=[problem[0] for problem in PROBLEMS])
def test_what_cannot_be_read_is_said(tmp_path, name, content, said):
    path = tmp_path / name
    if content == "dir":
        path.mkdir()
    elif content is not None:
        path.write_bytes(content)
    _found, report = records_of(path)
    assert report.problem and said in report.problem and not report.complete


def test_the_time_budget_ends_the_reading_and_says_how_far_it_got(tmp_path, small):
    small(1000, 1 << 20)
    path = tmp_path / "a.log"
    path.write_text("".join(log_of(200)))
    ticks = iter(range(100000))
    report = FileReport("svc", str(path))

    def stop():
        return "time budget used up" if next(ticks) > 3 else ""

    chunks = list(read_file(Source("svc", str(path)), str(path), Window(), report, stop))
    assert len(chunks) == 4 and not report.complete
    assert "time budget used up; the first " in report.problem and " were not read" in report.problem


def test_a_file_truncated_while_it_is_read(tmp_path, small):
    small(1000, 1 << 20)
    path = tmp_path / "a.log"
    path.write_text("".join(log_of(100)))
    report = FileReport("svc", str(path))
    chunks = read_file(Source("svc", str(path)), str(path), Window(), report)
    next(chunks)
    os.truncate(path, 10)
    assert list(chunks) == [] and "shrank" in report.problem and not report.complete


def test_rolled_files_are_found_newest_first(tmp_path):
    names = ["auth.log", "auth.log.2026-11-22.0.gz", "auth.log.1", "auth.log.2026-11-21.0.gz"]
    names += ["auth-2026-11-20.log", "auth.2026-11-19.log.gz"]
    others = ["auth.log.swp", "authority.log", "main.log", "auth.log.bak", "auth-service.log", "auth-2.txt~"]
    for age, name in enumerate(names + others):
        (tmp_path / name).write_text("x")
        os.utime(tmp_path / name, (1000 - age, 1000 - age))
    found = [Path(name).name for name in files_of(str(tmp_path / "auth.log"))]
    assert found == names


def test_a_name_with_brackets_is_no_pattern_for_its_rolled_files(tmp_path):
    for name in ("a[1].log", "a[1].log.1", "a1.log.1"):
        (tmp_path / name).write_text("x")
    found = {Path(name).name for name in files_of(str(tmp_path / "a[[]1].log"))}
    assert found == {"a[1].log", "a[1].log.1"}


def test_shorten_keeps_both_ends_and_no_half_word():
    raw = b"head " + b"a" * HEAD_BYTES + b" middle secret-" + b"b" * TAIL_BYTES + b" Caused by: end"
    short, cut = shorten(raw)
    assert cut and short.startswith(b"head") and short.endswith(b"Caused by: end") and b"bbb" not in short
    assert shorten(b"small") == (b"small", False)


def test_line_numbers(tmp_path):
    path = tmp_path / "a.log"
    path.write_bytes(b"a\nbb\nccc\n")
    assert reader.line_numbers(str(path), [5, 0, 2]) == {0: 1, 2: 2, 5: 3}
    assert reader.line_numbers(str(tmp_path / "none"), [0]) == {}


MEASURE = """
import re, sys
from tests.unit.logs import helpers
from ansible_collections.dwp.backend.plugins.module_utils._logs.reader import Source
def peak():
    # Not ru_maxrss: that one starts at what the parent had when it forked.
    return int(re.search(r"VmHWM:\\s+(\\d+)", open("/proc/self/status").read()).group(1))
base = peak()
found = helpers.read(sys.argv[1], ids=["3f0f2f6e-8a61-4f0b-9a53-2a1f4de1c6a7"], budget=300)
assert found["request_path"]["steps"], "found at the beginning of the file"
assert found["files"][0]["bytes_read"] >= int(sys.argv[2]), found["files"]
print(base // 1024, peak() // 1024)
"""


@pytest.mark.parametrize("gigabytes", [0.25, pytest.param(2, marks=pytest.mark.slow)])
def test_memory_is_bounded(tmp_path, gigabytes):
    """A log of gigabytes, with errors, different messages and a line of 10 MB, within 150 MB of resident memory."""
    size = int(gigabytes * (1 << 30))
    path = tmp_path / "big.log"
    block = "".join(log_of(20000, seed=3, errors=0.05)).encode()
    with open(path, "wb") as handle:
        handle.write(helpers.boot("first", mark="[3f0f2f6e-8a61-4f0b-9a53-2a1f4de1c6a7] ").encode())
        handle.write(helpers.boot("line " + "z" * (10 << 20)).encode())
        number = 0
        while handle.tell() < size:
            handle.write(block.replace(b"message ", b"message of user-%x " % number))
            number += 1
    root = Path(__file__).parents[3]
    environment = {**os.environ, "PYTHONPATH": f"{root}:{root / 'collections'}"}
    command = [sys.executable, "-c", MEASURE, str(path), str(size)]
    done = subprocess.run(command, capture_output=True, text=True, check=False, env=environment, cwd=root)
    assert done.returncode == 0, done.stderr[-2000:]
    base, peak = map(int, done.stdout.split())
    assert peak < 150, f"{peak} MB resident, {base} MB of it before reading"
