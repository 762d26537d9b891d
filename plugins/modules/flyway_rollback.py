#!/usr/bin/python
# Copyright (c) 2026 dwp.backend contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
module: flyway_rollback
short_description: Take Flyway migrations back, planned, rehearsed and proven
version_added: 0.1.0
description:
  - Rolls applied SQL migrations of Flyway back on a PostgreSQL database. Flyway's free edition has no undo; the rollback
    text comes from a comment in the applied file or from a sidecar file C(U<version>__<description>.sql).
  - A plan is made first. It names the statements in order, the objects and locks, the data that will be lost, sessions in
    the way and the effect on the history, and everything that speaks against going on.
  - A range whose statements can all run in a transaction is applied wholly or not at all, under Flyway's own lock and a
    lock on the history table. Data that the statements destroy is counted, refused unless named, and copied first.
  - Statements that cannot run in a transaction (C(CREATE INDEX CONCURRENTLY) and the like) make the range a journaled one.
    It runs step by step, every step noted in a table; after a failure the same call goes on where it stopped.
  - The history is changed only in ways that Flyway's own repair does.
options:
  to_version:
    description:
      - Roll back every applied migration above this version, the newest first. The version itself stays applied.
      - V(0) goes back to before the first migration.
    type: str
  count:
    description: Roll back this many migrations, the last applied ones.
    type: int
  versions:
    description: Roll back exactly these versions.
    type: list
    elements: str
  failed:
    description:
      - Clean up after failed migrations too, or only if nothing else is asked for. Their rollback text has to bear parts
        that are not there; their rows are deleted, as repair does.
    type: bool
    default: false
  mode:
    description:
      - V(plan) reads only.
      - V(rehearse) runs everything in a transaction on the database itself and takes it back. It takes real locks for as
        long as that lasts.
      - V(apply) does it.
      - Check mode never goes past the plan.
    type: str
    choices: [plan, rehearse, apply]
    default: plan
  history:
    description:
      - V(mark) adds a row of type DELETE for each version, as Flyway's repair does. Flyway shows the version as Deleted
        and, while the file is there, as Pending. Flyway below 7.0 does not know such rows.
      - V(delete) removes the row. No trace is left.
    type: str
    choices: [mark, delete]
    default: mark
  plan_id:
    description:
      - Go on only if the plan still has this id, RV(plan.id) of an earlier call. What was looked at is what is done.
    type: str
  allow_data_loss:
    description:
      - Tables (V(orders), V(app.orders)) and columns (V(app.orders.note)) whose data may be destroyed. A table's name
        covers its columns and partitions.
    type: list
    elements: str
    default: []
  allow_checksum_mismatch:
    description:
      - Take the rollback text although the file is not the one that was applied.
    type: bool
    default: false
  backup:
    description: Copy the data that is destroyed into O(backup_schema), in the same transaction.
    type: bool
    default: true
  backup_schema:
    description: Schema for copies and for the journal; made if it is not there.
    type: str
    default: dwp_rollback
  lock_timeout:
    description: Seconds that one statement may wait for a lock. Who waits for a strong lock makes readers wait behind it.
    type: float
    default: 5
  statement_timeout:
    description: Seconds that one statement may take; 0 is no limit.
    type: float
    default: 300
  retries:
    description: How often to try again, with growing pauses, when others hold locks.
    type: int
    default: 5
extends_documentation_fragment:
  - dwp.backend.flyway.deployment
  - dwp.backend.flyway.connection
  - dwp.backend.flyway.files
  - dwp.backend.flyway.history
attributes:
  check_mode:
    description: Can run in check_mode and return changed status prediction without modifying target.
    support: full
  diff_mode:
    description: Returns details on what has changed (or possibly needs changing in check_mode), when in diff mode.
    support: full
notes:
  - An application whose files still hold the migration applies it again at its next start, see RV(reapply). Stop or replace
    it first.
  - Log in as the user that Flyway uses. The statements run under Flyway's search_path and role.
  - A rehearsal does not undo what PostgreSQL itself does not, such as values drawn from sequences.
seealso:
  - module: dwp.backend.flyway_status
  - module: dwp.backend.flyway_verify
author:
  - dwp.backend contributors (@dwp-backend)
"""

EXAMPLES = r"""
- name: What would it take to go back to version 12
  dwp.backend.flyway_rollback:
    login_host: 127.0.0.1
    login_user: dwp
    login_password: "{{ vault_db_password }}"
    login_db: dwp_main
    jar: /srv/dwp/main/current/main-service.jar
    undo_locations: [/srv/dwp/undo/main]
    to_version: "12"
  register: plan

