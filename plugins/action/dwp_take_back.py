# Copyright (c) 2026 dwp.backend contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Takes the databases of a rollback back, each once, from one host. See modules/dwp_take_back.py.

The credentials are looked up here, so that no variable of the play holds them.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from ansible.plugins.action import ActionBase

from ansible_collections.dwp.backend.plugins.filter.flyway import flyway_left, flyway_lines, flyway_options
from ansible_collections.dwp.backend.plugins.plugin_utils import flyway, journal, reach
from ansible_collections.dwp.backend.plugins.plugin_utils.platform import View, plain

#: Options of flyway_rollback that a user sets as dwp_flyway_<name>, as for flyway_rollback.yml.
WISHES = (
    "undo_locations", "history", "allow_data_loss", "allow_checksum_mismatch", "backup", "lock_timeout", "statement_timeout", "retries",
)


class ActionModule(ActionBase):
    TRANSFERS_FILES = False
    _supports_check_mode = True

    def run(self, tmp: Any = None, task_vars: Any = None) -> dict[str, Any]:
        result = super().run(tmp, task_vars)
        _validated, args = self.validate_argument_spec(
            argument_spec={
                "action": {"type": "str", "choices": ["plan", "rehearse", "apply"], "required": True},
                "databases": {"type": "list", "elements": "dict", "required": True}, "root": {"type": "path", "required": True},
                "plans": {"type": "dict", "default": {}}, "deployment": {"type": "str", "default": ""},
            }
        )
        self._args, self._task_vars = plain(args), task_vars
        if not self._args["databases"]:
            return {**result, "skipped": True, "changed": False}
        self._view = View(task_vars, self._templar)
        act = {"plan": self._plan, "rehearse": self._rehearse, "apply": self._apply}[self._args["action"]]
        return {**result, "changed": False, **act(self._args["databases"])}

    # ---- the three actions
    def _plan(self, databases: list[dict[str, Any]]) -> dict[str, Any]:
        """What would be refused is known before a service is stopped."""
        problems, plans = [], {}
        for one in databases:
            problem, answer = self._mismatch(one), {}
            if not problem:
                answer = self._rollback(one, "plan")
                problem = self._objection(one, answer)
                # Who applies it again has been looked for in the releases that are to run then, not in the jar with the text.
                lines = flyway_lines({**answer, "reapply": []}) if "plan" in answer else []
                self._display.display("\n".join(f"  {line}" for line in lines))
            if problem:
                problems.append(problem)
            else:
                plans[one["service"]] = answer["plan"]["id"]
        if problems:
            return {"failed": True, "msg": "No service was touched.\n  " + "\n  ".join(problems)}
        return {"plans": plans}

    def _rehearse(self, databases: list[dict[str, Any]]) -> dict[str, Any]:
        for one in databases:
            answer = self._rollback(one, "rehearse")
            if answer.get("failed") or not answer["feasible"]:
                return self._broken(one, "its rehearsal failed", answer)
        return {}

    def _apply(self, databases: list[dict[str, Any]]) -> dict[str, Any]:
        taken: list[dict[str, Any]] = []
        for one in databases:
            answer = self._rollback(one, "apply")
            status = self._execute("flyway_status", flyway_options(self._entry(one)))
            left = one["versions"] if status.get("failed") else flyway_left(status, one["versions"])
            if left:
                silent = f"; whether it is as it was is not known, ask playbooks/flyway_status.yml ({_why(status)})"
                unknown = silent if status.get("failed") else ""
                return {**self._broken(one, "it failed", answer, unknown), "changed": bool(taken), "taken": taken}
            taken.append({"database": one["database"], "versions": one["versions"], "schema_version": status["schema_version"]})
            self._display.display(f"  {flyway.taken_back(taken[-1])}", color="green")
            journal.note(
                self._task_vars, self._templar, "database_rolled_back", deployment=self._args["deployment"],
                database=one["database"], versions=one["versions"],
            )
        return {"changed": True, "taken": taken}

    # ---- parts of them
    def _entry(self, one: Mapping[str, Any]) -> dict[str, Any]:
        """The database as the inventory knows it, with the migrations of the release that brought what is taken back."""
        jar = f"{self._args['root']}/services/{one['service']}/releases/{one['release']}/app.jar"
        return {**flyway.database(self._view, one["service"]), "jar": jar}

    def _mismatch(self, one: Mapping[str, Any]) -> str:
        entry = self._entry(one)
        found, wanted = (entry["db"], entry["schema"] or "public"), (one["database"], one["schema"])
        if found == wanted:
            return ""
        return (
            f"{one['service']}: its release uses schema {wanted[1]} of database {wanted[0]}, the inventory says schema {found[1]} of "
            f"{found[0]}: put the inventory right, or -e dwp_database=keep goes back without the database"
        )

    def _rollback(self, one: Mapping[str, Any], mode: str) -> dict[str, Any]:
        wishes = {name: self._view.get(f"dwp_flyway_{name}") for name in WISHES}
        options = {**flyway_options(self._entry(one)), **{name: value for name, value in wishes.items() if value is not None}}
        options.update(mode=mode, versions=one["versions"])
        if mode != "plan":
            options.update(plan_id=self._args["plans"][one["service"]])
            options.update(deployment=self._args["deployment"], deployment_root=self._args["root"])
        return self._execute("flyway_rollback", options)

    def _execute(self, module: str, options: Mapping[str, Any]) -> dict[str, Any]:
        return reach.call(self, f"dwp.backend.{module}", options, self._task_vars)

    @staticmethod
    def _objection(one: Mapping[str, Any], answer: Mapping[str, Any]) -> str:
        """What a plan has against going on."""
        where = f"database {one['database']} of {one['service']}"
        if answer.get("failed") or not answer["feasible"]:
            return f"{where}: {_why(answer)} Put that right, or -e dwp_database=keep goes back without the database."
        if not answer["plan"]["all_or_nothing"]:
            return (
                f"{where}: taking {', '.join(one['versions'])} back has statements that cannot run in a transaction, so a failure could "
                f"leave a part of it. Take them back with playbooks/flyway_rollback.yml -e dwp_flyway_service={one['service']} first, "
                "or go back without the database: -e dwp_database=keep"
            )
        return ""

    def _broken(self, one: Mapping[str, Any], what: str, answer: Mapping[str, Any], unknown: str = "") -> dict[str, Any]:
        """Data, not a failure: the play has to go on, to start what was stopped."""
        state = unknown or ". Nothing of it was changed"
        return {"broken": True, "message": (
            f"Database {one['database']} was not taken back: {what}: {_why(answer)}{state}. No release was switched; what was stopped is "
            "started again with the release that it had."
        )}


def _why(answer: Mapping[str, Any]) -> str:
    return str(answer.get("msg") or "the module died without an answer").strip()
