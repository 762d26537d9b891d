#!/usr/bin/python
# Copyright (c) 2026 dwp.backend contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
module: flyway_baseline
short_description: Write Flyway's baseline into a development database
version_added: 0.1.0
description:
  - Makes the schema history table if it is not there and writes the baseline row, as C(flyway baseline) does, under Flyway's
    lock. Migrations up to O(baseline_version) then count as applied.
  - Refused outside development. A baseline over a database whose schema is not what those migrations make breaks every later
    migration.
options:
  environment:
    description: The environment, as the inventory names it.
    type: str
    required: true
  development_environments:
    description: Environments in which a baseline may be written.
    type: list
    elements: str
    default: [dev, development, local, demo]
  baseline_description:
    description: Description of the row.
    type: str
    default: << Flyway Baseline >>
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
author:
  - dwp.backend contributors (@dwp-backend)
"""

EXAMPLES = r"""
- name: Take the tables of this development database as version 4
  dwp.backend.flyway_baseline:
    environment: "{{ dwp_environment }}"
    login_host: 127.0.0.1
    login_user: dwp
    login_password: "{{ dev_db_password }}"
    login_db: dwp_main
    baseline_version: "4"
"""

RETURN = r"""
baseline_version:
  description: The version of the baseline.
  type: str
  returned: success
  sample: '4'
created_table:
  description: Whether the history table had to be made.
  type: bool
  returned: success
  sample: true
msg:
  description: The result in one line.
  type: str
  returned: always
  sample: 'dwp_main: baseline 4 written.'
code:
  description: What failed, in one word.
  type: str
  returned: on failure
  sample: NOT_DEVELOPMENT
"""

from typing import Any

from ansible.module_utils.basic import AnsibleModule

from ansible_collections.dwp.backend.plugins.module_utils._flyway import argspec, history_change, leave
from ansible_collections.dwp.backend.plugins.module_utils._flyway.errors import FlywayError


def own_spec() -> dict[str, Any]:
    return {
        "environment": {"type": "str", "required": True},
        "development_environments": {
            "type": "list",
            "elements": "str",
            "default": ["dev", "development", "local", "demo"],
        },
        "baseline_description": {"type": "str", "default": "<< Flyway Baseline >>"},
        "lock_timeout": {"type": "float", "default": 5.0},
        "retries": {"type": "int", "default": 5},
    }


def main() -> None:
    spec = {**argspec.connection_spec(), **argspec.history_spec(), **own_spec()}
    module = AnsibleModule(argument_spec=spec, supports_check_mode=True)
    try:
        answer = history_change.baseline(module.params, module.check_mode)
    except FlywayError as error:
        leave.fail(module, error)
    leave.succeed(module, answer)


if __name__ == "__main__":
    main()
