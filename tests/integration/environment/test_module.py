# Copyright (c) 2026 dwp.backend contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""dwp_env_assert through main(): JSON in, JSON out, with real files and real processes."""

from __future__ import annotations

import json
import os
import pwd
import subprocess
import sys
import time
from pathlib import Path

import pytest

from ansible_collections.dwp.backend.plugins.module_utils._envfile import dump, encode
from ansible_collections.dwp.backend.plugins.module_utils._environment_sources import read_source
from ansible_collections.dwp.backend.plugins.module_utils._processes import (
    boot_time,
    clock_ticks,
    find_by_marker,
    is_alive,
    read_process,
    started_at,
)

COLLECTIONS = Path(__file__).resolve().parents[3] / "collections"
MODULE = "ansible_collections.dwp.backend.plugins.modules.dwp_env_assert"
SECRET = "Tr0ub4dor&3-'한글'-\\$x-needs-32-bytes"
KEY = "a key for the fingerprints of a test"
GOOD = {
    "SPRING_PROFILES_ACTIVE": "staging", "SERVER_PORT": "8001", "DB_HOST": "db.internal", "DB_PORT": "5432",
    "DB_NAME": "dwp_auth", "DB_USERNAME": "dwp_user", "DB_PASSWORD": "ynd83hda", "JWT_SECRET": SECRET,
    "JPA_SHOW_SQL": "false", "LOG_LEVEL_AUTH": "INFO", "LOG_LEVEL_MONITORING": "INFO", "LOG_LEVEL_SECURITY": "INFO",
    "LOG_LEVEL_SQL": "WARN", "LOG_LEVEL_SQL_PARAM": "WARN", "DWP_SEED_ENABLED": "false", "TZ": "Asia/Seoul",
}


def run(arguments):
    """The module as Ansible starts it: arguments on standard input, one JSON object on standard output."""
    given = {"ANSIBLE_MODULE_ARGS": {"_ansible_remote_tmp": "/tmp", "_ansible_verbosity": 3, **arguments}}
    done = subprocess.run(
        [sys.executable, "-c", f"import sys; from {MODULE} import main; main()"],
        input=json.dumps(given), capture_output=True, text=True, env={**os.environ, "PYTHONPATH": str(COLLECTIONS)},
        check=False,
    )
    assert "Traceback" not in done.stderr, done.stderr
    return json.loads(done.stdout), done


def write(path, values, mode=0o600):
    path.write_bytes(encode(dump(values)))
    path.chmod(mode)
    return str(path)


def ids(result):
    return [violation["id"] for violation in result["violations"]]


@pytest.fixture
def process(tmp_path):
    """A function that starts a process with an environment and arguments; all are ended afterwards."""
    started = []

    def start(environment, *arguments):
        program = "import sys, time; print('ready', flush=True); time.sleep(600)"
        running = subprocess.Popen(
            [sys.executable, "-c", program, *arguments], env=environment, stdout=subprocess.PIPE, cwd=tmp_path
        )
        started.append(running)
        assert running.stdout.readline() == b"ready\n"
        return running

    yield start
    for running in started:
        running.kill()
        running.wait()


def test_a_good_file_passes(tmp_path):
    path = write(tmp_path / "environment", GOOD)
    result, _text = run({"environment_name": "staging", "environments": [{"service": "auth", "file": path}]})
    assert (result["violations"], result["errors"], result["warnings_count"]) == ([], 0, 0)
    assert result["checked"] == {"auth": len(GOOD)}
    assert set(result["fingerprints"]["auth"]) == {"DB_PASSWORD", "JWT_SECRET"}
    assert result["changed"] is False


def test_violations_name_file_and_line_and_fail_the_task_unless_told_not_to(tmp_path):
    path = write(tmp_path / "environment", {**GOOD, "JWT_SECRET": "short", "DB_PORT": "80822"})
    arguments = {"environment_name": "staging", "environments": [{"service": "auth", "host": "app-01", "file": path}]}
    result, _text = run(arguments)
    assert result["failed"] is True
    assert ids(result) == ["ports", "jwt-secret-length"]
    line = Path(path).read_text(encoding="utf-8").split("\n").index("JWT_SECRET='short'") + 1
    assert result["violations"][1]["line"] == line
    assert f"auth on app-01: JWT_SECRET is 5 bytes long in UTF-8, at least 32 are needed ({path}, line {line})." in result["msg"]
    assert "Environment: 2 error(s), 0 warning(s); nothing was changed." in result["msg"]
    relaxed, _text = run({**arguments, "fail": False, "_ansible_check_mode": True})
    assert not relaxed.get("failed")
    assert relaxed["violations"] == result["violations"]


