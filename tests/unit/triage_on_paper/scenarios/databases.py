# Copyright (c) 2026 dwp.backend contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""PostgreSQL: who may log in, what runs in it, what its schemas have, and the way to it."""

from __future__ import annotations

from .. import texts
from ..layouts import DATABASES
from ..logs import NOW
from ..network import DROPPED, NO_ROUTE, SILENT
from ..scenario import cause, scenario
from ..servers import Postgres, statement, waits
from ..world import World

_ALL = "auth main mail chat approval synapsex"
_DEAD_WITHOUT = "auth main synapsex"  # their probes read the database


def block(world: World) -> None:
    """Somebody's psql holds a table of main."""
    blocker = statement("LOCK TABLE agent_tasks", 340.0, pid=19, application="psql", state="idle in transaction")
    world.postgres.locks["dwp_main"] = [waits("UPDATE agent_tasks SET status = ?", 45.0, blocker)]


def slow_statements(world: World, seconds: float) -> None:
    """Ten statements of approval run, and its pool is empty."""
    query = "SELECT count(*) FROM approvals a, approvals b"
    running = [statement(query, seconds + 3 * number, pid=8000 + number) for number in range(10)]
    world.postgres.statements["dwp_approval"] = running
    empty_pool_of_approval(world)


def empty_pool_of_approval(world: World) -> None:
    text = texts.no_jdbc_connection(("java.sql.SQLTransientConnectionException", texts.pool_empty(10, 10, 6)))
    world["approval"].log.error(3, text, times=20, every=6)


# ---- logins
@scenario("the password was rotated in PostgreSQL and nowhere else; all services live on their open sessions",
          cause("PG_AUTH/postgres", may=_ALL))  # fmt: skip
def p_password_rotated_pools_live(world: World) -> None:
    world.postgres.password = "new-pg-secret"
    for name in DATABASES:
        world[name].reaches.add("postgres")


@scenario("the role may not connect to chat's database any more; a StackOverflowError of 50 min ago stands in chat's log",
          cause("PG_PERM/chat|postgres", status="down", may="gateway"))  # fmt: skip
def x_old_overflow_as_root(world: World) -> None:
    world["chat"].log.error(3000, texts.STACK_OVERFLOW)
    world.postgres.closed.add("dwp_chat")


_VERIFIED = "jdbc:postgresql://db.example.internal:5432/{}?sslmode=verify-full"


@scenario(
    "PostgreSQL's certificate expired, and services verify it: auth and main were restarted and die, synapsex lives on its pool",
    cause("TLS/postgres|auth|main|none", status="down", may="auth main synapsex gateway"), layout="prod",
    services={name: {"environment": {"SPRING_DATASOURCE_URL": _VERIFIED.format(database)}} for name, database in DATABASES.items()},
)  # fmt: skip
def x_pg_cert_expired(world: World) -> None:
    why = f"SSL error: {texts.EXPIRED[0][1]}"
    for name in ("auth", "main"):
        world[name].fail_to_start(60, texts.run_failed(
            "org.flywaydb.core.internal.exception.FlywaySqlException", f"Unable to obtain connection from database: {why}",
            texts.postgres(why), *texts.EXPIRED,
        ))  # fmt: skip


@scenario("PostgreSQL ends idle transactions of main after 60 s: 25P03, 20 times in two minutes", cause("unknown/main"))
def p_idle_in_transaction_timeout(world: World) -> None:
    log = world["main"].log
    log.warn(3.2, texts.HIBERNATE, "SQL Error: 0, SQLState: 25P03", times=20, every=5)
    log.error(3, "FATAL: terminating connection due to idle-in-transaction timeout", texts.HIBERNATE, times=20, every=5)


# ---- what runs in it
@scenario("approval leaks connections since its release of an hour ago: all sessions are idle in transaction",
          cause("HIKARI_TIMEOUT|HIKARI_LEAK/approval"))  # fmt: skip
