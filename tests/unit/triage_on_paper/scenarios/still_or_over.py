# Copyright (c) 2026 dwp.backend contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Time: what goes on although one question is answered well, what comes back every some minutes, and what is an old story."""

from __future__ import annotations

from .. import texts
from ..network import actuator, said
from ..scenario import cause, scenario
from ..world import World

_ALL = "auth main mail chat approval synapsex"
_AUTH = "http://127.0.0.1:8001/internal"
_CALL_OF_MAIN = cause("FEIGN|unknown/auth|main")


# ---- it goes on, although one question was answered well
@scenario("connections are at their limit: logins of main fail in bursts, the last one 2 s ago; this moment one gets in",
          cause("PG_FULL|PG_CONNECTIONS/postgres|main|auth", may=_ALL))  # fmt: skip
def g_pg_full_in_bursts(world: World) -> None:
    world.postgres.sessions.append(["dwp_main", "reports", "idle", 135])
    full = texts.postgres("FATAL: remaining connection slots are reserved for roles with the SUPERUSER attribute")
    world["main"].log.error(2, texts.no_connection(texts.pool_empty(4, 4, 9), full), times=40, every=1.5)


@scenario("a proxy before PostgreSQL resets every fourth login, 30 times in two minutes; ours got through",
          cause("DB_UNREACHABLE|HIKARI_INIT|HIKARI_TIMEOUT|HIKARI_STALE/postgres|auth|main|synapsex", may=_ALL), layout="prod")  # fmt: skip
def g_pg_login_flaky_proxy(world: World) -> None:
    why = "An I/O error occurred while sending to the backend."
    text = texts.no_connection(why, texts.postgres(why), ("java.net.SocketException", "Connection reset"))
    for name in ("auth", "main", "synapsex"):
        world[name].log.error(3, text, times=30, every=4)


@scenario("somebody's KEYS * blocks Redis for 3 s every 5 s: commands of main time out each second; PING is quick between",
          cause("REDIS_SLOW/redis|main"))  # fmt: skip
def g_redis_slow_commands(world: World) -> None:
    why = ("io.lettuce.core.RedisCommandTimeoutException", "Command timed out after 2 second(s)")
    text = texts.unexpected("org.springframework.dao.QueryTimeoutException", "Redis command timed out", why)
    world["main"].log.error(1, text, times=60)


@scenario("a job fills Redis and keys expire: chat's writes failed until 4 s ago, now 90 % are used",
          cause("REDIS_FULL|unknown/redis|chat", may="main chat synapsex"))  # fmt: skip
def r_oom_in_bursts(world: World) -> None:
    world.redis.memory(58, 64)
    world["chat"].log.error(4, texts.REDIS_OUT_OF_MEMORY, times=30, every=3)


@scenario("main closes idle connections before the gateway does: one POST of twenty is lost", cause("GW_PREMATURE/main|gateway"))
def g_keepalive_race(world: World) -> None:
    why = "reactor.netty.http.client.PrematureCloseException: Connection prematurely closed BEFORE response"
    world["gateway"].log.error(3, texts.gateway_error("/api/main/tasks", why, "POST"), texts.GATEWAY, times=30, every=4)


@scenario("mail's backlog overflows under load: every third connection times out, our question got in",
          cause("GW_CONNECT_TIMEOUT|NOT_ANSWERING/mail|gateway"))  # fmt: skip
def g_backlog_overflow(world: World) -> None:
    text = texts.gateway_timeout("/api/mail/inbox", "/127.0.0.1:8082", 5000)
    world["gateway"].log.error(3, text, texts.GATEWAY, times=25, every=4.5)


@scenario("auth answers 403 to internal calls of synapsex since a role was renamed; its own probe is well",
          cause("FEIGN|unknown/auth|synapsex"))  # fmt: skip
def g_downstream_403(world: World) -> None:
    text = texts.feign(403, "Forbidden", "GET", f"{_AUTH}/permissions?userId=7", "PermissionClient#permissions(Long)", "Forbidden")
    world["synapsex"].log.error(2, text, times=50, every=2)


@scenario("auth throttles main with 429; its probe is well", _CALL_OF_MAIN)
def g_downstream_429(world: World) -> None:
    text = texts.feign(429, "TooManyRequests", "POST", f"{_AUTH}/audit-logs", "AuditClient#write(AuditEntry)")
    world["main"].log.warn(2, "c.d.main.audit.Audit", text.replace("Unexpected error", "audit failed", 1), times=50, every=2)


@scenario("a new auth dropped a path that main still calls: 404", _CALL_OF_MAIN)
def g_downstream_404(world: World) -> None:
    world["auth"].restart(900)
    world["main"].log.error(2, texts.feign(404, "NotFound", "GET", f"{_AUTH}/users/7", "UserClient#user(Long)"), times=30, every=4)


@scenario("auth answers 500 on one path and logs nothing; main tells of it", _CALL_OF_MAIN)
def g_downstream_500_silent(world: World) -> None:
    text = texts.feign(500, "InternalServerError", "GET", f"{_AUTH}/users/7", "UserClient#user(Long)")
    world["main"].log.error(4, text, times=30, every=4)


@scenario("one path of auth takes longer than main waits; its probe is quick", _CALL_OF_MAIN)
def g_downstream_slow_path(world: World) -> None:
    world["main"].log.error(4, texts.feign_broken("Read timed out", "GET", f"{_AUTH}/report?year=2026"), times=30, every=4)


_BY_NAME = {"gateway": {"environment": {"SERVICE_MAIL_URL": "http://mail.example.internal:8082"}}}


