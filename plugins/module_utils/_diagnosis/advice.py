# Copyright (c) 2026 dwp.backend contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What to do when a value of an environment is wrong: deploy the inventory's value, or correct that one first.

Which of the two is known from the comparison of each running environment with the inventory. Without it the catalogue's
own action stays.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from typing import Any

from ansible_collections.dwp.backend.plugins.module_utils._diagnosis.from_collect import difference_text
from ansible_collections.dwp.backend.plugins.module_utils._diagnosis.health import Health
from ansible_collections.dwp.backend.plugins.module_utils._diagnosis.model import DOWN, UP, Finding

_DATABASE, _REDIS = r"^(?:DB_(?:HOST|PORT)|SPRING_DATASOURCE_URL)$", r"REDIS_(?!PASSWORD)"
_ADDRESS = r"^SPRING_PROFILES_ACTIVE$|UR[LI]$"
_GATEWAY = r"^SPRING_CLOUD_GATEWAY_|^SPRING_PROFILES_ACTIVE$"
#: Where the schema history lies.
_PLACE = r"^DB_(?:NAME|HOST|PORT)$|^SPRING_DATASOURCE_URL$|^SPRING_FLYWAY_|^FLYWAY_"
#: Failures that a wrong value causes, and the variables that may hold it.
VARIABLES = {
    "PG_AUTH": r"^(?:DB|SPRING_DATASOURCE)_(?:PASSWORD|USERNAME)$", "PG_NODB": r"^DB_(?:NAME|HOST|PORT)$|^SPRING_DATASOURCE_URL$",
    "PG_REFUSED": _DATABASE, "HIKARI_INIT": _DATABASE,
    "PG_UNREACHABLE": _DATABASE, "PG_DNS": _DATABASE, "PG_FOREIGN": _DATABASE, "DB_UNREACHABLE": _DATABASE,
    "REDIS_AUTH": r"REDIS_PASSWORD$", "REDIS_REFUSED": _REDIS, "REDIS_UNREACHABLE": _REDIS, "REDIS_DNS": _REDIS,
    "JWT_SIG": r"^JWT_SECRET$", "JWT_WEAK": r"^JWT_SECRET$", "GW_DNS": _ADDRESS, "GW_LOCALHOST": _ADDRESS,
    "DS_NO_URL": r"^(?:DB|SPRING)_", "CONFIG_MISSING": r"^SPRING_", "TLS": _ADDRESS,
    "LISTENS_ELSEWHERE": r"^SERVER_(?:ADDRESS|PORT)$", "GW_404": r"^SPRING_CLOUD_GATEWAY_",
    **dict.fromkeys(("GW_REFUSED", "GW_504", "GW_POOL", "GW_CONNECT_TIMEOUT", "GW_PREMATURE"), _GATEWAY),
    "PROFILE_DEFAULT": r"^SPRING_PROFILES_ACTIVE$|SEED",
    **dict.fromkeys(("FLYWAY_CHECKSUM", "FLYWAY_FAILED", "FLYWAY_MISSING", "FLYWAY_NEWER_DB", "FLYWAY_NONEMPTY", "FLYWAY_SQL"), _PLACE),
}  # fmt: skip
#: Those that name the variable.
NAMED = {"PLACEHOLDER", "ENVIRONMENT_RULE", "WRONG_URL", "CALL_BLOCKED", "TLS", "GW_PREMATURE", "GW_REFUSED", "GW_504", "FEIGN"}
#: The same where the inventory has the wrong value itself: what is to be corrected before the deployment.
CORRECT = {
    "PG_AUTH": "the role has another password than the inventory: put it into the vault as DB_PASSWORD "
               r"(dwp_components.postgres.password) first, or give the role the inventory's (psql: \password)",
    "REDIS_AUTH": "put the password of Redis (requirepass) into the vault as {variable} (dwp_components.redis.password) first, "
                  "or give Redis the old one back",
    "JWT_WEAK": "put the output of 'openssl rand -base64 48' into the vault as JWT_SECRET first",
    "JWT_SIG": "the inventory itself has different secrets: make JWT_SECRET one value in the vault first",
}  # fmt: skip
#: What a deployment puts right by itself, where the component is ours.
OWN = {
    "PG_AUTH": "it gives the role the inventory's password back (to keep the other one, put it into the vault as DB_PASSWORD, "
               "dwp_components.postgres.password, first)",
    "PG_NODB": "it creates the database that is missing, and the migrations fill it (if it held data, restore a backup instead)",
}  # fmt: skip
#: Of a process that ended: starting it again helps only if its release is what was deployed.
_ENDED = {"PROCESS_STOPPED", "PROCESS_KILLED", "STARTUP_FAILED"}
#: Told of a component that does not run.
_SILENT = {
    "PG_REFUSED": "postgres", "DB_UNREACHABLE": "postgres", "HIKARI_INIT": "postgres", "HIKARI_TIMEOUT": "postgres",
    "HEALTH_DB": "postgres", "REDIS_REFUSED": "redis", "REDIS_UNREACHABLE": "redis", "HEALTH_REDIS": "redis",
}  # fmt: skip
_LABELS = {"postgres": "PostgreSQL", "redis": "Redis"}
_ANSWERS = {"postgres": "pg_isready -h {host} -p {port} says accepting connections", "redis": "Redis answers at {host}:{port}"}
_PLAYBOOK = "ansible-playbook playbooks/{}.yml -i inventories/ENVIRONMENT"
_ADDRESSES = {"PG_REFUSED": "postgres", "PG_UNREACHABLE": "postgres", "DB_UNREACHABLE": "postgres", "REDIS_REFUSED": "redis"}


