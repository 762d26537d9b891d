#!/usr/bin/python
# Copyright (c) 2026 dwp.backend contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
module: dwp_triage
short_description: One verdict out of what all hosts told
version_added: 0.1.0
description:
  - Takes what M(dwp.backend.dwp_collect) brought from all hosts of the play and tells what is broken, why, what only suffers from it and
    what to do next, with evidence and confidence; or that the cause is not known, and where to look.
  - Prints at most 25 lines and writes C(report.json) and C(report.html) into a directory of their own, readable by this user alone.
  - What cannot be read (a baseline, failures of the site) is listed as not checked; the rest is still told.
  - The report is described in C(docs/triage.md).
author:
  - dwp.backend contributors (@dwp-backend)
attributes:
  action:
    support: full
    description: Runs on the controller; no host is reached.
  check_mode:
    support: full
    description: Prints the verdict and writes no files.
  diff_mode:
    support: none
    description: Changes nothing on any host.
options:
  platform:
    description: The catalogue, from M(dwp.backend.dwp_platform).
    type: dict
    required: true
  deployment:
    description: RV(dwp.backend.dwp_platform#module:deployment) of this run; its time tells how long the run took.
    type: str
    default: ""
  answers:
    description: Name of the variable in which each host holds its result of M(dwp.backend.dwp_collect).
    type: str
    required: true
  followed:
    description: Name of the variable in which each host holds its result of M(dwp.backend.dwp_follow), if it was asked.
    type: str
    default: ""
  not_checked:
    description: What is already known not to have been asked, as M(dwp.backend.dwp_question) returns it.
    type: list
    elements: dict
    default: []
  canary:
    description: The request that was sent through the gateway before, from M(dwp.backend.dwp_canary).
    type: dict
  signatures:
    description: Failures known to the site, as O(dwp.backend.dwp_logs#module:signatures).
    type: list
    elements: dict
    default: []
  baseline:
    description: An earlier C(report.json), or its directory, to compare with.
    type: str
    default: ""
  report_dir:
    description:
      - Directory on the controller for the reports, each in C(triage-<environment>-<time>). Empty is
        C(~/.local/state/dwp-backend/<environment>).
    type: str
    default: ""
  strict:
    description: Fail when the platform is not healthy.
    type: bool
    default: false
seealso:
  - module: dwp.backend.dwp_collect
  - module: dwp.backend.dwp_logs
"""

EXAMPLES = r"""
- name: Ask every host
  dwp.backend.dwp_collect:
    platform: "{{ platform_run.platform }}"
  register: triage_collected

- name: Tell what is wrong
  dwp.backend.dwp_triage:
    platform: "{{ platform_run.platform }}"
    answers: triage_collected
  run_once: true
"""

RETURN = r"""
verdict:
  description: What is wrong, where, since when, how sure that is, and what to do next.
  returned: always
  type: dict
  sample:
    status: down
    failure: PG_REFUSED
    service: postgres
    host: db-01
    title: "PostgreSQL does not run on db-01: nothing listens on its port 5432"
    confidence: high
    reasons: ["it was asked directly: probe of dwp_user@10.0.3.21:5432/dwp_auth from app-01", "its health agrees: postgres is down"]
    since: "2026-11-25T12:22:40.871Z"
    next_action:
      command: ansible-playbook playbooks/deploy.yml -i inventories/prod --tags infra
      risk: restart
      verify: pg_isready -h 10.0.3.21 -p 5432 says accepting connections
      where: the controller
victims:
  description: Services that only suffer from it.
  returned: always
  type: list
  elements: str
  sample: [auth, gateway, main]
lines:
  description: What was printed.
  returned: always
  type: list
  elements: str
  sample: ["DOWN: PG_REFUSED, postgres on db-01 (confidence: high)"]
paths:
  description: Files that were written.
  returned: always
  type: list
  elements: str
  sample: [/home/kim/reports/triage-prod-20261125-123107/report.json, /home/kim/reports/triage-prod-20261125-123107/report.html]
"""
