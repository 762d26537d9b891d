#!/usr/bin/python
# Copyright (c) 2026 dwp.backend contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
module: dwp_rollback_plan
short_description: Find the releases that a rollback goes back to
version_added: 0.1.0
description:
  - For each service the last known good release before the current one, from the state file, or the release that O(to) names.
  - The target is verified on the host (all files by sha256, its Java) before anything is stopped. Nothing is changed.
  - The schema of its database is compared with it, see RV(schema).
  - A release that failed its gate or was rolled back is never chosen by itself, and refused when it is named, unless O(force).
extends_documentation_fragment:
  - dwp.backend.host.root
requirements:
  - psycopg2 for RV(schema)
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
  services:
    description: Names of the services.
    type: list
    elements: str
    required: true
  to:
    description:
      - A release id, the beginning of one, or a version label; empty for the last known good.
      - With a label, a service that did not change under it goes to the release that was active when that label was deployed.
    type: str
    default: ""
  force:
    description: Accept a release that failed its gate or was rolled back.
    type: bool
    default: false
  instances:
    description: Services of this host of which C(instances) in RV(schema) is to tell, chosen or not.
    type: list
    elements: str
    default: []
  deployment:
    description: Id of the rollback, for O(lock).
    type: str
    default: ""
  lock:
    description: Take the lock of the host for O(deployment) first, as M(dwp.backend.dwp_release) does.
    type: dict
"""

EXAMPLES = r"""
- name: Where would auth go back to?
  dwp.backend.dwp_rollback_plan:
    root: /opt/dwp
    services: [auth]
"""

RETURN = r"""
services:
  description: What is to be done, as for M(dwp.backend.dwp_service).
  returned: success
  type: dict
  sample:
    auth: {action: rollback, release: 5d10e9c-77aa01de, current: 7f3c2a1-88aa01de, reasons: ["7f3c2a1-88aa01de -> 5d10e9c-77aa01de"]}
schema:
  description:
    - What M(dwp.backend.dwp_schema) returns for the targets, of those that use Flyway. Reaching no database is a note.
    - And C(instances) by service of O(instances) that uses a database, target or not; the release, where its tables are, and the
      versions in its jar.
  returned: success
  type: dict
  sample:
    services: {}
    instances:
      main: {release: 5d10e9c-77aa01de, database: dwp_main, schema: public, migrations: ["4"]}
    problems: []
    notes: []
problems:
  description: Why a rollback is not possible, one entry per service.
  returned: success
  type: list
  elements: str
  sample: []
staying:
  description: Services that have no earlier release to go back to, and why. The others may go back all the same.
  returned: success
  type: list
  elements: str
  sample: ["auth: nothing was ever deployed on this host"]
lock:
  description: What M(dwp.backend.dwp_lock) returns. Nothing else is returned if it was refused.
  returned: when O(lock) is given
  type: dict
  sample: {held: true, refused: "", interrupted: ""}
unfinished:
  description:
    - Deployments that were interrupted, that no later one finished, and of which something is still active. M(dwp.backend.dwp_plan)
      leaves out what they did not touch (C(by) in RV(services) is the deployment that touched a service last).
    - Empty with O(to).
  returned: success
  type: list
  elements: str
  sample: [20261123-072020-ae80]
