# Copyright (c) 2026 dwp.backend contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Databases, users and schema rights for the services: what is missing, and the statements that add it.

Nothing is ever dropped, emptied or taken from its owner: existing databases and schemas only get missing rights.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Callable, NamedTuple

from ansible_collections.dwp.backend.plugins.module_utils._infra_config import InfraError
from ansible_collections.dwp.backend.plugins.module_utils._scram import matches, verifier


class Action(NamedTuple):
    text: str  # for people
    sql: str
    database: str | None = None  # where the statement runs; None: the administrative database


class Role(NamedTuple):
    login: bool
    password: str | None  # the verifier; "?" where the administrator may not read it


class Rights(NamedTuple):
    usage: bool
    create: bool


@dataclass
class Database:
    owner: str
    encoding: str = "UTF8"
    connectable: bool = True
    connect: dict[str, bool] = field(default_factory=dict)  # user -> may connect
    create: dict[str, bool] = field(default_factory=dict)  # user -> may create schemas
    schemas: dict[str, dict[str, Rights]] = field(default_factory=dict)  # schema -> user -> rights


@dataclass
class State:
    """What the server has, as far as the plan asks for it."""

    version: int
    admin: str
    roles: dict[str, Role] = field(default_factory=dict)
    databases: dict[str, Database] = field(default_factory=dict)


def name(identifier: str) -> str:
    return '"' + identifier.replace('"', '""') + '"'


def literal(text: str) -> str:
    return "'" + text.replace("'", "''") + "'"


def plan(wanted: Sequence[Mapping[str, Any]], state: State) -> tuple[list[Action], list[str]]:
    """The statements that are missing, in order, and notes about what is left as it is."""
    actions: list[Action] = []
    notes: list[str] = []
    for user, password in {entry["user"]: entry["password"] for entry in wanted}.items():
        actions += _role(user, password, state.roles.get(user))
    new: dict[str, str] = {}  # databases created by this plan -> owner
    seen: set[tuple[str, str, str]] = set()
    for entry in wanted:
        database, user, schema = entry["name"], entry["user"], entry.get("schema") or "public"
        have = state.databases.get(database)
        if have is None and database not in new:
            new[database] = user
            actions.append(
                Action(
                    f"PostgreSQL: database {database} is created, owner {user}",
                    f"CREATE DATABASE {name(database)} OWNER {name(user)} ENCODING 'UTF8' TEMPLATE template0",
                )
            )
        elif have is not None:
            notes += [note for note in _remarks(database, user, have) if note not in notes]
            new.setdefault(database, have.owner)
        if (database, user, schema) not in seen:
            seen.add((database, user, schema))
            actions += _rights(database, user, schema, have, new[database], state)
    return actions, notes


def _role(user: str, password: str, have: Role | None) -> list[Action]:
    if have is None:
        sql = f"CREATE ROLE {name(user)} LOGIN PASSWORD {literal(verifier(password))}"
        return [Action(f"PostgreSQL: user {user} is created", sql)]
    actions = []
    if not have.login:
        actions.append(Action(f"PostgreSQL: user {user} may log in", f"ALTER ROLE {name(user)} LOGIN"))
    if have.password != "?" and not matches(have.password, user, password):
        sql = f"ALTER ROLE {name(user)} PASSWORD {literal(verifier(password))}"
        actions.append(Action(f"PostgreSQL: password of user {user} is changed", sql))
    return actions


def _remarks(database: str, user: str, have: Database) -> list[str]:
    remarks = []
    if have.owner != user:
        remarks.append(
            f"database {database} belongs to {have.owner}, not to {user}: left so, missing rights are granted; "
            f"tables that are there keep their owners"
        )
    if have.encoding != "UTF8":
        remarks.append(f"database {database} has encoding {have.encoding}, not UTF8: left so")
    return remarks


def _rights(
    database: str, user: str, schema: str, have: Database | None, owner: str, state: State
) -> list[Action]:  # fmt: skip
    actions = []
    if have is None:
        if user != owner:
            actions.append(_grant("CONNECT, CREATE", "DATABASE", database, user, None))
        if schema != "public":
            actions.append(_schema(database, user, schema))
        elif user != owner and state.version >= 150000:
            actions.append(_grant("USAGE, CREATE", "SCHEMA", schema, user, database))
        return actions
    lacking = [word for word, held in (("CONNECT", have.connect), ("CREATE", have.create)) if not held.get(user)]
    if lacking:
        actions.append(_grant(", ".join(lacking), "DATABASE", database, user, None))
    rights = have.schemas.get(schema)
    if rights is None:
        actions.append(_schema(database, user, schema))
    else:
        held_here = rights.get(user, Rights(False, False))
        lacking = [word for word, held in (("USAGE", held_here.usage), ("CREATE", held_here.create)) if not held]
        if lacking:
            actions.append(_grant(", ".join(lacking), "SCHEMA", schema, user, database))
    return actions


def _schema(database: str, user: str, schema: str) -> Action:
    return Action(
        f"PostgreSQL: schema {schema} of database {database} is created, owner {user}",
        f"CREATE SCHEMA {name(schema)} AUTHORIZATION {name(user)}",
        database,
    )


