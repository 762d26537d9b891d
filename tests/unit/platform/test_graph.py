# Copyright (c) 2026 dwp.backend contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ansible_collections.dwp.backend.plugins.module_utils._platform import graph

RUNBOOK = {
    "gateway": [], "auth": ["gateway"], "main": ["auth"], "mail": ["main"], "chat": ["main"], "approval": ["main"],
}


def test_the_runbooks_order():
    assert graph.waves(RUNBOOK) == [["gateway"], ["auth"], ["main"], ["approval", "chat", "mail"]]


def test_gateway_last_is_a_matter_of_edges():
    edges = {**RUNBOOK, "gateway": ["auth", "main", "mail", "chat", "approval"], "auth": []}
    assert graph.waves(edges) == [["auth"], ["main"], ["approval", "chat", "mail"], ["gateway"]]


@pytest.mark.parametrize(("edges", "cycle"), [
    (RUNBOOK, None),
    ({"a": ["b"], "b": ["c"], "c": ["a"]}, ["a", "b", "c", "a"]),
    ({"a": [], "b": ["b"]}, ["b", "b"]),
    ({"x": ["a"], "a": ["b"], "b": ["a"]}, ["a", "b", "a"]),
])
def test_cycle_is_named_in_full(edges, cycle):
    assert graph.find_cycle(edges) == cycle


def test_a_service_that_is_nowhere_still_orders_the_others():
    assert graph.through(RUNBOOK, ["gateway", "main", "mail"]) == {"gateway": [], "main": ["gateway"], "mail": ["main"]}


def test_critical_chain():
    spans = {"gateway": (0, 6), "auth": (6, 28), "main": (28, 43), "mail": (43, 52), "chat": (43, 49), "approval": (43, 51)}
    assert graph.critical_chain(RUNBOOK, spans) == ["gateway", "auth", "main", "mail"]
    assert graph.critical_chain(RUNBOOK, {"main": (0, 3)}) == ["main"]
    assert graph.critical_chain(RUNBOOK, {}) == []


@st.composite
def acyclic(draw):
    names = [f"s{i}" for i in range(draw(st.integers(0, 8)))]
    return {name: draw(st.lists(st.sampled_from(names[:i]), unique=True)) if i else [] for i, name in enumerate(names)}


@given(acyclic())
def test_every_service_is_in_one_wave_after_all_that_it_waits_for(edges):
    assert graph.find_cycle(edges) is None
    order = graph.waves(edges)
    at = {name: index for index, wave in enumerate(order) for name in wave}
    assert sorted(at) == sorted(edges)
    assert sum(len(wave) for wave in order) == len(edges)
    assert all(at[dependency] < at[name] for name, wanted in edges.items() for dependency in wanted)
