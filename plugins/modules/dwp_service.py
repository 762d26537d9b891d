#!/usr/bin/python
# Copyright (c) 2026 dwp.backend contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
module: dwp_service
short_description: Activate, gate, restart and stop the services of a host
version_added: 0.1.0
description:
  - Works on many services of one host in one call, under a host lock.
  - What a service is (release, probes, limits) is read from the host, where M(dwp.backend.dwp_release) put it.
  - The action plugin M(dwp.backend.dwp_wave) calls this module and shows progress while it waits.
extends_documentation_fragment:
  - dwp.backend.host.root
  - dwp.backend.host.services
author:
  - dwp.backend contributors (@dwp-backend)
attributes:
  check_mode:
    support: full
    description: Says what would be done.
  diff_mode:
    support: none
    description: The difference of a release is shown by M(dwp.backend.dwp_release).
options:
  action:
    description:
      - V(apply) brings each service to its target and gates it.
      - V(gate) goes on waiting with O(memory).
      - V(undo) marks the current release and goes back to the last known good one before it; a service without one is stopped.
      - V(stop) stops gracefully.
      - V(retire) stops services that do not belong to the host any more and takes their definitions away.
      - V(settle) watches what passed its gate in O(deployment) until O(settle) seconds after that. O(services) is not needed.
    type: str
    choices: [apply, gate, undo, stop, retire, settle]
    required: true
  services:
    description: The services and, for V(apply), what is to be done with each.
    type: list
    elements: dict
    default: []
    suboptions:
      name:
        description: Name of the service.
        type: str
        required: true
      action:
        description: What is to be done.
        type: str
        choices: [install, replace, rollback, restart, start, repair, gate]
        default: restart
      release:
        description: Id of the release to activate; the current one by default.
        type: str
      round:
        description:
          - Services of a later round are touched when all of the earlier ones have passed their gate.
            With O(action=undo) the last round comes first, and what fails does not keep the others from going back.
        type: int
        default: 0
  deployment:
    description:
      - Id of the deployment that acts, for state and journal. It has to hold the lock of the host, see M(dwp.backend.dwp_lock).
      - Empty for a call by hand, which needs no lock.
    type: str
    default: ""
  timeout:
    description: Limit of the gate in seconds. By default the greatest C(start_timeout) of the services in C(dwp_services).
    type: float
  pause_after:
    description: Return after so many seconds, though services may still be waited for; V(0) waits to the end.
    type: float
    default: 0
  memory:
    description: What a paused gate returned; contains no secret.
    type: dict
    default: {}
  keep:
    description: Number of releases kept per service once its gate has passed.
    type: int
    default: 5
  settle:
    description:
      - Seconds for which a service has to stay healthy, in the same process, after its gate.
      - With O(action=apply) and O(action=gate) what passed its gate earlier in O(deployment) is looked at; if one is gone, the call ends.
    type: float
    default: 0
  end:
    description:
      - Whether nothing on a host follows this step. If all of it is good, the end of O(deployment) goes into the journal and its lock
        is given back in the same call (RV(lock)); otherwise both are left to M(dwp.backend.dwp_lock).
    type: bool
    default: false
"""

EXAMPLES = r"""
- name: Restart two services and wait until they are healthy
  dwp.backend.dwp_service:
    root: /opt/dwp
    action: apply
    services:
      - {name: auth, action: restart}
      - {name: main, action: restart}
"""

RETURN = r"""
services:
  description: Outcome per service; the fields of M(dwp.backend.dwp_health) and those of the activation.
  returned: success
  type: dict
  sample:
    auth: {healthy: true, final: true, cause: ok, pid: 4121, release: 7f3c2a1-5d10e9c0, start_seconds: 12.4, waited_s: 12.1}
unfinished:
  description: Names of the services that are still waited for.
  returned: success
  type: list
  elements: str
  sample: []
unhealthy:
  description: Names of the services that failed their gate, or did not stay healthy after it (RV(services) has C(left) then).
  returned: success
  type: list
  elements: str
  sample: []
status:
  description: The services as M(dwp.backend.dwp_status) returns them.
  returned: when all of them passed their gate
  type: dict
  sample: {auth: {current: 7f3c2a1-5d10e9c0, state: running, healthy: true}}
