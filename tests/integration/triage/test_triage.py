# Copyright (c) 2026 dwp.backend contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""triage.yml on light services: the real playbook, real processes, real ports."""

from __future__ import annotations

import datetime
import os
import shlex
import socket
import stat
import subprocess
import sys
import time
from pathlib import Path

import pytest

from tests.integration.deploy.fleet import CHECKOUT, Fleet

from .conftest import SECRET, triage


def supervisorctl(fleet: Fleet, *words: str) -> None:
    conf = str(fleet.root / "supervisor" / "supervisord.conf")
    subprocess.run([sys.executable, "-m", "supervisor.supervisorctl", "-c", conf, *words], check=False, capture_output=True)


def heal(fleet: Fleet) -> None:
    fleet.deploy()
    assert triage(fleet).answer == ("healthy", None, None)


def test_a_healthy_platform_is_healthy_and_nothing_is_changed(fleet: Fleet) -> None:
    listing = fleet.listing()
    for _again in range(3):  # its own probes leave traces, which must not count
        found = triage(fleet)
        assert found.answer == ("healthy", None, None) and found.report["findings"] == [], found.lines
        assert found.run.changed == []
    assert fleet.listing() == listing
    assert [stat.S_IMODE(os.stat(path).st_mode) for path in found.paths] == [0o600, 0o600]
    assert stat.S_IMODE(Path(found.paths[0]).parent.stat().st_mode) == 0o700
    assert found.lines[0] == "HEALTHY (confidence: high)" and len(found.lines) <= 25
    assert all(line in found.run.output for line in found.lines)


def test_check_mode_tells_the_same_and_writes_nothing(fleet: Fleet) -> None:
    before = set((fleet.base / "reports").iterdir())
    found = triage(fleet, "--check")
    assert found.lines[0].startswith("HEALTHY") and found.paths == []
    assert set((fleet.base / "reports").iterdir()) == before


def test_the_command_for_a_stopped_service_is_its_cure(fleet: Fleet) -> None:
    supervisorctl(fleet, "stop", "beta")
    found = triage(fleet)
    assert found.answer == ("down", "PROCESS_STOPPED", "beta"), found.lines
    assert found.report["victims"] == []
    action = found.verdict["next_action"]
    assert action["risk"] == "restart"
    words = shlex.split(action["command"])
    done = subprocess.run(words, cwd=CHECKOUT, env={**fleet.environment(), "PATH": f"{Path(sys.executable).parent}:{os.environ['PATH']}"},
                          capture_output=True, text=True, check=False)  # fmt: skip
    assert done.returncode == 0, done.stdout[-3000:]
    assert triage(fleet).answer == ("healthy", None, None)


def test_somebody_else_has_the_port(fleet: Fleet) -> None:
    supervisorctl(fleet, "stop", "alpha")
    with socket.create_server(("127.0.0.1", fleet.services["alpha"]["port"])) as thief:
        assert thief
        found = triage(fleet)
    assert found.verdict["failure"] == "PORT_IN_USE" and found.verdict["service"] == "alpha", found.lines
    assert str(os.getpid()) in found.verdict["title"]
    heal(fleet)


def test_an_environment_edited_without_a_restart(fleet: Fleet) -> None:
    path = fleet.home("alpha") / "current" / "environment"
    path.write_text(path.read_text().replace("LIGHT_MODE='ok'", "LIGHT_MODE='never'"))
    found = triage(fleet)
    assert found.answer == ("degraded", "RESTART_NEEDED", "alpha"), found.lines
    one = next(one for one in found.report["environment_differences"] if one["kind"] == "process")
    assert (one["variable"], one["values"]) == ("LIGHT_MODE", {"file": "never", "process": "ok"})
    heal(fleet)


def test_a_process_that_is_suspended(fleet: Fleet) -> None:
    os.kill(fleet.pids()["alpha"], 19)
    try:
        found = triage(fleet)
        assert found.verdict["service"] == "alpha" and found.verdict["failure"] in ("PROCESS_SUSPENDED", "NOT_ANSWERING"), found.lines
        assert found.verdict["status"] == "down"
    finally:
        os.kill(fleet.pids()["alpha"], 18)
    time.sleep(0.5)
    assert triage(fleet).answer == ("healthy", None, None)


def test_an_unknown_fault_names_the_service_and_its_log(fleet: Fleet) -> None:
    fleet.set("beta", LIGHT_MODE="sickens", LIGHT_SECONDS="12")
    try:
        fleet.deploy()
        time.sleep(13)
        found = triage(fleet, "-e", "dwp_strict=true", rc=2)
        # A failed task has no result worth reading: the report is what it wrote.
        newest = max((fleet.base / "reports").glob("triage-*/report.json"), key=lambda path: path.stat().st_mtime)
        text = newest.read_text()
        assert '"failure": null' in text and '"service": "beta"' in text
        assert "beta.log" in text and "cause unknown" in found.run.output
    finally:
        fleet.services["beta"]["environment"] = {"LIGHT_MODE": "ok"}
    heal(fleet)


def test_what_changed_since_a_report(fleet: Fleet) -> None:
    before = triage(fleet).paths[0]
    fleet.set("alpha", LIGHT_WORD="other")
    fleet.deploy()
    changes = triage(fleet, "-e", f"dwp_baseline={Path(before).parent}").report["baseline"]["changes"]
    assert {(one["kind"], one["service"]) for one in changes} >= {("release", "alpha"), ("restart", "alpha")}
    assert {one["service"] for one in changes} == {"alpha"}


