# Copyright (c) 2026 dwp.backend contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

import pytest

from ansible_collections.dwp.backend.plugins.filter.infra_providers import infra_providers

SERVICES = {
    "auth": {"hosts": ["app"], "database": {"name": "dwp_auth"}, "redis": "none"},
    "gateway": {"hosts": ["edge"], "database": None, "redis": "none"},
    "main": {"hosts": ["app"], "database": {"name": "dwp_main"}, "redis": "lazy"},
}


@pytest.mark.parametrize(("providers", "selected", "host", "expected"), [
    (("packages", "packages"), ["auth", "main"], "db", ["packages"]),
    (("packages", "packages"), ["auth", "main"], "app", []),
    (("packages", "embedded"), ["auth"], "db", ["embedded", "packages"]),
    (("external", "packages"), ["auth"], "app", ["external"]),
    (("external", "packages"), ["auth"], "edge", ["haproxy"]),
    (("external", "packages"), ["gateway"], "app", []),
    (("docker_compose", "external"), ["auth"], "app", []),
    (("docker_compose", "external"), ["main"], "app", ["external"]),
    (("docker_compose", "external"), ["main"], "db", ["docker_compose"]),
])
def test_what_a_host_needs(providers, selected, host, expected):
    platform = {
        "components": {
            "postgres": {"provider": providers[0], "hosts": ["db"]}, "redis": {"provider": providers[1], "hosts": ["db"]},
            "balancer": {"provider": "packages", "hosts": ["edge"]},
        },
        "services": SERVICES, "selected": selected,
    }
    assert infra_providers(platform, host) == expected
