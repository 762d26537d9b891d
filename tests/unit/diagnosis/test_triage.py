# Copyright (c) 2026 dwp.backend contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""From what a host tells to what the reader is told."""

from __future__ import annotations

import copy
import json
from pathlib import Path

import pytest
import yaml

from ansible_collections.dwp.backend.plugins.module_utils._diagnosis import baseline, request_path
from ansible_collections.dwp.backend.plugins.module_utils._diagnosis.triage import Inputs, triage
from ansible_collections.dwp.backend.plugins.module_utils._logs.window import iso
from ansible_collections.dwp.backend.plugins.module_utils._platform import catalogue
from ansible_collections.dwp.backend.plugins.module_utils._signatures import catalogue as signatures
from ansible_collections.dwp.backend.plugins.plugin_utils import triage_text
from ansible_collections.dwp.backend.plugins.plugin_utils.table import width

ROOT = Path(__file__).parents[3]
SAMPLES = ROOT / "tests" / "unit" / "triage_samples"
CASES = yaml.safe_load((Path(__file__).parent / "facts.yml").read_text(encoding="utf-8"))
HEALTHY = json.loads((SAMPLES / "collected_healthy.json").read_text(encoding="utf-8"))
DEFAULTS = yaml.safe_load((ROOT / "roles" / "platform" / "vars" / "main.yml").read_text(encoding="utf-8"))
NAMES = ("gateway", "auth", "main", "mail")
NOW = HEALTHY["host"]["time"]
ROWS = {row.id: row for row in signatures()}


def platform(*hosts, components=None):
    ours = {"postgres": {"provider": "packages"}, "redis": {"provider": "packages"}}
    built = catalogue.build(
        service_defaults=DEFAULTS["platform_service_defaults"], component_defaults=DEFAULTS["platform_component_defaults"],
        services={name: None for name in DEFAULTS["platform_service_defaults"] if name not in NAMES},
        components={**ours, **(components or {})},
        placement={**{name: list(hosts) for name in NAMES}, **{name: [hosts[0]] for name in ours if name not in (components or {})}},
        environment="staging", development=False, profile="staging",
    )  # fmt: skip
    return catalogue.without_secrets(built)


def change(facts, path, value):
    """`*` is every element of a list; a mapping changes only its own keys."""
    places = [facts]
    *way, last = path.split(".")
    for key in way:
        places = [one for place in places for one in (place if key == "*" else [place[int(key) if isinstance(place, list) else key]])]
    for place in places:
        for key in range(len(place)) if last == "*" else [int(last) if isinstance(place, list) else last]:
            old = place[key] if isinstance(place, list) else place.get(key)
            if value is None and isinstance(place, dict):
                place.pop(key, None) if path.startswith("services.") and "." not in path[9:] else place.update({key: None})
            else:
                place[key] = {**old, **value} if isinstance(value, dict) and isinstance(old, dict) and value else value


def logs_of(case):
    services = {}
    for name, one in case.get("logs", ()):
        row = ROWS[one["id"]]
        one = {**one, **{when: iso(NOW - one[when]) for when in ("first", "last") if when in one}}  # seconds ago
        action = {"command": row.next["command"], "risk": row.next["risk"], "verify": row.next["verify"]}
        services.setdefault(name, {"signatures": [], "templates": []})["signatures"].append({
            "service": name, "meaning": row.meaning, "priority": row.priority, "first": iso(NOW - 30), "last": iso(NOW - 20), "count": 2,
            "next_action": action, "evidence": [], "groups": {}, **one,
        })  # fmt: skip
    for name, text, stack, *ago in case.get("errors", ()):
        times = iso(NOW - 60 - (ago or [0])[0]), iso(NOW - 10 - (ago or [0])[0])
        services.setdefault(name, {"signatures": [], "templates": []})["templates"].append({
            "template": text, "level": "ERROR", "count": 3, "first": times[0], "last": times[1], "stale": False, "exception": "",
            "cause": "", "evidence": {"record": f"{text}\n{stack}"},
        })  # fmt: skip
    return {"services": services, "window": {"since": iso(NOW - 3600), "until": None}, "files": [], "not_checked": []}


