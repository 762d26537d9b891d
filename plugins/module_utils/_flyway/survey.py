# Copyright (c) 2026 dwp.backend contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What the database says about a plan before anything runs: syntax, rights, losses, locks, sessions in the way."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

from ansible_collections.dwp.backend.plugins.module_utils._flyway import losses as loss_of
from ansible_collections.dwp.backend.plugins.module_utils._flyway.history import HistoryTable, quote
from ansible_collections.dwp.backend.plugins.module_utils._flyway.losses import Loss
from ansible_collections.dwp.backend.plugins.module_utils._flyway.plan import DELETE, Plan, Step
from ansible_collections.dwp.backend.plugins.module_utils._flyway.selection import Objection
from ansible_collections.dwp.backend.plugins.module_utils._flyway.targets import Target

LONG_TRANSACTION = 30  # seconds from which an open transaction is worth a word


@dataclass
class Survey:
    objections: list[Objection] = field(default_factory=list)
    warnings: list[str] = field(default_factory=list)
    losses: list[Loss] = field(default_factory=list)
    sessions: list[dict[str, Any]] = field(default_factory=list)


def survey(cursor: Any, plan: Plan, table: HistoryTable, skip: Sequence[str]) -> Survey:
    """Read-only, in the open transaction of the cursor, whose search_path and role are Flyway's."""
    out = Survey()
    _server(cursor, out)
    _syntax(cursor, plan, out)
    found = _resolve(cursor, plan)
    _rights(cursor, plan, table, found, out)
    out.losses = forecast(cursor, plan, skip, (table.schema, table.table), found)
    out.sessions = _sessions(cursor, sorted(set(found.values())))
    return out


def _server(cursor: Any, out: Survey) -> None:
    cursor.execute(
        "SELECT pg_is_in_recovery(), current_setting('default_transaction_read_only'), "
        "(SELECT count(*) FROM pg_catalog.pg_prepared_xacts WHERE database = current_database()), "
        "(SELECT count(*) FROM pg_catalog.pg_publication), current_setting('track_counts'), "
        "(SELECT count(*) FROM pg_catalog.pg_stat_replication), "
        "(SELECT count(*) FROM pg_catalog.pg_replication_slots WHERE NOT active)"
    )
    standby, read_only, prepared, publications, counting, replicas, idle_slots = cursor.fetchone()
    if standby:
        out.objections.append(
            Objection("READ_ONLY", "The server is a standby, read-only. Log in to its primary; nothing can be changed here.")
        )
    elif read_only == "on":
        out.objections.append(
            Objection("READ_ONLY", "default_transaction_read_only is on for this user, database or server: no change is "
                      "possible. Log in as the user that migrates, or to the primary.")
        )  # fmt: skip
    if prepared:
        out.warnings.append(f"{prepared} prepared transaction(s) are open in this database; their locks outlive sessions.")
    if publications:
        out.warnings.append("The database publishes tables: subscribers do not get the change of schema.")
    if replicas:
        out.warnings.append(f"{replicas} replica(s) follow: strong locks are repeated there and may end queries.")
    if idle_slots:
        out.warnings.append(f"{idle_slots} replication slot(s) without a reader keep the WAL that the rollback writes.")
    if counting != "on":
        out.warnings.append("track_counts is off: rows that the text updates or deletes cannot be counted.")


def _syntax(cursor: Any, plan: Plan, out: Survey) -> None:
    """Every statement through the parser of the server, inside a DO block that returns before it."""
    from psycopg2 import Error

    cursor.execute("SELECT has_language_privilege('plpgsql', 'USAGE') FROM pg_language WHERE lanname = 'plpgsql'")
    row = cursor.fetchone()
    if not row or not row[0]:
        out.warnings.append("plpgsql may not be used here, so the syntax of the rollback text was not checked.")
        return
    for unit in plan.units:
        for step in unit.steps:
            cursor.execute("SAVEPOINT dwp_syntax")
            try:
                cursor.execute("SET LOCAL check_function_bodies = on")
                cursor.execute(_probe(step.statement.text))
            except Error as error:
                if cursor.connection.closed or error.pgcode in (None, "57P01", "57014", "55P03"):
                    raise
                message = (error.diag.message_primary or "").strip()
                out.objections.append(Objection("SYNTAX", f"{step.statement.place}: {message}. The statement would fail.", unit.version))
            cursor.execute("ROLLBACK TO SAVEPOINT dwp_syntax")
            cursor.execute("RELEASE SAVEPOINT dwp_syntax")


def _probe(sql: str) -> str:
    tag = "$dwp$"
    number = 0
    while tag in sql:
        number += 1
        tag = f"$dwp{number}$"
    return f"DO {tag} BEGIN RETURN;\n{sql}\n;\nEND {tag}"


def _resolve(cursor: Any, plan: Plan) -> dict[tuple[str, ...], int]:
    """OIDs of the relations that the statements name, as the search_path finds them."""
    found: dict[tuple[str, ...], int] = {}
    for name in sorted({t.name for unit in plan.units for step in unit.steps for t in step.targets if t.lock}):
        cursor.execute("SELECT to_regclass(%s)::oid", (".".join(quote(part) for part in name),))
        oid = cursor.fetchone()[0]
        if oid:
            found[name] = oid
    return found


