#!/usr/bin/python
# Copyright (c) 2026 dwp.backend contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
module: dwp_balancer
short_description: Run haproxy before services with several instances, and take instances out of it
version_added: 0.1.0
description:
  - Installs haproxy from the distribution if it is missing, writes a configuration of its own below O(root), lets haproxy judge it,
    starts or reloads haproxy under the host's service manager, and proves that every frontend is open.
  - The distribution's own C(haproxy.service) and C(/etc/haproxy) are not touched.
  - Instances are taken out and put back over the admin socket, which only the user that haproxy was started by can open. A server
    that somebody put into state C(maint) by hand is left alone.
author:
  - dwp.backend contributors (@dwp-backend)
attributes:
  check_mode:
    support: full
    description: Says what would be done. A new configuration is judged in check mode, too, if haproxy is there.
  diff_mode:
    support: none
    description: RV(changes) names everything that is changed; headers of health checks may be secret.
options:
  root:
    description: Where releases and state live; the balancer has the folder C(balancer) in it.
    type: path
    required: true
  state:
    description:
      - V(present) installs, configures, starts and proves haproxy.
      - V(drained) lets no new request reach O(servers), and waits up to O(timeout) until the running ones are answered.
      - V(ready) puts O(servers) back, and waits up to O(timeout) until haproxy sees them healthy.
      - V(restored) puts back everything that is drained and healthy.
      - V(stopped) stops haproxy and takes its definition away.
    type: str
    choices: [present, drained, ready, restored, stopped]
    default: present
  manager:
    description: The service manager of the host.
    type: str
    choices: [systemd, supervisor]
    default: systemd
  environment:
    description: Name of the environment, for the description of the unit.
    type: str
    default: ""
  user:
    description: Unix user that haproxy becomes if it starts as root and there is no user C(haproxy).
    type: str
    default: nobody
  listen:
    description: Address that the frontends listen on.
    type: str
    default: "*"
  settings:
    description: Lines of haproxy's section C(defaults), added to or replacing those of this module.
    type: dict
    default: {}
  frontends:
    description: What is balanced.
    type: list
    elements: dict
    default: []
    suboptions:
      service:
        description: Name of the service.
        type: str
        required: true
      port:
        description: Port that callers use.
        type: int
        required: true
      check:
        description:
          - How an instance is asked for its health, C(kind) (C(http), C(actuator), C(tcp)), C(method), C(path), C(headers), C(status).
        type: dict
        required: true
      servers:
        description: The instances, as C(name), C(address) and C(port).
        type: list
        elements: dict
        required: true
  servers:
    description: The instances for V(drained) and V(ready), as C(service), C(host) and C(name), the last one being that in O(frontends).
    type: list
    elements: dict
    default: []
  timeout:
    description: Limit in seconds for V(drained) and V(ready).
    type: float
    default: 30
  deployment:
    description: Id of the deployment that acts; has to hold the lock of this host if there is one.
    type: str
    default: ""
"""

EXAMPLES = r"""
- name: mail on two hosts behind port 18082
  dwp.backend.dwp_balancer:
    root: /opt/dwp
    frontends:
      - service: mail
        port: 18082
        check: {kind: http, method: GET, path: /mail/health, status: [200]}
        servers:
          - {name: app-1, address: 10.0.0.11, port: 8082}
          - {name: app-2, address: 10.0.0.12, port: 8082}

- name: Take the first one out
  dwp.backend.dwp_balancer:
    root: /opt/dwp
    state: drained
    servers: [{service: mail, host: app-1, name: app-1}]
"""

RETURN = r"""
changes:
  description: What was changed, or would be in check mode, in order.
  returned: success
  type: list
  elements: str
  sample: ["haproxy: configuration is written", "haproxy: configuration is loaded"]
instances:
  description: The instances that were taken out or put back.
  returned: with O(state=drained), O(state=ready) and O(state=restored)
  type: list
  elements: dict
  sample: [{service: mail, host: app-1}]
notes:
  description: What could surprise.
  returned: success
  type: list
  elements: str
  sample: ["requests were still running after 30 s (drain_timeout) and are cut: mail on app-1 (1)"]
"""

import os

from ansible.module_utils.basic import AnsibleModule

from ansible_collections.dwp.backend.plugins.module_utils import _balancer_host, _manager
from ansible_collections.dwp.backend.plugins.module_utils._balancer import BalancerError
from ansible_collections.dwp.backend.plugins.module_utils._command import Commands
from ansible_collections.dwp.backend.plugins.module_utils._supervisor import SupervisorError


def act(params, host):
    """Carry out drained, ready or restored; returns the result."""
    notes = []
    host.still_current(f"balancer: {params['state']}")
    if params["state"] == "drained":
        done, notes = host.drain(params["servers"], params["timeout"])
    elif params["state"] == "ready":
        done = host.ready(params["servers"], params["timeout"])
    else:
        done, notes = host.restore()
    verb = {"drained": "taken out", "ready": "put back", "restored": "put back"}[params["state"]]
    return {
        "changed": bool(done), "instances": done, "notes": notes, "changes": [f"{d['service']} on {d['host']}: {verb}" for d in done],
    }


def main():
    module = AnsibleModule(
        argument_spec=dict(
            root=dict(type="path", required=True),
            state=dict(type="str", choices=["present", "drained", "ready", "restored", "stopped"], default="present"),
            manager=dict(type="str", choices=["systemd", "supervisor"], default="systemd"),
            environment=dict(type="str", default=""),
            user=dict(type="str", default="nobody"),
            listen=dict(type="str", default="*"),
            settings=dict(type="dict", default={}),
            frontends=dict(
                type="list", elements="dict", default=[],
                options=dict(
                    service=dict(type="str", required=True),
                    port=dict(type="int", required=True),
                    check=dict(type="dict", required=True),
                    servers=dict(type="list", elements="dict", required=True),
                ),
            ),
            servers=dict(type="list", elements="dict", default=[]),
            timeout=dict(type="float", default=30),
            deployment=dict(type="str", default=""),
        ),
        supports_check_mode=True,
    )
    os.umask(0o022)
    params = module.params
    host = _balancer_host.Host(params["root"], params["deployment"])
    try:
        manager = _manager.of_kind(params["manager"], params["root"], module.run_command)
        if params["state"] == "present":
            changes = host.ensure(
                params, manager=manager, commands=Commands(module.run_command), environment=params["environment"], user=params["user"],
                check=module.check_mode,
            )
            module.exit_json(changed=bool(changes), changes=changes, notes=[])
        if params["state"] == "stopped":
            there = manager.definition(_balancer_host.NAME) is not None
            if there and not module.check_mode:
                manager.remove(_balancer_host.NAME, 30)
            module.exit_json(changed=there, changes=["haproxy: stopped"] if there else [], notes=[])
        if module.check_mode:
            module.exit_json(changed=bool(params["servers"]), changes=[], instances=params["servers"], notes=[])
        module.exit_json(**act(params, host))
    except (BalancerError, SupervisorError, _manager.ManagerError, OSError) as error:
        module.fail_json(msg=str(error))


if __name__ == "__main__":
    main()
