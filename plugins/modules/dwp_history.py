#!/usr/bin/python
# Copyright (c) 2026 dwp.backend contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
module: dwp_history
short_description: Show the deployments of an environment as a table
version_added: 0.1.0
description:
  - Joins the journals that M(dwp.backend.dwp_lock) read on each host. A deployment without an end was interrupted.
  - A name with C(!) failed its gate, one with C(?) was being activated when the run was interrupted.
extends_documentation_fragment:
  - dwp.backend.controller
author:
  - dwp.backend contributors (@dwp-backend)
options:
  journals:
    description: Name of the variable in which each host holds its journal.
    type: str
    required: true
  last:
    description: Number of deployments to show.
    type: int
    default: 20
"""

EXAMPLES = r"""
- name: Read the journals
  dwp.backend.dwp_lock:
    root: /opt/dwp
    state: shown
  register: history_read

- name: The deployments
  dwp.backend.dwp_history:
    journals: history_read
  run_once: true
"""

RETURN = r"""
deployments:
  description: The deployments, oldest first.
  returned: success
  type: list
  elements: dict
  sample:
    - deployment: 20261123-072020-ae80
      kind: deployment
      owner: kim@ci-runner-3
      began: "2026-11-23T07:20:20.100+00:00"
      ended: "2026-11-23T07:22:15.900+00:00"
      outcome: ok
      hosts: [app-01]
      services: {auth@app-01: {release: 7f3c2a1-5d10e9c0, outcome: good, seconds: 12.4}}
"""
