# Copyright (c) 2026 dwp.backend contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
name: infra_redis_conf
short_description: Configuration of Redis in a container
version_added: 0.1.0
author:
  - dwp.backend contributors (@dwp-backend)
description:
  - Text of a C(redis.conf) for a server that listens on all addresses of its container; what reaches it is decided by the published ports.
options:
  _input:
    description: The component, with C(password) and C(settings).
    type: dict
    required: true
"""

EXAMPLES = r"""
- ansible.builtin.debug:
    msg: "{{ {'password': 'secret', 'settings': {'appendonly': true}} | dwp.backend.infra_redis_conf }}"
"""

RETURN = r"""
_value:
  description: Text of the file.
  type: str
  sample: "bind 0.0.0.0\nport 6379\nprotected-mode yes\nappendonly yes\nrequirepass secret\n"
"""

from typing import Any

from ansible_collections.dwp.backend.plugins.module_utils._infra_config import redis_settings, redis_wanted


def infra_redis_conf(component: Any) -> str:
    inside = {
        "listen": ["0.0.0.0"],
        "port": 6379,
        "password": component.get("password"),
        "settings": component.get("settings") or {},
    }
    # without a password, protection would turn away everyone who comes through the published port
    protected = {} if component.get("password") else {"protected-mode": False}
    return redis_settings({**redis_wanted(inside, appendonly=True, dir="/data"), **protected})


class FilterModule:
    def filters(self) -> dict[str, Any]:
        return {"infra_redis_conf": infra_redis_conf}