def p_leak(world: World) -> None:
    world["approval"].restart(3400)
    empty_pool_of_approval(world)
    query, state = "SELECT * FROM approvals WHERE id = 7", "idle in transaction"
    idle = [statement(query, 900.0 + number, pid=8000 + number, state=state) for number in range(10)]
    world.postgres.statements["dwp_approval"] = idle


@scenario("ten statements of approval run for 20 to 50 s each, and its pool is empty",
          cause("PG_SLOW_QUERY|HIKARI_TIMEOUT/postgres|approval"))  # fmt: skip
def p_slow_queries(world: World) -> None:
    slow_statements(world, 20.0)


@scenario("an idle transaction of main's own code holds the row that everybody wants",
          cause("PG_LOCK/postgres|main", status="down", may="gateway"))  # fmt: skip
def p_lock_by_own_session(world: World) -> None:
    blocker = statement("SELECT * FROM agent_tasks FOR UPDATE", 340.0, pid=19, state="idle in transaction")
    query = "UPDATE agent_tasks SET status = 'DONE' WHERE task_id = 7"
    world.postgres.locks["dwp_main"] = [waits(query, 25.0 + number, blocker, pid=20 + number) for number in range(9)]
    world["main"].log.error(3, texts.no_connection(texts.pool_empty(10, 10, 6)), times=20, every=6)
    world["main"].answers["*"] = SILENT


@scenario("a lock in PostgreSQL on a host of its own stops main",
          cause("PG_LOCK/postgres", status="down", host="stg-db-1", may="main gateway"), layout="staging")  # fmt: skip
def x_lock_host_staging(world: World) -> None:
    block(world)
    world["main"].answers["*"] = SILENT


@scenario("a lock in somebody else's PostgreSQL: it is on no host of ours",
          cause("PG_LOCK/postgres", host=None, may="main gateway"), layout="prod")  # fmt: skip
def x_external_pg_host(world: World) -> None:
    block(world)


@scenario("PostgreSQL's storage is slow: a login takes 4.5 s, main does not answer in time",
          cause("DB_UNREACHABLE|HIKARI_TIMEOUT/postgres", status="down", may=f"{_ALL} gateway"))  # fmt: skip
def p_slow_server(world: World) -> None:
    world.postgres.latency = 4500.0
    world["main"].log.error(3, texts.no_connection(texts.pool_empty(10, 10, 16)), times=20, every=6)
    world["main"].answers["*"] = SILENT


@scenario("main's new release changes a large table since eight minutes: it is still starting",
          cause("PG_SLOW_QUERY|unknown/postgres|main", status="down", may="gateway"))  # fmt: skip
def p_migration_running(world: World) -> None:
    world["main"].starting(480, 900)
    pending = [{"version": "5", "description": "wide", "script": "V5__wide.sql", "installed_on": None}]
    world.migrations["main"] = {"pending": pending, "lock_held": True, "message": "1 pending"}
    world.postgres.statements["dwp_main"] = [statement("ALTER TABLE agent_tasks ALTER COLUMN task_id TYPE bigint", 470.0, pid=900)]


# ---- schemas
@scenario("auth does not start: three migrations have other checksums",
          cause("FLYWAY_CHECKSUM/auth", status="down", may="gateway main synapsex"))  # fmt: skip
def p_flyway_several_checksums(world: World) -> None:
    mismatch = "Migration checksum mismatch for migration version {}"
    errors = [{"code": "CHECKSUM_MISMATCH", "version": version, "message": mismatch.format(version)} for version in "359"]
    world.migrations["auth"] = {"errors": errors, "message": "3 errors"}
    told = "\n".join(
        f"{mismatch.format(version)}\n-> Applied to database : {version}1\n-> Resolved locally    : {version}2. Either revert the changes "
        "to the migration, or run repair to update the schema history." for version in "359"
    )  # fmt: skip
    text = f"Validate failed: Migrations have failed validation\n{told}"
    world["auth"].fail_to_start(60, texts.run_failed(
        "org.springframework.beans.factory.BeanCreationException", f"Error creating bean with name 'flywayInitializer': {text}",
        ("org.flywaydb.core.api.exception.FlywayValidateException", text),
    ))  # fmt: skip