- name: Go back, exactly as planned
  dwp.backend.flyway_rollback:
    login_host: 127.0.0.1
    login_user: dwp
    login_password: "{{ vault_db_password }}"
    login_db: dwp_main
    jar: /srv/dwp/main/current/main-service.jar
    undo_locations: [/srv/dwp/undo/main]
    to_version: "12"
    mode: apply
    plan_id: "{{ plan.plan.id }}"
    allow_data_loss: [menu_items.icon]
"""

RETURN = r"""
database:
  description: The database.
  type: str
  returned: when connected
  sample: dwp_main
history_table:
  description: The history table, quoted.
  type: str
  returned: when connected
  sample: '"public"."flyway_schema_history"'
plan:
  description: What is to be done.
  type: dict
  returned: when connected
  contains:
    id:
      description: Stands for the history, the statements and the effect; for O(plan_id).
      type: str
      returned: always
      sample: 5f0c2d6a9b1e4c77
    versions:
      description: The versions in the order in which they go.
      type: list
      elements: str
      returned: always
      sample: ['3']
    all_or_nothing:
      description: Whether everything runs in one transaction.
      type: bool
      returned: always
      sample: true
    statements:
      description: The statements in order, with what they name and the locks they take.
      type: list
      elements: dict
      returned: always
      sample:
        - version: '3'
          sql: ALTER TABLE t DROP COLUMN c
          place: V3__add_c.sql:3
          in_transaction: true
          objects: [column t.c, table t]
          locks: [ACCESS EXCLUSIVE on t]
    rollback_text:
      description: Where the text of each version is.
      type: list
      elements: dict
      returned: always
      sample:
        - {version: '3', source: 'V3__add_c.sql:2', status: comment, reason: ''}
    history_effect:
      description: What happens to the rows of the history.
      type: list
      elements: dict
      returned: always
      sample:
        - {version: '3', installed_rank: 3, script: V3__add_c.sql, effect: add DELETE row}
    schema_version:
      description: The version of the schema before and after.
      type: dict
      returned: always
      sample: {before: '3', after: '2'}
feasible:
  description: Whether nothing speaks against going on.
  type: bool
  returned: when connected
  sample: true
refusals:
  description: What speaks against it, each with what can be done.
  type: list
  elements: dict
  returned: when connected
  sample:
    - code: NO_ROLLBACK_TEXT
      version: '11'
      message: 'No rollback text for 11: no rollback comment in V11__split_menu.sql and no sidecar file for it.'
losses:
  description: Data that is destroyed. Before a rehearsal a forecast from the statements, then measured.
  type: list
  elements: dict
  returned: when connected
  sample:
    - object: public.t.c
      kind: column
      version: '3'
      rows: 120
      note: ''
      backup: dwp_rollback.t_c_3_20261123071203
sessions_in_the_way:
  description: Sessions that hold locks on the named tables, or have had a transaction open for long.
  type: list
  elements: dict
  returned: when connected
  sample:
    - {pid: 4711, user: dwp, application: report, state: idle in transaction, transaction_seconds: 412, query: SELECT * FROM t,
       holds: [t (AccessShareLock)], backend_type: client backend}
reapply:
  description: Files that still hold a migration that is rolled back, so that the next migrate applies it again.
  type: list
  elements: dict
  returned: when connected
  sample:
    - {version: '3', file: '/srv/dwp/main/current/main-service.jar!/BOOT-INF/classes/db/migration/V3__add_c.sql'}
statements:
  description: What was run, with rows and seconds.
  type: list
  elements: dict
  returned: after rehearse and apply
  sample:
    - {version: '3', place: 'V3__add_c.sql:3', sql: ALTER TABLE t DROP COLUMN c, rows: 0, seconds: 0.002}
schema_difference:
  description: What became of the catalogue, from fingerprints before and after.
  type: dict
  returned: after rehearse and apply
  sample: {removed: [column public.t.c], added: [], changed: []}
fingerprint:
  description: Digests of the catalogue before and after.
  type: dict
  returned: after rehearse and apply
  sample: {before: 3b5d5c3712955042, after: 1b4f0e9851971998}
history_changes:
  description: What was done to the history.
  type: list
  elements: dict
  returned: after rehearse and apply
  sample:
    - {version: '3', installed_rank: 3, effect: DELETE row added}
repeatables_to_rerun:
  description: Repeatable migrations that lost an object and that Flyway therefore runs again.
  type: list
  elements: str
  returned: after rehearse and apply
  sample: [menu view]
