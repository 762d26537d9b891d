# Copyright (c) 2026 dwp.backend contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

import subprocess
import time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ansible_collections.dwp.backend.plugins.module_utils._envfile import encode
from ansible_collections.dwp.backend.plugins.module_utils._processes import (
    Found,
    Process,
    ProcessError,
    find_by_marker,
    is_alive,
    outermost,
    parse_boot_time,
    parse_cmdline,
    parse_environ,
    parse_stat,
    read_process,
    since,
    started_at,
)

STAT = "{pid} ({command}) {state} {parent} 1 1 0 -1 4194560 9 8 7 6 5 4 3 2 20 0 1 0 {ticks} 1 2 3 4"
TEXT = st.text(st.characters(exclude_characters="\0", exclude_categories=["Cs"]))


def write(proc, pid, environ=b"", cmdline=b"", state="S", parent=1, ticks=500, command="java"):
    folder = proc / str(pid)
    folder.mkdir()
    (folder / "stat").write_text(STAT.format(pid=pid, command=command, state=state, parent=parent, ticks=ticks))
    (folder / "environ").write_bytes(environ)
    (folder / "cmdline").write_bytes(cmdline)


@given(st.dictionaries(st.from_regex(r"[A-Z_][A-Z0-9_]*", fullmatch=True), TEXT))
def test_environ_round_trip(values):
    data = b"".join(encode(f"{name}={value}") + b"\0" for name, value in values.items())
    assert parse_environ(data) == values


@given(st.lists(TEXT, min_size=1))
def test_cmdline_round_trip(arguments):
    assert parse_cmdline(b"".join(encode(argument) + b"\0" for argument in arguments)) == tuple(arguments)


@given(st.binary())
def test_no_bytes_are_too_strange(data):
    parse_environ(data)
    parse_cmdline(data)


def test_first_of_equal_names_counts_and_entries_without_name_or_sign_are_left_out():
    assert parse_environ(b"A=1\0A=2\0nothing\0=x\0B=\0") == {"A": "1", "B": ""}


def test_kernel_threads_have_no_arguments():
    assert parse_cmdline(b"") == ()


def test_a_command_may_hold_blanks_and_brackets():
    stat = parse_stat(STAT.format(pid=7, command="a) R (b", state="S", parent=3, ticks=42))
    assert stat == (7, "a) R (b", "S", 3, 42)


@pytest.mark.parametrize("text", ["", "7 (java) S", "x (java) S 1 2", "7 java S 1 2 3"])
def test_what_is_no_stat_line_is_said_to_be_none(text):
    with pytest.raises(ValueError, match="not a line of"):
        parse_stat(text)


def test_start_time_comes_from_boot_time_and_ticks():
    assert started_at(12_345, parse_boot_time("cpu 1 2\nbtime 1700000000\nprocesses 5\n"), 100) == 1_700_000_123.45
    with pytest.raises(ValueError, match="no btime"):
        parse_boot_time("cpu 1 2\n")


def test_reads_one_process(tmp_path):
    write(tmp_path, 12, b"DWP_SERVICE=auth\0A=x y\0", b"java\0-jar\0\0", ticks=99, parent=3)
    assert read_process(12, str(tmp_path)) == Process(
        12, 99, "S", 3, ("java", "-jar", ""), {"DWP_SERVICE": "auth", "A": "x y"}
    )


@pytest.mark.parametrize("state", ["Z", "X"])
def test_a_zombie_is_gone(tmp_path, state):
    write(tmp_path, 12, state=state)
    with pytest.raises(ProcessError, match="process 12 has ended") as caught:
        read_process(12, str(tmp_path))
    assert caught.value.cause == "gone"
    assert not is_alive(12, 500, str(tmp_path))


def test_no_such_process(tmp_path):
    with pytest.raises(ProcessError, match="there is no process 12") as caught:
        read_process(12, str(tmp_path))
    assert caught.value.cause == "gone"


def test_an_id_used_again_is_another_process(tmp_path):
    write(tmp_path, 12, ticks=500)
    assert is_alive(12, 500, str(tmp_path))
    assert not is_alive(12, 501, str(tmp_path))
    assert not is_alive(13, 500, str(tmp_path))


def test_finds_by_marker_and_value_in_order(tmp_path):
    write(tmp_path, 30, b"X=1\0DWP_RELEASE=b\0")
    write(tmp_path, 4, b"DWP_RELEASE=a\0X=DWP_RELEASE=c\0")
    write(tmp_path, 5, b"NOT_DWP_RELEASE=a\0X=DWP_RELEASE=a\0")
    write(tmp_path, 6, b"DWP_RELEASE=a\0", state="Z")
    (tmp_path / "7").mkdir()  # ended between the listing and the reading
    (tmp_path / "meminfo").write_text("")
    found = find_by_marker("DWP_RELEASE", proc=str(tmp_path))
    assert [process.pid for process in found.processes] == [4, 30]
    assert [process.pid for process in find_by_marker("DWP_RELEASE", "b", str(tmp_path)).processes] == [30]
    assert find_by_marker("DWP_RELEASE", "c", str(tmp_path)) == Found((), 0)


def test_outermost_leaves_out_children_that_inherited_the_marker(tmp_path):
    write(tmp_path, 10, b"M=1\0", parent=1)
    write(tmp_path, 11, b"M=1\0", parent=10)
    write(tmp_path, 20, b"M=1\0", parent=1)
    found = find_by_marker("M", proc=str(tmp_path))
    assert [process.pid for process in outermost(found.processes)] == [10, 20]


def test_since_is_exact_to_a_fraction_of_a_second():
    before = time.time()
    with subprocess.Popen(["sleep", "10"]) as process:
        assert before - 0.05 <= since(process.pid) <= time.time() + 0.05
        process.kill()
    assert since(process.pid) == 0.0
