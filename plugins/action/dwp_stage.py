# Copyright (c) 2026 dwp.backend contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Describes the releases of a host and sends what it lacks. See modules/dwp_stage.py for the documentation."""

from __future__ import annotations

import json
import os
import secrets
import tarfile
import tempfile
from collections.abc import Mapping
from io import BytesIO
from typing import Any

from ansible.errors import AnsibleActionFail
from ansible.plugins.action import ActionBase

from ansible_collections.dwp.backend.plugins.module_utils import _envfile, _supervisor
from ansible_collections.dwp.backend.plugins.module_utils._platform import environment as derive
from ansible_collections.dwp.backend.plugins.module_utils._release import jar, texts
from ansible_collections.dwp.backend.plugins.plugin_utils import artifacts, lock
from ansible_collections.dwp.backend.plugins.plugin_utils.platform import View, plain


class ActionModule(ActionBase):
    TRANSFERS_FILES = True
    _supports_check_mode = True
    _supports_diff = True

    def run(self, tmp: Any = None, task_vars: Any = None) -> dict[str, Any]:
        result = super().run(tmp, task_vars)
        earlier = plain(self._task.args.get("compared") or {})
        writes = any(service["writes"] for service in earlier.get("services", {}).values())
        if earlier and not writes:
            return {**result, **{k: v for k, v in earlier.items() if k not in ("changed", "pending", "status", "lock")}, "changed": False}
        view = View(task_vars, self._templar)
        platform = view.catalogue()
        services = [n for n in platform["selected"] if view.host in platform["services"][n]["hosts"]]
        folder = artifacts.folder(view.get("dwp_artifacts_dir"))
        specs = [self._spec(view, platform, name, folder) for name in services]
        document = {
            "services": specs,
            "placed": [n for n, s in platform["services"].items() if view.host in s["hosts"]],
            "limited": platform["limited"],
            "manager": platform["manager"],
            "user": str(view.get("dwp_user")),
            "log_dir": str(view.get("dwp_log_dir")),
            "libraries": derive.libraries(platform["services"][name] for name in services),
            # Only for the fingerprints of a diff: random per run.
            "fingerprint_key": secrets.token_hex(16),
        }
        try:
            remote = self._send(json.dumps(document).encode("utf-8", "surrogateescape"), "spec.json")
            arguments = {
                "root": view.get("dwp_root"), "spec": remote, "deployment": str(self._task.args.get("deployment") or ""),
            }
            if earlier and not self._task.check_mode:
                answer = {**earlier, "changed": earlier["pending"]}  # compared already; staging compares once more by itself
            else:
                answer = lock.look(self, task_vars, "dwp.backend.dwp_release", arguments, plain(self._task.args.get("lock") or {}))
            if self._task.args.get("compare"):
                answer.pop("diff", None)
                answer.update(pending=bool(answer.get("changed")), changed=False)
            elif not answer.get("failed") and not answer.get("problems") and answer["changed"] and not self._task.check_mode:
                payload = self._payload(view, platform, services, folder, set(answer["missing"]))
                answer = self._execute_module(
                    "dwp.backend.dwp_release",
                    module_args={**arguments, "stage": True, **({"payload": payload} if payload else {})},
                    task_vars=task_vars,
                )
        finally:
            self._remove_tmp_path(self._connection._shell.tmpdir)
        answer.pop("invocation", None)
        result.update(answer)
        if result.get("problems") and not result.get("failed"):
            result["failed"] = True
            result["msg"] = f"{view.host}: nothing was changed on this host.\n  " + "\n  ".join(result["problems"])
        for warning in result.get("warnings_found", []) if not earlier else ():
            self._display.warning(f"{view.host}: {warning}")
        return result

    def _send(self, data: bytes, name: str) -> str:
        """A file only the target's user can read; never an argument, because it holds secrets."""
        shell = self._connection._shell
        if not shell.tmpdir:
            self._make_tmp_path()
        path = shell.join_path(shell.tmpdir, name)
        handle, local = tempfile.mkstemp(prefix="dwp-")
        try:
            with os.fdopen(handle, "wb") as file:
                file.write(data)
            self._transfer_file(local, path)
        finally:
            os.unlink(local)
        self._fixup_perms2((shell.tmpdir, path), execute=False)
        return str(path)

    def _spec(self, view: View, platform: Mapping[str, Any], name: str, folder: str) -> dict[str, Any]:
        """One release, described; the host fills in its Java and what its kernel can do."""
        service = platform["services"][name]
        environment = view.environment(platform, name, view.host)
        errors, _warnings = view.violations(platform, {f"{name}@{view.host}": environment})
        if errors:
            raise AnsibleActionFail(f"{view.host}: nothing was changed on this host.\n  " + "\n  ".join(errors))
        layout, origin = artifacts.inspect(artifacts.path_of(service, folder), service["layout"])
        root = str(view.get("dwp_root"))
        home = os.path.join(root, "services", name)
        git_sha = origin.get("git_sha", "")
        return {
            "service": name,
            "version": str(view.get("dwp_version") or git_sha[:12] or layout.sha256[:12]),
            "artifact": {
                "name": service["artifact"] + ".jar", "sha256": layout.sha256, "size": layout.size, "git_sha": git_sha,
            },
            "layout": layout.kind,
            "user": str(view.get("dwp_user")),
            "files": [{"path": p.path, "sha256": p.sha256, "size": p.size} for p in layout.parts],
            "environment": _envfile.dump(environment.values, source=f"{name} on {view.host}"),
            "launch": texts.launcher(name, service["jvm_options"]),
            "unit": self._unit(view, platform, service, home),
            "java": service["java"], "java_version": service["java_version"],
            "memory": service["memory"], "port": service["port"],
            **self._database(platform, service, folder),
            "secret_names": sorted(environment.secrets),
            "policy": {
                "probe": derive.health_probe(service), "deep_rungs": derive.deep_rungs(service),
                "start_timeout": service["start_timeout"], "stop_timeout": service["stop_timeout"],
                "successes": service["successes"], "fast_start": service["fast_start"],
                "after": platform["edges"][name], "wave": service["wave"], "calls": service["calls"],
            },
        }

    @staticmethod
    def _database(platform: Mapping[str, Any], service: Mapping[str, Any], folder: str) -> dict[str, Any]:
        """What the schema guard has to know of a Flyway database, without its credentials."""
        database = service["database"]
        if not database or not database["flyway"]:
            return {}
        ssl_mode = platform["components"].get("postgres", {}).get("ssl_mode", "")
        about = {"name": database["name"], "schema": database["schema"], "table": database.get("table") or "", "ssl_mode": ssl_mode}
        return {"database": about, "migrations": artifacts.migrations(artifacts.path_of(service, folder))}

    @staticmethod
    def _unit(view: View, platform: Mapping[str, Any], service: Mapping[str, Any], home: str) -> str:
        name, log_dir = service["name"], str(view.get("dwp_log_dir"))
        if platform["manager"] == "systemd":
            return texts.systemd_unit(
                name, environment=platform["environment"], port=service["port"], home=home,
                user=str(view.get("dwp_user")), stop_timeout=service["stop_timeout"], log_dir=log_dir,
            )
        return _supervisor.program_text(
            name, [f"{home}/current/launch"], user=texts.USER, autostart=True, autorestart="unexpected",
            exitcodes=(0, 143), startsecs=1, startretries=200, stopwaitsecs=service["stop_timeout"], umask="027",
            stdout_logfile=f"{log_dir}/{name}.console.log",
        )

    def _payload(
        self, view: View, platform: Mapping[str, Any], services: list[str], folder: str, missing: set[str]
    ) -> str | None:
        """One archive with the files that the host lacks, each under its sha256, and once."""
        if not missing:
            return None
        left = set(missing)
        handle, local = tempfile.mkstemp(prefix="dwp-", suffix=".tar")
        os.close(handle)
        try:
            with tarfile.open(local, "w") as archive:
                for name in services:
                    service = platform["services"][name]
                    path = artifacts.path_of(service, folder)
                    layout, _origin = artifacts.inspect(path, service["layout"])
                    for part, data in jar.contents(path, layout, left):
                        if part.sha256 not in left:
                            continue
                        entry = tarfile.TarInfo(part.sha256)
                        entry.size = len(data)
                        archive.addfile(entry, BytesIO(data))
                        left.discard(part.sha256)
            self._display.display(
                f"{view.host}: sending {os.path.getsize(local) / 1e6:.1f} MB ({len(missing)} files that it lacks)"
            )
            remote = self._connection._shell.join_path(self._connection._shell.tmpdir, "payload.tar")
            self._transfer_file(local, remote)
            self._fixup_perms2((self._connection._shell.tmpdir, remote), execute=False)
            return str(remote)
        finally:
            os.unlink(local)
