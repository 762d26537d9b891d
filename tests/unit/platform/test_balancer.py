# Copyright (c) 2026 dwp.backend contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The balancer in the catalogue: URLs of callers, ports that collide, batches, and every mistake with its message."""

from __future__ import annotations

import pathlib

import pytest
import yaml

from ansible_collections.dwp.backend.plugins.filter.deployment import begun
from ansible_collections.dwp.backend.plugins.module_utils._platform import balancer, catalogue, steps
from ansible_collections.dwp.backend.plugins.module_utils._platform import environment as derive

ROOT = pathlib.Path(__file__).parents[3]
DEFAULTS = yaml.safe_load((ROOT / "roles/platform/vars/main.yml").read_text())
PLACEMENT = {
    "gateway": ["gw-1"], "auth": ["app-1"], "main": ["app-1"], "mail": ["app-1", "app-2", "app-3"], "balancer": ["gw-1"],
    "postgres": ["db-1"], "redis": ["db-1"],
}  # fmt: skip
COMPONENTS = {"postgres": {"provider": "packages"}, "redis": {"provider": "packages"}}
ADDRESSES = {"gw-1": "10.0.0.10", "app-1": "10.0.0.1", "app-2": "10.0.0.2", "app-3": "fd00::3", "db-1": "10.0.0.9"}


def build(components=None, placement=None, services=None, **more):
    return catalogue.build(
        service_defaults=DEFAULTS["platform_service_defaults"], component_defaults=DEFAULTS["platform_component_defaults"],
        services=services or {}, components={**COMPONENTS, **(components or {})}, placement={**PLACEMENT, **(placement or {})},
        environment="staging", development=False, profile="staging", **more,
    )  # fmt: skip


def url(platform, caller, host, variable="SERVICE_MAIL_URL"):
    return derive.environment_of(platform, caller, host, address=ADDRESSES.__getitem__, log_dir="/log").values[variable]


# ---- where callers find a service

@pytest.mark.parametrize(("components", "placement", "expected"), [
    ({}, {}, "http://127.0.0.1:18082"),  # the balancer is beside the gateway
    ({}, {"balancer": ["app-2"]}, "http://10.0.0.2:18082"),
    ({}, {"balancer": []}, "http://10.0.0.1:8082"),  # none: the first instance
    ({}, {"mail": ["app-2"]}, "http://10.0.0.2:8082"),  # one instance needs no balancer
    ({"balancer": {"port_offset": 1000}}, {}, "http://127.0.0.1:9082"),
    ({"balancer": {"ports": {"mail": 80}}}, {}, "http://127.0.0.1:80"),
    ({"balancer": {"provider": "external", "host": "lb.corp"}}, {"balancer": []}, "http://lb.corp:18082"),
    ({"balancer": {"provider": "external"}}, {"balancer": []}, "http://10.0.0.1:8082"),
])  # fmt: skip
def test_url_of_a_service_with_several_instances(components, placement, expected):
    platform = build(components, placement)
    assert url(platform, "gateway", "gw-1") == expected
    assert url(platform, "gateway", "gw-1", "SERVICE_AUTH_URL") == "http://10.0.0.1:8001"


def test_an_instance_beside_the_caller_is_not_preferred_to_the_balancer():
    platform = build(placement={"gateway": ["app-1"]})
    assert url(platform, "gateway", "app-1") == "http://10.0.0.10:18082"


# ---- mistakes

