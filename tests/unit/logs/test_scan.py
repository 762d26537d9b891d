# Copyright (c) 2026 dwp.backend contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What a scan tells of a service: starts, staleness, groups, counts, probes discounted, smuggled lines."""

from __future__ import annotations

import gzip
import os

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ansible_collections.dwp.backend.plugins.module_utils._logs import reader
from ansible_collections.dwp.backend.plugins.module_utils._logs.scan import Ignore
from ansible_collections.dwp.backend.plugins.module_utils._logs.templates import cause_of, template_of
from ansible_collections.dwp.backend.plugins.module_utils._logs.window import Window

from . import helpers
from .helpers import boot, read, read_text, started, starting, stopping

REFUSED = "Failed to obtain JDBC Connection\nCaused by: org.postgresql.util.PSQLException: Connection to db:5432 refused. Check"
FULL = "Could not write\njava.io.IOException: No space left on device"
NEWER = 'Schema "public" has a version (9) that is newer than the latest available migration (7) !'
T0 = helpers.START.timestamp()


def service_of(tmp_path, text, **request):
    return read_text(tmp_path, text, **request)["services"]["svc"]


def by_id(service):
    return {one["id"]: one for one in service["signatures"]}


STATES = [
    ("running", starting(0) + started(5)),
    ("starting", starting(0)),
    ("died during startup", starting(0) + boot("Application run failed\njava.lang.IllegalStateException: x", 3)),
    ("died during startup", starting(0, 1) + starting(60, 2) + starting(120, 3) + boot("Application run failed", 125, pid=3)),
    ("stopped", starting(0) + started(5) + stopping(9)),
    ("unknown", boot("only an error", 1)),
    ("running", starting(0, 1) + started(5, 1) + starting(60, 2) + started(65, 2)),
    ("starting", starting(0, 1) + started(5, 1) + starting(60, 2)),
    ("stopped", starting(0) + started(5) + boot("Application run failed", 7) + stopping(9)),
]


@pytest.mark.parametrize(("state", "text"), STATES)
def test_state(tmp_path, state, text):
    assert service_of(tmp_path, text)["state"] == state


def test_restarts_and_how_each_life_ended(tmp_path):
    text = (
        starting(0, 1) + started(5, 1) + stopping(9, 1)  # orderly
        + starting(20, 2) + started(25, 2)  # then killed
        + starting(40, 3)  # died
        + starting(60, 4) + started(66, 4)
    )  # fmt: skip
    service = service_of(tmp_path, text)
    assert [life["state"] for life in service["starts"]] == ["stopped", "killed", "died during startup", "running"]
    assert (service["restarts"], service["failed_starts"]) == (3, 1)
    assert service["started_at"] == helpers.stamp(66)
    assert service["starts"][3]["pid"] == 4 and service["starts"][3]["seconds"] == 7.0 and service["starts"][1]["line"] == 4


@pytest.mark.parametrize("window", [300, 700, 2000, 5000])
def test_lives_are_told_whatever_the_cuts(tmp_path, monkeypatch, window):
    """The start in one chunk, its end in the next."""
    monkeypatch.setattr(reader, "WINDOW", window)
    text = ""
    for number in range(6):
        base, pid = number * 100, 10 + number
        text += starting(base, pid) + "".join(boot("loading", base + 1, "INFO", pid) for _n in range(number))
        text += started(base + 5, pid) if number % 3 else boot("Application run failed", base + 5, pid=pid)
        text += boot("working", base + 6, "INFO", pid) + (stopping(base + 9, pid) if number % 2 else "")
    states = [life["state"] for life in service_of(tmp_path, text)["starts"]]
    assert states == ["died during startup", "stopped", "killed", "died during startup", "killed", "stopped"]


def test_a_text_that_quotes_a_start_is_none(tmp_path):
    text = starting(0) + started(5) + boot("user wrote: Starting App v1 using Java 17.0.15 with PID 1 (/x)", 9)
    assert len(service_of(tmp_path, text)["starts"]) == 1


def test_exits_told_by_supervisor(tmp_path):
    (tmp_path / "svc.log").write_text(starting(0) + started(5))
    manager = tmp_path / "supervisord.log"
    manager.write_text(
        "2026-11-23 06:45:01,123 INFO spawned: 'svc' with pid 4711\n"
        "2026-11-23 06:45:02,123 WARN exited: other (exit status 3; not expected)\n"
        "2026-11-23 06:45:03,123 WARN exited: svc (terminated by SIGKILL; not expected)\n"
    )
    sources = [
        helpers.Source("svc", str(tmp_path / "svc.log")),
        helpers.Source("svc", str(manager), "supervisor"),
    ]
    service = read(sources=sources)["services"]["svc"]
    assert service["state"] == "killed"
    assert (service["starts"][0]["exit_signal"], service["starts"][0]["exit_status"]) == ("SIGKILL", None)


