# Copyright (c) 2026 dwp.backend contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The module in a real playbook: what a log says is data there too, however it looks."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).parents[3]
PLAYBOOK = """
- hosts: localhost
  connection: local
  gather_facts: false
  vars:
    ansible_python_interpreter: "{python}"
  tasks:
    - name: Read the logs
      dwp.backend.dwp_logs:
        since: ""
        ids: [id-1234]
        sources:
          - service: auth
            path: {directory}/auth.log
          - service: mail
            path: {directory}/none.log
      register: logs
    - name: Use what they say
      ansible.builtin.copy:
        content: "{{{{ logs.services.auth | to_json }}}}\\n{{{{ logs.services.auth.templates[0].evidence.record }}}}\\n"
        dest: {directory}/said.json
        mode: "0600"
    - name: Say it
      ansible.builtin.debug:
        var: logs.request_path.steps
    - name: Judge
      ansible.builtin.assert:
        that:
          - not logs.changed
          - logs.services.auth.signatures | map(attribute='id') | list == ['PG_REFUSED']
          - logs.not_checked | length == 1
"""
EVIL = (
    "2026-11-23T01:42:50.137Z ERROR 1 --- [main] a.B : id-1234 {{ lookup('pipe', 'touch DIRECTORY/owned') }} "
    "{% raw %} {# #} $(touch DIRECTORY/owned) \x1b[31m Connection to db:5432 refused password=hunter2Zq\n"
    "\tat {{ 7 * 7 }}\n"
)


def test_a_template_in_a_log_line_is_not_run(tmp_path):
    (tmp_path / "auth.log").write_text(EVIL.replace("DIRECTORY", str(tmp_path)))
    playbook = tmp_path / "logs.yml"
    playbook.write_text(PLAYBOOK.format(python=sys.executable, directory=tmp_path))
    environment = {
        **os.environ,
        "ANSIBLE_COLLECTIONS_PATH": str(ROOT / "collections"),
        "ANSIBLE_LOCALHOST_WARNING": "false",
        "ANSIBLE_FORCE_COLOR": "false",
    }
    done = subprocess.run(
        [str(Path(sys.executable).with_name("ansible-playbook")), "-i", "localhost,", "-vvv", str(playbook)],
        capture_output=True, text=True, env=environment, cwd=tmp_path, timeout=120, check=False,
    )  # fmt: skip
    assert done.returncode == 0, done.stdout[-3000:] + done.stderr[-2000:]
    said = (tmp_path / "said.json").read_text()
    assert "{{ 7 * 7 }}" in said and "49" not in said.split("\tat", 1)[1][:20]
    assert not (tmp_path / "owned").exists()
    assert "hunter2Zq" not in said + done.stdout and "\x1b" not in said
