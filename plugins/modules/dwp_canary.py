#!/usr/bin/python
# Copyright (c) 2026 dwp.backend contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
module: dwp_canary
short_description: Send one request through the gateway and remember under which ids the logs know it
version_added: 0.1.0
description:
  - Sends a GET request from the host of the gateway, with a correlation id of its own. Whatever comes back is a result, not a failure.
  - M(dwp.backend.dwp_triage) then tells from the logs at which hop it was lost.
author:
  - dwp.backend contributors (@dwp-backend)
attributes:
  action:
    support: full
    description: Calls M(ansible.builtin.uri) on the host.
  check_mode:
    support: full
    description: Sends the request too, as a GET changes nothing.
  diff_mode:
    support: none
    description: Changes nothing.
options:
  request:
    description: The request that M(dwp.backend.dwp_question) planned.
    type: dict
    required: true
  timeout:
    description: Limit in seconds.
    type: int
    default: 10
"""

EXAMPLES = r"""
- name: Send a request through the gateway
  dwp.backend.dwp_canary:
    request: "{{ triage_question.question.canary }}"
  delegate_to: "{{ triage_question.question.canary.host }}"
  run_once: true
  register: triage_canary
"""

RETURN = r"""
canary:
  description: What became of it. C(ids) are those under which the logs may know it.
  returned: unless the host is unreachable
  type: dict
  sample:
    id: dwp-canary-20261125123104-77aa01be
    ids: [dwp-canary-20261125123104-77aa01be]
    gateway: gateway
    target: main
    host: app-01
    url: http://127.0.0.1:8080/api/main/health
    status: 500
    message: ""
    latency_ms: 31.0
"""