"""

import os
import re

from ansible.module_utils.basic import AnsibleModule

from ansible_collections.dwp.backend.plugins.module_utils import _journal, _lock
from ansible_collections.dwp.backend.plugins.module_utils._lock import ActivationError
from ansible_collections.dwp.backend.plugins.module_utils._release import past, schema
from ansible_collections.dwp.backend.plugins.module_utils._release import state as states
from ansible_collections.dwp.backend.plugins.module_utils._release.store import Store


class Stays(Exception):
    """There is nothing to go back to, which is no obstacle for the other services."""


def choose(store, name, state, to, force, moment):
    """(release, problem): the target of one service, None for both when it is there already.

    ``moment``: when the deployment with the label ``to`` was in place; what it did not change is what was active then.
    """
    current = store.current(name)
    known = store.releases(name)
    attempted = states.attempted(state, current)
    if not known:
        raise Stays(f"{name}: nothing was ever deployed on this host")
    if not to:
        unfinished = states.unfinished_rollback(state)
        if unfinished in known:
            return unfinished, None
        good = states.last_known_good(state, before=attempted)
        if good is None:
            raise Stays(f"{name}: no release before {attempted or 'the current one'} passed its gate on this host")
        if good["release"] not in known:
            gone = f"{name}: the last known good release {good['release']} is not on this host any more"
            return None, f"{gone}; deploy version {good['version']} again"
        return good["release"], None
    named = [r for r in known if r == to or (store.manifest(name, r) or {}).get("version") == to] or [r for r in known if r.startswith(to)]
    if not named and moment and past.active_at(state, moment) in known:
        named = [past.active_at(state, moment)]
    if not named:
        ever = [e["release"] for e in state["activations"] if to in (e["release"], e.get("version"))]
        gone = f"{ever[-1]} was removed by dwp_keep_releases; deploy it again" if ever else f"known here are {', '.join(known)}"
        return None, f"{name}: there is no release {to} on this host ({gone})"
    good_ones = [r for r in named if states.outcome_of(state, r) in states.PROVEN]
    if not good_ones and not force:
        outcome = states.outcome_of(state, named[-1]) or "was never active here"
        marked = f"is marked {outcome}" if outcome in states.OUTCOMES else outcome
        return None, f"{name}: {named[-1]} {marked}; to take it all the same: dwp_force=true"
    order = [e["release"] for e in state["activations"]]
    chosen = max(good_ones or named, key=lambda r: max((i for i, e in enumerate(order) if e == r), default=-1))
    return (None, None) if chosen == current == attempted else (chosen, None)


def verify(store, name, release):
    """Problems of a release that is to be activated: damaged files, a Java that is gone."""
    damaged = store.tampered(name, release, thorough=True)
    if damaged:
        parts = ", ".join(damaged)
        return [f"{name}: release {release} is damaged ({parts} differ from its manifest); choose another with dwp_to, or deploy"]
    java = re.search(r"^exec (\S+)", store.text(name, release, "launch") or "", re.M)
    if java and not os.access(java.group(1), os.X_OK):
        return [f"{name}: release {release} runs with {java.group(1)}, which is gone; install it, or deploy again"]
    return []


def main():
    module = AnsibleModule(
        argument_spec=dict(
            root=dict(type="path", required=True),
            services=dict(type="list", elements="str", required=True),
            to=dict(type="str", default=""),
            force=dict(type="bool", default=False),
            instances=dict(type="list", elements="str", default=[]),
            deployment=dict(type="str", default=""),
            lock=dict(type="dict"),
        ),
        supports_check_mode=True,
    )
    params = module.params
    store = Store(params["root"])
    services, problems, staying = {}, [], []
    to = params["to"]
    try:
        locked = _lock.first(params["root"], params["lock"], params["deployment"], module.check_mode)
        if locked.get("refused"):
            module.exit_json(changed=False, services={}, problems=[], staying=[], unfinished=[], lock=locked)
        known = {name: store.state(name) for name in {*params["services"], *store.services()}}
        journal = _journal.read(params["root"])
        states_here = [state for state, _warning in known.values()]
        moment = past.labelled(to, journal, states_here) if to else None
        for name in params["services"]:
            state, warning = known[name]
            if warning:
                module.warn(f"{name}: {warning}")
            current, release, problem = store.current(name), None, None
            try:
                release, problem = choose(store, name, state, to, params["force"], moment)
            except Stays as why:
                staying.append(str(why))
            if problem:
                problems.append(problem)
            elif release is None:
                services[name] = {"action": "none", "current": current, "release": current, "reasons": [f"stays on {current}"]}
            else:
                problems += verify(store, name, release)
                way = f"{states.attempted(state, current)} -> {release}"
                services[name] = {"action": "rollback", "current": current, "release": release, "reasons": [way]}
            if name in services:
                services[name]["by"] = past.newest_deployment(state)
        targets = {name: one["release"] for name, one in services.items() if one["action"] == "rollback"}
        schemas = {**schema.compare(store, targets), "instances": schema.instances(store, targets, params["instances"])}
    except (ActivationError, OSError) as error:
        module.fail_json(msg=f"{params['root']}: {error}")
    unfinished = [] if to else past.unfinished(journal, states_here)
    found = {"services": services, "problems": problems, "staying": staying, "unfinished": unfinished, "schema": schemas}
    module.exit_json(changed=False, **({"lock": locked} if locked else {}), **found)


if __name__ == "__main__":
    main()
