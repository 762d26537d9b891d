# Copyright (c) 2026 dwp.backend contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The session in which a rollback runs: guarded by time limits, under Flyway's search_path and role, with the locks."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from ansible_collections.dwp.backend.plugins.module_utils._flyway import lock
from ansible_collections.dwp.backend.plugins.module_utils._flyway.connection import Login, one_line
from ansible_collections.dwp.backend.plugins.module_utils._flyway.errors import FlywayError
from ansible_collections.dwp.backend.plugins.module_utils._flyway.history import HistoryTable, qualified, quote

# SQLSTATEs after which the same transaction may well succeed: lock not available, deadlock, serialization failure.
TRANSIENT = frozenset(("55P03", "40P01", "40001"))
IDLE_LIMIT = 60  # seconds that our own transaction may stand still, should this process hang while it holds locks


class Busy(FlywayError):
    """Somebody else holds what we need; trying again later can help."""


class ConnectionLost(FlywayError):
    """The server or the network ended the connection; what became of the transaction has to be found out."""


@dataclass(frozen=True)
class Limits:
    lock_timeout: float = 5.0  # seconds
    statement_timeout: float = 300.0  # seconds, 0: none


@dataclass
class Original:
    """The connection as it was opened: what Flyway derives search_path and role from."""

    search_path: str
    user: str


def remember(cursor: Any) -> Original:
    cursor.execute("SELECT current_setting('search_path'), current_user")
    search_path, user = cursor.fetchone()
    return Original(search_path, user)


def flyway_search_path(original: str, schema: str) -> str:
    """The search_path under which Flyway runs migrations."""
    if original == schema or original.startswith(schema + ","):
        return original
    return f"{quote(schema)},{original}" if original.strip() else quote(schema)


def guard(cursor: Any, limits: Limits) -> None:
    """Time limits of this transaction."""
    cursor.execute(
        "SELECT set_config('lock_timeout', %s, true), set_config('statement_timeout', %s, true), "
        "set_config('idle_in_transaction_session_timeout', %s, true)",
        (_milliseconds(limits.lock_timeout), _milliseconds(limits.statement_timeout), f"{IDLE_LIMIT}s"),
    )


def guard_session(cursor: Any, limits: Limits) -> None:
    """The same for statements outside a transaction."""
    cursor.execute(
        "SELECT set_config('lock_timeout', %s, false), set_config('statement_timeout', %s, false)",
        (_milliseconds(limits.lock_timeout), _milliseconds(limits.statement_timeout)),
    )


def _milliseconds(seconds: float) -> str:
    return f"{max(1, round(seconds * 1000)) if seconds else 0}ms"  # 0 would be no limit


def like_flyway(cursor: Any, original: Original, schema: str, local: bool = True) -> None:
    """search_path and role as before each migration of Flyway."""
    cursor.execute("SELECT set_config('search_path', %s, %s)", (flyway_search_path(original.search_path, schema), local))
    scope = "LOCAL " if local else ""
    cursor.execute(f"SET {scope}ROLE {quote(original.user)}")


def take_locks(cursor: Any, table: HistoryTable, session_level: bool = False) -> None:
    """Flyway's advisory lock, and within a transaction the history table against repair and edits by hand."""
    take_advisory(cursor, table, session_level)
    if not session_level:
        lock_history(cursor, table)


def lock_history(cursor: Any, table: HistoryTable) -> None:
    cursor.execute(f"LOCK TABLE {qualified(table.schema, table.table)} IN SHARE ROW EXCLUSIVE MODE")


def take_advisory(cursor: Any, table: HistoryTable, session_level: bool) -> None:
    key = lock.lock_key(table.schema, table.table)
    function = "pg_try_advisory_lock" if session_level else "pg_try_advisory_xact_lock"
    cursor.execute(f"SELECT {function}(%s)", (key,))
    if cursor.fetchone()[0]:
        return
    who = lock.holder(cursor, key)
    shown = f"process {who['pid']} ({who['application'] or who['user']}, since {who['since']})" if who else "someone"
    raise Busy(
        f"Flyway's lock on {table.name} is held by {shown}: Flyway migrates, or another rollback runs. "
        "Wait until it is done, then look at the plan again.",
        "LOCK_HELD",
        {"holder": who},
    )


def explain(error: Any, login: Login, doing: str) -> FlywayError:
    """A psycopg2 error in the middle of a rollback as ours. Every message says that nothing was kept, or asks."""
    code = getattr(error, "pgcode", None) or ""
    text = one_line(str(error))
    details = {"sqlstate": code, "doing": doing}
    if not code or code[:2] == "08" or code in ("57P01", "57P02", "57P03", "25P03"):
        return ConnectionLost(f"The connection to {login.address} was lost while {doing}: {text}", "PG_LOST", details)
    if code in TRANSIENT:
        return Busy(f"Another session was in the way while {doing}: {text}", "LOCK_TIMEOUT", details)
    meaning = _MEANINGS.get(code, "")
    return FlywayError(f"PostgreSQL refused while {doing}: {text}{meaning}", "PG_ERROR", details)


_ROWS = " Rows that are there now stand against it: correct them, or let the rollback text do so."
_MEANINGS = {
    "42501": " Log in as the owner of the objects, as Flyway does.",
    "53100": " The disk or tablespace is full: make room first.",
    "53200": " The server is out of memory.",
    "57014": " It took longer than statement_timeout allows.",
    "25006": " The server or session is read-only; a rollback has to run on the primary.",
    "42P01": " The rollback text names a table that is not there; is it the text of another version?",
    "22P02": _ROWS,
    "23502": _ROWS,
    "23503": _ROWS,
    "23505": _ROWS,
    "23514": _ROWS,
    "2BP01": " Other objects depend on it: name them in the rollback text, before what they depend on.",
}
