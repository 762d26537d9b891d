# Copyright (c) 2026 dwp.backend contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What data a rollback destroys, measured by comparing the tables before and after a trial run.

Tables and columns are followed by OID and number, so that a rename is no loss and a CASCADE is none unnoticed.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from typing import Any

from ansible_collections.dwp.backend.plugins.module_utils._flyway.history import qualified, quote

ROWS = "rows"
COLUMN = "column"
CHANGED_TYPE = "changed type"
CHANGED_ROWS = "changed rows"
REWRITTEN = "rewritten"

_TABLES = """
SELECT c.oid, n.nspname, c.relname, coalesce(pg_relation_filenode(c.oid), 0),
  coalesce(x.n_tup_upd, 0), coalesce(x.n_tup_del, 0),
  ARRAY(SELECT format('%%s.%%s', s.nspname, p.relname) FROM pg_partition_ancestors(c.oid) a
        JOIN pg_class p ON p.oid = a.relid AND p.oid <> c.oid JOIN pg_namespace s ON s.oid = p.relnamespace),
  ARRAY(SELECT a.relid::oid::bigint FROM pg_partition_ancestors(c.oid) a)
FROM pg_catalog.pg_class c JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace
LEFT JOIN pg_catalog.pg_stat_xact_all_tables x ON x.relid = c.oid
WHERE c.relkind = 'r' AND n.nspname NOT LIKE 'pg\\_%%' AND n.nspname <> 'information_schema'
  AND n.nspname <> ALL (%s) AND NOT (n.nspname = %s AND c.relname = %s)"""
_COLUMNS = """
SELECT a.attrelid, a.attnum, a.attname, format_type(a.atttypid, a.atttypmod), a.attgenerated::text,
  CASE WHEN a.atthasdef AND a.attgenerated = '' THEN pg_get_expr(d.adbin, d.adrelid) END,
  a.atttypid >= 16384 OR EXISTS (SELECT 1 FROM pg_type t WHERE t.oid = a.atttypid AND t.typelem >= 16384),
  coalesce(a.attnum = ANY (k.conkey), false)
FROM pg_catalog.pg_attribute a LEFT JOIN pg_catalog.pg_attrdef d ON d.adrelid = a.attrelid AND d.adnum = a.attnum
LEFT JOIN pg_catalog.pg_constraint k ON k.conrelid = a.attrelid AND k.contype = 'p'
WHERE a.attnum > 0 AND NOT a.attisdropped AND a.attrelid = ANY (%s::oid[]) ORDER BY a.attrelid, a.attnum"""


@dataclass(frozen=True)
class Column:
    name: str
    type: str
    generated: bool
    default: str | None
    own_type: bool  # a type of this database, which the rollback may drop
    key: bool


@dataclass
class Table:
    schema: str
    name: str
    filenode: int
    updated: int
    deleted: int
    partition_of: list[str] = field(default_factory=list)
    ancestors: list[int] = field(default_factory=list)  # OIDs, of a partition also its own
    columns: dict[int, Column] = field(default_factory=dict)

    @property
    def qualified(self) -> str:
        return qualified(self.schema, self.name)

    @property
    def shown(self) -> str:
        return f"{self.schema}.{self.name}"


@dataclass
class Loss:
    """Data that goes: all rows of a table, a column's values, a type's precision, or rows that are changed."""

    kind: str
    table: Table
    columns: tuple[Column, ...] = ()
    version: str = ""
    to_type: str = ""
    rows: int | None = None  # None: could not be counted
    note: str = ""
    backup: str = ""

    @property
    def object(self) -> str:
        return self.table.shown + (f".{self.columns[0].name}" if self.columns else "")

    def as_data(self) -> dict[str, Any]:
        return {
            "object": self.object,
            "kind": self.kind,
            "version": self.version,
            "rows": self.rows,
            "note": self.note,
            "backup": self.backup,
        }


def read_tables(cursor: Any, skip: Sequence[str], history: Sequence[str]) -> dict[int, Table]:
    """All tables with their columns, and the rows that this transaction has changed so far."""
    cursor.execute(_TABLES, (list(skip), history[0], history[1]))
    found = {row[0]: Table(*row[1:]) for row in cursor.fetchall()}
    cursor.execute(_COLUMNS, (list(found),))
    for relation, number, name, type_name, generated, default, own, key in cursor.fetchall():
        found[relation].columns[number] = Column(name, type_name, generated != "", default, own, key)
    return found


