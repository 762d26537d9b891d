# Copyright (c) 2026 dwp.backend contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The module under test, started as Ansible starts it: JSON in, JSON out, by root or by somebody without rights."""

from __future__ import annotations

import contextlib
import json
import os
import pwd
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import ansible
import pytest

CHECKOUT = Path(__file__).resolve().parents[3]
PORTS = {"postgres": 15600, "redis": 15601}


class Host:
    """One dwp_root and the user that works on it."""

    def __init__(self, root: Path, python: str, environment: dict[str, str], user: dict[str, Any]) -> None:
        self.root, self.python, self.environment, self.user = root, python, environment, user

    def raw(self, name: str, check: bool = False, **arguments: Any) -> tuple[dict[str, Any], str]:
        payload = {"ANSIBLE_MODULE_ARGS": {**arguments, "_ansible_check_mode": check, "_ansible_remote_tmp": "/tmp"}}
        done = subprocess.run(
            [self.python, "-m", f"ansible_collections.dwp.backend.plugins.modules.{name}"],
            input=json.dumps(payload), capture_output=True, text=True, check=False, cwd="/", env=self.environment, timeout=300,
            **self.user,
        )  # fmt: skip
        assert done.stdout, done.stderr
        return json.loads(done.stdout), done.stdout + done.stderr

    def embedded(self, check: bool = False, **arguments: Any) -> dict[str, Any]:
        answer, _text = self.raw("dwp_embedded", check, root=str(self.root), **arguments)
        return answer


@contextlib.contextmanager
def make_host(kind: str, name: str = "root") -> Iterator[Host]:
    """kind: self (whoever runs the tests) or nobody (a user without rights, who reads copies of what is needed)."""
    base = Path(tempfile.mkdtemp(prefix="dwp-infra-"))
    base.chmod(0o755)
    root = base / name
    environment = {"PATH": os.environ["PATH"], "HOME": str(base), "LANG": "C.UTF-8", "DWP_SECRET_OF_THE_SHELL": "leak"}
    environment.update({key: value for key, value in os.environ.items() if key.startswith("PIP_")})
    try:
        if kind == "self":
            environment["PYTHONPATH"] = str(CHECKOUT / "collections")
            host = Host(root, sys.executable, environment, {})
        else:
            if os.geteuid() != 0:
                pytest.skip("already an unprivileged user: the other variant is the same")
            library = copy_code(base / "lib")
            environment["PYTHONPATH"] = str(library)
            nobody = pwd.getpwnam("nobody")
            os.chown(base, nobody.pw_uid, nobody.pw_gid)
            host = Host(root, "/usr/bin/python3", environment, {"user": nobody.pw_uid, "group": nobody.pw_gid, "extra_groups": []})
        try:
            yield host
        finally:
            host.embedded(state="absent")
    finally:
        shutil.rmtree(base, ignore_errors=True)


def copy_code(target: Path) -> Path:
    """A checkout or interpreter below a closed home directory is out of another user's reach."""
    source = Path(ansible.__file__).parent
    (target / "ansible").mkdir(parents=True)
    (target / "ansible" / "__init__.py").touch()
    shutil.copytree(source / "module_utils", target / "ansible" / "module_utils")
    collection = target / "ansible_collections" / "dwp" / "backend"
    shutil.copytree(CHECKOUT / "plugins", collection / "plugins", ignore=shutil.ignore_patterns("__pycache__"))
    return target


@pytest.fixture(scope="module", params=["self", "nobody"])
def host(request: pytest.FixtureRequest) -> Iterator[Host]:
    with make_host(request.param) as made:
        yield made
