#!/usr/bin/python
# Copyright (c) 2026 dwp.backend contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
module: dwp_wave
short_description: Activate and gate the services of one wave on a host, showing what is waited for
version_added: 0.1.0
description:
  - Calls M(dwp.backend.dwp_service) in slices of five seconds and prints a line after each, with any callback.
  - A service that fails its gate does not fail the task; RV(broken) says so, because the play has to go on to turn the fleet back.
extends_documentation_fragment:
  - dwp.backend.host.root
  - dwp.backend.host.services
author:
  - dwp.backend contributors (@dwp-backend)
attributes:
  action:
    support: full
    description: Runs on the controller and calls M(dwp.backend.dwp_service) on the target.
  check_mode:
    support: full
    description: Says what would be done.
  diff_mode:
    support: none
    description: See M(dwp.backend.dwp_stage).
options:
  services:
    description: The services with what is to be done, see O(dwp.backend.dwp_service#module:services).
    type: list
    elements: dict
    default: []
  deployment:
    description: Id of the deployment.
    type: str
    default: ""
  keep:
    description: Number of releases kept per service.
    type: int
    default: 5
  settle:
    description:
      - Seconds for which a service has to stay healthy, in the same process, after its gate; 0 if nobody watches.
      - What passed its gate earlier in O(deployment) is looked at along the way.
    type: float
    default: 0
  watch:
    description: Do nothing but watch what passed its gate in O(deployment) until O(settle) seconds after that.
    type: bool
    default: false
  end:
    description:
      - Whether nothing on a host follows this step. If all of it is good, the end of O(deployment) goes into the journal and its lock
        is given back in the same call (RV(ended)); otherwise both are left to M(dwp.backend.dwp_lock).
    type: bool
    default: false
  undo:
    description: Go back to the last known good releases instead, for services that O(deployment) touched.
    type: bool
    default: false
  stop:
    description: Stop the services instead, gracefully.
    type: bool
    default: false
"""

EXAMPLES = r"""
- name: Restart auth and wait until it is healthy
  dwp.backend.dwp_wave:
    root: /opt/dwp
    services:
      - {name: auth, action: restart}
"""

RETURN = r"""
services:
  description: Outcome per service, see M(dwp.backend.dwp_service).
  returned: success
  type: dict
  sample: {auth: {healthy: true, cause: ok, start_seconds: 12.4}}
ended:
  description: Whether the end of the run is in the journal, and its lock given back.
  returned: when O(end) was given, and all of it is good
  type: bool
  sample: true
broken:
  description: Whether a service failed its gate or the host refused.
  returned: when something went wrong
  type: bool
  sample: true
message:
  description: Why, with the last words of the services.
  returned: when something went wrong
  type: str
  sample: "main on app-02 did not pass its gate: ..."
"""