def test_records_before_the_last_successful_start_are_stale(tmp_path):
    text = boot(REFUSED, 10) + starting(20) + started(25) + boot(FULL, 30)
    found = by_id(service_of(tmp_path, text))
    assert (found["PG_REFUSED"]["stale"], found["DISK_FULL"]["stale"]) == (True, False)
    assert [one["id"] for one in service_of(tmp_path, text)["signatures"]] == ["DISK_FULL", "PG_REFUSED"]
    assert [one["stale"] for one in service_of(tmp_path, text)["templates"]] == [False, True]


def test_a_failed_start_makes_nothing_stale(tmp_path):
    text = boot(REFUSED, 10) + starting(20) + boot("Application run failed\nNo space left on device", 25)
    found = by_id(service_of(tmp_path, text))
    assert not found["PG_REFUSED"]["stale"] and not found["PG_REFUSED"]["current"]
    assert found["DISK_FULL"]["current"]


def test_counts_begin_at_the_last_start(tmp_path):
    text = boot(REFUSED, 1) + boot(REFUSED, 2) + starting(20) + started(25) + boot(REFUSED, 30)
    one = by_id(service_of(tmp_path, text))["PG_REFUSED"]
    assert (one["count"], one["count_all"], one["first"], one["last"]) == (1, 3, helpers.stamp(30), helpers.stamp(30))


def test_what_holds_while_the_process_lives_is_not_stale(tmp_path):
    text = starting(20) + boot(NEWER, 22, "WARN") + boot(REFUSED, 23, "WARN") + started(25)
    found = by_id(service_of(tmp_path, text))
    assert not found["FLYWAY_NEWER_DB"]["stale"] and found["PG_REFUSED"]["stale"]
    again = by_id(service_of(tmp_path, text + starting(40, 5) + started(45, 5)))
    assert again["FLYWAY_NEWER_DB"]["stale"]


def test_one_failed_startup_counts_once(tmp_path):
    text = ""
    for number, pid in ((0, 1), (100, 2)):
        text += starting(number, pid)
        for second in (1, 2, 3):
            text += boot("Application run failed\nCould not resolve placeholder 'A'", number + second, pid=pid)
    one = by_id(service_of(tmp_path, text))["PLACEHOLDER"]
    assert (one["count"], one["startups"]) == (6, 2)


def test_window_bounds_what_is_told(tmp_path):
    text = "".join(boot(f"failed in step {second}", second) for second in range(100))
    group = service_of(tmp_path, text, window=Window(T0 + 10, T0 + 19))["templates"][0]
    assert (group["count"], group["first"], group["last"]) == (10, helpers.stamp(10), helpers.stamp(19))


def test_a_flood_is_counted_exactly_and_hides_nothing(tmp_path):
    """The same warning ten thousand times, one that differs by a number only, and duplicates of an anchor in one line."""
    flood = [boot(f"slow call {n} WARN took {n * 7} ms", n / 100, "WARN") for n in range(10000)]
    flood[5000] = boot("HTTP 500 slow call 1 WARN took 7 ms\nConnection to db:5432 refused", 50, "WARN")
    flood[7000] = boot("slow call 7000 WARN took No space left on device", 70, "WARN")
    service = service_of(tmp_path, "".join(flood))
    assert service["levels"] == {"WARN": 10000} and sorted(helpers.ids(service)) == ["DISK_FULL", "PG_REFUSED"]
    part = service_of(tmp_path, "".join(flood), window=Window(T0 + 10, T0 + 19.99))
    assert part["levels"] == {"WARN": 1000} and not part["signatures"]


def test_rolled_files_belong_to_the_same_story(tmp_path):
    (tmp_path / "svc.log").write_text(boot(REFUSED, 100))
    (tmp_path / "svc.log.1").write_text(starting(40) + started(45))
    rolled = tmp_path / "svc.log.2026-11-22.0.gz"
    rolled.write_bytes(gzip.compress((boot("older", 1) + boot(REFUSED, 2)).encode()))
    for age, name in enumerate(["svc.log", "svc.log.1", rolled.name]):
        os.utime(tmp_path / name, (T0 + 200 - age, T0 + 200 - age))
    found = read(tmp_path / "svc.log")
    one = by_id(found["services"]["svc"])["PG_REFUSED"]
    assert (one["count"], one["count_all"]) == (1, 2) and found["services"]["svc"]["state"] == "running"
    places = [(item["file"].rsplit("/", 1)[1], item["line"]) for item in one["evidence"]]
    assert places == [("svc.log", 1), (rolled.name, 2)]
    assert len(found["files"]) == 3 and all(item["complete"] for item in found["files"])