def report_of(case, **more):
    facts = copy.deepcopy(HEALTHY)
    for path, value in (case.get("set") or {}).items():
        change(facts, path, value)
    hosts = ["app-01", *case.get("lost", {})]
    answers = {"app-01": {"collected": facts, "logs": logs_of(case)}}
    given = Inputs(
        platform(*hosts, components=case.get("components")), answers, case.get("lost", {}), hosts, now=NOW,
        inventory="inventories/staging", **more,
    )  # fmt: skip
    return triage(given)


@pytest.mark.parametrize("case", CASES, ids=lambda case: case["id"])
def test_facts(case):
    report = report_of(case)
    verdict, action = report["verdict"], report["verdict"]["next_action"] or {}
    said = {
        **verdict, "victims": report["victims"], "risk": action.get("risk"),
        **{role + "s" if role == "note" else role: sorted(one["failure"] for one in report["findings"] if one["role"] == role)
           for role in ("note", "stale")},
    }  # fmt: skip
    expected = dict(case["expect"])
    texts = {"title": verdict["title"], "command": str(action.get("command")), "ruled_out": json.dumps(report["ruled_out"])}
    for part, text in texts.items():
        assert str(expected.pop(part, "")) in text, report["verdict"]
    assert {key: said[key] for key in expected} == expected, (report["verdict"], report["findings"])
    assert json.loads(json.dumps(report)) == report, "plain values only"
    if verdict["status"] == "healthy" and not case.get("logs"):
        assert not [one for one in report["findings"] if one["role"] != "note"]
    shown = triage_text.lines(report, 80, ["/home/kim/reports/triage-staging-20261125-123307/report.html"])
    command = str(action.get("command"))
    assert len(shown) <= triage_text.LINES and all(width(line) <= 80 or command in line for line in shown), "\n".join(shown)
    assert not action or any(command in line for line in shown), "the command is there in one piece"


@pytest.mark.parametrize("name", ["healthy", "root", "unknown"])
@pytest.mark.parametrize("columns", [40, 60, 80, 100])
def test_samples_fit_any_terminal(name, columns):
    report = json.loads((SAMPLES / f"report_{name}.json").read_text(encoding="utf-8"))
    shown = triage_text.lines(report, columns, ["/x/report.html"])
    assert len(shown) <= triage_text.LINES and shown[-1].endswith("report.html")


def test_each_of_two_causes_is_listed_under_what_it_blames():
    """Redis is told of by main, which only suffers from it."""
    report = report_of({"set": {
        "databases.1": {"cause": "not_found", "sqlstate": "3D000", "message": "no such database"},
        "redis.*": {"cause": "refused", "message": "connection refused"}, "components.redis.listener": None,
        "services.main.health": {"healthy": False, "cause": "down", "message": "DOWN (redis=DOWN)"},
    }})  # fmt: skip
    found = {one["failure"]: one for one in report["findings"] if one["role"] in ("root", "contributing")}
    assert {name: (one["service"], one["host"], one["told_by"]) for name, one in found.items()} == {
        "PG_NODB": ("mail", "app-01", "mail"), "REDIS_REFUSED": ("redis", "app-01", "main"),
    }  # fmt: skip


def test_a_report_and_itself_are_the_same():
    report = report_of({})
    assert baseline.compare(report, report) == []


CHANGES = [
    ({"services.auth.current": "new-1", "services.auth.since": 1795600000}, ["release", "restart"]),
    ({"services.auth.environment.fingerprints.DB_PASSWORD": "ffffffff"}, ["environment"]),
    ({"services.auth.environment.plain.DB_HOST": "10.0.0.9"}, ["environment"]),
    ({"databases.0.flyway.schema_version": "35"}, ["migration"]),
    ({"services.auth.health": {"healthy": False, "cause": "server_error", "message": "x"}}, ["health"]),
    ({"fingerprint_key": "other", "services.auth.environment.fingerprints.DB_PASSWORD": "ffffffff"}, []),
]


@pytest.mark.parametrize(("changes", "kinds"), CHANGES, ids=lambda value: ",".join(value) if isinstance(value, list) else None)
def test_baseline(changes, kinds):
    report = report_of({"set": changes}, baseline=report_of({}), baseline_name="before")
    found = report["baseline"]["changes"]
    assert sorted(one["kind"] for one in found) == sorted(kinds), found
    assert "ffffffff" not in json.dumps(found), "fingerprints stay where they are"


