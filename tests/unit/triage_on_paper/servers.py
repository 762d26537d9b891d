# Copyright (c) 2026 dwp.backend contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""PostgreSQL and Redis on paper: what they answer to a login, and what they tell about themselves."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from ansible_collections.dwp.backend.plugins.module_utils._probe_model import Answer, Rung

from .layouts import DATABASE_PASSWORD, REDIS_PASSWORD
from .network import SILENT

DRIVER = "PostgreSQL JDBC Driver"

#: A session as the survey has it: database, application, state, number.
Session = list[Any]


class Postgres:
    """One server."""

    port = 5432

    def __init__(self, address: str, now: float, pools: Callable[[], list[Session]]) -> None:
        self.address, self._pools = address, pools
        self.listening, self.frozen, self.standby = True, False, False
        self.password = DATABASE_PASSWORD
        self.closed: set[str] = set()  # databases on which the role of the services may not log in
        self.latency = 11.8  # ms for a login
        self.started = now - 20 * 86400.0
        self.locks: dict[str, list[dict[str, Any]]] = {}  # by database
        self.statements: dict[str, list[dict[str, Any]]] = {}  # long ones, by database
        self.sessions: list[Session] = []  # besides the pools of the services

    def answer(self, rung: Rung) -> Answer:
        if self.frozen:
            return SILENT
        if rung.kind != "postgres":
            return Answer(failure="unexpected_body", detail="the listener does not speak HTTP")
        if rung.password != self.password:
            return _sqlstate("28P01", f'password authentication failed for user "{rung.user}"')
        if rung.database in self.closed:
            return _sqlstate("42501", f'permission denied for database "{rung.database}"')
        facts: dict[str, Any] = {}
        if rung.schema:
            facts = {"role": rung.user, "read_only": self.standby, "database_create": True, "schema_exists": True, "schema_usage": True,
                     "schema_create": True}  # fmt: skip
        return Answer(detail="SELECT 1" + (f", schema {rung.schema}" if rung.schema else ""), facts=facts, latency_ms=self.latency)

    def survey(self, database: str) -> dict[str, Any]:
        sessions = [*self._pools(), *self.sessions]
        return {
            "version": "16.2", "standby": self.standby, "read_only": self.standby, "started": round(self.started),
            "max_connections": 200, "reserved": 3, "server_connections": sum(row[3] for row in sessions), "sessions": sessions,
            "locks": self.locks.get(database, []), "long_transactions": self.statements.get(database, []),
        }  # fmt: skip


def _sqlstate(code: str, text: str) -> Answer:
    return Answer(code=code, detail=f"SQLSTATE {code}: {text}", latency_ms=9.0)


def statement(query: str, seconds: float, *, pid: int = 8000, application: str = DRIVER, state: str = "active") -> dict[str, Any]:
    """A session that is at something for long."""
    return {"pid": pid, "application": application, "user": "dwp_user", "state": state, "seconds": seconds, "query": query}


def waits(query: str, seconds: float, blocker: dict[str, Any], pid: int = 20) -> dict[str, Any]:
    """A statement that waits for a lock."""
    return {"pid": pid, "application": DRIVER, "user": "dwp_user", "waits_seconds": seconds, "query": query, "blocked_by": [blocker]}


class Redis:
    """One server."""

    port = 6379

    def __init__(self, address: str) -> None:
        self.address = address
        self.listening, self.frozen = True, False
        self.password = REDIS_PASSWORD
        self.info: dict[str, Any] = {
            "redis_version": "7.0.15", "role": "master", "used_memory": 3 << 20, "maxmemory": 0, "maxmemory_policy": "noeviction",
            "connected_clients": 9, "maxclients": 10000, "blocked_clients": 0, "rejected_connections": 0, "evicted_keys": 0, "loading": 0,
            "rdb_last_bgsave_status": "ok", "uptime_in_seconds": 1728000,
        }  # fmt: skip

    def memory(self, used_mb: int, most_mb: int) -> None:
        self.info.update(used_memory=used_mb << 20, maxmemory=most_mb << 20)

    def answer(self, rung: Rung) -> Answer:
        if self.frozen or rung.kind != "redis":
            return SILENT
        if rung.password != self.password:
            return Answer(code="WRONGPASS", detail="wrong password, or one is needed", latency_ms=1.0)
        return Answer(detail="PONG", latency_ms=2.2)
