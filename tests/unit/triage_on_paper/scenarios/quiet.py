# Copyright (c) 2026 dwp.backend contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Nothing is wrong: clients make mistakes, sites are unusual, and what happened is over."""

from __future__ import annotations

from .. import texts
from ..layouts import DATABASES, PORTS
from ..logs import NOW
from ..network import actuator, said
from ..scenario import nothing, scenario
from ..servers import statement
from ..world import World

_WITH_DATABASE = tuple(DATABASES)


# ---- clients
@scenario("a client sends broken JSON ten times", nothing())
def q_json_parse_errors(world: World) -> None:
    why = "Unexpected character ('}' (code 125)): was expecting double-quote to start field name"
    world["main"].log.error(10, texts.unexpected(
        "org.springframework.http.converter.HttpMessageNotReadableException", f"JSON parse error: {why}",
        ("com.fasterxml.jackson.core.JsonParseException", why),
    ), times=10, every=4)  # fmt: skip


@scenario("a form sends fields that are too long, and gets 400", nothing())
def q_validation(world: World) -> None:
    world["approval"].log.error(15, texts.unexpected(
        "org.springframework.web.bind.MethodArgumentNotValidException",
        "Validation failed for argument [0] in public org.springframework.http.ResponseEntity "
        "com.dwp.approval.ApprovalController.create(com.dwp.approval.Request): "
        "[Field error in object 'request' on field 'title': rejected value [x]]",
    ), times=6, every=7)  # fmt: skip


@scenario("clients close while a download runs: Broken pipe", nothing())
def q_clients_gone(world: World) -> None:
    error, why = "org.apache.catalina.connector.ClientAbortException", "Broken pipe"
    world["chat"].log.error(20, texts.unexpected(error, f"java.io.IOException: {why}", ("java.io.IOException", why)), times=8, every=9)


# ---- sites that are unusual
@scenario("every service answers its probe after 2 to 3 s, correctly", nothing())
def q_slow_but_healthy(world: World) -> None:
    for one in world.instances():
        one.latency = 2600.0


@scenario("pg_dump of main's database runs since nine minutes as dwp_user, in nobody's way", nothing())
def q_backup_runs(world: World) -> None:
    query = "COPY public.com_files (id, body) TO stdout;"
    world.postgres.statements["dwp_main"] = [statement(query, 540.0, pid=7001, application="pg_dump")]
    world.postgres.sessions.append(["dwp_main", "pg_dump", "active", 1])


@scenario("98.9 % of a large disk is used, 900 MB are left", nothing(notes="DISK_LOW"))
def q_disk_nearly_full(world: World) -> None:
    world.hosts["app-01"].disk.update(free_mb=900, free_percent=1.1)


@scenario("1.5 % of the inodes are left", nothing(notes="DISK_LOW"))
def q_inodes_low(world: World) -> None:
    world.hosts["app-01"].disk.update(inodes_free_percent=1.5)


@scenario("Ansible cannot reach app-2 by SSH; everything on it serves", nothing(), layout="prod")
def q_host_ssh_only(world: World) -> None:
    world.hosts["prod-app-2"].lost = "Permission denied (publickey)"


@scenario("main's /actuator/health answers 401 since a security change; the service works", nothing())
def q_actuator_closed(world: World) -> None:
    world["main"].answers["/actuator/health"] = said(401, {"errorCode": "E2000"})


@scenario("the gateway now answers 401 instead of 400 to the probe without a tenant", nothing())
def q_gateway_wants_token(world: World) -> None:
    world["gateway"].answers["/api/main/health"] = said(401, {})


@scenario("a component of main's actuator says UNKNOWN: a custom indicator that has nothing to say", nothing())
def q_unknown_component(world: World) -> None:
    world["main"].answers["/actuator/health"] = actuator("UP", db="UP", redis="UP", printer="UNKNOWN")


@scenario("mail's log directory was cleaned, the file is deleted and still open; mail works", nothing())
def q_no_log_file(world: World) -> None:
    world["mail"].log.lost = True


@scenario("nobody may read logs and journal; all probes are well, but how sure can one be?", nothing(confidence="medium|low"))
def q_logs_unreadable(world: World) -> None:
    world.logs_unreadable = True
    for one in world.instances():
        one.log.lost = True


@scenario("two hosts with right, synchronized clocks; the operator's laptop is two minutes behind", nothing(), layout="staging")
def q_laptop_clock(world: World) -> None:
    for host in world.hosts.values():
        host.offset = 121.0


_PAIR = "jdbc:postgresql://pg1.example.internal:5432,pg2.example.internal:5432/{}?targetServerType=primary"


