# Copyright (c) 2026 dwp.backend contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The environment of a running process against its file and the rules; and what of it may be told."""

from __future__ import annotations

import pytest

from ansible_collections.dwp.backend.plugins.module_utils import _envfile
from ansible_collections.dwp.backend.plugins.module_utils._collect.environment import Environments, against_inventory, secrets_of
from ansible_collections.dwp.backend.plugins.module_utils._collect.services import Seen
from ansible_collections.dwp.backend.plugins.module_utils._environment_model import RuleError
from ansible_collections.dwp.backend.plugins.module_utils._processes import Process

RULES = {"auth": {"required": ["JWT_SECRET"], "secrets": ["LICENSE"], "traits": ["database"]}}
FILE = {"DB_HOST": "db-01", "DB_PASSWORD": "file-password", "JWT_SECRET": "j" * 40, "LICENSE": "license-number", "SERVER_PORT": "8001"}


def fingerprint(value):
    return f"<{len(value)}>"


def seen(file=None, process=None, tampered=(), arguments=()):
    one = Seen("auth", {"tampered": list(tampered)}, path="/nonexistent/environment")
    if file is not None:
        one.file, one.text = file, _envfile.dump(file)
    if process is not None:
        one.process = Process(1, 2, "S", 0, tuple(arguments), {**process, "DWP_LAUNCH": "/x", "PATH": "/bin"})
    return one


def described(one, **options):
    return Environments({"auth": one}, "app-01", RULES, (), fingerprint, **options).describe(one, 100.0)


def test_a_process_that_has_what_its_release_says():
    found = described(seen(FILE, FILE))
    assert found["source"] == "process" and found["differences"] == [] and not found["edited"]
    assert found["plain"] == {"DB_HOST": "db-01", "SERVER_PORT": "8001"}
    assert found["fingerprints"] == {"DB_PASSWORD": "<13>", "JWT_SECRET": "<40>", "LICENSE": "<14>"}


@pytest.mark.parametrize(("tampered", "label"), [((), "release"), (("environment",), "file")])
def test_differences_name_both_sides(tampered, label):
    process = {**FILE, "DB_HOST": "db-02", "DB_PASSWORD": "process-password", "ADDED_URL": "http://u:login-word@x"}
    del process["SERVER_PORT"]
    found = described(seen(FILE, process, tampered))
    assert [(one["variable"], one["secret"], one["values"]) for one in found["differences"]] == [
        ("ADDED_URL", False, {"process": "http://***@x"}),
        ("DB_HOST", False, {label: "db-01", "process": "db-02"}),
        ("DB_PASSWORD", True, {label: "<13>", "process": "<16>"}),
        ("SERVER_PORT", False, {label: "8001"}),
    ]
    assert {tuple(one["between"]) for one in found["differences"]} == {(label, "process")} and found["edited"] is bool(tampered)
    for secret in ("password", "login-word", "license-number", "jjjj"):
        assert secret not in str(found)


def test_without_a_process_the_file_counts():
    found = described(seen(FILE))
    assert found["source"] == "release" and found["differences"] == [] and found["plain"]["DB_HOST"] == "db-01"
    assert described(seen())["source"] == "none"


def test_rules_look_at_the_running_environment():
    one = seen(FILE, {**FILE, "JWT_SECRET": "short-one"})
    found = Environments({"auth": one}, "app-01", RULES, (), fingerprint).violations("staging", False)["auth"]
    assert ("JWT_SECRET", "min_bytes", "error") in {(v["variable"], v["rule"], v["severity"]) for v in found}
    assert all("short-one" not in v["message"] for v in found)


def test_rules_that_cannot_be_used_are_an_error():
    with pytest.raises(RuleError):
        Environments({}, "app-01", {}, [{"id": "x", "rule": "no such kind"}], fingerprint)


def test_secrets_in_reach():
    one = seen(FILE, {"DB_PASSWORD": "process-password"}, arguments=["java", "-Dapi.token=token-value", "--jwt.secret=argument", "-Da=b"])
    assert secrets_of([one], RULES) == {"file-password", "j" * 40, "license-number", "process-password", "token-value", "argument"}


@pytest.mark.parametrize(
    ("process", "expected"),
    [
        (FILE, {}),
        ({**FILE, "DB_HOST": "db-02"}, {"DB_HOST": {"inventory": "db-01", "process": "db-02"}}),
        ({**FILE, "DB_PASSWORD": "another"}, {"DB_PASSWORD": {"inventory": "<13>", "process": "<7>"}}),
        ({k: v for k, v in FILE.items() if k != "SERVER_PORT"}, {"SERVER_PORT": {"inventory": "8001"}}),
        ({k: v for k, v in FILE.items() if k != "JWT_SECRET"}, {"JWT_SECRET": {"inventory": "<40>", "process": ""}}),
        ({**FILE, "DB_HOST": "kim:secret@db-01"}, {}),
        # What it reads and the inventory does not set; not what its manager or the launcher put there.
        ({**FILE, "SPRING_CLOUD_GATEWAY_ROUTES_0_URI": "http://x"}, {"SPRING_CLOUD_GATEWAY_ROUTES_0_URI": {"process": "http://x"}}),
        ({**FILE, "CORS_ALLOWED_ORIGINS": "https://x"}, {"CORS_ALLOWED_ORIGINS": {"process": "https://x"}}),
        ({**FILE, "SUPERVISOR_SERVER_URL": "unix:///x"}, {}),
    ],
)
def test_against_the_inventory(process, expected):
    found = against_inventory(FILE, {"LICENSE"}, described(seen(FILE, process)), fingerprint)
    assert {one["variable"]: one["values"] for one in found} == expected


def test_nothing_is_compared_with_an_environment_that_is_not_known():
    assert against_inventory(FILE, (), described(seen()), fingerprint) == []
