# Copyright (c) 2026 dwp.backend contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The catalogue: every mistake in an inventory with its message, all at once; merge, completion, derived environment."""

from __future__ import annotations

import pathlib

import pytest
import yaml

from ansible_collections.dwp.backend.plugins.module_utils._platform import catalogue
from ansible_collections.dwp.backend.plugins.module_utils._platform import environment as derive

ROOT = pathlib.Path(__file__).parents[3]
DEFAULTS = yaml.safe_load((ROOT / "roles/platform/vars/main.yml").read_text())
PLACEMENT = {name: ["app-1"] for name in ("gateway", "auth", "main", "mail", "chat", "approval")}
PLACEMENT |= {"postgres": ["db-1"], "redis": ["db-1"]}
COMPONENTS = {"postgres": {"provider": "packages", "password": "db-secret"}, "redis": {"provider": "packages"}}
SYNAPSEX = {
    "port": 8085, "after": ["auth"], "calls": ["auth"], "database": {"name": "dwp_aura", "schema": "dwp_aura"},
    "redis": "required", "url_variable": "SERVICE_SYNAPSEX_URL",
}


def build(services=None, components=None, placement=None, **more):
    return catalogue.build(
        service_defaults=DEFAULTS["platform_service_defaults"], component_defaults=DEFAULTS["platform_component_defaults"],
        services={} if services is None else services, components=COMPONENTS if components is None else components,
        placement=PLACEMENT if placement is None else placement, environment="staging", development=False,
        profile="staging", **more,
    )


def test_the_defaults_are_the_runbook():
    platform = build()
    assert platform["waves"] == [["gateway"], ["auth"], ["main"], ["approval", "chat", "mail"]]
    ports = {name: service["port"] for name, service in platform["services"].items()}
    assert ports == {"gateway": 8080, "auth": 8001, "main": 8081, "mail": 8082, "chat": 8083, "approval": 8084}
    databases = {n: s["database"]["name"] for n, s in platform["services"].items() if s["database"]}
    assert databases == {n: f"dwp_{n}" for n in ("auth", "main", "mail", "chat", "approval")}


MISTAKES = [
    # (services, components, what the message says)
    ({"chat": {"after": ["mian"]}}, None, 'services.chat.after: unknown service "mian" (did you mean "main"?)'),
    ({"mail": {"port": 80822}}, None, "dwp_services.mail.port: 80822 is not between 1 and 65535"),
    ({"mail": {"port": "eighty"}}, None, "dwp_services.mail.port: expected a whole number, got text"),
    ({"mail": {"prot": 1}}, None, 'dwp_services.mail: unknown key "prot" (did you mean "port"?)'),
    ({"mail": {"environment": ["A=1"]}}, None, "dwp_services.mail.environment: expected a mapping, got a list"),
    ({"mail": {"environment": {"1X": "a"}}}, None, 'dwp_services.mail.environment.1X: "1X" is not a name of an environment'),
    ({"mail": {"environment": {"X": {"a": 1}}}}, None, "dwp_services.mail.environment.X: expected text, a number or a boolean"),
    ({"mail": {"redis": "maybe"}}, None, 'dwp_services.mail.redis: "maybe" is not one of none, lazy, required'),
    ({"mail": {"health": [{"kind": "htp"}]}}, None, '"htp" is not one of actuator, http, tcp (did you mean'),
    ({"mail": {"health": [{"path": "/x"}]}}, None, "dwp_services.mail.health[0].kind: is required"),
    ({"mail": {"health": []}}, None, "services.mail.health: is empty"),
    ({"mail": {"health": [{"kind": "http"}]}}, None, "services.mail.health[0].path: '' has to start with /"),
    ({"mail": {"health": [{"kind": "tcp"}, {"kind": "actuator", "status": [200]}]}}, None, "services.mail.health[1].status: means nothing"),
    ({"mail": {"health": [{"kind": "postgres"}]}}, None, '"postgres" is not one of actuator, http, tcp'),
    ({"mail": "x"}, None, "dwp_services.mail: expected a mapping, got text"),
    ({"Mail!": {"port": 1}}, None, "dwp_services.Mail!:"),
    ({"gateway": {"after": ["main"]}}, None, "services: cycle main -> auth -> gateway -> main; remove one of these"),
    ({"mail": {"after": ["mail"]}}, None, "services.mail.after: a service cannot wait for itself"),
    ({"mail": {"port": 8083}}, None, "is already the port of chat on host app-1"),
    ({"mail": {"calls": ["autth"]}}, None, 'services.mail.calls: unknown service "autth" (did you mean "auth"?)'),
    ({"mail": {"url_variable": "SERVICE_CHAT_URL"}}, None, "SERVICE_CHAT_URL is already that of"),
    ({"auth": {"secrets": {"TZ": "x"}, "environment": {"TZ": "y"}}}, None, "services.auth.secrets: TZ stands in environment too"),
    ({"auth": {"fast_start": "befor"}}, None, '"befor" is not one of off, before, after (did you mean "before"?)'),
    ({"auth": {"fast_start": "after", "layout": "jar"}}, None, "services.auth.fast_start: after needs layout: extracted"),
    ({"auth": {"fast_start": "after", "java_version": 11}}, None, "services.auth.fast_start: after needs Java 13 or newer"),
    ({"auth": {"fast_start": "before", "jvm_options": ["-Xshare:off"]}}, None, "fast_start: before cannot go together with -Xshare:off"),
    ({"auth": {"sha256": "abc"}}, None, '"abc" is not a sha256 in 64 hexadecimal digits'),
    ({"new": {"artifact": "x"}}, None, "services.new.port: is required"),
    ([], None, "dwp_services: expected a mapping of services, got a list"),
    (None, {"postgres": {"provider": "packges"}}, '"packges" is not one of embedded, packages'),
    (None, {"postgress": {}}, 'unknown component "postgress" (did you mean "postgres"?)'),
    (None, {"postgres": {"provider": "external"}, "redis": {"provider": "packages"}, "x": None}, 'unknown component "x"'),
    (None, {"postgres": {"provider": "embedded"}, "redis": {"provider": "packages"}}, "embedded serves its own host db-1 alone"),
]


