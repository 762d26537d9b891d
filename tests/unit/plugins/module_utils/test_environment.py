# Copyright (c) 2026 dwp.backend contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

import random
from pathlib import Path

import pytest
import yaml

from ansible_collections.dwp.backend.plugins.module_utils._environment import (
    DEFAULT_RULES,
    RuleError,
    Source,
    check,
    check_fingerprints,
    differences,
    fingerprinter,
    fingerprints,
    instances_of,
    is_development,
    known_names,
    merge_rules,
)

DATA = Path(__file__).parents[2] / "testdata" / "environment"
TABLE = yaml.safe_load((DATA / "rules.yml").read_text(encoding="utf-8"))
RULES = {rule["id"]: rule for rule in DEFAULT_RULES}
KEY = b"a fixed key for tests"

# Every variable that the runbook and the field notes (section 3, and the names set in sections 2 and 7) speak of.
DOCUMENTED = """
SERVICE_AUTH_URL SERVICE_MAIN_URL SERVICE_MAIL_URL SERVICE_CHAT_URL SERVICE_APPROVAL_URL AURA_PLATFORM_URI SERVER_PORT
DB_HOST DB_PORT DB_NAME DB_USERNAME DB_PASSWORD JWT_SECRET JPA_DDL_AUTO RBAC_CACHE_TTL_SECONDS JPA_SHOW_SQL
JWT_EXPIRATION_SECONDS LOG_LEVEL_AUTH LOG_LEVEL_MONITORING LOG_LEVEL_SECURITY LOG_LEVEL_SQL LOG_LEVEL_SQL_PARAM
REDIS_HOST REDIS_PORT REDIS_PASSWORD SERVICE_SYNAPSEX_URL AURA_PLATFORM_URL AURA_BASE_URL DWP_INTERNALAPI_AUTHSERVERURL
DWP_INTERNAL_API_AUTH_SERVER_URL CORS_ALLOWED_ORIGINS CORS_ALLOWED_METHODS CORS_ALLOWED_HEADERS CORS_ALLOW_CREDENTIALS
CORS_MAX_AGE AUDIT_REDIS_ENABLED AUDIT_REDIS_CHANNEL DETECT_BATCH_ENABLED DETECT_BATCH_CRON
DETECT_BATCH_INTERVAL_MINUTES SPRING_PROFILES_ACTIVE DWP_SEED_ENABLED SSO_REDIRECTBASEURL TZ POSTGRES_USER
POSTGRES_PASSWORD POSTGRES_CONTAINER PG_SUPERUSER SCHEMA_NAME TENANT_ID NEW_CHECKSUM SPRING_DATA_REDIS_HOST
LOGGING_FILE_NAME LOGGING_PATTERN_CORRELATION LOGGING_STRUCTURED_FORMAT_FILE SPRING_APPLICATION_JSON
MANAGEMENT_ENDPOINT_HEALTH_SHOWDETAILS MANAGEMENT_ENDPOINT_HEALTH_PROBES_ENABLED SERVER_TOMCAT_MBEANREGISTRY_ENABLED
"""


def run(rules, case, default_service=None):
    name = case.get("in", "prod")
    environments = case.get("fleet") or {case.get("service", default_service): case["set"]}
    environments = {key: {n: str(v) for n, v in values.items()} for key, values in environments.items()}
    return check(
        environments, rules, environment_name=name, development=is_development(name),
        service_rules=case.get("about"), fingerprint=fingerprinter(KEY),
    )


def cases(kind):
    return [
        pytest.param(identity, entry, case, id=f"{identity}-{number}")
        for identity, entry in TABLE.items() for number, case in enumerate(entry[kind], 1)
    ]


