#!/usr/bin/python

# Copyright (c) 2026 dwp.backend contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
module: dwp_logs
short_description: Find out what the logs of services say
version_added: 0.1.0
description:
  - Reads the logs of services on the managed host once and answers four questions. Which known failures do they show, with evidence.
    Which errors are there, grouped by what they say. When did the service start, stop or die.
    And, for the id of a request, which way did it take.
  - Reads Spring Boot's text format, its structured formats C(ecs), C(logstash) and C(gelf), logs of supervisor, the kernel and any other
    text; rolled and compressed files beside the log; and the systemd journal.
  - Reads files from their end backwards and stops when the window is left, so logs of gigabytes take little memory and time.
  - Records from before the last successful start are marked as stale.
  - Changes nothing. What it returns carries no secrets and no control characters.
author:
  - dwp.backend contributors (@dwp-backend)
options:
  sources:
    description: The logs to read. Several sources may belong to one service.
    type: list
    elements: dict
    required: true
    suboptions:
      service:
        description: Name of the service.
        type: str
        required: true
      kind:
        description:
          - What the source is.
          - V(file) is a log file of the service. V(supervisor) is the log of supervisord itself, or any file in which a manager or
            the kernel writes about the service.
          - V(journald) is the journal of a systemd unit. V(kernel) is the kernel's part of the journal.
        type: str
        choices: [file, supervisor, journald, kernel]
        default: file
      path:
        description:
          - Absolute path of the log for O(sources[].kind=file) and O(sources[].kind=supervisor). May hold wildcards.
          - Rolled files beside it, such as C(auth.log.2026-11-22.0.gz) or C(auth.log.1), are read too.
        type: path
      unit:
        description: The systemd unit, or the name of the supervisor program when it is not the service's name.
        type: str
      application:
        description: The value of C(spring.application.name), when the log shows an application group as well.
        type: str
  since:
    description:
      - Beginning of the window, for example V(2026-11-23T01:30:00Z), V(01:30), V(15m), V(2h30m), V(3 days ago), V(today) or
        V(@1795398381). A time without a zone is local time of the managed host. Empty reads everything.
    type: str
    default: 24h
  until:
    description: End of the window, in the same forms. Empty is now.
    type: str
  ids:
    description:
      - Correlation ids, trace ids or gateway request ids to follow. Callers see the latter two in the response headers
        C(X-Trace-Id) and C(X-Gateway-Request-Id).
    type: list
    elements: str
    default: []
  expand_ids:
    description: Whether to search also for other ids of the same request, which the records that were found name.
    type: bool
    default: true
  calls:
    description: Which service calls which others, as a mapping from a name to a list of names. Orders steps and explains gaps.
    type: dict
    default: {}
  scan:
    description: Whether to look for known failures, errors, starts and stops. Without it only O(ids) are searched.
    type: bool
    default: true
  signatures:
    description:
      - More known failures, added to the built-in catalogue. An entry with the id of a built-in one replaces it.
      - Each has C(id) (capitals), C(meaning), C(patterns) (regular expressions of Python, searched in message and stack trace; an
        entry that is itself a list needs all of its expressions), C(next) (with C(command), C(risk) as one of C(read-only),
        C(restart), C(destructive), and C(verify)), and optionally C(priority) (1 to 9, 1 is blamed first), C(severity), C(about),
        C(details) (expressions that only capture more), C(yields_to) (ids that win in the same record; wildcards allowed),
        C(requires), C(anywhere) (text to find in records of every level), C(only_in) (environments), C(holds_while_running), C(by_probe)
        and C(source).
    type: list
    elements: dict
    default: []
  environment_name:
    description: Name of the environment; some findings count only in V(prod) or V(staging).
    type: str
    default: ""
  levels:
    description: Levels whose records are grouped by template.
    type: list
    elements: str
    choices: [ERROR, WARN]
    default: [ERROR]
  ignore_paths:
    description:
      - Paths that the caller's own probes asked for. Records that say no more than that such a path is absent or closed
        are discounted; a real failure on such a path is not.
    type: list
    elements: str
    default: []
  ignore_windows:
    description: When the probes ran. Without it O(ignore_paths) hold for the whole window.
    type: list
    elements: dict
    default: []
    suboptions:
      since:
        description: Beginning, in the forms of O(since).
        type: str
        required: true
      until:
        description: End, in the forms of O(since).
        type: str
        required: true
  environment_files:
    description:
      - Environment files on the managed host. Values in them whose names say that they are secret are masked wherever they appear, also
        URL-encoded or in base64. The files are read on the host, so that their values travel nowhere.
    type: list
    elements: path
    default: []
  secrets:
    description: More values to mask.
    type: list
    elements: str
    default: []
  time_budget:
    description: Seconds after which reading stops. What was not read is listed in RV(not_checked).
    type: float
    default: 20
  max_templates:
    description: How many templates are returned for a service, most frequent first.
    type: int
    default: 20
  max_evidence:
    description: How many records are shown for a known failure.
    type: int
    default: 3
  max_text:
    description: Characters of a record that are returned.
    type: int
    default: 2000
