# Copyright (c) 2026 dwp.backend contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The collection stands alone; the one provider that needs another collection says so before a host is reached."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import yaml

from ansible_collections.dwp.backend.plugins.plugin_utils.platform import is_installed, missing_collections

ROOT = Path(__file__).resolve().parents[3]


def platform(provider: str, hosts: list[str]) -> dict[str, Any]:
    return {"components": {"postgres": {"provider": provider, "hosts": hosts}, "redis": {"provider": "external", "hosts": []}}}


def test_it_installs_without_any_other_collection():
    assert yaml.safe_load((ROOT / "galaxy.yml").read_text(encoding="utf-8"))["dependencies"] == {}


@pytest.mark.parametrize(("provider", "hosts", "there"), [
    ("docker_compose", ["db-1"], True), ("docker_compose", [], False), ("packages", ["db-1"], False),
])  # fmt: skip
def test_nothing_is_missing(provider, hosts, there):
    assert missing_collections(platform(provider, hosts), lambda _name: there) == []


def test_containers_without_the_collection():
    problem = missing_collections(platform("docker_compose", ["db-1"]), lambda _name: False)[0]
    assert problem.startswith("components.postgres: the provider docker_compose needs the collection community.docker on the controller")


def test_what_is_installed():
    assert is_installed("dwp.backend")
    assert not is_installed("dwp.nothing")
    assert not is_installed("nobody.nothing")
