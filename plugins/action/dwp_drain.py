# Copyright (c) 2026 dwp.backend contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Takes instances out of the balancer and puts them back, whoever provides it. See modules/dwp_drain.py."""

from __future__ import annotations

import subprocess
import urllib.error
from collections.abc import Mapping, Sequence
from typing import Any

from ansible.module_utils.urls import open_url
from ansible.plugins.action import ActionBase

from ansible_collections.dwp.backend.plugins.module_utils._platform import balancer as place
from ansible_collections.dwp.backend.plugins.plugin_utils import reach
from ansible_collections.dwp.backend.plugins.plugin_utils.platform import View, plain

HOOK_TIMEOUT = 60  # s for a site's own command or URL, besides the drain_timeout that it may need itself


class ActionModule(ActionBase):
    TRANSFERS_FILES = False
    _supports_check_mode = True

    def run(self, tmp: Any = None, task_vars: Any = None) -> dict[str, Any]:
        result = super().run(tmp, task_vars)
        _validated, args = self.validate_argument_spec(
            argument_spec={
                "state": {"type": "str", "required": True, "choices": ["drained", "ready", "restored"]},
                "instances": {"type": "list", "elements": "dict", "default": []},
                "results": {"type": "str", "default": ""},
                "deployment": {"type": "str", "default": ""},
            }
        )
        args = plain(args)
        self._task_vars = task_vars
        view = View(task_vars, self._templar)
        balancer = view.catalogue()["components"]["balancer"]
        instances = [i for i in args["instances"] if not args["results"] or self._healthy(args["results"], i)]
        if not instances and args["state"] != "restored":
            return {**result, "changed": False, "instances": []}
        if balancer["provider"] == "external":
            problems = self._hooks(view, balancer, args["state"], instances)
            answer: dict[str, Any] = {"changed": bool(balancer.get("drain")) and bool(instances), "instances": instances}
        else:
            answer = self._haproxy(view, balancer, args, instances)
            said = ("its host was lost: " if answer.get("lost") else "") + str(answer.pop("msg", "it gave no answer"))
            problems = [said] if answer.pop("failed", False) else []
        result.update(answer)
        for note in answer.get("notes", []):
            self._display.display(f"  balancer: {note}", color="yellow")
        if problems:
            # Data, not a failure: the play has to go on, to undo what it did so far.
            result.update(broken=True, message="The balancer: " + "; ".join(problems))
            self._display.warning(result["message"])
        return result

    def _healthy(self, variable: str, instance: Mapping[str, str]) -> bool:
        found = plain(self._task_vars["hostvars"][instance["host"]].get(variable)) or {}
        return bool((found.get("services") or {}).get(instance["service"], {}).get("healthy"))

    def _haproxy(
        self, view: View, balancer: Mapping[str, Any], args: Mapping[str, Any], instances: Sequence[Mapping[str, str]]
    ) -> dict[str, Any]:
        root = self._task_vars["hostvars"][balancer["hosts"][0]].get("dwp_root") or view.get("dwp_root")
        wanted = {
            "root": root, "state": args["state"], "deployment": args["deployment"], "timeout": balancer["drain_timeout"],
            "servers": [{"service": i["service"], "host": i["host"], "name": place.server_name(i["host"])} for i in instances],
        }
        return reach.call(self, "dwp.backend.dwp_balancer", wanted, self._task_vars)

    def _hooks(self, view: View, balancer: Mapping[str, Any], state: str, instances: Sequence[Mapping[str, str]]) -> list[str]:
        """The site's own command or URL, on the controller, one instance after another."""
        hook = balancer.get("drain" if state == "drained" else "undrain")
        problems = []
        for instance in instances if hook else ():
            values = {
                "{service}": instance["service"], "{host}": instance["host"], "{address}": view.address(instance["host"]),
                "{port}": str(view.catalogue()["services"][instance["service"]]["port"]),
            }
            problem = _command([_fill(w, values) for w in hook["command"]], balancer) if hook.get("command") else _post(
                _fill(hook["url"], values), balancer
            )
            if problem:
                problems.append(f"{instance['service']} on {instance['host']} could not be {state}: {problem}")
        return problems


def _fill(text: str, values: Mapping[str, str]) -> str:
    for name, value in values.items():
        text = text.replace(name, value)
    return text


def _limit(balancer: Mapping[str, Any]) -> int:
    return int(balancer["drain_timeout"]) + HOOK_TIMEOUT


def _command(words: Sequence[str], balancer: Mapping[str, Any]) -> str | None:
    try:
        done = subprocess.run(
            list(words), stdin=subprocess.DEVNULL, capture_output=True, text=True, errors="replace", timeout=_limit(balancer), check=False
        )
    except (OSError, subprocess.TimeoutExpired) as error:
        return f"{words[0]}: {error.strerror if isinstance(error, OSError) else f'not done after {_limit(balancer)} s'}"
    said = (done.stderr.strip() or done.stdout.strip()).splitlines()[-3:]
    return f"{words[0]} ended with {done.returncode}: {'; '.join(said)}" if done.returncode else None


def _post(url: str, balancer: Mapping[str, Any]) -> str | None:
    """The URL itself is not shown: it may hold a token."""
    try:
        open_url(url, data=b"", method="POST", timeout=_limit(balancer)).close()
    except ValueError as error:
        return f"its URL is none: {type(error).__name__}"
    except urllib.error.HTTPError as error:
        return f"its URL answered {error.code} {error.reason}"
    except OSError as error:
        return f"its URL could not be reached: {getattr(error, 'reason', error)}"
    return None
