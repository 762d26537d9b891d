# Copyright (c) 2026 dwp.backend contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The journal of rollbacks that are not all-or-nothing: a table beside the backups, one row per step.

A step that runs in a transaction gets its row in that transaction. A step outside one gets its row before it starts
and its outcome afterwards; a row without an outcome was interrupted, and the next run finds out what became of it.
An applied migration is known by rank and time: ranks are given again when rows are removed.
"""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from typing import Any

from ansible_collections.dwp.backend.plugins.module_utils._flyway import backup
from ansible_collections.dwp.backend.plugins.module_utils._flyway.history import HistoryTable, qualified, quote
from ansible_collections.dwp.backend.plugins.module_utils._flyway.plan import Step, Unit

TABLE = "journal"
STARTED = "started"
DONE = "done"
FAILED = "failed"


class Journal:
    def __init__(self, schema: str, history: HistoryTable) -> None:
        self.schema = schema
        self.name = qualified(schema, TABLE)
        self.history = history.name

    def ensure(self, cursor: Any) -> None:
        backup.ensure_schema(cursor, self.schema)
        cursor.execute(
            f"CREATE TABLE IF NOT EXISTS {self.name} (id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY, "
            "history text NOT NULL, installed_rank integer NOT NULL, installed_on timestamp NOT NULL, version text, step integer NOT NULL, "
            "place text NOT NULL, statement text NOT NULL, sha256 text NOT NULL, in_transaction boolean NOT NULL, "
            "started timestamptz NOT NULL DEFAULT clock_timestamp(), finished timestamptz, outcome text NOT NULL, "
            "message text, UNIQUE (history, installed_rank, installed_on, step, sha256))"
        )

    def outcomes(self, cursor: Any, unit: Unit) -> dict[tuple[int, str], str]:
        """What is known of the steps of this applied migration: (number, digest of the statement) -> outcome."""
        cursor.execute(
            f"SELECT step, sha256, outcome FROM {self.name} WHERE history = %s AND installed_rank = %s AND installed_on = %s",
            (self.history, unit.row.installed_rank, unit.row.installed_on),
        )
        return {(step, sha): outcome for step, sha, outcome in cursor.fetchall()}

    def note(self, cursor: Any, unit: Unit, number: int, step: Step, outcome: str, message: str = "") -> None:
        cursor.execute(
            f"INSERT INTO {self.name} AS j (history, installed_rank, installed_on, version, step, place, statement, sha256, "
            "in_transaction, outcome, message, finished) VALUES (%s, %s, %s, %s, %s, %s, %s, %s, %s, %s, %s, "
            "CASE WHEN %s <> 'started' THEN clock_timestamp() END) ON CONFLICT (history, installed_rank, installed_on, step, sha256) "
            "DO UPDATE SET outcome = excluded.outcome, message = excluded.message, finished = excluded.finished",
            (
                self.history,
                unit.row.installed_rank,
                unit.row.installed_on,
                unit.version,
                number,
                step.statement.place,
                step.statement.text,
                digest(step),
                step.in_transaction,
                outcome,
                message or None,
                outcome,
            ),
        )

    def read(self, cursor: Any, units: Sequence[Unit]) -> list[dict[str, Any]]:
        """The rows of these applied migrations, in order, as plain data."""
        cursor.execute("SELECT to_regclass(%s)", (self.name,))
        if cursor.fetchone()[0] is None:
            return []
        cursor.execute(
            f"SELECT version, step, place, statement, in_transaction, outcome, message, started, finished "
            f"FROM {self.name} WHERE history = %s AND (installed_rank, installed_on) IN %s ORDER BY id",
            (self.history, tuple((unit.row.installed_rank, unit.row.installed_on) for unit in units)),
        )
        keys = ("version", "step", "place", "statement", "in_transaction", "outcome", "message", "started", "finished")
        return [
            {key: value.isoformat() if hasattr(value, "isoformat") else value for key, value in zip(keys, row)} for row in cursor.fetchall()
        ]


def digest(step: Step) -> str:
    return hashlib.sha256(step.statement.text.encode("utf-8")).hexdigest()


def recover(cursor: Any, step: Step) -> bool:
    """An interrupted or failed step: True if it took effect all the same, else the ground is cleared to repeat it."""
    words = step.statement.words
    name = ".".join(quote(part) for part in step.targets[0].name) if step.targets else ""
    if words[:2] == ("DROP", "INDEX"):
        return _index_state(cursor, name) is None
    if words[0] == "CREATE" and "INDEX" in words[:3]:
        return _recover_create_index(cursor, step)
    if "DETACH" in words:
        return _recover_detach(cursor, step, name)
    return False


def _index_state(cursor: Any, name: str) -> bool | None:
    """Is the index valid? None if there is none of this name."""
    cursor.execute("SELECT indisvalid FROM pg_catalog.pg_index WHERE indexrelid = to_regclass(%s)", (name,))
    row = cursor.fetchone()
    return row[0] if row else None


def index_created(step: Step) -> str:
    """The name of the index that a CREATE INDEX makes, in the schema of its table; empty if it has none."""
    words = [word for word in step.statement.words if word not in ("UNIQUE", "CONCURRENTLY", "IF", "NOT", "EXISTS")]
    if len(words) < 3 or words[2] == "ON":
        return ""
    own = words[2] if words[2].startswith('"') else quote(words[2].lower())
    table = step.targets[0].name if step.targets else ()
    return ".".join([*(quote(part) for part in table[:-1]), own])


def _recover_create_index(cursor: Any, step: Step) -> bool:
    name = index_created(step)
    valid = _index_state(cursor, name) if name else None
    if valid is False:
        cursor.execute(f"DROP INDEX CONCURRENTLY {name}")
    return bool(valid)


def _recover_detach(cursor: Any, step: Step, parent: str) -> bool:
    words = step.statement.words
    after = words[words.index("PARTITION") + 1 : words.index("CONCURRENTLY")]
    child = "".join(word if word == "." or word.startswith('"') else quote(word.lower()) for word in after)
    cursor.execute(
        "SELECT inhdetachpending FROM pg_catalog.pg_inherits WHERE inhparent = to_regclass(%s) AND inhrelid = to_regclass(%s)",
        (parent, child),
    )
    row = cursor.fetchone()
    if row is None:
        return True
    if row[0]:
        cursor.execute(f"ALTER TABLE {parent} DETACH PARTITION {child} FINALIZE")
        return True
    return False
