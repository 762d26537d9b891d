#!/usr/bin/python
# Copyright (c) 2026 dwp.backend contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
module: dwp_schema
short_description: Does the database fit the releases that are about to be activated?
version_added: 0.1.0
description:
  - Compares the migrations in the jar of each release with the schema history of its database, as M(dwp.backend.flyway_status) does,
    with the credentials in the environment of the release.
  - Says which migrations the start will run, which applied ones the release does not know, and what would keep it from starting
    (failed rows, changed checksums). Changes nothing.
  - A database that cannot be reached is no error; the service was not checked then, and the notes say so.
extends_documentation_fragment:
  - dwp.backend.host.root
author:
  - dwp.backend contributors (@dwp-backend)
requirements:
  - psycopg2
attributes:
  check_mode:
    support: full
    description: Changes nothing in any mode.
  diff_mode:
    support: none
    description: Changes nothing.
options:
  services:
    description: The services, each with the release that is to be activated.
    type: list
    elements: dict
    required: true
    suboptions:
      name:
        description: Name of the service.
        type: str
        required: true
      release:
        description: Id of the release.
        type: str
        required: true
seealso:
  - module: dwp.backend.flyway_status
  - module: dwp.backend.dwp_plan
"""

EXAMPLES = r"""
- name: What would an older release of main find?
  dwp.backend.dwp_schema:
    root: /opt/dwp
    services:
      - {name: main, release: 5d10e9c-77aa01de}
"""

RETURN = r"""
services:
  description:
    - By service, without those that have no Flyway database. C(newer) are the applied versions that the release does not know, C(known) is
      the newest applied one that it knows, C(pending) what its start will run, C(source) the release in whose jar C(newer) are.
  returned: success
  type: dict
  sample:
    main: {checked: true, database: dwp_main, schema_version: "5", known: "4", newer: ["5"], pending: [], problems: [], notes: []}
problems:
  description: What would keep a service from starting.
  returned: success
  type: list
  elements: str
  sample: []
notes:
  description: What a person should know before it happens.
  returned: success
  type: list
  elements: str
  sample: ["main: database dwp_main is at version 5, newer than 5d10e9c-77aa01de knows: 5 stay applied; Flyway tolerates that"]
"""

from ansible.module_utils.basic import AnsibleModule

from ansible_collections.dwp.backend.plugins.module_utils._release import schema
from ansible_collections.dwp.backend.plugins.module_utils._release.store import Store


def main():
    module = AnsibleModule(
        argument_spec=dict(
            root=dict(type="path", required=True),
            services=dict(
                type="list", elements="dict", required=True,
                options=dict(name=dict(type="str", required=True), release=dict(type="str", required=True)),
            ),
        ),
        supports_check_mode=True,
    )
    store = Store(module.params["root"])
    try:
        found = schema.compare(store, {s["name"]: s["release"] for s in module.params["services"]})
    except OSError as error:
        module.fail_json(msg=f"{module.params['root']}: {error}")
    module.exit_json(changed=False, **found)


if __name__ == "__main__":
    main()
