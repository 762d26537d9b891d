#!/usr/bin/python
# Copyright (c) 2026 dwp.backend contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
module: dwp_release
short_description: Compare and stage the releases of a host
version_added: 0.1.0
description:
  - Says for each service of a host what brings it to its wanted release, and stages that release. Nothing is started or stopped.
  - A release is an immutable directory with jar, libraries, environment, launcher, unit and manifest. Two releases are the same
    when all of these are; the version label does not count.
  - The action plugin M(dwp.backend.dwp_stage) makes the specification from the inventory and calls this module; it is
    seldom called by hand.
  - The specification and the payload are files on the target, because they hold secrets, which must not stand in a module's arguments.
extends_documentation_fragment:
  - dwp.backend.host.root
author:
  - dwp.backend contributors (@dwp-backend)
attributes:
  check_mode:
    support: full
    description: Compares and predicts, writes nothing.
  diff_mode:
    support: full
    description: Shows the environment (secrets as keyed fingerprints), the launcher and the unit before and after.
options:
  spec:
    description: Path of the specification (JSON, mode 0600) on the target.
    type: path
    required: true
  payload:
    description:
      - Path of a tar archive on the target with the files that the store lacks, each named by its sha256.
      - Without it the module only compares.
    type: path
  stage:
    description: Write the releases. If V(false), only compare.
    type: bool
    default: false
  deployment:
    description: Id of the deployment that stages; it has to hold the lock of the host.
    type: str
    default: ""
  lock:
    description:
      - Take the lock of the host for O(deployment) first, with C(kind), C(owner), C(expiry) and C(owner_gone) of M(dwp.backend.dwp_lock).
        A look at a host by a run that may not change it is of no use, and one call costs less than two.
    type: dict
seealso:
  - module: dwp.backend.dwp_service
"""

EXAMPLES = r"""
- name: What would be changed on this host
  dwp.backend.dwp_release:
    root: /opt/dwp
    spec: /root/spec.json
  register: plan
"""

RETURN = r"""
services:
  description: What has to happen, by service.
  returned: success
  type: dict
  sample:
    auth:
      action: replace
      reasons: ["environment (JWT_SECRET) changed"]
      current: 7f3c2a1-5d10e9c0
      release: 7f3c2a1-88aa01de
      outcome: good
host:
  description: What has to be prepared on the host first, as M(dwp.backend.dwp_status) returns it.
  returned: success
  type: dict
  sample: {user: true, log_dir: true, libraries: [], root_user: true, deployed: true}
missing:
  description: sha256 of the files that the store of this host lacks.
  returned: success
  type: list
  elements: str
  sample: []
problems:
  description: Why the releases cannot be staged or started on this host; empty if nothing speaks against it.
  returned: success
  type: list
  elements: str
  sample: ["port 8081 of main is taken by process 4121 (nginx: master, user root); stop it, or give the service another port"]
retired:
  description: Services that run here but that the inventory does not place on this host any more.
  returned: success
  type: list
  elements: str
  sample: [chat]
lock:
  description: What M(dwp.backend.dwp_lock) returns. Nothing else is returned if it was refused.
  returned: when O(lock) is given
  type: dict
  sample: {held: true, refused: "", interrupted: ""}
status:
  description:
    - The services as M(dwp.backend.dwp_status) returns them, with the health of those that need nothing.
    - A run that touches none of them can report this instead of looking again.
  returned: when O(stage=false)
  type: dict
  sample: {auth: {current: 7f3c2a1-5d10e9c0, state: running, healthy: true}}
warnings_found:
  description: Things worth knowing that do not prevent the deployment, for example a rebuilt state file.
  returned: success
  type: list
  elements: str
  sample: []
"""

import datetime
import grp
import json
import os
import tarfile

from ansible.module_utils.basic import AnsibleModule

from ansible_collections.dwp.backend.plugins.module_utils import _lock, _manager
from ansible_collections.dwp.backend.plugins.module_utils._release import cds, host, observe, plan, state, status
from ansible_collections.dwp.backend.plugins.module_utils._release.activate import ActivationError, Host
from ansible_collections.dwp.backend.plugins.module_utils._release.store import Store, StoreError
from ansible_collections.dwp.backend.plugins.module_utils._requires import MissingLibraryError

#: A service that does not answer within this is not waited for: the report looks at it again.
PROBE_TIMEOUT = 2.0


def group_id(name):
    """The service group's id; None where everything belongs to one user, or where the group is not there yet."""
    if os.geteuid() != 0:
        return None
    try:
        return grp.getgrnam(name).gr_gid
    except KeyError:
        return None


