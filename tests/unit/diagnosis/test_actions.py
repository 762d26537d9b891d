# Copyright (c) 2026 dwp.backend contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Each next action can be pasted: no word of it is left for the reader to fill in, and a shell understands it."""

from __future__ import annotations

import copy
import json
import re
import subprocess

import pytest

from ansible_collections.dwp.backend.plugins.module_utils._diagnosis.actions import WORDS, Words
from ansible_collections.dwp.backend.plugins.module_utils._diagnosis.known import Known
from ansible_collections.dwp.backend.plugins.module_utils._diagnosis.model import Finding
from ansible_collections.dwp.backend.plugins.module_utils._signatures import Match, Signature, blanks, catalogue

from .test_triage import HEALTHY, platform

ROWS = {row.id: row for row in catalogue()}
RECORD = {"file": "/opt/dwp/log/main.log", "line": 120, "record": "x"}
#: What records and probes tell of it; a name that nothing tells stays open on purpose.
TOLD = {
    "host": "app-01", "port": "8081", "db_host": "10.0.3.21", "db_port": "5432", "redis_host": "10.0.3.22", "redis_port": "6379",
    "target_host": "10.0.3.12", "target_port": "8082", "target": "mail", "name": "mail.internal", "path": "/api/main/tasks", "pid": "4188",
    "user": "dwp_user", "database": "dwp_main", "denied": "dwp_aura", "file": "/opt/dwp/log/main.log", "url": "http://10.0.3.12:8082/x",
}  # fmt: skip


def words(**more):
    facts = copy.deepcopy(HEALTHY)
    facts["services"]["main"].update(more)
    return Words({"app-01": facts}, platform("app-01"), "inventories/staging", rows=ROWS)


def finding(row: Signature, variant=None, **told):
    action = Match(row, told, variant).next_action({"service": "main", "file": told.get("file", "")})
    return Finding(row.id, "main", "app-01", about=row.about, evidence=(RECORD,), next_action=action)


CASES = [(row, variant) for row in ROWS.values() for variant in (None, *row.variants)]


@pytest.mark.parametrize(("row", "variant"), CASES, ids=[f"{row.id}-{(variant or {}).get('name', '')}" for row, variant in CASES])
@pytest.mark.parametrize("pid", [4188, None], ids=["running", "ended"])
def test_a_command_can_be_pasted(row, variant, pid):
    made = words(pid=pid).action(finding(row, variant, **TOLD), "main", "app-01")
    assert made["command"] and made["verify"] and made["where"] in ("app-01", "the controller")
    left = [word for word in (*WORDS, "inventories/ENVIRONMENT", *blanks(row)) if re.search(rf"(?<![\w.]){word}(?![\w.])", made["command"])]
    assert not left and "{" not in made["command"], made["command"]
    asked = (variant["next"] if variant else row.next)["command"].split()
    if pid and "triage.yml" not in " ".join(asked) and asked[0] not in WORDS:  # all is known: nothing has to be looked up
        assert made["command"].split()[0] == asked[0]
    done = subprocess.run(["bash", "-n", "-c", made["command"]], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    if made["command"].startswith("psql"):
        assert re.match(r"psql -h \S+ -p \d+ -U \w+ -d \w+ ", made["command"])
    if made["command"].startswith("ansible"):
        assert " -i inventories/staging" in made["command"] and made["where"] == "the controller"
    if "redis-cli" in made["command"]:
        assert "--askpass" in made["command"], "this Redis has a password"
    assert "triage.yml" not in made["command"], "this is it"


def test_what_a_record_does_not_tell_is_looked_up_in_it():
    made = words().action(finding(ROWS["GW_REFUSED"]))
    assert made["command"] == "sed -n '120,160p' /opt/dwp/log/main.log" and made["where"] == "app-01"
    assert "TARGET_HOST, TARGET_PORT for: nc -vz" in made["verify"]


@pytest.mark.parametrize(
    ("file", "command"),
    [
        ("/opt/dwp/log/main.log.1.gz", "zcat /opt/dwp/log/main.log.1.gz | sed -n '120,160p'"),
        ("journal:dwp-main.service", "nc -vz TARGET_HOST TARGET_PORT"),
        ("/opt/x; rm -rf y", "nc -vz TARGET_HOST TARGET_PORT"),
    ],
)
def test_where_the_record_lies(file, command):
    one = finding(ROWS["GW_REFUSED"])
    one = Finding(one.failure, one.service, one.host, evidence=({**RECORD, "file": file},), next_action=one.next_action)
    assert words().action(one)["command"] == command


@pytest.mark.parametrize(
    ("unit", "source"), [("journal:dwp-main.service", "-u dwp-main.service"), ("journal:kernel", "-k")],
)  # fmt: skip
def test_journald_is_no_file(unit, source):
    made = words().action(finding(ROWS["STACKOVERFLOW"], file=unit))
    assert made["command"] == f"journalctl {source} -n 20000 --no-pager -o cat | grep -A 30 StackOverflowError"


def test_without_a_password_none_is_asked_for():
    given = words()
    given.facts["app-01"]["services"]["main"]["environment"]["fingerprints"] = {}
    assert given.action(finding(ROWS["REDIS_REFUSED"]))["command"] == "redis-cli -h 127.0.0.1 -p 6379 ping"


def test_an_installed_collection_has_no_checkout():
    given = words()
    given.installed, given.inventory = True, "inv/a -i 'my inv/b'"
    made = given.action(finding(ROWS["BEAN_MISSING"]))
    assert made["command"] == "ansible-playbook dwp.backend.rollback -i inv/a -i 'my inv/b' -e dwp_only=main"


def test_a_service_that_nobody_could_ask_uses_what_was_asked_for_it():
    facts = json.loads(json.dumps(HEALTHY))
    facts["services"]["main"]["environment"] = None
    given = Words({"app-01": facts}, platform("app-01"), "i", rows=ROWS)
    assert given.action(finding(ROWS["PG_NODB"]))["command"] == "psql -h 127.0.0.1 -p 5432 -U dwp_user -d postgres -l"


def test_rows_found_by_asking_share_it():
    one = Known().finding("PG_LOCK", "postgres", "app-01", {**TOLD, "application": "psql"}, "s", "t")
    assert words().action(one)["command"] == (
        'psql -h 10.0.3.21 -p 5432 -U postgres -d dwp_main -c "SELECT pg_terminate_backend(4188)"'
    )


def test_no_word_is_part_of_another_text():
    """What is looked for in a command, as a word to replace or as one that is missing, may be no word of SQL or of a shell."""
    assert not set(WORDS) & {"PATH", "HOST", "PORT", "SCHEMA", "USER", "FILE"}
    for row in ROWS.values():
        for action in (row.next, row.otherwise, *(variant["next"] for variant in row.variants)):
            plain = re.sub(r"\{\w+\}", "", action.get("command", ""))
            assert not blanks(row) & set(re.findall(r"[A-Z_]{2,}", plain)) - set(WORDS), row.id
