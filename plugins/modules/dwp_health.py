#!/usr/bin/python
# Copyright (c) 2026 dwp.backend contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
module: dwp_health
short_description: Asks many services at once whether they are healthy, and says why not
version_added: 0.1.0
description:
  - Follows each service with a ladder of questions until it gave O(successes) good answers in a row, or O(timeout) is over.
    The first conclusive rung decides; an answer is a cause from a fixed list, never just up or down.
  - All services are asked at once from one process on the target, so a dead one costs its own limit once. O(probes) has to name one
    at least, since asking nothing proves nothing.
  - No endpoint can hold it longer than its limits, be it one that hangs, trickles a byte per second, never ends its headers or sends
    without end. Proxies of the environment are ignored, redirects are not followed, each attempt is a new connection.
  - While it waits, its action plugin prints a line every 5 seconds for each service that is not healthy yet.
  - Questions of kind C(actuator) and C(http) name C(dwp-health) as their user agent, so that their traces in a log
    can be told from those of users.
author:
  - dwp.backend contributors (@dwp-backend)
requirements:
  - requests 2.25 or newer, for kinds C(actuator) and C(http)
  - psycopg2 2.9 or newer, for kind C(postgres)
  - redis 4.0 or newer, for kind C(redis)
attributes:
  check_mode:
    support: full
    description: It only ever asks, so check mode makes no difference.
  diff_mode:
    support: none
    description: There is nothing that it could change.
extends_documentation_fragment:
  - dwp.backend.probe
  - dwp.backend.probe.wait
options:
  fail:
    description: Whether the task fails when a service is not healthy.
    type: bool
    default: true
  slice:
    description:
      - Return after about so many seconds with RV(pending) and RV(resume), to be called again with O(resume). V(0) waits to the end.
      - The action plugin uses it to show progress; it takes no value from a task then.
    type: float
    default: 0
  resume:
    description: RV(resume) of the call before.
    type: dict
"""

EXAMPLES = r"""
- name: Wait until two services are healthy
  dwp.backend.dwp_health:
    timeout: 120
    successes: 3
    probes:
      - name: main
        port: 8081
      - name: mail
        port: 8082
        ladder:
          - {kind: actuator}
          - {kind: http, path: /mail/health}
          - {kind: tcp}

- name: Look once, and go on whatever the answer is
  dwp.backend.dwp_health:
    timeout: 0
    fail: false
    probes:
      - name: gateway
        port: 8080
        ladder:
          - {kind: http, path: /api/main/health, status: [400]}
  register: health

- name: PostgreSQL and Redis, with the service's own credentials
  dwp.backend.dwp_health:
    timeout: 30
    probes:
      - name: "main: database"
        host: db.internal
        ladder:
          - kind: postgres
            database: dwp_main
            user: dwp_main
            password: "{{ vault_main_db_password }}"
            schema: public
      - name: "main: redis"
        host: cache.internal
        ladder:
          - kind: redis
            password: "{{ vault_redis_password }}"
"""

RETURN = r"""
services:
  description: The result of each service, by name.
  returned: always
  type: dict
  contains:
    name:
      description: Its name.
      type: str
    healthy:
      description: Whether it gave the wanted number of good answers in a row.
      type: bool
    cause:
      description:
        - V(ok), V(down), V(out_of_service), V(unauthorized), V(not_found), V(client_error), V(server_error), V(unexpected_status),
          V(unexpected_body), V(refused), V(timeout), V(dns), V(tls), V(reset) or V(process_dead).
      type: str
    http_status:
      description: Status code of the last answer; none if it was no HTTP.
      type: int
    status:
      description: Status word of the health body.
      type: str
    components:
      description: Status words of the components that the body names; those of composites with a dot.
      type: dict
    latency_ms:
      description: Time of the last attempt in milliseconds.
      type: float
    attempts:
      description: How many questions were sent.
      type: int
    successes:
      description: Good answers in a row at the end.
      type: int
    rung:
      description: The rung that decided, with RV(ignore:index) from 0, RV(ignore:kind) and RV(ignore:url).
      type: dict
    shallow:
      description: Whether a rung above was closed or absent, so that the answer says less than a health check would.
      type: bool
    message:
      description: What is wrong, where, why, and what to do next.
      type: str
    waited_s:
      description: Seconds until the service was settled.
      type: float
    skip_rungs:
      description: Rungs that need not be asked again; can be given back as O(probes[].skip_rungs).
      type: list
      elements: dict
    final:
      description: Whether the service is settled; only with O(slice) it may not be.
      type: bool
  sample:
    main:
      attempts: 5
      cause: down
      components: {db: UP, diskSpace: UP, ping: UP, redis: DOWN}
      final: true
      healthy: false
      content_type: application/vnd.spring-boot.actuator.v3+json
      http_status: 503
      latency_ms: 14.2
      message: >-
        main is not healthy after 2.0 s: 5 probes of http://127.0.0.1:8081/actuator/health, the last one HTTP 503 with status DOWN
        (redis=DOWN) [down]. Next: probe Redis with the service's own REDIS_* (rung kind redis).
      name: main
      rung: {index: 0, kind: actuator, url: "http://127.0.0.1:8081/actuator/health"}
      shallow: false
      skip_rungs: []
      status: DOWN
      successes: 0
      waited_s: 2.0