def test_everything_wrong_with_files_is_said_at_once(tmp_path):
    broken = tmp_path / "broken.env"
    broken.write_text(f"JWT_SECRET='{SECRET[:8]}\n".replace("'한", "") + "A=1\n", encoding="utf-8")
    broken.chmod(0o600)
    pipe = tmp_path / "pipe"  # nobody writes to it: opening it would wait for ever
    os.mkfifo(pipe)
    open_file = write(tmp_path / "open.env", GOOD, mode=0o644)
    systemd = tmp_path / "systemd.env"
    systemd.write_text('DB_HOST="db.internal"\nSERVER_PORT=8082 # mail\n; other\nexport DB_NAME=dwp_mail\n', encoding="utf-8")
    result, _text = run({
        "environment_name": "staging", "fail": False,
        "environments": [
            {"service": "main", "file": str(broken)},
            {"service": "auth", "file": open_file},
            {"service": "mail", "file": str(systemd)},
            {"service": "chat", "file": str(tmp_path / "absent.env")},
            {"service": "approval", "file": str(tmp_path)},
            {"service": "synapsex", "file": str(pipe)},
        ],
    })
    messages = {service: [v["message"] for v in result["violations"] if v["service"] == service] for service in
                ("main", "auth", "mail", "chat", "approval", "synapsex")}
    assert any(f"main: {broken}:1: JWT_SECRET: the single quote that opens here is never closed" in m for m in messages["main"])
    assert messages["auth"] == [
        f"auth: {open_file} holds secrets and has mode 0644: every user of the host can read them; set 0640 or 0600"
    ]
    assert [v["severity"] for v in result["violations"] if v["id"] == "file_mode"] == ["warning"]  # what it says is right
    assert any(f"mail: {systemd}:2: SERVER_PORT holds an unquoted blank and #" in m for m in messages["mail"])
    assert any("SERVER_PORT" in m and "'8082 # mail', not a port" in m for m in messages["mail"])
    assert messages["chat"] == [f"chat: {tmp_path / 'absent.env'}: No such file or directory"]
    assert messages["approval"] == [f"approval: {tmp_path} is not a file"]
    assert messages["synapsex"] == [f"synapsex: {pipe} is not a file"]
    assert set(result["checked"]) == {"main", "auth", "mail"}


def test_a_running_process_is_read_as_it_is(process):
    running = process({**GOOD, "DB_HOST": "localhost", "JWT_SECRET": "short"})
    result, _text = run({"environment_name": "prod", "fail": False, "environments": [{"service": "auth", "pid": running.pid}]})
    assert ids(result) == ["local-database", "jwt-secret-length"]
    assert result["violations"][1]["source"] == f"process {running.pid}"


def test_arguments_of_the_process_count(process):
    without = {name: value for name, value in GOOD.items() if name not in ("SPRING_PROFILES_ACTIVE", "TZ")}
    running = process(without, "-Dspring.profiles.active=staging", "--server.port=99999", "-Duser.timezone=Asia/Seoul")
    result, _text = run({"environment_name": "prod", "fail": False, "environments": [{"service": "auth", "pid": running.pid}]})
    assert ids(result) == ["ports"]


def test_a_process_is_found_by_its_marker(process):
    mark = f"test-{os.getpid()}"
    running = process({**GOOD, "DWP_SERVICE_MARK": mark})
    arguments = {"environment_name": "prod", "fail": False,
                 "environments": [{"service": "auth", "marker": f"DWP_SERVICE_MARK={mark}"}]}
    result, _text = run(arguments)
    assert result["violations"] == []
    second = process({**GOOD, "DWP_SERVICE_MARK": mark})
    result, _text = run(arguments)
    assert f"several processes carry the marker DWP_SERVICE_MARK: {running.pid}, {second.pid}" in result["violations"][0]["message"]
    for each in (running, second):
        each.kill()
        each.wait()
    result, _text = run(arguments)
    assert "no running process carries the marker DWP_SERVICE_MARK" in result["violations"][0]["message"]


def test_a_process_that_is_gone_is_a_violation_not_a_traceback(process):
    running = process({})
    running.kill()
    zombie, _text = run({"fail": False, "environments": [{"service": "auth", "pid": running.pid}]})
    assert "has ended" in zombie["violations"][0]["message"]
    running.wait()
    gone, _text = run({"fail": False, "environments": [{"service": "auth", "pid": running.pid}]})
    assert gone["violations"][0]["message"] == f"auth: there is no process {running.pid}"
    assert gone["checked"] == {}


@pytest.mark.skipif(os.getuid() != 0, reason="only root can become another user")
def test_a_process_of_another_user_asks_for_become(process):
    running = process({})
    reading, writing = os.pipe()
    child = os.fork()
    if child == 0:  # as nobody, without the way of another interpreter, which nobody may not be allowed to start
        os.setgroups([])
        os.setuid(pwd.getpwnam("nobody").pw_uid)
        found = read_source({"pid": running.pid}, known=())
        os.write(writing, found.troubles[0].message.encode())
        os._exit(0)
    os.waitpid(child, 0)
    message = os.read(reading, 10_000).decode()
    os.close(reading)
    os.close(writing)
    assert message == (
        f"process {running.pid} belongs to another user: environ needs its owner or root (become: true)"
    )