def compare(module, store, manager, document):
    """Everything that is known before anything is written."""
    specs = document["services"]
    names = [s["service"] for s in specs]
    found = observe.look(store, manager, sorted({*names, *store.services()}))
    javas, problems = host.check_java(specs, module.run_command)
    specs = [host.complete(s, javas.get(s["java"])) for s in specs]
    orphans = observe.orphans(store, found)
    services, diffs = {}, []
    for spec in specs:
        name = spec["service"]
        seen = observe.observe(store, manager, spec, found[name], orphans.get(name, ()))
        decision = plan.decide(seen, manager.kind)
        services[name] = {
            "action": decision.action, "reasons": list(decision.reasons), "current": found[name].current,
            "release": store.find(name, store.digest(spec)), "outcome": found[name].outcome, "port": spec["port"],
            "running": found[name].running.active,
            "orphans": orphans.get(name, []),
            # Whether staging has anything to write: what is merely stopped needs nothing but its start.
            "writes": decision.action in ("install", "replace", "repair", "policy") or bool(seen.tampered) or seen.policy_differs,
        }
        if decision.action in ("install", "replace", "repair"):
            diffs.append(diff_of(store, spec, found[name].current, document["fingerprint_key"]))
    missing = store.missing([f for s in specs for f in s["files"]])
    sizes = {f["sha256"]: f["size"] for s in specs for f in s["files"]}
    touched = [s for s in specs if services[s["service"]]["action"] in plan.TOUCHING]
    problems += host.check_disk(store.root, sum(sizes[sha] for sha in missing))
    problems += host.check_memory(
        {s["service"]: s["memory"] for s in touched if not found[s["service"]].running.active}, host.available_memory()
    )
    facts = host.facts(store.root, document["user"], document["log_dir"])
    problems += _lock.unusable(store.root) + host.check_libraries(document["libraries"], facts["libraries"], facts["root_user"])
    port_problems, _orphans = host.check_ports(touched, store.root, {n: f.running.pid for n, f in found.items()})
    return {
        "host": facts,
        "services": services,
        "missing": missing,
        "problems": problems + port_problems,
        "retired": [] if document["limited"] else [
            n for n in store.services() if n not in document["placed"]
            and (found[n].running.active or manager.definition(n) is not None)
        ],
        "warnings_found": [f.warning for f in found.values() if f.warning],
        "status": {} if module.params["stage"] else status_of(store, manager, found, services),
    }, specs, diffs


def status_of(store, manager, found, services):
    """What a report shows of each service; the health only of those that this run has no reason to touch."""
    known = {name: status.describe(store, manager, name, one) for name, one in found.items() if one.current}
    quiet = {name: entry for name, entry in known.items() if services.get(name, {}).get("action", "none") == "none"}
    try:
        status.add_health(store, quiet, PROBE_TIMEOUT)
    except MissingLibraryError:
        pass  # prepare.yml installs it; until then nobody can be asked
    return known


def diff_of(store, spec, current, key):
    """Environment, launcher and unit before and after; secrets never."""
    import hmac

    def fingerprint(value):
        return hmac.new(key.encode(), value.encode("utf-8", "surrogateescape"), "sha256").hexdigest()[:8]

    def text(parts):
        return (
            f"environment:\n{plan.masked(parts['environment'], spec['secret_names'], fingerprint)}\n"
            f"launch:\n{parts['launch']}\nunit:\n{parts['unit']}"
        )

    before = {n: (store.text(spec["service"], current, n) or "") if current else "" for n in ("environment", "launch", "unit")}
    return {
        "before": text(before) if current else "", "after": text(spec),
        "before_header": f"{spec['service']} {current or '(none)'}", "after_header": f"{spec['service']} {spec['version']}",
    }


def stage(store, specs, services, payload):
    """Take the payload into the store, then write the releases that are needed."""
    at = datetime.datetime.now(datetime.timezone.utc).isoformat(timespec="seconds")
    os.makedirs(store.root, mode=0o755, exist_ok=True)
    store.make_key()
    if payload:
        with tarfile.open(payload) as archive:
            for member in archive:
                store.add_blob(member.name, archive.extractfile(member))
    for spec in specs:
        name = spec["service"]
        if services[name]["action"] in ("install", "replace", "repair", "start", "restart"):
            services[name]["release"] = store.stage(spec, at=at)
            if not os.path.exists(os.path.join(store.home(name), "state.json")):
                store.save_state(name, state.empty(name))
        store.save_policy(name, services[name]["release"], spec["policy"])
        if spec["policy"]["fast_start"] == "off":
            cds.drop(store, name)


def main():
    module = AnsibleModule(
        argument_spec=dict(
            root=dict(type="path", required=True),
            spec=dict(type="path", required=True),
            payload=dict(type="path"),
            stage=dict(type="bool", default=False),
            deployment=dict(type="str", default=""),
            lock=dict(type="dict"),
        ),
        supports_check_mode=True,
    )
    try:
        locked = _lock.first(module.params["root"], module.params["lock"], module.params["deployment"], module.check_mode)
        if locked.get("refused"):
            module.exit_json(changed=False, services={}, problems=[], lock=locked)
        with open(module.params["spec"], encoding="utf-8") as file:
            document = json.load(file)
        store = Store(module.params["root"], group_id(document["user"]))
        manager = _manager.of_kind(document["manager"], module.params["root"], module.run_command)
        result, specs, diffs = compare(module, store, manager, document)
        changed = any(s["action"] not in ("none", "gate") for s in result["services"].values())
        if module.params["stage"] and not module.check_mode and not result["problems"]:
            Host(store, manager, module.params["deployment"]).still_current("staging releases")
            stage(store, specs, result["services"], module.params["payload"])
    except (StoreError, ActivationError, _manager.ManagerError, OSError, tarfile.TarError) as error:
        module.fail_json(msg=f"{module.params['root']}: {error}")
    module.exit_json(changed=changed, diff=diffs, **({"lock": locked} if locked else {}), **result)


if __name__ == "__main__":
    main()
