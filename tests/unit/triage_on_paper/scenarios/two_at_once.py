# Copyright (c) 2026 dwp.backend contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Two faults at once: both are told, and the smaller one does not hide the other."""

from __future__ import annotations

from .. import texts
from ..network import SILENT, said
from ..scenario import cause, scenario
from ..world import World
from .databases import block, slow_statements


def break_mail(world: World) -> None:
    """For a reason that no catalogue knows."""
    world["mail"].log.error(3, texts.null_pointer(), times=25, every=4)


@scenario("mail and approval were stopped by the same operator",
          cause("PROCESS_STOPPED/mail|approval", status="down", may="gateway",
                also=["PROCESS_STOPPED/mail", "PROCESS_STOPPED/approval"]))  # fmt: skip
def x_two_stopped(world: World) -> None:
    world["mail"].stop(300)
    world["approval"].stop(290)


@scenario("chat is stopped, and the certificate of the AI platform expired",
          cause("PROCESS_STOPPED/chat", status="down", host="prod-app-2", may="gateway", also=["TLS/synapsex|none"]),
          layout="prod")  # fmt: skip
def d_cert_and_stopped(world: World) -> None:
    world["chat"].stop(300)
    world["synapsex"].log.error(3, texts.AURA_EXPIRED, times=20, every=5)


@scenario("two hosts: the disk of app-2 is full, and auth on app-1 has a wrong password",
          cause("DISK_FULL/none", "PG_AUTH/auth", status="down", may="mail chat approval synapsex gateway main",
                also=["DISK_FULL/none", "PG_AUTH/auth"]),
          layout="prod")  # fmt: skip
def d_disk_app2_and_pgauth_app1(world: World) -> None:
    world.hosts["prod-app-2"].disk.update(free_mb=3, free_percent=0.0)
    world["auth"].set("DB_PASSWORD", "oops-wrong")
    text = texts.no_connection(texts.pool_empty(0, 0, 2), texts.postgres(texts.WRONG_PASSWORD))
    world["auth"].log.error(3, text, times=9, every=9)


@scenario("a lock stops main, and mail throws NullPointerExceptions that have nothing to do with it",
          cause("PG_LOCK/postgres", status="down", may="main gateway", also=["unknown/mail"]),
          xfail="errors of whoever uses PostgreSQL count as explained by it")  # fmt: skip
def d_lock_and_npe(world: World) -> None:
    block(world)
    world["main"].answers["*"] = SILENT
    break_mail(world)


@scenario("approval's statements are slow, and the gateway's address of chat is dead",
          cause("WRONG_URL/gateway", "PG_SLOW_QUERY|HIKARI_TIMEOUT/postgres|approval",
                also=["WRONG_URL/gateway", "PG_SLOW_QUERY|HIKARI_TIMEOUT/postgres|approval"]))  # fmt: skip
def d_slow_query_and_lost_call(world: World) -> None:
    slow_statements(world, 50.0)
    world["gateway"].edit("SERVICE_CHAT_URL", "http://127.0.0.1:9983")
    world["gateway"].log.error(3, texts.gateway_refused("/api/chat/x", "/127.0.0.1:9983"), texts.GATEWAY, times=10, every=9)


@scenario("Redis is stopped, and auth answers 500 for a reason that nobody knows",
          cause("REDIS_REFUSED/redis", "unknown/auth", status="down", may="main chat synapsex gateway",
                also=["REDIS_REFUSED/redis", "unknown/auth"]))  # fmt: skip
def d_redis_and_auth_unknown(world: World) -> None:
    world.redis.listening = False
    world["auth"].answers["/auth/policy"] = said(500, {"error": "x"})
    world["auth"].log.error(3, texts.unexpected("java.lang.IllegalStateException", "policy cache is poisoned"), times=15, every=6)


@scenario("a scanner fills auth's log while mail is killed for want of memory",
          cause("OOM_KILLED/mail", status="down", host="app-01", may="gateway"))  # fmt: skip
def d_scanner_and_fault(world: World) -> None:
    error = "org.springframework.web.servlet.resource.NoResourceFoundException"
    world["auth"].log.error(2, texts.unexpected(error, "No static resource wp-login.php."), times=200, every=0.5)
    world["mail"].kill(100, for_memory=True, stays_down=True)


# ---- beside something harmless that is always there
@scenario("mail throws NullPointerExceptions; approval waits for a restart since last week, for a variable that does no harm",
          cause("unknown/mail", may="approval"))  # fmt: skip
def x_npe_behind_restart_needed(world: World) -> None:
    break_mail(world)
    world["approval"].edit("LOG_LEVEL_SQL", "INFO", restarted=False)


@scenario(
    "mail throws NullPointerExceptions; the site lives with CORS_ALLOWED_ORIGINS=* since years, which a rule speaks against",
    cause("unknown/mail", may="gateway"),
    services={"gateway": {"environment": {"CORS_ALLOWED_ORIGINS": "*", "CORS_ALLOW_CREDENTIALS": "true"}}},
)  # fmt: skip
def x_npe_behind_broken_rule(world: World) -> None:
    break_mail(world)
