#!/usr/bin/python
# Copyright (c) 2026 dwp.backend contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
module: dwp_collect
short_description: Collect everything about a host that triage needs, in one call
version_added: 0.1.0
description:
  - Asks at once, under one time budget, for the health of the services with their ladders, their processes, the environments that they
    run with, the ports, the databases and Redis with the credentials of the running processes, the other end of each call, the host
    itself, the last deployments, and reads the logs.
  - Reads only. Whatever cannot be asked, fails or does not end in time is listed in RV(collected.not_checked), and the rest is still done.
  - Works without root, where it sees less and says so, and on hosts where nothing was deployed.
  - The result holds no secrets. Secrets of environments are keyed fingerprints; values in queries and log records are masked.
  - Takes what it needs from the variables of the role P(dwp.backend.platform#role); its C(dwp_only) limits the services.
author:
  - dwp.backend contributors (@dwp-backend)
attributes:
  action:
    support: full
    description: Runs on the controller, which knows the platform, and calls the module on the host.
  check_mode:
    support: full
    description: Changes nothing in any mode.
  diff_mode:
    support: none
    description: Changes nothing.
options:
  since:
    description: Beginning of the window of the logs, in the forms of M(dwp.backend.dwp_logs).
    type: str
    default: 1h
  until:
    description: End of that window. Empty is now.
    type: str
  ids:
    description: Correlation ids, trace ids or gateway request ids to follow in the logs.
    type: list
    elements: str
    default: []
  signatures:
    description: Known failures of the site, as M(dwp.backend.dwp_logs) takes them.
    type: list
    elements: dict
    default: []
  logs:
    description: Read the logs.
    type: bool
    default: true
  time_budget:
    description: Seconds after which everything that is still under way is given up.
    type: float
    default: 20
  disk_percent:
    description: A file system with less free space, or fewer free inodes, than this many percent is C(low).
    type: float
    default: 5
  disk_mb:
    description: A file system with less free space than this is C(low).
    type: float
    default: 200
  root:
    description: Where releases and state live. Filled in by the action plugin, as are the following.
    type: path
    default: /opt/dwp
  manager:
    description: The service manager of the host.
    type: str
    choices: [systemd, supervisor]
    default: systemd
  log_dir:
    description: Directory of the logs; C(log) below O(root) by default.
    type: path
  platform:
    description:
      - What the catalogue says about this host, as JSON. One piece of text, as headers of probes may be credentials.
      - Without it the services that were deployed on the host are looked at, as far as they can be without it.
    type: str
  fingerprint_key:
    description: Key of the fingerprints. Equal keys make the fingerprints of several hosts, and of several runs, comparable.
    type: str
notes:
  - As root (C(become)) it sees all processes and files. The other options of the logs are those of M(dwp.backend.dwp_logs).
seealso:
  - module: dwp.backend.dwp_logs
  - module: dwp.backend.dwp_status
"""

EXAMPLES = r"""
- name: Collect everything about every host
  dwp.backend.dwp_collect:
    since: "{{ dwp_since | default('1h') }}"
  register: triage_collected
"""

RETURN = r"""
collected:
  description: The host. What could not be found out is null or left out, and said in RV(collected.not_checked).
  returned: always
  type: dict
  contains:
    host:
      description:
        - The host itself. C(offset_seconds) is its clock minus the controller's, within C(offset_uncertainty).
        - C(disks) has one entry for each file system with what lies on it (C(for)). C(manager) tells whether the service manager answers.
        - C(synchronized) is whether the kernel knows of a time source. C(oom_kills) are those of the last 24 hours.
      type: dict
      sample:
        name: app-01
        time: 1795610000.1
        offset_seconds: 0.012
        offset_uncertainty: 0.21
        boot_time: 1794810000
        load: [0.42, 0.38, 0.3]
        cpus: 4
        memory: {total_mb: 15890, available_mb: 9120, swap_used_mb: 0}
        disks:
          - {path: /opt/dwp, mount: /, for: [releases, logs, tmp, postgres], total_mb: 80000, free_mb: 51234, free_percent: 64.0,
             inodes_free_percent: 91.2, low: false, read_only: false}
        java: {path: /usr/bin/java, version: 17}
        synchronized: true
        oom_kills: []
        manager: {kind: systemd, reachable: true, message: ""}
        lock: {}
        user: root
        root: true
    services:
      description:
        - The services that the inventory places here (C(placed)) or that were deployed here, by name, as M(dwp.backend.dwp_status) tells
          them, and more.
        - C(exit_signal) and C(result) say how the last process of the unit ended (systemd). C(orphans) are processes of the service that
          its manager does not know.
        - C(health) is the answer of the ladder, as M(dwp.backend.dwp_health) returns it. C(listener) is who holds the port of the service.
          C(listens) is where its process listens, of one that is not healthy.
        - C(environment) is that of the running process (C(source=process)), else what the release would give it (C(source=release)).
          C(differences) are those between the process and the file on disk, called C(file) where that was edited by hand, else C(release);
          values of secrets are fingerprints. C(inventory) is where it has not what the inventory says.
          C(violations) are those of the rules of M(dwp.backend.dwp_env_assert).
      type: dict
      sample:
        auth:
          placed: true
          current: 7f3c2a1-88aa01de
          state: running
          pid: 4121
          restarts: 0
          healthy: true
          cause: ok
          health: {healthy: true, cause: ok, http_status: 200, components: {}, latency_ms: 9.3, attempts: 2, shallow: false}
          process: {pid: 4121, started: 1795520000.1, rss_mb: 312, threads: 41, fds: 88, fd_limit: 65535, cpu_seconds: 214.5,
                    java_version: 17, oom_kills: 0}
          listener: {port: 8001, pid: 4121, command: java -Xmx384m, user: dwp, ours: true, service: auth}
          listens: []
          environment:
            source: process
            file: /opt/dwp/services/auth/current/environment
            edited: false
            fingerprints: {DB_PASSWORD: 5c0e1f7a, JWT_SECRET: 49462b25}
            differences: [{variable: JPA_SHOW_SQL, between: [file, process], secret: false, values: {file: "true", process: "false"}}]
            inventory: [{variable: DB_NAME, between: [inventory, process], secret: false, values: {inventory: dwp_auth, process: dwp_aut}}]
            plain: {DB_HOST: 127.0.0.1, SERVER_PORT: "8001"}
            violations: []
    components:
      description: PostgreSQL and Redis, if the inventory places them here, with who holds their port.
      type: dict
      sample: {redis: {provider: packages, port: 6379, listener: {port: 6379, pid: 905, command: /usr/bin/redis-server, user: redis}}}
    edges:
      description:
        - Every URL that a service here was given, asked from here. C(to) is empty for what is outside the platform (C(external)).
        - C(cause) is one of the causes of M(dwp.backend.dwp_health), or V(unset) when the running process has no such variable.
        - C(points_to) is the service that the inventory has at that address, empty if it has none there.
          C(reference) is then the answer of C(to) where the inventory has it.
      type: list
      elements: dict
      sample:
        - {from: gateway, to: main, variable: SERVICE_MAIN_URL, url: "http://127.0.0.1:8081", cause: refused, status: null,
           message: main is not healthy, latency_ms: 0.4, local: true, points_to: main, external: false, content_type: "", reference: null}
    databases:
      description:
        - The databases of the services here, asked with the credentials of the running processes (C(as=service)); a server of this
          collection on this host that refuses them, or that no service here uses, as administrator (C(as=administrator)).
        - C(pool_sum) is the number of connections that the services here may take from that server. C(server_connections) are all that
          the server has, C(connections) those of the database. C(long_transactions) are older than 5 seconds.
        - C(flyway) is what M(dwp.backend.flyway_status) says, in short, against the release that runs.
      type: list
      elements: dict
      sample:
        - services: [auth]
          address: 127.0.0.1:5432
          database: dwp_auth
          user: dwp_user
          as: service
          cause: ok
          sqlstate: null
          message: "PostgreSQL dwp_user@127.0.0.1:5432/dwp_auth: SELECT 1, schema public"
          version: "16.2"
          read_only: false
          max_connections: 200
          reserved: 3
          server_connections: 31
          connections: {total: 10, by_application: {PostgreSQL JDBC Driver: 10}, by_state: {idle: 10}}
          pool_sum: 30
          locks:
            - {pid: 9120, application: PostgreSQL JDBC Driver, waits_seconds: 48.2, query: "update t set name=? where id=?",
               blocked_by: [{pid: 9011, application: psql, state: idle in transaction, seconds: 131.0, query: lock table t}]}
          long_transactions: []
          flyway: {service: auth, schema: public, schema_version: "34", counts: {Success: 34}, failed: [], pending: [], errors: [],
                   newer_than_jar: false}
    redis:
      description: Redis as the services here reach it.
      type: list
      elements: dict
      sample:
        - {services: [main], address: "127.0.0.1:6379", cause: ok, message: "Redis 127.0.0.1:6379: PONG", latency_ms: 2.2, version: 7.0.15,
           role: master, memory: {used_mb: 3, max_mb: 0, policy: noeviction, full: false}, clients: 6, blocked_clients: 1, rejected: 0,
           loading: false}
    deployments:
      description: The last 20 begins, ends, activations and gates in the journal of the host.
      type: list
      elements: dict
      sample: [{at: "2026-11-24T12:15:00.001+00:00", event: begin, deployment: 20261124-121500-ab12, kind: deploy, owner: kim@ops}]
    probes:
      description: When and for which paths the services were asked; records of the logs that say no more than that are discounted.
      type: dict
      sample: {since: 1795610000.1, until: 1795610000.3, paths: [/actuator/health, /main/health]}
    log_sources:
      description: The logs that were read.
      type: list
      elements: dict
      sample: [{service: auth, kind: file, path: /opt/dwp/log/auth.log}]
    fingerprint_key:
      description: Tells results apart that were made with different keys; fingerprints of such results cannot be compared.
      type: str
      sample: d41c88aa
    seconds:
      description: How long it took.
      type: float
      sample: 0.31
    not_checked:
      description: What was not found out, where, and why.
      type: list
      elements: dict
      sample: [{what: OOM kills, where: app-01, why: "/dev/kmsg: Operation not permitted. Needs root (become: true)"}]
logs:
  description: The result of M(dwp.backend.dwp_logs) for the logs of this host; null if they could not be read, or O(logs=false).
  returned: always
  type: dict
  sample: {services: {}, files: [], not_checked: [], request_path: null}
"""

import json
import os
import time

from ansible.module_utils.basic import AnsibleModule

from ansible_collections.dwp.backend.plugins.module_utils._collect.parts import NotChecked
from ansible_collections.dwp.backend.plugins.module_utils._collect.run import Collector, Question
from ansible_collections.dwp.backend.plugins.module_utils._logs.answer import answer
from ansible_collections.dwp.backend.plugins.module_utils._logs.errors import LogsError

NOTHING_KNOWN = {
    "environment": "", "development": False, "services": {}, "targets": {}, "components": {}, "rules": {}, "calls": {},
}  # fmt: skip


def platform_of(module):
    """The option platform; without it, a host about which nothing is known but what is on it."""
    try:
        given = json.loads(module.params["platform"] or "{}")
        if not isinstance(given, dict):
            raise ValueError("it is no mapping")
    except ValueError as error:
        module.fail_json(msg=f"platform: is not JSON as the action plugin dwp_collect makes it ({error})")
    return {"host": os.uname().nodename, **NOTHING_KNOWN, **given}


def reader(module, platform):
    """The logs as a function of what was collected."""
    params = module.params
    journalctl = module.get_bin_path("journalctl") or "journalctl"

    def read(found, secrets, seconds):
        if not found["log_sources"]:
            raise NotChecked("no service was deployed on this host, so there is nothing to read")
        question = {
            "sources": found["log_sources"], "since": params["since"], "until": params["until"], "ids": params["ids"], "expand_ids": True,
            "calls": platform["calls"], "scan": True, "signatures": params["signatures"], "environment_name": platform["environment"],
            "levels": ["ERROR"], "ignore_paths": found["probes"]["paths"], "ignore_windows": [], "environment_files": [],
            "secrets": sorted(secrets), "time_budget": max(0.5, seconds - 0.5), "max_templates": 20, "max_evidence": 3, "max_text": 2000,
        }  # fmt: skip
        try:
            return answer(question, time.time(), journalctl, platform["host"])
        except LogsError as error:
            raise NotChecked(str(error)) from None

    return read if params["logs"] else None


def main():
    module = AnsibleModule(
        argument_spec=dict(
            since=dict(type="str", default="1h"),
            until=dict(type="str"),
            ids=dict(type="list", elements="str", default=[]),
            signatures=dict(type="list", elements="dict", default=[]),
            logs=dict(type="bool", default=True),
            time_budget=dict(type="float", default=20),
            disk_percent=dict(type="float", default=5),
            disk_mb=dict(type="float", default=200),
            root=dict(type="path", default="/opt/dwp"),
            manager=dict(type="str", choices=["systemd", "supervisor"], default="systemd"),
            log_dir=dict(type="path"),
            platform=dict(type="str", no_log=True),
            fingerprint_key=dict(type="str", no_log=True),
        ),
        supports_check_mode=True,
    )
    params = module.params
    if params["time_budget"] < 1:
        module.fail_json(msg=f"time_budget is {params['time_budget']}; it must be at least 1 second")
    platform = platform_of(module)
    question = Question(
        root=params["root"], manager=params["manager"], log_dir=params["log_dir"] or os.path.join(params["root"], "log"),
        platform=platform, fingerprint_key=params["fingerprint_key"] or "", budget=params["time_budget"],
        disk_percent=params["disk_percent"], disk_mb=params["disk_mb"], limited=bool(platform.get("limited")),
        logs=reader(module, platform),
    )  # fmt: skip
    module.exit_json(changed=False, **Collector(question, module.run_command).collect())


if __name__ == "__main__":
    main()
