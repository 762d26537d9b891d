# Copyright (c) 2026 dwp.backend contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

import json
import re
from pathlib import Path

import pytest
import yaml
from hypothesis import given
from hypothesis import strategies as st

from ansible_collections.dwp.backend.plugins.module_utils import _signatures as engine
from ansible_collections.dwp.backend.plugins.module_utils._logs.errors import LogsError
from ansible_collections.dwp.backend.plugins.module_utils._signature_data import facts
from ansible_collections.dwp.backend.plugins.module_utils._signature_match import match_text

from . import helpers

CASES = yaml.safe_load((Path(__file__).parent / "signature_cases.yml").read_text())
PROBE_ONLY = {"ACTUATOR_401", "GW_404"}
BY_ID = {signature.id: signature for signature in helpers.CATALOGUE}
MATCHES = [(name, number) for name, case in CASES.items() for number in range(len(case["match"]))]
NEAR = [(name, number) for name, case in CASES.items() for number in range(len(case["near"]))]
# The catalogue as it was agreed; a row that is lost here would be a failure nobody recognises any more.
AGREED = {
    "PORT_IN_USE", "BIND_ADDRESS", "STARTUP_FAILED", "DS_NO_URL", "PLACEHOLDER", "PROFILE_DEFAULT", "CONFIG_MISSING",
    "BEAN_MISSING", "CLASS_VERSION", "MVC_ON_GATEWAY", "FLYWAY_CHECKSUM", "FLYWAY_FAILED", "FLYWAY_MISSING",
    "FLYWAY_NEWER_DB", "FLYWAY_OUT_OF_ORDER", "FLYWAY_NONEMPTY", "FLYWAY_SQL", "FLYWAY_UNSUPPORTED",
    "SCHEMA_VALIDATE", "HIKARI_TIMEOUT", "HIKARI_INIT", "DB_UNREACHABLE", "HIKARI_STALE", "HIKARI_LEAK",
    "STARVED", "PG_REFUSED", "PG_AUTH", "PG_HBA", "PG_LOGIN", "PG_NODB", "PG_FULL", "PG_STARTING", "PG_TERMINATED", "PG_PERM",
    "PG_NOTABLE", "PG_DEADLOCK", "REDIS_REFUSED", "REDIS_AUTH", "REDIS_SLOW", "GW_REFUSED", "GW_503", "GW_504",
    "GW_CONNECT_TIMEOUT", "GW_DNS", "GW_PREMATURE", "GW_POOL", "GW_404", "JWT_SIG", "JWT_ALG", "JWT_EXP",
    "JWT_EARLY", "JWT_WEAK", "JWT_MALFORMED", "TENANT_MISSING", "GW_LOCALHOST", "FEIGN", "ACTUATOR_401", "ACTUATOR_ABSENT",
    "HEALTH_DB", "HEALTH_REDIS", "HEALTH_SLOW", "OOM_HEAP", "OOM_KILLED", "JVM_CRASH", "NOFILE", "DISK_FULL", "STACKOVERFLOW",
    "TLS",
}  # fmt: skip


def test_every_agreed_failure_is_there_and_has_a_case():
    asked = {row["id"] for row in facts.SIGNATURES}  # found by asking; some of them logs tell as well
    assert sorted(BY_ID) == sorted(AGREED | asked) and not AGREED & asked
    told = {name for name in asked if BY_ID[name].patterns}
    assert all(BY_ID[name].told for name in told)
    assert sorted(CASES) == sorted((AGREED | told) - PROBE_ONLY)
    for name in PROBE_ONLY:
        assert not BY_ID[name].patterns and "probe" in BY_ID[name].observed_by


def scan(tmp_path, case):
    if "file" in case:
        return helpers.read(helpers.DATA / case["file"], environment="prod")["services"][case["file"].split(".")[0]]
    text = case.get("raw") or helpers.boot(case["text"], level=case.get("level", "ERROR"))
    if case.get("level") == "INFO" and "\n" not in text.strip():
        text = helpers.starting(0) + text  # told at a start only
    return helpers.read_text(tmp_path, text, environment="prod")["services"]["svc"]


