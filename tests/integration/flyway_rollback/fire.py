# Copyright (c) 2026 dwp.backend contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Connections that break at a chosen moment: the server ends the session before the n-th statement or the commit."""

from __future__ import annotations

import time
from typing import Any

import psycopg2
import psycopg2.extensions


class Fire:
    """`at`: the number of the statement (commits count) before which the server kills the session; 0 never.

    `before`: how the statement begins instead. `after_commit`: the commit happens, its answer is lost.
    """

    def __init__(self, database: Any, at: int = 0, after_commit: bool = False, before: str = "") -> None:
        self.database = database
        self.at = at
        self.after_commit = after_commit
        self.before = before
        self.count = 0
        self.seen: list[str] = []

    def connect(self) -> Any:
        fire = self

        class Cursor(psycopg2.extensions.cursor):
            def execute(self, query: Any, values: Any = None) -> Any:
                fire.step(self.connection, str(query))
                return super().execute(query, values)

        class Connection(psycopg2.extensions.connection):
            def cursor(self, *args: Any, **kwargs: Any) -> Any:
                return super().cursor(*args, cursor_factory=Cursor, **kwargs)

            def commit(self) -> None:
                fire.step(self, "COMMIT")
                super().commit()
                if fire.after_commit:
                    fire.after_commit = False
                    raise psycopg2.OperationalError("server closed the connection unexpectedly")

        return psycopg2.connect(self.database.dsn, connection_factory=Connection)

    def step(self, connection: Any, query: str) -> None:
        self.count += 1
        self.seen.append(query)
        if self.count == self.at or (self.before and query.startswith(self.before)):
            self.before = ""
            self.kill(connection.info.backend_pid)

    def kill(self, pid: int) -> None:
        server = self.database.server
        server.execute("SELECT pg_terminate_backend(%s)", (pid,))
        while server.execute("SELECT 1 FROM pg_stat_activity WHERE pid = %s", (pid,)):
            time.sleep(0.005)