@scenario("main runs with Flyway off: one migration is pending, and an endpoint misses its table",
          cause("PG_NOTABLE|FLYWAY_PENDING/main"))  # fmt: skip
def p_flyway_pending_live(world: World) -> None:
    pending = [{"version": "5", "description": "notes", "script": "V5__notes.sql", "installed_on": None}]
    world.migrations["main"] = {"pending": pending, "message": "1 pending"}
    missing = 'ERROR: relation "task_notes" does not exist'
    world["main"].log.error(3, texts.unexpected(
        "org.springframework.dao.InvalidDataAccessResourceUsageException",
        f"JDBC exception executing SQL [select * from task_notes] [{missing}]", texts.postgres(f"{missing}\n  Position: 15"),
    ), times=8, every=9)  # fmt: skip


@scenario("an analyst's saved report names a table that is gone; it failed once, 20 s ago", cause("PG_NOTABLE/main"))
def x_pg_notable_in_report_once(world: World) -> None:
    world["main"].log.error(20, texts.unexpected(
        "org.springframework.jdbc.BadSqlGrammarException", "StatementCallback; bad SQL grammar [SELECT * FROM tmp_report_7]",
        texts.postgres('ERROR: relation "tmp_report_7" does not exist\n  Position: 15'),
    ))  # fmt: skip


@scenario("main's sequence is behind after a restore: each new task fails with 23505", cause("unknown/main"))
def p_unique_by_bug(world: World) -> None:
    text = (
        'could not execute statement [ERROR: duplicate key value violates unique constraint "agent_tasks_pkey"\n'
        "  Detail: Key (task_id)=({i}) already exists.] [insert into agent_tasks (title) values (?)]; "
        "SQL [insert into agent_tasks (title) values (?)]; constraint [agent_tasks_pkey]"
    )
    why = ("org.hibernate.exception.ConstraintViolationException", text)
    world["main"].log.error(3, texts.unexpected("org.springframework.dao.DataIntegrityViolationException", text, why), times=60, every=2)


@scenario("the same without Hibernate's own line and with a short stack", cause("unknown/main"))
def p_unique_by_bug_sql_log_off(world: World) -> None:
    text = 'could not execute statement [ERROR: duplicate key value violates unique constraint "agent_tasks_pkey"]'
    dialect = "org.springframework.orm.jpa.vendor.HibernateJpaDialect"
    world["main"].log.error(3, (
        f"Unexpected error: {text}\n\norg.springframework.dao.DataIntegrityViolationException: {text}; constraint [agent_tasks_pkey]\n"
        f"\tat {dialect}.convertHibernateAccessException(HibernateJpaDialect.java:294)\n"
        f"\tat {dialect}.translate(HibernateJpaDialect.java:250)\n"
        "Caused by: org.hibernate.exception.ConstraintViolationException: could not execute statement\n"
        "\tat org.hibernate.exception.internal.SQLStateConversionDelegate.convert(SQLStateConversionDelegate.java:97)"
    ), times=60, every=2)  # fmt: skip


# ---- the server, and the way to it
@scenario("PostgreSQL on a host of its own accepts and says nothing",
          cause("DB_UNREACHABLE|PG_UNREACHABLE/postgres", status="down", host="stg-db-1", victims=_DEAD_WITHOUT, may=f"{_ALL} gateway"),
          layout="staging")  # fmt: skip
def p_pg_hung_old_style(world: World) -> None:
    world.postgres.frozen = True


@scenario("somebody else's PostgreSQL accepts and says nothing",
          cause("DB_UNREACHABLE/postgres", status="down", host=None, victims=_DEAD_WITHOUT, may=f"{_ALL} gateway"),
          layout="prod")  # fmt: skip
def x_pg_frozen_prod(world: World) -> None:
    world.postgres.frozen = True


