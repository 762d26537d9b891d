#!/usr/bin/python
# Copyright (c) 2026 dwp.backend contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
module: dwp_stage
short_description: Stage the wanted releases on a host
version_added: 0.1.0
description:
  - Describes the release of every service that the inventory places on the host (jar in its extracted layout, environment, launcher,
    unit), lets the host compare, and sends only the files that it lacks.
  - Nothing is started, stopped or switched. Takes what it needs from the variables of the role P(dwp.backend.platform#role).
  - Secrets travel in files that only the target's user can read, never in arguments.
author:
  - dwp.backend contributors (@dwp-backend)
attributes:
  action:
    support: full
    description: Runs on the controller and calls M(dwp.backend.dwp_release) on the target.
  check_mode:
    support: full
    description: Compares and predicts.
  diff_mode:
    support: full
    description: Environment (secrets as keyed fingerprints), launcher and unit.
options:
  deployment:
    description: Id of the deployment; it has to hold the lock of the host, see M(dwp.backend.dwp_lock).
    type: str
    default: ""
  compare:
    description:
      - Only compare, and say what speaks against it (ports, memory, disk, Java), before anything else is changed on the hosts.
      - Whether there is something to do stands in RV(pending); such a task is never changed.
    type: bool
    default: false
  lock:
    description: With O(compare=true), take the lock of the host first; C(kind) and C(expiry) as in M(dwp.backend.dwp_lock).
    type: dict
  compared:
    description: What a task with O(compare=true) returned; if there was nothing to do, it is the answer.
    type: dict
"""

EXAMPLES = r"""
- name: Compare with the wanted releases, send and write what is missing
  dwp.backend.dwp_stage:
    deployment: "{{ platform_run.deployment }}"
  register: staged
"""

RETURN = r"""
services:
  description: What has to happen with each service, as M(dwp.backend.dwp_release) returns it.
  returned: success
  type: dict
  sample: {auth: {action: replace, reasons: ["environment (JWT_SECRET) changed"], release: 7f3c2a1-88aa01de}}
pending:
  description: Whether there is something to write.
  returned: when O(compare=true)
  type: bool
  sample: false
status:
  description: The services as M(dwp.backend.dwp_status) returns them, with the health of those that need nothing.
  returned: when O(compare=true)
  type: dict
  sample: {auth: {current: 7f3c2a1-5d10e9c0, state: running, healthy: true}}
retired:
  description: Services that run on the host though the inventory does not place them there.
  returned: success
  type: list
  elements: str
  sample: []
"""
