# Copyright (c) 2026 dwp.backend contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Which calls are asked, how, and where a URL really points; what the controller tells a host about the platform."""

from __future__ import annotations

import os
import stat

import pytest

from ansible_collections.dwp.backend.plugins.module_utils._collect import edges
from ansible_collections.dwp.backend.plugins.module_utils._collect.edges import Edge, Place
from ansible_collections.dwp.backend.plugins.plugin_utils import triage

TARGETS = {
    "auth": {"places": [["10.0.0.5", 8001], ["127.0.0.1", 8001]], "ladder": [
        {"kind": "actuator", "path": "/actuator/health"}, {"kind": "http", "path": "/auth/policy", "headers": {"X-Tenant-ID": "1"}},
        {"kind": "tcp"},
    ]},
    "main": {"places": [["10.0.0.6", 8081]], "ladder": [{"kind": "actuator", "path": "/actuator/health", "port": 9000}, {"kind": "tcp"}]},
    "raw": {"places": [["10.0.0.7", 8090]], "ladder": [{"kind": "tcp"}]},
}


def test_edges_of_a_service():
    found = edges.edges_of(
        "gateway", {"auth": ["SERVICE_AUTH_URL", "DWP_AUTH"], "main": ["SERVICE_MAIN_URL"]},
        {"SERVICE_AUTH_URL": "http://a:1", "DWP_AUTH": "http://a:1", "AURA_URI": "https://aura", "DB_URL": "jdbc:x", "NAME_URL": "no url",
         "OTHER": "http://b"},
    )
    assert found == [
        Edge("gateway", "auth", "SERVICE_AUTH_URL", "http://a:1"), Edge("gateway", "auth", "DWP_AUTH", "http://a:1"),
        Edge("gateway", "main", "SERVICE_MAIN_URL", None), Edge("gateway", "", "AURA_URI", "https://aura"),
    ]


@pytest.mark.parametrize(("url", "place"), [
    ("http://a:8001/x?y", Place("http", "a", 8001)), ("https://a", Place("https", "a", 443)), ("http://[::1]:80", Place("http", "::1", 80)),
    ("http://u:p@a:1", Place("http", "a", 1)), ("a:8001", None), ("http://a:99999", None), ("http://", None), ("ftp://a", None),
    ("http://a:x", None), ("", None),
])
def test_where_a_url_points(url, place):
    assert edges.place_of(url) == place


@pytest.mark.parametrize(("host", "port", "name"), [
    ("127.0.0.1", 8001, "auth"), ("localhost", 8001, "auth"), ("10.0.0.5", 8001, "auth"), ("10.0.0.6", 8081, "main"),
    ("127.0.0.1", 8081, ""),  # main is on another host
    ("10.0.0.5", 8081, ""), ("10.0.0.99", 8001, ""), ("no-such-host.invalid", 8001, ""),
])
def test_which_service_is_there(host, port, name):
    assert edges.points_to(Place("http", host, port), TARGETS) == name


@pytest.mark.parametrize(("target", "kinds", "path"), [
    ("auth", ["http", "tcp"], "/auth/policy"), ("main", ["actuator", "tcp"], "/actuator/health"), ("raw", ["tcp"], None),
])
def test_how_a_target_is_asked(target, kinds, path):
    rungs = edges.ladder(TARGETS[target])
    assert [rung["kind"] for rung in rungs] == kinds and rungs[0].get("path") == path and "port" not in rungs[0]


def test_variables_without_a_url_are_told_without_asking():
    found = edges.ask([Edge("a", "auth", "V", None), Edge("a", "auth", "W", "nonsense")], TARGETS, 1.0)
    assert [(one["cause"], one["url"]) for one in found] == [("unset", None), ("client_error", "nonsense")]
    assert "V is not set" in found[0]["message"] and edges.ask([], TARGETS, 1.0) == []


def test_a_login_in_a_url_is_not_told():
    (found,) = edges.ask([Edge("a", "raw", "V", "http://user:hidden-word@127.0.0.1:1")], TARGETS, 1.0)
    assert found["cause"] == "refused" and "hidden-word" not in str(found)


# ---- the controller

def test_the_key_stays_the_same_and_nobody_else_may_read_it(tmp_path, monkeypatch):
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path))
    first = triage.fingerprint_key("staging")
    path = tmp_path / "dwp-backend" / "staging" / "fingerprint.key"
    assert len(first) == 32 and stat.S_IMODE(path.stat().st_mode) == 0o600
    assert triage.fingerprint_key("staging") == first != triage.fingerprint_key("prod")
    assert os.listdir(path.parent) == ["fingerprint.key"]


def test_a_controller_that_can_keep_no_key_uses_one_for_the_run(tmp_path, monkeypatch):
    (tmp_path / "file").write_text("")
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path / "file"))
    assert triage.fingerprint_key("x") == triage.fingerprint_key("y") and len(triage.fingerprint_key("x")) == 32