@scenario("a firewall drops what app-1 sends to PostgreSQL: all six time out, the server is well",
          cause("PG_UNREACHABLE/none|postgres", status="down", host="stg-app-1", victims=_DEAD_WITHOUT, may=f"{_ALL} gateway"),
          layout="staging")  # fmt: skip
def n_db_drop_from_app(world: World) -> None:
    world.network.firewall(DROPPED, "stg-app-1", port=5432)
    for name in _DEAD_WITHOUT.split():
        world[name].log.error(5, texts.no_connection(texts.pool_empty(10, 10, 7)), times=8, every=10)


@scenario("the firewall of PostgreSQL's host rejects its port since 40 min, and pools have run empty",
          cause("PG_UNREACHABLE|PG_REFUSED|DB_UNREACHABLE|CALL_BLOCKED/none|postgres", status="down", host="stg-app-1",
                victims=_DEAD_WITHOUT, may=f"{_ALL} gateway", text="(?i)firewall|route"),
          layout="staging")  # fmt: skip
def n_db_reject_from_app(world: World) -> None:
    world.network.firewall(NO_ROUTE, "stg-app-1", port=5432)
    for name in _DEAD_WITHOUT.split():
        world[name].log.error(5, texts.no_connection(
            texts.pool_empty(0, 0, 7), texts.postgres("The connection attempt failed."),
            ("java.net.NoRouteToHostException", "No route to host"),
        ), times=8, every=10)  # fmt: skip


@scenario("app-1 has an old address of the database in its /etc/hosts, which is a standby now",
          cause("PG_READ_ONLY/postgres|auth|main|none", host="prod-app-1", may="auth main"), layout="prod")  # fmt: skip
def n_dns_old_address_db(world: World) -> None:
    old = Postgres("198.51.100.59", NOW - 20 * 86400, list)
    old.standby = True
    world.postgres_servers.append(old)
    world.network.own_names["prod-app-1", "db.example.internal"] = old.address
    for name in ("auth", "main"):
        world[name].log.error(4, texts.unexpected(
            "org.springframework.orm.jpa.JpaSystemException", f"could not execute statement [{texts.READ_ONLY}] [insert into x]",
            texts.postgres(texts.READ_ONLY),
        ), times=12, every=5)  # fmt: skip


@scenario("PostgreSQL failed over: main's pool still has sessions on the old primary, a standby now, and its writes fail",
          cause("PG_READ_ONLY|HIKARI_STALE/main|postgres|none"), layout="prod")  # fmt: skip
def n_pooled_to_old_primary(world: World) -> None:
    log = world["main"].log
    log.warn(3.1, texts.HIBERNATE, "SQL Error: 0, SQLState: 25006", times=20, every=5)
    log.error(3, texts.READ_ONLY, texts.HIBERNATE, times=20, every=5)


@scenario(
    "mail has a database server of its own, which is down; the platform's server is well",
    cause("PG_REFUSED|DB_UNREACHABLE/mail|postgres", status="down", may="gateway"), layout="prod",
    services={"mail": {"environment": {"SPRING_DATASOURCE_URL": "jdbc:postgresql://maildb.example.internal:5432/dwp_mail"}}},
)  # fmt: skip
def p_tenant_mail_db_elsewhere(world: World) -> None:
    world.network.names["maildb.example.internal"] = "198.51.100.77"
    text = texts.no_jdbc_connection(
        texts.server_refused("maildb.example.internal:5432"), ("java.net.ConnectException", "Connection refused"),
    )  # fmt: skip
    world["mail"].log.error(3, text, times=10, every=8)


@scenario("only app-1 is looked at; somebody else's PostgreSQL is down",
          cause("PG_REFUSED|DB_UNREACHABLE/postgres", status="down", host=None, victims="auth main", may="gateway"),
          layout="prod", limit=["prod-app-1"])  # fmt: skip
def l_limit_app1_db_down(world: World) -> None:
    world.postgres.listening = False
