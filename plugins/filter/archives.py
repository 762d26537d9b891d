# Copyright (c) 2026 dwp.backend contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Filter of the deployment playbooks: which CDS archives are to be made."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any


def archives_to_make(
    platform: Mapping[str, Any], host: str, when: str, plan: Mapping[str, Mapping[str, Any]] | None = None,
    seen: Mapping[str, Mapping[str, Any]] | None = None,
) -> dict[str, str | None]:
    """Service and release (None: the active one) for which dwp_archive is to look for an archive.

    ``plan``: what staging decided for this host. ``seen``: what comparing saw; where the plan leaves a service alone and
    its archive is there (or cannot be had), nobody has to be asked.
    """
    found: dict[str, str | None] = {}
    for name in platform["selected"]:
        service, planned = platform["services"][name], (plan or {}).get(name, {})
        if host not in service["hosts"] or service["fast_start"] != when:
            continue
        archive = (seen or {}).get(name, {}).get("archive") or {}
        settled = archive.get("state") in ("used", "ready") or bool(archive.get("final"))
        if not (settled and planned.get("action") in ("none", "gate", "restart", "start")):
            found[name] = planned.get("release")
    return found


class FilterModule:
    def filters(self) -> dict[str, Any]:
        return {"archives_to_make": archives_to_make}
