#!/usr/bin/python
# Copyright (c) 2026 dwp.backend contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
---
module: dwp_packaged
short_description: Run PostgreSQL and Redis from the distribution's packages
version_added: 0.1.0
description:
  - Makes sure that the distribution's PostgreSQL and Redis are installed, configured, running and started at boot, with the
    databases, users and rights that services need. All of it in one step.
  - The distribution's files are left as they are, but for one marked block in C(pg_hba.conf) and one in C(redis.conf). Settings
    stand in files of their own (C(conf.d/dwp.conf), C(dwp.conf)).
  - New configurations are judged by the servers before they replace anything. If a server does not come up with one, the old
    one is put back.
  - PostgreSQL is restarted only for settings that need it, and otherwise told to load its configuration again.
  - Existing databases are never dropped, emptied or given to another owner; they only get rights that are missing.
extends_documentation_fragment:
  - dwp.backend.servers
attributes:
  check_mode:
    description: Whether the module says what it would change, and changes nothing.
    support: full
    details:
      - Databases and users are predicted for a server that is not installed yet. They are listed under C(not_checked) if it is
        installed but not running.
  diff_mode:
    description: Whether the module returns a diff.
    support: none
    details:
      - C(changes) names everything that is changed; the files hold secrets.
requirements:
  - root
  - systemd
  - Debian, Ubuntu or the Red Hat family (the latter is not tested)
  - psycopg2 2.9 or newer, installed from the distribution's packages if it is missing
seealso:
  - module: dwp.backend.dwp_embedded
  - module: dwp.backend.dwp_health
author:
  - dwp.backend contributors (@dwp-backend)
"""

EXAMPLES = r"""
- name: PostgreSQL and Redis for services on two other hosts
  become: true
  dwp.backend.dwp_packaged:
    postgres:
      listen: ["*"]
      settings: {max_connections: 200}
    redis:
      listen: ["0.0.0.0"]
      password: "{{ vault_redis_password }}"
    databases:
      - {name: dwp_auth, user: dwp_user, password: "{{ vault_db_password }}"}
    clients: [10.0.0.11, 10.0.0.12]
"""

RETURN = r"""
changes:
  description: What was changed, or would be in check mode, in order.
  returned: success
  type: list
  elements: str
  sample:
    - "PostgreSQL: configuration is written (dwp.conf, pg_hba.conf)"
    - "PostgreSQL: restarted"
    - "PostgreSQL: database dwp_auth is created, owner dwp_user"
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
  sample: ["databases and users: PostgreSQL is not there yet"]
components:
  description: State of each component; C(there) and C(as_wanted) tell how it was before this run.
  returned: success
  type: dict
  sample:
    postgres: {there: true, as_wanted: true, port: 5432}
"""

import os

from ansible.module_utils.basic import AnsibleModule

from ansible_collections.dwp.backend.plugins.module_utils._command import Commands
from ansible_collections.dwp.backend.plugins.module_utils._infra_config import InfraError
from ansible_collections.dwp.backend.plugins.module_utils._infra_spec import DATABASES, POSTGRES, REDIS
from ansible_collections.dwp.backend.plugins.module_utils._packaged import Host
from ansible_collections.dwp.backend.plugins.module_utils._requires import MissingLibraryError


def main() -> None:
    module = AnsibleModule(
        argument_spec=dict(
            postgres=POSTGRES,
            redis=REDIS,
            databases=DATABASES,
            clients=dict(type="list", elements="str", default=[]),
        ),
        supports_check_mode=True,
    )
    os.umask(0o022)
    params = module.params
    components = {kind: params[kind] for kind in ("postgres", "redis") if params[kind]}
    commands = Commands(module.run_command)
    try:
        module.exit_json(**Host(components, params["databases"], params["clients"], module.check_mode, commands).ensure())
    except (InfraError, MissingLibraryError) as error:
        module.fail_json(msg=str(error))


if __name__ == "__main__":
    main()
