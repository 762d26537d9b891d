# Copyright (c) 2026 dwp.backend contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Faults that were written when the diagnosis existed, by somebody who had not seen it: neither its signatures nor its answers.

They measure what the earlier ones cannot any more. Each part (``-m unseen1`` to ``-m unseen8``) is new once.
"""

from __future__ import annotations

import dataclasses
import socket
import time

from . import injections_processes as p
from . import injections_servers as s
from . import noise
from .combine import pair, with_noise
from .injections import calls
from .model import Expected, Fault, no_traffic
from .stand import Stand
from .unseen_addresses import PROXIES, ROUTES, TOKENS, of_another_origin
from .unseen_eighth import EIGHTH, EIGHTH_QUIET
from .unseen_fifth import FIFTH, FIFTH_QUIET
from .unseen_fourth import FOURTH, FOURTH_QUIET
from .unseen_servers import DATABASES, FLYWAY_FAULTS, REDIS
from .unseen_services import JVM, RELEASES, SETTINGS
from .unseen_seventh import SEVENTH, SEVENTH_QUIET
from .unseen_sixth import SIXTH, SIXTH_QUIET
from .unseen_third import THIRD, THIRD_QUIET

BY_ID = {fault.id: fault for fault in (*DATABASES, *FLYWAY_FAULTS, *REDIS, *RELEASES, *JVM, *SETTINGS, *TOKENS, *ROUTES, *PROXIES)}

NOISY = (
    with_noise(BY_ID["redis-port-wrong"], "old-errors", "errors of yesterday in mail and approval", noise.old_errors("mail", "approval")),
    with_noise(BY_ID["library-missing"], "warnings", "thousands of warnings in chat", noise.warnings("chat")),
    with_noise(BY_ID["proxy-502"], "red-herring", "a stack trace in mail that hurts nobody", noise.red_herring("mail")),
    with_noise(BY_ID["users-table-denied"], "restart", "approval was restarted by somebody", noise.restarted("approval")),
    with_noise(BY_ID["jar-of-another"], "old-errors", "errors of yesterday in auth and approval", noise.old_errors("auth", "approval")),
)

PAIRS = (  # of two faults of one half: a second half would not be new else
    pair(BY_ID["column-not-null"], BY_ID["jvm-option-unknown"]),
    pair(BY_ID["redis-rights"], BY_ID["bound-elsewhere"]),
    pair(BY_ID["migration-skipped"], BY_ID["proxy-closes"]),
    pair(BY_ID["sequence-behind"], BY_ID["environment-quote"]),
)


# ---- nothing is wrong
def mistakes_of_users(stand: Stand) -> None:
    """Wrong passwords, requests that ran out, the name of a colleague: refused as they should be."""
    traffic = stand.traffic
    traffic.login()
    for _number in range(15):
        traffic.call("POST", "/api/auth/login", {"username": "admin", "password": "Vienna-1865", "tenantId": 1})
        traffic.approve()
        headers = {"X-Tenant-ID": "1", "Authorization": f"Bearer {traffic.token}", "X-User-ID": "7"}
        traffic.call("POST", "/api/aura/hitl/approve/no-such-request", {}, headers)
    traffic.day(times=1)


def one_slow_request(stand: Stand) -> None:
    """Somebody's transaction held a table for two seconds; who asked waited, and got the answer."""
    s.locked("dwp_main", "agent_tasks")(stand)
    holder = stand.holders[-1]
    impatient = gone_before_the_answer(stand, "/api/main/tasks")
    time.sleep(2)
    holder.rollback()
    impatient.close()


def gone_before_the_answer(stand: Stand, path: str) -> socket.socket:
    connection = socket.create_connection(("127.0.0.1", stand.traffic.gateway), timeout=3)
    connection.sendall(f"GET {path} HTTP/1.1\r\nHost: localhost\r\nX-Tenant-ID: 1\r\n\r\n".encode())
    return connection


def clients_gone(stand: Stand) -> None:
    """Browsers that were closed while they loaded."""
    for _number in range(20):
        gone_before_the_answer(stand, "/api/synapse/dictionary").close()
    stand.traffic.day(times=1)


WELL = Expected("unknown", "none")

UNSEEN_QUIET = tuple(dataclasses.replace(fault, unseen=True) for fault in (
    Fault("quiet-user-mistakes", "users make mistakes, and are refused", no_traffic, WELL, {"auth": "Request refused: E2004"},
          use=mistakes_of_users),
    Fault("quiet-slow-request", "one request took two seconds", one_slow_request, WELL),
    Fault("quiet-clients-gone", "clients leave before they have the answer", no_traffic, WELL, use=clients_gone),
    Fault("quiet-bad-yesterday", "mail did not start three times, yesterday", p.bad_yesterday("mail"), WELL,
          {"mail": "APPLICATION FAILED TO START"}),
    Fault("quiet-late-database", "mail started before its database was there, and has found it since", p.unreachable_while_starting, WELL,
          {"mail": "Could not obtain connection to query metadata"}),
    Fault("quiet-stopped-for-a-while", "chat was stopped by hand, was missed, and was started again", p.stopped_for_a_while("chat"), WELL,
          {"gateway": "Connection refused"}),
    Fault("quiet-other-origin", "pages of an origin that is not listed are refused", no_traffic, WELL,
          check=lambda stand: of_another_origin(stand.traffic)[0] == 403, use=calls(of_another_origin)),
    *THIRD_QUIET,
    *FOURTH_QUIET,
    *FIFTH_QUIET,
    *SIXTH_QUIET,
    *SEVENTH_QUIET,
    *EIGHTH_QUIET,
))  # fmt: skip

UNSEEN = tuple(
    dataclasses.replace(fault, unseen=True)
    for fault in (*BY_ID.values(), *NOISY, *PAIRS, *THIRD, *FOURTH, *FIFTH, *SIXTH, *SEVENTH, *EIGHTH)
)
