#!/usr/bin/python
# Copyright (c) 2026 dwp.backend contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
module: dwp_report
short_description: Show the end of a run as a table
version_added: 0.1.0
description:
  - A table of all instances that the inventory wants, with release, state, health, port and start time, then the critical chain.
  - Printed by a task, so that it appears with any callback; plain text when the output is no terminal.
author:
  - dwp.backend contributors (@dwp-backend)
attributes:
  action:
    support: full
    description: Runs on the controller; no host is reached.
  check_mode:
    support: full
    description: Writes no file.
  diff_mode:
    support: none
    description: Changes nothing.
options:
  title:
    description: Head line.
    type: str
    required: true
  platform:
    description: The catalogue as M(dwp.backend.dwp_platform) returned it.
    type: dict
    required: true
  statuses:
    description: Name of the variable in which each host holds the result of M(dwp.backend.dwp_status).
    type: str
    required: true
  known:
    description:
      - Name of the variable that holds the result of M(dwp.backend.dwp_stage) with C(compare), whose C(status) is reported for a host
        where O(statuses) was skipped.
    type: str
    default: ""
  gated:
    description: What the gates of this run saw since, by host and service; the C(status) of M(dwp.backend.dwp_verdict).
    type: dict
    default: {}
  deployment:
    description: Id of the deployment whose starts make the critical chain; empty for none.
    type: str
    default: ""
  run:
    description: Id of this very run, whose own locks are not worth a word.
    type: str
    default: ""
  broken:
    description: What went wrong in this run; makes the task fail in the end, whatever the state is now.
    type: list
    elements: str
    default: []
  turned_back:
    description: Whether what went wrong was turned back, for the words about the end state.
    type: bool
    default: false
  taken_back:
    description: Name of the variable in which hosts hold the result of M(dwp.backend.dwp_take_back); its C(taken) is part of the end state.
    type: str
    default: ""
  resumed:
    description: Whether another one was not taken back, so that the newer releases were started again and migrate again.
    type: bool
    default: false
  report_dir:
    description: Directory on the controller for a JSON report; empty for none.
    type: str
    default: ""
  hints:
    description: Lines shown at the end when everything is healthy.
    type: list
    elements: str
    default: []
  strict:
    description: Fail when an instance is not healthy.
    type: bool
    default: true
"""

EXAMPLES = r"""
- name: The platform
  dwp.backend.dwp_report:
    title: Status
    platform: "{{ platform_run.platform }}"
    statuses: service_status
    strict: false
  run_once: true
"""

RETURN = r"""
report:
  description: The report; C(instances) has one entry per service and host.
  returned: success
  type: dict
  sample: {schema_version: 1, environment: demo, instances: [{service: auth, host: app-01, healthy: true, port: 8001}]}
outcome:
  description: V(ok), V(undone) (something failed, and everything is healthy on its last known good release) or V(failed).
  returned: always
  type: str
  sample: ok
"""