@pytest.mark.parametrize(("identity", "entry", "case"), cases("fires"))
def test_rule_fires(identity, entry, case):
    violations = [v for v in run(DEFAULT_RULES, case, entry.get("service")) if v.id == identity]
    if "fleet" in case:
        at = [f"{v.service}{'@' + v.host if v.host else ''}:{v.variable}" for v in violations]
    else:
        at = [violation.variable for violation in violations]
    assert at == case["at"]
    assert {violation.severity for violation in violations} == {case.get("severity", entry.get("severity", "error"))}
    assert all(case.get("says", "") in violation.message for violation in violations)


@pytest.mark.parametrize(("identity", "entry", "case"), cases("silent"))
def test_rule_is_silent(identity, entry, case):
    assert [v.message for v in run(DEFAULT_RULES, case, entry.get("service")) if v.id == identity] == []


def test_every_default_rule_is_in_the_table_firing_and_silent():
    assert set(TABLE) == set(RULES)
    assert all(entry["fires"] and entry["silent"] for entry in TABLE.values())


def test_every_documented_variable_is_known_and_every_one_with_a_value_to_check_is_in_a_rule():
    documented = set(DOCUMENTED.split())
    assert documented <= known_names(DEFAULT_RULES)
    variables = [rule.get("variable", []) for rule in DEFAULT_RULES]
    in_rules = {name for each in variables for name in ([each] if isinstance(each, str) else each)}
    assert documented - in_rules <= {"POSTGRES_CONTAINER", "PG_SUPERUSER"}


def test_every_rule_says_where_it_comes_from():
    assert all(rule.get("source") for rule in DEFAULT_RULES)


FLEETS = yaml.safe_load((DATA / "fleets.yml").read_text(encoding="utf-8"))


@pytest.mark.parametrize("fleet", FLEETS["good"], ids=lambda fleet: fleet["id"])
def test_a_good_fleet_has_no_violations(fleet):
    assert [violation.message for violation in run(DEFAULT_RULES, fleet)] == []


def test_the_runbook_as_it_stands_is_accepted_in_development_with_warnings_only():
    violations = run(DEFAULT_RULES, FLEETS["runbook"])
    assert [(v.id, v.variable) for v in violations if v.severity == "error"] == [("jwt-secret", "JWT_SECRET")]
    assert {v.service for v in violations if v.id == "jwt-secret"} == {"main"}  # T24: the runbook forgets it there


def test_the_runbook_as_it_stands_is_refused_in_production_for_every_reason_at_once():
    found = {v.id for v in run(DEFAULT_RULES, {**FLEETS["runbook"], "in": "prod"}) if v.severity == "error"}
    assert found == {
        "jwt-secret", "jwt-secret-public", "database-password-public", "local-urls", "local-aura", "local-database", "profile",
        "redis-host", "inner-auth-url",
    }


def test_order_does_not_depend_on_the_order_of_the_input():
    fleet = FLEETS["runbook"]["fleet"]
    expected = run(DEFAULT_RULES, {"fleet": fleet})
    for seed in range(5):
        shuffled = {}
        for key in random.Random(seed).sample(sorted(fleet), len(fleet)):
            shuffled[key] = dict(random.Random(seed).sample(sorted(fleet[key].items()), len(fleet[key])))
        rules = random.Random(seed).sample(DEFAULT_RULES, len(DEFAULT_RULES))
        assert run(rules, {"fleet": shuffled}) == expected


def test_catalogue_names_are_required_once():
    about = {"auth": {"required": ["JWT_SECRET", "LICENCE_FILE"]}}
    violations = check({"auth": {"LICENCE_FILE": ""}}, service_rules=about, environment_name="prod")
    assert [v.variable for v in violations if v.rule == "required"].count("JWT_SECRET") == 1
    licence = next(v for v in violations if v.variable == "LICENCE_FILE")
    assert (licence.id, licence.severity, licence.reference) == ("catalogue-required", "error", "the catalogue")