def advise(
    findings: Iterable[Finding], collected: Mapping[str, Mapping[str, Any]], health: Health, catalogue: Mapping[str, Any]
) -> list[Finding]:
    """The findings, with the next action that the inventory's values tell."""
    everything = list(findings)
    ours = {name for name, entry in (catalogue.get("components") or {}).items() if entry.get("provider") not in (None, "external")}
    return [_advised(one, everything, collected, health, ours) for one in everything]


def _advised(
    one: Finding, everything: Sequence[Finding], collected: Mapping[str, Mapping[str, Any]], health: Health, ours: set[str]
) -> Finding:
    service = ((collected.get(one.host) or {}).get("services") or {}).get(one.service) or {}
    compared = (service.get("environment") or {}).get("inventory")
    if one.stale or one.about == "caller":
        return one
    if one.failure == "OOM_KILLED" and health.services.get(one.service) == DOWN:
        verify = f"{one.service} passes its gate; the kernel does so again unless -Xmx (jvm_options) fits into the memory that it may take"
        return replace(one, next_action=_playbook("restart", [one.service], verify))
    if one.failure in _ENDED and changed_by_hand(service) and health.services.get(one.service) != UP:
        title = f"{one.title}; of its release {', '.join(changed_by_hand(service))} was changed by hand"
        return replace(one, title=title, next_action=repair(one.service, changed_by_hand(service)))
    silent = _SILENT.get(one.failure, "")
    if silent in ours and _stopped(silent, collected, health):
        return _bring_up(one, silent, collected, health)
    if compared is None:
        return one
    wrong = [entry for entry in compared if _concerns(one, str(entry["variable"]))]
    if wrong:
        names = ", ".join(str(entry["variable"]) for entry in wrong)
        text = "; ".join(difference_text(entry) for entry in wrong)
        verify = f"the deployment gives {one.service} the inventory's {names} back, and {one.service} passes its gate"
        told = {"source": f"inventory against the environment of {one.service} on {one.host}", "text": text}
        title = f"{one.title}; {names} of {one.service} is not what the inventory says"
        return replace(one, title=title, evidence=(*one.evidence, told), next_action=deploy([one.service], verify))
    component = _ADDRESSES.get(one.failure)
    if component and not one.subject and (health.components.get(component) or {}).get("state") == UP:
        verify = f"correct the address of {component} for {one.service} in the inventory first; then {one.service} passes its gate"
        return replace(one, next_action=deploy([one.service], verify))
    if one.failure in OWN and "postgres" in ours:
        holders = _holders(one, everything, collected)
        return replace(one, next_action=deploy(holders, f"{OWN[one.failure]}; then each of {', '.join(holders)} passes its gate"))
    if one.failure not in CORRECT:
        return one
    holders = _holders(one, everything, collected)
    variable = next((name for name in (service["environment"].get("fingerprints") or {}) if _concerns(one, name)), "its password")
    verify = f"{CORRECT[one.failure].format(variable=variable)}; then each of {', '.join(holders)} passes its gate"
    return replace(one, next_action=deploy(holders, verify))