ABSENT = (
    "Unexpected error: No static resource actuator/health.\n\n"
    "org.springframework.web.servlet.resource.NoResourceFoundException: No static resource actuator/health.\n\tat a.B.c(B.java:1)"
)
PROBES = [
    (ABSENT, ["/actuator/health"], None, 1),
    (ABSENT, ["actuator/health"], None, 1),
    (ABSENT, ["/actuator"], None, 0),
    (ABSENT.replace("health", "health/readiness"), ["/actuator/health"], None, 0),
    (ABSENT, ["/mail/health"], None, 0),
    (ABSENT, [], None, 0),
    (ABSENT, ["/actuator/health"], Window(T0 + 9, T0 + 11), 1),
    (ABSENT, ["/actuator/health"], Window(T0 + 11, T0 + 12), 0),
    ("Unexpected error: No static resource mail/health.", ["/mail/health"], None, 1),
    ("Missing required header X-Tenant-ID for path: /api/main/health", ["/api/main/health"], None, 1),
    ("Authentication failed: path=/actuator/health, error=Full authentication is required", ["/actuator/health"], None, 1),
    ("Authentication failed: path=/auth/me, error=Jwt: Signed JWT rejected: Invalid signature", ["/auth/me"], None, 0),
    (f'[a-1]  500 Server Error for HTTP GET "/auth/policy"\n{REFUSED}', ["/auth/policy"], None, 0),
    ('[a-1]  500 Server Error for HTTP GET "/auth/policy"\njava.lang.NullPointerException', ["/auth/policy"], None, 0),
]


@pytest.mark.parametrize(("text", "paths", "window", "discounted"), PROBES)
def test_only_the_noise_of_ones_own_probes_is_discounted(tmp_path, text, paths, window, discounted):
    ignore = Ignore(tuple(paths), (window,) if window else ())
    service = service_of(tmp_path, boot(text, 10), ignore=ignore)
    assert service["discounted"] == discounted
    assert (service["templates"] == []) == bool(discounted)
    assert service["levels"] == ({} if discounted else {"ERROR": 1})


def test_a_smuggled_record_is_suspect(tmp_path):
    fake = boot(REFUSED, 5.5, pid=1)
    text = starting(0) + started(5) + boot("input: x", 5.4) + fake + boot("more", 6)
    one = by_id(service_of(tmp_path, text))["PG_REFUSED"]
    assert one["suspect"]
    real = by_id(service_of(tmp_path, text + boot(REFUSED, 7) + boot("x", 8)))["PG_REFUSED"]
    assert not real["suspect"]


def test_several_smuggled_lines_do_not_vouch_for_each_other(tmp_path):
    fakes = "".join(boot(REFUSED, 5.5, pid=1) for _number in range(3))
    text = starting(0) + started(5) + boot("input: x", 5.4) + fakes + boot("more", 6)
    assert by_id(service_of(tmp_path, text))["PG_REFUSED"]["suspect"]


def test_a_restart_is_not_taken_for_smuggling(tmp_path):
    text = starting(0, 1) + started(5, 1) + boot("bye", 6, pid=1) + starting(10, 2) + boot(REFUSED, 12, pid=2) + started(15, 2)
    assert not by_id(service_of(tmp_path, text))["PG_REFUSED"]["suspect"]


def test_errors_are_grouped_by_what_they_say(tmp_path):
    text = "".join(boot(f"User {n} of tenant 'T{n}' not found, request {n:08x}-0000-4000-8000-000000000000", n) for n in range(50))
    text += "".join(boot(f"Step {n} failed\nj.IllegalStateException: x\nCaused by: a.OtherException: y", 60 + n) for n in range(3))
    text += "".join(boot(f"Step {n} failed\njava.lang.RuntimeException: x", 70 + n) for n in range(2))
    text += boot("careful", 80, "WARN")
    service = service_of(tmp_path, text)
    assert [(one["template"], one["count"], one["exception"], one["cause"]) for one in service["templates"]] == [
        ("User <n> of tenant '<text>' not found, request <uuid>", 50, "", ""),
        ("Step <n> failed", 3, "IllegalStateException", "OtherException"),
        ("Step <n> failed", 2, "RuntimeException", ""),
    ]
    first = service["templates"][0]
    assert (first["first"], first["last"]) == (helpers.stamp(0), helpers.stamp(49))
    assert first["evidence"]["line"] == 50 and "User 49" in first["evidence"]["record"]
    assert service["levels"] == {"ERROR": 55, "WARN": 1}


