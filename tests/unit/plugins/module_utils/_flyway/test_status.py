# Copyright (c) 2026 dwp.backend contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What stands around states and validation: rollback texts, fail_on, patterns."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ansible_collections.dwp.backend.plugins.module_utils._flyway.errors import FlywayError
from ansible_collections.dwp.backend.plugins.module_utils._flyway.history import make_row
from ansible_collections.dwp.backend.plugins.module_utils._flyway.migrations import FileOptions, Resolved, resolve
from ansible_collections.dwp.backend.plugins.module_utils._flyway.names import Version
from ansible_collections.dwp.backend.plugins.module_utils._flyway.placeholders import Placeholders
from ansible_collections.dwp.backend.plugins.module_utils._flyway.rollback_text import rollback_of
from ansible_collections.dwp.backend.plugins.module_utils._flyway.rollbacks import _MARKER, Rollbacks, Source
from ansible_collections.dwp.backend.plugins.module_utils._flyway.scan import Resource
from ansible_collections.dwp.backend.plugins.module_utils._flyway.states import STATES, Line, display_name, info
from ansible_collections.dwp.backend.plugins.module_utils._flyway.status import INVALID, failures, state_constant
from ansible_collections.dwp.backend.plugins.module_utils._flyway.validate import IgnorePatterns


def resolved(**files: str) -> Resolved:
    resources = [Resource(name.replace("_sql", ".sql"), f"/sql/{name}", True, text.encode) for name, text in files.items()]
    return resolve(resources, FileOptions(), Placeholders({"t": "users"}))


def rollback(line: Line, files: Resolved) -> tuple[str, str]:
    return Rollbacks(files.undo_files, Placeholders({"t": "users"}), "flyway_schema_history").of(line)


CASES = [
    ("create table a(i int);\n-- Rollback: DROP TABLE a;\n", None, "comment", ""),
    ("create table a(i int);\n-- Rollback: DROP TABLE ${t};\n", None, "comment", ""),
    ("create table a(i int);\n-- Rollback: DROP TABLE ${nope};\n", None, "refused", "${nope}"),
    ("create table a(i int);\n-- Rollback: none (additive)\n", None, "none_needed", "additive"),
    ("create table a(i int);\n-- 롤백: DROP TABLE a;\n", None, "comment", ""),
    ("create table a(i int);\n", None, "missing", "no rollback comment in V1__a.sql"),
    ("create table a(i int);\n-- Rollback: ask the DBA\n", None, "refused", "V1__a.sql:2"),
    ("create table a(i int);\n", "DROP TABLE a;\n", "sidecar", ""),
    ("create table a(i int);\n-- Rollback: DROP TABLE a;\n", "DROP TABLE a;\n", "refused", "both"),
]


@pytest.mark.parametrize(("text", "sidecar", "status", "reason"), CASES)
def test_rollback_of_a_file(text: str, sidecar: str | None, status: str, reason: str) -> None:
    files = resolved(V1__a_sql=text, **({"U1__a_sql": sidecar} if sidecar else {}))
    found = rollback(Line("PENDING", None, files.migrations[0]), files)
    assert found[0] == status and reason in found[1]


def test_rollback_of_what_is_no_versioned_sql() -> None:
    files = resolved(R__view_sql="select 1;", B1__base_sql="select 1;")
    said = [rollback(Line("PENDING", None, migration), files) for migration in files.migrations]
    rows = [make_row(1, "1", "x", kind, "x", None) for kind in ("BASELINE", "DELETE", "JDBC", "SCRIPT", "BROKEN")]
    said += [rollback(Line("SUCCESS", row), files) for row in rows]
    assert {status for status, _reason in said} == {"refused"}
    assert [reason.split(" cannot be")[0] for _status, reason in said][2:6] == [
        "a baseline", "a mark of deletion", "a JDBC migration", "a SCRIPT migration",
    ]  # fmt: skip


def test_a_sidecar_is_found_for_a_migration_without_file() -> None:
    files = resolved(U7__gone_sql="DROP TABLE gone;")
    assert rollback(Line("MISSING_SUCCESS", make_row(1, "7.0", "gone", "SQL", "V7__gone.sql", 1)), files) == ("sidecar", "")
    assert rollback(Line("MISSING_SUCCESS", make_row(1, "8", "gone", "SQL", "V8__gone.sql", 1)), files)[0] == "missing"


@given(st.text(st.sampled_from("-/* \n':;$acdlnorsuvwtebk되돌리기롤백回滚"), max_size=60))
def test_text_without_the_words_has_no_rollback(text: str) -> None:
    """The shortcut for files without any marker gives what the long way gives."""
    if not _MARKER.search(text):
        assert rollback_of(Source(Version.parse("1"), "V1__a.sql", text)).status == "missing"


@pytest.mark.parametrize(
    ("written", "state"),
    [("Failed", "FAILED"), ("out of order", "OUT_OF_ORDER"), ("OUT_OF_ORDER", "OUT_OF_ORDER"), ("missing", "MISSING_SUCCESS"),
     ("Failed (Future)", "FUTURE_FAILED"), ("Invalid", INVALID), ("done", None), ("", None)],
)  # fmt: skip
def test_states_as_people_write_them(written: str, state: str | None) -> None:
    assert state_constant(written) == state


def test_every_state_can_be_named() -> None:
    assert [state_constant(display_name(state)) for state in STATES] == STATES
    assert [state_constant(state) for state in STATES] == STATES


def test_failures_name_who_is_in_the_state() -> None:
    lines = [{"state": "Failed", "version": str(number), "description": "x"} for number in range(12)]
    answer = {"migrations": lines, "validation": {"errors": []}}
    assert failures(answer, ["FAILED", "OUTDATED", INVALID]) == ["Failed: 0, 1, 2, 3, 4, 5, 6, 7, 8, 9 and 2 more"]


@pytest.mark.parametrize("pattern", ["", "pending", "a:b:c", "*:done", "undo:pending"])
def test_patterns_that_flyway_does_not_take(pattern: str) -> None:
    with pytest.raises(FlywayError, match=r"^Invalid "):
        IgnorePatterns([pattern])


def test_flyways_undo_of_the_paid_editions_is_read_as_far_as_possible() -> None:
    files = resolved(V1__a_sql="select 1;", V2__b_sql="select 1;")
    rows = [
        make_row(1, "1", "a", "SQL", "V1__a.sql", files.migrations[0].checksum),
        make_row(2, "2", "b", "SQL", "V2__b.sql", files.migrations[1].checksum),
        make_row(3, "2", "b", "UNDO_SQL", "U2__b.sql", 1),
    ]
    answer = info(files.migrations, rows)
    assert [line.state for line in answer.lines] == ["SUCCESS", "UNDONE", "SUCCESS", "PENDING"]
    assert answer.schema_version == "1"
    assert [refusal.message for refusal in answer.refusals] == ["No enum constant org.flywaydb.core.api.CoreMigrationType.UNDO_SQL"]
