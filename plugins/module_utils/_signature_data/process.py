# Copyright (c) 2026 dwp.backend contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Signatures of the Java process and its host: memory, files, disk, certificates."""

from __future__ import annotations

from typing import Any

_COMPARE = "ansible-playbook playbooks/deploy.yml -i inventories/ENVIRONMENT -e dwp_only={service} --check --diff"

SIGNATURES: list[dict[str, Any]] = [
    {
        "id": "OOM_HEAP",
        "priority": 1,
        "about": "service",
        "severity": "degraded",
        "patterns": [
            r"OutOfMemoryError: (?P<what>[^\n\]]+)",
            r"OutOfMemoryError (?P<what>thrown from [^\n\]]+)",
            r"OutOfDirectMemoryError: (?P<what>[^\n\]]+)",
            r"pthread_create failed \((?P<start>EAGAIN)\)",
            r"There is (?P<start>insufficient memory) for the Java Runtime Environment to continue",
        ],
        "variants": [
            {
                "name": "at its start",
                "has": "start",
                "meaning": "the host, or the limits of the process, do not give the JVM the memory or the threads that it begins with",
                "next": {
                    "command": _COMPARE,
                    "risk": "read-only",
                    "verify": "the plan tells what was changed of its launcher or unit (ulimit, TasksMax, MemoryMax, -Xmx); else "
                    "free -m and ps -eLf | wc -l tell what the host lacks",
                },
            },
        ],
        "anywhere": "OutOfMemoryError",
        "meaning": "the JVM ran out of the named memory and goes on running in an unknown state",
        "next": {
            "command": "jcmd PID GC.heap_info; jcmd PID Thread.print > threads.txt",
            "risk": "read-only",
            "verify": "keep both before the restart; afterwards heap use after a full collection stays below -Xmx",
        },
        "otherwise": {
            "command": "grep -n -A 15 OutOfMemoryError {file} | tail -n 40",
            "risk": "read-only",
            "verify": "it names what ran out; for Java heap space a larger -Xmx in jvm_options of {service} in the inventory, deployed, "
            "lets {service} pass its gate",
        },
        "source": "observed with Spring Boot 3.4",
    },
    {
        "id": "JVM_CRASH",
        "priority": 1,
        "about": "service",
        "severity": "down",
        "patterns": [r"A fatal error has been detected by the Java Runtime Environment"],
        "anywhere": "A fatal error has been detected",
        "yields_to": ["OOM_HEAP"],  # with CrashOnOutOfMemoryError
        "meaning": "the JVM itself broke: a native library, a fault of this Java version, or memory",
        "next": {
            "command": "grep -n -A 12 'fatal error has been detected' {file} | tail -n 40",
            "risk": "read-only",
            "verify": "its 'Problematic frame' names the library; rollback.yml takes back the release or Java that brought it",
        },
        "source": "the console and hs_err_pid*.log of HotSpot",
    },
    {
        "id": "OOM_KILLED",
        "priority": 1,
        "about": "host",
        "severity": "down",
        "patterns": [
            r"Out of memory: Killed process (?P<pid>\d+) \(java\)",
            r"Memory cgroup out of memory: Killed process (?P<pid>\d+) \(java\)",
            r"Failed with result 'oom-kill'",
        ],
        "anywhere": "Killed process",
        "meaning": "the kernel killed the process: the host or its control group had no memory left (exit status 137)",
        "next": {
            "command": "dmesg -T | grep -i -A 1 'killed process' | tail -n 10",
            "risk": "read-only",
            "verify": "MaxRAMPercentage or -Xmx fits into the limit of the unit and of the host",
        },
        "source": "documented by the library, not observed",
    },
    {
        "id": "NOFILE",
        "priority": 2,
        "about": "service",
        "severity": "degraded",
        "patterns": [r"Too many open files", r"inotify instances reached or too many open files"],
        "meaning": "LimitNOFILE is too small, or the service leaks file descriptors",
        "next": {
            "command": "ls /proc/PID/fd | wc -l; grep 'open files' /proc/PID/limits",
            "risk": "read-only",
            "verify": "the number is below the limit and does not grow",
        },
        "otherwise": {  # it has ended
            "command": _COMPARE,
            "risk": "read-only",
            "verify": "the plan tells what was changed of its unit or launcher (LimitNOFILE, ulimit -n); without --check it is put right "
            "and started, and 'open files' in the limits of the process is enough",
        },
        "source": "observed with Spring Boot 3.4",
    },
    {
        "id": "DISK_FULL",
        "priority": 1,
        "about": "host",
        "severity": "down",
        "patterns": [
            # in PostgreSQL's words
            r"could not \w+(?: to)? file (?P<server_file>\"[^\"\n]+\")[^\n]{0,60}: No space left on device",
            r"could not extend file (?P<server_file>\"[^\"\n]+\"): wrote only \d+ of \d+ bytes",
            r"could not resize shared memory segment (?P<shared_memory>\"[^\"\n]+\")[^\n]{0,60}: No space left on device",
            r"(?P<redis_error>MISCONF [^\n]{0,200}): No space left on device",
            r"No space left on device",
            r"Disk quota exceeded",
        ],
        "anywhere": "No space left on device",
        "observed_by": "the log, a log that ends inside a line, or health diskSpace DOWN",
        "meaning": "a file system is full, often of logs (SQL and bind values are logged by default in one service)",
        "variants": [
            {
                "name": "of the database",
                "has": "server_file",
                "about": "postgres",
                "meaning": "a file system of PostgreSQL is full (data, a tablespace or temporary files): nothing can be written there",
                "next": {
                    "command": "psql -h DB_HOST -p DB_PORT -U DB_ADMIN -d postgres -Atc \"SELECT current_setting('data_directory') "
                    'UNION SELECT pg_tablespace_location(oid) FROM pg_tablespace" | xargs -r df -h  # on the host of PostgreSQL',
                    "risk": "read-only",
                    "verify": "after room was made (pg_wal is never removed by hand) df shows free space, and what failed works",
                },
            },
            {
                "name": "of shared memory",
                "has": "shared_memory",
                "about": "postgres",
                "meaning": "PostgreSQL has no shared memory left for a parallel query (/dev/shm; a container has 64 MB without shm_size)",
                "next": {
                    "command": "df -h /dev/shm  # on the host, or in the container, of PostgreSQL",
                    "risk": "read-only",
                    "verify": "with a larger /dev/shm (shm_size of the container) the same statement succeeds",
                },
            },
            {
                "name": "of Redis",
                "has": "redis_error",
                "about": "redis",
                "meaning": "the file system of Redis' data is full: it refuses to write (MISCONF)",
                "next": {
                    "command": "redis-cli -h REDIS_HOST -p REDIS_PORT config get dir; df -h  # on the host of Redis",
                    "risk": "read-only",
                    "verify": "after room was made in that directory df shows free space, and Redis takes writes again",
                },
            },
        ],
        "next": {
            "command": "df -h LOG_DIR; du -xah LOG_DIR | sort -h | tail",
            "risk": "read-only",
            "verify": "after rotating or removing logs df shows free space and the log grows again",
        },
        "source": "observed with Java 17",
    },
    {
        "id": "STACKOVERFLOW",
        "priority": 4,
        "about": "build",
        "severity": "degraded",
        "patterns": [r"StackOverflowError"],
        "meaning": "endless recursion, such as a cycle between two objects that are written as JSON",
        "next": {
            "command": "grep -A 30 StackOverflowError {file}",
            "risk": "read-only",
            "verify": "the frames that repeat name the code",
        },
        "source": "observed with Spring Boot 3.4",
    },
    {
        "id": "TLS",
        "priority": 3,
        "about": "host",
        "severity": "degraded",
        "patterns": [
            r"SSLHandshakeException: (?P<reason>[^\n]*)", r"PKIX path building failed", r"PKIX path validation failed",
            r"Unsupported or unrecognized SSL message", r"NotSslRecordException: not an SSL/TLS record",
            r"No subject alternative (?:names|DNS name) [^\n]{0,200}found", r"No name matching \S+ found",
            r"Received fatal alert: \w+", r"Remote host terminated the handshake", r"SslHandshakeTimeoutException: handshake timed out",
            r"The server does not support SSL", r"could not be verified by hostnameverifier",
            r"Could not open SSL root certificate file",
        ],
        "details": [r"(?:executing \w+|request for \"|to) https://(?P<target>[\w.-]+:\d+)"],
        "meaning": "the certificate of the other side is expired, unknown, or for another name",
        "next": {
            "command": "openssl s_client -connect {target_host}:{target_port} </dev/null | openssl x509 -noout -dates -subject -issuer",
            "risk": "read-only",
            "verify": "the dates hold, the subject is the name that is called, and the issuer is trusted by this Java",
        },
        "source": "observed with Spring Boot 3.4",
    },
]