@pytest.mark.parametrize(("components", "placement", "services", "message"), [
    ({"balancer": {"ports": {"mail": 8080}}}, {}, {}, "the port for mail, 8080, is already the port of gateway on host gw-1"),
    ({"balancer": {"port_offset": 0}}, {"balancer": ["app-1"]}, {}, "the port for mail, 8082, is already the port of mail on host app-1"),
    ({"balancer": {"ports": {"mail": 5432}}}, {"balancer": ["db-1"]}, {}, "5432, is already the port of postgres on host db-1"),
    ({"balancer": {"ports": {"mail": 18001}}}, {"auth": ["app-1", "app-2"]}, {}, "18001, is already the balancer's port for auth"),
    ({"balancer": {"port_offset": 58000}}, {}, {}, "would be 66082, more than 65535; set dwp_components.balancer.ports.mail"),
    ({"balancer": {"ports": {"mial": 1}}}, {}, {}, 'components.balancer.ports: unknown service "mial" (did you mean "mail"?)'),
    ({"balancer": {"provider": "embedded"}}, {}, {}, '"embedded" is not one of packages, external'),
    ({"balancer": {"prots": {}}}, {}, {}, 'unknown key "prots" (did you mean "ports"?)'),
    ({"balancer": {"settings": {"a\nb": 1}}}, {}, {}, "is not a keyword of haproxy's section defaults"),
    ({"balancer": {"listen": "a b"}}, {}, {}, "is not an address to listen on"),
    ({"balancer": {"drain_timeout": 0}}, {}, {}, "dwp_components.balancer.drain_timeout: 0 is not between 1"),
    ({}, {"balancer": ["gw-1", "app-1"]}, {}, "needs exactly one host in the group balancer, found gw-1, app-1"),
    ({}, {}, {"balancer": {"port": 1234}}, "services.balancer: the group balancer is that of the component"),
    ({"balancer": {"drain": {"command": ["x"]}}}, {}, {}, "components.balancer.drain: only with provider external"),
    ({"balancer": {"provider": "external", "host": "x", "drain": {"command": ["x"]}}}, {}, {}, "drain and undrain belong together"),
    ({"balancer": {"provider": "external", "host": "x", "drain": {}, "undrain": {"url": "http://x"}}}, {}, {}, "drain and undrain belong"),
    ({"balancer": {"provider": "external", "host": "x", "drain": {"url": "x"}}}, {}, {}, "is not a URL with http:// or https://"),
])  # fmt: skip
def test_every_mistake_has_its_message(components, placement, services, message):
    with pytest.raises(catalogue.CatalogueError) as caught:
        build(components, placement, services)
    assert message in str(caught.value)


def test_hooks_of_a_site_do_not_become_facts():
    hook = {"url": "https://lb.corp/drain?token=geheim"}
    platform = build({"balancer": {"provider": "external", "host": "lb.corp", "drain": hook, "undrain": hook}})
    assert "geheim" not in str(catalogue.without_secrets(platform))


# ---- dwp_serial

@pytest.mark.parametrize("serial", [0, "0", -1, "-1", "two", "0%", "101%", "1.5", True, "50 %x", [1]])
def test_bad_serial(serial):
    with pytest.raises(catalogue.CatalogueError, match=r"dwp_serial: .* neither a number of instances"):
        build(serial=serial)


@pytest.mark.parametrize(("serial", "instances", "size"), [
    ("", 5, 1), (None, 5, 1), (2, 5, 2), ("2", 5, 2), ("40%", 5, 2), ("39%", 5, 1), ("1%", 5, 1), ("100%", 5, 5), (9, 5, 9),
])  # fmt: skip
def test_size_of_a_batch(serial, instances, size):
    build(serial=serial)
    assert steps.batch_size(serial, instances, 1) == size


# ---- steps

def plans(action="replace", **by_host):
    """The same action for every instance but those named: app_1="none"."""
    found = {}
    for name, hosts in PLACEMENT.items():
        for host in hosts if name not in ("balancer", "postgres", "redis") else ():
            entry = by_host.get(host.replace("-", "_"), action)
            found.setdefault(host, {})[name] = entry if isinstance(entry, dict) else {"action": entry}
    return found


def order(found, name="mail"):
    groups = [[host for host, names in step["instances"].items() if name in names] for step in found]
    return [group for group in groups if group]


@pytest.mark.parametrize(("serial", "rolling", "plan", "expected"), [
    ("", True, plans(), [["app-1"], ["app-2"], ["app-3"]]),
    ("", False, plans(), [["app-1", "app-2", "app-3"]]),
    ("2", True, plans(), [["app-1", "app-2"], ["app-3"]]),
    ("1", False, plans("rollback"), [["app-1"], ["app-2"], ["app-3"]]),
    ("", True, plans("install"), [["app-1", "app-2", "app-3"]]),  # nobody is served yet
    ("", True, plans("none"), []),
    # what serves nobody comes first, so that the others can be replaced while it serves
    ("", True, plans(app_3="start"), [["app-3"], ["app-1"], ["app-2"]]),
    ("", True, plans(app_2={"action": "replace", "running": False}), [["app-2"], ["app-1"], ["app-3"]]),
    ("", True, plans(app_1="gate"), [["app-1"], ["app-2"], ["app-3"]]),
    ("", True, {h: p for h, p in plans().items() if h != "app-2"}, [["app-1"], ["app-3"]]),  # --limit, a lost host
])  # fmt: skip
def test_order_of_the_instances(serial, rolling, plan, expected):
    platform = build(serial=serial)
    assert order(steps.steps(platform, platform["waves"], plan, rolling=rolling)) == expected


