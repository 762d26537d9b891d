#!/usr/bin/python
# Copyright (c) 2026 dwp.backend contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
module: dwp_plan
short_description: Show what a deployment is going to do, over all hosts
version_added: 0.1.0
description:
  - Joins what M(dwp.backend.dwp_stage) found on each host into one list in start order, and into the waves that have work.
extends_documentation_fragment:
  - dwp.backend.controller
author:
  - dwp.backend contributors (@dwp-backend)
options:
  platform:
    description: The catalogue as M(dwp.backend.dwp_platform) returned it.
    type: dict
    required: true
  plans:
    description: Name of the variable in which each host holds the result of M(dwp.backend.dwp_stage).
    type: str
    required: true
  rolling:
    description:
      - Whether instances behind the balancer are touched one after another; C(dwp_serial) in the inventory sets another number either way.
    type: bool
    default: true
  schemas:
    description:
      - Name of the variable in which each host holds the result of M(dwp.backend.dwp_schema), if it was asked, unless the result
        in O(plans) has it (C(schema)). Its notes are shown; what would keep a service from starting fails the task.
    type: str
    default: ""
  database:
    description:
      - For a rollback, what becomes of migrations that the older release does not know. V(plan) says how to take them back,
        V(keep) says nothing, V(apply) plans to take them back before the releases are switched (M(dwp.backend.dwp_take_back)), or fails
        if somebody would be left who applies them again.
    type: str
    choices: [plan, keep, apply]
  strict:
    description: Fail when a host reports problems.
    type: bool
    default: false
"""

EXAMPLES = r"""
- name: What is going to happen
  dwp.backend.dwp_plan:
    platform: "{{ platform_run.platform }}"
    plans: service_staged
  run_once: true
"""

RETURN = r"""
waves:
  description: Waves in which at least one service has something to do.
  returned: success
  type: list
  elements: list
  sample: [[auth], [main]]
steps:
  description:
    - The same as what is done at once. A wave is one step, or several where instances follow one another; waves that follow one another
      on one host alone are one step. C(instances) names for each host the services in rounds, one after another; C(drain) the
      instances that leave the balancer meanwhile.
  returned: success
  type: list
  elements: dict
  sample:
    - {number: 1, wave: 4, label: mail on app-1, instances: {app-1: [[mail]]}, drain: [{service: mail, host: app-1}]}
todo:
  description: What each host has to do. For a rollback after an interrupted deployment, without the services that it did not touch.
  returned: success
  type: dict
  sample: {app-1: {auth: {action: replace, release: 7f3c2a1-88aa01de}}}
databases:
  description: With O(database=apply), what M(dwp.backend.dwp_take_back) takes back on each host.
  returned: when there are any
  type: dict
  sample: {app-1: [{service: main, database: dwp_main, schema: public, versions: ["5"], release: 7f3c2a1-88aa01de, host: app-1, users: []}]}
stop:
  description: The services to stop for that, by host, as a plan that starts them again.
  returned: with RV(databases)
  type: dict
  sample: {app-1: {main: {action: start}}}
resume:
  description: The steps that start them again, if the databases stay as they are.
  returned: with RV(databases)
  type: list
  elements: dict
  sample: []
question:
  description: What a person has to confirm.
  returned: with RV(databases)
  type: str
  sample: take 5 of database dwp_main back
lines:
  description: What was shown.
  returned: success
  type: list
  elements: str
  sample: ["  wave 2  replace  auth: environment (JWT_SECRET) changed"]
"""
