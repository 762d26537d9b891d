# Copyright (c) 2026 dwp.backend contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Reasons for a login that failed, from recorded texts of libpq 16 and from the wire; Flyway's lock key."""

from __future__ import annotations

import socket

import pytest

from ansible_collections.dwp.backend.plugins.module_utils import _pgwire
from ansible_collections.dwp.backend.plugins.module_utils._flyway.connection import Login, connect, explain_login, explain_query
from ansible_collections.dwp.backend.plugins.module_utils._flyway.errors import FlywayError
from ansible_collections.dwp.backend.plugins.module_utils._flyway.lock import java_hash, lock_key, split_key

LOGIN = Login(host="db", port=5432, user="dwp", password="s3cret", database="dwp_main")
HEAD = 'connection to server at "db" (10.0.0.1), port 5432 failed: '

TEXTS = [
    ('could not translate host name "db" to address: Name or service not known', "PG_UNKNOWN_HOST"),
    (HEAD + "Connection refused\n\tIs the server running on that host and accepting TCP/IP connections?", "PG_REFUSED"),
    (HEAD + "timeout expired", "PG_TIMEOUT"),
    ('connection to server on socket "/tmp/.s.PGSQL.5432" failed: No such file or directory', "PG_REFUSED"),
    (HEAD + 'FATAL:  password authentication failed for user "dwp"', "PG_AUTH"),
    (HEAD + "fe_sendauth: no password supplied", "PG_AUTH"),
    (HEAD + 'FATAL:  no pg_hba.conf entry for host "10.0.0.9", user "dwp", database "dwp_main", no encryption', "PG_AUTH"),
    (HEAD + 'FATAL:  role "dwp" is not permitted to log in', "PG_AUTH"),
    (HEAD + 'FATAL:  role "dwp" does not exist', "PG_AUTH"),
    (HEAD + 'FATAL:  database "dwp_main" does not exist', "PG_NODB"),
    (HEAD + "FATAL:  sorry, too many clients already", "PG_FULL"),
    (HEAD + "FATAL:  remaining connection slots are reserved for roles with the SUPERUSER attribute", "PG_FULL"),
    (HEAD + 'FATAL:  too many connections for role "dwp"', "PG_FULL"),
    (HEAD + "FATAL:  the database system is starting up", "PG_STARTING"),
    (HEAD + "FATAL:  permission denied for database \"dwp_main\"\nDETAIL:  User does not have CONNECT privilege.", "PG_PERM"),
    (HEAD + "server does not support SSL, but SSL was required", "TLS"),
    (HEAD + "SSL error: certificate verify failed", "TLS"),
    (HEAD + 'server certificate for "other" does not match host name "db"', "TLS"),
    ('root certificate file "/root/.postgresql/root.crt" does not exist', "TLS"),
    (HEAD + "received invalid response to SSL negotiation: H", "NOT_POSTGRESQL"),
]  # fmt: skip

# What a server with lc_messages of another language says: only the SQLSTATE on the wire tells.
TRANSLATED = [
    (HEAD + 'FATAL:  Passwort-Authentifizierung für Benutzer »dwp« fehlgeschlagen', "28P01", "PG_AUTH"),
    (HEAD + "치명적오류:  \"dwp_main\" 데이터베이스 없음", "3D000", "PG_NODB"),
    (HEAD + "치명적오류:  최대 동시 접속자 수를 초과했습니다.", "53300", "PG_FULL"),
    (HEAD + "FATAL:  das Datenbanksystem startet", "57P03", "PG_STARTING"),
    (HEAD + "FATAL:  keine Berechtigung für Datenbank »dwp_main«", "42501", "PG_PERM"),
    (HEAD + "FATAL:  etwas ganz anderes", "", "PG_LOGIN"),
]  # fmt: skip


@pytest.mark.parametrize(("text", "code"), TEXTS, ids=[text[-40:] for text, _code in TEXTS])
def test_reasons(text: str, code: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(_pgwire, "connect", lambda *_: pytest.fail("the text says it, nobody has to be asked again"))
    error = explain_login(LOGIN, text)
    assert error.code == code and "s3cret" not in error.message and "\n" not in error.message


@pytest.mark.parametrize(("text", "sqlstate", "code"), TRANSLATED)
def test_reasons_in_another_language(text: str, sqlstate: str, code: str, monkeypatch: pytest.MonkeyPatch) -> None:
    class Socket:
        def close(self) -> None:
            pass

    monkeypatch.setattr(_pgwire, "connect", lambda *_: Socket())
    monkeypatch.setattr(_pgwire, "greet", lambda _: False)
    monkeypatch.setattr(_pgwire, "login_error", lambda *_: {"C": sqlstate} if sqlstate else None)
    assert explain_login(LOGIN, text).code == code


def test_a_message_in_another_encoding(monkeypatch: pytest.MonkeyPatch) -> None:
    """What psycopg2 does with a message in EUC-KR."""

    def refuse(**_: object) -> None:
        "데이터베이스 없음".encode("euc-kr").decode("utf-8")

    monkeypatch.setattr("psycopg2.connect", refuse)
    monkeypatch.setattr(_pgwire, "connect", lambda *_: socket.socket())
    monkeypatch.setattr(_pgwire, "greet", lambda _: False)
    monkeypatch.setattr(_pgwire, "login_error", lambda *_: {"C": "3D000"})
    with pytest.raises(FlywayError, match="Database 'dwp_main' does not exist"):
        connect(LOGIN, "test")


def test_the_wire_may_fail_too(monkeypatch: pytest.MonkeyPatch) -> None:
    def broken(*_: object) -> None:
        raise _pgwire.WireError("no")

    monkeypatch.setattr(_pgwire, "connect", broken)
    error = explain_login(LOGIN, TRANSLATED[0][0])
    assert error.code == "PG_LOGIN" and "fehlgeschlagen" in error.message


class Failure(Exception):
    def __init__(self, pgcode: str | None, text: str) -> None:
        super().__init__(text)
        self.pgcode = pgcode


@pytest.mark.parametrize(
    ("sqlstate", "code"),
    [("42501", "PG_PERM"), ("55P03", "PG_LOCKED"), ("57014", "PG_TIMEOUT"), ("57P01", "PG_TERMINATED"), (None, "PG_TERMINATED"),
     ("XX001", "PG_ERROR")],
)  # fmt: skip
def test_queries_that_fail(sqlstate: str | None, code: str) -> None:
    error = explain_query(Failure(sqlstate, "some text"), "dwp", "the table", 'GRANT SELECT ON t TO "dwp"')
    assert error.code == code and "the table" in error.message
    assert ("GRANT SELECT" in error.message) == (code == "PG_PERM")


KEYS = [
    ("public", "flyway_schema_history", 77433833903597),
    ("app", "flyway_schema_history", 77431436970681),
    ("dwp_aura", "flyway_schema_history", 77432724264497),
    ("public", "schema_version", 77430801598678),
]


@pytest.mark.parametrize(("schema", "table", "key"), KEYS)
def test_lock_keys(schema: str, table: str, key: int) -> None:
    assert lock_key(schema, table) == key


def test_key_in_pg_locks() -> None:
    assert java_hash('"public"."flyway_schema_history"') == 2125624436
    assert split_key(77433833903597) == (18028, 4163491309)
    assert java_hash("\U0001f600") == 0xD83D * 31 + 0xDE00