lock:
  description: The lock that was given back, as M(dwp.backend.dwp_lock) returns it.
  returned: when O(end) was given, and all of it is good
  type: dict
  sample: {held: false, problem: null, lock: {deployment: 20261129-215414-a071, kind: deployment}}
memory:
  description: State for the next call with action=gate.
  returned: success
  type: dict
  sample: {}
"""

import os

from ansible.module_utils.basic import AnsibleModule

from ansible_collections.dwp.backend.plugins.module_utils import _lock, _manager, _room
from ansible_collections.dwp.backend.plugins.module_utils._probe_model import ProbeError
from ansible_collections.dwp.backend.plugins.module_utils._release import rounds
from ansible_collections.dwp.backend.plugins.module_utils._release.activate import ActivationError, Host, host_lock
from ansible_collections.dwp.backend.plugins.module_utils._release.store import Store, StoreError


def run(params, host):
    """Carry out the action; returns the result."""
    names = [s["name"] for s in params["services"]]
    host.still_current(f"{params['action']} {', '.join(names)}")
    if params["action"] in ("stop", "retire"):
        touched = host.stop(names) if params["action"] == "stop" else host.retire(names)
        return {"changed": bool(touched), "stopped": touched, "services": {}, "unfinished": [], "unhealthy": [], "memory": {}}
    if params["action"] == "settle":
        gone, watched = host.settle(params["settle"], params["pause_after"])
        unfinished = [] if gone else watched
        return ended(params, {"changed": False, "services": gone, "unfinished": unfinished, "unhealthy": sorted(gone), "memory": {}})
    answer = rounds.carry_out(
        host, params["action"], params["services"], dict(params["memory"]), settle=params["settle"],
        pause_after=params["pause_after"], timeout=params["timeout"], keep=params["keep"],
    )
    if not answer["unfinished"]:
        _room.keep(params["root"])
    return ended(params, answer)


def ended(params, answer):
    """The answer; with the lock given back if this was the last step of the run, and all of it is good."""
    if not params["end"] or answer["unfinished"] or answer["unhealthy"]:
        return answer
    return {**answer, "lock": _lock.give_back(params["root"], params["deployment"])}


def main():
    module = AnsibleModule(
        argument_spec=dict(
            root=dict(type="path", required=True),
            manager=dict(type="str", choices=["systemd", "supervisor"], default="systemd"),
            user=dict(type="str", default="dwp"),
            action=dict(type="str", choices=["apply", "gate", "undo", "stop", "retire", "settle"], required=True),
            services=dict(
                type="list", elements="dict", default=[],
                options=dict(
                    name=dict(type="str", required=True),
                    action=dict(
                        type="str", choices=["install", "replace", "rollback", "restart", "start", "repair", "gate"], default="restart"
                    ),
                    release=dict(type="str"),
                    round=dict(type="int", default=0),
                ),
            ),
            deployment=dict(type="str", default=""),
            timeout=dict(type="float"),
            pause_after=dict(type="float", default=0),
            memory=dict(type="dict", default={}),
            keep=dict(type="int", default=5),
            settle=dict(type="float", default=0),
            end=dict(type="bool", default=False),
        ),
        supports_check_mode=True,
    )
    params = module.params
    try:
        store = Store(params["root"])
        manager = _manager.of_kind(params["manager"], params["root"], module.run_command)
        host = Host(store, manager, params["deployment"])
        if module.check_mode:
            names = [s["name"] for s in params["services"]]
            active = [n for n, s in manager.status(names).items() if s.active]
            changed = bool(active) if params["action"] in ("stop", "retire") else params["action"] in ("apply", "undo")
            module.exit_json(changed=changed, services={}, unfinished=[], unhealthy=[], memory={})
        if not os.path.isdir(params["root"]):
            module.fail_json(msg=f"{params['root']} does not exist on this host: nothing was deployed here yet; run deploy.yml first")
        with host_lock(params["root"]):
            result = run(params, host)
        for warning in host.warnings:
            module.warn(warning)
        module.exit_json(**result)
    except (ActivationError, StoreError, ProbeError, _manager.ManagerError, OSError) as error:
        module.fail_json(msg=str(error))


if __name__ == "__main__":
    main()
