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
from ansible_collections.dwp.backend.plugins.plugin_utils.flyway import UnknownDatabase, databases
from ansible_collections.dwp.backend.plugins.plugin_utils.platform import View


class LookupModule(LookupBase):
    def run(self, terms, variables=None, **kwargs):
        try:
            return databases(View(variables, self._templar), [term for term in terms if term])
        except (CatalogueError, UnknownDatabase) as error:
            raise AnsibleLookupError(str(error)) from error
