# Copyright (c) 2026 dwp.backend contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The schema history table: its rows, and how to read them."""

from __future__ import annotations

from typing import Any, NamedTuple

from ansible_collections.dwp.backend.plugins.module_utils._flyway.errors import FlywayError, Refusal
from ansible_collections.dwp.backend.plugins.module_utils._flyway.names import Version

DEFAULT_TABLE = "flyway_schema_history"
COLUMNS = (
    "installed_rank",
    "version",
    "description",
    "type",
    "script",
    "checksum",
    "installed_on",
    "installed_by",
    "execution_time",
    "success",
)

SYNTHETIC_TYPES = frozenset(("SCHEMA", "BASELINE", "DELETE"))
BASELINE_TYPES = frozenset(("BASELINE", "SQL_BASELINE", "JDBC_BASELINE"))
# What the free edition knows; UNDO_SCRIPT is the only undo type among them.
KNOWN_TYPES = SYNTHETIC_TYPES | BASELINE_TYPES | {"SQL", "JDBC", "SCRIPT", "UNDO_SCRIPT", "CUSTOM"}
_CORE = "org.flywaydb.core.api.CoreMigrationType"
_BASELINE = "org.flywaydb.core.api.migration.baseline.BaselineMigrationType"


class HistoryRow(NamedTuple):
    """One row. ``refusal`` is set when Flyway cannot read it, and then refuses every command."""

    installed_rank: int
    version: Version | None
    description: str
    type: str
    script: str
    checksum: int | None
    installed_on: Any  # naive, in the time zone of the connection that wrote it
    installed_by: str
    execution_time: int
    success: bool
    raw_version: str | None = None
    refusal: Refusal | None = None

    @property
    def synthetic(self) -> bool:
        return self.type in SYNTHETIC_TYPES

    @property
    def baseline(self) -> bool:
        return self.type in BASELINE_TYPES

    @property
    def undo(self) -> bool:
        return self.type.startswith("UNDO_")

    @property
    def deletes(self) -> bool:
        """A DELETE row that took effect."""
        return self.type == "DELETE" and self.success


def make_row(
    installed_rank: int,
    version: str | None,
    description: str,
    type: str,
    script: str,
    checksum: int | None,
    installed_on: Any = None,
    installed_by: str = "",
    execution_time: int = 0,
    success: bool = True,
) -> HistoryRow:
    """A row from the values of its columns, in the order of COLUMNS."""
    refusal: Refusal | None = None
    parsed: Version | None = None
    if version is not None:
        try:
            parsed = Version.parse(version)
        except FlywayError as exc:
            refusal = Refusal(exc.message, exc.code, {"installed_rank": installed_rank})
    known = "JDBC" if type == "SPRING_JDBC" else type
    if refusal is None and known not in KNOWN_TYPES:
        enum = _BASELINE if type.upper() in ("SQL_BASELINE", "JDBC_BASELINE") else _CORE
        refusal = Refusal(f"No enum constant {enum}.{type}", "UNKNOWN_TYPE", {"installed_rank": installed_rank})
    return HistoryRow(
        installed_rank,
        parsed,
        description,
        known,
        script,
        checksum,
        installed_on,
        installed_by,
        execution_time,
        success,
        version,
        refusal,
    )


def quote(identifier: str) -> str:
    """An identifier for SQL, always quoted, as Flyway does."""
    return '"' + identifier.replace('"', '""') + '"'


def qualified(schema: str, table: str) -> str:
    return f"{quote(schema)}.{quote(table)}"


class HistoryTable(NamedTuple):
    """Where the history is, and whether it is there."""

    schema: str
    table: str
    schema_exists: bool
    exists: bool
    owner: str = ""

    @property
    def name(self) -> str:
        return qualified(self.schema, self.table)


def history_schema(default_schema: str | None, schemas: list[str], current_schema: str | None) -> str | None:
    """The schema of the history table; None when nothing says which."""
    if default_schema:
        return default_schema
    return schemas[0] if schemas else current_schema


def find_table(cursor: Any, schema: str, table: str) -> HistoryTable:
    """Look for the table in the catalogue, which everyone may read."""
    cursor.execute("SELECT 1 FROM pg_catalog.pg_namespace WHERE nspname = %s", (schema,))
    schema_exists = cursor.fetchone() is not None
    cursor.execute(
        "SELECT pg_catalog.pg_get_userbyid(c.relowner) FROM pg_catalog.pg_class c"
        " JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace"
        " WHERE n.nspname = %s AND c.relname = %s AND c.relkind = 'r'",
        (schema, table),
    )
    found = cursor.fetchone()
    return HistoryTable(schema, table, schema_exists, found is not None, found[0] if found else "")


def check_layout(cursor: Any, table: HistoryTable) -> None:
    """FlywayError when the table lacks columns: then it is no history of Flyway 4 or later."""
    cursor.execute(
        "SELECT a.attname, pg_catalog.format_type(a.atttypid, NULL) FROM pg_catalog.pg_attribute a"
        " JOIN pg_catalog.pg_class c ON c.oid = a.attrelid JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace"
        " WHERE n.nspname = %s AND c.relname = %s AND a.attnum > 0 AND NOT a.attisdropped",
        (table.schema, table.table),
    )
    types = dict(cursor.fetchall())
    missing = [name for name in COLUMNS if name not in types]
    wrong = [
        f"{name} is {types[name]}, not {wanted}"
        for name, wanted in (("installed_rank", "integer"), ("checksum", "integer"), ("success", "boolean"))
        if name in types and types[name] != wanted
    ]
    if missing or wrong:
        problems = ([f"it lacks {', '.join(missing)}"] if missing else []) + wrong
        raise FlywayError(
            f"Table {table.name} is not a schema history that Flyway 4 or later wrote: {'; '.join(problems)}. "
            "Name the right table with the option table (Flyway's default is flyway_schema_history).",
            "HISTORY_LAYOUT",
            {"missing_columns": missing, "columns": sorted(types)},
        )


def read_rows(cursor: Any, table: HistoryTable) -> list[HistoryRow]:
    """All rows by rank, as Flyway selects them."""
    columns = ", ".join(quote(name) for name in COLUMNS)
    cursor.execute(f'SELECT {columns} FROM {table.name} WHERE "installed_rank" > -1 ORDER BY "installed_rank"')
    rows: list[tuple[Any, ...]] = cursor.fetchall()
    return [make_row(*row) for row in rows]
