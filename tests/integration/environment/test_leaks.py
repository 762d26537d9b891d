# Copyright (c) 2026 dwp.backend contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Secrets are put everywhere, everything that Ansible prints at -vvv is searched for them."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest
import yaml

from ansible_collections.dwp.backend.plugins.module_utils._envfile import dump, encode

ROOT = Path(__file__).resolve().parents[3]
SEEDS = {
    "JWT_SECRET": "seed-jwt-7f3c",  # too short, so that the rule about its length speaks
    "DB_PASSWORD": " seed db '7f3c' ",
    "REDIS_PASSWORD": "seed-redis-7f3c\n",
    "SMTP_LOGIN": "seed-declared-7f3c",
    "JWT_SECRETE": "seed-typo-7f3c",
    "SPRING_DATASOURCE_PASSWORD": "seed-spring-7f3c",
}
IN_VALUES = {
    "SERVICE_AUTH_URL": "http://user:seed-url-7f3c@localhost:99999/?token=seed-token-7f3c",
    "AURA_PLATFORM_URL": "ftp://:seed-aura/7f3c@localhost/",
    "AURA_PLATFORM_URI": "http://localhost/?password=seed-parameter-7f3c",
    "SPRING_DATASOURCE_URL": "jdbc:postgresql://localhost/x?user=u&password=seed-jdbc-7f3c&x=seed-rest-7f3c",
    "SPRING_APPLICATION_JSON": '{"password": "seed-json-7f3c"',
    "DB_NAME": "x seed-declared-7f3c y",  # a secret pasted into the wrong variable
    "SERVER_PORT": "seed-jwt-7f3c",
    "JPA_DDL_AUTO": "seed-typo-7f3c",
    "DB_HOST": "u:seed-host-7f3c@localhost",
}
MARK = "7f3c"


def playbook(tmp_path, tasks, variables):
    path = tmp_path / "play.yml"
    (tmp_path / "vars.yml").write_text(yaml.safe_dump(variables, allow_unicode=True), encoding="utf-8")
    play = {"hosts": "localhost", "gather_facts": False, "vars_files": ["vars.yml"], "tasks": tasks}
    path.write_text(yaml.safe_dump([play], sort_keys=False), encoding="utf-8")
    environment = {
        **os.environ,
        "ANSIBLE_COLLECTIONS_PATH": str(ROOT / "collections"),
        "ANSIBLE_DISPLAY_TRACEBACK": "always",
        "ANSIBLE_LOCAL_TEMP": str(tmp_path / "local"),
        "ANSIBLE_REMOTE_TEMP": str(tmp_path / "remote"),
        "ANSIBLE_LOG_PATH": str(tmp_path / "log"),
        "ANSIBLE_PYTHON_INTERPRETER": sys.executable,
        "ANSIBLE_FORCE_COLOR": "false",
        "LC_ALL": "C.UTF-8",
    }
    command = [sys.executable, "-m", "ansible", "playbook", "-i", "localhost,", "-c", "local", "-vvv", "--diff", str(path)]
    done = subprocess.run(command, env=environment, capture_output=True, text=True, check=False, cwd=tmp_path)
    return done, done.stdout + done.stderr + (tmp_path / "log").read_text(encoding="utf-8")


def names(text):
    """Names may be shown, and the seeds' own file name."""
    return [line for line in text.split("\n") if MARK in line]


@pytest.mark.parametrize("fail", [True, False])
def test_no_secret_in_anything_that_is_printed(tmp_path, fail):
    seeded = {**SEEDS, **IN_VALUES}
    good = tmp_path / "auth.env"
    good.write_bytes(encode(dump(seeded)))
    broken = tmp_path / "main.env"
    broken.write_text(
        "JWT_SECRET='seed-a-7f3c' seed-b-7f3c\nseed-c-7f3c = seed\nDB_PASSWORD=seed-d-7f3c $seed-e-7f3c # seed-f-7f3c\n"
        "X-seed-g-7f3c=1\nREDIS_PASSWORD=\"seed-h-7f3c\n", encoding="utf-8",
    )
    running = subprocess.Popen(
        [sys.executable, "-c", "print('ready', flush=True); import time; time.sleep(600)"],
        env={**seeded, "JWT_SECRET": "seed-process-7f3c"}, stdout=subprocess.PIPE,
    )
    try:
        assert running.stdout.readline() == b"ready\n"
        task = {
            "dwp.backend.dwp_env_assert": {
                "environment_name": "prod", "fail": fail, "fingerprint_key": "seed-key-7f3c-seed-key",
                "services": {"gateway": {"secrets": ["SMTP_LOGIN"], "required": ["SMTP_LOGIN"]}, "auth": {"secrets": ["SMTP_LOGIN"]},
                             "mail": {"secrets": ["SMTP_LOGIN"]}, "chat": {"secrets": ["SMTP_LOGIN"]}},
                "environments": [
                    {"service": "auth", "file": str(good)},
                    {"service": "main", "file": str(broken)},
                    {"service": "mail", "pid": running.pid},
                    {"service": "gateway", "environment": "{{ seeded | to_json }}"},
                    {"service": "chat", "environment": "{{ text }}"},
                ],
            }
        }
        done, output = playbook(tmp_path, [task], {"seeded": seeded, "text": dump(seeded)})
    finally:
        running.kill()
        running.wait()
    assert done.returncode == (2 if fail else 0), output
    for words in ("jwt-secret-length", "local-aura", "ports", "is never closed", "http://***@localhost:99999/?token=***"):
        assert words in output
    assert names(output) == []


@pytest.mark.parametrize("environment", [
    "{{ seeded }}",  # a mapping instead of text
    "{'JWT_SECRET': 'seed-python-7f3c'}",
    '{"JWT_SECRET": "seed-half-7f3c',
    '{"JWT_SECRET": ["seed-list-7f3c"], "seed 7f3c": "x"}',
])
def test_no_secret_in_answers_to_bad_input(tmp_path, environment):
    task = {"dwp.backend.dwp_env_assert": {"environments": [{"service": "auth", "environment": environment}]}}
    done, output = playbook(tmp_path, [task], {"seeded": {"JWT_SECRET": "seed-mapping-7f3c", "N": 8080}})
    assert done.returncode == 2, output
    assert [line for line in names(output) if "seed 7f3c" not in line] == []
    assert json.dumps("seed-mapping") not in output
