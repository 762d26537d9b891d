# Copyright (c) 2026 dwp.backend contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ansible_collections.dwp.backend.plugins.module_utils._environment_text import (
    HIDDEN,
    addresses,
    edits,
    is_loopback,
    is_secret_name,
    near_name,
    overlay_arguments,
    relaxed_name,
    scrub,
    shower,
)


@pytest.mark.parametrize("name", [
    "DB_PASSWORD", "JWT_SECRET", "JWT_SECRETE", "API_TOKEN", "SSH_KEY", "AWS_CREDENTIALS", "DB_PASS", "DB_PWD", "db_password",
    "SENTRY_DSN", "PRIVATE_PEM", "SPRING_DATASOURCE_PASSWORD",
])
def test_names_of_secrets(name):
    assert is_secret_name(name)


@pytest.mark.parametrize("name", ["DB_HOST", "SERVER_PORT", "PWD", "OLDPWD", "COMPASS_URL", "BYPASS", "DB_USERNAME"])
def test_names_of_other_things(name):
    assert not is_secret_name(name)
    assert is_secret_name(name, {name})


@pytest.mark.parametrize(("value", "expected"), [
    ("http://a:1/x", "http://a:1/x"),
    ("redis://:hunter2@cache:6379", "redis://***@cache:6379"),
    ("https://u:hun/ter2#@host/", "https://***@host/"),
    ("u:hunter2@host", "***@host"),
    ("jdbc:postgresql://db/x?user=u&password=hunter2&ssl=true", "jdbc:postgresql://db/x?user=u&password=***"),
    ("jdbc:postgresql://u:hunter2@db/x", "jdbc:postgresql://***@db/x"),
    ("host=db password=hunter2 hunter2", "host=db password=***"),
    ("http://a/?sslPassword=hunter2&x", "http://a/?sslPassword=***"),
    ("http://a/?api_key=hunter2\nhunter2", "http://a/?api_key=***"),
])
def test_scrub(value, expected):
    assert scrub(value) == expected


def test_shown_never_holds_a_secret_of_any_variable():
    shown = shower(["hunter2", "abc"])
    assert shown("A", "x-hunter2-y", False) == HIDDEN
    assert shown("A", "anything", True) == HIDDEN
    assert shown("A", "plain", False) == "plain"
    assert shown("A", "", False) == "empty"
    assert shown("A", "a b\n", False) == r"'a b\n'"
    assert len(shown("A", "x" * 1000, False)) == 120


@pytest.mark.parametrize("host", [
    "localhost", "LOCALHOST", "localhost.", "app.localhost", "127.0.0.1", "127.255.255.254", "127.1", "2130706433", "0x7f.1",
    "0.0.0.0", "::1", "[::1]", "0:0:0:0:0:0:0:1", "::", "::ffff:127.0.0.1", "ip6-localhost", "::1%lo",
])
def test_this_machine(host):
    assert is_loopback(host)


@pytest.mark.parametrize("host", ["", "db", "localhost.example.com", "mylocalhost", "128.0.0.1", "10.0.0.1", "fd00::1", "127", "1x"])
def test_other_machines(host):
    assert not is_loopback(host)


@given(st.text())
def test_any_text_is_some_host_or_none(text):
    assert is_loopback(text) in (True, False)
    assert isinstance(addresses(text), list)
    scrub(text)


@pytest.mark.parametrize(("value", "expected"), [
    ("db", [("db", None)]),
    ("db:5432", [("db", 5432)]),
    ("::1", [("::1", None)]),
    ("[::1]:80", [("::1", 80)]),
    ("http://u:p@a:1/x?y=//z", [("a", 1)]),
    ("jdbc:postgresql://a:1,b:2/x", [("a", 1), ("b", 2)]),
    ("http://a:99999", [("a:99999", None)]),
    ("", []),
])
def test_addresses(value, expected):
    assert addresses(value) == expected


@given(st.text(max_size=8), st.text(max_size=8))
def test_edits_behave_like_a_distance(one, other):
    assert edits(one, other) == edits(other, one)
    assert (edits(one, other) == 0) == (one == other)
    assert abs(len(one) - len(other)) <= edits(one, other) <= max(len(one), len(other))


@pytest.mark.parametrize(("left", "right", "count"), [
    ("abc", "acb", 1), ("abc", "ab", 1), ("abc", "abcd", 1), ("abc", "axc", 1), ("abcd", "badc", 2), ("", "ab", 2),
])
def test_edits(left, right, count):
    assert edits(left, right) == count


def test_near_name_prefers_the_nearest_and_is_strict_with_short_names():
    known = ["DB_NAME", "DB_NAMES", "TZ"]
    assert near_name("DB_NAEM", known) == "DB_NAME"
    assert near_name("DB_NAMESS", known) == "DB_NAMES"
    assert near_name("TY", known) is None
    assert near_name("DB_NXXX", known) is None
    assert near_name("DB_NAME", ["DB_NAME"]) is None


@pytest.mark.parametrize(("name", "variable"), [
    ("spring.profiles.active", "SPRING_PROFILES_ACTIVE"),
    ("dwp.internal-api.auth-server-url", "DWP_INTERNALAPI_AUTHSERVERURL"),
    ("routes[0].uri", "ROUTES_0_URI"),
    ("user.timezone", "USER_TIMEZONE"),
])
def test_relaxed_name(name, variable):
    assert relaxed_name(name) == variable


def test_arguments_count_more_than_the_environment_and_the_programs_more_than_the_jvms():
    known = {"SPRING_PROFILES_ACTIVE", "SERVER_PORT", "DB_HOST"}
    arguments = ["java", "--server.port=3", "-Dserver.port=2", "-DDB_HOST=x", "-Dother.thing=1", "-Xmx1g", "--debug"]
    assert overlay_arguments({"SERVER_PORT": "1", "A": "b"}, arguments, known) == {"SERVER_PORT": "3", "A": "b", "DB_HOST": "x"}
