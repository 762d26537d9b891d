# Copyright (c) 2026 dwp.backend contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
name: infra_providers
short_description: Who provides PostgreSQL and Redis on a host
version_added: 0.1.0
author:
  - dwp.backend contributors (@dwp-backend)
description:
  - Tells from the registered platform, which has no secrets, which parts of the role P(dwp.backend.infra#role) a host needs.
    The lookup P(dwp.backend.infrastructure#lookup) knows it too, but derives every credential on the way.
options:
  _input:
    description: The platform, as M(dwp.backend.dwp_platform) returns it.
    type: dict
    required: true
  host:
    description: Name of the host in the inventory.
    type: str
    required: true
"""

EXAMPLES = r"""
- name: What this host provides
  ansible.builtin.debug:
    msg: "{{ platform_run.platform | dwp.backend.infra_providers(inventory_hostname) }}"
"""

RETURN = r"""
_value:
  description: C(embedded), C(packages), C(docker_compose) for what lives on the host; C(external) if a service on it uses what
    others provide, C(haproxy) if it is the balancer's host.
  type: list
  elements: str
"""

from collections.abc import Mapping
from typing import Any


def infra_providers(platform: Mapping[str, Any], host: str) -> list[str]:
    components = {name: entry for name, entry in platform["components"].items() if name in ("postgres", "redis")}
    here = [e["provider"] for e in components.values() if e["provider"] != "external" and host in e["hosts"]]
    services = [platform["services"][n] for n in platform["selected"] if host in platform["services"][n]["hosts"]]
    used = {"postgres": any(s["database"] for s in services), "redis": any(s["redis"] != "none" for s in services)}
    external = any(used[name] and entry["provider"] == "external" for name, entry in components.items())
    balancer = platform["components"]["balancer"]
    haproxy = balancer["provider"] == "packages" and host in balancer["hosts"]
    return sorted(set(here)) + (["external"] if external else []) + (["haproxy"] if haproxy else [])


class FilterModule:
    def filters(self) -> dict[str, Any]:
        return {"infra_providers": infra_providers}
