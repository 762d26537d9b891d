# Copyright (c) 2026 dwp.backend contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The role through ansible-playbook: embedded servers from check mode to removal, and everything that can be wrong with others'."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from .conftest import CHECKOUT, PORTS

DB, CACHE = "Db-Secret-1", "Cache-Secret-1"


def play(directory: Path, *arguments: str, **variables: Any) -> subprocess.CompletedProcess[str]:
    """Output holds no secret, however talkative."""
    file = directory / "vars.json"
    file.write_text(json.dumps({"ansible_python_interpreter": sys.executable, **variables}), encoding="utf-8")
    command = ["ansible-playbook", "tests/integration/infra/plays/infra.yml", "-i", "here,", "-c", "local", "-e", f"@{file}"]
    environment = {**os.environ, "ANSIBLE_NOCOLOR": "1", "ANSIBLE_CALLBACK_RESULT_FORMAT": "json"}
    done = subprocess.run([*command, *arguments], cwd=CHECKOUT, env=environment, check=False, capture_output=True, text=True)
    for secret in (DB, CACHE):
        assert secret not in done.stdout + done.stderr
    return done


def changed(done: subprocess.CompletedProcess[str]) -> int:
    assert done.returncode == 0, done.stdout + done.stderr
    return int(re.findall(r"changed=(\d+)", done.stdout)[0])


def probe(name: str, port: int, **rung: Any) -> dict[str, Any]:
    return {"name": name, "host": "127.0.0.1", "port": port, "ladder": [rung]}


def platform(provider: str, postgres: int, redis: int, **more: Any) -> dict[str, Any]:
    on_host = "here" if provider == "embedded" else None
    return {
        "infra_components": {
            "postgres": {"provider": provider, "host": "127.0.0.1", "port": postgres, "on_host": on_host},
            "redis": {"provider": provider, "host": "127.0.0.1", "port": redis, "password": CACHE, "on_host": on_host},
        },
        "infra_here": ["postgres", "redis"] if provider == "embedded" else [],
        "infra_databases": [{"name": "dwp_auth", "user": "dwp_user", "password": DB, "services": ["auth"]}],
        "infra_proofs": [
            probe("auth: database dwp_auth", postgres, kind="postgres", database="dwp_auth", user="dwp_user", password=DB, schema="public"),
            probe("main: redis", redis, kind="redis", password=CACHE),
        ],
        "infra_proof_timeout": 3,
        **more,
    }


def test_embedded_from_check_mode_to_removal(tmp_path: Path) -> None:
    tmp_path.chmod(0o755)
    wanted = platform("embedded", PORTS["postgres"], PORTS["redis"], infra_root=str(tmp_path / "root"))
    try:
        foretold = play(tmp_path, "--check", "--diff", **wanted)
        assert changed(foretold) == 1 and not (tmp_path / "root").exists()
        assert "not checked: auth: database dwp_auth (PostgreSQL on here is not there yet)" in foretold.stdout
        assert "not checked: main: redis (Redis on here is not there yet)" in foretold.stdout
        assert changed(play(tmp_path, "-vvv", "--diff", **wanted)) == 1
        again = play(tmp_path, **wanted)
        assert changed(again) == 0
        assert len(re.findall(r"^ok: ", again.stdout, re.MULTILINE)) == 2  # arguments, servers with their proof: a task is 0.3 s
        assert changed(play(tmp_path, "--check", **wanted)) == 0
    finally:
        assert changed(play(tmp_path, "-e", "entry=stop", "-e", '{"infra_remove": true}', **wanted)) == 1
    assert not (tmp_path / "root" / "infra").exists()


@pytest.fixture
def others(postgres: Any, redis_with_password: Any, new_database: Any) -> dict[str, Any]:
    """A platform on servers of somebody else that is in order."""
    database = new_database()
    wanted = platform("external", postgres.port, redis_with_password.port)
    wanted["infra_proofs"][0]["ladder"][0].update(database=database.name, user=database.user, password=database.password)
    wanted["infra_proofs"][1]["ladder"][0]["password"] = redis_with_password.password
    return wanted


def refused(directory: Path, wanted: dict[str, Any]) -> str:
    """The message, the same in check mode."""
    done = [play(directory, *arguments, **wanted) for arguments in (["--check"], [])]
    assert all(each.returncode != 0 for each in done)
    return done[1].stdout


def test_external_in_order(tmp_path: Path, others: dict[str, Any]) -> None:
    assert changed(play(tmp_path, **others)) == 0
    assert changed(play(tmp_path, "--check", **others)) == 0


def test_external_with_everything_wrong_at_once(tmp_path: Path, others: dict[str, Any], redis_server: Any) -> None:
    database, cache = others["infra_proofs"]
    good = database["ladder"][0]
    others["infra_proofs"] += [
        {**database, "name": "mail: database", "ladder": [{**good, "password": "Not-It-9"}]},
        {**database, "name": "chat: database", "ladder": [{**good, "database": "absent"}]},
        {**cache, "name": "chat: redis", "ladder": [{"kind": "redis", "password": ""}]},
        {**cache, "name": "synapsex: redis", "ladder": [{"kind": "redis", "password": "Not-It-9"}]},
        {**cache, "name": "nobody: redis", "port": 15699},
    ]
    text = refused(tmp_path, others)
    for words in (
        r"mail: database.*password authentication failed", r'chat: database.*\\"absent\\" does not exist',
        "chat: redis.*password, or one is needed", "synapsex: redis.*wrong password", "nobody: redis.*15699.*refused",
    ):  # fmt: skip
        assert re.search(words, text, re.IGNORECASE), (words, text)
    assert "auth: database dwp_auth is" not in text.split('"msg"')[-1].split('"services"')[0]


def test_external_postgres_down(tmp_path: Path, others: dict[str, Any], postgres: Any) -> None:
    postgres.stop()
    text = refused(tmp_path, others)
    assert re.search(rf"auth: database dwp_auth.*127\.0\.0\.1:{postgres.port}.*refused", text), text


def test_external_is_proven_before_ours_is_touched(tmp_path: Path, others: dict[str, Any]) -> None:
    others["infra_components"]["redis"] = {"provider": "embedded", "port": PORTS["redis"], "on_host": "here"}
    others.update(infra_here=["redis"], infra_root=str(tmp_path / "root"))
    others["infra_proofs"][0]["ladder"][0]["password"] = "Not-It-9"
    others["infra_proofs"][1] = probe("main: redis", PORTS["redis"], kind="redis")
    assert "password authentication failed" in refused(tmp_path, others)
    assert not (tmp_path / "root").exists()


def test_argument_specs_say_what_defaults_say() -> None:
    import yaml

    role = CHECKOUT / "roles" / "infra"
    options = yaml.safe_load((role / "meta/argument_specs.yml").read_text(encoding="utf-8"))["argument_specs"]["main"]["options"]
    defaults = yaml.safe_load((role / "defaults/main.yml").read_text(encoding="utf-8"))
    assert {name: option.get("default") for name, option in options.items()} == defaults
