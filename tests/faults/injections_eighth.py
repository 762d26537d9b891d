# Copyright (c) 2026 dwp.backend contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""How the faults of the eighth part are made. As in injections.py, each registers with the stand what takes it back."""

from __future__ import annotations

import contextlib
import os
import signal

from .injections import Inject
from .stand import Stand

#: A release that reads a file at its start which nobody has brought to this host.
TEMPLATES = """package com.dwp.approval.template;

import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.nio.file.Path;
import org.springframework.stereotype.Component;

@Component
class TemplateCatalogue {
    private final String templates;

    TemplateCatalogue() {
        try {
            templates = Files.readString(Path.of("/etc/dwp/approval-templates.json"));
        } catch (IOException e) {
            throw new UncheckedIOException("Templates of approvals cannot be read", e);
        }
    }
}
"""


# ---- files
def deleted_and_open(stand: Stand) -> None:
    """A huge file beside the logs was deleted, and a program that has it open goes on writing: its space is not free."""
    path = stand.logs / "export.out"
    file = path.open("wb", buffering=0)
    stand.holders.append(file)
    path.unlink()
    for size in (2**20, 512, 1):
        with contextlib.suppress(OSError):
            while file.write(b"\0" * size):
                pass


# ---- requests
def events_without_number(stand: Stand) -> None:
    stand.traffic.day(times=1)
    for number in range(6):
        stand.redis("PUBLISH", "audit:events:ingest", f'{{"tenant_id": "acme", "action": "AGENT_STEP", "step": {number}}}')


# ---- nothing is wrong
def thread_dumps(*services: str) -> Inject:
    """An administrator wanted to see what the threads do; the console has it."""

    def inject(stand: Stand) -> None:
        for service in services:
            os.kill(stand.pid(service), signal.SIGQUIT)

    return inject


def copy_of_a_database(stand: Stand) -> None:
    """A programmer has a copy of main's schema beside it, on which a migration of his own failed; no service uses it."""
    stand.sql("postgres", "CREATE DATABASE dwp_main_copy")
    stand.undo.append(lambda: stand.sql("postgres", "DROP DATABASE dwp_main_copy"))
    history = stand.sql("dwp_main", "SELECT version, description, script FROM flyway_schema_history WHERE version IS NOT NULL")
    stand.sql("dwp_main_copy", "CREATE TABLE flyway_schema_history (version text, description text, script text, success boolean)")
    for row in (*history, ("5", "task owner", "V5__task_owner.sql")):
        stand.sql("dwp_main_copy", "INSERT INTO flyway_schema_history VALUES (%s, %s, %s, %s)", *row, row[0] != "5")
