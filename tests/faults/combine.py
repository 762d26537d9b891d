# Copyright (c) 2026 dwp.backend contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Faults made of others: with noise, and two at once."""

from __future__ import annotations

import dataclasses

from . import injections as i
from .model import Fault


def with_noise(fault: Fault, name: str, title: str, added: i.Inject) -> Fault:
    """The same answer is right, whatever else stands in the logs."""
    return dataclasses.replace(fault, id=f"{fault.id}+{name}", title=f"{fault.title}; {title}", inject=i.all_of(added, fault.inject))


def pair(one: Fault, two: Fault) -> Fault:
    """Two faults that have nothing to do with each other: one is the verdict, the other a finding."""
    checks = [fault.check for fault in (one, two) if fault.check]

    def use(stand: object) -> None:
        one.use(stand)
        two.use(stand)

    return Fault(
        f"{one.id}&{two.id}", f"{one.title}, and {two.title}", i.all_of(one.inject, two.inject),
        dataclasses.replace(one.expected, also=(two.expected,), may=f"{one.expected.may} {two.expected.may}"),
        {**one.shows, **two.shows}, use, (lambda stand: all(check(stand) for check in checks)) if checks else None,
        needs_root=one.needs_root or two.needs_root,
    )  # fmt: skip
