#!/usr/bin/python
# Copyright (c) 2026 dwp.backend contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
---
module: dwp_databases
short_description: Create the databases, users and rights that services need
version_added: 0.1.0
description:
  - Compares a PostgreSQL server with the databases, users and schema rights that services need, and adds what is missing, all
    in one step.
  - Never drops, empties or takes anything from its owner. Existing databases and schemas only get rights that are missing, which
    C(notes) reports.
  - Passwords are sent as SCRAM verifiers, so that the server's log never holds them, and compared by their verifiers, so that
    an unchanged one is no change.
attributes:
  check_mode:
    description: Whether the module says what it would change, and changes nothing.
    support: full
    details:
      - If nothing listens yet, the databases and users are listed under C(not_checked).
  diff_mode:
    description: Whether the module returns a diff.
    support: none
    details:
      - C(changes) names everything that is changed.
options:
  host:
    description: Address of the server, or the directory of its unix socket.
    type: str
    default: 127.0.0.1
  port:
    description: TCP port of the server.
    type: int
    default: 5432
  admin_user:
    description: User who may create databases and users.
    type: str
    default: postgres
  admin_password:
    description: Password of that user.
    type: str
  admin_password_file:
    description: File on the managed host that holds this password, instead of O(admin_password). It is read without its line end.
    type: path
  admin_database:
    description: Database that this user logs in to.
    type: str
    default: postgres
  wait:
    description: Seconds to wait for a server that is starting.
    type: int
    default: 30
  databases:
    description: Databases that services need, and the users that own them.
    type: list
    elements: dict
    required: true
    suboptions:
      name:
        description: Name of the database.
        type: str
        required: true
      schema:
        description: Schema in which the service keeps its tables.
        type: str
        default: public
      user:
        description: User that the service logs in as. Owns the database if it is created.
        type: str
        required: true
      password:
        description: Password of that user.
        type: str
        required: true
requirements:
  - psycopg2 2.9 or newer
author:
  - dwp.backend contributors (@dwp-backend)
"""

EXAMPLES = r"""
- name: Databases of two services
  dwp.backend.dwp_databases:
    host: db.internal
    admin_password: "{{ vault_postgres_password }}"
    databases:
      - {name: dwp_auth, user: dwp_user, password: "{{ vault_db_password }}"}
      - {name: dwp_aura, schema: dwp_aura, user: dwp_user, password: "{{ vault_db_password }}"}
"""

RETURN = r"""
changes:
  description: What was changed, or would be in check mode, in order.
  returned: success
  type: list
  elements: str
  sample: ["PostgreSQL: user dwp_user is created", "PostgreSQL: database dwp_auth is created, owner dwp_user"]
notes:
  description: What is left as it is though it could surprise.
  returned: success
  type: list
  elements: str
  sample: ["database dwp_auth belongs to dba, not to dwp_user: left so, missing rights are granted"]
not_checked:
  description: What check mode could not find out.
  returned: success
  type: list
  elements: str
  sample: ["databases and users: PostgreSQL does not answer on 127.0.0.1:5432"]
"""

import time
from typing import Any

from ansible.module_utils.basic import AnsibleModule

from ansible_collections.dwp.backend.plugins.module_utils import _databases as db
from ansible_collections.dwp.backend.plugins.module_utils._infra_config import InfraError, check_input
from ansible_collections.dwp.backend.plugins.module_utils._infra_spec import DATABASES
from ansible_collections.dwp.backend.plugins.module_utils._requires import MissingLibraryError, require

FRESH_VERSION = 150000  # for the prediction about a server that is not there yet


def run(module: AnsibleModule) -> dict:
    params = module.params
    check_input({}, params["databases"], [])
    password = params["admin_password"]
    if params["admin_password_file"]:
        try:
            with open(params["admin_password_file"], encoding="utf-8") as file:
                password = file.read().rstrip("\n")
        except FileNotFoundError:
            if module.check_mode:
                actions, notes = db.plan(params["databases"], db.State(FRESH_VERSION, params["admin_user"]))
                changes = [action.text for action in actions]
                return {"changed": bool(changes), "changes": changes, "notes": notes, "not_checked": []}
            raise InfraError(f"admin_password_file: {params['admin_password_file']} is not there.") from None
    psycopg2 = require("psycopg2")

    def connect(database: str) -> Any:
        connection = psycopg2.connect(
            host=params["host"], port=params["port"], user=params["admin_user"], password=password,
            dbname=database, connect_timeout=10, application_name="dwp_databases",
        )  # fmt: skip
        connection.autocommit = True
        return connection

    where = f"PostgreSQL on {params['host']}:{params['port']}"
    deadline = time.monotonic() + (0 if module.check_mode else params["wait"])
    while True:
        try:
            connect(params["admin_database"]).close()
            break
        except psycopg2.OperationalError as error:
            text = str(error).strip()
            final = "authentication failed" in text or "does not exist" in text or "no pg_hba.conf entry" in text
            if module.check_mode and not final:
                return {"changed": False, "changes": [], "notes": [], "not_checked": [f"databases and users: {text}"]}
            if final or time.monotonic() >= deadline:
                raise InfraError(
                    f"{where} does not let {params['admin_user']} in to create databases: {text}\n"
                    "Check host, port, admin_user and admin_password of dwp_components.postgres."
                ) from None
            time.sleep(0.2)
    actions, notes = db.ensure(connect, params["databases"], module.check_mode, params["admin_database"])
    changes = [action.text for action in actions]
    return {"changed": bool(changes), "changes": changes, "notes": notes, "not_checked": []}


def main() -> None:
    module = AnsibleModule(
        argument_spec=dict(
            host=dict(type="str", default="127.0.0.1"),
            port=dict(type="int", default=5432),
            admin_user=dict(type="str", default="postgres"),
            admin_password=dict(type="str", no_log=True),
            admin_password_file=dict(type="path", no_log=False),
            admin_database=dict(type="str", default="postgres"),
            wait=dict(type="int", default=30),
            databases={**{key: value for key, value in DATABASES.items() if key != "default"}, "required": True},
        ),
        mutually_exclusive=[("admin_password", "admin_password_file")],
        supports_check_mode=True,
    )
    try:
        module.exit_json(**run(module))
    except (InfraError, MissingLibraryError) as error:
        module.fail_json(msg=str(error))


if __name__ == "__main__":
    main()
