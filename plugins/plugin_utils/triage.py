# Copyright (c) 2026 dwp.backend contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What dwp_collect needs to know about one host and cannot find there: the part of the catalogue that concerns it."""

from __future__ import annotations

import contextlib
import os
import secrets
from collections.abc import Mapping
from typing import Any

from ansible_collections.dwp.backend.plugins.module_utils import _environment
from ansible_collections.dwp.backend.plugins.module_utils._collect.environment import against_inventory
from ansible_collections.dwp.backend.plugins.module_utils._collect.run import scrubbed
from ansible_collections.dwp.backend.plugins.module_utils._logs.scrub import Scrubber
from ansible_collections.dwp.backend.plugins.module_utils._platform import environment as derive
from ansible_collections.dwp.backend.plugins.plugin_utils import journal
from ansible_collections.dwp.backend.plugins.plugin_utils.platform import View, environment_rules

#: For a controller on which no key can be kept: made when the plugin is loaded, before Ansible forks, so that it is one for the run.
_KEY_OF_THE_RUN = secrets.token_hex(16)


def fingerprint_key(environment: str) -> str:
    """The key of the fingerprints, kept on the controller: what several hosts and several runs found can then be compared."""
    folder = journal.folder(environment)
    path = os.path.join(folder, "fingerprint.key")
    try:
        if not os.path.exists(path):
            os.makedirs(folder, mode=0o700, exist_ok=True)
            temporary = f"{path}.{os.getpid()}"
            handle = os.open(temporary, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
            with os.fdopen(handle, "w", encoding="ascii") as file:
                file.write(secrets.token_hex(16))
            with contextlib.suppress(FileExistsError):  # another host of this run was faster: its key is the one
                os.link(temporary, path)
            os.unlink(temporary)
        with open(path, encoding="ascii") as file:
            return file.read().strip() or _KEY_OF_THE_RUN
    except (OSError, UnicodeError):
        return _KEY_OF_THE_RUN


def host_platform(view: View) -> dict[str, Any]:
    """The catalogue as the host of this view needs it. Headers of probes may be credentials."""
    platform = view.catalogue()
    services: Mapping[str, Mapping[str, Any]] = platform["services"]
    return {
        "host": view.host,
        "environment": platform["environment"],
        "development": platform["development"],
        "limited": platform["limited"],
        "services": {name: _service(view, platform, name) for name in platform["selected"]},
        "targets": {name: _target(view, platform, name) for name, service in services.items() if service["hosts"]},
        "components": _components(view, platform),
        "rules": _rules(view, platform),
        "extra_rules": view.get("dwp_environment_rules", []) or [],
        "calls": {name: derive.called_by(platform, name) for name, service in services.items() if service["hosts"]},
    }


def compare_with_inventory(view: View, services: Mapping[str, dict[str, Any]], key: str) -> None:
    """Adds to each environment what a deployment of the inventory would change in it. Secrets do not leave the controller."""
    platform = view.catalogue()
    fingerprint = _environment.fingerprinter(key.encode())
    for name, facts in services.items():
        if facts.get("environment") and view.host in platform["services"].get(name, {}).get("hosts", ()):
            wanted = view.environment(platform, name, view.host)
            facts["environment"]["inventory"] = against_inventory(wanted.values, wanted.secrets, facts["environment"], fingerprint)


def without_inventory_secrets(view: View, found: Any) -> Any:
    """What a host told, without the secrets that only the inventory knows, such as an administrator's password in a log.

    Those that the host has in reach are masked there.
    """
    platform = view.catalogue()
    known = {str(value) for entry in platform["components"].values() for key, value in entry.items() if "password" in key and value}
    for name, service in platform["services"].items():
        for host in service["hosts"]:
            environment = view.environment(platform, name, host)
            known |= {environment.values[variable] for variable in environment.secrets if environment.values.get(variable)}
    return scrubbed(found, Scrubber(known))


def _service(view: View, platform: Mapping[str, Any], name: str) -> dict[str, Any]:
    service = platform["services"][name]
    database = service["database"]
    return {
        "here": view.host in service["hosts"],
        "port": service["port"],
        "policy": {"probe": derive.health_probe(service), "deep_rungs": derive.deep_rungs(service)},
        "database": database and {
            **{key: database.get(key) for key in ("name", "schema", "flyway", "table")},
            "ssl_mode": platform["components"]["postgres"].get("ssl_mode", "prefer"),
        },
        "redis": service["redis_variables"] if service["redis"] != "none" else None,
        "calls": {
            other: [v for v in (platform["services"][other]["url_variable"], *service["url_aliases"].get(other, [])) if v]
            for other in derive.called_by(platform, name)
        },
    }


def _target(view: View, platform: Mapping[str, Any], name: str) -> dict[str, Any]:
    """How a service is asked, and every place at which the inventory has it as this host sees it."""
    service = platform["services"][name]
    places = [[view.address(host), service["port"]] for host in service["hosts"]]
    if view.host in service["hosts"]:
        places.append([derive.LOOPBACK, service["port"]])
    if service.get("frontend"):
        balancer = platform["components"]["balancer"]
        places.append([derive.component_address(balancer, view.host, view.address), service["frontend"]])
    return {"ladder": derive.health_probe(service)["ladder"], "port": service["port"], "places": places}


def _components(view: View, platform: Mapping[str, Any]) -> dict[str, Any]:
    return {
        name: {
            "here": view.host in component["hosts"] and component["provider"] != "external",
            "provider": component["provider"],
            "port": component["port"],
            "admin_user": component.get("admin_user") or "postgres",
            "admin_database": component.get("admin_database") or "postgres",
            "addresses": [view.host, *(view.address(host) for host in component["hosts"])],
        }
        for name, component in platform["components"].items()
        if component.get("port")
    }


def _rules(view: View, platform: Mapping[str, Any]) -> dict[str, Any]:
    """What the rules for environments need to know of each service, as it is on this host."""
    here = [name for name, service in platform["services"].items() if view.host in service["hosts"]]
    rules = environment_rules(platform, {f"{name}@{view.host}": view.environment(platform, name, view.host) for name in here})
    return {name: rules.get(f"{name}@{view.host}", rules[name]) for name in platform["services"]}