@pytest.mark.parametrize(("name", "number"), MATCHES)
def test_a_real_record_shows_the_failure(tmp_path, name, number):
    case = CASES[name]["match"][number]
    found = {one["id"]: one for one in scan(tmp_path, case)["signatures"]}
    assert name in found, sorted(found)
    expected = case.get("groups", {})
    assert {key: found[name]["groups"].get(key) for key in expected} == expected
    if "variant" in case:
        assert found[name]["variant"] == case["variant"]
    assert case.get("meaning", "") in found[name]["meaning"] and "{" not in found[name]["meaning"]
    assert found[name]["evidence"][0]["line"], "evidence names file and line"


@pytest.mark.parametrize(("name", "number"), NEAR)
def test_a_near_miss_does_not(tmp_path, name, number):
    text = CASES[name]["near"][number]
    service = helpers.read_text(tmp_path, helpers.boot(text), environment="prod")["services"]["svc"]
    assert name not in helpers.ids(service)


@pytest.mark.parametrize("kind", ["ecs", "logstash", "gelf"])
@pytest.mark.parametrize(("name", "number"), [one for one in MATCHES if "text" in CASES[one[0]]["match"][one[1]]])
def test_the_same_in_structured_logs(tmp_path, kind, name, number):
    case = CASES[name]["match"][number]
    text = case["text"]
    level = case.get("level", "ERROR")
    before = helpers.structured(kind, "Starting App v1 using Java 17 with PID 4711 (/srv)", 0, "INFO")
    record = helpers.structured(kind, text, 1, level)
    if level == "DEBUG":
        before += helpers.structured(kind, "hello", 0.5, "DEBUG")
    service = helpers.read_text(tmp_path, before + record, environment="prod")["services"]["svc"]
    assert name in helpers.ids(service)


@pytest.mark.parametrize("entry", json.loads((helpers.DATA / "index.json").read_text()), ids=lambda entry: str(entry["file"]))
def test_logs_of_real_services(entry):
    """Exactly the failures that were brought about, and nothing in the log of a healthy service."""
    service = helpers.read(helpers.DATA / entry["file"])["services"][entry["file"].split(".")[0]]
    assert sorted(helpers.ids(service)) == sorted(entry["failures"])


LIBRARIES = sorted((helpers.DATA / "libraries").glob("*.txt"))


@pytest.mark.parametrize("path", LIBRARIES, ids=lambda path: path.stem)
def test_records_of_real_libraries(path):
    """What the libraries write when the failure is brought about: that row, and no other."""
    found = helpers.read(path)["services"][path.stem]["signatures"]
    assert [one["id"] for one in found] == [path.stem.split("-")[0]]
    assert not any(value.endswith(".") for key, value in found[0]["groups"].items() if key == "version")


RECORDS = [
    ("any row over STARTUP_FAILED", "Application run failed\nCould not resolve placeholder 'A'", ["PLACEHOLDER"]),
    ("PG over Hikari", "Unable to obtain connection from database: FATAL: database \"a\" does not exist", ["PG_NODB"]),
    ("PG over health", "DataSource health check failed\nConnection to db:5432 refused", ["PG_REFUSED"]),
    ("PG over unreachable", "Failed to obtain JDBC Connection\nFATAL: sorry, too many clients already", ["PG_FULL"]),
    ("pool over health", "DataSource health check failed\nConnection is not available, request timed out after 30000ms "
     "(total=0, active=0, idle=0, waiting=1)", ["HIKARI_TIMEOUT"]),
    ("refused login also cannot connect", "Unable to connect to Redis\nNOAUTH Authentication required.", ["REDIS_AUTH"]),
    ("exception over health", "Redis health check failed\nUnable to connect to Redis", ["REDIS_REFUSED"]),
    ("SQLSTATE decides: script", 'Script V1__a.sql failed\nSQL State  : 42P01\nrelation "x" does not exist', ["FLYWAY_SQL"]),
    ("SQLSTATE decides: right", "Script V1__a.sql failed\nSQL State  : 42501\npermission denied for schema public", ["PG_PERM"]),
    ("SQLSTATE decides: quoted", "Script V1__a.sql failed\nSQL State  : 42601\n'permission denied for schema public'",
     ["FLYWAY_SQL"]),
    ("carrier alone is no cause", '[a-1]  500 Server Error for HTTP GET "/x"', []),
    ("two causes stay", "Application run failed\nPort 8080 was already in use\nToo many open files", ["PORT_IN_USE", "NOFILE"]),
]  # fmt: skip


