# Copyright (c) 2026 dwp.backend contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Real log-ins to real servers."""

from __future__ import annotations

import json
import os
import signal
import socket
import struct
import time
from typing import Any

import pytest

from ansible_collections.dwp.backend.plugins.module_utils._gate import gate
from ansible_collections.dwp.backend.plugins.module_utils._probe_model import parse_probes


def look(probe_timeout: float = 3.0, **rung: Any):
    memory: dict[str, Any] = {}
    probes = parse_probes([{"name": "a", "ladder": [rung]}])
    outcome = gate(probes, timeout=0, probe_timeout=probe_timeout, successes=1, memory=memory)["a"]
    secret = rung.get("password")
    assert not secret or secret not in json.dumps([outcome.as_dict(), memory])
    return outcome


def postgres_rung(database, /, **other: Any) -> dict[str, Any]:
    own = {"host": database.host, "port": database.port, "database": database.name, "user": database.user}
    return {"kind": "postgres", **own, "password": database.password, **other}


def refusing_postgres(code: str, text: str):
    """A server that speaks the protocol and refuses every login, in the language of its lc_messages."""
    fields = f"S치명적\0VFATAL\0C{code}\0M{text}\0\0".encode()

    def handler(sock: socket.socket) -> None:
        sock.sendall(b"N")
        sock.recv(4096)
        sock.sendall(b"E" + struct.pack("!i", len(fields) + 4) + fields)

    return handler


def test_postgres_login_and_query(database):
    outcome = look(**postgres_rung(database))
    assert outcome.healthy and outcome.cause == "ok" and outcome.attempts == 1
    assert look(**postgres_rung(database, schema="public")).healthy


@pytest.mark.parametrize(
    "change,cause,says",
    [
        ({"password": "wrong-secret"}, "unauthorized", "28P01"),
        ({"password": None}, "unauthorized", "28P01"),
        ({"user": "nobody_here"}, "unauthorized", "28P01"),
        ({"database": "dwp_missing"}, "not_found", "3D000"),
        ({"ssl_mode": "require"}, "tls", "offers no TLS"),
    ],
)
def test_postgres_refuses(database, change, cause, says):
    outcome = look(**postgres_rung(database, **change))
    assert outcome.cause == cause and says in outcome.message, outcome.message


@pytest.mark.parametrize(
    "code,text,cause",
    [
        ("57P03", "데이터베이스 시스템이 새로 가동 중입니다.", "out_of_service"),
        ("53300", "최대 동시 접속자 수를 초과했습니다.", "down"),
        ("3D000", '"dwp_main" 데이터베이스 없음', "not_found"),
    ],
)
def test_postgres_causes_do_not_depend_on_english(endpoint, code, text, cause):
    server = endpoint(refusing_postgres(code, text))
    outcome = look(kind="postgres", port=server.port, user="u", password="geheim-1", database="dwp_main")
    assert outcome.cause == cause and code in outcome.message and text in outcome.message


def test_postgres_secret_of_another_kind(postgres, database):
    """pg_hba wants SCRAM, the stored secret is MD5: refused whatever the password."""
    postgres.execute("SET password_encryption = 'md5'; " + f"ALTER ROLE \"{database.user}\" PASSWORD '{database.password}'")
    assert look(**postgres_rung(database)).cause == "unauthorized"


def test_postgres_hba_rejects(postgres, database):
    hba = postgres.data / "cluster" / "pg_hba.conf"
    before = hba.read_text()
    try:
        hba.write_text(f"host {database.name} all all reject\n" + before)
        postgres.execute("SELECT pg_reload_conf()")
        time.sleep(0.2)
        outcome = look(**postgres_rung(database))
        assert outcome.cause == "unauthorized" and "28000" in outcome.message
        hba.write_text(f"host {database.name} all all md5\n" + before)
        postgres.execute("SELECT pg_reload_conf()")
        time.sleep(0.2)
        assert look(**postgres_rung(database)).healthy
        hba.write_text(f"host {database.name} all all password\n" + before)
        postgres.execute("SELECT pg_reload_conf()")
        time.sleep(0.2)
        assert "28P01" in look(**postgres_rung(database, password="wrong-secret")).message
    finally:
        hba.write_text(before)
        postgres.execute("SELECT pg_reload_conf()")


def test_postgres_schema_rights(postgres, database, new_database):
    other = new_database()
    mine = postgres_rung(database, user=other.user, password=other.password)
    outcome = look(**mine, schema="public")
    assert outcome.cause == "down" and f'GRANT CREATE ON SCHEMA "public" TO "{other.user}"' in outcome.message
    outcome = look(**mine, schema="dwp_aura")
    assert outcome.cause == "down" and f'GRANT CREATE ON DATABASE "{database.name}"' in outcome.message
    assert look(**postgres_rung(database, schema="dwp_aura")).healthy, "the owner may create it"
    postgres.execute(f'GRANT USAGE, CREATE ON SCHEMA public TO "{other.user}"', database=database.name)
    assert look(**mine, schema="public").healthy, "what the message says helps"
    postgres.execute(f'ALTER DATABASE "{database.name}" SET default_transaction_read_only = on')
    assert "read only" in look(**postgres_rung(database, schema="public")).message


def test_postgres_connect_right_is_missing(postgres, database, new_database):
    other = new_database()
    postgres.execute(f'REVOKE CONNECT ON DATABASE "{database.name}" FROM PUBLIC')
    outcome = look(**postgres_rung(database, user=other.user, password=other.password))
    assert outcome.cause == "unauthorized" and "42501" in outcome.message