@pytest.mark.parametrize("given", [None, [], {}, {"schema_version": 9, "services": {}, "verdict": {}}, {"services": [], "verdict": {}}])
def test_what_is_no_baseline(given):
    with pytest.raises(baseline.BaselineError):
        baseline.check(given)


def test_new_errors_are_told():
    report = report_of({"errors": [["mail", "no printer", ""]]}, baseline=report_of({}))
    assert [one["kind"] for one in report["baseline"]["changes"]] == ["template"]


def step(service, second, level="INFO"):
    return {"service": service, "time": f"2026-11-25T12:00:{second:06.3f}Z", "level": level, "message": f"{service} {second}", "file": "x"}


def test_the_way_of_a_request_over_hosts_whose_clocks_differ():
    results = {
        "a": {"request_path": {"ids": ["i-1"], "steps": [step("gateway", 1), step("gateway", 3, "ERROR")],
                               "gaps": [{"service": "mail", "reason": "no line", "text": "nothing in mail"}]}},
        "b": {"request_path": {"ids": ["i-1"], "steps": [step("main", 32)],
                               "gaps": [{"service": "mail", "reason": "unreadable", "text": "mail unreadable"},
                                        {"service": "gateway", "reason": "no line", "text": "no gateway here"}]}},
    }  # fmt: skip
    path = request_path.merge(results, {"gateway": ["main", "mail"]}, {"a": 0.0, "b": 30.0})
    assert [(one["service"], one["host"], one["after_ms"]) for one in path["steps"]] == [
        ("gateway", "a", None), ("main", "b", 1000), ("gateway", "a", 1000)]  # fmt: skip
    assert [(one["service"], one["reason"]) for one in path["gaps"]] == [("mail", "unreadable")], "silence that proves nothing wins"
    assert path["failed_at"]["service"] == "gateway" and path["services"] == ["gateway", "main"]


LEARNED = {
    "a": {"request_path": {"ids": ["corr-1"], "related_ids": ["trace-1", "gw-1"], "steps": [step("gateway", 1)]}},
    "b": {"request_path": {"ids": ["corr-1"], "related_ids": ["gw-1"], "steps": []}},
    "c": {"request_path": None}, "d": {},
}  # fmt: skip


EVERY_ID = ["corr-1", "gw-1", "trace-1"]


@pytest.mark.parametrize(("host", "ids"), [("a", []), ("b", ["trace-1"]), ("c", EVERY_ID), ("d", EVERY_ID)])
def test_ids_that_only_other_hosts_found(host, ids):
    assert request_path.learned_elsewhere(LEARNED, host) == ids


def test_never_more_ids_than_a_request_has():
    many = {"request_path": {"ids": ["corr-1"], "related_ids": [f"t-{n:03}" for n in range(99)]}}
    assert len(request_path.learned_elsewhere({"a": many, "b": LEARNED["b"]}, "b")) == request_path.MOST_IDS


def test_what_the_second_question_found_is_part_of_the_way():
    found = {"ids": ["trace-1"], "related_ids": ["own-1"], "steps": [{**step("mail", 2, "ERROR"), "offset": 7}], "dropped": 1, "gaps": []}
    silent = {"service": "mail", "reason": "no line", "text": "nothing in mail"}
    first = {**LEARNED["b"], "request_path": {**LEARNED["b"]["request_path"], "gaps": [silent]}}
    joined = request_path.joined(first, found)
    assert request_path.joined(joined, found)["request_path"]["steps"] == joined["request_path"]["steps"], "nothing is there twice"
    path = request_path.merge({"a": LEARNED["a"], "b": joined}, {"gateway": ["mail"]}, {})
    assert [(one["service"], one["host"]) for one in path["steps"]] == [("gateway", "a"), ("mail", "b")]
    assert path["gaps"] == [] and path["failed_at"]["service"] == "mail" and path["dropped"] == 1
    assert path["ids"] == ["corr-1"] and set(path["related_ids"]) == {"trace-1", "gw-1", "own-1"}


@pytest.mark.parametrize("more", [None, {}, {"steps": []}])
def test_a_second_question_without_an_answer_changes_nothing(more):
    assert request_path.joined(LEARNED["a"], more) == LEARNED["a"] and request_path.joined({}, more) == {}