def _rights(
    cursor: Any, plan: Plan, table: HistoryTable, found: dict[tuple[str, ...], int], out: Survey
) -> None:  # fmt: skip
    delete = plan.history == DELETE or any(not unit.row.success for unit in plan.units)
    needed = ["SELECT", "DELETE" if delete else "INSERT"]
    cursor.execute("SELECT p FROM unnest(%s::text[]) p WHERE NOT has_table_privilege(%s, p)", (needed, table.name))
    lacking = [privilege for (privilege,) in cursor.fetchall()]
    # LOCK TABLE .. IN SHARE ROW EXCLUSIVE MODE asks for one of these; INSERT does not do.
    cursor.execute("SELECT has_table_privilege(%s, 'UPDATE, DELETE, TRUNCATE')", (table.name,))
    if not cursor.fetchone()[0] and "DELETE" not in lacking:
        lacking.append("UPDATE (for the lock on the table)")
    if lacking:
        out.objections.append(
            Objection("PRIVILEGE", f"The user lacks {', '.join(lacking)} on {table.name}. Log in as the user that migrates.")
        )
    owned = [oid for name, oid in found.items() if _needs_owner(plan, name)]
    cursor.execute(
        "SELECT c.oid::regclass::text, pg_get_userbyid(c.relowner) FROM pg_catalog.pg_class c "
        "WHERE c.oid = ANY (%s::oid[]) AND NOT pg_has_role(c.relowner, 'USAGE')",
        (owned,),
    )
    for relation, owner in cursor.fetchall():
        out.objections.append(
            Objection("PRIVILEGE", f"{relation} belongs to {owner}, whose role the user does not have; only its owner can "
                      "change it. Log in as the user that migrates.")
        )  # fmt: skip


def _needs_owner(plan: Plan, name: tuple[str, ...]) -> bool:
    return any(
        step.statement.words[0] in ("ALTER", "DROP") and any(t.name == name for t in step.targets)
        for unit in plan.units
        for step in unit.steps
    )


def backup_rights(cursor: Any, schema: str) -> Objection | None:
    """May the user make the schema for copies and the journal, or use the one that is there?"""
    cursor.execute(
        "SELECT CASE WHEN to_regnamespace(quote_ident(%s)) IS NULL THEN "
        "has_database_privilege(current_database(), 'CREATE') "
        "ELSE has_schema_privilege(to_regnamespace(quote_ident(%s)), 'CREATE,USAGE') END, current_user, current_database()",
        (schema, schema),
    )
    allowed, user, database = cursor.fetchone()
    if allowed:
        return None
    return Objection(
        "PRIVILEGE",
        f"User {user} may not make tables in schema {schema}, where copies and the journal go. As an administrator of "
        f"{database}: CREATE SCHEMA {quote(schema)} AUTHORIZATION {quote(user)}. Copies, not the journal, can be left out "
        "with backup: false.",
    )


def forecast(
    cursor: Any,
    plan: Plan,
    skip: Sequence[str],
    history: tuple[str, str],
    found: dict[tuple[str, ...], int] | None = None,
) -> list[Loss]:
    """What the statements say they destroy (CASCADE and functions show only in the rehearsal), counted."""
    found = _resolve(cursor, plan) if found is None else found
    tables = loss_of.read_tables(cursor, skip, history)
    out: list[Loss] = []
    for unit in plan.units:
        for step in unit.steps:
            for target in step.targets:
                for loss in _loss(target, step, found, tables):
                    loss.version = unit.version
                    if all((other.kind, other.object) != (loss.kind, loss.object) for other in out):
                        out.append(loss)
    for loss in out:
        if loss.kind == loss_of.CHANGED_ROWS:
            loss.note = "counted in the rehearsal"
        else:
            loss_of.measure(cursor, loss, {}, patient=True)
    return [loss for loss in out if loss.rows != 0]


def _loss(target: Target, step: Step, found: dict[tuple[str, ...], int], tables: dict[int, loss_of.Table]) -> list[Loss]:
    if not target.loss:
        return []
    if target.kind == "schema":
        inside = [table for table in tables.values() if table.schema == target.name[0]]
        return [Loss(loss_of.ROWS, table) for table in inside if "CASCADE" in step.statement.words]
    oid = found.get(target.name, 0)
    # The rows of a partitioned table are those of its partitions.
    meant = [table for key, table in tables.items() if oid and (key == oid or oid in table.ancestors)]
    if target.loss == "column":
        return [
            Loss(loss_of.COLUMN, table, (column,))
            for table in meant
            for column in table.columns.values()
            if column.name == target.column and not column.generated
        ]
    return [Loss(loss_of.ROWS if target.loss == "rows" else loss_of.CHANGED_ROWS, table) for table in meant]


_SESSIONS = """
SELECT a.pid, a.usename, a.application_name, a.state, extract(epoch FROM clock_timestamp() - a.xact_start)::int,
  left(a.query, 200), array_agg(DISTINCT l.relation::regclass::text || ' (' || l.mode || ')')
    FILTER (WHERE l.relation = ANY (%(relations)s::oid[])), a.backend_type
FROM pg_catalog.pg_stat_activity a LEFT JOIN pg_catalog.pg_locks l ON l.pid = a.pid AND l.granted
WHERE a.datname = current_database() AND a.pid <> pg_backend_pid()
GROUP BY 1, 2, 3, 4, 5, 6, 8
HAVING bool_or(l.relation = ANY (%(relations)s::oid[]))
  OR extract(epoch FROM clock_timestamp() - min(a.xact_start)) > %(long)s
ORDER BY 5 DESC NULLS LAST LIMIT 50"""


def _sessions(cursor: Any, relations: list[int]) -> list[dict[str, Any]]:
    """Who holds locks on the named relations now, and who has had a transaction open for long."""
    cursor.execute(_SESSIONS, {"relations": relations, "long": LONG_TRANSACTION})
    keys = ("pid", "user", "application", "state", "transaction_seconds", "query", "holds", "backend_type")
    return [dict(zip(keys, row)) for row in cursor.fetchall()]