def test_no_secret_anywhere(fleet: Fleet) -> None:
    found = triage(fleet, "-vvv")
    texts = [found.run.output, *(Path(path).read_text() for path in found.paths)]
    assert not any(SECRET in text for text in texts)
    assert "LIGHT_PASSWORD" in texts[1], "its fingerprint is there"


BAD = {
    "dwp_only": ("bet", 'unknown service "bet"'), "dwp_since": ("yesteryear", "The last hour was looked at instead"),
    "dwp_time_budget": ("soon", "it must be a number of seconds"), "dwp_baseline": ("/nowhere/report.json", "No such file"),
    "dwp_ids": ("x", "cannot be searched"), "dwp_canary_headers": ("x", "must be a mapping"),
}  # fmt: skip


def test_every_mistake_is_told_and_the_rest_is_done(fleet: Fleet) -> None:
    words = [word for name, (value, _text) in BAD.items() for word in ("-e", f"{name}={value}")]
    found = triage(fleet, *words, "-e", "dwp_canary=/mark", "-e", '{"dwp_signatures": [{"id": "lower"}]}')
    assert found.answer == ("healthy", None, None), found.lines
    told = " ".join(f"{one['what']} {one['why']}" for one in found.report["not_checked"])
    for name, (_value, text) in BAD.items():
        assert text in told, f"{name}: {told}"
    assert "id must be capitals" in told and "beta" in found.report["services"]


def test_a_log_that_is_gone_is_told(fleet: Fleet) -> None:
    log = fleet.root / "log"
    hidden = log.with_name("log-hidden")
    log.rename(hidden)
    try:
        found = triage(fleet)
        assert found.answer[0] == "healthy"
        assert any("log of" in what for what in found.unasked()), found.report["not_checked"]
    finally:
        hidden.rename(log)


def test_a_host_that_is_down_and_a_group_without_hosts(fleet: Fleet) -> None:
    fleet.roots["away"] = fleet.base / "away"
    fleet.hosts["alpha"].append("away")
    fleet.hosts["beta"], beta = [], fleet.hosts["beta"]
    (fleet.inventory / "host_vars").mkdir(exist_ok=True)
    (fleet.inventory / "host_vars" / "away.yml").write_text("ansible_connection: ssh\nansible_host: 127.0.0.1\nansible_port: 1\n")
    try:
        found = triage(fleet)
        assert found.verdict["failure"] == "HOST_UNREACHABLE" and found.verdict["host"] == "away", found.lines
        assert found.report["services"]["gate"]["state"] == "up", "the others were asked"
        assert {"host away", "beta"} <= set(found.unasked())
    finally:
        del fleet.roots["away"]
        fleet.hosts.update(alpha=["localhost"], beta=beta)


def test_a_request_that_the_second_host_knows_by_another_id(bare: Fleet) -> None:
    """The correlation id ends at the gateway; only its log links it to the trace id that the service behind it prints."""
    bare.add("beta", bare.first_port + 1)
    bare.services["alpha"].update(calls=["beta"])
    bare.roots["second"], bare.hosts["beta"] = bare.base / "second", ["second"]
    bare.deploy()
    correlation, trace = "3f0f2f6e-8a61-4f0b-9a53-2a1f4de1c6a7", "4bf92f3577b34da6a3ce929d0e0e4736"
    now = datetime.datetime.now().astimezone()
    both = f"traceId={trace} correlationId={correlation}"
    records = [(bare.root, "alpha", "INFO", both), (bare.roots["second"], "beta", "ERROR", f"traceId={trace}")]
    for second, (root, name, level, ids) in enumerate(records):
        stamp = (now + datetime.timedelta(seconds=second - 5)).isoformat(timespec="milliseconds")
        with (root / "log" / f"{name}.log").open("a", encoding="utf-8") as file:
            file.write(f"{stamp} {level:>5} 4711 --- [{name}] [nio-exec-1] c.d.Filter : {ids} in {name}\n")
    found = triage(bare, "-e", f"dwp_id={correlation}")
    path = found.report["request_path"]
    assert [(one["service"], one["host"]) for one in path["steps"]] == [("alpha", "localhost"), ("beta", "second")], path
    assert path["ids"] == [correlation] and trace in path["related_ids"] and path["failed_at"]["service"] == "beta"
    asked = {one["host"]: one["result"]["ids"] for one in found.run.tasks("Ask for the ids that other hosts found")}
    assert asked == {"localhost": [], "second": [trace]}, "only who does not know it is asked again"


def test_nothing_was_deployed(bare: Fleet) -> None:
    found = triage(bare)
    assert found.answer == ("unknown", None, None) and not bare.root.exists()
    assert "deploy.yml" in found.verdict["next_action"]["command"]


@pytest.mark.parametrize("path", ["true", "/mark"])
def test_the_canary(fleet: Fleet, path: str) -> None:
    found = triage(fleet, "-e", f"dwp_canary={path}")
    if path == "true":  # this gateway has no business path among its probes
        assert "say which path" in found.unasked()["dwp_canary"]
    else:
        assert found.report["canary"]["status"] == 200 and found.report["canary"]["vanished_at"] is None
