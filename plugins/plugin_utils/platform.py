# Copyright (c) 2026 dwp.backend contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""From the variables of a play to the platform catalogue. Used by the action plugins, on the controller."""

from __future__ import annotations

import importlib.util
from collections.abc import Callable, Mapping
from typing import Any

from ansible.errors import AnsibleError, AnsibleUndefinedVariable

from ansible_collections.dwp.backend.plugins.module_utils import _environment
from ansible_collections.dwp.backend.plugins.module_utils._environment_rules import DEFAULT_RULES
from ansible_collections.dwp.backend.plugins.module_utils._platform import catalogue, schema
from ansible_collections.dwp.backend.plugins.module_utils._platform import environment as derive


def plain(value: Any) -> Any:
    """Ansible's tagged and lazy values as ordinary ones."""
    if isinstance(value, Mapping):
        return {str(key): plain(entry) for key, entry in value.items()}
    if isinstance(value, (list, tuple, set)):
        return [plain(entry) for entry in value]
    if isinstance(value, str):
        return str.__str__(value)
    return value


def is_installed(collection: str) -> bool:
    """Whether Ansible finds this collection on the controller."""
    try:
        return importlib.util.find_spec(f"ansible_collections.{collection}") is not None
    except ModuleNotFoundError:  # not even its namespace
        return False


def missing_collections(platform: Mapping[str, Any], installed: Callable[[str], bool] = is_installed) -> list[str]:
    """Problems of a deployment that needs more than this collection. One provider does, so galaxy.yml does not ask for it:
    controllers that cannot reach Galaxy install the rest all the same."""
    containers = [f"components.{n}" for n, c in platform["components"].items() if c["provider"] == "docker_compose" and c["hosts"]]
    if not containers or installed("community.docker"):
        return []
    return [f"{', '.join(containers)}: the provider docker_compose needs the collection community.docker on the controller, which "
            'lacks it: run "ansible-galaxy collection install community.docker", or choose another provider']


def environment_rules(
    platform: Mapping[str, Any], environments: Mapping[str, derive.Environment]
) -> dict[str, dict[str, Any]]:
    """What the rules for environments need to know of each service and of each instance (C(service@host)) given here."""
    rules: dict[str, dict[str, Any]] = {
        name: {
            "required": service["required"],
            "optional": service["optional"],
            "secrets": sorted(service["secrets"]),
            "traits": derive.traits(service),
        }
        for name, service in platform["services"].items()
    }
    for key, environment in environments.items():
        rules[key] = {
            **rules[key.partition("@")[0]],
            "secrets": sorted(environment.secrets),
            "local_ok": sorted(environment.local),
        }
    return rules


class View:
    """The platform as one host of the play sees it: its own variables, templated."""

    def __init__(self, task_vars: Mapping[str, Any], templar: Any) -> None:
        self._vars, self._templar = task_vars, templar
        self._known: dict[str, Any] = {}
        self._platform: dict[str, Any] | None = None
        self.host = str(task_vars["inventory_hostname"])
        if "platform_service_defaults" not in task_vars:
            raise AnsibleError("the role dwp.backend.platform has to be imported before this task, it holds the catalogue")

    def get(self, name: str, default: Any = None) -> Any:
        """A variable, templated for this host, once for this view."""
        if name not in self._vars:
            return default
        if name not in self._known:
            self._known[name] = self._template(name)
        return self._known[name]

    def _template(self, name: str) -> Any:
        try:
            return plain(self._templar.template(self._vars[name]))
        except AnsibleUndefinedVariable as error:
            raise AnsibleError(
                f"{name} cannot be read for {self.host}: {error}. Define that variable in the inventory; a secret belongs into "
                "group_vars/all/vault.yml (see vault.yml.example beside it), and an encrypted file needs --ask-vault-pass"
            ) from None

    def flag(self, name: str) -> bool:
        value = self.get(name)
        return value if isinstance(value, bool) else str(value).lower() in ("true", "yes", "on", "1")

    def placement(self) -> dict[str, list[str]]:
        return {str(group): [str(h) for h in hosts] for group, hosts in self._vars["groups"].items()}

    def address(self, host: str) -> str:
        """How other hosts reach this one: dwp_address, else ansible_host, else its name."""
        found = self._vars["hostvars"][host]
        return str(found.get("dwp_address") or found.get("ansible_host") or host)

    def catalogue(self) -> dict[str, Any]:
        """Built once for this view, to be read only. Raises catalogue.CatalogueError with every problem.

        With C(platform_tolerant) unknown names in C(dwp_only) are only noted: who looks for a fault gets an answer all the same.
        """
        if self._platform is None:
            self._platform = self._choose()
        return self._platform

    def _choose(self) -> dict[str, Any]:
        only = catalogue.words(self.get("dwp_only", []))
        if not only or not self.flag("platform_tolerant"):
            return self._build(only)
        known = self._build([])["services"]
        platform = self._build([name for name in only if name in known])
        instead = "" if platform["limited"] else "; all services were looked at"
        platform["notes"] += [
            f'dwp_only: unknown service "{name}"{schema.did_you_mean(name, known)}{instead}' for name in only if name not in known
        ]
        return platform

    def _build(self, only: Any) -> dict[str, Any]:
        return catalogue.build(
            service_defaults=self.get("platform_service_defaults"),
            services=self.get("dwp_services", {}),
            component_defaults=self.get("platform_component_defaults"),
            components=self.get("dwp_components", {}),
            placement=self.placement(),
            environment=str(self.get("dwp_environment")),
            development=self.flag("dwp_development"),
            profile=str(self.get("dwp_spring_profile")),
            only=only,
            manager=str(self.get("dwp_manager")),
            serial=self.get("dwp_serial", ""),
        )

    def environment(self, platform: Mapping[str, Any], service: str, host: str) -> derive.Environment:
        return derive.environment_of(
            platform, service, host, address=self.address, log_dir=str(self.get("dwp_log_dir"))
        )

    def violations(
        self, platform: Mapping[str, Any], environments: Mapping[str, derive.Environment]
    ) -> tuple[list[str], list[str]]:
        """Errors and warnings of the environments (by C(service@host)) that would be deployed, each with the id of its rule."""
        rules = environment_rules(platform, environments)
        extra = self.get("dwp_environment_rules", []) or []
        found = _environment.check(
            {key: environment.values for key, environment in environments.items()},
            [*DEFAULT_RULES, *extra],
            environment_name=platform["environment"],
            development=platform["development"],
            service_rules=rules,
        )
        return (
            [f"{v.message} [{v.id}]" for v in found if v.severity == "error"],
            [f"{v.message} [{v.id}]" for v in found if v.severity != "error"],
        )
