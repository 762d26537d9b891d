# Copyright (c) 2026 dwp.backend contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

import re
from datetime import datetime, timezone

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ansible_collections.dwp.backend.plugins.module_utils._logs import formats
from ansible_collections.dwp.backend.plugins.module_utils._logs.formats import head_of, parse, time_of
from ansible_collections.dwp.backend.plugins.module_utils._logs.window import iso

from . import helpers

HEAD = re.compile(r"^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}(?:Z|[+-]\d\d:\d\d)\s+(?:TRACE|DEBUG|INFO|WARN|ERROR)\s+\d+ --- ")
LINE = "2026-11-23T01:42:41.133Z  INFO 4711 --- {context}t.App : hello"
UUID = "3f0f2f6e-8a61-4f0b-9a53-2a1f4de1c6a7"
TRACE = "0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331"
CONTEXTS = [
    ("[main] ", "", "main", {}),
    ("[           main] ", "", "main", {}),
    ("[auth] [           main] ", "auth", "main", {}),
    ("[auth] [dwp] [nio-8001-exec-1] ", "auth", "nio-8001-exec-1", {}),
    (f"[auth] [main] [correlationId={UUID}] ", "auth", "main", {"correlationId": UUID}),
    ("[auth] [main] [correlationId=] ", "auth", "main", {}),
    ("[auth] [main] [correlationId=abc-1, traceId=t-2] ", "auth", "main", {"correlationId": "abc-1", "traceId": "t-2"}),
    (f"[auth] [main] [{TRACE}] ", "auth", "main", {"correlationId": TRACE}),
    ("[auth] [main] [                                                 ] ", "auth", "main", {}),
    (f"[main] [correlationId={UUID}]", "", "main", {"correlationId": UUID}),
]


@pytest.mark.parametrize(("context", "app", "thread", "ids"), CONTEXTS)
def test_brackets_of_boot(context, app, thread, ids):
    record = parse(LINE.format(context=context).encode(), "auth", "f", 0)
    assert (record.app, record.thread, record.ids) == (app, thread, ids)
    assert (record.level, record.pid, record.logger, record.message) == ("INFO", 4711, "t.App", "hello")


def test_a_known_application_tells_group_and_name_apart():
    raw = LINE.format(context="[dwp] [auth] [main] ").encode()
    assert parse(raw, "auth", "f", 0, "auth").app == "auth"


def test_correlation_beside_the_level_as_the_runbooks_alternative_writes_it():
    raw = b"2026-11-23T01:42:41.133Z  INFO [correlationId=abc-1] 4711 --- [auth] [main] t.App : hello"
    record = parse(raw, "auth", "f", 0)
    assert record.ids == {"correlationId": "abc-1"} and record.message == "hello"


@pytest.mark.parametrize("path", sorted(helpers.DATA.glob("*.txt")), ids=lambda path: path.name)
def test_every_head_of_real_logs_is_understood(path):
    lines = path.read_text().splitlines()
    heads = [line for line in lines if HEAD.match(line)]
    assert heads
    for line in heads:
        record = parse(line.encode(), "s", "f", 0)
        assert record.format == "text" and record.time and record.level and record.thread and record.logger, line
        assert line.endswith(record.message)


@pytest.mark.parametrize("kind", ["ecs", "logstash", "gelf"])
def test_every_line_of_real_structured_logs(kind):
    records = [parse(line, "s", "f", 0) for line in (helpers.DATA / f"st_{kind}.log").read_bytes().splitlines()]
    assert {record.format for record in records} == {kind}
    assert all(record.time and record.level and record.logger and record.thread for record in records)
    assert [record.ids for record in records if record.message == "hello called"] == [{"correlationId": "abc-123"}]
    error = next(record for record in records if record.level == "ERROR")
    assert error.stack.startswith("java.lang.IllegalStateException: boom\n\tat t.App.boom(App.java:22)")
    assert "boom" in error.message and "\tat" not in error.message


def test_nested_ecs_is_read_too():
    raw = b'{"@timestamp":"2026-11-23T01:46:06Z","log":{"level":"ERROR","logger":"a.B"},"process":{"pid":7},"message":"m"}'
    record = parse(raw, "s", "f", 0)
    assert (record.level, record.logger, record.pid, record.message) == ("ERROR", "a.B", 7, "m")


