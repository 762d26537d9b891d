# Copyright (c) 2026 dwp.backend contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
name: infra_postgres_flag
short_description: A setting of PostgreSQL as words of its command line
version_added: 0.1.0
author:
  - dwp.backend contributors (@dwp-backend)
description:
  - Makes C(-c name=value) of a setting; a boolean becomes C(on) or C(off).
options:
  _input:
    description: The setting, as V(dict2items) gives it.
    type: dict
    required: true
"""

EXAMPLES = r"""
- ansible.builtin.debug:
    msg: "{{ {'key': 'max_connections', 'value': 200} | dwp.backend.infra_postgres_flag }}"
"""

RETURN = r"""
_value:
  description: Two words.
  type: list
  elements: str
  sample: ["-c", "max_connections=200"]
"""

from typing import Any


def infra_postgres_flag(setting: Any) -> list[str]:
    value = setting["value"]
    if isinstance(value, bool):
        value = "on" if value else "off"
    return ["-c", f"{setting['key']}={value}"]


class FilterModule:
    def filters(self) -> dict[str, Any]:
        return {"infra_postgres_flag": infra_postgres_flag}
