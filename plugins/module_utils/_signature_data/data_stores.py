# Copyright (c) 2026 dwp.backend contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Signatures of PostgreSQL, the connection pool and Redis, as a service sees them."""

from __future__ import annotations

from typing import Any

# As administrator: where connections run out, ordinary roles get none.
_ACTIVITY = (
    'psql -h DB_HOST -p DB_PORT -U DB_ADMIN -d postgres -c "SELECT datname, application_name, state, count(*) '
    'FROM pg_stat_activity GROUP BY 1, 2, 3 ORDER BY 4 DESC"'
)
_GRANT = "psql -h DB_HOST -p DB_PORT -U DB_ADMIN -d DB_NAME -c "
_LADDER = "ansible-playbook playbooks/triage.yml -i inventories/ENVIRONMENT -e dwp_only={service}"
_COMPARE = "ansible-playbook playbooks/deploy.yml -i inventories/ENVIRONMENT -e dwp_only={service} --check --diff"

SIGNATURES: list[dict[str, Any]] = [
    {
        "id": "HIKARI_TIMEOUT",
        "priority": 3,
        "about": "postgres",
        "severity": "degraded",
        "patterns": [
            r"Connection is not available, request timed out after (?P<ms>\d+)ms "
            r"\(total=(?P<total>\d+), active=(?P<active>\d+), idle=(?P<idle>\d+), waiting=(?P<waiting>\d+)\)"
        ],
        "yields_to": ["PG_*"],
        "meaning": "no connection of the pool became free in time",
        "variants": [
            {
                "name": "unreachable",
                "zero": "total",
                "meaning": "the pool is empty: the database cannot be reached",
                "next": {"command": _LADDER, "risk": "read-only", "verify": "the probe of the database passes every step"},
            },
            {
                "name": "exhausted",
                "same": ["active", "total"],
                "meaning": "every connection is in use: a leak, slow SQL, or a pool that is too small",
                "next": {
                    "command": _ACTIVITY,
                    "risk": "read-only",
                    "verify": "active falls below total; leak-detection-threshold names the code that keeps connections",
                },
            },
        ],
        "next": {"command": _ACTIVITY, "risk": "read-only", "verify": "no request waits for a connection"},
        "source": "observed with Spring Boot 3.4",
    },
    {
        "id": "HIKARI_INIT",
        "priority": 2,
        "about": "postgres",
        "severity": "down",
        "patterns": [
            r"Failed to initialize pool: (?P<reason>.{0,500})",
            r"Exception during pool initialization",
            r"Unable to obtain connection from database",
            r"Unable to determine Dialect without JDBC metadata",
        ],
        "yields_to": ["PG_*", "TLS"],
        "meaning": "the database refused the first connection; a PG_ row of the same record says why",
        "next": {"command": _LADDER, "risk": "read-only", "verify": "the probe of the database passes every step"},
        "source": "observed with HikariCP 5.1.0 and Flyway 10.20.1; the second text is that of HikariCP up to 5.0.1",
    },
    {
        "id": "DB_UNREACHABLE",
        "priority": 2,
        "about": "postgres",
        "severity": "degraded",
        "patterns": [
            r"Failed to obtain JDBC Connection", r"Unable to acquire JDBC Connection",
            r"An I/O error occurred while sending to the backend", r"PSQLException: This connection has been closed",
            r"Unable to (?:rollback|commit) against JDBC Connection", r"exception\.JDBCConnectionException",
            r"\AThis connection has been closed", r"\AConnection is closed",
            # Tomcat keeps the outermost text and the root cause.
            [r"Could not open (?:JPA EntityManager|JDBC Connection) for transaction",
             r"(?:ConnectException|SocketTimeoutException|NoRouteToHostException|UnknownHostException): "],
        ],
        "yields_to": ["PG_*", "HIKARI_TIMEOUT"],
        "meaning": "the database is gone at run time; Tomcat's log keeps only the root cause, without host and port",
        "next": {"command": _LADDER, "risk": "read-only", "verify": "the probe with the service's own DB_* passes every step"},
        "source": "observed with Spring Boot 3.4; the second text is documented only",
    },
    {
        "id": "HIKARI_STALE",
        "priority": 5,
        "about": "postgres",
        "severity": "note",
        "patterns": [r"Failed to validate connection .{0,500}? Possibly consider using a shorter maxLifetime"],
        "yields_to": ["PG_*"],
        "meaning": "idle connections were cut: the server was restarted, or a firewall; the pool recovers alone",
        "next": {
            "command": 'psql -h DB_HOST -p DB_PORT -U DB_USERNAME -d DB_NAME -c "SELECT pg_postmaster_start_time()"',
            "risk": "read-only",
            "verify": "if it repeats without a restart of the server, maxLifetime below its or the firewall's limit ends it",
        },
        "source": "observed with Spring Boot 3.4",
    },
    {
        "id": "HIKARI_LEAK",
        "priority": 4,
        "about": "service",
        "severity": "degraded",
        "patterns": [r"Connection leak detection triggered for (?P<connection>\S+)"],
        "meaning": "a connection was not returned, or a statement runs longer than the threshold",
        "next": {
            "command": "grep -A 30 'Connection leak detection triggered' {file}",
            "risk": "read-only",
            "verify": "the stack of the record names the code that took the connection",
        },
        "source": "observed with Spring Boot 3.4",
    },
    {
        "id": "STARVED",
        "priority": 4,
        "about": "host",
        "severity": "degraded",
        "patterns": [
            r"Thread starvation or clock leap detected \(housekeeper delta=(?P<delta>[^)]+)\)",
            r"Retrograde clock change detected \(housekeeper delta=(?P<delta>[^)]+)\)",
        ],
        "meaning": "the process stood still: long garbage collection, no CPU, suspended host, or the clock jumped",
        "next": {
            "command": "jcmd PID GC.heap_info; uptime; timedatectl",
            "risk": "read-only",
            "verify": "jvm_gc_pause_seconds_max and the load of the host are low and the clock is synchronised",
        },
        "source": "observed with Spring Boot 3.4",
    },
    {
        "id": "PG_REFUSED",
        "priority": 1,
        "about": "postgres",
        "severity": "down",
        "patterns": [r"Connection to (?P<host>\S+):(?P<port>\d+) refused"],
        "meaning": "nothing listens at the address of the database: PostgreSQL is down, or host or port are wrong",
        "next": {
            "command": "pg_isready -h {host} -p {port}",
            "risk": "read-only",
            "verify": "it answers: accepting connections",
        },
        "source": "observed with Spring Boot 3.4",
    },
    {
        "id": "PG_AUTH",
        "priority": 1,
        "about": "environment",
        "severity": "down",
        "patterns": [
            r'password authentication failed for user "(?P<user>[^"]+)"',
            r"authentication, but (?P<absent>no password was provided|the password is an empty string)",
            r"SQL State  : 28P01", r"SQLState: 28P01",  # in every language of the server
        ],
        "meaning": "28P01: DB_PASSWORD of the service is not the role's password",
        "variants": [
            {
                "name": "absent",
                "has": "absent",
                "meaning": "PostgreSQL asks for a password, and DB_PASSWORD of the service is missing or empty",
                "next": {"command": _COMPARE, "risk": "read-only", "verify": "the plan sets DB_PASSWORD; without --check it is put right"},
            },
        ],
        "next": {
            "command": _COMPARE,
            "risk": "read-only",
            "verify": "if the plan changes DB_PASSWORD, it is put right without --check; if not, it was changed in the database",
        },
        "source": "observed with Spring Boot 3.4",
    },
    {
        "id": "PG_HBA",
        "priority": 1,
        "about": "postgres",
        "severity": "down",
        "patterns": [
            r'pg_hba\.conf rejects connection for host "(?P<client>[^"]+)", user "(?P<user>[^"]+)", database "(?P<database>[^"]+)"',
            r'no pg_hba\.conf entry for host "(?P<client>[^"]+)", user "(?P<user>[^"]+)", database "(?P<database>[^"]+)"',
        ],
        "meaning": "28000: the rules of pg_hba.conf do not let {user} into {database} from this host; the password was not even asked",
        "next": {
            "command": 'psql -h DB_HOST -p DB_PORT -U DB_ADMIN -d postgres -c "SELECT * FROM pg_hba_file_rules"',
            "risk": "read-only",
            "verify": "the first line that fits host, user and database lets in; after a correction: SELECT pg_reload_conf()",
        },
        "source": "observed with Spring Boot 3.4",
    },
    {
        "id": "PG_LOGIN",
        "priority": 1,
        "about": "postgres",
        "severity": "down",
        "patterns": [
            r'role "(?P<user>[^"]+)" is not permitted to log in',
            r'role "(?P<absent>[^"]+)" does not exist',
        ],
        "meaning": "28000: the role {user} has no right to log in",
        "variants": [
            {
                "name": "absent",
                "has": "absent",
                "meaning": "28000: there is no role {absent} in this PostgreSQL: it was never created, or DB_USERNAME or DB_HOST are wrong",
                "next": {
                    "command": "psql -h DB_HOST -p DB_PORT -U DB_ADMIN -d postgres -c '\\du'",
                    "risk": "read-only",
                    "verify": "the list holds the role that DB_USERNAME names",
                },
            },
        ],
        "next": {
            "command": 'psql -h DB_HOST -p DB_PORT -U DB_ADMIN -d postgres -c "ALTER ROLE {user} LOGIN"',
            "risk": "restart",
            "verify": "the role was closed on purpose, or the services log in again without a restart",
        },
        "source": "observed with Spring Boot 3.4",
    },
    {
        "id": "PG_NODB",
        "priority": 1,
        "about": "postgres",
        "severity": "down",
        "patterns": [r'database "(?P<database>[^"]+)" does not exist', r"SQL State  : 3D000", r"SQLState: 3D000"],
        "meaning": "3D000: the database was never created (an init script runs only on an empty volume), or DB_NAME is wrong",
        "next": {
            "command": "psql -h DB_HOST -p DB_PORT -U DB_USERNAME -d postgres -l",
            "risk": "read-only",
            "verify": "the list holds {database}",
        },
        "source": "observed with Spring Boot 3.4",
    },
    {
        "id": "PG_FULL",
        "priority": 1,
        "about": "postgres",
        "severity": "down",
        "patterns": [
            r"too many clients already", r"remaining connection slots are reserved",
            r'too many connections for (?P<limited>(?:role|database) "[^"]+")', r"SQL State  : 53300", r"SQLState: 53300",
        ],
        "meaning": "53300: the pools of all services together need more than max_connections",
        "variants": [
            {
                "name": "limited",
                "has": "limited",
                "meaning": "53300: more connections are wanted than the CONNECTION LIMIT of {limited} lets in",
                "next": {
                    "command": 'psql -h DB_HOST -p DB_PORT -U DB_ADMIN -d postgres -c "SELECT rolname, rolconnlimit FROM pg_roles '
                    'WHERE rolconnlimit >= 0" -c "SELECT datname, datconnlimit FROM pg_database WHERE datconnlimit >= 0"',
                    "risk": "read-only",
                    "verify": "the limit is above the sum of maximum-pool-size of those who log in with it",
                },
            },
        ],
        "next": {
            "command": _ACTIVITY,
            "risk": "read-only",
            "verify": "the sum of maximum-pool-size over all instances is below max_connections - superuser_reserved_connections",
        },
        "source": "observed with PostgreSQL 16; the first text in public reports",
    },
    {
        "id": "PG_STARTING",
        "priority": 8,
        "about": "postgres",
        "severity": "degraded",
        "patterns": [r"the database system is (?P<state>starting up|(?P<stops>shutting down)|in recovery mode|not (?:yet )?accepting.*)"],
        "meaning": "57P03: the server is starting, stopping or recovering",
        "variants": [
            {
                "name": "stopping",
                "has": "stops",
                "meaning": "57P03: the server is being stopped, and waits for the sessions that are left or for its last writes",
                "next": {
                    "command": "ps -o pid,etime,args -C postgres  # on the host of PostgreSQL: who is still logged in",
                    "risk": "read-only",
                    "verify": "the sessions have ended (pg_ctl stop -m fast ends them), and PostgreSQL was started again",
                },
            },
        ],
        "next": {"command": "pg_isready -h DB_HOST -p DB_PORT", "risk": "read-only", "verify": "accepting connections, after some seconds"},
        "source": "observed with Spring Boot 3.4",
    },
    {
        "id": "PG_TERMINATED",
        "priority": 8,
        "about": "postgres",
        "severity": "note",
        "patterns": [r"terminating connection due to administrator command"],
        "meaning": "57P01: the server was restarted, or somebody ran pg_terminate_backend; a note, look further",
        "next": {
            "command": 'psql -h DB_HOST -p DB_PORT -U DB_USERNAME -d DB_NAME -c "SELECT pg_postmaster_start_time()"',
            "risk": "read-only",
            "verify": "the time tells whether the server was restarted",
        },
        "source": "observed with Spring Boot 3.4",
    },
    {
        "id": "PG_PERM",
        "priority": 2,
        "about": "postgres",
        "severity": "down",
        "patterns": [
            r"(?:ERROR|FATAL): permission denied for (?:schema|table|sequence|view|materialized view|function|database) \S+",
            r"SQL State  : 42501", r"SQLState: 42501", r"ERROR: must be owner of \w+ (?P<object>\S+)",
        ],
        "details": [
            r"permission denied for (?P<object>.+)",
            r"permission denied for schema (?P<denied>\w+)",
            r"permission denied for (?P<table>(?:table|sequence|view) \w+)",
        ],
        "meaning": "42501: the role lacks a right on a schema or in it; PostgreSQL 15 lets only the owner create in schema public",
        "variants": [
            {
                "name": "schema",
                "has": "denied",
                "meaning": "42501: the role lacks a right on a schema; PostgreSQL 15 lets only the owner create in schema public",
                "next": {
                    "command": _GRANT + '"GRANT USAGE, CREATE ON SCHEMA {denied} TO DB_USERNAME"',
                    "risk": "destructive",
                    "verify": "the statement or the migration succeeds; the other way is to make the role the owner (\\dn+ shows it)",
                },
            },
            {
                "name": "table",
                "has": "table",
                "meaning": "42501: the role lacks a right on a table or sequence, which belongs to another role",
                "next": {
                    "command": _GRANT + '"GRANT SELECT, INSERT, UPDATE, DELETE ON ALL TABLES IN SCHEMA DB_SCHEMA TO DB_USERNAME; '
                    'GRANT USAGE ON ALL SEQUENCES IN SCHEMA DB_SCHEMA TO DB_USERNAME"',
                    "risk": "destructive",
                    "verify": "the statement succeeds; \\dp shows the rights, and who made the table under another role is to be told",
                },
            },
        ],
        "next": {
            "command": _GRANT + '"GRANT USAGE, CREATE ON SCHEMA DB_SCHEMA TO DB_USERNAME"',
            "risk": "destructive",
            "verify": "the statement or the migration succeeds; the other way is to make the role the owner (\\dn+ shows who it is)",
        },
        "source": "observed with Spring Boot 3.4",
    },
    {
        "id": "PG_NOTABLE",
        "priority": 3,
        "about": "postgres",
        "severity": "degraded",
        "patterns": [r'relation "(?P<relation>[^"]+)" does not exist', r"SQLState: 42P01"],
        "yields_to": ["FLYWAY_SQL"],
        "meaning": "42P01: a migration has not run, or search_path names another schema",
        "next": {
            "command": "ansible-playbook playbooks/flyway_status.yml -i inventories/ENVIRONMENT -e dwp_only={service}",
            "risk": "read-only",
            "verify": "no migration is pending and default_schema is the schema that was migrated",
        },
        "source": "observed with Spring Boot 3.4",
    },
    {
        "id": "PG_DEADLOCK",
        "priority": 5,
        "about": "postgres",
        "severity": "degraded",
        "patterns": [r"deadlock detected", r"SQLState: 40P01"],
        "yields_to": ["FLYWAY_SQL"],
        "details": [r"Detail: (?P<detail>Process \d+ waits for [^\n]+)"],
        "meaning": "40P01: two transactions took locks in opposite order; one was ended",
        "next": {
            "command": "psql -h DB_HOST -p DB_PORT -U DB_USERNAME -d DB_NAME "
            '-c "SELECT deadlocks FROM pg_stat_database WHERE datname = current_database()"',
            "risk": "read-only",
            "verify": "the counter does not grow; DETAIL in the record names both statements",
        },
        "source": "observed with pgjdbc 42.7.7 and PostgreSQL 16",
    },
    {
        "id": "REDIS_REFUSED",
        "priority": 2,
        "about": "redis",
        "severity": "degraded",
        "patterns": [
            r"Unable to connect to Redis",
            [r"RedisConnectionException: Unable to connect to (?P<target>\S+)", r"Connection refused"],
            r"Cannot reconnect to \[(?P<target>[^\]]+)\]: Connection refused",
            r"RedisException: (?:Connection closed|Currently not connected)",
            r"RedisException: java\.io\.IOException: (?:Connection reset by peer|Broken pipe)",
            r"RedisConnectionException: Connection closed prematurely",
        ],
        "details": [r"Unable to connect to (?P<target>[^\s:]\S*:\d+)"],
        "yields_to": ["REDIS_*", "TLS"],
        "meaning": "Redis does not answer; approvals, audit and chat are touched, nothing else",
        "next": {
            "command": "redis-cli -h REDIS_HOST -p REDIS_PORT ping",
            "risk": "read-only",
            "verify": "it answers PONG; a service may have the host localhost fixed",
        },
        "source": "observed with Spring Boot 3.4; spring-boot#44581",
    },
    {
        "id": "REDIS_AUTH",
        "priority": 2,
        "about": "environment",
        "severity": "degraded",
        "patterns": [
            r"NOAUTH(?= )", r"WRONGPASS(?= )", r"DENIED Redis is running in protected mode", r"ERR invalid password",
            r"AUTH <password> called without any password configured", r"ERR Client sent AUTH, but no password is set",
        ],
        "meaning": "REDIS_PASSWORD is missing or wrong",
        "next": {
            "command": "redis-cli -h REDIS_HOST -p REDIS_PORT --askpass ping",
            "risk": "read-only",
            "verify": "it answers PONG with the password of the service's environment; compare the fingerprints",
        },
        "source": "observed with Spring Boot 3.4; spring-boot#43609",
    },
    {
        "id": "REDIS_SLOW",
        "priority": 4,
        "about": "redis",
        "severity": "degraded",
        "patterns": [r"RedisCommandTimeoutException: Command timed out after (?P<limit>[\w ().]+)", r"Redis command timed out"],
        "meaning": "Redis or the network took longer than the command time-out",
        "next": {
            "command": "redis-cli -h REDIS_HOST -p REDIS_PORT slowlog get 10",
            "risk": "read-only",
            "verify": "redis-cli --latency stays below some milliseconds",
        },
        "source": "observed with Spring Boot 3.4",
    },
]