@pytest.mark.parametrize(("why", "text", "expected"), RECORDS, ids=[record[0] for record in RECORDS])
def test_the_special_row_beats_the_carrier(why, text, expected):
    assert [match.signature.id for match in match_text(text, helpers.CATALOGUE)] == expected


def test_the_profile_counts_in_production_only():
    text = 'No active profile set, falling back to 1 default profile: "default"'
    for environment, expected in (("prod", 1), ("staging", 1), ("dev", 0), ("", 0)):
        assert len(match_text(text, helpers.CATALOGUE, environment)) == expected


@pytest.mark.parametrize("signature", helpers.CATALOGUE, ids=lambda signature: signature.id)
def test_every_row_says_what_it_means_and_what_to_do(signature):
    assert 1 <= signature.priority <= 9 and signature.meaning and signature.source
    assert signature.severity in engine.SEVERITIES
    for action in [signature.next, *(variant["next"] for variant in signature.variants)]:
        assert set(action) == {"command", "risk", "verify"} and all(action.values())
        assert action["risk"] in engine.RISKS
    for alternative, literal in zip(signature.patterns, signature.literals):
        assert len(literal) >= 6, "without a long literal every record has to be tried"
        assert any(literal in pattern.pattern.replace("\\", "") for pattern in alternative)


def test_next_actions_name_what_exists():
    """Playbooks, their variables, and no word that a shell would take for something else."""
    root = Path(__file__).parents[3]
    variables = (root / "docs" / "variables.md").read_text()
    for signature in helpers.CATALOGUE:
        for action in [signature.next, *(variant["next"] for variant in signature.variants)]:
            for name in re.findall(r"[\w/-]+\.yml", " ".join(action.values())):
                assert (root / "playbooks" / Path(name).name).is_file(), f"{signature.id}: {name} is not there"
            for name in re.findall(r"\bdwp_\w+(?==)", action["command"]):
                assert f"`{name}`" in variables, f"{signature.id}: {name}"


def test_risk_tells_what_a_command_does():
    for signature in helpers.CATALOGUE:
        if re.search(r"(rollback|restart)\.yml|systemctl restart|^kill", signature.next["command"]):
            assert signature.next["risk"] == "restart", signature.id
        if re.search(r"GRANT|DROP|rm -|pg_terminate", signature.next["command"]):
            assert signature.next["risk"] == "destructive", signature.id


LITERALS = [
    ("Port (\\d+) was already in use", " was already in use"),
    ("a|b", ""),
    ("(?i)abc", ""),
    ("abc?def", "def"),
    ("abc+def", "abc"),
    ("ab{0,3}cdef", "cdef"),
    ("[abc]xyz(?P<n>q|w)longer text", "longer text"),
    ("a\\.b\\(c\\d", "a.b(c"),
    ('name "([^"]+)" gone', "name "),
    ("[]]abc[^]]def", "abc"),
    ("(a(b|[)])c)xy", "xy"),
]


@pytest.mark.parametrize(("pattern", "expected"), LITERALS)
def test_required_literal(pattern, expected):
    assert engine.required_literal(pattern) == expected


