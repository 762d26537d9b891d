# Copyright (c) 2026 dwp.backend contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

from pathlib import Path

import pytest
import yaml
from hypothesis import given
from hypothesis import strategies as st

from ansible_collections.dwp.backend.plugins.module_utils._diagnosis.diagnose import CARRIERS, HOST_WIDE, OF_ITSELF, WHOLE, diagnose
from ansible_collections.dwp.backend.plugins.module_utils._diagnosis.from_logs import findings_of_logs, target_of
from ansible_collections.dwp.backend.plugins.module_utils._diagnosis.model import Finding, Platform, Trouble
from ansible_collections.dwp.backend.plugins.module_utils._signatures import catalogue
from tests.unit.logs import helpers

CASES = yaml.safe_load((Path(__file__).parent / "cases.yml").read_text())
SERVICES = ["auth", "main", "mail", "chat", "approval"]
HOME = {key: ["app-01"] for key in [*SERVICES, "gateway", "postgres", "redis"]}
PLATFORM = Platform(
    calls={"gateway": SERVICES, **{name: ["auth"] for name in SERVICES[1:]}},
    needs={name: ["postgres", "redis"] if name in ("main", "chat") else ["postgres"] for name in SERVICES},
    hosts=HOME,
    ports={8080: "gateway", 8001: "auth", 8081: "main", 8082: "mail"},
    paths={"mail": "mail", "synapse": "chat"},
)
NAMES = [*SERVICES, "gateway", "postgres", "redis"]
SIGNATURES = {one.id: one for one in catalogue()}


def finding(failure, service, differences):
    row = SIGNATURES[failure]
    values = {"about": row.about, "severity": row.severity, "priority": row.priority, **differences}
    return Finding(failure, service, **values)


@pytest.mark.parametrize("case", CASES, ids=lambda case: case["id"])
def test_diagnosis(case):
    health = {**dict.fromkeys(NAMES, "up"), **case.get("health", {})}
    findings = [finding(*one) for one in case.get("findings", [])]
    troubles = [Trouble(service, "app-01", text, **{"count": 3, **dict(*more)}) for service, text, *more in case.get("troubles", ())]
    found = diagnose(findings, PLATFORM, health, case.get("now"), case.get("not_checked", ()), troubles)
    said = {
        "status": found.status, "failure": found.failure, "service": found.service, "host": found.host, "victims": list(found.victims),
        "contributing": sorted(one.failure for one in found.contributing), "stale": sorted(one.failure for one in found.stale),
        "notes": sorted(one.failure for one in found.notes), "confidence": found.confidence,
        "unexplained": sorted(one.service for one in found.unexplained),
    }  # fmt: skip
    assert {key: said[key] for key in case["expect"]} == case["expect"], found
    assert found.reasons and len(found.not_checked) == len(case.get("not_checked", ()))


def test_names_in_the_rules_are_names_of_the_catalogue():
    assert set(SIGNATURES) >= (WHOLE | HOST_WIDE | CARRIERS | OF_ITSELF)


findings_of_all = st.lists(
    st.builds(
        finding, st.sampled_from(sorted(SIGNATURES)), st.sampled_from(NAMES),
        st.fixed_dictionaries({
            "target": st.sampled_from(["", *NAMES]), "since": st.none() | st.floats(0, 1000), "last": st.none() | st.floats(0, 1000),
            "stale": st.booleans(), "current": st.booleans(), "suspect": st.booleans(), "host": st.sampled_from(["", "app-01"]),
            "directness": st.sampled_from(["direct", "reported"]),
        }),
    ), max_size=8,
)  # fmt: skip
healths = st.fixed_dictionaries({name: st.sampled_from(["up", "degraded", "down", "unknown"]) for name in NAMES})


@given(findings_of_all, healths, st.none() | st.floats(0, 5000))
def test_what_holds_for_every_diagnosis(findings, health, now):
    found = diagnose(findings, PLATFORM, health, now)
    assert all(health[name] != "up" for name in found.victims), "nothing healthy is called a victim"
    assert found.service not in found.victims
    assert found.failure is None or (
        found.root and not found.root.stale and not found.root.suspect and (found.root.severity != "note" or found.root.about == "caller")
    )
    listed = [found.root, *found.contributing, *found.symptoms, *found.stale, *found.notes]
    assert sorted(id(one) for one in listed if one) == sorted(id(one) for one in findings), "every finding has exactly one place"
    if any(state == "down" for state in health.values()):
        assert found.status == "down"
    assert diagnose(list(reversed(findings)), PLATFORM, health, now).failure == found.failure, "the order of findings decides nothing"


