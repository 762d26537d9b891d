# Copyright (c) 2026 dwp.backend contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
name: flyway_databases
short_description: The Flyway databases of the services that live on this host
version_added: 0.1.0
author:
  - dwp.backend contributors (@dwp-backend)
description:
  - One entry for each service with C(database.flyway) whose first host is this one, as the Flyway playbooks take them
    (C(dwp_flyway_databases)). The migrations are those of the release that is active there.
  - Needs the role P(dwp.backend.platform#role) in the same play.
options:
  _terms:
    description: Names of services; all by default. An unknown one, or one without Flyway, is an error.
"""

EXAMPLES = r"""
- name: What Flyway says about each of them
  dwp.backend.flyway_status:
    login_host: "{{ item.host }}"
    login_port: "{{ item.port }}"
    login_db: "{{ item.db }}"
    login_user: "{{ item.user }}"
    login_password: "{{ item.password }}"
    default_schema: "{{ item.schema }}"
    jar: "{{ item.jar }}"
  loop: "{{ query('dwp.backend.flyway_databases') }}"
  loop_control:
    label: "{{ item.service }}"
"""

RETURN = r"""
_raw:
  description: The databases.
  type: list
  elements: dict
"""

from ansible.errors import AnsibleLookupError
from ansible.plugins.lookup import LookupBase

from ansible_collections.dwp.backend.plugins.module_utils._platform.catalogue import CatalogueError
from ansible_collections.dwp.backend.plugins.module_utils._platform.schema import did_you_mean
from ansible_collections.dwp.backend.plugins.plugin_utils.platform import View


class LookupModule(LookupBase):
    def run(self, terms, variables=None, **kwargs):
        view = View(variables, self._templar)
        try:
            platform = view.catalogue()
        except CatalogueError as error:
            raise AnsibleLookupError(str(error)) from error
        with_flyway = {
            name: service for name, service in platform["services"].items()
            if service["database"] and service["database"]["flyway"] and service["hosts"]
        }
        named = [str(term) for term in terms if term]
        wanted = named or platform["selected"]
        unknown = [f'"{name}"{did_you_mean(name, with_flyway)}' for name in named if name not in with_flyway]
        if unknown:
            raise AnsibleLookupError(
                f"no Flyway database of a service {', '.join(unknown)}; services with one are {', '.join(sorted(with_flyway)) or 'none'}"
            )
        found = []
        for name in wanted:
            service = with_flyway.get(name)
            if service is None or service["hosts"][0] != view.host:
                continue
            environment = view.environment(platform, name, view.host).values
            postgres = platform["components"]["postgres"]
            scratch = {
                "host": environment.get("DB_HOST", "localhost"), "port": int(environment.get("DB_PORT", 5432)),
                "user": postgres["admin_user"], "password": postgres["admin_password"], "db": postgres["admin_database"],
            } if postgres.get("admin_password") else None  # who may make a scratch database on the same server
            found.append({
                "service": name,
                "host": environment.get("DB_HOST", "localhost"),
                "port": int(environment.get("DB_PORT", 5432)),
                "db": environment.get("DB_NAME", ""),
                "user": environment.get("DB_USERNAME", ""),
                "password": environment.get("DB_PASSWORD", ""),
                "schema": service["database"]["schema"] if service["database"]["schema"] != "public" else "",
                "ssl_mode": postgres.get("ssl_mode", "prefer"),
                **({"table": service["database"]["table"]} if service["database"].get("table") else {}),
                **({"scratch": scratch} if scratch else {}),
                **({"undo_locations": service["database"]["undo_locations"]} if service["database"].get("undo_locations") else {}),
                "jar": f"{view.get('dwp_root')}/services/{name}/current/app.jar",
            })
        return found
