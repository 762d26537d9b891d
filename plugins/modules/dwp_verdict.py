#!/usr/bin/python
# Copyright (c) 2026 dwp.backend contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
module: dwp_verdict
short_description: Tell whether a wave succeeded on all hosts
version_added: 0.1.0
description:
  - Reads the results of M(dwp.backend.dwp_wave) on all hosts of the play, lost ones included.
extends_documentation_fragment:
  - dwp.backend.controller
author:
  - dwp.backend contributors (@dwp-backend)
options:
  results:
    description: Name of the variable in which each host holds its result.
    type: str
    required: true
  earlier:
    description: The verdict on the step before; if that is broken, it is the answer.
    type: dict
    default: {}
  step:
    description: Number of the step that is judged, for RV(steps).
    type: int
  balancer:
    description: Results of M(dwp.backend.dwp_drain) that count too.
    type: list
    elements: dict
    default: []
"""

EXAMPLES = r"""
- name: All healthy
  dwp.backend.dwp_verdict:
    results: service_waved
  run_once: true
  register: verdict
"""

RETURN = r"""
broken:
  description: Whether anything went wrong.
  returned: success
  type: bool
  sample: false
ended:
  description: Whether the lock was given back with the last step, see O(dwp.backend.dwp_wave#module:end).
  returned: success
  type: bool
  sample: false
steps:
  description: Numbers of the steps that were begun, hence those that an undo goes over.
  returned: when O(step) was given
  type: list
  elements: int
  sample: [1, 2]
status:
  description: What the gates saw, by host and service, as M(dwp.backend.dwp_status) returns it.
  returned: success
  type: dict
  sample: {}
problems:
  description: What went wrong, host by host.
  returned: success
  type: list
  elements: str
  sample: []
"""