@given(st.from_regex(r"[a-d(){}\[\]|?*+.\\0-2,^$:=!P<>-]{0,12}", fullmatch=True), st.text("abcd012(){}-.,", max_size=30))
def test_a_match_always_holds_its_literal(pattern, text):
    """The prefilter may never hide a match, whatever the pattern."""
    try:
        compiled = re.compile(pattern)
    except (re.error, OverflowError, RecursionError):
        return
    match = compiled.search(text)
    if match:
        assert engine.required_literal(pattern) in match[0] or engine.required_literal(pattern) in text


SITE = {
    "id": "SITE_LICENSE",
    "meaning": "the licence has ended",
    "patterns": [r"licence (?P<number>\S+) expired"],
    "next": {"command": "check {number} {service}", "risk": "read-only", "verify": "it works"},
}


def test_a_site_adds_its_own(tmp_path):
    signatures = engine.catalogue([SITE])
    service = helpers.read_text(tmp_path, helpers.boot("licence A-7 expired"), signatures=signatures)["services"]["svc"]
    assert [(one["id"], one["next_action"]["command"]) for one in service["signatures"]] == [("SITE_LICENSE", "check A-7 svc")]


def test_a_pattern_without_a_literal_is_slow_but_works(tmp_path):
    signatures = engine.catalogue([{**SITE, "patterns": [r"(?i)LICENCE (?P<number>\S+) (?:ended|expired)"]}])
    assert helpers.ids(helpers.read_text(tmp_path, helpers.boot("Licence 7 ended"), signatures=signatures)["services"]["svc"])


def test_a_site_replaces_a_built_in():
    replaced = {one.id: one for one in engine.catalogue([{**SITE, "id": "PG_AUTH"}])}
    assert replaced["PG_AUTH"].meaning == "the licence has ended" and replaced["PG_AUTH"].site


BAD = [
    ({**SITE, "patterns": ["("]}, "signatures[0] (SITE_LICENSE): '(' is no regular expression"),
    ({**SITE, "patterns": ["a*"]}, "matches the empty text"),
    ({**SITE, "patterns": []}, "patterns must be a list of at least one"),
    ({**SITE, "id": "lower"}, "id must be capitals"),
    ({**SITE, "next": {"command": "x"}}, "next lacks risk, verify"),
    ({**SITE, "next": {**SITE["next"], "risk": "none"}}, "next.risk is 'none', not one of read-only, restart, destructive"),
    ({**SITE, "priority": 12}, "priority is 12, not 1 to 9"),
    ({**SITE, "priority": "first"}, "priority is 'first', not 1 to 9"),
    ({**SITE, "pattern": "x"}, "unknown key 'pattern'"),
    ({**SITE, "severity": "bad"}, "severity is 'bad'"),
    ({**SITE, "yields_to": "PG_AUTH"}, "yields_to must be a list"),
    ("text", "signatures[0]: expected a mapping, found str"),
]


@pytest.mark.parametrize(("entry", "message"), BAD, ids=[one[1][:40] for one in BAD])
def test_a_bad_signature_is_explained(entry, message):
    with pytest.raises(LogsError) as error:
        engine.catalogue([entry])
    assert message in str(error.value)


def test_all_bad_signatures_are_named_at_once():
    with pytest.raises(LogsError) as error:
        engine.catalogue([{**SITE, "patterns": ["("]}, {**SITE, "priority": 0}])
    assert "signatures[0]" in str(error.value) and "signatures[1]" in str(error.value)


@pytest.mark.parametrize("value", ["a b", "$(touch x)", "`id`", "x;rm -rf /", "a'b", '"', "-rf", "", "a\nb", "x" * 300, "{port}"])
def test_what_a_log_says_never_becomes_a_command(value):
    assert engine.fill("pg_isready -h {host}", {"host": value}) == "pg_isready -h HOST"


def test_safe_values_are_filled_in():
    assert engine.fill("nc {host} {port} ${KEEP} {other}", {"host": "db-01.internal", "port": "5432"}) == (
        "nc db-01.internal 5432 ${KEEP} OTHER"
    )
