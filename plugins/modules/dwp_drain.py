#!/usr/bin/python
# Copyright (c) 2026 dwp.backend contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
module: dwp_drain
short_description: Take instances out of the balancer, and put them back
version_added: 0.1.0
description:
  - Delegate it to the host of the balancer, where M(dwp.backend.dwp_balancer) does it, or to the controller for the provider
    C(external), whose C(drain) and C(undrain) of the catalogue are carried out there.
  - A failure is returned as RV(broken), so that the play can undo what it did.
author:
  - dwp.backend contributors (@dwp-backend)
attributes:
  action:
    support: full
    description: Runs on the controller and calls M(dwp.backend.dwp_balancer).
  check_mode:
    support: full
    description: Says what would be done.
  diff_mode:
    support: none
    description: There is no text to compare.
options:
  state:
    description:
      - V(drained) lets no new request reach the instances and waits until the running ones are answered.
      - V(ready) puts them back and waits until the balancer sees them healthy.
      - V(restored) puts back everything that is out and healthy.
    type: str
    choices: [drained, ready, restored]
    required: true
  instances:
    description: The instances, as C(service) and C(host).
    type: list
    elements: dict
    default: []
  results:
    description:
      - Name of the variable in which each host holds the result of M(dwp.backend.dwp_wave). Only what was healthy there is dealt with.
    type: str
    default: ""
  deployment:
    description: Id of the deployment that acts.
    type: str
    default: ""
"""

EXAMPLES = r"""
- name: Take mail on app-1 out
  dwp.backend.dwp_drain:
    state: drained
    instances: [{service: mail, host: app-1}]
  delegate_to: gw-1
  run_once: true
"""

RETURN = r"""
instances:
  description: The instances that were taken out or put back.
  returned: success
  type: list
  elements: dict
  sample: [{service: mail, host: app-1}]
broken:
  description: Whether it failed.
  returned: when it failed
  type: bool
  sample: true
message:
  description: Why it failed.
  returned: when it failed
  type: str
  sample: "The balancer: mail on app-1 is not healthy for it after 30 s (DOWN, L4CON)"
"""