def _concerns(one: Finding, variable: str) -> bool:
    if one.failure in NAMED:
        said = "\n".join([one.title, *(str(entry.get(part)) for entry in one.evidence for part in ("record", "source"))])
        if re.search(rf"\b{re.escape(variable)}\b", said):
            return True
    if (one.failure.startswith("GW_") or one.failure == "FEIGN") and not one.target and re.fullmatch(r"SERVICE_\w+_URL", variable):
        return True  # the record does not say which of its calls failed
    return one.failure in VARIABLES and re.search(VARIABLES[one.failure], variable) is not None


def _stopped(component: str, collected: Mapping[str, Mapping[str, Any]], health: Health) -> bool:
    """Nothing of it listens, where the inventory has it."""
    state = health.components.get(component) or {}
    if state.get("state") != DOWN or state.get("cause") == "out_of_service":
        return False
    here = [facts["components"][component] for facts in collected.values() if component in (facts.get("components") or {})]
    return bool(here) and not any(entry.get("listener") for entry in here)


def _bring_up(one: Finding, component: str, collected: Mapping[str, Mapping[str, Any]], health: Health) -> Finding:
    """The deployment of the infrastructure alone: it starts what does not run, and no release changes."""
    label = _LABELS.get(component, component)
    hosts = [host for host, facts in collected.items() if component in (facts.get("components") or {})]
    port = next(str(collected[host]["components"][component].get("port")) for host in hosts)
    dead = sorted(name for name, rows in health.instances.items() if rows and all(row["health"] == DOWN and not row["pid"] for row in rows))
    verify = f"{_ANSWERS[component].format(host=_address_of(one, hosts), port=port)}"
    if dead:
        again = _playbook("restart", dead, "")["command"]
        verify = f"{verify}; then start what ended meanwhile: {again}"
    told = {"source": f"listeners of {', '.join(hosts)}", "text": f"nothing listens on port {port}"}
    title = f"{label} does not run on {', '.join(hosts)}: nothing listens on its port {port}"
    action = {"command": f"{_PLAYBOOK.format('deploy')} --tags infra", "risk": "restart", "verify": verify}
    return replace(one, title=title, evidence=(*one.evidence, told), next_action=action)


def _address_of(one: Finding, hosts: Sequence[str]) -> str:
    """Where it is asked at: as the probe did, else by the name of its host."""
    told = re.search(r"@?([\w.-]+):\d+", " ".join(str(entry.get("source", "")) for entry in one.evidence))
    return told[1] if told else hosts[0]


def changed_by_hand(service: Mapping[str, Any]) -> list[str]:
    """Files of the active release that are not what was deployed; the environment is compared with the inventory instead."""
    return [str(name) for name in service.get("tampered") or () if name != "environment"]


def repair(service: str, files: Sequence[str]) -> dict[str, str]:
    return deploy([service], f"the plan says changed by hand: {', '.join(files)}; {service} gets it back and passes its gate")


def deploy(services: Sequence[str], verify: str) -> dict[str, str]:
    return _playbook("deploy", services, verify)


def _playbook(name: str, services: Sequence[str], verify: str) -> dict[str, str]:
    return {"command": f"{_PLAYBOOK.format(name)} -e dwp_only={','.join(services)}", "risk": "restart", "verify": verify}


def _holders(one: Finding, everything: Sequence[Finding], collected: Mapping[str, Mapping[str, Any]]) -> list[str]:
    """Who has to get the new value: all that have the token's secret; of a password, all that are refused."""
    if one.failure.startswith("JWT_"):
        names = {
            name for facts in collected.values() for name, service in (facts.get("services") or {}).items()
            if "JWT_SECRET" in ((service.get("environment") or {}).get("fingerprints") or {})
        }  # fmt: skip
    else:
        names = {other.service for other in everything if other.failure == one.failure and not other.stale}
    return sorted({*names, one.service})
