#!/usr/bin/python
# Copyright (c) 2026 dwp.backend contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
module: dwp_flyway_table
short_description: Show the Flyway state of all databases as one table
version_added: 0.1.0
description:
  - Joins what M(dwp.backend.flyway_status) answered in a loop on each host into one table, with what is wrong below it.
extends_documentation_fragment:
  - dwp.backend.controller
author:
  - dwp.backend contributors (@dwp-backend)
options:
  results:
    description: Name of the variable in which each host holds the registered loop over M(dwp.backend.flyway_status).
    type: str
    required: true
  strict:
    description: Fail when a history is not valid or cannot be read.
    type: bool
    default: false
"""

EXAMPLES = r"""
- name: The databases
  dwp.backend.dwp_flyway_table:
    results: flyway_asked
  run_once: true
"""

RETURN = r"""
invalid:
  description: Services whose history is not valid or cannot be read.
  returned: always
  type: list
  elements: str
  sample: []
"""
