# Copyright (c) 2026 dwp.backend contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What an answer means: every row of the cause table, as data."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import yaml
from hypothesis import given, settings
from hypothesis import strategies as st

from ansible_collections.dwp.backend.plugins.module_utils._probe import components_of, first_rung, judge, usable_skips
from ansible_collections.dwp.backend.plugins.module_utils._probe_messages import describe
from ansible_collections.dwp.backend.plugins.module_utils._probe_model import (
    CAUSES,
    Answer,
    Outcome,
    ProbeError,
    Skip,
    parse_probes,
    scrub,
)

CASES = yaml.safe_load((Path(__file__).parent / "probe_cases.yml").read_text(encoding="utf-8"))


def rung_of(raw: dict[str, Any]):
    return parse_probes([{"name": "main", "port": 8081, "ladder": [raw]}])[0].ladder[0]


def answer_of(raw: dict[str, Any]) -> Answer:
    body = raw.get("body", b"")
    return Answer(**{**raw, "body": body.encode() if isinstance(body, str) else body})


@pytest.mark.parametrize("case", CASES, ids=[case["id"] for case in CASES])
def test_cause(case):
    rung = rung_of(case["rung"])
    verdict = judge(rung, answer_of(case["answer"]))
    assert {key: getattr(verdict, key) for key in case["want"]} == case["want"], verdict.detail
    assert case.get("says", "") in verdict.detail
    # Whatever the answer: a cause of the list, and a message that a person can act on.
    assert verdict.cause in CAUSES
    probe = parse_probes([{"name": "main", "port": 8081, "ladder": [case["rung"]]}])[0]
    outcome = Outcome("main", healthy=verdict.cause == "ok", rung={"index": 0}, attempts=1)
    text = describe(probe, outcome, rung, verdict, {})
    assert text.startswith("main ") and "  " not in text and "PORT" not in text and "HOST" not in text


def test_every_cause_is_reached_by_a_case():
    assert {case["want"]["cause"] for case in CASES} == set(CAUSES) - {"process_dead"}


@settings(deadline=None)
@given(st.integers(100, 599), st.binary(max_size=300), st.sampled_from(["actuator", "http"]))
def test_no_answer_breaks_the_judge(status, body, kind):
    verdict = judge(rung_of({"kind": kind, "path": "/x"}), Answer(http_status=status, body=body))
    assert verdict.cause in CAUSES
    if kind == "actuator":  # nothing but actuator JSON passes
        assert verdict.cause != "ok" or (b"UP" in body and status == 200)


json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=5),
    lambda inner: st.lists(inner, max_size=3)
    | st.dictionaries(st.sampled_from(["status", "components", "details", "db", "x"]), inner, max_size=4),
    max_leaves=20,
)


@settings(deadline=None)
@given(st.dictionaries(st.sampled_from(["status", "components", "details"]), json_values))
def test_components_of_any_json(body):
    assert all(isinstance(word, str) for word in components_of(body).values())


def test_deep_json_is_no_crash():
    body = b'{"components":{"a":' * 5000 + b"{}" + b"}}" * 5000
    assert judge(rung_of({"kind": "actuator"}), Answer(http_status=200, body=body)).cause == "unexpected_body"


RUNGS = [{"kind": "actuator"}, {"kind": "http", "path": "/h"}, {"kind": "tcp"}]
LADDER = {"name": "mail", "port": 8082, "ladder": RUNGS}


def test_ladder_goes_on_below_what_is_skipped():
    probe = parse_probes([LADDER])[0]
    skip = Skip(0, probe.ladder[0].url, "not_found", "absent", 404)
    assert first_rung(probe, {}) == 0
    assert first_rung(probe, {0: skip}) == 1
    assert first_rung(probe, {0: skip, 1: skip, 2: skip}) == 2, "the last rung is always left"


