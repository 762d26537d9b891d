#!/usr/bin/python
# Copyright (c) 2026 dwp.backend contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
module: dwp_platform
short_description: Check the whole platform before any host is reached
version_added: 0.1.0
description:
  - Merges C(dwp_services) and C(dwp_components) over the defaults of the role P(dwp.backend.platform#role), completes and orders them.
  - Reports all problems at once, of the catalogue, of the jars and of the environments that would be deployed.
  - The catalogue that it returns holds names of secrets, never their values.
extends_documentation_fragment:
  - dwp.backend.controller
author:
  - dwp.backend contributors (@dwp-backend)
options:
  artifacts:
    description: Whether the jars in C(dwp_artifacts_dir) are checked (there, whole, right sha256).
    type: bool
    default: false
  environments:
    description: Whether the environments of all instances are checked against the rules of M(dwp.backend.dwp_env_assert).
    type: bool
    default: false
"""

EXAMPLES = r"""
- name: Is the inventory right?
  dwp.backend.dwp_platform:
    artifacts: true
    environments: true
  run_once: true
  register: run
"""

RETURN = r"""
platform:
  description: The catalogue; services, components, edges and waves.
  returned: success
  type: dict
  sample: {environment: staging, waves: [[gateway], [auth], [main], [approval, chat, mail]], selected: [auth]}
deployment:
  description: An id for this run.
  returned: success
  type: str
  sample: 20261123-072020-ae80
notes:
  description: Things worth knowing, for example services without a host.
  returned: success
  type: list
  elements: str
  sample: ["chat: the inventory has no host in group chat; it is not part of this platform"]
"""
