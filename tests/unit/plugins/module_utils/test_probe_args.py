# Copyright (c) 2026 dwp.backend contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

import pytest
import yaml
from ansible.module_utils.common.arg_spec import ArgumentSpecValidator

from ansible_collections.dwp.backend.plugins.module_utils._probe_args import (
    PROBE_SPEC,
    RUNG_SPEC,
    WAIT_SPEC,
    check_wait,
    secret_headers,
)
from ansible_collections.dwp.backend.plugins.module_utils._probe_model import MEANT_FOR, Rung, parse_probes
from ansible_collections.dwp.backend.plugins.modules import dwp_health

EXAMPLES = yaml.safe_load(dwp_health.EXAMPLES)


@pytest.mark.parametrize("task", EXAMPLES, ids=[task["name"] for task in EXAMPLES])
def test_examples_of_the_documentation_are_accepted(task):
    spec = {"probes": PROBE_SPEC, **WAIT_SPEC, "fail": {"type": "bool"}}
    result = ArgumentSpecValidator(spec).validate(task["dwp.backend.dwp_health"])
    assert not result.error_messages
    assert parse_probes(result.validated_parameters["probes"])


def test_spec_and_model_have_the_same_keys():
    assert set(RUNG_SPEC) == set(Rung.__dataclass_fields__)
    assert set(MEANT_FOR) < set(RUNG_SPEC)
    for name, option in RUNG_SPEC.items():
        if "default" in option:
            assert option["default"] == Rung.__dataclass_fields__[name].default


def test_secrets_are_scalars_that_ansible_masks():
    assert {name for name, option in RUNG_SPEC.items() if option.get("no_log")} == {"password", "token"}
    assert "no_log" not in RUNG_SPEC["headers"], "on a mapping it would mask 8080 and true everywhere"


def test_sensitive_headers_are_masked_by_value():
    headers = {"Authorization": "Bearer abc", "X-Tenant-ID": "1", "X_API_KEY": "key-1234", "Cookie": "a=1"}
    probes = [{"ladder": [{"headers": headers}, {"headers": None}]}, {"ladder": None}]
    assert secret_headers(probes) == {"Bearer abc", "key-1234"}, "values below 4 characters would mask too much"


@pytest.mark.parametrize("name", sorted(WAIT_SPEC))
def test_limits_are_checked(name):
    good = {key: option["default"] for key, option in WAIT_SPEC.items()}
    assert check_wait(good) == []
    assert len(check_wait({**good, name: -1})) == 1 and name in check_wait({**good, name: -1})[0]
