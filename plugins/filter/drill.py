# Copyright (c) 2026 dwp.backend contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Filters of rollback_drill.yml."""

from __future__ import annotations

import textwrap
from collections.abc import Mapping
from typing import Any

from ansible.errors import AnsibleFilterError

from ansible_collections.dwp.backend.plugins.module_utils import _drill
from ansible_collections.dwp.backend.plugins.plugin_utils.platform import plain
from ansible_collections.dwp.backend.plugins.plugin_utils.table import table


def drill_overlay(how: str, service: str, environment: str, allowed: bool) -> dict[str, Any]:
    """Refuses by itself where no drill is allowed: this is what makes a release bad."""
    refused = _drill.refusals(environment, allowed)
    if refused:
        raise AnsibleFilterError("; ".join(refused))
    return _drill.overlay(how, service)


def drill_report(hosts: Mapping[str, Mapping[str, Any]], *args: Any, **kwargs: Any) -> dict[str, Any]:
    return _drill.report(plain(hosts), *args, **kwargs)


def drill_lines(report: Mapping[str, Any]) -> list[str]:
    """For people: the table and whether the platform is as it was."""
    title = [f"Rollback drill in {report['environment']}, {report['break']}:", *textwrap.wrap(report["what"], 70)]
    # debug breaks longer lines
    return [*title, "", *table(*_drill.rows(report), columns=70), "", *_drill.closing(report)]


class FilterModule:
    def filters(self) -> dict[str, Any]:
        return {
            "drill_problems": _drill.problems, "drill_not_ready": _drill.not_ready, "drill_overlay": drill_overlay,
            "drill_report": drill_report, "drill_lines": drill_lines,
        }