journal:
  description: The steps of a range that is not all-or-nothing, with their outcomes.
  type: list
  elements: dict
  returned: after apply, and when it failed
  sample: []
attempts:
  description: How many attempts it took until no other session was in the way.
  type: int
  returned: after rehearse and apply
  sample: 1
seconds:
  description: How long it took.
  type: float
  returned: after rehearse and apply
  sample: 0.21
warnings:
  description: What else a person should know.
  type: list
  elements: str
  returned: when there is something
  sample: []
msg:
  description: The result in one line.
  type: str
  returned: always
  sample: 'dwp_main: rolled back 3, schema version 3 -> 2.'
code:
  description: What failed, in one word such as V(REFUSED), V(DATA_LOSS), V(LOCK_TIMEOUT), V(LOCK_HELD) or V(PG_LOST).
  type: str
  returned: on failure
  sample: REFUSED
sqlstate:
  description: PostgreSQL's code of the error.
  type: str
  returned: when PostgreSQL refused something
  sample: 2BP01
"""

from typing import Any

from ansible.module_utils.basic import AnsibleModule

from ansible_collections.dwp.backend.plugins.module_utils._flyway import argspec, leave, part
from ansible_collections.dwp.backend.plugins.module_utils._flyway.backup import SCHEMA
from ansible_collections.dwp.backend.plugins.module_utils._flyway.errors import FlywayError
from ansible_collections.dwp.backend.plugins.module_utils._flyway.rollback import Rollback, summary


def own_spec() -> dict[str, Any]:
    return {
        "to_version": {"type": "str"},
        "count": {"type": "int"},
        "versions": {"type": "list", "elements": "str"},
        "failed": {"type": "bool", "default": False},
        "mode": {"type": "str", "choices": ["plan", "rehearse", "apply"], "default": "plan"},
        "history": {"type": "str", "choices": ["mark", "delete"], "default": "mark"},
        "plan_id": {"type": "str"},
        "allow_data_loss": {"type": "list", "elements": "str", "default": []},
        "allow_checksum_mismatch": {"type": "bool", "default": False},
        "backup": {"type": "bool", "default": True},
        "backup_schema": {"type": "str", "default": SCHEMA},
        "lock_timeout": {"type": "float", "default": 5.0},
        "statement_timeout": {"type": "float", "default": 300.0},
        "retries": {"type": "int", "default": 5},
    }


def check(params: dict[str, Any]) -> None:
    """Values that the specification cannot rule out."""
    if not params["failed"] and not any(params[name] not in (None, "", []) for name in ("to_version", "count", "versions")):
        raise FlywayError("Say what to roll back: to_version, count, versions or failed.", "BAD_OPTION")
    if params["count"] is not None and params["count"] < 1:
        raise FlywayError("count must be at least 1.", "BAD_OPTION")
    for name in ("lock_timeout", "statement_timeout", "retries"):
        if params[name] < 0:
            raise FlywayError(f"{name} must not be negative.", "BAD_OPTION")
    if params["lock_timeout"] == 0:
        raise FlywayError("lock_timeout 0 would wait without end, and readers behind it.", "BAD_OPTION")
    params["to_version"] = params["to_version"] or None
    params["plan_id"] = params["plan_id"] or None


def run(params: dict[str, Any], check_mode: bool = False, new_connection: Any = None) -> dict[str, Any]:
    """The whole result of a call; FlywayError, with what is known in its details, if it did not succeed."""
    check(params)
    mode = params["mode"]
    rollback = Rollback(params, new_connection)
    nothing = not rollback.plan.units and not rollback.refusals
    try:
        if not nothing and mode == "rehearse" and not check_mode:
            rollback.rehearse()
        elif not nothing and mode == "apply":
            rollback.refuse_forecast() if check_mode else rollback.apply()
    except FlywayError as error:
        error.details = {**rollback.answer(), **error.details}
        raise
    answer = rollback.answer()
    answer["changed"] = mode == "apply" and not nothing and answer["feasible"]
    answer["msg"] = summary(answer, mode, check_mode, nothing)
    return answer


def main() -> None:
    spec = {**argspec.connection_spec(), **argspec.file_spec(), **argspec.history_spec(), **argspec.deployment_spec(), **own_spec()}
    exclusive = [("to_version", "count", "versions")]
    module = AnsibleModule(
        argument_spec=spec, supports_check_mode=True, mutually_exclusive=exclusive, required_by={"deployment": ["deployment_root"]}
    )
    try:
        answer = part.carried_out(module.params, module.check_mode, run)
    except FlywayError as error:
        leave.fail(module, error)
    leave.succeed(module, answer)


if __name__ == "__main__":
    main()
