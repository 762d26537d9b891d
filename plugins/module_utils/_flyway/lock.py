# Copyright (c) 2026 dwp.backend contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Flyway's advisory lock: its key, and who holds it."""

from __future__ import annotations

from typing import Any

from ansible_collections.dwp.backend.plugins.module_utils._flyway.history import qualified

_MAGIC = 0x466C79776179  # "Flyway"


def java_hash(text: str) -> int:
    """Java's String.hashCode()."""
    value = 0
    units = text.encode("utf-16-be", "surrogatepass")
    for high, low in zip(units[::2], units[1::2]):
        value = (31 * value + (high << 8 | low)) & 0xFFFFFFFF
    return value - (1 << 32) if value >= 1 << 31 else value


def lock_key(schema: str, table: str) -> int:
    """The key (bigint) that Flyway locks for this history table."""
    return _MAGIC + java_hash(qualified(schema, table))


def split_key(key: int) -> tuple[int, int]:
    """classid and objid of a bigint key in pg_locks (objsubid is 1)."""
    return key >> 32 & 0xFFFFFFFF, key & 0xFFFFFFFF


_HOLDERS = """
SELECT l.pid, a.usename, a.application_name, host(a.client_addr), a.xact_start, a.state, a.query, a.backend_start
FROM pg_catalog.pg_locks l
JOIN pg_catalog.pg_database d ON d.oid = l.database AND d.datname = current_database()
LEFT JOIN pg_catalog.pg_stat_activity a ON a.pid = l.pid
WHERE l.locktype = 'advisory' AND l.granted AND l.classid = %s AND l.objid = %s AND l.objsubid = 1
  AND l.pid <> pg_backend_pid()
"""

# Flyway does not queue for the lock: it asks again every second, so those who wait are known by their question.
_WAITING = """
SELECT pid FROM pg_catalog.pg_stat_activity
WHERE datname = current_database() AND pid <> pg_backend_pid()
  AND query LIKE '%%pg_try_advisory%%' AND query LIKE %s
"""


def holder(cursor: Any, key: int) -> dict[str, Any] | None:
    """Who holds the lock and since when; None when it is free. Values that our role may not see are None."""
    cursor.execute(_HOLDERS, split_key(key))
    row = cursor.fetchone()
    if row is None:
        return None
    pid, user, application, client, xact_start, state, query, backend_start = row
    since = xact_start or backend_start
    return {
        "pid": pid,
        "user": user,
        "application": application,
        "client": client,
        "since": since.isoformat() if since else None,
        "state": state,
        "query": query,
    }


def waiting(cursor: Any, key: int, holder_pid: int | None = None) -> list[int]:
    """Process ids of sessions that keep asking for the lock."""
    cursor.execute(_WAITING, (f"%({key})%",))
    return [pid for (pid,) in cursor.fetchall() if pid != holder_pid]
