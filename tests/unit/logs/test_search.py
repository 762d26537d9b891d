# Copyright (c) 2026 dwp.backend contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

import pytest

from ansible_collections.dwp.backend.plugins.module_utils._logs.errors import LogsError
from ansible_collections.dwp.backend.plugins.module_utils._logs.search import Coverage, assemble, check_ids
from ansible_collections.dwp.backend.plugins.module_utils._logs.window import Window

from . import helpers
from .helpers import boot, read, structured

UUID = "3f0f2f6e-8a61-4f0b-9a53-2a1f4de1c6a7"
TRACE = "9d1f2f6e-8a61-4f0b-9a53-2a1f4de1c6a8"
MARK = f"[correlationId={UUID}] "
CALLS = {"gateway": ["auth", "main"], "main": ["auth", "mail"]}


@pytest.fixture
def logs(tmp_path):
    def write(**texts: str):
        for name, text in texts.items():
            (tmp_path / f"{name}.log").write_text(text)
        return [tmp_path / f"{name}.log" for name in texts]

    return write


def path_of(paths, ids=(UUID,), **request):
    return read(*paths, ids=list(ids), calls=CALLS, signatures=[], **request)["request_path"]


def test_one_path_across_services_in_order_of_time(logs):
    paths = logs(
        main=boot("menu loaded", 1.25, "INFO", mark=MARK) + boot("done", 3, "INFO", mark=MARK),
        gateway=boot("routed", 1, "INFO", mark=MARK) + boot("other", 1.1, "INFO", mark="[correlationId=else-1] "),
        auth=boot("token checked", 1.5, "INFO", mark=MARK) + boot("permission denied\njava.lang.X: y", 1.75, mark=MARK),
        mail=boot("another request", 1, "INFO", mark="[correlationId=abc-123-4] "),
    )
    found = path_of(paths)
    assert [(step["service"], step["message"].split("\n")[0], step["after_ms"]) for step in found["steps"]] == [
        ("gateway", "routed", None),
        ("main", "menu loaded", 250),
        ("auth", "token checked", 250),
        ("auth", "permission denied", 250),
        ("main", "done", 1250),
    ]
    assert found["services"] == ["gateway", "main", "auth"]
    assert found["longest_wait"] == {"ms": 1250, "before": "main", "at": helpers.stamp(3)}
    assert found["failed_at"]["message"].startswith("permission denied") and found["failed_at"]["line"] == 2
    assert [(gap["service"], gap["reason"]) for gap in found["gaps"]] == [("mail", "no line")]
    assert "nothing in mail" in found["gaps"][0]["text"] and "main may call it" in found["gaps"][0]["text"]


def test_the_same_time_keeps_the_order_of_calls(logs):
    paths = logs(auth=boot("c", 1, mark=MARK), main=boot("b", 1, mark=MARK), gateway=boot("a", 1, mark=MARK))
    assert path_of(paths)["services"] == ["gateway", "main", "auth"]


def test_the_runbooks_grep_and_every_format_find_it(logs, tmp_path):
    paths = logs(
        auth=structured("ecs", "one", 1, "INFO", correlationId=UUID),
        main=structured("logstash", "two", 2, "INFO", correlationId=UUID),
        mail=structured("gelf", "three", 3, "INFO", correlationId=UUID),
        gateway=boot(f"Generated Correlation ID: {UUID}", 0, "DEBUG"),
    )
    found = path_of(paths)
    assert [step["service"] for step in found["steps"]] == ["gateway", "auth", "main", "mail"] and not found["gaps"]


def test_gaps_say_why(logs, tmp_path):
    paths = logs(gateway=boot("x", 1, mark=MARK), chat=boot("prints no ids", 1, "INFO"))
    found = path_of([*paths, tmp_path / "mail.log"])
    gaps = {gap["service"]: gap for gap in found["gaps"]}
    assert gaps["chat"]["reason"] == "prints no ids" and "may have been there all the same" in gaps["chat"]["text"]
    assert gaps["mail"]["reason"] == "unreadable" and "No such file" in gaps["mail"]["text"]


def test_an_id_is_a_whole_word(logs):
    paths = logs(auth=boot("a", 1, mark="[correlationId=abc-123] ") + boot("b", 2, mark="[correlationId=abc-1234] "))
    assert [step["message"] for step in path_of(paths, ["abc-123"])["steps"]] == ["a"]
    gateway = logs(gateway=boot('[b70ef7ba-1]  500 Server Error for HTTP GET "/x"', 1) + boot("[b70ef7ba-12] other", 2))
    assert len(path_of(gateway, ["b70ef7ba-1"])["steps"]) == 1


def test_an_id_inside_a_stack_trace_gives_the_whole_record_once(logs):
    text = f"failed\njava.lang.X: request {UUID}\n\tat a.B({UUID})\nCaused by: {UUID}"
    found = path_of(logs(auth=boot(text, 1) + boot("x", 2)))
    assert len(found["steps"]) == 1 and found["steps"][0]["message"].startswith("failed\njava.lang.X")


def test_other_ids_of_the_request_are_followed(logs):
    paths = logs(
        gateway=boot(f"SSE stream started: path=/x correlationId={UUID} traceId={TRACE}", 1, "INFO"),
        main=boot("work", 2, "INFO", mark=f"[traceId={TRACE}] "),
    )
    found = path_of(paths)
    assert found["services"] == ["gateway", "main"] and TRACE in found["related_ids"]
    assert path_of(paths, expand_ids=False)["services"] == ["gateway"]


def test_useless_ids_are_not_followed(logs):
    paths = logs(
        gateway=boot(f"x correlationId={UUID} traceId=00000000000000000000 gatewayRequestId=undefined", 1),
        main=boot("y traceId=00000000000000000000 gatewayRequestId=undefined", 2),
    )
    assert path_of(paths)["services"] == ["gateway"]


def test_the_window_holds_for_ids_too(logs):
    paths = logs(auth="".join(boot(f"m{second}", second, mark=MARK) for second in range(5)))
    start = helpers.START.timestamp()
    found = path_of(paths, window=Window(start + 1, start + 2))
    assert [step["message"] for step in found["steps"]] == ["m1", "m2"]


def test_thousands_of_records_are_bounded(logs):
    found = path_of(logs(auth="".join(boot("m", second / 100, "INFO", mark=MARK) for second in range(2500))))
    assert len(found["steps"]) == 2000 and found["dropped"] == 500


def test_paths_of_several_hosts_can_be_joined():
    steps = [
        {"service": "main", "host": "app-02", "time": helpers.stamp(2), "epoch": 2.0, "level": "INFO", "message": "b"},
        {"service": "gateway", "host": "app-01", "time": helpers.stamp(1), "epoch": 1.0, "level": "INFO", "message": "a"},
    ]
    coverage = [
        Coverage("gateway", "app-01"),
        Coverage("main", "app-02"),
        Coverage("mail", "app-01", complete=False, problem="late"),
    ]
    found = assemble([UUID], steps, coverage, CALLS)
    assert found.services == ["gateway", "main"] and found.steps[1]["after_ms"] == 1000
    assert found.gaps == [{"service": "mail", "reason": "incomplete", "text": "nothing in mail: its log was not read completely: late"}]


@pytest.mark.parametrize("value", ["", "abc", "a\nb c d", "x" * 201])
def test_ids_that_cannot_be_searched(value):
    with pytest.raises(LogsError, match=r"ids\[1\].*X-Trace-Id"):
        check_ids(["abc-123", value])