OTHERS = [
    (b"01:30:47.756 [main] ERROR org.springframework.boot.diagnostics.LoggingFailureAnalysisReporter --", "bare", "ERROR", ""),
    (b"2026-11-23 06:45:01,123 WARN exited: auth (exit status 1; not expected)", "plain", "WARN",
     "exited: auth (exit status 1; not expected)"),
    (b"2026-11-23 06:45:01,123 CRIT Supervisor is running as root.", "plain", "ERROR", "Supervisor is running as root."),
    (b"Nov 23 01:40:02 app-01 kernel: Out of memory: Killed process 1 (java)", "syslog", "",
     "Out of memory: Killed process 1 (java)"),
    (b"[ 1234.567890] Out of memory: Killed process 1 (java)", "plain", "", "Out of memory: Killed process 1 (java)"),
    (b"Error: Unable to access jarfile app.jar", "plain", "", "Error: Unable to access jarfile app.jar"),
    (b"\x1b[2m2026-11-23T01:42:41.133Z\x1b[0;39m \x1b[31mERROR\x1b[0;39m \x1b[35m4711\x1b[0;39m \x1b[2m--- [main]\x1b[0;39m "
     b"\x1b[36mt.App\x1b[0;39m \x1b[2m:\x1b[0;39m boom", "text", "ERROR", "boom"),
    (b"\x00\x00\x002026-11-23T01:42:41.133Z ERROR 1 --- [main] t.App : boom", "text", "ERROR", "boom"),
    (b"\xef\xbb\xbf2026-11-23T01:42:41.133Z ERROR 1 --- [main] t.App : boom", "text", "ERROR", "boom"),
    ("2026-11-23T01:42:41.133+09:00 ERROR 1 --- [main] t.App : 권한 검증".encode(), "text", "ERROR", "권한 검증"),
]  # fmt: skip


@pytest.mark.parametrize(("raw", "kind", "level", "message"), OTHERS)
def test_other_forms(raw, kind, level, message):
    record = parse(raw, "s", "f", 0, near=helpers.START.timestamp())
    assert (record.format, record.level, record.message) == (kind, level, message)


TIMES = [
    (b"2026-11-23T01:42:41.133Z", "2026-11-23T01:42:41.133Z"),
    (b"2026-11-23T01:42:41.133456789Z", "2026-11-23T01:42:41.133Z"),
    (b"2026-11-23T10:42:41.133+09:00", "2026-11-23T01:42:41.133Z"),
    (b"2026-11-22T20:42:41-0500", "2026-11-23T01:42:41.000Z"),
    (b'{"version":"1.1","short_message":"x","timestamp":1795398161.133,', "2026-11-23T01:42:41.133Z"),
    (b"2026-13-23T01:42:41.133Z", None),
    (b"nothing", None),
]


@pytest.mark.parametrize(("raw", "expected"), TIMES)
def test_time_of(raw, expected):
    assert iso(time_of(raw)) == expected


def test_a_time_without_zone_is_local():
    local = datetime(2026, 11, 23, 6, 45, 1, 500000)
    assert time_of(b"2026-11-23 06:45:01,500 INFO x") == pytest.approx(local.timestamp())


def test_a_clock_time_takes_its_day_from_the_file():
    near = datetime(2026, 11, 23, 0, 10).timestamp()
    record = parse(b"23:59:58.000 [main] ERROR a.B -- x", "s", "f", 0, near=near)
    assert record.time == datetime(2026, 11, 22, 23, 59, 58).timestamp() and record.time_estimated


def test_syslog_of_last_year():
    near = datetime(2026, 1, 1, 0, 10, tzinfo=timezone.utc).timestamp()
    record = parse(b"Dec 31 23:59:58 h kernel: x", "s", "f", 0, near=near)
    assert record.time is not None and datetime.fromtimestamp(record.time).year == 2025


def test_modes():
    assert head_of((helpers.DATA / "g2.txt").read_bytes())[0] == "text"
    assert head_of(b'{"message":"a","level":"INFO"}\n{"message":"b","level":"INFO"}\n')[0] == "json"
    assert head_of(b"LOG:  database system is ready\nLOG: x\n")[0] == "plain"
    assert head_of(b"")[0] == "plain"


@given(st.binary(max_size=300))
def test_any_bytes_give_a_record(raw):
    record = parse(raw, "s", "f", 0)
    assert isinstance(record.text, str)


@given(
    st.dictionaries(
        st.sampled_from(["@timestamp", "message", "log.level", "level", "timestamp", "short_message", "x"]),
        st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=8) | st.lists(st.integers()),
    )
)
def test_any_json_gives_a_record(fields):
    import json

    record = parse(json.dumps(fields).encode(), "s", "f", 0)
    assert isinstance(record.message, str) and isinstance(record.level, str)


def test_minutes_remembered_are_bounded():
    for minute in range(12000):
        time_of(f"20{minute % 90 + 10}-11-{minute % 28 + 1:02d}T{minute % 24:02d}:{minute % 60:02d}:00Z".encode())
    assert len(formats._MINUTES) <= 5001
