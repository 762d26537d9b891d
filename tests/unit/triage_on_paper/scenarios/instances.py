# Copyright (c) 2026 dwp.backend contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Several instances: what is wrong with one is told of that one, and of its host."""

from __future__ import annotations

from .. import texts
from ..network import DROPPED, said
from ..scenario import cause, scenario
from ..world import World

_ALL = "auth main mail chat approval synapsex"


# ---- one is not there
@scenario("one of two instances of mail was stopped on purpose 50 min ago; nobody suffers",
          cause("PROCESS_STOPPED/mail", host="app-2"), layout="ha")  # fmt: skip
def q_stopped_on_other_host_of_pair(world: World) -> None:
    world["mail", "app-2"].stop(3000)


@scenario("both instances of approval are stopped: one since yesterday, one since five minutes",
          cause("PROCESS_STOPPED/approval", status="down"), layout="ha")  # fmt: skip
def i_both_dead_one_old(world: World) -> None:
    world["approval", "app-1"].stop(80000)
    world["approval", "app-2"].stop(300)


@scenario("mail on app-1 was stopped two minutes ago; mail on app-2 had errors 50 min ago that are nobody's business now",
          cause("PROCESS_STOPPED/mail", host="app-1"), layout="ha")  # fmt: skip
def i_old_noise_other_instance(world: World) -> None:
    world["mail", "app-1"].stop(130)
    log = world["mail", "app-2"].log
    log.error(3000, texts.STACK_OVERFLOW, times=2)
    log.warn(3000, texts.LEAKS, texts.leak("mail", 8082))


@scenario("mail on app-2 was killed for want of memory and stays down; app-1 carries on",
          cause("OOM_KILLED/mail", host="app-2"), layout="ha")  # fmt: skip
def i_one_of_two_oom(world: World) -> None:
    world["mail", "app-2"].kill(400, for_memory=True, stays_down=True)


@scenario("chat on app-2 ended 20 min ago with words that nobody knows; app-1 lives and logs",
          cause("unknown/chat", host="app-2", text="(?i)licen"), layout="ha")  # fmt: skip
def x_one_of_two_crashed_runtime(world: World) -> None:
    chat = world["chat", "app-2"]
    chat.log.error(1201, "licence server says no: ending", "com.dwp.chat.Licence")
    chat.exit(1200, 3, stays_down=True)


@scenario("chat on app-2 did not come up 20 min ago, for a reason that nobody knows; app-1 lives and logs",
          cause("STARTUP_FAILED|unknown/chat", host="app-2"), layout="ha")  # fmt: skip
def i_one_of_two_died_unknown(world: World) -> None:
    world["chat", "app-2"].fail_to_start(1200, texts.run_failed("java.lang.IllegalStateException", "no licence for chat"), after=6)


@scenario("auth on app-2 was restarted with an old password, by hand", cause("PG_AUTH/auth", host="app-2"), layout="ha")
def i_one_of_two_wrong_password(world: World) -> None:
    auth = world["auth", "app-2"]
    auth.edit("DB_PASSWORD", "old-secret-1")
    auth.fail_to_start(600, texts.run_failed(
        "org.springframework.beans.factory.BeanCreationException",
        f"Error creating bean with name 'flywayInitializer': Unable to obtain connection from database: {texts.WRONG_PASSWORD}",
        texts.postgres(texts.WRONG_PASSWORD),
    ), after=5)  # fmt: skip


@scenario("after a boot, auth on app-2 came before the network and gave up; everything can be reached now",
          cause("PG_REFUSED|STARTUP_FAILED|PROCESS_STOPPED|PG_UNREACHABLE|HIKARI_INIT/auth", host="app-2"), layout="ha")  # fmt: skip
def i_too_early_on_one(world: World) -> None:
    refused = texts.server_refused("10.0.3.21:5432")
    world["auth", "app-2"].fail_to_start(1500, texts.run_failed(
        "org.flywaydb.core.internal.exception.FlywaySqlException", f"Unable to obtain connection from database: {refused[1]}", refused,
    ), after=5)  # fmt: skip


# ---- one is not well
@scenario("main on app-2 answers 500 since its deployment ten minutes ago; app-1 has the old release and is well",
          cause("unknown/main", host="app-2", text="rollback"), layout="ha")  # fmt: skip
def i_one_of_two_500(world: World) -> None:
    world.deployment("d2", 620, 560)
    main = world["main", "app-2"]
    main.deploy(600, "d2")
    main.answers["*"] = said(500, {"error": "x"})
    main.log.error(3, texts.MISSING_METHOD, times=30, every=4)


@scenario("main on app-2 logs NullPointerExceptions; both probes are well", cause("unknown/main", host="app-2"), layout="ha")
def i_one_of_two_unknown_errors(world: World) -> None:
    world["main", "app-2"].log.error(3, texts.null_pointer("String.length()", "s"), times=30, every=4)


@scenario("a rolling deployment is at mail on app-1, which is being started; app-2 serves",
          cause("unknown/mail", host="app-1", text="deployment d3 of kim@ops"), layout="ha")  # fmt: skip
def x_ha_rolling_now(world: World) -> None:
    world.deployment("d3", 60)
    world["mail", "app-1"].starting(8, 30)


# ---- one host of two
@scenario("app-2 is down, app-1 carries all",
          cause("HOST_UNREACHABLE/none", status="degraded|unknown", host="app-2", may=_ALL), layout="ha")  # fmt: skip
def n_ha_host_down(world: World) -> None:
    host = world.hosts["app-2"]
    host.off = True
    host.lost = "Failed to connect to the host via ssh: ssh: connect to host app-2 port 22: Connection timed out"


@scenario("app-2 cannot reach PostgreSQL, app-1 can",
          cause("PG_UNREACHABLE/none", status="degraded|down", host="app-2", may=_ALL), layout="ha")  # fmt: skip
def n_db_from_one_host_only(world: World) -> None:
    world.network.firewall(DROPPED, "app-2", port=5432)


@scenario("app-2 cannot reach Redis, app-1 can",
          cause("REDIS_UNREACHABLE/none", host="app-2", may="main chat synapsex"), layout="ha")  # fmt: skip
def n_redis_from_one_host_only(world: World) -> None:
    world.network.firewall(DROPPED, "app-2", port=6379)
