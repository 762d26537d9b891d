# Copyright (c) 2026 dwp.backend contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Redis: full, gone, frozen, a replica, with another password."""

from __future__ import annotations

from .. import texts
from ..scenario import cause, scenario
from ..world import World

_USERS = "main chat synapsex"


@scenario("Redis is full and evicts nothing: writes fail", cause("REDIS_FULL/redis", may=_USERS))
def r_full_noeviction(world: World) -> None:
    world.redis.memory(64, 64)
    world["chat"].log.error(3, texts.REDIS_OUT_OF_MEMORY, times=10, every=8)


@scenario("Redis on a host of its own is full", cause("REDIS_FULL/redis", host="stg-db-1", may=_USERS), layout="staging")
def x_redis_full_host_staging(world: World) -> None:
    world.redis.memory(64, 64)


@scenario("after a switch of Redis, the address of all leads to a replica",
          cause("REDIS_READ_ONLY/redis", host=None, may=_USERS), layout="prod")  # fmt: skip
def r_became_replica(world: World) -> None:
    world.redis.info.update(role="slave", master_link_status="up")
    world["chat"].log.error(3, texts.REDIS_REPLICA, times=10, every=8)


@scenario("Redis failed over: the address leads to the new master, main's connection stays at the old one",
          cause("REDIS_READ_ONLY/main|redis|none"), layout="prod")  # fmt: skip
def n_redis_failover_pooled(world: World) -> None:
    world["main"].log.error(3, texts.REDIS_REPLICA, times=20, every=5)


@scenario("Redis is stopped; main's actuator is DOWN by it",
          cause("REDIS_REFUSED/redis", status="down", victims="main", may="chat synapsex gateway"))  # fmt: skip
def r_down_but_optional(world: World) -> None:
    world.redis.listening = False


@scenario("Redis on a host of its own is frozen: accepts and says nothing",
          cause("REDIS_SLOW/redis", status="down", host="stg-db-1", may=f"{_USERS} gateway"), layout="staging")  # fmt: skip
def x_redis_frozen_staging(world: World) -> None:
    world.redis.frozen = True


@scenario("the password of Redis was rotated; main was deployed since, chat and synapsex have the old one",
          cause("REDIS_AUTH|RESTART_NEEDED/chat|synapsex", host="prod-app-2"), layout="prod")  # fmt: skip
def r_password_two_of_three(world: World) -> None:
    password = world.redis.password = "new-redis-secret"
    world.platform["components"]["redis"]["password"] = password
    world["main"].set("REDIS_PASSWORD", password)


@scenario("a firewall cuts idle connections to Redis: 'Connection reset by peer' in chat, 25 times in two minutes",
          cause("unknown|REDIS_REFUSED|REDIS_UNREACHABLE/chat|redis"), layout="prod")  # fmt: skip
def n_redis_reset_by_peer(world: World) -> None:
    why = "Connection reset by peer"
    world["chat"].log.error(3, texts.unexpected(
        "org.springframework.data.redis.RedisSystemException", "Redis exception",
        ("io.lettuce.core.RedisException", f"java.io.IOException: {why}"), ("java.io.IOException", why),
    ), times=25, every=4)  # fmt: skip
