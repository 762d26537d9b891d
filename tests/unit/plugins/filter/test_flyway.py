# Copyright (c) 2026 dwp.backend contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
from __future__ import annotations

import pytest
from ansible.errors import AnsibleFilterError

from ansible_collections.dwp.backend.plugins.filter.flyway import flyway_lines, flyway_options, flyway_report

ENTRY = {"service": "main", "host": "db", "port": 5433, "db": "dwp_main", "user": "dwp", "password": "secret-word"}


def test_an_entry_becomes_options():
    options = flyway_options({**ENTRY, "schema": "app", "locations": ["/sql"], "jar": ""})
    assert options == {
        "login_host": "db",
        "login_port": 5433,
        "login_db": "dwp_main",
        "login_user": "dwp",
        "login_password": "secret-word",
        "default_schema": "app",
        "schemas": ["app"],
        "locations": ["/sql"],
    }
    assert "locations" not in flyway_options({**ENTRY, "locations": ["/sql"]}, files=False)
    assert flyway_options({**ENTRY, "schema": "app", "schemas": ["app", "audit"]})["schemas"] == ["app", "audit"]


@pytest.mark.parametrize(("entry", "words"), [({**ENTRY, "paswort": "x"}, "unknown key paswort"), ({"service": "main"}, "main has no db")])
def test_an_odd_entry_is_refused(entry, words):
    with pytest.raises(AnsibleFilterError, match=words):
        flyway_options(entry)


def test_lines_name_what_a_person_must_see():
    result = {
        "msg": "would roll back 3",
        "plan": {
            "id": "abc",
            "all_or_nothing": False,
            "statements": [{"version": "3", "sql": "DROP TABLE t", "place": "V3.sql:2", "locks": ["ACCESS EXCLUSIVE on t"]}],
            "history_effect": [{"version": "3", "effect": "add DELETE row", "installed_rank": 3}],
        },
        "losses": [{"object": "app.t", "kind": "rows", "rows": None, "note": "locked", "backup": "dwp_rollback.t"}],
        "sessions_in_the_way": [
            {"pid": 7, "application": "", "user": "kim", "state": "idle in transaction", "transaction_seconds": 90,
             "holds": ["t (AccessShareLock)"]}
        ],
        "refusals": [{"message": "no text"}],
        "warnings": ["slow"],
        "reapply": [{"version": "3", "file": "main.jar!/V3.sql"}],
    }  # fmt: skip
    assert flyway_lines(result, "main") == [
        "would roll back 3",
        "plan abc: NOT all or nothing: step by step, with a journal",
        "  3: DROP TABLE t   [V3.sql:2]",
        "  locks: ACCESS EXCLUSIVE on t",
        "  history: 3: add DELETE row (rank 3)",
        "  lost: app.t (rows): an unknown number of rows, locked, saved as dwp_rollback.t",
        "  in the way: process 7 (kim, idle in transaction, transaction open for 90 s, holds t (AccessShareLock))",
        "  refused: no text",
        "  warning: slow",
        "  service main applies 3 again when it starts with main.jar!/V3.sql",
    ]


def test_report_has_nothing_of_the_connection():
    result = {"msg": "1 migrations: 1 works.", "counts": {"works": 1}, "migrations": [], "invocation": {"login_password": "x"}}
    assert flyway_report([result], [ENTRY]) == {"main": {"msg": "1 migrations: 1 works.", "counts": {"works": 1}, "migrations": []}}
