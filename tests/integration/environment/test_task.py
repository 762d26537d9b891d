# Copyright (c) 2026 dwp.backend contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""dwp_env_assert as a task: environments as people write them in a playbook."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

CHECKOUT = Path(__file__).resolve().parents[3]
SECRET = "a secret of the site, 32 bytes and more"


def play(tmp_path: Path, environment: object, *options: str) -> subprocess.CompletedProcess[str]:
    entry = {"service": "mail", "environment": environment}
    task = {"dwp.backend.dwp_env_assert": {"environment_name": "dev", "environments": [entry]}}
    variables = {"site_secret": SECRET, "ansible_python_interpreter": sys.executable, "ansible_connection": "local"}
    document = [{"hosts": "localhost", "gather_facts": False, "vars": variables, "tasks": [task]}]
    (tmp_path / "play.json").write_text(json.dumps(document), encoding="utf-8")
    return subprocess.run(
        [Path(sys.executable).parent / "ansible-playbook", tmp_path / "play.json", "-i", "localhost,", *options],
        cwd=CHECKOUT, env={**os.environ, "ANSIBLE_NOCOLOR": "1"}, capture_output=True, text=True, check=False,
    )  # fmt: skip


def test_an_environment_may_be_a_mapping_and_its_secrets_stay_secret(tmp_path):
    given = {"DB_HOST": "db", "DB_PORT": 99999, "JPA_SHOW_SQL": False, "SMTP_PASSWORD": "{{ site_secret }}", "NOT_SET": None}
    done = play(tmp_path, given, "-vvv")
    assert done.returncode == 2, done.stdout
    assert "mail: DB_PORT is 99999, not a port between 1 and 65535" in done.stdout
    assert "mail: 4" in done.stdout  # variables read
    assert SECRET not in done.stdout + done.stderr


def test_a_mapping_that_comes_from_a_variable_is_one_too(tmp_path):
    done = play(tmp_path, "{{ {'DB_PORT': 99999} }}")
    assert "mail: DB_PORT is 99999, not a port between 1 and 65535" in done.stdout