def test_postgres_full(postgres, database):
    postgres.execute(f'ALTER ROLE "{database.user}" CONNECTION LIMIT 1')
    held = database.connect()
    outcome = look(**postgres_rung(database))
    held.close()
    assert outcome.cause == "down" and "53300" in outcome.message


def test_postgres_down_and_back(postgres, database):
    postgres.stop()
    assert look(**postgres_rung(database)).cause == "refused"
    postgres.start()
    assert look(**postgres_rung(database)).healthy


def test_postgres_stopped_process(postgres, database):
    os.kill(postgres.pid, signal.SIGSTOP)
    try:
        started = time.monotonic()
        assert look(**postgres_rung(database), probe_timeout=0.8).cause == "timeout"
        assert time.monotonic() - started < 1.3
    finally:
        os.kill(postgres.pid, signal.SIGCONT)
    assert look(**postgres_rung(database)).healthy


def test_postgres_slow_query(postgres, database):
    """A query that waits for a lock ends with the probe and leaves no session behind."""
    database.execute("CREATE SCHEMA s")
    holder = postgres.connect(database.name)
    holder.autocommit = False
    holder.cursor().execute("LOCK TABLE pg_namespace IN ACCESS EXCLUSIVE MODE")
    outcome = look(**postgres_rung(database, schema="s"), probe_timeout=1)
    holder.rollback()
    holder.close()
    assert outcome.cause == "timeout", outcome.message
    deadline = time.monotonic() + 5
    query = "SELECT count(*) FROM pg_stat_activity WHERE application_name = 'dwp_health' AND datname = %s"
    while postgres.execute(query, (database.name,)) != [(0,)] and time.monotonic() < deadline:
        time.sleep(0.05)
    assert postgres.execute(query, (database.name,)) == [(0,)]


def test_postgres_over_its_unix_socket(postgres, database):
    assert look(**postgres_rung(database, host=str(postgres.data))).healthy
    assert look(**postgres_rung(database, host="/tmp/no-such-dir")).cause == "refused"


@pytest.mark.parametrize("name", ["up", "no http", "only newlines"])
@pytest.mark.parametrize("kind", ["postgres", "redis"])
def test_foreign_listener_is_not_a_server(endpoint, name, kind):
    port = endpoint(name).port
    outcome = look(kind=kind, port=port, user="u", password="geheim-1", probe_timeout=1)
    if (kind, name) == ("redis", "only newlines"):
        assert outcome.cause == "reset", "redis-py takes an empty line for the end of the connection"
    else:
        assert outcome.cause == "unexpected_body" and "The listener is not" in outcome.message, outcome.message


@pytest.mark.parametrize("name,cause", [("hang after accept", "timeout"), ("trickle body", "any"), ("reset", "reset")])
def test_listener_that_misbehaves(endpoint, name, cause):
    port = endpoint(name).port
    for kind in ("postgres", "redis"):
        started = time.monotonic()
        outcome = look(kind=kind, port=port, user="u", password="geheim-1", probe_timeout=0.8)
        assert time.monotonic() - started < 1.3
        assert outcome.cause == cause or cause == "any", (kind, outcome.message)
        assert not outcome.healthy


def test_redis(redis_server):
    own = {"kind": "redis", "host": redis_server.host, "port": redis_server.port}
    assert look(**own).healthy
    outcome = look(**own, password="not-needed")
    assert outcome.cause == "unauthorized"
    redis_server.stop()
    assert look(**own, probe_timeout=1).cause == "refused"
    redis_server.start()
    assert look(**own).healthy


def test_redis_password(redis_with_password):
    own = {"kind": "redis", "host": redis_with_password.host, "port": redis_with_password.port}
    assert look(**own, password=redis_with_password.password).healthy
    for wrong in ({}, {"password": "wrong-secret"}, {"user": "default", "password": "wrong-secret"}):
        outcome = look(**own, **wrong)
        assert outcome.cause == "unauthorized" and "requirepass" in outcome.message


def test_redis_right_is_missing(redis_with_password):
    client = redis_with_password.client()
    client.execute_command("ACL", "SETUSER", "weak", "on", ">weak-secret", "-ping")
    own = {"kind": "redis", "host": redis_with_password.host, "port": redis_with_password.port}
    assert look(**own, user="weak", password="weak-secret").cause == "unauthorized"


def test_servers_in_one_call_through_the_module(run_module, database, redis_with_password):
    with socket.create_server(("127.0.0.1", 0)) as listener:
        closed = listener.getsockname()[1]
    redis_rung = {"kind": "redis", "password": redis_with_password.password}
    result = run_module(
        timeout=3,
        probes=[
            {"name": "db", "ladder": [postgres_rung(database, schema="public")]},
            {"name": "cache", "port": redis_with_password.port, "ladder": [redis_rung]},
            {"name": "wrong", "ladder": [postgres_rung(database, password="wrong-secret")]},
            {"name": "gone", "port": closed, "ladder": [{"kind": "tcp"}]},
        ],
    )
    assert result["unhealthy"] == ["wrong", "gone"] and result["failed"] and not result["healthy"]
    assert "2 of 4 not healthy: wrong, gone." in result["msg"]
    for secret in (database.password, redis_with_password.password, "wrong-secret"):
        assert secret not in result["raw"]
