# Copyright (c) 2026 dwp.backend contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
name: infrastructure
short_description: What the services of this host need of PostgreSQL and Redis, and what its balancer has to do
version_added: 0.1.0
author:
  - dwp.backend contributors (@dwp-backend)
description:
  - Derives from the platform catalogue what the role P(dwp.backend.infra#role) takes. Templated late and per host, so that the
    credentials in it never become facts.
  - Needs the role P(dwp.backend.platform#role) in the same play.
options: {}
"""

EXAMPLES = r"""
- name: Bring up and prove PostgreSQL and Redis
  ansible.builtin.import_role:
    name: dwp.backend.infra
  vars:
    infra_components: "{{ lookup('dwp.backend.infrastructure').components }}"
    infra_databases: "{{ lookup('dwp.backend.infrastructure').databases }}"
"""

RETURN = r"""
_raw:
  description: A dictionary with C(components), C(here), C(databases), C(images), C(clients), C(proofs) and, on its host, C(balancer).
  type: list
  elements: dict
"""

import copy

from ansible.errors import AnsibleLookupError
from ansible.plugins.lookup import LookupBase

from ansible_collections.dwp.backend.plugins.module_utils._platform import balancer
from ansible_collections.dwp.backend.plugins.module_utils._platform import environment as derive
from ansible_collections.dwp.backend.plugins.module_utils._platform.catalogue import CatalogueError
from ansible_collections.dwp.backend.plugins.plugin_utils.platform import View


def component(view, platform, name, clients):
    """One component as the role takes it."""
    entry = platform["components"][name]
    on_host = entry["hosts"][0] if entry["hosts"] and entry["provider"] != "external" else None
    listen = [entry["listen"]] if entry.get("listen") else ["127.0.0.1"]
    if on_host and clients and not entry.get("listen"):
        listen.append(view.address(on_host))
    kept = {key: entry.get(key) for key in ("provider", "port", "admin_user", "admin_password", "settings")}
    if name == "redis":
        kept["password"] = entry.get("password")
    kept.update(host=derive.component_address(entry, view.host, view.address), on_host=on_host, listen=listen)
    return {key: value for key, value in kept.items() if value is not None}


#: The last answer and the variables that it was made from. A role asks for every part of it many times in one task, and
#: each asking would template the whole inventory again; another task has other variables, so nothing stale is answered.
_last = [None, None]


class LookupModule(LookupBase):
    def run(self, terms, variables=None, **kwargs):
        if _last[0] is None or _last[0] is not variables:
            _last[:] = [variables, self._derive(variables)]
        return [copy.deepcopy(_last[1])]

    def _derive(self, variables):
        view = View(variables, self._templar)
        try:
            platform = view.catalogue()
        except CatalogueError as error:
            raise AnsibleLookupError(str(error)) from error
        databases, clients, proofs = {}, {"postgres": set(), "redis": set()}, []
        for name, service in platform["services"].items():
            for host in service["hosts"]:
                environment = view.environment(platform, name, host).values
                if service["database"]:
                    key = environment.get("DB_NAME", "")
                    entry = databases.setdefault(key, {
                        "name": key, "schema": service["database"]["schema"], "user": environment.get("DB_USERNAME", ""),
                        "password": environment.get("DB_PASSWORD", ""), "services": [],
                    })
                    if name not in entry["services"]:
                        entry["services"].append(name)
                for kind, wanted in (("postgres", service["database"]), ("redis", service["redis"] != "none")):
                    if wanted and host not in platform["components"][kind]["hosts"]:
                        clients[kind].add(view.address(host))
                if host == view.host and name in platform["selected"]:
                    proofs += derive.infrastructure_probes(platform, name, environment)
        used = [k for k in ("postgres", "redis") if any(p["ladder"][0]["kind"] == k for p in proofs) or clients[k]
                or view.host in platform["components"][k]["hosts"]]
        return {
            "components": {k: component(view, platform, k, clients[k]) for k in used},
            "here": [k for k in used if view.host in platform["components"][k]["hosts"]
                     and platform["components"][k]["provider"] != "external"],
            "databases": sorted(databases.values(), key=lambda d: d["name"]),
            "images": {k: platform["components"][k]["image"] for k in used if platform["components"][k].get("image")},
            "clients": sorted(clients["postgres"] | clients["redis"]),
            "proofs": proofs,
            "balancer": balancer.configuration(platform, view.address) if view.host in platform["components"]["balancer"]["hosts"] else {},
        }
