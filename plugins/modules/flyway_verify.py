#!/usr/bin/python
# Copyright (c) 2026 dwp.backend contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
module: flyway_verify
short_description: Prove on a scratch database that migrations can be rolled back
version_added: 0.1.0
description:
  - Makes a scratch database, applies every migration to it, rolls each one back, compares the catalogue with the one before,
    and applies it again. Tells which migrations have a rollback that works. The scratch database is dropped in the end.
  - Can also compare the schema of O(login_db) with what the files of its applied migrations make.
  - O(login_db) itself is only read.
options:
  rollbacks:
    description: Prove the rollbacks.
    type: bool
    default: true
  compare:
    description:
      - Compare the schema of O(login_db) with what the files of the migrations applied there make on a scratch database.
    type: bool
    default: false
  compare_as_repaired:
    description:
      - In O(compare), take as applied what C(flyway repair) would leave as applied, so that rows without files do not count.
    type: bool
    default: false
  fail_on:
    description:
      - Results that make the task fail; V(schema_differs) is for O(compare).
    type: list
    elements: str
    choices: [differs, fails, not_repeatable, refused, missing, unsupported, schema_differs]
    default: [differs, fails, not_repeatable]
  scratch:
    description:
      - Where to make the scratch database. What is not given is taken from the connection of the module.
      - The user needs the right to create databases there, and whatever the migrations themselves need.
    type: dict
    suboptions:
      host:
        description: Host of another server.
        type: str
      port:
        description: Its port.
        type: int
      user:
        description: User to log in as.
        type: str
      password:
        description: Password of the user.
        type: str
      db:
        description: Database to connect to for C(CREATE DATABASE).
        type: str
extends_documentation_fragment:
  - dwp.backend.flyway.connection
  - dwp.backend.flyway.files
  - dwp.backend.flyway.history
attributes:
  check_mode:
    description: Can run in check_mode and return changed status prediction without modifying target.
    support: full
    details: The scratch database is made in check mode too; nothing else is ever changed.
  diff_mode:
    description: Returns details on what has changed (or possibly needs changing in check_mode), when in diff mode.
    support: N/A
notes:
  - Roles and other objects of the whole server that migrations make are not dropped with the scratch database; use a server
    for tests if there are such migrations.
seealso:
  - module: dwp.backend.flyway_rollback
  - module: dwp.backend.flyway_repair
author:
  - dwp.backend contributors (@dwp-backend)
"""

EXAMPLES = r"""
- name: Does every migration of this checkout have a rollback that works
  dwp.backend.flyway_verify:
    login_host: 127.0.0.1
    login_user: ci
    login_password: "{{ ci_password }}"
    login_db: postgres
    locations: [src/main/resources/db/migration]
    fail_on: [differs, fails, not_repeatable, refused, missing]

- name: Has the production schema been edited by hand
  dwp.backend.flyway_verify:
    login_host: db.internal
    login_user: dwp
    login_password: "{{ vault_db_password }}"
    login_db: dwp_main
    jar: /srv/dwp/main/current/main-service.jar
    scratch: {host: 127.0.0.1, user: ci, password: "{{ ci_password }}", db: postgres}
    rollbacks: false
    compare: true
    fail_on: [schema_differs]
"""

RETURN = r"""
migrations:
  description: Every versioned migration with the result of its rollback.
  type: list
  elements: dict
  returned: when rollbacks were proven
  contains:
    version:
      description: The version.
      type: str
      returned: always
      sample: '3'
    script:
      description: The file below its location.
      type: str
      returned: always
      sample: V3__add_c.sql
    result:
      description:
        - V(works), V(nothing_to_do) (declared as needing nothing, and true), V(differs) (something is left or missing),
          V(fails), V(not_repeatable) (does not apply again), V(missing), V(refused), V(below_baseline), V(unsupported).
      type: str
      returned: always
      sample: works
    reason:
      description: Why.
      type: str
      returned: always
      sample: ''
    source:
      description: Where the rollback text is.
      type: str
      returned: always
      sample: V3__add_c.sql:2
    differences:
      description: What is not as it was, line by line.
      type: list
      elements: str
      returned: always
      sample: []
    removes:
      description: What the rollback removes.
      type: list
      elements: str
      returned: always
      sample: [column public.t.c]
    all_or_nothing:
      description: Whether the rollback can run in one transaction.
      type: bool
      returned: always
      sample: true
    seconds:
      description: How long it took.
      type: float
      returned: always
      sample: 0.3