@pytest.mark.parametrize(("services", "components", "message"), MISTAKES, ids=[m[2][:50] for m in MISTAKES])
def test_every_mistake_has_its_message(services, components, message):
    with pytest.raises(catalogue.CatalogueError) as caught:
        build(services, components)
    assert message in str(caught.value)
    assert "nothing was started" in str(caught.value)


def test_all_mistakes_at_once():
    with pytest.raises(catalogue.CatalogueError) as caught:
        build({"chat": {"after": ["mian"]}, "mail": {"port": 8083}, "main": {"after": ["auth", "approval"]}}, only="gatway")
    assert len(caught.value.problems) == 4
    assert str(caught.value).startswith("Platform catalogue: 4 problems")


def test_mistakes_of_shape_do_not_hide_the_others_and_cause_no_further_ones():
    services = {
        "gateway": {"prot": 1, "after": ["auth"]}, "auth": {"port": "x", "after": ["mian"]}, "foo_bar": {"port": 1}, "new": {"port": "y"},
        "mail": {"health": []}, "chat": {"redis": "yes", "calls": ["old"]}, "old": "x",
    }  # fmt: skip
    with pytest.raises(catalogue.CatalogueError) as caught:
        build(services, {"redis": {"provider": "extrenal"}}, placement={**PLACEMENT, "new": ["app-1"]}, only="gatway", manager="sysv")
    assert [problem.partition(" ")[0] for problem in caught.value.problems] == [
        "dwp_services.gateway:", "dwp_services.auth.port:", "dwp_services.foo_bar:", "dwp_services.new.port:", "dwp_services.chat.redis:",
        "dwp_services.old:", "dwp_components.redis.provider:", "dwp_manager:", "services.auth.after:", "services.mail.health:", "dwp_only:",
    ]  # fmt: skip


def test_components_without_a_place():
    with pytest.raises(catalogue.CatalogueError, match=r"needs exactly one host in the group postgres, found none"):
        build(placement={k: v for k, v in PLACEMENT.items() if k != "postgres"})
    with pytest.raises(catalogue.CatalogueError, match=r"components.redis.host: is required with provider external"):
        build(components={"postgres": COMPONENTS["postgres"]}, placement={k: v for k, v in PLACEMENT.items() if k != "redis"})


def test_a_seventh_service_is_an_entry_and_nothing_else():
    platform = build({"synapsex": SYNAPSEX}, placement={**PLACEMENT, "synapsex": ["app-2"]})
    assert platform["waves"][2] == ["main", "synapsex"]
    gateway = environment(platform, "gateway", "app-1")
    assert gateway.values["SERVICE_SYNAPSEX_URL"] == "http://10.0.0.2:8085"


def test_null_takes_a_default_service_away_and_a_service_without_host_is_noted():
    platform = build({"chat": None}, placement={**PLACEMENT, "mail": []})
    assert "chat" not in platform["services"]
    assert platform["notes"] == ["mail: the inventory has no host in group mail; it is not part of this platform"]
    assert platform["waves"][-1] == ["approval"]