def test_steps_of_a_deployment():
    platform = build()
    found = steps.steps(platform, platform["waves"], plans(), rolling=True)
    assert [step["label"] for step in found] == ["gateway", "auth", "main", "mail on app-1", "mail on app-2", "mail on app-3"]
    assert [step["number"] for step in found] == [1, 2, 3, 4, 5, 6] and [step["wave"] for step in found] == [1, 2, 3, 4, 4, 4]
    assert [step["drain"] for step in found[2:4]] == [[], [{"service": "mail", "host": "app-1"}]]


def test_who_leaves_nobody_behind_is_not_drained():
    platform = build()
    (step,) = steps.steps(platform, [["mail"]], plans(), rolling=False)
    assert not step["drain"]


def test_without_a_balancer_all_at_once_and_said():
    platform = build(placement={"balancer": []}, serial="1")
    found = steps.steps(platform, [["mail"]], plans(), rolling=True)
    assert order(found) == [["app-1", "app-2", "app-3"]] and not found[0]["drain"]
    assert "there is no balancer" in steps.remarks(platform, found, plans())[0]


def test_remarks_of_the_plan():
    platform = build()
    rolling = steps.remarks(platform, steps.steps(platform, [["mail"]], plans(), rolling=True), plans())
    assert rolling == ["  wave 4  rolling  mail: app-1, then app-2, then app-3; each leaves the balancer while it is replaced"]
    at_once = steps.remarks(platform, steps.steps(platform, [["mail"]], plans(), rolling=False), plans())
    assert "dwp_serial=1 keeps the others serving" in at_once[0]
    assert not steps.remarks(platform, [], plans("none"))


def test_an_undo_goes_over_what_was_begun():
    found = [{"number": n} for n in (1, 2, 3)]
    assert begun(found, {"broken": True, "steps": [1, 2]}) == found[:2]
    assert begun(found, {"broken": True}) == found  # the settle time came after all of them


# ---- what the balancer asks

@pytest.mark.parametrize(("ladder", "expected"), [
    ([{"kind": "tcp"}], {"kind": "tcp"}),
    ([{"kind": "actuator"}, {"kind": "tcp"}], {"kind": "actuator", "path": "/actuator/health", "method": "GET"}),
    ([{"kind": "actuator"}, {"kind": "http", "path": "/h"}], {"kind": "http", "path": "/h", "method": "GET", "status": [200]}),
    ([{"kind": "http", "path": "/deep", "deep": True}, {"kind": "http", "path": "/h", "status": [204]}],
     {"kind": "http", "path": "/h", "method": "GET", "status": [204]}),
    ([{"kind": "http", "path": "/h", "host": "elsewhere"}, {"kind": "tcp"}], {"kind": "tcp"}),
])  # fmt: skip
def test_the_rung_that_is_asked(ladder, expected):
    assert balancer.check_rung({"health": ladder}) == expected


def test_what_the_host_of_the_balancer_provides():
    found = balancer.configuration(build(), ADDRESSES.__getitem__)
    (mail,) = found["frontends"]
    assert (mail["service"], mail["port"]) == ("mail", 18082)
    assert [s["address"] for s in mail["servers"]] == ["10.0.0.1", "10.0.0.2", "fd00::3"]
    beside = balancer.configuration(build(placement={"balancer": ["app-1"]}), ADDRESSES.__getitem__)["frontends"][0]["servers"]
    assert beside[0]["address"] == "127.0.0.1"


def test_names_that_haproxy_takes():
    assert balancer.server_name("app-1.corp") == "app-1.corp"
    assert balancer.server_name("앱-1") != balancer.server_name("앱-2")
