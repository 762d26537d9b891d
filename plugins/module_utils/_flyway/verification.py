# Copyright (c) 2026 dwp.backend contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The files of a project on a scratch database: rollbacks proven, schema compared."""

from __future__ import annotations

from typing import Any

from ansible_collections.dwp.backend.plugins.module_utils._flyway import fingerprint, history_write, verify
from ansible_collections.dwp.backend.plugins.module_utils._flyway import repair as repairing
from ansible_collections.dwp.backend.plugins.module_utils._flyway.backup import SCHEMA
from ansible_collections.dwp.backend.plugins.module_utils._flyway.connection import Login, connect, explain_query
from ansible_collections.dwp.backend.plugins.module_utils._flyway.errors import FlywayError
from ansible_collections.dwp.backend.plugins.module_utils._flyway.migrations import Migration
from ansible_collections.dwp.backend.plugins.module_utils._flyway.rollback import APPLICATION, Project
from ansible_collections.dwp.backend.plugins.module_utils._flyway.rollback_text import RollbackText
from ansible_collections.dwp.backend.plugins.module_utils._flyway.scratch import Scratch
from ansible_collections.dwp.backend.plugins.module_utils._flyway.snapshot import all_schemas
from ansible_collections.dwp.backend.plugins.module_utils._flyway.states import Line, info


def _scratch(project: Project, login: Login) -> Scratch:
    return Scratch(login, project.params["schemas"], project.table.schema, project.replaced)


def prove(project: Project, login: Login) -> list[verify.Finding]:
    """Every versioned migration forward, back and forward again."""

    def text_of(migration: Migration) -> RollbackText:
        return project.text_of(Line("PENDING", None, migration))

    with _scratch(project, login) as scratch:
        return verify.Verification(scratch, text_of).run(project.resolved.migrations)


def compare_schema(project: Project, login: Login, as_repaired: bool = False) -> dict[str, Any]:
    """The schemas of the database against what the files of its applied migrations make.

    `as_repaired`: applied is what a repair would leave as applied. Objects of outdated repeatable files are left out:
    the text that made them is not at hand, and migrate makes them anew.
    """
    project.require_history()
    rows = project.snapshot.rows
    if as_repaired:
        rows = repairing.rows_after(rows, repairing.actions(project.resolved.migrations, rows, project.patterns))
    state = info(project.resolved.migrations, rows)
    if state.refusals:
        raise state.refusals[0]
    applied, unknown, ignored = [], [], set()
    for line in state.lines:
        if line.row is None or line.state in ("DELETED", "UNDONE", "SUPERSEDED") or line.row.synthetic:
            continue
        if line.file is None or line.file.type not in ("SQL", "SQL_BASELINE"):
            unknown.append(f"{line.version or line.description} ({line.display})")
        elif line.state == "OUTDATED":
            ignored |= history_write.created(line.file.text(), project.table.schema)
        else:
            applied.append(line.file)
    if unknown:
        raise FlywayError(
            f"The schema cannot be compared: no text is at hand for what was applied as {', '.join(unknown)}. Give the "
            "files of the release that applied it.",
            "NOT_COMPARABLE",
        )
    schemas = all_schemas(list(project.params["schemas"]), project.table.schema)
    with _scratch(project, login) as scratch:
        for migration in applied:  # in the order of their ranks
            scratch.apply(migration)
        wanted = verify.within(scratch.fingerprint(), schemas, ignored)
    difference = fingerprint.compare(wanted, verify.within(_actual(project), schemas, ignored))
    return {"equal": not difference, "schemas": schemas, "ignored": sorted(ignored), "differences": difference.lines()}


def _actual(project: Project) -> fingerprint.Fingerprint:
    from psycopg2 import Error

    connection = connect(project.login, APPLICATION, read_only=True)
    try:
        with connection.cursor() as cursor:
            return fingerprint.take(cursor, (project.table.schema, project.table.table), [SCHEMA])
    except Error as error:
        raise explain_query(error, project.login.user, "the catalogue", "") from None
    finally:
        connection.close()
