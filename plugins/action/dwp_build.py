# Copyright (c) 2026 dwp.backend contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Builds the jars from a checkout at a git ref, on the controller. See modules/dwp_build.py."""

from __future__ import annotations

import fnmatch
import json
import os
import shlex
import shutil
import subprocess
import tempfile
import time
from typing import Any

from ansible.plugins.action import ActionBase

from ansible_collections.dwp.backend.plugins.plugin_utils import artifacts
from ansible_collections.dwp.backend.plugins.plugin_utils.platform import View


class BuildError(Exception):
    """The build cannot be done; the message says why."""


class ActionModule(ActionBase):
    TRANSFERS_FILES = False
    _supports_check_mode = True

    def run(self, tmp: Any = None, task_vars: Any = None) -> dict[str, Any]:
        result = super().run(tmp, task_vars)
        _validated, args = self.validate_argument_spec(
            argument_spec={
                "checkout": {"type": "path", "required": True},
                "ref": {"type": "str", "default": "HEAD"},
                "command": {"type": "str", "required": True},
                "artifacts_dir": {"type": "path", "required": True},
                "timeout": {"type": "int", "default": 1800},
            }
        )
        view = View(task_vars, self._templar)
        platform = view.catalogue()
        wanted = sorted({platform["services"][name]["artifact"] for name in platform["selected"]})
        try:
            sha = self._git(args["checkout"], "rev-parse", "--verify", args["ref"] + "^{commit}")
            folder = args["artifacts_dir"]
            if all(self._origin(folder, name) == sha for name in wanted):
                return {**result, "changed": False, "git_sha": sha, "artifacts": wanted}
            if self._task.check_mode:
                return {**result, "changed": True, "git_sha": sha, "artifacts": wanted}
            self._build(args, sha, wanted)
        except BuildError as error:
            return {**result, "failed": True, "msg": f"{error}\nNothing was changed on any host."}
        return {**result, "changed": True, "git_sha": sha, "artifacts": wanted}

    @staticmethod
    def _origin(folder: str, artifact: str) -> str | None:
        """The commit that the jar in the artifacts directory was built from."""
        path = os.path.join(folder, artifact + ".jar")
        try:
            with open(path + ".origin.json", encoding="utf-8") as file:
                return str(json.load(file)["git_sha"]) if os.path.isfile(path) else None
        except (OSError, ValueError, KeyError):
            return None

    @staticmethod
    def _git(checkout: str, *words: str) -> str:
        argv = ["git", "-C", checkout, *words]
        try:
            done = subprocess.run(argv, capture_output=True, text=True, check=False, env={**os.environ, "LC_ALL": "C"})
        except FileNotFoundError:
            raise BuildError("git is not on the PATH of the controller; install it, or set dwp_artifacts_dir to finished jars") from None
        if done.returncode:
            raise BuildError(f"{shlex.join(argv)} ended with {done.returncode}: {done.stderr.strip()}")
        return done.stdout.strip()

    def _build(self, args: dict[str, Any], sha: str, wanted: list[str]) -> None:
        """In a worktree of its own, so that neither local changes nor a dirty build directory get into a release."""
        tree = tempfile.mkdtemp(prefix="dwp-build-")
        os.rmdir(tree)
        self._git(args["checkout"], "worktree", "add", "--detach", "--force", tree, sha)
        try:
            self._run(args, sha, tree)
            found = {name: self._find(tree, name) for name in wanted}
            missing = [name for name, path in found.items() if path is None]
            if missing:
                raise BuildError(
                    f"{args['command']} succeeded, but made no runnable jar for {', '.join(missing)} (looked for <artifact>.jar and "
                    "<artifact>-*.jar in build/libs and target directories); correct artifact in dwp_services, or the build command"
                )
            os.makedirs(args["artifacts_dir"], exist_ok=True)
            for name, path in found.items():
                target = os.path.join(args["artifacts_dir"], name + ".jar")
                shutil.copyfile(str(path), target + ".new")
                os.replace(target + ".new", target)
                with open(target + ".origin.json", "w", encoding="utf-8") as file:
                    json.dump({"git_sha": sha, "ref": args["ref"], "command": args["command"]}, file)
        finally:
            subprocess.run(["git", "-C", args["checkout"], "worktree", "remove", "--force", tree], capture_output=True, check=False)
            shutil.rmtree(tree, ignore_errors=True)

    def _run(self, args: dict[str, Any], sha: str, tree: str) -> None:
        self._display.display(f"  building {sha[:12]} with: {args['command']}")
        begin, shown = time.monotonic(), 0.0
        with tempfile.TemporaryFile() as log:
            try:
                process = subprocess.Popen(
                    shlex.split(args["command"]), cwd=tree, stdin=subprocess.DEVNULL, stdout=log, stderr=subprocess.STDOUT
                )
            except (OSError, ValueError) as error:
                why = getattr(error, "strerror", None) or error
                problem = f"{args['command']} cannot be run in the checkout at {sha[:12]} ({why}); correct dwp_build_command"
                raise BuildError(problem) from None
            while process.poll() is None:
                time.sleep(0.2)
                elapsed = time.monotonic() - begin
                if elapsed - shown >= 15:
                    shown = elapsed
                    self._display.display(f"  {elapsed:4.0f} s  building", color="cyan")
                if elapsed > args["timeout"]:
                    process.kill()
                    raise BuildError(f"{args['command']} did not end within {args['timeout']} s (dwp_build_timeout)")
            if process.returncode:
                log.seek(0)
                last = log.read().decode("utf-8", "replace").splitlines()[-30:]
                end = "\n  ".join(last)
                raise BuildError(f"{args['command']} ended with {process.returncode} at {sha[:12]}; its last lines:\n  {end}")

    @staticmethod
    def _find(tree: str, artifact: str) -> str | None:
        """The runnable jar of an artifact: build/libs (Gradle) or target (Maven), the exact name before one with a version."""
        found = []
        for folder, folders, files in os.walk(tree):
            folders[:] = [f for f in folders if f not in (".git", "node_modules", ".gradle")]
            if os.path.basename(folder) not in ("libs", "target"):
                continue
            for file in files:
                named = file == artifact + ".jar" or fnmatch.fnmatch(file, artifact + "-*.jar")
                if named and not any(fnmatch.fnmatch(file, p) for p in artifacts.NOT_RUNNABLE):
                    found.append(os.path.join(folder, file))
        return min(found, key=lambda p: (os.path.basename(p) != artifact + ".jar", len(p))) if found else None
