# Copyright (c) 2026 dwp.backend contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Copies of the data that a rollback destroys, in a schema of their own, made in the same transaction."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Iterable, Sequence
from typing import Any

from ansible_collections.dwp.backend.plugins.module_utils._flyway.errors import FlywayError
from ansible_collections.dwp.backend.plugins.module_utils._flyway.history import qualified, quote
from ansible_collections.dwp.backend.plugins.module_utils._flyway.losses import CHANGED_ROWS, ROWS, Column, Loss

SCHEMA = "dwp_rollback"


def ensure_schema(cursor: Any, schema: str) -> None:
    """Create the schema if it is not there (its owner alone may read it)."""
    cursor.execute("SELECT 1 FROM pg_catalog.pg_namespace WHERE nspname = %s", (schema,))
    if cursor.fetchone() is None:
        cursor.execute(f"CREATE SCHEMA {quote(schema)}")


def name_of(table: str, what: str, version: str, stamp: str) -> str:
    """A table name of at most 63 bytes that tells what it is and needs no quotes; long ones end in a hash."""
    text = _plain(f"{table}{'_' + what if what else ''}_{version}_{stamp}")
    if len(text.encode("utf-8")) <= 63:
        return text
    mark = hashlib.sha256(f"{table}.{what}".encode()).hexdigest()[:8]
    tail = _plain(f"x_{mark}_{version}_{stamp}")[1:]
    if len(tail) > 62:  # a version that is longer than a name may be
        tail = tail[:10] + tail[-42:]
    head = _plain(table).encode("utf-8")[: 63 - len(tail.encode("utf-8"))].decode("utf-8", "ignore")
    return head + tail


def _plain(text: str) -> str:
    name = re.sub(r"[^\w]", "_", text).lower()
    return f"_{name}" if name[0].isdigit() else name


def free_name(cursor: Any, loss: Loss, schema: str, stamp: str) -> str:
    """A name that no copy has: tables of other schemas and steps of the same second may want the same."""
    number, mark = 1, stamp
    while True:
        name = name_of(loss.table.name, loss.columns[0].name if loss.columns else "", loss.version, mark)
        cursor.execute("SELECT to_regclass(%s) IS NULL", (qualified(schema, name),))
        if cursor.fetchone()[0]:
            return name
        number += 1
        mark = f"{stamp}_{number}"


def save(cursor: Any, losses: Iterable[Loss], schema: str, stamp: str) -> list[Loss]:
    """Copy what is lost; each loss gets the name of its copy. Row counts have to agree, or nothing goes on."""
    wanted = [loss for loss in losses if loss.rows != 0]
    if not wanted:
        return []
    ensure_schema(cursor, schema)
    cursor.execute("SET LOCAL row_security = off")
    for table in sorted({loss.table.qualified for loss in wanted}):
        cursor.execute(f"LOCK TABLE ONLY {table} IN ACCESS EXCLUSIVE MODE")
    for loss in wanted:
        _copy(cursor, loss, schema, free_name(cursor, loss, schema, stamp))
    cursor.execute("SET LOCAL row_security = on")
    return wanted


def _copy(cursor: Any, loss: Loss, schema: str, name: str) -> None:
    target = qualified(schema, name)
    where, columns = "", _select(loss.table.columns.values())
    if loss.columns:
        column = loss.columns[0]
        keys = [one for one in loss.table.columns.values() if one.key]
        where = f" WHERE {quote(column.name)} IS NOT NULL"
        columns = _select([*(one for one in keys if one != column), column] if keys else loss.table.columns.values())
    cursor.execute(f"CREATE TABLE {target} AS SELECT {columns} FROM ONLY {loss.table.qualified}{where}")
    copied = cursor.rowcount
    if loss.kind == ROWS and loss.rows is not None and copied != loss.rows:
        raise FlywayError(
            f"{loss.table.shown} has {copied} rows now and had {loss.rows} a moment ago: somebody writes to it. "
            "Nothing was changed. Stop the writers and try again.",
            "CHANGED_MEANWHILE",
        )
    if loss.rows is None:
        loss.rows = copied
    kept = "all rows before the change" if loss.kind == CHANGED_ROWS else loss.kind
    note = f"{loss.object}, {kept}, saved before the rollback of version {loss.version}: {copied} rows"
    cursor.execute(f"COMMENT ON TABLE {target} IS %s", (note,))
    loss.backup = f"{schema}.{name}"


def _select(columns: Iterable[Column]) -> str:
    """Columns for the copy: types that the rollback may drop become text, lest CASCADE reaches the copy."""
    shown = [f"{quote(c.name)}::text AS {quote(c.name)}" if c.own_type else quote(c.name) for c in columns]
    return ", ".join(shown)


def check(cursor: Any, saved: Sequence[Loss]) -> None:
    """After the statements: every copy is still there, whole."""
    for loss in saved:
        schema, _dot, name = loss.backup.rpartition(".")
        cursor.execute(
            "SELECT count(*) FROM pg_catalog.pg_attribute a JOIN pg_catalog.pg_class c ON c.oid = a.attrelid "
            "JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace "
            "WHERE n.nspname = %s AND c.relname = %s AND a.attnum > 0 AND NOT a.attisdropped",
            (schema, name),
        )
        if cursor.fetchone()[0] == 0:
            raise FlywayError(f"The rollback text would destroy its own backup {loss.backup}. Nothing was changed.", "BACKUP_LOST")
