#!/usr/bin/python
# Copyright (c) 2026 dwp.backend contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
module: flyway_status
short_description: Say what Flyway would say about a database, without a JVM
version_added: 0.1.0
description:
  - Compares the migrations in directories or jars with the schema history of a PostgreSQL database, and returns what
    C(flyway info) and C(flyway validate) of Flyway 10.20.1 (free edition) answer, in a tenth of the time.
  - Tells besides which migrations have a rollback text, who holds Flyway's lock, and what migrate would stumble over.
  - Reads in one transaction that is READ ONLY. Nothing is ever changed.
  - Where Flyway itself would refuse every command, RV(validation) says so in Flyway's words and the rest is still
    listed as far as it can be read.
options:
  fail_on:
    description:
      - States that make the task fail when a migration has them, by their display names (V(Failed), V(Out of Order),
        V(Missing)), or V(invalid) for an invalid validation.
      - The returned values are the same when the task fails.
    type: list
    elements: str
    default: []
extends_documentation_fragment:
  - dwp.backend.flyway.connection
  - dwp.backend.flyway.files
  - dwp.backend.flyway.history
attributes:
  check_mode:
    description: Can run in check_mode and return changed status prediction without modifying target.
    support: full
  diff_mode:
    description: Returns details on what has changed (or possibly needs changing in check_mode), when in diff mode.
    support: N/A
notes:
  - RV(migrations[].installedOnUTC) is the time as it stands in the table, in the time zone of the connection that wrote
    it. Flyway converts it by the time zone of its own JVM, which cannot be known here.
  - Migrations written in Java are not seen; their rows look like migrations without a file.
seealso:
  - module: dwp.backend.flyway_rollback
author:
  - dwp.backend contributors (@dwp-backend)
"""

EXAMPLES = r"""
- name: What would Flyway say about the database of the running release
  dwp.backend.flyway_status:
    login_host: 127.0.0.1
    login_user: dwp
    login_password: "{{ vault_db_password }}"
    login_db: dwp_main
    jar: /srv/dwp/main/current/main-service.jar
  register: status

- name: Fail before a deployment if the history is in a bad state
  dwp.backend.flyway_status:
    login_host: db.internal
    login_user: dwp
    login_password: "{{ vault_db_password }}"
    login_db: dwp_aura
    ssl_mode: verify-full
    ca_cert: /etc/ssl/certs/db-ca.pem
    schemas: [dwp_aura]
    locations: [/srv/src/synapsex/src/main/resources/db/migration]
    ignore_migration_patterns: ['*:pending', '*:future']
    fail_on: [Failed, Missing, invalid]
"""

RETURN = r"""
database:
  description: The database.
  type: str
  returned: when connected
  sample: dwp_main
schema_version:
  description: The version the schema is at; null when nothing is applied.
  type: str
  returned: when connected
  sample: '3'
schema_name:
  description: The configured schemas, as Flyway's C(schemaName).
  type: str
  returned: when connected
  sample: ''
all_schemas_empty:
  description: Whether no schema that Flyway manages holds anything.
  type: bool
  returned: when connected
  sample: false
history:
  description: Where the schema history is, whether it is there, and how many rows it has.
  type: dict
  returned: when connected
  sample: {schema: public, table: flyway_schema_history, schema_exists: true, exists: true, rows: 3}
migrations:
  description:
    - Every migration, in Flyway's order, with the fields of Flyway's C(info) in JSON.
  type: list
  elements: dict
  returned: when connected
  contains:
    category:
      description: V(Versioned), V(Repeatable), V(Baseline), V(Undo), or empty for Flyway's own rows.
      type: str
      returned: always
      sample: Versioned
    version:
      description: The version, empty for repeatable migrations.
      type: str
      returned: always
      sample: '1.10'
    rawVersion:
      description: The version as it is written in the file's name or in the history.
      type: str
      returned: always
      sample: '1_10'
    description:
      description: The description.
      type: str
      returned: always
      sample: add users
    type:
      description: The type, as in the history.
      type: str
      returned: always
      sample: SQL
    installedOnUTC:
      description: When it was applied, as it stands in the table (see the notes); empty if it was not.
      type: str
      returned: always
      sample: '2026-11-23T07:12:03.120311'
    state:
      description: The state, by Flyway's display name; V(Unreadable) for a row that Flyway cannot read.
      type: str
      returned: always
      sample: Success
    undoable:
      description: As in Flyway; V(No) in the free edition. RV(migrations[].rollback) is the answer that matters.
      type: str
      returned: always
      sample: 'No'
    filepath:
      description: The file.
      type: str
      returned: always
      sample: /srv/dwp/main/current/main-service.jar!/BOOT-INF/classes/db/migration/V1_10__add_users.sql
    undoFilepath:
      description: As in Flyway; empty in the free edition.
      type: str
      returned: always
      sample: ''
    installedBy:
      description: Who applied it.
      type: str
      returned: always
      sample: dwp
    shouldExecuteExpression:
      description: As in Flyway; null in the free edition.
      type: str
      returned: always
      sample:
    executionTime:
      description: How long it took to apply, in milliseconds.
      type: int
      returned: always
      sample: 12
    installed_rank:
      description: Rank of the row in the history; null for a file without a row.
      type: int
      returned: always
      sample: 4
    script:
      description: Path of the file below its location, as in the history.
      type: str
      returned: always
      sample: V1_10__add_users.sql
    checksum_applied:
      description: Checksum in the history.
      type: int
      returned: always
      sample: -1619164657
    checksum_resolved:
      description: Checksum of the file.
      type: int
      returned: always
      sample: -1619164657
    rollback:
      description:
        - Where the rollback text is, V(comment) or V(sidecar); V(none_needed) if the text says that nothing has to be
          done; V(missing); or V(refused) if there is text that cannot be used, or none can be.
      type: str
      returned: always
      sample: comment
    rollback_reason:
      description: Why, for V(none_needed), V(missing) and V(refused).
      type: str
      returned: always
      sample: ''