def test_silence_about_ids_that_were_not_asked_for_proves_little():
    gaps = [{"service": "mail", "reason": "no line", "text": "nothing in mail"}, {"service": "chat", "reason": "unreadable"}]
    path = request_path.not_followed({"request_path": {"ids": ["corr-1"], "steps": [], "gaps": gaps}}, "No route to host")["request_path"]
    assert [gap["reason"] for gap in path["gaps"]] == ["incomplete", "unreadable"] and path["gaps"][1] == gaps[1]
    assert path["gaps"][0]["text"] == "nothing in mail: it was not asked for the ids that other hosts found (No route to host)"
    assert request_path.not_followed({}, "gone") == {}


def test_no_request_was_asked_for():
    assert request_path.merge({"a": {"request_path": {"ids": [], "steps": []}}}, {}, {}) is None


CANARY = {"id": "c", "status": 500, "latency_ms": 9.0, "target": "main", "message": ""}
GAP = [{"service": "main", "reason": "no line", "text": "nothing in main"}]
CANARIES = [
    ({**CANARY, "status": 200}, {"services": ["gateway", "main"], "gaps": []}, None, "came through (gateway -> main)"),
    ({**CANARY, "status": 400}, {"services": [], "gaps": []}, None, "came through"),
    (CANARY, {"services": ["gateway"], "gaps": GAP}, "main", "seen in gateway, nothing in main"),
    ({**CANARY, "status": None, "message": "refused"}, None, "gateway", "no answer: refused"),
    (CANARY, {"services": ["gateway", "main"], "gaps": [], "failed_at": {"service": "main", "message": "NPE"}}, "main", "in main: NPE"),
    (CANARY, None, None, "the logs do not tell"),
]


@pytest.mark.parametrize(("canary", "path", "vanished", "text"), CANARIES)
def test_where_the_canary_was_lost(canary, path, vanished, text):
    found = request_path.canary_text(canary, path, "gateway")
    assert found["vanished_at"] == vanished and text in found["text"]


def test_hostile_text_is_harmless():
    report = report_of({"errors": [["mail", "\x1b[2J<script>password=hunter22hunter", ""]]})
    text = json.dumps(report, ensure_ascii=False)
    assert "\x1b" not in text and "hunter22" not in text


@pytest.mark.parametrize(("states", "ago", "service"), [
    (["killed", "running"], 3, "mail"), (["died during startup", "running"], 3, "mail"), (["stopped", "running"], 3, "auth"),
    (["killed", "running"], 300, "auth"), (["killed", "stopped", "running"], 3, "auth"), (["running"], 3, "auth"),
    (["killed/143", "running"], 3, "auth"),
])
def test_a_process_that_came_back_by_itself_is_where_to_look(states, ago, service):
    """Between two of its crashes a service is up; another one's error that hurts nobody is not to be blamed for it."""
    case = {"errors": [["auth", "Could not export statistics", ""]]}
    logs = logs_of(case)
    logs["services"]["mail"] = {"signatures": [], "templates": [], "starts": [
        {"state": state.split("/")[0], "at": iso(NOW - ago - 5 * (len(states) - number)), "exit_status": 143 if "/" in state else None}
        for number, state in enumerate(states, 1)
    ]}  # fmt: skip
    given = Inputs(platform("app-01"), {"app-01": {"collected": copy.deepcopy(HEALTHY), "logs": logs}}, {}, ["app-01"], now=NOW)
    verdict = triage(given)["verdict"]
    assert (verdict["status"], verdict["failure"], verdict["service"]) == ("degraded", None, service), verdict
    assert ("ended by itself" in verdict["title"]) == (service == "mail")


@pytest.mark.parametrize(("record", "cause", "line"), [
    ("Application run failed\na.b.C: no", "BindException: Cannot assign", "a.log:7 Application run failed <- BindException: Cannot assign"),
    ("\n***************************\nAPPLICATION FAILED TO START", "A cycle", "a.log:7 A cycle"),
    ("Unexpected error: no room", "PSQLException: no room", "a.log:7 Unexpected error: no room"),
    ("one line", None, "a.log:7 one line"),
])  # fmt: skip
def test_evidence_says_why_in_its_first_line(record, cause, line):
    assert triage_text._evidence({"file": "a.log", "line": 7, "record": record, "cause": cause}) == line