attributes:
  check_mode:
    description: Can run in check mode, where it does the same, as it changes nothing.
    support: full
  diff_mode:
    description: Has nothing to show, as it changes nothing.
    support: none
  platform:
    description: Target operating systems.
    support: full
    platforms: posix
notes:
  - A log whose path does not exist or cannot be read is listed in RV(not_checked); the others are still read and the module succeeds.
  - Reading the journal needs root or membership in the group C(systemd-journal).
seealso:
  - module: dwp.backend.dwp_health
"""

EXAMPLES = r"""
- name: What do the logs of the last hour say
  dwp.backend.dwp_logs:
    since: 1h
    environment_name: prod
    environment_files: [/etc/dwp/auth.env]
    sources:
      - {service: auth, path: /var/log/dwp/auth.log}
      - {service: main, kind: journald, unit: dwp-main.service}
      - {service: host, kind: kernel}
  register: logs

- name: Where did this request go
  dwp.backend.dwp_logs:
    ids: [3f0f2f6e-8a61-4f0b-9a53-2a1f4de1c6a7]
    scan: false
    since: today
    calls:
      gateway: [auth, main]
      main: [auth]
    sources:
      - {service: gateway, path: /var/log/dwp/gateway.log}
      - {service: auth, path: /var/log/dwp/auth.log}
      - {service: main, path: /var/log/dwp/main.log}
  register: request

- name: Know a failure of our own
  dwp.backend.dwp_logs:
    sources:
      - {service: main, path: /var/log/dwp/main.log}
    signatures:
      - id: SITE_LICENSE
        meaning: the licence of the document converter has ended
        patterns: ['licence (?P<number>\S+) expired']
        next:
          command: systemctl status document-converter
          risk: read-only
          verify: a document is converted
"""

RETURN = r"""
services:
  description: What the logs say, by service.
  returned: when O(scan=true)
  type: dict
  contains:
    state:
      description:
        - How the newest start went, as far as the window shows it.
        - One of V(running), V(starting), V(died during startup), V(killed), V(stopped), V(unknown).
      type: str
      returned: always
      sample: died during startup
    started_at:
      description: Time of the last successful start within the window. Records before it are stale.
      type: str
      returned: always
      sample: "2026-11-23T01:42:46.949Z"
    starts:
      description: Starts in the window, oldest first, with version, PID, duration, end and exit status.
      type: list
      elements: dict
      returned: always
      sample:
        - {at: "2026-11-23T01:42:41.133Z", state: stopped, pid: 13385, version: "1", java: 17.0.15, seconds: 7.069,
           started_at: "2026-11-23T01:42:46.949Z", stopping_at: "2026-11-23T01:42:50.167Z", exit_status: null, exit_signal: "",
           file: /var/log/dwp/gateway.log, line: 11}
    restarts:
      description: How many starts followed the first one in the window.
      type: int
      returned: always
      sample: 0
    failed_starts:
      description: How many starts did not succeed.
      type: int
      returned: always
      sample: 1
    signatures:
      description: Known failures, those that are not stale first, then by priority and time.
      type: list
      elements: dict
      returned: always
      contains:
        id:
          description: Id in the catalogue.
          type: str
          returned: always
          sample: PG_REFUSED
        meaning:
          description: What it means.
          type: str
          returned: always
          sample: "nothing listens at the address of the database: PostgreSQL is down, or host or port are wrong"
        count:
          description: Records since the last successful start, or all of them when every one is stale.
          type: int
          returned: always
          sample: 2
        startups:
          description: In how many startups it was told; one failed startup writes the same text several times.
          type: int
          returned: always
          sample: 1
        first:
          description: Time of the first record that counts.
          type: str
          returned: always
          sample: "2026-11-23T01:29:55.901Z"
        last:
          description: Time of the last record.
          type: str
          returned: always
          sample: "2026-11-23T01:29:56.055Z"
        stale:
          description: Whether all of it is older than the last successful start.
          type: bool
          returned: always
          sample: false
        suspect:
          description: Whether every record carries another process id than the records around it, as lines do that somebody smuggled in.
          type: bool
          returned: always
          sample: false
        groups:
          description: What the record says in detail.
          type: dict
          returned: always
          sample: {host: localhost, port: "55999"}
        next_action:
          description: What to do next. Words in capitals are for the reader to fill in.
          type: dict
          returned: always
          sample: {command: pg_isready -h localhost -p 55999, risk: read-only, verify: "it answers: accepting connections"}
        evidence:
          description:
            - Records that show it, newest first, each with file, line, time, logger and text, and the C(cause) that a record of many
              lines ends with.
          type: list
          elements: dict
          returned: always
          sample:
            - {file: /var/log/dwp/auth.log, line: 21, time: "2026-11-23T01:29:55.901Z", level: WARN,
               record: "Exception encountered during context initialization - cancelling refresh attempt [...]"}
    templates:
      description: Error records grouped by what they say, with count, first and last time and one record.
      type: list
      elements: dict
      returned: always
      sample:
        - {template: '[<hex>] <n> Server Error for HTTP GET "<text>"', exception: ConnectTimeoutException, count: 1, level: ERROR,
           first: "2026-11-23T01:42:50.137Z", last: "2026-11-23T01:42:50.137Z", stale: false}
    levels:
      description: How many WARN and ERROR records were seen.
      type: dict
      returned: always
      sample: {ERROR: 2, WARN: 1}
    discounted:
      description: Records that only the caller's own probes caused.
      type: int
      returned: always
      sample: 0
    last_words:
      description: Lines behind its last record that a shell, the JVM or systemd printed; none once it writes again.
      type: list
      elements: str
      returned: always
      sample: ["Unrecognized VM option 'UseConcMarkSweepGC'", "Error: Could not create the Java Virtual Machine."]
