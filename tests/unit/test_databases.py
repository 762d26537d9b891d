# Copyright (c) 2026 dwp.backend contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What is missing on a PostgreSQL server, as a table of servers found and statements expected; passwords by RFC 5802."""

from __future__ import annotations

import base64
from typing import Any

import psycopg2.extensions
import pytest

from ansible_collections.dwp.backend.plugins.module_utils import _databases as db
from ansible_collections.dwp.backend.plugins.module_utils._scram import matches, saslprep, verifier

AUTH = {"name": "dwp_auth", "schema": "public", "user": "u", "password": "p"}
AURA = {"name": "dwp_aura", "schema": "dwp_aura", "user": "u", "password": "p"}
SHARED = {"name": "dwp_auth", "schema": "public", "user": "second", "password": "q"}
ROLE = {"u": db.Role(True, verifier("p"))}


def have(owner: str = "u", **rights: Any) -> db.Database:
    full = {"connect": {"u": True}, "create": {"u": True}, "schemas": {"public": {"u": db.Rights(True, True)}}}
    return db.Database(owner, **{**full, **rights})


CASES: list[tuple[str, list[dict[str, str]], db.State, list[str]]] = [
    ("an empty server", [AUTH], db.State(160000, "postgres"), [
        "user u is created", "database dwp_auth is created, owner u",
    ]),
    ("own schema", [AURA], db.State(160000, "postgres", dict(ROLE)), [
        "database dwp_aura is created, owner u", "schema dwp_aura of database dwp_aura is created, owner u",
    ]),
    ("all there", [AUTH, AUTH], db.State(160000, "postgres", dict(ROLE), {"dwp_auth": have()}), []),
    ("another password", [AUTH], db.State(160000, "postgres", {"u": db.Role(True, verifier("old"))}, {"dwp_auth": have()}), [
        "password of user u is changed",
    ]),
    ("no password, no login", [AUTH], db.State(160000, "postgres", {"u": db.Role(False, None)}, {"dwp_auth": have()}), [
        "user u may log in", "password of user u is changed",
    ]),
    ("passwords that may not be read", [AUTH], db.State(160000, "postgres", {"u": db.Role(True, "?")}, {"dwp_auth": have()}), []),
    ("somebody else's database", [AUTH], db.State(160000, "postgres", dict(ROLE), {
        "dwp_auth": have("dba", create={"u": False}, schemas={"public": {"u": db.Rights(True, False)}}),
    }), ["user u gets CREATE on database dwp_auth", "user u gets CREATE on schema public of database dwp_auth"]),
    ("a user that is new on an old database", [AUTH], db.State(160000, "postgres", {}, {
        "dwp_auth": have("dba", connect={}, create={}, schemas={"public": {}}),
    }), ["user u is created", "user u gets CONNECT, CREATE on database dwp_auth",
         "user u gets USAGE, CREATE on schema public of database dwp_auth"]),
    ("a schema that is missing in an old database", [{**AUTH, "schema": "s"}], db.State(160000, "postgres", dict(ROLE), {
        "dwp_auth": have(schemas={}),
    }), ["schema s of database dwp_auth is created, owner u"]),
    ("two users, one new database", [AUTH, SHARED], db.State(150000, "postgres"), [
        "user u is created", "user second is created", "database dwp_auth is created, owner u",
        "user second gets CONNECT, CREATE on database dwp_auth", "user second gets USAGE, CREATE on schema public of database dwp_auth",
    ]),
    ("the same before version 15", [AUTH, SHARED], db.State(140000, "postgres"), [
        "user u is created", "user second is created", "database dwp_auth is created, owner u",
        "user second gets CONNECT, CREATE on database dwp_auth",
    ]),
]  # fmt: skip


@pytest.mark.parametrize(("wanted", "state", "texts"), [case[1:] for case in CASES], ids=[case[0] for case in CASES])
def test_plan(wanted: list[dict[str, str]], state: db.State, texts: list[str]) -> None:
    actions, _notes = db.plan(wanted, state)
    assert [action.text for action in actions] == [f"PostgreSQL: {text}" for text in texts]
    for action in actions:
        assert "DROP" not in action.sql and "OWNER TO" not in action.sql and "REVOKE" not in action.sql
        assert "'p'" not in action.sql and "'q'" not in action.sql


def test_owners_and_encodings_are_left_and_told() -> None:
    state = db.State(160000, "postgres", dict(ROLE), {"dwp_auth": have("dba", encoding="SQL_ASCII")})
    _actions, notes = db.plan([AUTH, AUTH], state)
    assert len(notes) == 2 and "belongs to dba, not to u: left so" in notes[0] and "SQL_ASCII" in notes[1]


def test_names_are_quoted() -> None:
    actions, _notes = db.plan([{**AUTH, "name": 'a"; DROP', "user": "o'x"}], db.State(160000, "postgres"))
    assert actions[1].sql == 'CREATE DATABASE "a""; DROP" OWNER "o\'x" ENCODING \'UTF8\' TEMPLATE template0'


def test_verifier_is_that_of_rfc_7677() -> None:
    """The exchange printed in RFC 7677: user `user`, password `pencil`."""
    salt = base64.b64decode("W22ZaJ0SNY7soEsUEjb6gQ==")
    assert verifier("pencil", salt, 4096) == (
        "SCRAM-SHA-256$4096:W22ZaJ0SNY7soEsUEjb6gQ==$WG5d8oPm3OtcPnkdi4Uo7BkeZkBFzpcXkuLmtbsT4qY=:"
        "wfPLwcE6nTWhTAmQ7tl2KeoiWGPlZqQxSrmfPwDl2dU="
    )


OTHERS = [("md5" + "0" * 32, False), (None, False), ("", False), ("SCRAM-SHA-256$x", False), ("SCRAM-SHA-1$1:a$b:c", False)]


@pytest.mark.parametrize(("stored", "same"), OTHERS)
def test_other_verifiers(stored: str | None, same: bool) -> None:
    assert matches(stored, "u", "p") is same


def test_md5_of_password_and_user() -> None:
    stored = psycopg2.extensions.encrypt_password("p", "u", algorithm="md5", scope=None)
    assert matches(stored, "u", "p") and not matches(stored, "v", "p")


@pytest.mark.parametrize(("text", "prepared"), [("I\u00adX", "IX"), ("user", "user"), ("USER", "USER"), ("\u00aa", "a"), ("\u2168", "IX")])
def test_saslprep_examples_of_rfc_4013(text: str, prepared: str) -> None:
    assert saslprep(text) == prepared


@pytest.mark.parametrize("text", ["\u0007", "\u0627\u0031"])
def test_prohibited_texts_are_used_as_they_are(text: str) -> None:
    assert saslprep(text) == text
