# Copyright (c) 2026 dwp.backend contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What the database says, read in one READ ONLY transaction: one moment, nothing changed."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

from ansible_collections.dwp.backend.plugins.module_utils._flyway import lock
from ansible_collections.dwp.backend.plugins.module_utils._flyway.connection import Login, connect, explain_query
from ansible_collections.dwp.backend.plugins.module_utils._flyway.errors import FlywayError
from ansible_collections.dwp.backend.plugins.module_utils._flyway.history import (
    HistoryRow,
    HistoryTable,
    check_layout,
    find_table,
    history_schema,
    quote,
    read_rows,
)

LOCK_TIMEOUT = 5  # seconds that reading may wait for a table that someone locked
STATEMENT_TIMEOUT = 60  # seconds for one query


@dataclass(eq=False)
class Snapshot:
    """The database at one moment."""

    database: str
    user: str
    current_schema: str | None
    table: HistoryTable
    rows: list[HistoryRow] = field(default_factory=list)
    lock_held: dict[str, Any] | None = None
    lock_waiting: list[int] = field(default_factory=list)
    existing_schemas: list[str] = field(default_factory=list)
    non_empty_schemas: list[str] = field(default_factory=list)
    standby: bool = False
    pooler: bool = False
    server_version: int = 0


def read_snapshot(login: Login, schemas: Sequence[str], default_schema: str | None, table: str) -> Snapshot:
    """Log in, read everything, log out. FlywayError says what is in the way."""
    connection = connect(login, "dwp.backend flyway_status", read_only=True)
    try:
        with connection.cursor() as cursor:
            return _read(connection, cursor, login, list(schemas), default_schema, table)
    finally:
        connection.close()


def _read(connection: Any, cursor: Any, login: Login, schemas: list[str], default_schema: str | None, table: str) -> Snapshot:
    from psycopg2 import Error  # it is there: we are connected

    what, grants = f"database {login.database!r}", ""
    try:
        cursor.execute(
            "SELECT set_config('lock_timeout', %s, true), set_config('statement_timeout', %s, true),"
            " current_database(), current_user, current_schema(), current_setting('search_path'),"
            " pg_is_in_recovery(), pg_backend_pid()",
            (f"{LOCK_TIMEOUT}s", f"{STATEMENT_TIMEOUT}s"),
        )
        _one, _two, database, user, current_schema, search_path, standby, pid = cursor.fetchone()
        schema = history_schema(default_schema, schemas, current_schema or search_path)
        if not schema:
            raise FlywayError(
                "Unable to determine schema for the schema history table: search_path is empty. Set default_schema or schemas.",
                "NO_SCHEMA",
            )
        found = find_table(cursor, schema, table)
        out = Snapshot(database, user, current_schema, found, standby=standby)
        out.server_version = connection.server_version
        out.pooler = connection.info.backend_pid != pid
        out.existing_schemas, out.non_empty_schemas = _schemas(cursor, all_schemas(schemas, schema))
        what = f"the schema history table {found.name}"
        grants = f"GRANT USAGE ON SCHEMA {quote(schema)} TO {quote(user)}; GRANT SELECT ON {found.name} TO {quote(user)}"
        if found.exists:
            check_layout(cursor, found)
            out.rows = read_rows(cursor, found)
        what, grants = "pg_locks and pg_stat_activity", ""
        key = lock.lock_key(schema, table)
        out.lock_held = lock.holder(cursor, key)
        out.lock_waiting = lock.waiting(cursor, key, out.lock_held["pid"] if out.lock_held else None)
        return out
    except Error as exc:
        raise explain_query(exc, login.user, what, grants) from None


def all_schemas(schemas: list[str], schema: str) -> list[str]:
    """The schemas that Flyway looks after: the configured ones, the history's own first if it is not among them."""
    return schemas if schema in schemas else [schema, *schemas]


# What counts as content of a schema is what Flyway counts.
_SCHEMAS = """
SELECT n.nspname, EXISTS (
    SELECT 1 FROM pg_catalog.pg_class c
    WHERE c.relnamespace = n.oid AND c.relkind IN ('r', 'v', 'S', 't')
      AND NOT EXISTS (SELECT 1 FROM pg_catalog.pg_depend d WHERE d.objid = c.oid AND d.deptype = 'e')
  UNION ALL
    SELECT 1 FROM pg_catalog.pg_type t
    WHERE t.typnamespace = n.oid AND t.typcategory NOT IN ('A', 'C')
      AND NOT EXISTS (SELECT 1 FROM pg_catalog.pg_depend d WHERE d.objid = t.oid AND d.deptype = 'e')
  UNION ALL
    SELECT 1 FROM pg_catalog.pg_proc p
    WHERE p.pronamespace = n.oid
      AND NOT EXISTS (SELECT 1 FROM pg_catalog.pg_depend d WHERE d.objid = p.oid AND d.deptype = 'e'))
FROM pg_catalog.pg_namespace n WHERE n.nspname = ANY (%s)
"""


def _schemas(cursor: Any, schemas: list[str]) -> tuple[list[str], list[str]]:
    """The existing ones of the schemas, and those of them that hold something."""
    cursor.execute(_SCHEMAS, (schemas,))
    content: dict[str, bool] = dict(cursor.fetchall())
    existing = [name for name in schemas if name in content]
    return existing, [name for name in existing if content[name]]