files:
  description: Every file that was looked at, with what was read of it.
  returned: always
  type: list
  elements: dict
  sample:
    - {service: gateway, file: /var/log/dwp/gateway.log, size: 8730, bytes_read: 8730, records: text, first: "2026-11-23T01:42:41.133Z",
       last: "2026-11-23T01:42:50.170Z", modified: "2026-11-23T01:42:51.002Z", silent_seconds: 12, complete: true,
       ends_inside_line: false, problem: ""}
request_path:
  description: The request, when O(ids) were given.
  returned: always
  type: dict
  sample:
    ids: [abc-123]
    related_ids: []
    services: [gateway, auth]
    steps:
      - {time: "2026-11-23T01:46:06.165Z", service: auth, host: app-01, file: /var/log/dwp/auth.log, line: 17, level: INFO,
         message: hello called, after_ms: null}
    gaps:
      - {service: main, reason: no line, text: "nothing in main: its log prints ids and has none of these: the request did not get there, or
         was not worth a line"}
    longest_wait: null
    failed_at: null
    dropped: 0
window:
  description: The window as it was understood, in UTC.
  returned: always
  type: dict
  sample: {since: "2026-11-22T02:00:00.000Z", until: null}
not_checked:
  description: What could not be read, or not to its end, and why.
  returned: always
  type: list
  elements: dict
  sample:
    - {what: log of mail, where: /var/log/dwp/mail.log, why: "FileNotFoundError: No such file or directory"}
"""

import time

from ansible.module_utils.basic import AnsibleModule

from ansible_collections.dwp.backend.plugins.module_utils._logs.answer import answer
from ansible_collections.dwp.backend.plugins.module_utils._logs.errors import LogsError


def argument_spec() -> dict:
    return {
        "sources": {
            "type": "list",
            "elements": "dict",
            "required": True,
            "options": {
                "service": {"type": "str", "required": True},
                "kind": {"type": "str", "choices": ["file", "supervisor", "journald", "kernel"], "default": "file"},
                "path": {"type": "path"},
                "unit": {"type": "str"},
                "application": {"type": "str"},
            },
        },
        "since": {"type": "str", "default": "24h"},
        "until": {"type": "str"},
        "ids": {"type": "list", "elements": "str", "default": []},
        "expand_ids": {"type": "bool", "default": True},
        "calls": {"type": "dict", "default": {}},
        "scan": {"type": "bool", "default": True},
        "signatures": {"type": "list", "elements": "dict", "default": []},
        "environment_name": {"type": "str", "default": ""},
        "levels": {"type": "list", "elements": "str", "choices": ["ERROR", "WARN"], "default": ["ERROR"]},
        "ignore_paths": {"type": "list", "elements": "str", "default": []},
        "ignore_windows": {
            "type": "list",
            "elements": "dict",
            "default": [],
            "options": {"since": {"type": "str", "required": True}, "until": {"type": "str", "required": True}},
        },
        "environment_files": {"type": "list", "elements": "path", "default": []},
        "secrets": {"type": "list", "elements": "str", "default": [], "no_log": True},
        "time_budget": {"type": "float", "default": 20},
        "max_templates": {"type": "int", "default": 20},
        "max_evidence": {"type": "int", "default": 3},
        "max_text": {"type": "int", "default": 2000},
    }


def main() -> None:
    module = AnsibleModule(argument_spec=argument_spec(), supports_check_mode=True)
    try:
        result = answer(module.params, time.time(), module.get_bin_path("journalctl") or "journalctl")
    except LogsError as error:
        module.fail_json(msg=str(error))
    module.exit_json(changed=False, **result)


if __name__ == "__main__":
    main()
