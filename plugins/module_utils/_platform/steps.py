# Copyright (c) 2026 dwp.backend contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""From waves to steps: which instances are touched at once, and which of them leave the balancer meanwhile. Pure.

Ansible's own ``serial`` would start the play anew for each batch: the lock, the plan and the undo would not span them.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from ansible_collections.dwp.backend.plugins.module_utils._release.plan import TOUCHING

BUSY = (*TOUCHING, "repair", "gate")
#: What takes an instance away that serves.
LEAVING = tuple(action for action in TOUCHING if action not in ("install", "start"))


def check_serial(value: Any) -> list[str]:
    """Problems of a ``dwp_serial``; empty means that it was not set."""
    text = "" if value is None else str(value).strip()
    percentage = re.match(r"(\d+)\s*%\Z", text)
    if not text or re.match(r"0*[1-9]\d*\Z", text) or (percentage and 1 <= int(percentage.group(1)) <= 100):
        return []
    return [f'dwp_serial: "{text}" is neither a number of instances (1 or more) nor a percentage of them (1% to 100%)']


def batch_size(serial: Any, instances: int, default: int) -> int:
    """Instances that may be missing at once: a percentage is rounded down, and at least one."""
    text = "" if serial is None else str(serial).strip()
    if not text:
        return default
    if text.endswith("%"):
        return max(1, instances * int(text[:-1]) // 100)
    return int(text)


def batches(service: Mapping[str, Any], actions: Mapping[str, Mapping[str, Any]], size: int) -> list[list[str]]:
    """The hosts on which the service has something to do, in groups that follow one another.

    What serves nobody (to be started, or only to be gated) goes first and all at once: it takes nothing away, and the
    others are to be replaced while it serves.
    """
    acting = [host for host in service["hosts"] if actions.get(host, {}).get("action", "none") in BUSY]
    serving = [host for host in acting if actions[host]["action"] in LEAVING and actions[host].get("running", True)]
    first = [host for host in acting if host not in serving]
    return ([first] if first else []) + [serving[i:i + size] for i in range(0, len(serving), size)]


def rolls(service: Mapping[str, Any]) -> bool:
    """Whether instances of the service can be replaced one after another while the others serve."""
    return service.get("frontend") is not None


def steps(
    platform: Mapping[str, Any], waves: Iterable[Sequence[str]], plans: Mapping[str, Mapping[str, Mapping[str, Any]]], *, rolling: bool
) -> list[dict[str, Any]]:
    """The waves that have work, as steps: ``instances`` (host -> services) and ``drain`` (what leaves the balancer).

    ``rolling``: one instance after another unless ``dwp_serial`` says otherwise; else all at once unless it does.
    """
    found: list[dict[str, Any]] = []
    for number, wave in enumerate(waves, 1):
        groups: dict[str, list[list[str]]] = {}
        for name in wave:
            service = platform["services"][name]
            actions = {host: plan[name] for host, plan in plans.items() if name in plan}
            size = len(service["hosts"])
            if rolls(service):
                size = batch_size(platform["serial"], size, 1 if rolling else size)
            groups[name] = batches(service, actions, size) if rolls(service) else [
                [host for group in batches(service, actions, size) for host in group]
            ]
        for index in range(max((len(group) for group in groups.values()), default=0)):
            instances: dict[str, list[str]] = {}
            drain, labels = [], []
            for name in wave:
                hosts = groups[name][index] if index < len(groups[name]) else []
                labels += [name if len(groups[name]) == 1 else f"{name} on {', '.join(hosts)}"] if hosts else []
                for host in hosts:
                    instances.setdefault(host, []).append(name)
                    others = set(platform["services"][name]["hosts"]) - set(hosts)
                    if rolls(platform["services"][name]) and others and plans[host][name]["action"] in TOUCHING:
                        drain.append({"service": name, "host": host})
            if instances:
                found.append({
                    "number": len(found) + 1, "wave": number, "label": ", ".join(labels), "instances": instances, "drain": drain,
                })
    return found


def merged(found: Iterable[Mapping[str, Any]]) -> list[dict[str, Any]]:
    """Steps that follow one another on one host alone as one, with rounds: the controller is not needed in between.

    ``instances`` names the services of each round: host -> [[names], [names]].
    """
    result: list[dict[str, Any]] = []
    for step in found:
        instances = {host: [list(names)] for host, names in step["instances"].items()}
        alone = not step["drain"] and len(instances) == 1
        last = result[-1] if result else None
        if alone and last and not last["drain"] and list(last["instances"]) == list(instances):
            for host, rounds in instances.items():
                last["instances"][host] += rounds
            last["label"] += f", then {step['label']}"
        else:
            result.append({**step, "number": len(result) + 1, "instances": instances})
    return result


def remarks(
    platform: Mapping[str, Any], found: Sequence[Mapping[str, Any]], plans: Mapping[str, Mapping[str, Mapping[str, Any]]]
) -> list[str]:
    """What the plan says about services with several instances: how many of them are away at once."""
    lines = []
    for name, service in platform["services"].items():
        touched = [host for host in service["hosts"] if plans.get(host, {}).get(name, {}).get("action") in LEAVING]
        if len(touched) < 2:
            continue
        order = [[host for host in service["hosts"] if name in step["instances"].get(host, ())] for step in found]
        order = [group for group in order if group]
        where = f"  wave {service['wave'] + 1}  "
        if len(order) > 1:
            text = ", then ".join(" and ".join(group) for group in order)
            lines.append(f"{where}rolling  {name}: {text}; each leaves the balancer while it is replaced")
        elif rolls(service):
            lines.append(f"{where}at once  {name} on {', '.join(touched)}: requests fail meanwhile; dwp_serial=1 keeps the others serving")
        else:
            lines.append(f"{where}at once  {name} on {', '.join(touched)}: there is no balancer, requests fail meanwhile")
    return lines
