# Copyright (c) 2026 dwp.backend contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Texts of configuration files, and what is refused before anything is touched."""

from __future__ import annotations

import re
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ansible_collections.dwp.backend.plugins.filter.infra_dry_run import infra_dry_run
from ansible_collections.dwp.backend.plugins.filter.infra_redis_conf import infra_redis_conf
from ansible_collections.dwp.backend.plugins.module_utils import _infra_config as config

COMPONENT: dict[str, Any] = {"port": 5432, "listen": ["127.0.0.1"], "settings": {}}


@pytest.mark.parametrize(
    ("value", "text"),
    [(True, "on"), (False, "off"), (100, "100"), ("128MB", "'128MB'"), ("it's", "'it''s'"), ("a\\b", "'a\\\\b'"), (0.9, "0.9")],
)
def test_postgres_values(value: Any, text: str) -> None:
    assert config.postgres_value(value) == text


def redis_words(line: str) -> list[bytes]:
    """What Redis makes of a line (sdssplitargs): double quotes with \\xHH, everything else as it stands."""
    words = []
    for quoted, plain in re.findall(r'"((?:\\x[0-9a-f]{2}|[^"\\])*)"|(\S+)', line):
        text = re.sub(rb"\\x([0-9a-f]{2})", lambda found: bytes([int(found[1], 16)]), quoted.encode())
        words.append(text if quoted or not plain else plain.encode())
    return words


@given(st.text(st.characters(exclude_categories=["Cs"]), min_size=1))
def test_a_redis_password_arrives(password: str) -> None:
    line = config.redis_settings({"requirepass": password}).splitlines()[1:]
    assert len(line) == 1
    assert redis_words(line[0]) == [b"requirepass", password.encode()]


def test_redis_lists_make_lines() -> None:
    text = config.redis_settings({"save": [[900, 1], [300, 10]], "appendonly": True, "rename-command": ["A", "B"]})
    assert text.splitlines()[1:] == ["save 900 1", "save 300 10", "appendonly yes", "rename-command A", "rename-command B"]


def test_redis_in_a_container() -> None:
    assert "protected-mode yes" in infra_redis_conf({"password": "x"})
    assert "protected-mode no" in infra_redis_conf({"password": ""})


def test_hba_lines_name_databases_users_and_clients() -> None:
    databases = [
        {"name": "dwp_auth", "user": "dwp_user"},
        {"name": "dwp_main", "user": "dwp_user"},
        {"name": "dwp_main", "user": "dwp_user"},
        {"name": 'odd "name', "user": "all"},
    ]
    assert config.hba_lines(databases, ["10.0.0.5", "fd00::1", "10.1.0.0/16", "app-1.internal"]) == [
        f"host {names} {user} {address} scram-sha-256"
        for names, user in [('"dwp_auth","dwp_main"', '"dwp_user"'), ('"odd ""name"', '"all"')]
        for address in ("10.0.0.5/32", "10.1.0.0/16", "app-1.internal", "fd00::1/128")
    ]


@given(st.text("ab\n#", max_size=30), st.lists(st.text("xy", min_size=1), max_size=3), st.lists(st.text("xy", min_size=1), max_size=3))
def test_a_block_is_replaced_and_taken_away(text: str, first: list[str], second: list[str]) -> None:
    once = config.block(text, "m", first)
    assert config.block(once, "m", first) == once
    assert config.block(once, "m", second).replace("\n", "") == config.block(text, "m", second).replace("\n", "")
    assert config.block(once, "m", []).rstrip("\n") == text.rstrip("\n")


PROBLEMS: list[tuple[str, dict[str, Any], str]] = [
    ("postgres", {"port": 0}, "infra_components.postgres.port: 0 is not between 1 and 65535"),
    ("postgres", {"listen": []}, "infra_components.postgres.listen: empty"),
    ("postgres", {"listen": ["a b"]}, "'a b' is not an address"),
    ("postgres", {"settings": {"port": 1}}, "settings.port: is set by infra_components.postgres.port, not here"),
    ("postgres", {"settings": {"a b": 1}}, "'a b' is not the name of a setting"),
    ("postgres", {"settings": {"a": "x\ny"}}, "settings.a: the value has a line break"),
    ("redis", {"settings": {"requirepass": "x"}}, "settings.requirepass: is set by infra_components.redis.password"),
    ("redis", {"listen": ["0.0.0.0"]}, "so it needs a password"),
]


@pytest.mark.parametrize(("kind", "change", "words"), PROBLEMS)
def test_bad_components_are_named(kind: str, change: dict[str, Any], words: str) -> None:
    with pytest.raises(config.InfraError, match=re.escape(words)):
        config.check_input({kind: {**COMPONENT, **change}}, [], [])


def test_all_problems_stand_in_one_message() -> None:
    with pytest.raises(config.InfraError) as raised:
        config.check_input(
            {"postgres": {**COMPONENT, "port": -1}, "redis": {**COMPONENT, "listen": ["*"]}},
            [{"name": "a", "user": "u", "password": "secret-1"}, {"name": "b", "user": "u", "password": "secret-2"}],
            ["not an address"],
        )
    text = str(raised.value)
    assert "4 problems, nothing was changed" in text and "secret" not in text
    assert "database b: user u has another password here" in text


def test_good_input_passes() -> None:
    config.check_input(
        {"postgres": {**COMPONENT, "listen": ["*"], "settings": {"max_connections": 9}}, "redis": {**COMPONENT, "listen": ["::1"]}},
        [{"name": "a", "user": "u", "password": "p"}, {"name": "b", "user": "u", "password": "p"}],
        ["10.0.0.1", "10.0.0.0/8", "host.internal"],
    )


PROBES = [{"name": "auth: database", "ladder": [{"kind": "postgres"}]}, {"name": "main: redis", "ladder": [{"kind": "redis"}]}]


@pytest.mark.parametrize(
    ("state", "not_checked", "broken"),
    [
        ({"there": False, "as_wanted": False}, ["auth: database (PostgreSQL on db-1 is not there yet)"], []),
        ({"there": True, "as_wanted": False}, ["auth: database (PostgreSQL on db-1 is changed by the next run)"], []),
        ({"there": True, "as_wanted": True}, [], ["wrong password"]),
        ({}, [], ["wrong password"]),
    ],
)
def test_dry_runs_tell_not_yet_from_broken(state: dict[str, bool], not_checked: list[str], broken: list[str]) -> None:
    proof = {
        "services": {
            "auth: database": {"healthy": False, "message": "wrong password"},
            "main: redis": {"healthy": True, "message": ""},
        }
    }
    found = infra_dry_run(PROBES, proof, {"postgres": state}, {"postgres": {"on_host": "db-1"}})
    assert found == {"not_checked": not_checked, "broken": broken}


def test_dry_run_without_a_library() -> None:
    assert infra_dry_run(PROBES, {"failed": True, "msg": "needs psycopg2"}, {}, {}) == {"not_checked": ["needs psycopg2"], "broken": []}