counts:
  description: How many migrations have which result.
  type: dict
  returned: when rollbacks were proven
  sample: {works: 11, missing: 1}
schema:
  description: The comparison with the database.
  type: dict
  returned: when O(compare) is true
  sample: {equal: false, schemas: [public], ignored: [], differences: ['- index public.t_c_idx']}
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
  sample: '12 migrations: 11 works, 1 missing.'
code:
  description: What failed, in one word.
  type: str
  returned: on failure
  sample: FAIL_ON
"""

import dataclasses
from collections import Counter
from typing import Any

from ansible.module_utils.basic import AnsibleModule

from ansible_collections.dwp.backend.plugins.module_utils._flyway import argspec, leave, verification
from ansible_collections.dwp.backend.plugins.module_utils._flyway.errors import FlywayError
from ansible_collections.dwp.backend.plugins.module_utils._flyway.rollback import Project

SCHEMA_DIFFERS = "schema_differs"


def own_spec() -> dict[str, Any]:
    results = ["differs", "fails", "not_repeatable", "refused", "missing", "unsupported", SCHEMA_DIFFERS]
    return {
        "rollbacks": {"type": "bool", "default": True},
        "compare": {"type": "bool", "default": False},
        "compare_as_repaired": {"type": "bool", "default": False},
        "fail_on": {"type": "list", "elements": "str", "choices": results, "default": results[:3]},
        "scratch": {
            "type": "dict",
            "options": {
                "host": {"type": "str"},
                "port": {"type": "int"},
                "user": {"type": "str"},
                "password": {"type": "str", "no_log": True},
                "db": {"type": "str"},
            },
        },
    }


def run(params: dict[str, Any]) -> tuple[dict[str, Any], list[str]]:
    """The answer, and which results of fail_on occur in it."""
    project = Project(params)
    if project.resolved.refusals:
        raise project.resolved.refusals[0]
    given = {key: value for key, value in (params["scratch"] or {}).items() if value not in (None, "")}
    if "db" in given:
        given["database"] = given.pop("db")
    login = dataclasses.replace(project.login, **given)
    answer: dict[str, Any] = {"changed": False, "warnings": project.warnings}
    said, occurring = [], []
    if params["rollbacks"]:
        findings = verification.prove(project, login)
        counts = Counter(finding.result for finding in findings)
        answer["migrations"] = [finding.as_data() for finding in findings]
        answer["counts"] = dict(sorted(counts.items()))
        said.append(f"{len(findings)} migrations: " + (", ".join(f"{n} {name}" for name, n in sorted(counts.items())) or "-"))
        occurring += [name for name in params["fail_on"] if counts[name]]
    if params["compare"]:
        answer["schema"] = verification.compare_schema(project, login, params["compare_as_repaired"])
        equal = answer["schema"]["equal"]
        said.append("the schema is what the files make" if equal else "the schema is not what the files make")
        if not equal and SCHEMA_DIFFERS in params["fail_on"]:
            occurring.append(SCHEMA_DIFFERS)
    answer["msg"] = "; ".join(said) + "."
    return answer, occurring


def main() -> None:
    spec = {**argspec.connection_spec(), **argspec.file_spec(), **argspec.history_spec(), **own_spec()}
    module = AnsibleModule(argument_spec=spec, supports_check_mode=True)
    try:
        answer, occurring = run(module.params)
    except FlywayError as error:
        leave.fail(module, error)
    if occurring:
        leave.fail(module, FlywayError(f"{', '.join(occurring)}: {answer['msg']}", "FAIL_ON", answer))
    leave.succeed(module, answer)


if __name__ == "__main__":
    main()
