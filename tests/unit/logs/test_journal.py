# Copyright (c) 2026 dwp.backend contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

import json
import os
import stat
import time

import pytest

from ansible_collections.dwp.backend.plugins.module_utils._logs import journal
from ansible_collections.dwp.backend.plugins.module_utils._logs.reader import Source
from ansible_collections.dwp.backend.plugins.module_utils._logs.window import Window

from . import helpers

UNIT = "dwp-auth.service"


def entry(message, second=0.0, **fields):
    stamp = str(int((helpers.START.timestamp() + second) * 1e6))
    base = {"MESSAGE": message, "__REALTIME_TIMESTAMP": stamp, "_PID": "4711", "SYSLOG_IDENTIFIER": "java", "PRIORITY": "6"}
    return json.dumps({**base, **fields}).encode() + b"\n"


def test_the_command_is_a_list_and_the_unit_one_argument():
    command = journal.argv("--help; rm -rf /", Window(1000.4, 2000.0))
    assert command[-3:] == ["--unit=--help; rm -rf /", "--since=@1000", "--until=@2001"]
    assert "--lines=200000" in journal.argv(UNIT, Window())
    assert "--dmesg" in journal.argv("", Window(1.0), kernel=True)


LINES = [
    (entry("2026-11-23T01:30:00.000Z  INFO 1 --- [main] a.B : x"), b"2026-11-23T01:30:00.000Z  INFO 1 --- [main] a.B : x\n"),
    (entry("\tat a.B.c(B.java:1)"), b"\tat a.B.c(B.java:1)\n"),
    (entry([226, 130, 255, 65]), b"\xe2\x82\xffA\n"),
    (entry(None), b"\n"),
    (entry("Main process exited, code=killed, status=9/KILL", 1, SYSLOG_IDENTIFIER="systemd", _PID="1", PRIORITY="5"),
     b"2026-11-23T01:30:01.000Z  INFO 1 --- [journal] systemd : Main process exited, code=killed, status=9/KILL\n"),
    (entry("Out of memory: Killed process 1 (java)", 2, SYSLOG_IDENTIFIER="kernel", PRIORITY="3", _PID=None),
     b"2026-11-23T01:30:02.000Z ERROR 0 --- [journal] kernel : Out of memory: Killed process 1 (java)\n"),
]  # fmt: skip


@pytest.mark.parametrize(("raw", "line"), LINES)
def test_an_entry_becomes_what_the_service_wrote(raw, line):
    assert journal.line_of(json.loads(raw)) == line


def test_broken_entries_are_skipped():
    stream = journal.JournalStream([b"no json\n", entry("a"), b"[1]\n"])
    assert stream.read() == b"a\n" and stream.skipped == 1


@pytest.fixture
def journalctl(tmp_path):
    """A journalctl of ours: writes down its arguments and prints recorded entries, as no journal runs where tests run."""

    def make(entries: bytes, status: int = 0, said: str = ""):
        (tmp_path / "entries").write_bytes(entries)
        script = tmp_path / "journalctl"
        script.write_text(f'#!/bin/sh\nprintf "%s\\n" "$@" > {tmp_path}/argv\ncat {tmp_path}/entries\necho "{said}" >&2\nexit {status}\n')
        script.chmod(script.stat().st_mode | stat.S_IXUSR)
        return str(script)

    return make


def ask(program, kind="journald", **request):
    return helpers.read(sources=[Source("auth", "", kind, UNIT)], journalctl=program, **request)


def test_a_unit_is_read_with_its_stack_traces_and_its_exit(journalctl, tmp_path):
    text = helpers.starting(0) + helpers.boot(
        "Application run failed\n\njava.lang.X: y\n\tat a.B.c(B.java:1)\nCaused by: Connection to db:5432 refused", 3
    )
    entries = b"".join(entry(line) for line in text.splitlines())
    entries += entry("dwp-auth.service: Main process exited, code=exited, status=1/FAILURE", 4, SYSLOG_IDENTIFIER="systemd", _PID="1")
    found = ask(journalctl(entries), window=Window(helpers.START.timestamp() - 5))
    service = found["services"]["auth"]
    assert service["state"] == "died during startup" and service["starts"][0]["exit_status"] == 1
    assert helpers.ids(service) == ["PG_REFUSED"]
    proof = service["signatures"][0]["evidence"][0]
    assert proof["file"] == f"journal:{UNIT}" and "Caused by: Connection to db:5432 refused" in proof["record"]
    assert f"--unit={UNIT}" in (tmp_path / "argv").read_text().splitlines()


def test_the_kernel_tells_who_was_killed(journalctl):
    raw = entry("Out of memory: Killed process 4711 (java) total-vm:1kB", 1, SYSLOG_IDENTIFIER="kernel", PRIORITY="3", _PID=None)
    service = ask(journalctl(raw), "kernel")["services"]["auth"]
    assert [(one["id"], one["groups"]) for one in service["signatures"]] == [("OOM_KILLED", {"pid": "4711"})]


def test_a_journal_that_cannot_be_read_is_said(journalctl, tmp_path):
    found = ask(journalctl(b"", 1, "No journal files were opened due to insufficient permissions."))
    why = found["not_checked"][0]["why"]
    assert "journalctl ended with 1" in why and "insufficient permissions" in why and "systemd-journal" in why
    missing = ask(str(tmp_path / "nothing"))["not_checked"][0]["why"]
    assert "cannot be run" in missing and "give the service's log file as `path` instead" in missing


@pytest.mark.parametrize("command", ["yes", "sleep"])
def test_a_journal_without_end_is_stopped_and_leaves_no_process(tmp_path, command):
    line = entry("x").decode().strip()
    endless = {"yes": f"exec yes '{line}'", "sleep": f"echo '{line}'; exec sleep 60"}[command]
    script = tmp_path / "journalctl"
    script.write_text(f"#!/bin/sh\necho $$ > {tmp_path}/pid\n{endless}\n")
    script.chmod(0o755)
    begin = time.monotonic()
    found = ask(str(script), budget=0.5)
    assert time.monotonic() - begin < 5
    assert "time budget used up" in found["not_checked"][0]["why"]
    with pytest.raises(ProcessLookupError):
        os.kill(int((tmp_path / "pid").read_text()), 0)