def compare(start: dict[int, Table], before: dict[int, Table], after: dict[int, Table], version: str) -> list[Loss]:
    """What the statements between `before` and `after` destroyed of what was there at the `start`."""
    found: list[Loss] = []
    for oid, table in before.items():
        original = start.get(oid)
        if original is None:
            continue  # made by the rollback itself
        if oid not in after:
            found.append(Loss(ROWS, original, version=version))
            continue
        now = after[oid]
        for number, column in table.columns.items():
            if number not in original.columns or column.generated:
                continue
            if number not in now.columns:
                found.append(Loss(COLUMN, original, (original.columns[number],), version))
            elif now.columns[number].type != column.type:
                changed = Loss(CHANGED_TYPE, original, (original.columns[number],), version)
                changed.to_type = now.columns[number].type
                found.append(changed)
        touched = (now.updated - table.updated) + (now.deleted - table.deleted)
        rewritten = now.filenode != table.filenode  # TRUNCATE, or a harmless rewrite: counting tells
        if touched > 0 or rewritten:
            note = REWRITTEN if rewritten else ""
            found.append(Loss(CHANGED_ROWS, original, version=version, rows=touched, note=note))
    return found


def count_rows(cursor: Any, table: Table) -> int | None:
    return _ask(cursor, f"SELECT count(*) FROM ONLY {table.qualified}")


def measure(cursor: Any, loss: Loss, rows_after: dict[str, int | None], patient: bool = False) -> None:
    """Count what goes, in the state before the rollback. `rows_after`: rows of rewritten tables after the trial.

    `patient`: a table that others have locked counts as unknown instead of ending the transaction.
    """
    table = loss.table
    source = f"ONLY {table.qualified}"
    if loss.kind == ROWS:
        loss.rows = _ask(cursor, f"SELECT count(*) FROM {source}", patient)
    elif loss.kind == COLUMN:
        loss.rows = _ask(cursor, f"SELECT count(*) FROM {source} WHERE {_worth(loss.columns[0])}", patient)
    elif loss.kind == CHANGED_TYPE:
        _measure_type(cursor, loss, source)
    elif loss.note == REWRITTEN:
        loss.note = ""
        now, then = rows_after.get(table.shown), _ask(cursor, f"SELECT count(*) FROM {source}", patient)
        loss.rows = None if now is None or then is None else max(loss.rows or 0, then - now)
    if loss.rows is None:
        loss.note = loss.note or "could not be counted (locked by others, row level security, or rows that cannot be read)"


def _worth(column: Column) -> str:
    """Rows whose value is more than NULL or a constant default."""
    name = quote(column.name)
    if column.default is None or "(" in column.default:
        return f"{name} IS NOT NULL"
    return f"{name} IS NOT NULL AND {name}::text IS DISTINCT FROM ({column.default})::text"


def _measure_type(cursor: Any, loss: Loss, source: str) -> None:
    """Rows whose value does not survive the way to the new type and back."""
    column = loss.columns[0]
    name = quote(column.name)
    back = f"(({name}::{loss.to_type})::{column.type})::text IS DISTINCT FROM {name}::text"
    loss.rows = _ask(cursor, f"SELECT count(*) FROM {source} WHERE {name} IS NOT NULL AND {back}")
    loss.note = f"{column.type} becomes {loss.to_type}"
    if loss.rows is None:  # no cast, or a value that cannot be cast: all values count
        loss.rows = _ask(cursor, f"SELECT count(*) FROM {source} WHERE {name} IS NOT NULL")


def _ask(cursor: Any, query: str, patient: bool = False) -> int | None:
    """A count, or None if the server will not tell; the transaction goes on either way."""
    from psycopg2 import Error

    cursor.execute("SAVEPOINT dwp_count")
    try:
        cursor.execute("SET LOCAL row_security = off")
        cursor.execute(query)
        result = int(cursor.fetchone()[0])
    except Error as error:
        ends = ("57P01", "25P03", None) if patient else ("57P01", "25P03", "55P03", "40P01", "57014", None)
        if cursor.connection.closed or error.pgcode in ends:
            raise
        result = None
    cursor.execute("ROLLBACK TO SAVEPOINT dwp_count")
    cursor.execute("RELEASE SAVEPOINT dwp_count")
    return result


def unforgiven(losses: Iterable[Loss], allowed: Sequence[str], default_schema: str) -> list[Loss]:
    """Losses of data that `allow_data_loss` does not name. A table's name covers its columns and partitions."""
    plain = [name.strip().replace('"', "") for name in allowed]
    names = {*plain, *(f"{default_schema}.{name}" for name in plain)}
    return [loss for loss in losses if loss.rows != 0 and not names.intersection(_names(loss))]


def _names(loss: Loss) -> set[str]:
    tables = {loss.table.shown, *loss.table.partition_of}
    return tables | {f"{table}.{column.name}" for table in tables for column in loss.columns}
