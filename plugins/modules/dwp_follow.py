#!/usr/bin/python
# Copyright (c) 2026 dwp.backend contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
module: dwp_follow
short_description: Follow a request onto hosts that know it by another id
version_added: 0.1.0
description:
  - A correlation id often ends at the gateway; the services behind it know the request by its trace id or gateway request id. A host on
    which both stand links them, but the other hosts were not asked for what it found. This asks each host for the ids that only others
    found.
  - Reads the same logs as M(dwp.backend.dwp_collect) did, for the ids only. A host that knows all ids already is not reached at all.
author:
  - dwp.backend contributors (@dwp-backend)
attributes:
  action:
    support: full
    description: Runs on the controller, which knows what the other hosts found, and calls M(dwp.backend.dwp_logs) on the host.
  check_mode:
    support: full
    description: Changes nothing in any mode.
  diff_mode:
    support: none
    description: Changes nothing.
options:
  answers:
    description: Name of the variable in which each host holds its result of M(dwp.backend.dwp_collect).
    type: str
    required: true
  since:
    description: Beginning of the window of the logs, as it was asked before.
    type: str
    default: 1h
  until:
    description: End of that window. Empty is now.
    type: str
  time_budget:
    description: Seconds after which reading is given up.
    type: float
    default: 20
seealso:
  - module: dwp.backend.dwp_collect
  - module: dwp.backend.dwp_logs
"""

EXAMPLES = r"""
- name: Ask every host for the ids that others found
  dwp.backend.dwp_follow:
    answers: triage_collected
  when: ansible_play_hosts_all | length > 1
  register: triage_followed
"""

RETURN = r"""
ids:
  description: What this host was asked for; empty if it knew all of it.
  returned: always
  type: list
  elements: str
  sample: [4bf92f3577b34da6a3ce929d0e0e4736]
request_path:
  description: What was found, as M(dwp.backend.dwp_logs) returns it; null if nothing was asked.
  returned: always
  type: dict
  sample: {ids: [4bf92f3577b34da6a3ce929d0e0e4736], services: [mail], steps: [], gaps: []}
not_checked:
  description: What could not be read.
  returned: always
  type: list
  elements: dict
  sample: []
"""
