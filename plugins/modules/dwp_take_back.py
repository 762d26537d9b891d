#!/usr/bin/python
# Copyright (c) 2026 dwp.backend contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
module: dwp_take_back
short_description: Take back the migrations that the older releases of a rollback do not know
version_added: 0.1.0
description:
  - Calls M(dwp.backend.flyway_rollback), with all of its refusals, for each database that M(dwp.backend.dwp_plan) gave this host, with the
    migrations in the jar of the newer release, and asks the history afterwards.
  - Its options are those of the playbook flyway_rollback.yml, C(dwp_flyway_allow_data_loss) and so on, read from the variables of the host.
  - The role P(dwp.backend.platform#role) has to be imported before; the credentials are those of the inventory.
  - All services on the databases have to be stopped before O(action=rehearse) and O(action=apply).
extends_documentation_fragment:
  - dwp.backend.host.root
author:
  - dwp.backend contributors (@dwp-backend)
attributes:
  action:
    support: full
    description: Runs on the controller and calls M(dwp.backend.flyway_rollback) on the target.
  check_mode:
    support: full
    description: Never goes past the plan.
  diff_mode:
    support: none
    description: See M(dwp.backend.flyway_rollback).
options:
  action:
    description:
      - V(plan) shows what would be done and fails with everything that would be refused. It only reads.
      - V(rehearse) does all of it in a transaction and takes it back. V(apply) does it.
      - These two do not fail the task; RV(broken) says that they did, because what was stopped has to be started again.
    type: str
    choices: [plan, rehearse, apply]
    required: true
  databases:
    description: The databases of this host, from M(dwp.backend.dwp_plan).
    type: list
    elements: dict
    required: true
  plans:
    description: RV(plans) of O(action=plan), so that what was looked at is what is done.
    type: dict
    default: {}
  deployment:
    description: Id of the deployment, which has to hold the lock of the host.
    type: str
    default: ""
"""

EXAMPLES = r"""
- name: What taking the databases back would mean
  dwp.backend.dwp_take_back:
    action: plan
    root: /opt/dwp
    databases: "{{ plan.databases[inventory_hostname] | default([]) }}"
"""

RETURN = r"""
plans:
  description: The id of the plan of each database, by its service.
  returned: with action=plan
  type: dict
  sample: {main: 5f0c2d6a9b1e4c77}
taken:
  description: The databases that were taken back, for the report.
  returned: with action=apply
  type: list
  elements: dict
  sample: [{database: dwp_main, versions: ["5"], schema_version: "4"}]
broken:
  description: Whether a database was not taken back.
  returned: when something went wrong
  type: bool
  sample: true
message:
  description: Why, and what is to be said about the state.
  returned: when something went wrong
  type: str
  sample: "Database dwp_main was not taken back: its rehearsal failed: ..."
"""
