# Copyright (c) 2026 dwp.backend contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Hosts: down, without memory, CPU, disk or files, with a wrong clock, or just booted."""

from __future__ import annotations

from .. import texts
from ..logs import NOW
from ..network import SILENT
from ..scenario import cause, scenario
from ..world import World

_ALL = "auth main mail chat approval synapsex"
_NO_SSH = "Failed to connect to the host via ssh: ssh: connect to host {} port 22: {}"


# ---- down
@scenario("app-2 is down",
          cause("HOST_UNREACHABLE/none", status="down", host="prod-app-2", victims="mail chat approval synapsex"),
          layout="prod")  # fmt: skip
def n_host_down(world: World) -> None:
    host = world.hosts["prod-app-2"]
    host.off, host.lost = True, _NO_SSH.format("prod-app-2", "Connection timed out")
    text = texts.gateway_timeout("/api/mail/inbox", "/198.51.100.12:8082")
    world["gateway"].log.error(2, text, texts.GATEWAY, times=15, every=3)


@scenario("the host of PostgreSQL and Redis is down",
          cause("HOST_UNREACHABLE/none", status="down", host="stg-db-1", victims="auth main synapsex postgres redis",
                may=f"{_ALL} gateway"),
          layout="staging")  # fmt: skip
def n_db_host_down(world: World) -> None:
    host = world.hosts["stg-db-1"]
    host.off, host.lost = True, _NO_SSH.format("stg-db-1", "No route to host")


@scenario("the host booted 40 s ago: PostgreSQL and Redis are there, all services are starting",
          cause(f"unknown/gateway|{_ALL.replace(' ', '|')}", status="down", may=f"{_ALL} gateway",
                text="the host booted 40 s ago"))  # fmt: skip
def h_rebooted(world: World) -> None:
    world.hosts["app-01"].booted = NOW - 40
    world.postgres.started = NOW - 30
    for one in world.instances():
        one.begin(20)
        one.listening = False


@scenario("no module can run on app-2, which has no Python; the rest is well",
          cause("unknown/none", status="unknown", may="mail chat approval synapsex"), layout="prod")  # fmt: skip
def h_module_fails(world: World) -> None:
    world.hosts["prod-app-2"].broken = "/usr/bin/python3: not found"


# ---- disks and files
@scenario("the kernel remounted the disk read-only: services serve from memory, logs stand still",
          cause("DISK_READ_ONLY/none", host="app-01"))  # fmt: skip
def h_read_only_fs(world: World) -> None:
    world.hosts["app-01"].disk.update(read_only=True)
    text = (
        "07:11:02,117 |-ERROR in ch.qos.logback.core.rolling.RollingFileAppender[FILE] - IO failure while writing to file "
        "[/opt/dwp/log/x.log] java.io.IOException: Read-only file system"
    )
    for one in world.instances():
        one.log.silent_from = NOW - 900
        one.log.console.append((NOW - 5, text))


@scenario("the disk of PostgreSQL's host is full, and the server has gone down by it",
          cause("DISK_FULL/none|postgres", status="down", host="stg-db-1", victims="auth main synapsex",
                may=f"{_ALL} postgres redis gateway"),
          layout="staging")  # fmt: skip
def h_disk_full_db_host(world: World) -> None:
    world.hosts["stg-db-1"].disk.update(free_mb=0, free_percent=0.0)
    world.postgres.listening = False


@scenario("the inodes of app-01 are used up: no new file can be made",
          cause("DISK_FULL/none", status="degraded|down", host="app-01", may=f"{_ALL} gateway"))  # fmt: skip
def h_inodes_gone(world: World) -> None:
    world.hosts["app-01"].disk.update(inodes_free_percent=0.0)
    why = "No space left on device"
    text = texts.unexpected("java.io.UncheckedIOException", f"java.io.IOException: {why}", ("java.io.IOException", why))
    world["approval"].log.error(3, text, times=10, every=5)


@scenario("chat has 98 % of its files open, and answers still", cause("NOFILE/chat", host="app-01"))
def h_fd_nearly(world: World) -> None:
    world["chat"].facts.update(fds=64300, fd_limit=65536)


# ---- CPU and memory
@scenario("a batch eats all CPUs of app-01: auth, main and synapsex answer too late, pools starve",
          cause("STARVED/none", status="down", host="app-01", may=f"{_ALL} gateway"))  # fmt: skip
def h_cpu_starved(world: World) -> None:
    world.hosts["app-01"].load = (81.2, 77.0, 40.1)
    for name in ("auth", "main", "synapsex"):
        world[name].answers["*"] = SILENT
        world[name].log.warn(20, texts.POOL, texts.starved("52s842ms"), times=4, every=55)


@scenario("the same an hour earlier: all answer, slowly; three pools tell of starvation every minute",
          cause("STARVED/none", host="app-01", may="auth main synapsex"))  # fmt: skip
def h_starved_but_up(world: World) -> None:
    world.hosts["app-01"].load = (61.2, 57.0, 40.1)
    for name in ("auth", "main", "synapsex"):
        world[name].log.warn(20, texts.POOL, texts.starved("52s842ms"), times=4, every=55)


@scenario("app-01 has 40 MB left and swaps: main and auth do not answer",
          cause("MEMORY_LOW/none", status="down", host="app-01", may="auth main gateway synapsex"))  # fmt: skip
def h_swapping(world: World) -> None:
    world.hosts["app-01"].available_mb, world.hosts["app-01"].swap_used_mb = 40, 8100
    for name in ("auth", "main"):
        world[name].answers["*"] = SILENT


@scenario("mail is killed for want of memory every 12 min and comes back by itself; four times in the last hour",
          cause("OOM_KILLED/mail", host="app-01"))  # fmt: skip
def h_oom_loop(world: World) -> None:
    mail = world["mail"]
    for ago in (2580, 1860, 1140, 300):
        mail.kill(ago, for_memory=True)
        mail.restart(ago - 10, in_order=False)
    mail.entry["restarts"] = 4


# ---- clocks
@scenario("the clock of app-1 is 95 s ahead: tokens are too old there",
          cause("CLOCK_SKEW/none", host="prod-app-1", may="auth main"), layout="prod")  # fmt: skip
def h_clock_one_of_three(world: World) -> None:
    world.hosts["prod-app-1"].offset, world.hosts["prod-app-1"].synchronized = 95.0, False
    text = (
        "io.jsonwebtoken.ExpiredJwtException: JWT expired 3641 milliseconds ago at 2026-11-23T01:00:00.000Z. "
        "Current time: 2026-11-23T01:00:03.641Z. Allowed clock skew: 0 milliseconds."
    )
    world["main"].log.warn(20, texts.TOKENS, text, times=6, every=9)