def test_of_a_warning_and_an_error_about_the_same_the_error_stays():
    def severities(about):
        found = check({"auth": {}}, environment_name="prod", service_rules=about)
        return [v.severity for v in found if v.variable == "DWP_SEED_ENABLED"]

    assert severities({}) == ["warning"]
    assert severities({"auth": {"required": ["DWP_SEED_ENABLED"]}}) == ["error"]


def test_a_missing_name_is_joined_with_the_mistyped_one():
    def message(values):
        return next(v.message for v in check({"auth": values}) if v.variable == "DB_USERNAME")

    assert "DB_USERNAME is not set, but DB_USER is (a typing mistake?)." in message({"DB_USER": "u"})
    assert "DB_USERNAME is not set." in message({"DB_PASS": "p", "JWT_KEY": "k"})


def test_message_says_service_host_file_line_and_what_to_do():
    found = check(
        {"auth@app-01": {"JWT_SECRET": "x" * 21}}, [RULES["jwt-secret-length"]],
        sources={"auth@app-01": Source("environment of release 7f3c2a1", {"JWT_SECRET": 14})},
    )
    assert [violation.to_dict() for violation in found] == [{
        "service": "auth", "host": "app-01", "variable": "JWT_SECRET", "rule": "min_bytes", "id": "jwt-secret-length",
        "severity": "error", "line": 14, "source": "environment of release 7f3c2a1", "reference": "field notes 5",
        "message": "auth on app-01: JWT_SECRET is 21 bytes long in UTF-8, at least 32 are needed "
        "(environment of release 7f3c2a1, line 14). HS256 needs that: main would not start, and auth would start and reject every login. "
        'Create one with "openssl rand -base64 48" and keep it in the vault of the inventory. The value is not shown.',
    }]


def test_fingerprints_of_several_hosts_made_with_one_key_can_be_compared():
    def on_host(environments, key):
        return fingerprints(instances_of(environments), fingerprinter(key))

    first = on_host({"auth@a": {"JWT_SECRET": "one", "DB_HOST": "db", "REDIS_PASSWORD": ""}}, KEY)
    second = on_host({"main@b": {"JWT_SECRET": "two"}}, KEY)
    assert set(first["auth@a"]) == {"JWT_SECRET"}
    assert len(first["auth@a"]["JWT_SECRET"]) == 8
    violations = check_fingerprints({**first, **second})
    assert [(v.service, v.host, v.id) for v in violations] == [("main", "b", "jwt-secret-equal")]
    assert first["auth@a"]["JWT_SECRET"] in violations[0].message
    assert check_fingerprints({**first, **on_host({"main@b": {"JWT_SECRET": "one"}}, KEY)}) == []


def test_fingerprints_differ_between_runs():
    assert fingerprinter()("value") != fingerprinter()("value")
    assert fingerprinter(KEY)("value") == fingerprinter(KEY)("value") != fingerprinter(KEY)("valuf")


def test_differences_between_a_file_and_a_process():
    wanted = {"A": "1", "DB_PASSWORD": "hunter2-new", "B": "x", "C": "same"}
    actual = {"A": "2", "DB_PASSWORD": "hunter2-old", "C": "same", "HOME": "/root"}
    digest = fingerprinter(KEY)
    assert differences(wanted, actual, digest) == [
        {"variable": "A", "state": "different", "wanted": "1", "actual": "2"},
        {"variable": "B", "state": "missing", "wanted": "x"},
        {"variable": "DB_PASSWORD", "state": "different", "wanted": digest("hunter2-new"), "actual": digest("hunter2-old")},
    ]


