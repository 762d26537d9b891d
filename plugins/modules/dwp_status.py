#!/usr/bin/python
# Copyright (c) 2026 dwp.backend contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
module: dwp_status
short_description: What runs on a host, since when, how healthy, and what differs from its release
version_added: 0.1.0
description:
  - Looks at the releases, the service manager, the processes and (optionally) the health of the services of a host, in one call.
  - Reads only; works on a host where nothing was deployed yet.
extends_documentation_fragment:
  - dwp.backend.host.root
  - dwp.backend.host.services
author:
  - dwp.backend contributors (@dwp-backend)
attributes:
  check_mode:
    support: full
    description: Changes nothing in any mode.
  diff_mode:
    support: none
    description: Changes nothing.
options:
  log_dir:
    description: Directory of the logs; RV(host.log_dir) tells whether it is there and belongs to O(user).
    type: path
  services:
    description: Names of the services to look at; all that were ever deployed on the host by default.
    type: list
    elements: str
  health:
    description: Ask each running service for its health.
    type: bool
    default: true
  probe_timeout:
    description: Limit of one probe, in seconds.
    type: float
    default: 5
  libraries:
    description: Python libraries to look for; RV(host.libraries) names those that are missing.
    type: list
    elements: str
    default: [requests, psycopg2, redis]
"""

EXAMPLES = r"""
- name: What runs here
  dwp.backend.dwp_status:
    root: /opt/dwp
  register: status
"""

RETURN = r"""
services:
  description: The services by name.
  returned: success
  type: dict
  sample:
    auth:
      current: 7f3c2a1-5d10e9c0
      version: 7f3c2a1
      git_sha: 7f3c2a1d0c
      state: running
      pid: 4121
      since: 1763881200.0
      restarts: 0
      outcome: good
      start_seconds: 12.4
      healthy: true
      cause: ok
      message: ""
      port: 8001
      drift: []
      tampered: []
      archive: {state: used, why: ""}
      releases: [7f3c2a1-5d10e9c0]
lock:
  description: The deployment that holds the lock of the host, see M(dwp.backend.dwp_lock); empty if none does.
  returned: success
  type: dict
  sample: {}
unfinished:
  description: Deployments that were interrupted, that no later one finished, and of which something is still active; or under way.
  returned: success
  type: list
  elements: str
  sample: []
host:
  description: What the host itself brings along.
  returned: success
  type: dict
  contains:
    user:
      description: O(user) exists, or there is no need for it, as the module runs without root.
      type: bool
    log_dir:
      description: O(log_dir) is there and, for root, belongs to O(user).
      type: bool
    root_user:
      description: The module ran as root.
      type: bool
    deployed:
      description: Something was deployed below O(root) before.
      type: bool
    libraries:
      description: Those of O(libraries) that the interpreter lacks.
      type: list
      elements: str
  sample: {user: true, log_dir: true, libraries: [], root_user: true, deployed: true}
"""

from ansible.module_utils.basic import AnsibleModule

from ansible_collections.dwp.backend.plugins.module_utils import _journal, _lock, _manager, _probe_model
from ansible_collections.dwp.backend.plugins.module_utils._release import host, observe, past
from ansible_collections.dwp.backend.plugins.module_utils._release.status import add_health, describe
from ansible_collections.dwp.backend.plugins.module_utils._release.store import Store
from ansible_collections.dwp.backend.plugins.module_utils._requires import MissingLibraryError


def main():
    module = AnsibleModule(
        argument_spec=dict(
            root=dict(type="path", required=True),
            manager=dict(type="str", choices=["systemd", "supervisor"], default="systemd"),
            user=dict(type="str", default="dwp"),
            log_dir=dict(type="path"),
            services=dict(type="list", elements="str"),
            health=dict(type="bool", default=True),
            probe_timeout=dict(type="float", default=5),
            libraries=dict(type="list", elements="str", default=["requests", "psycopg2", "redis"]),
        ),
        supports_check_mode=True,
    )
    params = module.params
    store = Store(params["root"])
    names = store.services() if params["services"] is None else [n for n in params["services"] if n in store.services()]
    host_facts = host.facts(params["root"], params["user"], params["log_dir"], params["libraries"])
    services = {}
    try:
        if names:
            manager = _manager.of_kind(params["manager"], params["root"], module.run_command)
            services = {n: describe(store, manager, n, f) for n, f in observe.look(store, manager, names).items()}
        if params["health"] and services:
            add_health(store, services, params["probe_timeout"])
    except (_manager.ManagerError, _probe_model.ProbeError, MissingLibraryError, OSError) as error:
        module.fail_json(msg=f"{params['root']}: {error}", services=services, host=host_facts)
    unfinished = past.unfinished(_journal.read(params["root"]), [store.state(name)[0] for name in store.services()])
    module.exit_json(
        changed=False, services=services, host=host_facts, lock=_lock.read(params["root"]) or {}, unfinished=unfinished
    )


if __name__ == "__main__":
    main()
