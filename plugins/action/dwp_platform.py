# Copyright (c) 2026 dwp.backend contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Checks the whole platform on the controller, before any host is reached. See modules/dwp_platform.py."""

from __future__ import annotations

import datetime
import secrets
from typing import Any

from ansible.plugins.action import ActionBase
from ansible.utils.vars import load_extra_vars

from ansible_collections.dwp.backend.plugins.module_utils._environment_model import RuleError
from ansible_collections.dwp.backend.plugins.module_utils._platform import catalogue, options
from ansible_collections.dwp.backend.plugins.plugin_utils import artifacts
from ansible_collections.dwp.backend.plugins.plugin_utils.platform import View, missing_collections


class ActionModule(ActionBase):
    TRANSFERS_FILES = False
    _supports_check_mode = True

    def run(self, tmp: Any = None, task_vars: Any = None) -> dict[str, Any]:
        result = super().run(tmp, task_vars)
        _validated, args = self.validate_argument_spec(
            argument_spec={
                "artifacts": {"type": "bool", "default": False},
                "environments": {"type": "bool", "default": False},
            }
        )
        view = View(task_vars, self._templar)
        problems = self._options(view, task_vars)
        warnings: list[str] = []
        if view.flag("platform_tolerant"):  # who looks for a fault gets an answer all the same
            problems, warnings = [], problems
        try:
            platform = view.catalogue()
        except catalogue.CatalogueError as error:
            return {**result, "failed": True, "msg": str(catalogue.CatalogueError([*problems, *error.problems]))}
        if args["artifacts"]:
            problems += missing_collections(platform) + self._artifacts(view, platform)
        if args["environments"]:
            environments = {
                f"{name}@{host}": view.environment(platform, name, host)
                for name in platform["services"] for host in platform["services"][name]["hosts"]
            }
            try:
                errors, more = view.violations(platform, environments)
            except RuleError as error:
                errors, more = error.problems, []
            problems += errors
            warnings += more
        if problems:
            count = f"{len(problems)} problem{'s' if len(problems) > 1 else ''}"
            text = f"{platform['environment']}: {count}, nothing was changed on any host.\n  " + "\n  ".join(problems)
            return {**result, "failed": True, "msg": text}
        for warning in warnings:
            self._display.warning(warning)
        stamp = datetime.datetime.now(datetime.timezone.utc).strftime("%Y%m%d-%H%M%S")
        return {
            **result,
            "changed": False,
            "platform": catalogue.without_secrets(platform),
            "deployment": f"{stamp}-{secrets.token_hex(2)}",
            "notes": platform["notes"],
        }

    def _options(self, view: View, task_vars: Any) -> list[str]:
        """What is wrong with the simple variables, and with the names of those given with -e."""
        given = [str(name) for name in load_extra_vars(self._loader)]
        return options.problems({name: view.get(name) for name in options.CHECKS if name in task_vars}) + options.misspelt(given)

    @staticmethod
    def _artifacts(view: View, platform: dict[str, Any]) -> list[str]:
        folder = artifacts.folder(view.get("dwp_artifacts_dir"))
        if not folder:
            return ["dwp_artifacts_dir is not set: name the directory that holds " + ", ".join(
                platform["services"][n]["artifact"] + ".jar" for n in platform["selected"])]
        return [p for n in platform["selected"] for p in artifacts.check(platform["services"][n], folder)]
