#!/usr/bin/python
# Copyright (c) 2026 dwp.backend contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
module: dwp_archive
short_description: Make the CDS archives with which services start faster
version_added: 0.1.0
description:
  - Makes a class data sharing archive for each of the named releases that has none for the Java of this host, one after the other.
  - It is made by a training run of the release's own jar with its own options and environment. The kernel refuses that run
    every socket (a seccomp filter), so it reaches no database, no Redis and no port. Spring's context is made and left again
    before anything would listen; an application that does not come that far leaves an archive of what it had loaded.
  - An archive does not belong to what identifies a release. Making one restarts nothing; it is used from the next start on.
  - A failure to make one never fails a deployment. The reason is a warning here, and a line of status.yml later.
extends_documentation_fragment:
  - dwp.backend.host.root
author:
  - dwp.backend contributors (@dwp-backend)
attributes:
  check_mode:
    support: full
    description: Makes nothing.
  diff_mode:
    support: none
    description: There is nothing to show of an archive.
options:
  services:
    description: Name of the service and its release; the active one, where none is named.
    type: dict
    required: true
  user:
    description: Unix user of the services, who runs the training. Without root it is the user of the module.
    type: str
    default: dwp
  timeout:
    description: Seconds after which a training run is ended, and there is no archive. By default four times the service's C(start_timeout).
    type: float
seealso:
  - module: dwp.backend.dwp_status
"""

EXAMPLES = r"""
- name: Archives of what runs, in the background
  dwp.backend.dwp_archive:
    root: /opt/dwp
    services: {auth: null, main: null}
  async: 3600
  poll: 0
"""

RETURN = r"""
archives:
  description:
    - What became of each archive, by service.
    - The field C(state) is V(made), V(kept) (there was one already) or V(none), then with C(why).
  returned: success
  type: dict
  sample:
    auth: {release: 7f3c2a1-88aa01de, state: made, why: "", seconds: 31.4, size: 83574784}
"""

import fcntl
import os
import pwd
import time

from ansible.module_utils.basic import AnsibleModule

from ansible_collections.dwp.backend.plugins.module_utils._command import Commands
from ansible_collections.dwp.backend.plugins.module_utils._lock import now
from ansible_collections.dwp.backend.plugins.module_utils._release import cds, training
from ansible_collections.dwp.backend.plugins.module_utils._release.store import Store


def ids(name):
    """Whom to become for the training; nobody else without root."""
    if os.geteuid() != 0:
        return None
    found = pwd.getpwnam(name)
    return found.pw_uid, found.pw_gid


def make_all(module, store):
    """Each archive in turn: training runs side by side would only slow each other and the services down."""
    params, archives = module.params, {}
    for name, wanted in sorted(params["services"].items()):
        release = wanted or store.current(name)
        if release is None or store.manifest(name, release) is None:
            archives[name] = {"release": release, "state": "none", "why": "there is no such release on this host"}
            continue
        timeout = params["timeout"] or 4 * float(store.policy(name).get("start_timeout", 180))
        archives[name] = training.make(
            store, name, release, commands=Commands(module.run_command), user=ids(params["user"]), timeout=timeout,
            clock=time.monotonic, at=now(),
        )
        archives[name]["release"] = release
        cds.prune(store, name, release)
    return archives


def main():
    module = AnsibleModule(
        argument_spec=dict(
            root=dict(type="path", required=True),
            services=dict(type="dict", required=True),
            user=dict(type="str", default="dwp"),
            timeout=dict(type="float"),
        ),
        supports_check_mode=True,
    )
    root = module.params["root"]
    if module.check_mode or not os.path.isdir(root):
        module.exit_json(changed=False, archives={})
    try:
        # Waits for the background run of an earlier deployment, so that nothing is made twice.
        with open(os.path.join(root, ".lock-archive"), "a", encoding="ascii") as lock:
            fcntl.flock(lock, fcntl.LOCK_EX)
            archives = make_all(module, Store(root))
    except KeyError:
        module.fail_json(msg=f"there is no user {module.params['user']} on this host; deploy.yml makes it")
    except OSError as error:
        module.fail_json(msg=f"{root}: the archives could not be made: {error}")
    for name, archive in archives.items():
        if archive["state"] == "none":
            module.warn(f"{name} starts without a CDS archive: {archive['why']}")
    module.exit_json(changed=any(a["state"] == "made" for a in archives.values()), archives=archives)


if __name__ == "__main__":
    main()
