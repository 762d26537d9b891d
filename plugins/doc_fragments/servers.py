# Copyright (c) 2026 dwp.backend contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Options of the modules that run PostgreSQL and Redis; their specification is in module_utils/_infra_spec.py."""

from __future__ import annotations


class ModuleDocFragment:
    DOCUMENTATION = r"""
options:
  postgres:
    description: PostgreSQL, if it is to run here.
    type: dict
    suboptions:
      port:
        description: TCP port.
        type: int
        default: 5432
      listen:
        description: Addresses to listen on.
        type: list
        elements: str
        default: [127.0.0.1]
      admin_user:
        description:
          - Name of the administrator. Fixed once the data directory is initialised.
          - Distribution packages do not use it, since the server's own user logs in over its socket.
        type: str
        default: postgres
      admin_password:
        description: Password of the administrator. Generated and kept in a file if not given. Distribution packages do not use it.
        type: str
      settings:
        description: Further settings of C(postgresql.conf).
        type: dict
        default: {}
  redis:
    description: Redis, if it is to run here.
    type: dict
    suboptions:
      port:
        description: TCP port.
        type: int
        default: 6379
      listen:
        description: Addresses to listen on.
        type: list
        elements: str
        default: [127.0.0.1]
      password:
        description: Password that clients need. Required if Redis listens on more than loopback addresses.
        type: str
      settings:
        description: Further settings of C(redis.conf); a list gives one line for each element.
        type: dict
        default: {}
  databases:
    description: Databases that services need, and the users that own them.
    type: list
    elements: dict
    default: []
    suboptions:
      name:
        description: Name of the database.
        type: str
        required: true
      schema:
        description: Schema in which the service keeps its tables.
        type: str
        default: public
      user:
        description: User that the service logs in as. Owns the database if it is created.
        type: str
        required: true
      password:
        description: Password of that user.
        type: str
        required: true
  clients:
    description: Addresses, networks or host names that PostgreSQL lets in, besides this host.
    type: list
    elements: str
    default: []
"""
