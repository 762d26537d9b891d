#!/usr/bin/python
# Copyright (c) 2026 dwp.backend contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
module: flyway_repair
short_description: Do what Flyway's repair does to the schema history, under the lock
version_added: 0.1.0
description:
  - Removes failed rows, marks rows without a file as deleted, and brings description, type and checksum of rows in line with
    their files, exactly as C(flyway repair) does.
  - Unlike Flyway's repair it takes Flyway's lock and a lock on the history table, and says in check mode what it would do.
  - The schema itself is not touched. Whether it is what the files make, M(dwp.backend.flyway_verify) can tell; a checksum
    that was repaired over a schema that differs hides the difference for good.
options:
  plan_id:
    description: Go on only if the plan still has this id, RV(plan_id) of an earlier call in check mode.
    type: str
  lock_timeout:
    description: Seconds to wait for the history table.
    type: float
    default: 5
  retries:
    description: How often to try again, with growing pauses, when others hold locks.
    type: int
    default: 5
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
    support: full
seealso:
  - module: dwp.backend.flyway_status
  - module: dwp.backend.flyway_verify
author:
  - dwp.backend contributors (@dwp-backend)
"""

EXAMPLES = r"""
- name: What would a repair change
  dwp.backend.flyway_repair:
    login_host: 127.0.0.1
    login_user: dwp
    login_password: "{{ vault_db_password }}"
    login_db: dwp_main
    jar: /srv/dwp/main/current/main-service.jar
  check_mode: true
  diff: true
"""

RETURN = r"""
actions:
  description: What is done, in order.
  type: list
  elements: dict
  returned: when connected
  sample:
    - action: align
      installed_rank: 3
      version: '3'
      description: add c
      script: V3__add_c.sql
      from: {checksum: 123, description: add c, type: SQL}
      to: {checksum: 456, description: add c, type: SQL}
migrations_removed:
  description: Failed rows that are removed, as Flyway's C(migrationsRemoved).
  type: int
  returned: when connected
  sample: 0
migrations_deleted:
  description: Rows without a file that are marked, as Flyway's C(migrationsDeleted).
  type: int
  returned: when connected
  sample: 0
migrations_aligned:
  description: Rows that are brought in line with their files, as Flyway's C(migrationsAligned).
  type: int
  returned: when connected
  sample: 1
plan_id:
  description: Stands for the history and what is to be done with it.
  type: str
  returned: when connected
  sample: 5f0c2d6a9b1e4c77
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
  sample: 'dwp_main: 0 removed, 0 marked as deleted, 1 aligned.'
code:
  description: What failed, in one word.
  type: str
  returned: on failure
  sample: LOCK_HELD
"""

from typing import Any

from ansible.module_utils.basic import AnsibleModule

from ansible_collections.dwp.backend.plugins.module_utils._flyway import argspec, history_change, leave
from ansible_collections.dwp.backend.plugins.module_utils._flyway.errors import FlywayError
from ansible_collections.dwp.backend.plugins.module_utils._flyway.rollback import Project


def main() -> None:
    spec = {**argspec.connection_spec(), **argspec.file_spec(), **argspec.history_spec(), **own_spec()}
    module = AnsibleModule(argument_spec=spec, supports_check_mode=True)
    try:
        answer = history_change.repair(Project(module.params), module.check_mode)
    except FlywayError as error:
        leave.fail(module, error)
    leave.succeed(module, answer)


def own_spec() -> dict[str, Any]:
    return {
        "plan_id": {"type": "str"},
        "lock_timeout": {"type": "float", "default": 5.0},
        "retries": {"type": "int", "default": 5},
    }


if __name__ == "__main__":
    main()
