# Copyright (c) 2026 dwp.backend contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""dwp_databases and its verifiers against a real server: libpq and PostgreSQL are the judges."""

from __future__ import annotations

from typing import Any

import psycopg2
import psycopg2.extensions
import pytest

from ansible_collections.dwp.backend.plugins.module_utils import _databases as db
from ansible_collections.dwp.backend.plugins.module_utils._scram import matches, verifier

from .conftest import Host, make_host

PASSWORDS = ["pencil", "pä ß", "비밀번호", "Ⅸ", "a\u00a0b", "I\u00adX", "\u0627\u0031", "x\u0007", "\uff41", "e\u0301", 'it\'s \\ "q"']


@pytest.mark.parametrize("password", PASSWORDS)
def test_libpq_and_we_agree_on_every_password(postgres: Any, password: str) -> None:
    connection = postgres.connect()
    theirs = psycopg2.extensions.encrypt_password(password, "verified", scope=connection, algorithm="scram-sha-256")
    connection.close()
    assert matches(theirs, "verified", password)
    wanted = [{"name": "verified", "user": "verified", "password": password}]
    db.ensure(postgres.connect, wanted, check=False)
    assert db.ensure(postgres.connect, wanted, check=False)[0] == []
    psycopg2.connect(host=postgres.host, port=postgres.port, dbname="verified", user="verified", password=password).close()


def test_superuser_is_not_needed(postgres: Any) -> None:
    """An administrator who may create databases and users, but not read passwords, as a rented server has."""
    postgres.execute("CREATE ROLE clerk LOGIN CREATEDB CREATEROLE PASSWORD 'clerk-pw'")

    def connect(database: str) -> Any:
        return postgres.connect(database, "clerk", "clerk-pw")

    wanted = [{"name": "rented", "user": "tenant", "password": "tenant-pw"}]
    postgres.execute(f"CREATE ROLE tenant LOGIN PASSWORD '{verifier('tenant-pw')}'")
    postgres.execute("GRANT tenant TO clerk")
    assert [action.text for action in db.ensure(connect, wanted, check=False)[0]] == [
        "PostgreSQL: database rented is created, owner tenant"
    ]
    assert db.ensure(connect, wanted, check=False)[0] == []


def test_what_the_server_refuses_is_told_without_the_statement(postgres: Any) -> None:
    postgres.execute("CREATE ROLE nobody_much LOGIN PASSWORD 'weak-pw'")

    def connect(database: str) -> Any:
        return postgres.connect(database, "nobody_much", "weak-pw")

    with pytest.raises(db.InfraError) as raised:
        db.ensure(connect, [{"name": "never", "user": "never", "password": "never-pw"}], check=False)
    assert "permission denied to create role" in str(raised.value) and "SCRAM" not in str(raised.value)


def module(host: Host, postgres: Any, check: bool = False, **arguments: Any) -> dict[str, Any]:
    server = {"host": postgres.host, "port": postgres.port, "admin_password": postgres.password, **arguments}
    answer, text = host.raw("dwp_databases", check, wait=1, **server)
    assert "Very-secret" not in text
    return answer


def test_the_module(postgres: Any) -> None:
    wanted = [
        {"name": "m_auth", "user": "m_user", "password": "Very-secret"},
        {"name": "m_aura", "schema": "aura", "user": "m_user", "password": "Very-secret"},
    ]
    with make_host("self") as host:
        foretold, done = module(host, postgres, True, databases=wanted), module(host, postgres, databases=wanted)
        assert foretold["changes"] == done["changes"] and len(done["changes"]) == 4
        assert module(host, postgres, databases=wanted)["changes"] == []
        answer = module(host, postgres, databases=wanted, admin_password="not-it")
        assert answer["failed"] and "does not let postgres in" in answer["msg"] and "admin_password" in answer["msg"]
        answer = module(host, postgres, databases=[{**wanted[0], "password": ""}])
        assert answer["failed"] and "database m_auth: password is missing" in answer["msg"]
        postgres.stop()
        try:
            answer = module(host, postgres, databases=wanted)
            assert answer["failed"] and f"{postgres.host}:{postgres.port}" in answer["msg"]
            answer = module(host, postgres, True, databases=wanted)
            assert not answer["changed"] and answer["not_checked"][0].startswith("databases and users: ")
        finally:
            postgres.start()
