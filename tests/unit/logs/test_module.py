# Copyright (c) 2026 dwp.backend contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The module through main(): JSON arguments in, printed JSON out."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from . import helpers

ROOT = Path(__file__).parents[3]
MODULE = "ansible_collections.dwp.backend.plugins.modules.dwp_logs"
SECRET = "Tr0ub4dor-known"


def call(tmp_path, **arguments):
    path = tmp_path / "arguments.json"
    path.write_text(json.dumps({"ANSIBLE_MODULE_ARGS": {"since": "", "_ansible_remote_tmp": str(tmp_path), **arguments}}))
    done = subprocess.run(
        [sys.executable, "-m", MODULE, str(path)], capture_output=True, text=True, check=False, cwd=tmp_path,
        env={**os.environ, "PYTHONPATH": str(ROOT / "collections")},
    )  # fmt: skip
    assert "Traceback" not in done.stderr + done.stdout, done.stderr
    result = json.loads(done.stdout)
    assert done.returncode == (1 if result.get("failed") else 0)
    return result


def source(service, name):
    return {"service": service, "path": str(helpers.DATA / name)}


def test_known_failures_of_several_services(tmp_path):
    sources = [source("auth", "j_pgref.txt"), source("gateway", "g2.txt"), source("main", "st_ecs.log")]
    result = call(tmp_path, sources=sources, ids=["abc-123"])
    services = result["services"]
    assert result["changed"] is False and not result["not_checked"]
    assert [one["id"] for one in services["auth"]["signatures"]] == ["PG_REFUSED"]
    assert services["auth"]["signatures"][0]["next_action"]["command"] == "pg_isready -h localhost -p 55999"
    assert services["auth"]["state"] == "died during startup" and services["gateway"]["state"] == "stopped"
    assert sorted(one["id"] for one in services["gateway"]["signatures"]) == ["GW_CONNECT_TIMEOUT", "GW_REFUSED"]
    assert [step["service"] for step in result["request_path"]["steps"]] == ["main"]
    assert services["main"]["signatures"] == [] and services["main"]["templates"][0]["exception"] == "IllegalStateException"


def test_check_mode_does_the_same(tmp_path):
    plain = call(tmp_path, sources=[source("auth", "j_pgref.txt")])
    checked = call(tmp_path, sources=[source("auth", "j_pgref.txt")], _ansible_check_mode=True)
    assert plain["services"]["auth"]["signatures"] == checked["services"]["auth"]["signatures"] != []


def test_a_missing_log_is_said_and_the_rest_done(tmp_path):
    result = call(tmp_path, sources=[{"service": "mail", "path": str(tmp_path / "none.log")}, source("auth", "j_pgref.txt")])
    assert [(one["what"], one["where"]) for one in result["not_checked"]] == [("log of mail", str(tmp_path / "none.log"))]
    assert "No such file" in result["not_checked"][0]["why"]
    assert result["services"]["auth"]["signatures"] and result["services"]["mail"]["state"] == "unknown"


@pytest.mark.skipif(os.geteuid() == 0, reason="root reads everything")
def test_an_unreadable_log_is_said(tmp_path):
    path = tmp_path / "auth.log"
    path.write_text("x")
    path.chmod(0)
    assert "Permission denied" in call(tmp_path, sources=[{"service": "auth", "path": str(path)}])["not_checked"][0]["why"]


def test_secrets_of_environment_files_never_leave(tmp_path):
    log = tmp_path / "auth.log"
    log.write_text(helpers.boot(f"login with {SECRET} failed", 1) + helpers.boot("token Zk81aaQQ99 failed", 2))
    environment = tmp_path / "auth.env"
    environment.write_text(f"DB_PASSWORD={SECRET}\nSERVER_PORT=8001\n")
    arguments = {"sources": [{"service": "auth", "path": str(log)}], "secrets": ["Zk81aaQQ99"]}
    result = call(tmp_path, environment_files=[str(environment), str(tmp_path / "gone.env")], **arguments)
    said = json.dumps(result)
    assert SECRET not in said and "login with ********" in said
    assert "Zk81aaQQ99" not in said
    assert [one["what"] for one in result["not_checked"]] == ["environment file"]
    assert SECRET in json.dumps(call(tmp_path, **arguments)), "without the file nobody knows that it is one"


def test_windows_probes_and_own_signatures(tmp_path):
    log = tmp_path / "mail.log"
    absent = "Unexpected error: No static resource actuator/health."
    log.write_text(helpers.boot(absent, 1) + helpers.boot("licence 7 expired", 2) + helpers.boot(absent, 500))
    window = {"since": "2026-11-23T01:29:59Z", "until": "2026-11-23T01:30:05Z"}
    own = {"id": "SITE_LICENSE", "meaning": "ended", "patterns": ["licence (?P<n>\\d+) expired"],
           "next": {"command": "renew {n}", "risk": "read-only", "verify": "it works"}}  # fmt: skip
    service = call(
        tmp_path, sources=[{"service": "mail", "path": str(log)}], signatures=[own], ignore_paths=["/actuator/health"],
        ignore_windows=[window],
    )["services"]["mail"]  # fmt: skip
    assert [(one["id"], one["count"]) for one in service["signatures"]] == [("SITE_LICENSE", 1), ("ACTUATOR_ABSENT", 1)]
    assert service["discounted"] == 1


BAD = [
    ({"sources": []}, "sources is empty"),
    ({"sources": [{"service": "a b", "path": "/x"}]}, "service 'a b' is not a name"),
    ({"sources": [{"service": "auth"}]}, "path '' must be absolute, such as /var/log/dwp/auth.log"),
    ({"sources": [{"service": "auth", "kind": "journald"}]}, "needs unit, such as dwp-auth.service"),
    ({"sources": [{"service": "auth", "kind": "pigeon", "path": "/x"}]}, "value of kind must be one of"),
    ({"since": "soon"}, "since: 'soon' is not understood"),
    ({"until": "25:99"}, "until: '25:99'"),
    ({"since": "1h", "until": "3h"}, "the window is empty"),
    ({"ignore_windows": [{"since": "x", "until": "now"}]}, "since: 'x' is not understood"),
    ({"ids": ["ab"]}, "ids[0]: 'ab' cannot be searched"),
    ({"scan": False}, "nothing is asked"),
    ({"signatures": [{"id": "x"}]}, "signatures[0] (x): id must be capitals"),
    ({"time_budget": 0}, "time_budget is 0.0; it must be at least 0.1"),
    ({"calls": {"gateway": "auth"}}, "calls.gateway: expected a list of service names"),
]


@pytest.mark.parametrize(("arguments", "message"), BAD, ids=[one[1][:30] for one in BAD])
def test_bad_input_is_explained(tmp_path, arguments, message):
    result = call(tmp_path, **{"sources": [source("auth", "j_pgref.txt")], **arguments})
    assert result["failed"] and message in result["msg"]
