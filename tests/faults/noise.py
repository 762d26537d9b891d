# Copyright (c) 2026 dwp.backend contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What stands in logs and does not matter."""

from __future__ import annotations

from .injections import Inject
from .stand import Stand, record


def old_errors(*services: str) -> Inject:
    """Errors of an hour ago and before the last start, of other kinds, in the logs of healthy services."""
    kinds = (
        "Unexpected error: HikariPool-1 - Connection is not available, request timed out after 30000ms "
        "(total=10, active=10, idle=0, waiting=3)",
        "Unexpected error: FATAL: password authentication failed for user \"dwp_user\"",
        "Unexpected error: Unable to connect to Redis",
    )

    def inject(stand: Stand) -> None:
        for service in services:
            records = "".join(
                record("ERROR", kinds[n % 3], ago=3300 - n, application=service) + stack("java.lang.IllegalStateException: old")
                for n in range(30)
            )
            stand.prepend(service, records)

    return inject


def warnings(service: str, number: int = 5000) -> Inject:
    def text(n: int) -> str:
        message = f"Slow render of message {n}: {n % 900} ms"
        return record("WARN", message, "c.d.render.TemplateRenderer", ago=60 - n * 0.01, application=service)

    return lambda stand: stand.append(service, "".join(text(n) for n in range(number)))


def red_herring(service: str) -> Inject:
    """An impressive stack trace that hurts nobody."""
    return lambda stand: stand.append(
        service,
        record("ERROR", "Could not export statistics", "c.d.stats.Exporter", application=service)
        + stack("java.net.ConnectException: Connection refused: statistics.example.com/192.0.2.7:443"),
    )


def stack(first: str) -> str:
    frames = ("java.base/sun.nio.ch.Net.pollConnect(Native Method)", "com.dwp.stats.Exporter.export(Exporter.java:41)")
    return first + "\n" + "".join(f"\tat {frame}\n" for frame in frames)


def restarted(service: str) -> Inject:
    """Nothing wrong: somebody restarted it."""

    def inject(stand: Stand) -> None:
        stand.restart(service)
        stand.wait_healthy()

    return inject