BAD_RULES = [
    ([{"rule": "port", "variable": "A"}], "rule 1 needs an id"),
    ([{"id": "x", "rule": "prot", "variable": "A"}], "x: there is no kind of rule 'prot' (did you mean port?)"),
    ([{"id": "x", "rule": "port"}], "x: the variable is missing"),
    ([{"id": "x", "rule": "min_bytes", "variable": "A"}], "x: min_bytes needs the argument n"),
    ([{"id": "x", "rule": "min_bytes", "variable": "A", "n": "32"}], "x: n is of type text, not number"),
    ([{"id": "x", "rule": "integer", "variable": "A", "min": True}], "x: min is of type true/false, not number"),
    ([{"id": "x", "rule": "port", "variable": "A", "sevrity": "error"}], "unknown argument sevrity (did you mean severity?)"),
    ([{"id": "x", "rule": "port", "variable": "A", "severity": "fatal"}], "severity is 'fatal', not one of error, warning"),
    ([{"id": "x", "rule": "pattern", "variable": "A", "regex": "("}], "regex cannot be compiled"),
    ([{"id": "jwt-secret-length", "n": [1]}], "jwt-secret-length: n is of type list, not number"),
]


@pytest.mark.parametrize(("extra", "words"), BAD_RULES)
def test_rules_that_cannot_be_used_are_refused(extra, words):
    with pytest.raises(RuleError) as caught:
        merge_rules(DEFAULT_RULES, extra)
    assert words in str(caught.value)


@pytest.mark.parametrize("off", ["off", False], ids=["text", "as YAML reads a bare off"])
def test_a_site_switches_a_rule_off(off):
    fleet = {"fleet": {"auth": {"TZ": "UTC"}}, "in": "prod"}
    before = {v.id for v in run(DEFAULT_RULES, fleet)}
    after = {v.id for v in run(merge_rules(DEFAULT_RULES, [{"id": "time-zone-known", "severity": off}]), fleet)}
    assert before - after == {"time-zone-known"}
    in_development = run(merge_rules(DEFAULT_RULES, [{"id": "jwt-secret-public", "severity": off}]), {**FLEETS["runbook"], "in": "dev"})
    assert "jwt-secret-public" not in {v.id for v in in_development}


def test_all_bad_rules_at_once():
    bad = [{**rules[0], "id": rules[0]["rule"]} for rules, _message in BAD_RULES[1:4]]
    with pytest.raises(RuleError) as caught:
        merge_rules(DEFAULT_RULES, bad, ["nmaes"])
    assert len(caught.value.problems) == 4
    assert "disable: there is no rule nmaes (did you mean names?)" in str(caught.value)


def test_extra_rules_add_replace_and_disable():
    rules = merge_rules(
        DEFAULT_RULES,
        [
            {"id": "jwt-secret-length", "n": 64},
            {"id": "ports", "rule": "pattern", "variable": "SERVER_PORT", "regex": "^80"},
            {"id": "licence", "rule": "required", "variable": "LICENCE", "services": ["auth"]},
        ],
        ["profile"],
    )
    by_id = {rule["id"]: rule for rule in rules}
    assert by_id["jwt-secret-length"]["rule"] == "min_bytes"
    assert "fix" in by_id["jwt-secret-length"]
    assert by_id["ports"] == {"id": "ports", "rule": "pattern", "variable": "SERVER_PORT", "regex": "^80"}
    assert "profile" not in by_id
    found = {v.id for v in check({"auth": {"JWT_SECRET": "x" * 40, "SERVER_PORT": "9"}}, rules)}
    assert {"jwt-secret-length", "ports", "licence"} <= found
    assert RULES["jwt-secret-length"]["n"] == 32


def test_rules_may_also_come_in_one_list_the_later_over_the_earlier():
    rules = [*DEFAULT_RULES, {"id": "jwt-secret-length", "n": 64}]
    assert any(v.id == "jwt-secret-length" for v in check({"auth": {"JWT_SECRET": "x" * 40}}, rules))
    with pytest.raises(RuleError, match="needs an id"):
        check({}, [*DEFAULT_RULES, {"rule": "port", "variable": "A"}])


def test_unknown_keys_of_a_service_are_refused():
    with pytest.raises(RuleError, match=r"services.auth: unknown key requierd"):
        check({"auth": {}}, service_rules={"auth": {"requierd": []}})
