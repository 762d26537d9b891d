# Copyright (c) 2026 dwp.backend contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A server of our own whose connections are used up: its administrator still gets in, and says who holds them."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import psycopg2
import pytest

from ansible_collections.dwp.backend.plugins.module_utils import _envfile
from tests.integration.infra.conftest import Host, make_host

PORT, PASSWORD = 21090, "database-password-of-the-tests"
COMPONENT = {"here": True, "provider": "embedded", "port": PORT, "admin_user": "postgres", "admin_database": "postgres", "addresses": []}
SERVICE = {
    "here": True, "port": 21091, "policy": {"probe": {"name": "auth", "host": "127.0.0.1", "port": 21091, "ladder": [{"kind": "tcp"}]}},
    "database": {"name": "dwp_auth", "schema": "public", "flyway": False}, "redis": None, "calls": {},
}  # fmt: skip


@pytest.fixture(scope="module")
def server() -> Iterator[Host]:
    with make_host("self") as host:
        settings = {"max_connections": 9, "superuser_reserved_connections": 3, "reserved_connections": 0, "shared_buffers": "16MB"}
        wanted = {"postgres": {"port": PORT, "settings": settings}}
        answer = host.embedded(**wanted, databases=[{"name": "dwp_auth", "user": "dwp_user", "password": PASSWORD}])
        assert not answer.get("failed"), answer
        yield host


def release(root: Path) -> None:
    """As little of a release as says which credentials the service would be given."""
    home = root / "services" / "auth"
    (home / "releases" / "r1").mkdir(parents=True, exist_ok=True)
    values = {"DB_HOST": "127.0.0.1", "DB_PORT": str(PORT), "DB_NAME": "dwp_auth", "DB_USERNAME": "dwp_user", "DB_PASSWORD": PASSWORD}
    (home / "releases" / "r1" / "environment").write_text(_envfile.dump(values))
    for name in ("launch", "unit"):
        (home / "releases" / "r1" / name).write_text("")
    manifest = {"release": "r1", "files": [], "texts": dict.fromkeys(("environment", "launch", "unit"), ""), "port": 21091}
    (home / "releases" / "r1" / "manifest.json").write_text(json.dumps(manifest))
    if not (home / "current").is_symlink():
        (home / "current").symlink_to("releases/r1")


def collect(host: Host, services: dict[str, Any]) -> dict[str, Any]:
    platform = {
        "host": "db-01", "environment": "staging", "development": False, "services": services, "targets": {}, "rules": {}, "calls": {},
        "components": {"postgres": COMPONENT},
    }  # fmt: skip
    answer, text = host.raw("dwp_collect", root=str(host.root), manager="supervisor", platform=json.dumps(platform), logs=False)
    assert PASSWORD not in text.replace(json.dumps(platform), "")
    return answer["collected"]


def test_a_host_of_the_database_alone(server: Host) -> None:
    found = collect(server, {})
    (entry,) = found["databases"]
    assert (entry["as"], entry["services"], entry["cause"], entry["max_connections"]) == ("administrator", [], "ok", 9)
    assert found["components"]["postgres"]["listener"]["pid"] and any("postgres" in disk["for"] for disk in found["host"]["disks"])


def test_no_connection_left(server: Host) -> None:
    release(server.root)
    held = []
    try:
        with pytest.raises(psycopg2.OperationalError):
            for _number in range(10):
                held.append(psycopg2.connect(
                    host="127.0.0.1", port=PORT, user="dwp_user", password=PASSWORD, dbname="dwp_auth", application_name="greedy",
                ))  # fmt: skip
        (entry,) = collect(server, {"auth": SERVICE})["databases"]
    finally:
        for connection in held:
            connection.close()
    assert (entry["services"], entry["sqlstate"], entry["cause"], entry["as"]) == (["auth"], "53300", "down", "administrator")
    assert entry["connections"]["by_application"] == {"greedy": 6} and entry["server_connections"] == 6
    assert (entry["max_connections"], entry["reserved"], entry["pool_sum"]) == (9, 3, 10)


def test_a_wrong_name_of_the_database(server: Host) -> None:
    release(server.root)
    path = server.root / "services" / "auth" / "releases" / "r1" / "environment"
    path.write_text(path.read_text().replace("dwp_auth", "dwp_ahut"))
    (entry,) = collect(server, {"auth": SERVICE})["databases"]
    assert (entry["database"], entry["sqlstate"], entry["as"]) == ("dwp_ahut", "3D000", "administrator")
