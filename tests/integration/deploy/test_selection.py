# Copyright (c) 2026 dwp.backend contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""dwp_only, --limit, --tags and --check --diff do what people expect of them. Two hosts: alpha and gamma here, beta there."""

from __future__ import annotations

from collections.abc import Callable, Iterator

import pytest

from .fleet import Fleet, Run


@pytest.fixture(scope="module")
def two(light_class: bytes, new_ports: Callable[[], int]) -> Iterator[Fleet]:
    made = Fleet(new_ports(), light_class)
    made.roots["there"] = made.base / "there"
    made.hosts["beta"] = ["there"]
    try:
        yield made
    finally:
        made.remove()


def predicted(run: Run) -> list[str]:
    """Changed tasks but for those of the waves, which only a real run has; the plan tells what they will do."""
    return [task for task in run.changed if "wave |" not in task]


def compare(check: Run, real: Run) -> None:
    assert check.rc == real.rc == 0, f"{check}\n{real}"
    assert check.actions == real.actions
    assert {n: e["reasons"] for n, e in check.plan.items()} == {n: e["reasons"] for n, e in real.plan.items()}
    assert predicted(check) == predicted(real)
    waves = {name for event in real.tasks("wave | Activate") for name in event["result"].get("services") or {}}
    assert waves == {name for name, action in real.actions.items() if action != "none"}


def test_check_on_a_fresh_host_predicts_the_deployment_and_writes_nothing(two: Fleet) -> None:
    check = two.run("deploy", "--check", "--diff")
    assert check.rc == 0, str(check)
    assert not any(root.exists() for root in two.roots.values())
    assert two.pids() == {}
    real = two.deploy()
    assert set(real.actions.values()) == {"install"}
    compare(check, real)


def test_check_of_nothing_to_do(two: Fleet) -> None:
    compare(two.run("deploy", "--check", "--diff"), two.deploy())


def test_check_of_several_kinds_of_changes(two: Fleet) -> None:
    two.set("alpha", LIGHT_COLOUR="blue")
    (two.home("gamma") / "current" / "launch").chmod(0o755)
    two.add("delta", two.first_port + 3, after=["alpha"])
    pids, listing = two.pids(), two.listing()
    check = two.run("deploy", "--check", "--diff")
    assert two.listing() == listing and two.pids() == pids
    assert "+LIGHT_COLOUR='blue'" in check.output
    real = two.deploy()
    assert real.actions == {"alpha": "replace", "beta": "none", "delta": "install", "gamma": "repair"}
    compare(check, real)


def test_check_of_a_service_that_leaves(two: Fleet) -> None:
    del two.services["delta"], two.hosts["delta"]
    pids = two.pids()
    check = two.run("deploy", "--check")
    assert two.pids() == pids
    real = two.deploy()
    assert "delta" not in two.pids()
    compare(check, real)


def test_dwp_only_touches_the_named_services_alone(two: Fleet) -> None:
    for name in two.services:
        two.set(name, LIGHT_COLOUR="green")
    pids = two.pids()
    done = two.deploy("-e", "dwp_only=beta,gamma")
    assert done.actions == {"beta": "replace", "gamma": "replace"}
    assert two.pids()["alpha"] == pids["alpha"]
    assert {n for n, p in two.pids().items() if p != pids[n]} == {"beta", "gamma"}


def test_limit_touches_the_named_hosts_alone(two: Fleet) -> None:
    for name in two.services:
        two.set(name, LIGHT_COLOUR="yellow")
    pids = two.pids()
    done = two.deploy("--limit", "there")
    assert done.actions == {"beta": "replace"}
    assert {n for n, p in two.pids().items() if p != pids[n]} == {"beta"}


def test_first_deployment_of_one_service_is_judged_by_that_service(fresh: Fleet) -> None:
    done = fresh.deploy("-e", "dwp_only=alpha")
    assert done.actions == {"alpha": "install"}
    assert set(fresh.pids()) == {"alpha"}


def test_tags(two: Fleet) -> None:
    pids = two.pids()
    infra = two.deploy("--tags", "infra")
    assert infra.actions == {} and two.pids() == pids
    services = two.deploy("--tags", "services")
    assert services.actions == {"alpha": "replace", "beta": "none", "gamma": "replace"}
    assert {n for n, p in two.pids().items() if p != pids[n]} == {"alpha", "gamma"}


def test_service_that_moves_to_another_host_is_stopped_where_it_was(two: Fleet) -> None:
    two.hosts["gamma"] = ["there"]
    two.services["gamma"]["port"] += 2  # both "hosts" are this machine
    pid = two.pids()["gamma"]
    two.deploy()
    assert two.pids()["gamma"] != pid, "one process of it, on the other host"
    assert not (two.root / "supervisor" / "conf.d" / "gamma.conf").exists()
    assert two.healthy()
    assert two.deploy().changed == []