healthy:
  description: Whether all services are healthy.
  returned: always
  type: bool
  sample: false
unhealthy:
  description: Names of the services that are not healthy.
  returned: always
  type: list
  elements: str
  sample: [main]
elapsed:
  description: Seconds that it took, over all slices.
  returned: always
  type: float
  sample: 2.003
pending:
  description: Names of the services that are still followed.
  returned: with O(slice)
  type: list
  elements: str
  sample: []
resume:
  description: State for the next call.
  returned: with O(slice), while services are pending
  type: dict
  sample: {elapsed: 5.01, services: {}}
"""

from ansible.module_utils.basic import AnsibleModule

from ansible_collections.dwp.backend.plugins.module_utils._gate import gate
from ansible_collections.dwp.backend.plugins.module_utils._probe_args import (
    PROBE_SPEC,
    WAIT_SPEC,
    check_wait,
    secret_headers,
)
from ansible_collections.dwp.backend.plugins.module_utils._probe_messages import summary
from ansible_collections.dwp.backend.plugins.module_utils._probe_model import ProbeError, parse_probes
from ansible_collections.dwp.backend.plugins.module_utils._requires import MissingLibraryError


def run(params: dict) -> dict:
    """Ask, and return the result of the module."""
    problems = check_wait(params)
    if not params["probes"]:
        problems.insert(0, "probes: is empty, and asking nothing proves nothing; name at least one")
    if problems:
        raise ProbeError("dwp_health: " + "; ".join(problems))
    memory = dict(params["resume"] or {})
    outcomes = gate(
        parse_probes(params["probes"]),
        timeout=params["timeout"],
        probe_timeout=params["probe_timeout"],
        interval=params["interval"],
        successes=params["successes"],
        pause_after=params["slice"],
        memory=memory,
    )
    unhealthy = [name for name, outcome in outcomes.items() if not outcome.healthy]
    pending = [name for name, outcome in outcomes.items() if not outcome.final]
    result = {
        "changed": False,
        "services": {name: outcome.as_dict() for name, outcome in outcomes.items()},
        "healthy": not unhealthy,
        "unhealthy": unhealthy,
        "elapsed": round(memory["elapsed"], 3),
        "msg": summary(outcomes.values()),
    }
    if params["slice"] > 0:
        result["pending"] = pending
        if pending:
            result["resume"] = memory
    return result


def main() -> None:
    module = AnsibleModule(
        argument_spec={
            "probes": PROBE_SPEC,
            **WAIT_SPEC,
            "fail": {"type": "bool", "default": True},
            "slice": {"type": "float", "default": 0},
            "resume": {"type": "dict"},
        },
        supports_check_mode=True,
    )
    module.no_log_values.update(secret_headers(module.params["probes"] or ()))
    try:
        result = run(module.params)
    except (ProbeError, MissingLibraryError) as error:
        module.fail_json(msg=str(error))
    if module.params["fail"] and result["unhealthy"] and not result.get("pending"):
        module.fail_json(**result)
    module.exit_json(**result)


if __name__ == "__main__":
    main()
