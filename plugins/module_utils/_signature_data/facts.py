# Copyright (c) 2026 dwp.backend contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Failures that are found by asking the thing itself. `{name}` is filled in from what was found. Some are told by logs as well, of
what is over by now or seen by others: `told` is what that means, with the patterns.
"""

from __future__ import annotations

from typing import Any

_PLAYBOOK = "ansible-playbook playbooks/{name}.yml -i inventories/ENVIRONMENT -e dwp_only={{service}}"
_RESTART = _PLAYBOOK.format(name="restart")
_COMPARE = _PLAYBOOK.format(name="deploy") + " --check --diff"
_STATUS = _PLAYBOOK.format(name="flyway_status")
_ACTIVITY = (
    'psql -h {db_host} -p {db_port} -U DB_ADMIN -d {database} -c "SELECT pid, application_name, state, wait_event_type, '
    'now() - xact_start AS age, left(query, 60) FROM pg_stat_activity WHERE state <> \'idle\' ORDER BY xact_start"'
)
_SOURCE = "found by asking the thing itself"


def _row(
    name: str, priority: int, about: str, severity: str, meaning: str, command: str, verify: str, observed_by: str, risk: str = "read-only",
    told: tuple[str, list[Any]] = ("", []),
) -> dict[str, Any]:  # fmt: skip
    return {
        "id": name, "priority": priority, "about": about, "severity": severity, "patterns": told[1], "told": told[0], "meaning": meaning,
        "next": {"command": command, "risk": risk, "verify": verify}, "observed_by": observed_by, "source": _SOURCE,
    }  # fmt: skip


#: pgjdbc hides the reason of a connection that did not come about in the deepest cause; Lettuce likewise.
_NO_POSTGRES = "PSQLException: The connection attempt failed"
_NO_REDIS = "RedisConnectionException: Unable to connect"
_NO_WAY = r"(?:[Cc]onnect(?:ion)? timed out|No route to host|Network is unreachable|initialization timed out)"


SIGNATURES: list[dict[str, Any]] = [
    # ---- hosts
    _row("HOST_UNREACHABLE", 1, "host", "down", "{host} cannot be reached, so nothing on it could be asked",
         "ansible {host} -i inventories/ENVIRONMENT -m ansible.builtin.ping",
         "it says pong; otherwise the console of the machine, its network or its credentials are next", "Ansible: unreachable"),
    _row("DISK_LOW", 6, "host", "note",
         "a file system is nearly full: {path} has {free} left", "du -xh {path} 2>/dev/null | sort -h | tail",
         "df -h shows more than 5 % free", "the file systems of the host"),
    _row("DISK_READ_ONLY", 1, "host", "degraded", "the file system {path} of {host} is mounted read-only ({uses})",
         "findmnt -o TARGET,SOURCE,OPTIONS {path}; dmesg -T | grep -i -e 'remounting' -e 'I/O error' | tail",
         "the options begin with rw; after an error of its disk the kernel mounts it read-only", "the file systems of the host"),
    _row("MEMORY_LOW", 6, "host", "note", "{host} has {free} MB of memory left", "ps -eo pid,rss,args --sort=-rss | head",
         "free -m shows available memory, and vmstat 1 no swapping", "/proc/meminfo"),
    _row("CLOCK_SKEW", 2, "host", "degraded",
         "the clock of {host} is {seconds} s {direction} the controller's: tokens look expired or not yet valid",
         "timedatectl timesync-status || chronyc tracking", "the offset is below a second and the clock is synchronised",
         "the clock of the host against that of the controller"),
    # ---- processes
    _row("PROCESS_STOPPED", 4, "service", "down", "{service} was stopped in order and not started again", _RESTART,
         "{service} passes its gate", "the service manager: stopped, without a failure", "restart"),
    _row("PROCESS_SUSPENDED", 1, "service", "down", "the process of {service} is suspended (SIGSTOP or a debugger)", "kill -CONT {pid}",
         "its state in /proc/{pid}/status is no longer T and it answers", "the state of the process in /proc", "restart"),
    _row("PROCESS_KILLED", 3, "service", "down",
         "{service} was ended by {signal}, from outside", _RESTART,
         "{service} passes its gate; what the host logged at that time (journalctl --since) tells who ended it",
         "the service manager: ended by a signal", "restart"),
    _row("NOT_ANSWERING", 6, "service", "down", "{service} accepts connections and does not answer: threads, pool or garbage collection",
         "jcmd {pid} Thread.print | grep -A 12 -e http-nio -e reactor-http | head -80",
         "most threads of the pool wait at the same place: that is the cause", "a probe: connected, no answer in time"),
    _row("LISTENS_ELSEWHERE", 2, "environment", "down",
         "{service} listens on {listens}, and not where it is asked on port {port}: {variable} is not what others expect", _COMPARE,
         "the plan shows the inventory's value; after its deployment {service} passes its gate", "the listeners of its process"),
    _row("NOT_DEPLOYED", 5, "service", "degraded", "{service} was never deployed on {host}, although the inventory places it there",
         _COMPARE, "the plan says install; without --check it is done", "the releases on the host"),
    _row("MANAGER_DOWN", 2, "host", "down", "the service manager of {host} does not answer, so nothing is kept running there",
         "ansible-playbook playbooks/deploy.yml -i inventories/ENVIRONMENT", "status.yml shows the services of {host} as running",
         "systemctl or supervisorctl", "restart"),
    _row("ORPHAN", 4, "service", "degraded", "a process of {service} runs that its service manager does not know (PID {pid})",
         "ps -o pid,ppid,lstart,args -p {pid}; ss -ltnp | grep pid={pid},", "one process is left: restart.yml ends the others, starts one",
         "the processes of the host"),
    # ---- releases and environments
    _row("RESTART_NEEDED", 5, "environment", "degraded",
         "{service} runs with another environment than its {than} says: {variables}", _COMPARE,
         "the plan says restart and why; without --check it is done", "/proc/PID/environ against the release"),
    _row("CHANGED_BY_HAND", 6, "environment", "degraded", "the release of {service} that runs was changed by hand: {what}",
         _PLAYBOOK.format(name="deploy"), "the plan says changed by hand; {service} gets back what was deployed and passes its gate",
         "the files of the release against its manifest", "restart"),
    _row("RELEASE_MISMATCH", 5, "service", "degraded", "the process of {service} runs {process_release}, current is {release}", _COMPARE,
         "the plan says restart; without --check it is done", "the release named by the running process"),
    _row("ENVIRONMENT_RULE", 4, "environment", "degraded", "{message}", _COMPARE,
         "after the variable is corrected in the inventory and the service deployed, the rule holds", "the rules of the environment"),
    # ---- calls
    _row("WRONG_URL", 2, "environment", "degraded",
         "{variable} of {service} is {url}, which is not where {target} listens{instead}", _COMPARE,
         "the plan shows the address of the inventory; after its deployment the service reaches {target}",
         "the other end of the call, asked"),
    _row("CALL_BLOCKED", 3, "host", "degraded",
         "{service} on {host} gets no connection to {target} at {address}, which is up: a firewall, or a wrong address",
         "nc -vz -w 5 {target_host} {target_port}", "the port accepts from this host", "the other end of the call, asked"),
    # ---- PostgreSQL
    _row("PG_UNREACHABLE", 1, "postgres", "down", "no connection to {address} in time: a firewall, a dead host, or a wrong address",
         "nc -vz -w 5 {db_host} {db_port}", "the port accepts from this host", "the probe of the database",
         told=("no connection to PostgreSQL in time: a firewall, a dead host, or a wrong address", [[_NO_POSTGRES, _NO_WAY]])),
    _row("PG_DNS", 1, "environment", "down",
         "DB_HOST of {service} is a name that this host cannot resolve: {db_host}", "getent hosts {db_host}",
         "it prints an address; otherwise correct DB_HOST or the hosts file", "the probe of the database",
         told=("DB_HOST is a name that this host cannot resolve: {db_host}",
               [[_NO_POSTGRES, r"UnknownHostException: (?P<db_host>[\w.-]+)"]])),
    _row("PG_FOREIGN", 1, "environment", "down", "what listens at {address} is not PostgreSQL", "ss -ltnp 'sport = :{db_port}'",
         "the listener is postgres, or DB_HOST and DB_PORT of {service} name another place", "the probe of the database"),
    _row("PG_READ_ONLY", 2, "postgres", "degraded", "the database takes no changes: a standby, or default_transaction_read_only",
         'psql -h {db_host} -p {db_port} -U {user} -d {database} -c "SHOW transaction_read_only"',
         "it says off at the address that DB_HOST names", "the probe of the database",
         told=("a write was refused: the database is a standby or read-only, or the transaction is",
               [r"cannot execute [\w() ]{1,60}? in a read-only transaction", r"cannot execute [\w() ]{1,60}? during recovery",
                "SQLState: 25006", "SQL State  : 25006"])),
    _row("PG_LOCK", 2, "postgres", "degraded",
         "{application} (PID {pid}) holds a lock in {database} for which {waiting} statements wait, the longest {seconds} s",
         'psql -h {db_host} -p {db_port} -U DB_ADMIN -d {database} -c "SELECT pg_terminate_backend({pid})"',
         "no statement waits for a lock: the answer to SELECT count(*) FROM pg_stat_activity WHERE wait_event_type = 'Lock' is 0",
         "pg_stat_activity and pg_blocking_pids", "destructive",
         told=("a statement waited for a lock until it was ended: somebody else holds it",
               ["canceling statement due to lock timeout", "could not obtain lock on row in relation", "SQLState: 55P03",
                "acquire PostgreSQL advisory lock"])),
    _row("PG_LONG_TRANSACTION", 6, "postgres", "note",
         "{application} (PID {pid}) keeps a transaction of {database} open for {seconds} s ({state}); others: {others}", _ACTIVITY,
         "the transaction has ended", "pg_stat_activity"),
    _row("PG_SLOW_QUERY", 4, "postgres", "degraded",
         "{application} (PID {pid}) runs a statement in {database} for {seconds} s; others that are slow: {others}", _ACTIVITY,
         "no statement is active for so long; SELECT pg_cancel_backend(pid) ends one, its plan tells why it is slow",
         "pg_stat_activity",
         told=("a statement ran until it was ended, by statement_timeout or by the service's own time-out",
               [r"canceling statement due to (?:statement timeout|user request)", "SQLState: 57014"])),
    _row("PG_CONNECTIONS", 4, "postgres", "note", "{used} of {most} connections are in use", _ACTIVITY,
         "the number falls; otherwise smaller pools or a larger max_connections", "pg_stat_activity"),
    _row("FLYWAY_PENDING", 5, "flyway", "note", "migrations of {service}'s release are not applied: {versions}", _STATUS,
         "no migration is pending after the next start of {service}", "the schema history against the migrations of the release"),
    # ---- Redis
    _row("REDIS_UNREACHABLE", 2, "redis", "degraded",
         "no connection to Redis at {address}: {message}", "nc -vz -w 5 {redis_host} {redis_port}",
         "the port accepts from this host", "the probe of Redis",
         told=("no connection to Redis in time: a firewall, a dead host, or a wrong address",
               [[_NO_REDIS, _NO_WAY], r"Cannot reconnect to \[[^\]]+\]: connection timed out"])),
    _row("REDIS_DNS", 2, "environment", "degraded",
         "the address of Redis that {service} has is a name that this host cannot resolve: {redis_host}", "getent hosts {redis_host}",
         "it prints an address; otherwise correct REDIS_HOST or the hosts file", "the probe of Redis",
         told=("the address of Redis is a name that this host cannot resolve: {redis_host}",
               [[_NO_REDIS, r"UnknownHostException: (?:Failed to resolve ')?(?P<redis_host>[\w.-]+)"]])),
    _row("REDIS_FULL", 2, "redis", "degraded", "Redis is full ({used} of {most} MB) and refuses to write (maxmemory-policy noeviction)",
         "redis-cli -h {redis_host} -p {redis_port} info memory", "used_memory is below maxmemory", "the probe of Redis",
         told=("Redis is full and refuses to write (maxmemory-policy noeviction)", ["OOM command not allowed when used memory"])),
    _row("REDIS_READ_ONLY", 2, "redis", "degraded",
         "Redis at {address} is a replica and takes no writes", "redis-cli -h {redis_host} -p {redis_port} role",
         "it says master, or REDIS_HOST names the master", "the probe of Redis",
         told=("Redis takes no writes: it is a replica, or lacks replicas of its own",
               [r"READONLY You can't write", "MASTERDOWN Link with MASTER", "NOREPLICAS Not enough good replicas"])),
    _row("REDIS_LOADING", 5, "redis", "degraded", "Redis loads its data and answers nothing else until then",
         "redis-cli -h {redis_host} -p {redis_port} info persistence", "loading is 0, after some seconds", "the probe of Redis",
         told=("Redis loads its data and answers nothing else until then", ["LOADING Redis is loading the dataset"])),
    _row("REDIS_PERSISTENCE", 3, "redis", "degraded", "Redis could not save its data and may refuse to write (MISCONF)",
         "redis-cli -h {redis_host} -p {redis_port} info persistence", "rdb_last_bgsave_status is ok; usually the disk was full",
         "the probe of Redis",
         told=("Redis could not save its data and refuses to write (MISCONF)",
               ["MISCONF Redis is configured to save", "MISCONF Errors writing to the AOF"])),
    _row("REDIS_BUSY", 2, "redis", "degraded", "Redis at {address} runs a script that does not end, and answers nobody else until then",
         "redis-cli -h {redis_host} -p {redis_port} script kill", "it says OK (NOTKILLABLE: the script has written) and answers PING",
         "the probe of Redis", "restart",
         told=("Redis runs a script that does not end, and answers nobody else until then", ["BUSY Redis is busy running a script"])),
    _row("REDIS_EVICTS", 3, "redis", "degraded",
         "Redis at {address} has no memory left and throws keys away to make room ({evicted} so far): what waits in it is lost",
         "redis-cli -h {redis_host} -p {redis_port} info stats", "evicted_keys stays as it is, with a larger maxmemory",
         "the probe of Redis"),
    _row("REDIS_CLIENTS", 2, "redis", "degraded", "Redis at {address} has as many clients as it takes (maxclients) and refuses more",
         "ss -Htnp state established 'sport = :{redis_port}'  # the clients of Redis",
         "who holds most of the connections gives them back, or maxclients is raised; then Redis answers", "the probe of Redis",
         told=("Redis has as many clients as it takes (maxclients) and refuses more", ["ERR max number of clients reached"])),
]  # fmt: skip