def test_one_key_is_merged_without_repeating_the_others():
    auth = build({"auth": {"environment": {"TZ": "Asia/Seoul"}, "port": "9001"}})["services"]["auth"]
    assert auth["environment"]["TZ"] == "Asia/Seoul"
    assert auth["environment"]["JPA_DDL_AUTO"] == "validate"
    assert auth["port"] == 9001


@pytest.mark.parametrize("only", ["auth,main", "auth main", ["auth", "main"]])
def test_only(only):
    assert build(only=only)["selected"] == ["auth", "main"]


def environment(platform, name, host):
    addresses = {"app-1": "10.0.0.1", "app-2": "10.0.0.2", "db-1": "10.0.0.9"}
    return derive.environment_of(platform, name, host, address=addresses.__getitem__, log_dir="/var/log/dwp")


def test_derived_environment_of_a_service_with_everything():
    platform = build({"main": {"secrets": {"JWT_SECRET": "s" * 32}}})
    found = environment(platform, "main", "app-1")
    assert found.values == {
        "DB_HOST": "10.0.0.9", "DB_NAME": "dwp_main", "DB_PASSWORD": "db-secret", "DB_PORT": "5432", "DB_USERNAME": "dwp_user",
        "JPA_DDL_AUTO": "validate", "JPA_SHOW_SQL": "false", "JWT_SECRET": "s" * 32, "LANG": "C.UTF-8",
        "LOGGING_FILE_NAME": "/var/log/dwp/main.log",
        "LOGGING_PATTERN_CORRELATION": "[correlationId=%X{correlationId:-}] ",
        "MANAGEMENT_ENDPOINT_HEALTH_SHOWDETAILS": "always",
        "REDIS_HOST": "10.0.0.9", "REDIS_PORT": "6379", "SERVER_PORT": "8081", "SERVICE_AUTH_URL": "http://127.0.0.1:8001",
        "SPRING_PROFILES_ACTIVE": "staging",
    }
    assert {"DB_PASSWORD", "JWT_SECRET", "REDIS_PASSWORD"} <= found.secrets
    assert found.local == {"SERVICE_AUTH_URL"}


def test_names_that_only_the_code_knows():
    platform = build()
    chat = environment(platform, "chat", "app-1").values
    assert chat["SPRING_DATA_REDIS_HOST"] == "10.0.0.9"
    assert "REDIS_HOST" not in chat
    gateway = environment(platform, "gateway", "app-1").values
    assert gateway["DWP_INTERNALAPI_AUTHSERVERURL"] == gateway["SERVICE_AUTH_URL"]


def test_the_inventory_wins_over_what_is_derived_and_null_removes():
    platform = build({"mail": {"environment": {"DB_HOST": "other", "DB_PORT": None, "FLAG": True}}})
    found = environment(platform, "mail", "app-1")
    assert found.values["DB_HOST"] == "other"
    assert "DB_PORT" not in found.values
    assert found.values["FLAG"] == "true"


def test_the_public_catalogue_holds_names_of_secrets_and_no_value():
    rung = {"kind": "http", "path": "/x", "headers": {"X-Tenant-ID": "7", "Authorization": "Bearer shh", "X-Api-Key": "shh"}}
    auth = {"secrets": {"JWT_SECRET": "hush-hush"}, "database": {"name": "dwp_auth", "password": "psst"}, "health": [rung]}
    platform = build({"auth": auth})
    found = catalogue.without_secrets(platform)
    public = repr(found)
    assert "JWT_SECRET" in public
    assert not any(secret in public for secret in ("hush-hush", "psst", "db-secret", "shh"))
    assert found["services"]["auth"]["health"][0]["headers"] == {"X-Tenant-ID": "7", "Authorization": "***", "X-Api-Key": "***"}
    assert platform["services"]["auth"]["health"][0]["headers"]["Authorization"] == "Bearer shh", "probes still have it"


def test_probes_log_in_as_the_service_would():
    platform = build({"main": {"environment": {"DB_HOST": "elsewhere"}}})
    probes = derive.infrastructure_probes(platform, "main", environment(platform, "main", "app-1").values)
    assert [(p["name"], p["host"], p["ladder"][0]["kind"]) for p in probes] == [
        ("main: database dwp_main", "elsewhere", "postgres"), ("main: redis", "10.0.0.9", "redis"),
    ]
    assert probes[0]["ladder"][0]["password"] == "db-secret"