def test_skips_of_another_ladder_are_forgotten():
    probe = parse_probes([LADDER])[0]
    kept = {0: Skip(0, probe.ladder[0].url, "x", "absent"), 1: Skip(1, "http://else", "x", "absent")}
    assert set(usable_skips(probe, {**kept, 2: Skip(2, "", "x", "absent"), 9: Skip(9, "", "x", "absent")})) == {0}


def test_skips_come_back_as_given():
    skip = {"rung": 0, "url": "", "cause": "not_found", "why": "absent", "http_status": 404}
    probe = parse_probes([{**LADDER, "skip_rungs": [skip]}])[0]
    assert [each.as_dict() for each in usable_skips(probe).values()] == [skip]


BAD = {
    "twice": ([{"name": "a", "port": 1}, {"name": "a", "port": 2}], "a: this name appears twice"),
    "no name": ([{"port": 1}], "probes[0].name: missing"),
    "no port": ([{"name": "a"}], "a.ladder[0].port: missing"),
    "port": ([{"name": "a", "port": 80822}], "80822 is not between"),
    "port text": ([{"name": "a", "port": "http"}], "whole numbers"),
    "kind": ([{"name": "a", "port": 1, "ladder": [{"kind": "ping"}]}], "'ping' is not one of actuator, http"),
    "empty": ([{"name": "a", "port": 1, "ladder": []}], "a.ladder: empty"),
    "key": ([{"name": "a", "port": 1, "ladder": [{"kind": "tcp", "pth": "/"}]}], "a.ladder[0].pth: unknown key"),
    "path": ([{"name": "a", "port": 1, "ladder": [{"kind": "http", "path": "x"}]}], "has to start with /"),
    "scheme": ([{"name": "a", "port": 1, "ladder": [{"kind": "http", "path": "/", "scheme": "ftp"}]}], "neither http"),
    "header": ([{"name": "a", "port": 1, "ladder": [{"kind": "actuator", "headers": {"X": "a\nB"}}]}], "line break"),
    "schema": ([{"name": "a", "port": 1, "ladder": [{"kind": "tcp", "schema": "x"}]}], "schema: means nothing for kind tcp"),
    "body": ([{"name": "a", "port": 1, "ladder": [{"kind": "actuator", "body_contains": "UP"}]}], "only for http"),
    "user": ([{"name": "a", "ladder": [{"kind": "postgres", "password": "x"}]}], "password: needs a user"),
    "timeout": ([{"name": "a", "port": 1, "ladder": [{"kind": "tcp", "timeout": 0}]}], "not above 0"),
    "pid": ([{"name": "a", "port": 1, "process": {"pid": "x"}}], "a.process: pid"),
    "pid 0": ([{"name": "a", "port": 1, "process": {"pid": 0}}], "a.process.pid: 0 is not a process id"),
}


@pytest.mark.parametrize("raw,says", BAD.values(), ids=BAD)
def test_bad_input_is_named(raw, says):
    with pytest.raises(ProbeError) as caught:
        parse_probes(raw)
    assert says in str(caught.value)


def test_all_problems_at_once():
    with pytest.raises(ProbeError, match="2 problem"):
        parse_probes([BAD["kind"][0][0], {"name": "b"}])


def test_secrets_are_scrubbed_from_details():
    raw = {"kind": "http", "path": "/x", "headers": {"Authorization": "Bearer abcdefghij", "X-Tenant-ID": "1"}}
    rung = rung_of({**raw, "user": "u", "password": "pw"})
    assert rung.secrets() == ["Bearer abcdefghij", "abcdefghij", "pw"]
    verdict = judge(rung, Answer(http_status=302, headers={"location": "/?t=abcdefghij&p=pw"}))
    assert "abcdefghij" not in verdict.detail and "=pw" not in verdict.detail
    assert scrub("pw and abcdefghij", rung.secrets()) == "*** and ***"


def test_url_never_holds_a_password_and_knows_ipv6():
    rung = rung_of({"kind": "postgres", "host": "::1", "user": "app", "password": "geheim", "database": "d"})
    assert rung.url == "postgresql://app@[::1]:8081/d"
    assert rung.label == "PostgreSQL app@[::1]:8081/d"