counts:
  description: How many migrations are in which state, by display name.
  type: dict
  returned: when connected
  sample: {Pending: 2, Success: 28}
validation:
  description: What C(flyway validate) says.
  type: dict
  returned: when connected
  contains:
    valid:
      description: Whether validation succeeds.
      type: bool
      returned: always
      sample: false
    refused:
      description: Whether Flyway refuses every command. RV(validation.errors) then holds the reasons, Flyway's own first.
      type: bool
      returned: always
      sample: false
    errors:
      description: The errors, in the order of RV(migrations).
      type: list
      elements: dict
      returned: always
      contains:
        version:
          description: Version of the migration, empty for repeatable ones.
          type: str
          returned: always
          sample: '3'
        description:
          description: Description of the migration.
          type: str
          returned: always
          sample: add users
        filepath:
          description: The file.
          type: str
          returned: always
          sample: /srv/sql/V3__add_users.sql
        installed_rank:
          description: Rank of the row in the history.
          type: int
          returned: always
          sample: 3
        error_code:
          description: Flyway's code.
          type: str
          returned: always
          sample: CHECKSUM_MISMATCH
        error_message:
          description: Flyway's message.
          type: str
          returned: always
          sample: "Migration checksum mismatch for migration version 3\n-> Applied to database : 123\n-> Resolved locally    : 456"
        what_to_do:
          description: The way out.
          type: str
          returned: always
          sample: The file was changed after it was applied. Restore it and put the change into a new migration.
lock_held:
  description:
    - Who holds Flyway's lock on this history, null if nobody does. Values that O(login_user) may not see are null.
  type: dict
  returned: when connected
  sample:
    pid: 4711
    user: dwp
    application: PostgreSQL JDBC Driver
    client: 10.0.0.7
    since: '2026-11-23T07:12:03.120311+00:00'
    state: idle in transaction
    query: SELECT pg_try_advisory_xact_lock(77433833903597)
warnings:
  description: What else a person should know.
  type: list
  elements: str
  returned: when there is something
  sample: []
msg:
  description: The answer in one line.
  type: str
  returned: always
  sample: 'Schema "public"."flyway_schema_history" of database "dwp_main" is at version 3: 3 Success; valid.'
code:
  description: What failed, in one word such as V(PG_AUTH), V(PG_NODB), V(PG_PERM) or V(MISSING_LOCATION).
  type: str
  returned: on failure
  sample: PG_AUTH
"""

import gc
from typing import Any

from ansible.module_utils.basic import AnsibleModule

from ansible_collections.dwp.backend.plugins.module_utils._flyway import argspec, leave, status
from ansible_collections.dwp.backend.plugins.module_utils._flyway.ask import ask
from ansible_collections.dwp.backend.plugins.module_utils._flyway.errors import FlywayError


def states_of(names: list[str]) -> list[str]:
    """The option fail_on as constants."""
    states = []
    for name in names:
        state = status.state_constant(name)
        if state is None:
            known = ", ".join(status.display_name(one) for one in status.STATES)
            raise FlywayError(f"fail_on: {name!r} is no state. Known are invalid, {known}.", "BAD_OPTION")
        states.append(state)
    return states


def run(params: dict[str, Any]) -> tuple[dict[str, Any], list[str]]:
    """The answer, and what of ``fail_on`` occurs in it."""
    fail_on = states_of(params["fail_on"])
    answer = ask(params)
    return answer, status.failures(answer, fail_on)


def main() -> None:
    gc.disable()  # the process ends before garbage matters, and looking for it takes time
    spec = {**argspec.connection_spec(), **argspec.file_spec(), **argspec.history_spec()}
    spec["fail_on"] = {"type": "list", "elements": "str", "default": []}
    module = AnsibleModule(argument_spec=spec, supports_check_mode=True)
    try:
        answer, failed = run(module.params)
    except FlywayError as error:
        leave.fail(module, error)
    gc.freeze()  # nor is anything looked through when the interpreter goes
    if failed:
        leave.fail(module, FlywayError(f"{'; '.join(failed)}. {answer['msg']}", "FAIL_ON", answer))
    leave.succeed(module, {"changed": False, **answer})


if __name__ == "__main__":
    main()