@scenario(
    "PostgreSQL is a pair, and all services have both addresses in one URL; pg1 is being patched, pg2 serves", nothing(), layout="prod",
    services={name: {"environment": {"SPRING_DATASOURCE_URL": _PAIR.format(database)}} for name, database in DATABASES.items()},
)  # fmt: skip
def q_multi_host_jdbc(world: World) -> None:
    world.network.names.update({"pg1.example.internal": "198.51.100.70", "pg2.example.internal": "198.51.100.71"})
    world.postgres.address = "198.51.100.71"
    for name in DATABASES:
        world[name].reaches.add("postgres")


_NODES = {"environment": {"SPRING_DATA_REDIS_CLUSTER_NODES": "r1:6379,r2:6379,r3:6379"}}


@scenario(
    "main, chat and synapsex use a Redis cluster; the old server of REDIS_HOST is switched off", nothing(), layout="prod",
    services=dict.fromkeys(("main", "chat", "synapsex"), _NODES),
)  # fmt: skip
def q_redis_cluster(world: World) -> None:
    world.network.names.update({"r1": "198.51.100.80", "r2": "198.51.100.81", "r3": "198.51.100.82"})
    world.redis.address = "198.51.100.81"  # the first node is being patched
    for name in ("main", "chat", "synapsex"):
        world[name].reaches.add("redis")


# ---- over
@scenario("mail threw NullPointerExceptions for a minute, 30 min ago, and never since", nothing())
def q_old_errors_only(world: World) -> None:
    world["mail"].log.error(1800, texts.null_pointer(), times=40, every=1.5)


@scenario("mail was killed for want of memory 40 min ago; systemd started it again, and it is well since", nothing())
def q_oom_once_recovered(world: World) -> None:
    mail = world["mail"]
    mail.kill(2400, for_memory=True)
    mail.restart(2390, in_order=False)
    mail.entry["restarts"] = 1


@scenario("main was killed for want of memory 20 h ago, and is well since", nothing())
def q_oom_yesterday(world: World) -> None:
    main = world["main"]
    main.kill(72000, for_memory=True)
    main.restart(71990, in_order=False)


@scenario("a java that is not ours was killed for want of memory on app-01, 30 min ago", nothing())
def q_foreign_java_oom(world: World) -> None:
    world.hosts["app-01"].out_of_memory(1800, 31337, uid=1001)


@scenario("a deployment went through all services five minutes ago; callers met closed ports for seconds", nothing())
def q_rolling_deploy(world: World) -> None:
    world.deployment("d2", 400, 200)
    for number, name in enumerate(_WITH_DATABASE):
        ago = 380 - 25 * number
        world[name].restart(ago)
        text = texts.gateway_refused(f"/api/{name}/x", f"127.0.0.1/127.0.0.1:{PORTS[name]}")
        world["gateway"].log.error(ago + 5, text, texts.GATEWAY, times=3, every=0.7)


@scenario("main is restarted by its operator now and then: refused for 10 s each time, the last one 3 min ago; up now", nothing())
def x_gw_refused_restart_storm(world: World) -> None:
    for ago in (900, 500, 180):
        world["main"].restart(ago)
        text = texts.gateway_refused("/api/main/tasks", "127.0.0.1/127.0.0.1:8081")
        world["gateway"].log.error(ago + 2, text, texts.GATEWAY, times=8)


@scenario("PostgreSQL was restarted 70 s ago: 57P01, and connections that have been closed; all is well since", nothing())
def q_pg_restarted(world: World) -> None:
    closed = "This connection has been closed."
    world.postgres.started = NOW - 68
    for name in ("auth", "main", "synapsex"):
        log = world[name].log
        log.warn(72, texts.HIBERNATE, "SQL Error: 0, SQLState: 57P01")
        log.error(71.9, "FATAL: terminating connection due to administrator command", texts.HIBERNATE)
        log.warn(71.5, texts.HIBERNATE, "SQL Error: 0, SQLState: 08003")
        log.error(71.4, closed, texts.HIBERNATE)
        log.error(71.2, texts.unexpected(
            "org.springframework.dao.DataAccessResourceFailureException", f"could not execute query [{closed}]; SQL [select 1]",
            ("org.hibernate.exception.JDBCConnectionException", f"JDBC exception executing SQL [select 1] [{closed}]"),
            texts.postgres(closed),
        ))  # fmt: skip


@scenario("the managed PostgreSQL failed over 80 s ago: 15 s of refused logins, well since", nothing(), layout="prod")
def q_pg_failover_external(world: World) -> None:
    world.postgres.started = NOW - 65
    for name in ("auth", "main", "synapsex"):
        text = texts.no_connection(texts.pool_empty(0, 0, 4), texts.server_refused("db.example.internal:5432"))
        world[name].log.error(70, text, times=6, every=2)


@scenario("the hypervisor froze the host for 40 s, 90 s ago: all pools noticed; all is well", nothing(),
          xfail="one standstill of all services at the same moment is told as a fault that goes on")  # fmt: skip
def q_vm_snapshot(world: World) -> None:
    for name in _WITH_DATABASE:
        world[name].log.warn(88, texts.POOL, texts.starved("1m10s842ms"))
