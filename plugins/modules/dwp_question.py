#!/usr/bin/python
# Copyright (c) 2026 dwp.backend contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
module: dwp_question
short_description: Understand what a triage is asked, and go on without what cannot be understood
version_added: 0.1.0
description:
  - Checks the variables of a triage on the controller, before any host is asked. A wrong time, id, budget or signature is told in
    RV(not_checked) and replaced by the default, so that somebody in an incident gets an answer all the same.
  - Plans the request of M(dwp.backend.dwp_canary), if one is wanted.
extends_documentation_fragment:
  - dwp.backend.controller
author:
  - dwp.backend contributors (@dwp-backend)
options:
  platform:
    description: The catalogue, from M(dwp.backend.dwp_platform).
    type: dict
    required: true
  since:
    description: Beginning of the window, in the forms of O(dwp.backend.dwp_logs#module:since). One hour ago by default.
    type: raw
  until:
    description: End of the window, in the same forms. Now by default.
    type: raw
  ids:
    description: Ids of requests to follow, a list or words separated by commas.
    type: raw
  time_budget:
    description: Seconds that each host may take, 1 to 3600, 20 by default.
    type: raw
  signatures:
    description: Failures known to the site, as O(dwp.backend.dwp_logs#module:signatures).
    type: raw
  canary:
    description: True for a request through the gateway on the path of its first business probe, or the path.
    type: raw
  canary_headers:
    description: Headers of that request.
    type: raw
"""

EXAMPLES = r"""
- name: Understand the question
  dwp.backend.dwp_question:
    platform: "{{ platform_run.platform }}"
    since: 2h
    ids: 3f0f2f6e-8a61-4f0b-9a53-2a1f4de1c6a7
  run_once: true
  register: triage_question
"""

RETURN = r"""
question:
  description: The options as they can be used, and the planned request of the canary.
  returned: always
  type: dict
  sample: {since: 2h, until: null, ids: [3f0f2f6e-8a61-4f0b-9a53-2a1f4de1c6a7], time_budget: 20.0, signatures: [], canary: null}
not_checked:
  description: What could not be understood, and what was done instead.
  returned: always
  type: list
  elements: dict
  sample:
    - {what: dwp_time_budget, where: -e dwp_time_budget=soon, why: "it must be a number of seconds, 1 to 3600; 20 was used"}
"""
