# Copyright (c) 2026 dwp.backend contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
name: infra_dry_run
short_description: What the proofs of a dry run mean
version_added: 0.1.0
author:
  - dwp.backend contributors (@dwp-backend)
description:
  - A login that fails in check mode is no mistake if the next run creates or changes the component first. This tells the two apart.
positional: proof, states, components
options:
  _input:
    description: The probes that were asked.
    type: list
    elements: dict
    required: true
  proof:
    description: The result of M(dwp.backend.dwp_health) with O(dwp.backend.dwp_health#module:fail=false).
    type: dict
    required: true
  states:
    description: By kind of component, what the module that provides it returned for it (C(there), C(as_wanted)); empty if none ran.
    type: dict
    required: true
  components:
    description: The components of the role C(infra), for their C(on_host).
    type: dict
    required: true
"""

EXAMPLES = r"""
- ansible.builtin.debug:
    msg: "{{ infra_proofs | dwp.backend.infra_dry_run(infra__proof, infra__states, infra_components) }}"
"""

RETURN = r"""
_value:
  description: C(not_checked) is what the next run changes before it proves it, C(broken) what it would stumble over.
  type: dict
  sample: {not_checked: ["auth: database dwp_auth (PostgreSQL on db-1 is not there yet)"], broken: []}
"""

from typing import Any

from ansible_collections.dwp.backend.plugins.module_utils._infra_config import LABELS


def infra_dry_run(probes: list[Any], proof: Any, states: Any, components: Any) -> dict[str, list[str]]:
    not_checked, broken = [], []
    if "services" not in proof:  # a library that the next run installs
        return {"not_checked": [str(proof.get("msg", "the proof gave no answer"))], "broken": []}
    for probe in probes:
        answer = proof["services"][probe["name"]]
        if answer["healthy"]:
            continue
        kind = probe["ladder"][0]["kind"]
        state = states.get(kind) or {}
        where = f"{LABELS.get(kind, kind)} on {(components.get(kind) or {}).get('on_host')}"
        if not state or state.get("as_wanted"):
            broken.append(answer["message"])
        elif state.get("there"):
            not_checked.append(f"{probe['name']} ({where} is changed by the next run)")
        else:
            not_checked.append(f"{probe['name']} ({where} is not there yet)")
    return {"not_checked": not_checked, "broken": broken}


class FilterModule:
    def filters(self) -> dict[str, Any]:
        return {"infra_dry_run": infra_dry_run}