def test_a_cycle_of_calls_ends():
    platform = Platform(calls={"a": ["b"], "b": ["c"], "c": ["a"]})
    found = diagnose([Finding("FEIGN", "a", about="downstream", target="b")], platform, {"a": "down", "b": "down", "c": "down"})
    assert found.failure is None and found.service in "abc"


TARGETS = [
    ({"target_host": "127.0.0.1", "target_port": "8001"}, "auth"),
    ({"url": "http://localhost:8081/main/x"}, "main"),
    ({"url": "http://mail-service/x"}, "mail"),
    ({"url": "http://[bad"}, ""),
    ({"name": "chat"}, "chat"),
    ({"name": "approval-service"}, "approval"),
    ({"name": "auth-server"}, "auth"),
    ({"target_host": "10.0.0.9", "target_port": "9999"}, ""),
    ({}, ""),
]


@pytest.mark.parametrize(("groups", "expected"), TARGETS)
def test_target_of(groups, expected):
    assert target_of(groups, PLATFORM) == expected


@pytest.mark.parametrize(("path", "expected"), [
    ("/api/mail/inbox", "mail"), ("/mail/inbox", "mail"), ("/api/synapse/cases", "chat"), ("/api/aura/x", ""), ("/api/mail", "mail"),
    ("/api", ""), ("/", ""), ("", ""),
])  # fmt: skip
def test_who_is_behind_a_path_of_the_gateway(path, expected):
    assert PLATFORM.behind(path) == expected


@pytest.mark.parametrize(("groups", "paths", "expected"), [
    ({}, ["/api/mail/inbox"], "mail"),
    ({}, ["/api/mail/inbox", "/api/mail/x?y=1"], "mail"),
    ({}, ["/api/mail/inbox", "/api/synapse/cases"], ""),  # what fails with two services is neither's
    ({}, ["/api/mail/inbox", "/api/aura/x"], ""),
    ({}, [], ""),
    ({"target_host": "127.0.0.1", "target_port": "9999"}, ["/api/mail/inbox"], ""),  # asked at an address that is nobody's
    ({"target_host": "127.0.0.1", "target_port": "8001"}, ["/api/mail/inbox"], "auth"),
])  # fmt: skip
def test_the_address_of_a_call_says_more_than_its_path(groups, paths, expected):
    records = [{"record": f"[1-2] Resolved [504 GATEWAY_TIMEOUT] for HTTP GET {path}"} for path in paths]
    told = {"id": "GW_504", "service": "gateway", "about": "downstream", "groups": groups, "evidence": records}
    (found,) = findings_of_logs([{"services": {"gateway": {"signatures": [told]}}}], PLATFORM)
    assert found.target == expected


def test_from_real_logs_to_a_diagnosis(tmp_path):
    """The database was not listening: auth died, the gateway is refused by it."""
    gateway = helpers.boot(
        '[a-1]  500 Server Error for HTTP GET "/api/auth/me"\n\n'
        "io.netty.channel.AbstractChannel$AnnotatedConnectException: Connection refused: localhost/127.0.0.1:8001",
        60,
    )
    (tmp_path / "gateway.log").write_text(helpers.starting(0) + helpers.started(5) + gateway)
    (tmp_path / "auth.log").write_bytes((helpers.DATA / "j_pgref.txt").read_bytes())
    results = [helpers.read(tmp_path / "gateway.log"), helpers.read(tmp_path / "auth.log")]
    health = {**dict.fromkeys(NAMES, "up"), "postgres": "unknown", "auth": "down", "main": "degraded", "gateway": "degraded"}
    found = diagnose(findings_of_logs(results, PLATFORM), PLATFORM, health)
    assert (found.failure, found.status, found.victims) == ("PG_REFUSED", "down", ("gateway", "main"))
    assert found.next_action["command"] == "pg_isready -h localhost -p 55999"
    assert [one.failure for one in found.symptoms] == ["GW_REFUSED"] and found.root.evidence[0]["line"]
