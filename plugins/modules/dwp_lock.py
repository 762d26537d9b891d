#!/usr/bin/python
# Copyright (c) 2026 dwp.backend contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
module: dwp_lock
short_description: Take, give back, show or break the deployment lock of a host
version_added: 0.1.0
description:
  - One deployment at a time per host. The lock names the deployment, its owner, the controller with its process, the start, the
    last sign of life and what is being done.
  - A lock whose owner's process on this same controller has ended is reclaimed at once; another one when it has given no sign of
    life for O(expiry) seconds. Both are written into the journal of the host.
  - The action plugin of the same name fills in who deploys and finds out whether the owner of a foreign lock still lives.
extends_documentation_fragment:
  - dwp.backend.host.root
author:
  - dwp.backend contributors (@dwp-backend)
attributes:
  action:
    support: full
    description: Partly runs on the controller, which alone knows whether a process there still lives.
  check_mode:
    support: full
    description: Says whether the lock could be taken.
  diff_mode:
    support: none
    description: Nothing of the configuration changes.
options:
  state:
    description:
      - V(held) takes the lock and writes the begin of the deployment into the journal.
      - V(released) writes the end into the journal and gives the lock back.
      - V(broken) removes a lock by hand, whoever holds it.
      - V(shown) only reads.
    type: str
    choices: [held, released, broken, shown]
    required: true
  deployment:
    description: Id of the deployment.
    type: str
    default: ""
  kind:
    description: What is being done, for people.
    type: str
    default: deployment
  version:
    description: Label of what is deployed, for the journal.
    type: str
    default: ""
  outcome:
    description: How the deployment ended, for the journal.
    type: str
    choices: [ok, failed, undone]
    default: ok
  reason:
    description: Why it ended so.
    type: str
    default: ""
  expiry:
    description: Seconds without a sign of life after which a lock may be reclaimed.
    type: int
    default: 900
  owner:
    description: Who deploys; filled in by the action plugin.
    type: dict
    default: {}
  owner_gone:
    description: Deployment whose process is known to be dead; filled in by the action plugin.
    type: str
    default: ""
"""

EXAMPLES = r"""
- name: Take the lock
  dwp.backend.dwp_lock:
    root: /opt/dwp
    state: held
    deployment: 20261123-072020-ae80

- name: Give it back
  dwp.backend.dwp_lock:
    root: /opt/dwp
    state: released
    deployment: 20261123-072020-ae80
"""

RETURN = r"""
held:
  description: Whether the lock is held by O(deployment) now.
  returned: success
  type: bool
  sample: true
lock:
  description: The lock that was found, if any.
  returned: success
  type: dict
  sample: {deployment: 20261123-072020-ae80, owner: kim@ci-runner-3, since: "2026-11-23T07:20:20+00:00", step: gating main}
refused:
  description: Why it could not be taken; empty if it could.
  returned: success
  type: str
  sample: ""
interrupted:
  description: What an interrupted run left, if its lock was reclaimed.
  returned: success
  type: str
  sample: ""
problem:
  description: Why the journal could not be written, for example on a full disk; the action plugin warns of it.
  returned: when the journal was written, or was to be
  type: str
  sample: /opt/dwp/journal.jsonl cannot be written (No space left on device)
journal:
  description: The journal of the host, newest last, with O(state=shown).
  returned: when O(state=shown)
  type: list
  elements: dict
  sample: []
"""

import os

from ansible.module_utils.basic import AnsibleModule

from ansible_collections.dwp.backend.plugins.module_utils import _journal, _lock
from ansible_collections.dwp.backend.plugins.module_utils._lock import ActivationError, host_lock


def main():
    module = AnsibleModule(
        argument_spec=dict(
            root=dict(type="path", required=True),
            state=dict(type="str", choices=["held", "released", "broken", "shown"], required=True),
            deployment=dict(type="str", default=""),
            kind=dict(type="str", default="deployment"),
            version=dict(type="str", default=""),
            outcome=dict(type="str", choices=["ok", "failed", "undone"], default="ok"),
            reason=dict(type="str", default=""),
            expiry=dict(type="int", default=900),
            owner=dict(type="dict", default={}),
            owner_gone=dict(type="str", default=""),
        ),
        supports_check_mode=True,
    )
    params = module.params
    root = params["root"]
    try:
        if params["state"] == "shown" or (module.check_mode and params["state"] != "held"):
            found = _lock.read(root) if os.path.isdir(root) else None
            module.exit_json(
                changed=False, lock=found or {}, held=found is not None, refused="", interrupted="", journal=_journal.read(root)
            )
        if module.check_mode:
            module.exit_json(**_lock.take(root, params, check_mode=True))
        with host_lock(root):
            if params["state"] == "held":
                result = _lock.take(root, params)
            else:
                result = _lock.give_back(
                    root, params["deployment"], owner=params["owner"].get("owner", ""), outcome=params["outcome"],
                    reason=params["reason"], broken=params["state"] == "broken",
                )
    except (ActivationError, OSError) as error:
        module.fail_json(msg=f"{root}: {error}")
    module.exit_json(**result)


if __name__ == "__main__":
    main()