def _grant(rights: str, kind: str, what: str, user: str, database: str | None) -> Action:
    place = f"database {what}" if kind == "DATABASE" else f"schema {what} of database {database}"
    return Action(
        f"PostgreSQL: user {user} gets {rights} on {place}",
        f"GRANT {rights} ON {kind} {name(what)} TO {name(user)}",
        database,
    )


# -- talking to the server ------------------------------------------------------------------------------------------


def _rows(connection: Any, sql: str, *args: Any) -> list[tuple[Any, ...]]:
    with connection.cursor() as cursor:
        cursor.execute(sql, args or None)
        return list(cursor.fetchall())


def snapshot(connect: Callable[[str], Any], admin_database: str, wanted: Sequence[Mapping[str, Any]]) -> State:
    """Read what the plan needs to know."""
    users = sorted({entry["user"] for entry in wanted})
    names = sorted({entry["name"] for entry in wanted})
    connection = connect(admin_database)
    try:
        admin, readable = _rows(connection, "SELECT current_user, has_table_privilege('pg_authid', 'SELECT')")[0]
        source = "pg_authid" if readable else "pg_roles"
        password = "rolpassword" if readable else "'?'"
        state = State(connection.server_version, admin)
        query = f"SELECT rolname, rolcanlogin, {password} FROM {source} WHERE rolname = ANY(%s)"
        state.roles = {row[0]: Role(row[1], row[2]) for row in _rows(connection, query, users)}
        known = [user for user in users if user in state.roles]
        query = (
            "SELECT datname, pg_get_userbyid(datdba), pg_encoding_to_char(encoding), datallowconn FROM pg_database WHERE datname = ANY(%s)"
        )
        state.databases = {row[0]: Database(*row[1:]) for row in _rows(connection, query, names)}
        query = (
            "SELECT d, u, has_database_privilege(u, d, 'CONNECT'), has_database_privilege(u, d, 'CREATE') "
            "FROM unnest(%s::text[]) d, unnest(%s::text[]) u"
        )
        for database, user, may_connect, may_create in _rows(connection, query, list(state.databases), known):
            state.databases[database].connect[user] = may_connect
            state.databases[database].create[user] = may_create
    finally:
        connection.close()
    for database, have in state.databases.items():
        if not have.connectable:
            raise InfraError(f"PostgreSQL: database {database} accepts no connections (datallowconn is off).")
        schemas = sorted({entry.get("schema") or "public" for entry in wanted if entry["name"] == database})
        have.schemas = _schemas(connect, database, schemas, known)
    return state


def _schemas(connect: Callable[[str], Any], database: str, schemas: Sequence[str], users: Sequence[str]) -> dict[str, dict[str, Rights]]:
    connection = connect(database)
    try:
        found: dict[str, dict[str, Rights]] = {
            row[0]: {} for row in _rows(connection, "SELECT nspname FROM pg_namespace WHERE nspname = ANY(%s)", schemas)
        }
        query = (
            "SELECT s, u, has_schema_privilege(u, s, 'USAGE'), has_schema_privilege(u, s, 'CREATE') "
            "FROM unnest(%s::text[]) s, unnest(%s::text[]) u"
        )
        for schema, user, usage, create in _rows(connection, query, list(found), users):
            found[schema][user] = Rights(usage, create)
        return found
    finally:
        connection.close()


def _execute(connection: Any, action: Action) -> None:
    try:
        with connection.cursor() as cursor:
            cursor.execute(action.sql)
    except Exception as error:
        diagnostics = getattr(error, "diag", None)
        if diagnostics is None:
            raise
        # the statement itself may hold a verifier: only the server's own words are shown
        raise InfraError(
            f'Not done: "{action.text}". The server says: {diagnostics.message_primary} '
            f"({getattr(error, 'pgcode', None)}{f'; {diagnostics.message_detail}' if diagnostics.message_detail else ''})"
        ) from None


def ensure(
    connect: Callable[[str], Any], wanted: Sequence[Mapping[str, Any]], check: bool, admin_database: str = "postgres"
) -> tuple[list[Action], list[str]]:
    """Compare and, unless only checking, add what is missing. `connect` gives autocommit connections of an administrator."""
    if not wanted:
        return [], []
    actions, notes = plan(wanted, snapshot(connect, admin_database, wanted))
    connections: dict[str, Any] = {}
    try:
        for action in [] if check else actions:
            place = action.database or admin_database
            if place not in connections:
                connections[place] = connect(place)
            _execute(connections[place], action)
    finally:
        for connection in connections.values():
            connection.close()
    return actions, notes


def set_password(connect: Callable[[str], Any], user: str, password: str, admin_database: str = "postgres") -> None:
    connection = connect(admin_database)
    try:
        sql = f"ALTER ROLE {name(user)} PASSWORD {literal(verifier(password))}"
        _execute(connection, Action(f"PostgreSQL: password of {user} is changed", sql))
    finally:
        connection.close()