def test_real_processes_start_ticks_and_markers(process):
    value = "줄\n바꿈 'x' $HOME"
    mark = f"read-{os.getpid()}"
    before = time.time()
    running = process({"MARK": mark, "VALUE": value}, "", "last argument")
    seen = read_process(running.pid)
    assert seen.environment == {"MARK": mark, "VALUE": value}
    assert seen.arguments[-2:] == ("", "last argument")
    assert seen.parent == os.getpid()
    assert abs(started_at(seen.start_ticks, boot_time(), clock_ticks()) - before) < 3
    assert [each.pid for each in find_by_marker("MARK", mark).processes] == [running.pid]
    assert is_alive(running.pid, seen.start_ticks)
    assert not is_alive(running.pid, seen.start_ticks + 1)
    running.kill()
    running.wait()
    assert not is_alive(running.pid, seen.start_ticks)
    assert find_by_marker("MARK", mark).processes == ()


def test_given_environments_as_json_and_as_text_give_the_same():
    def check(text):
        result, _text = run({
            "environment_name": "staging", "fail": False, "fingerprint_key": KEY,
            "environments": [{"service": "auth", "environment": text}],
        })
        return result["violations"], result["fingerprints"]

    assert check(json.dumps(GOOD)) == check(dump(GOOD))
    assert check(json.dumps(GOOD))[0] == []


def test_numbers_booleans_and_null_count_as_a_deployment_writes_them():
    given = {**GOOD, "SERVER_PORT": 8001, "DB_PORT": 54320.0, "JPA_SHOW_SQL": False, "RBAC_CACHE_TTL_SECONDS": None, "TZ": ["KST"]}
    result, _text = run({"environment_name": "staging", "fail": False, "environments": [
        {"service": "auth", "environment": json.dumps(given)}]})  # fmt: skip
    assert [v["message"].partition(" (")[0] for v in result["violations"] if v["severity"] == "error"] == [
        "auth: DB_PORT is 54320.0, not a port between 1 and 65535",
        "auth: TZ is of type list, not text; put the value in quotes where it is defined",
    ]


def test_fingerprints_join_hosts():
    def on(host, service, secret, others=None):
        result, _text = run({
            "environment_name": "staging", "fail": False, "fingerprint_key": KEY, "fingerprints": others or {},
            "environments": [{"service": service, "host": host, "environment": json.dumps({"JWT_SECRET": secret})}],
        })
        return result

    first = on("a", "auth", SECRET)
    assert "jwt-secret-equal" in ids(on("b", "main", SECRET + "x", first["fingerprints"]))
    assert "jwt-secret-equal" not in ids(on("b", "main", SECRET, first["fingerprints"]))


def test_fingerprints_of_two_runs_have_nothing_in_common():
    arguments = {"fail": False, "environments": [{"service": "auth", "environment": json.dumps(GOOD)}]}
    assert run(arguments)[0]["fingerprints"] != run(arguments)[0]["fingerprints"]


BAD_OPTIONS = [
    ({"environments": [{"service": "auth"}]}, "one of the following is required: file, pid, marker, environment"),
    ({"environments": [{"service": "auth", "pid": 1, "file": "/x"}]}, "mutually exclusive"),
    ({"environments": [{"service": "a", "environment": "A=1"}, {"service": "a", "environment": "A=1"}]}, "a is given twice"),
    ({"environments": []}, "environments: is empty, and a check of nothing finds nothing"),
    ({"environments": [{"service": "a", "environment": "{'A': 'hunter2'}"}]}, "use the filter to_json"),
    ({"environments": [{"service": "a", "marker": "hunter2"}]}, "of the form NAME=value"),
    ({"environments": [], "fingerprint_key": "hunter2"}, "fingerprint_key has 7 characters"),
    ({"environments": [], "rules": [{"id": "x", "rule": "prot"}]}, "did you mean port?"),
    ({"environments": [], "disable": ["nmaes"]}, "did you mean names?"),
    ({"environments": [], "services": {"auth": []}}, "services.auth has to be a mapping"),
    ({"environments": [], "services": {"auth": {"required": "A"}}}, "services.auth.required has to be a list"),
    ({"environments": [], "services": {"auth": {"requierd": []}}}, "unknown key requierd"),
]


@pytest.mark.parametrize(("arguments", "words"), BAD_OPTIONS, ids=[case[1][:40] for case in BAD_OPTIONS])
def test_bad_options_are_explained(arguments, words):
    result, _text = run(arguments)
    assert result["failed"] is True
    assert words in result["msg"]
