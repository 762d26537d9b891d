# Copyright (c) 2026 dwp.backend contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Parts of the argument specifications that the modules of the infrastructure share."""

from __future__ import annotations

from typing import Any

POSTGRES: dict[str, Any] = dict(
    type="dict",
    options=dict(
        port=dict(type="int", default=5432),
        listen=dict(type="list", elements="str", default=["127.0.0.1"]),
        admin_user=dict(type="str", default="postgres"),
        admin_password=dict(type="str", no_log=True),
        settings=dict(type="dict", default={}),
    ),
)
REDIS: dict[str, Any] = dict(
    type="dict",
    options=dict(
        port=dict(type="int", default=6379),
        listen=dict(type="list", elements="str", default=["127.0.0.1"]),
        password=dict(type="str", no_log=True),
        settings=dict(type="dict", default={}),
    ),
)
DATABASES: dict[str, Any] = dict(
    type="list",
    elements="dict",
    default=[],
    options=dict(
        name=dict(type="str", required=True),
        schema=dict(type="str", default="public"),
        user=dict(type="str", required=True),
        password=dict(type="str", required=True, no_log=True),
    ),
)