@scenario("the name server fails for every fifth question, 20 times in two minutes at the gateway",
          cause("GW_DNS/gateway", host="prod-gw-1"), layout="prod", services=_BY_NAME)  # fmt: skip
def g_dns_flaky(world: World) -> None:
    world.network.names["mail.example.internal"] = world.address("prod-app-2")
    why = "java.net.UnknownHostException: Failed to resolve 'mail.example.internal' [A(1)] after 2 queries"
    world["gateway"].log.error(3, texts.gateway_error("/api/mail/inbox", why), texts.GATEWAY, times=20, every=5)


@scenario("mail moved to another address; the gateway tries the old one, a fresh question gets the new one",
          cause("GW_CONNECT_TIMEOUT|GW_DNS/gateway|mail"), layout="prod", services=_BY_NAME)  # fmt: skip
def g_old_address_in_jvm(world: World) -> None:
    world.network.names["mail.example.internal"] = world.address("prod-app-2")
    text = texts.gateway_timeout("/api/mail/inbox", "mail.example.internal/198.51.100.99:8082")
    world["gateway"].log.error(2, text, texts.GATEWAY, times=25, every=4)


# ---- it comes back every some minutes, and nothing speaks against it
@scenario("the role lost its grant on a table of auth; the only three logins of the night failed 6, 14 and 25 min ago",
          cause("PG_PERM/auth", may="postgres"))  # fmt: skip
def t_permission_6_min_ago(world: World) -> None:
    denied = "ERROR: permission denied for table sys_users"
    query = "select u1_0.id from sys_users u1_0 where u1_0.username=?"
    for ago in (360, 840, 1500):
        world["auth"].log.warn(ago + 0.2, texts.HIBERNATE, "SQL Error: 0, SQLState: 42501")
        world["auth"].log.error(ago, texts.unexpected(
            "org.springframework.dao.InvalidDataAccessResourceUsageException",
            f"JDBC exception executing SQL [{query}] [{denied}] [n/a]; SQL [n/a]", texts.postgres(denied),
        ))  # fmt: skip


@scenario("a table of chat was dropped; chat is used every few minutes, the last time 3 min ago", cause("PG_NOTABLE/chat"))
def t_table_gone_3_min_ago(world: World) -> None:
    for ago in (185, 420, 900):
        world["chat"].log.error(ago, texts.unexpected(
            "org.springframework.jdbc.BadSqlGrammarException",
            "PreparedStatementCallback; bad SQL grammar [SELECT * FROM chat_rooms]",
            texts.postgres('ERROR: relation "chat_rooms" does not exist\n  Position: 15'),
        ))  # fmt: skip


@scenario("a job of synapsex fails every 5 min, the last time 3 min ago", cause("unknown/synapsex"))
def t_job_every_5_min(world: World) -> None:
    why = texts.stack("java.lang.IllegalStateException", "detect batch: no rule set for tenant 3")
    text = f"Unexpected error occurred in scheduled task\n\n{why}"
    world["synapsex"].log.error(180, text, "o.s.s.s.TaskUtils$LoggingErrorHandler", times=11, every=300)


@scenario("approval ends 10 s after each start, and systemd starts it again: now it is up for 2 s",
          cause("unknown/approval", may="gateway"))  # fmt: skip
def s_crash_loop(world: World) -> None:
    approval = world["approval"]
    for number in range(12, 0, -1):
        approval.start_again(20 * number + 4)
        approval.exit(20 * number - 6, 3)
    approval.start_again(8)
    approval.entry["restarts"] = 12


@scenario("approval ends by itself every 9 min, and systemd starts it again; six times in the last hour, the last one 4 min ago",
          cause("unknown/approval"))  # fmt: skip
def s_crash_loop_slow(world: World) -> None:
    approval = world["approval"]
    for number in range(6, 0, -1):
        ago = 240 + 540 * (number - 1)
        approval.exit(ago, 3)
        approval.start_again(ago - 10)
    approval.entry["restarts"] = 6


# ---- an old story in a service that has another trouble now
_MAIL_DOWN = actuator("DOWN", db="UP", redis="UP", mail="DOWN")


@scenario("main's actuator is DOWN by its mail component; 55 min ago its pool starved once, and there was one deadlock",
          cause("unknown/main", may="gateway", text="mail=DOWN"))  # fmt: skip
def s_wrong_blame_of_old_finding(world: World) -> None:
    main = world["main"]
    main.log.warn(3300, texts.POOL, texts.starved("52s842ms"))
    main.log.error(3200, texts.DEADLOCK, texts.HIBERNATE)
    main.answers["/actuator/health"] = _MAIL_DOWN


@scenario("main's actuator is DOWN by its mail component; 40 min ago two of its calls failed while auth was restarted",
          cause("unknown/main", may="gateway"))  # fmt: skip
def x_old_slow_call_as_root(world: World) -> None:
    world["auth"].restart(2380)
    world["main"].log.error(2385, texts.feign_broken("Connection refused", "GET", f"{_AUTH}/users/7"), times=2)
    world["main"].answers["/actuator/health"] = _MAIL_DOWN


@scenario("auth's probe answers 500 for a reason that nobody knows; 45 min ago it reported one leaked connection",
          cause("unknown/auth", may="main synapsex gateway"))  # fmt: skip
def x_old_leak_as_root(world: World) -> None:
    world["auth"].log.warn(2700, texts.LEAKS, texts.leak("auth", 8001))
    world["auth"].answers["/auth/policy"] = said(500, {"error": "x"})