def test_warnings_are_grouped_when_asked_for(tmp_path):
    service = service_of(tmp_path, boot("careful 7", 1, "WARN"), levels=("ERROR", "WARN"))
    assert [(one["template"], one["level"]) for one in service["templates"]] == [("careful <n>", "WARN")]


def test_a_level_word_in_the_message_is_not_the_level(tmp_path):
    service = service_of(tmp_path, boot("last ERROR was WARN", 1, "INFO"))
    assert service["templates"] == [] and service["levels"] == {}


@pytest.mark.parametrize("level", ["ERROR", "WARN", "INFO"])
def test_structured_levels(tmp_path, level):
    for kind in ("ecs", "logstash", "gelf"):
        text = helpers.structured(kind, "the word ERROR in an INFO record", 1, level)
        assert service_of(tmp_path, text)["levels"] == ({} if level == "INFO" else {level: 1})


def test_lines_cut_by_a_full_disk(tmp_path):
    found = read_text(tmp_path, boot("whole", 1) + boot("cut in the mid", 2)[:-6], now=T0 + 62)
    assert found["files"][0]["ends_inside_line"] and found["files"][0]["silent_seconds"] == 60


@given(st.text(max_size=300))
def test_any_message_gives_a_template(text):
    assert len(template_of(text)) <= 400


def test_two_values_one_template():
    one = template_of("GET /users/17 took 33 ms from 10.0.0.1:4711 for kim@example.com at 2026-11-23T01:02:03Z, HikariPool-1 @5dcf0772")
    two = template_of("GET /users/4 took 1250 ms from 10.9.8.7:1 for lee@example.com at 2026-11-24T11:02:03Z, HikariPool-1 @7f912551")
    assert one == two and "users" in one and "HikariPool" in one


def test_a_console_that_repeats_the_log_counts_once(tmp_path):
    """Boot writes each record to both; on the console the thread is cut off on the left."""
    text = helpers.starting(0) + helpers.started(5) + helpers.boot("boom\njava.io.IOException: Too many open files", 60)
    (tmp_path / "svc.log").write_text(text)
    (tmp_path / "svc.console.log").write_text(text.replace("[           main]", "[...main]") + helpers.boot("Too many open files: 2", 61))
    service = helpers.read(tmp_path / "svc.log", tmp_path / "svc.console.log")["services"]["svc"]
    assert {one["id"]: one["count"] for one in service["signatures"]} == {"NOFILE": 2}
    assert service["levels"] == {"ERROR": 2} and service["restarts"] == 0 and [one["state"] for one in service["starts"]] == ["running"]


CYCLE = """
***************************
APPLICATION FAILED TO START
***************************

Description:

The dependencies of some of the beans in the application context form a cycle:

┌─────┐
|  first defined in file [First.class]
↑     ↓
|  second defined in file [Second.class]
└─────┘


Action:

Relying upon circular references is discouraged.
"""


@pytest.mark.parametrize(("text", "why"), [
    (CYCLE, "The dependencies of some of the beans in the application context form a cycle: first defined in file [First.class] "
            "second defined in file [Second.class]"),
    ("Application run failed\n\na.b.ContextException: no\n\tat a.B.c(B.java:1)\nCaused by: a.b.ServerException: x\n\t... 4 more\n"
     "Caused by: java.net.BindException: Cannot assign requested address\n\t... 21 common frames omitted",
     "BindException: Cannot assign requested address"),
    ("Application run failed\n\na.b.C: no\n\tat a.B.c(B.java:1)\nCaused by: a.FlywayValidateException: Validate failed: no\n"
     "Migration description mismatch for migration version 3\n-> Applied to database : one\n\tat a.B.c(B.java:2)\n\t... 9 more",
     "FlywayValidateException: Validate failed: no Migration description mismatch for migration version 3 -> Applied to database : one"),
    ("failed\njava.lang.IllegalStateException: x\nCaused by: java.io.EOFException\n\t... 4 more", "EOFException"),
    ("one line", ""),
    ("", ""),
])
def test_a_record_of_many_lines_tells_why(text, why):
    assert cause_of(text) == why
