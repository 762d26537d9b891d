# Copyright (c) 2026 dwp.backend contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The next action as it can be pasted: the words of the catalogue by what was found on the host that it is meant for.

A command of which a word stays unknown (the PID of a process that has ended) is none; the row's other command takes its
place, or the record that told of the failure, which says what is missing.
"""

from __future__ import annotations

import re
import shlex
from collections.abc import Mapping
from dataclasses import dataclass, field
from os.path import dirname
from typing import Any

from ansible_collections.dwp.backend.plugins.module_utils._diagnosis.from_stores import place
from ansible_collections.dwp.backend.plugins.module_utils._diagnosis.model import Finding
from ansible_collections.dwp.backend.plugins.module_utils._signatures import Signature, blanks, fill

CONTROLLER = "the controller"
#: Words in capitals that commands of the catalogue use for what differs from host to host.
WORDS = (
    "DB_HOST", "DB_PORT", "DB_USERNAME", "DB_NAME", "DB_ADMIN", "DB_SCHEMA", "REDIS_HOST", "REDIS_PORT", "SERVICE_PORT", "SERVICE_JAVA",
    "HOST:PORT", "GATEWAY:8080", "PID", "JAR", "LOG_DIR", "ENVIRONMENT_FILE",
)  # fmt: skip
_WORD = re.compile(rf"(?<![\w$])(?:{'|'.join(WORDS)})(?![a-z_])")
_INVENTORY = "inventories/ENVIRONMENT"
_PLAYBOOK = re.compile(r"\bplaybooks/(\w+)\.yml")
_SAFE = re.compile(r"^[A-Za-z0-9_./:@%+=,-]+$")
_JOURNAL = re.compile(r"^(?P<grep>grep .*?) journal:(?P<unit>\S+)(?P<rest>.*)$")
_ITSELF = "playbooks/triage.yml"


@dataclass
class Words:
    """What the words in capitals stand for, where it is known and a shell cannot misread it."""

    facts: Mapping[str, Mapping[str, Any]]
    catalogue: Mapping[str, Any]
    inventory: str = ""  # as the command line gave it, quoted
    installed: bool = False
    rows: Mapping[str, Signature] = field(default_factory=dict)

    def of(self, service: str, host: str) -> dict[str, str]:
        entry = (self.catalogue["services"].get(service)) or {}
        one = ((self.facts.get(host) or {}).get("services") or {}).get(service) or {}
        environment = one.get("environment") or {}
        plain, file = environment.get("plain") or {}, str(environment.get("file") or "")
        components = self.catalogue.get("components") or {}
        known: dict[str, Any] = {
            name: plain.get(name) for name in ("DB_HOST", "DB_PORT", "DB_USERNAME", "DB_NAME", "REDIS_HOST", "REDIS_PORT")
        }
        known.update(self._stores(service, known))
        address = f"127.0.0.1:{entry['port']}" if entry.get("port") else None
        known.update({
            "PID": one.get("pid") or None, "SERVICE_PORT": entry.get("port"), "SERVICE_JAVA": entry.get("java"),
            "HOST:PORT": address, "GATEWAY:8080": address,
            "DB_ADMIN": (components.get("postgres") or {}).get("admin_user") or "postgres",
            "DB_SCHEMA": ((entry.get("database") or {}).get("schema")) or "public",
            "ENVIRONMENT_FILE": file, "JAR": f"{dirname(file)}/app.jar" if file else None,
            "LOG_DIR": dirname(self.log_of(service, host)) or self._log_dir(host),
        })  # fmt: skip
        return {name: str(value) for name, value in known.items() if value and _SAFE.match(str(value))}

    def _stores(self, service: str, known: Mapping[str, Any]) -> dict[str, Any]:
        """Where its environment does not tell: the addresses that were asked for it."""
        found: dict[str, Any] = {}
        for facts in self.facts.values():
            for kind, prefix in (("databases", "DB"), ("redis", "REDIS")):
                for store in facts.get(kind) or ():
                    if service in store.get("services", ()) or service in ("postgres", "redis", ""):
                        words = place(store, prefix.lower())
                        more = {"DB_NAME": store.get("database"), "DB_USERNAME": store.get("user")} if prefix == "DB" else {}
                        more.update({f"{prefix}_HOST": words[f"{prefix.lower()}_host"], f"{prefix}_PORT": words[f"{prefix.lower()}_port"]})
                        found.update({name: value for name, value in more.items() if not known.get(name) and name not in found})
        return found

    def log_of(self, service: str, host: str) -> str:
        sources = (self.facts.get(host) or {}).get("log_sources") or ()
        return next((str(one["path"]) for one in sources if one.get("service") == service and one.get("path")), "")

    def _log_dir(self, host: str) -> str:
        sources = (self.facts.get(host) or {}).get("log_sources") or ()
        return next((dirname(str(one["path"])) for one in sources if one.get("path")), "")

    def action(self, one: Finding, subject: str = "", subject_host: str = "") -> dict[str, str]:
        """The next action of a finding. `subject`: the service that is blamed, if not the one that told."""
        if _ITSELF in str(one.next_action.get("command")):  # this is it
            found = self.look_at_log(subject or one.target or one.service, subject_host or one.host)
            return found or self.fill(one.next_action, one.service, one.host)
        row = self.rows.get(one.failure)
        missing = self._missing(one.next_action, one, row)
        if missing and row is not None and row.otherwise:
            values = {"service": one.service, "file": next((str(entry["file"]) for entry in one.evidence if entry.get("file")), "")}
            other = {key: fill(text, values) for key, text in row.otherwise.items()}
            if not self._missing(other, one, row):
                return self.fill(other, one.service, one.host)
        if missing:
            return self._record(one, missing) or self.fill(one.next_action, one.service, one.host)
        return self.fill(one.next_action, one.service, one.host)

    def _missing(self, action: Mapping[str, str], one: Finding, row: Signature | None) -> list[str]:
        """Words of a command that nobody knows: of the host, and what the record did not tell."""
        command = str(action.get("command") or "")
        known = self.of(one.service, one.host)
        left = {word for word in _WORD.findall(command) if word not in known}
        unsaid = {word for word in (blanks(row) if row else ()) if re.search(rf"(?<![A-Za-z_.-]){word}(?![\w.-])", command)}
        return sorted(left | (unsaid - set(known)))

    def _record(self, one: Finding, missing: list[str]) -> dict[str, str]:
        """The record itself, on the host where it lies."""
        told = next((entry for entry in one.evidence if entry.get("file") and entry.get("line")), None)
        if told is None or not _SAFE.match(str(told["file"])) or str(told["file"]).startswith("journal:"):
            return {}
        first, file = int(told["line"]), str(told["file"])
        text = f"sed -n '{first},{first + 40}p'"
        command = f"zcat {file} | {text}" if file.endswith(".gz") else f"{text} {file}"
        what = f"it tells {', '.join(missing)} for: {self.fill(one.next_action, one.service, one.host)['command']}"
        return {"command": command, "risk": "read-only", "verify": f"{what}; then {one.next_action.get('verify')}", "where": one.host}

    def fill(self, action: Mapping[str, str], service: str, host: str) -> dict[str, str]:
        if not action.get("command"):
            return {}
        known = self.of(service, host)
        command, verify = (str(action.get(key) or "").replace(_INVENTORY, self.inventory or _INVENTORY) for key in ("command", "verify"))
        command = _WORD.sub(lambda match: known.get(match[0], match[0]), command)
        if self._redis_has_password() and "--askpass" not in command:
            command = command.replace("redis-cli -h", "redis-cli --askpass -h")
        command = _JOURNAL.sub(_of_journal, command)
        if self.installed:
            command, verify = (_PLAYBOOK.sub(r"dwp.backend.\1", text) for text in (command, verify))
        where = CONTROLLER if command.startswith("ansible") else host
        return {"command": command, "risk": str(action.get("risk", "read-only")), "verify": verify, "where": where}

    def _redis_has_password(self) -> bool:
        services = [service for facts in self.facts.values() for service in (facts.get("services") or {}).values()]
        return any(
            name.endswith("REDIS_PASSWORD") for service in services for name in (service.get("environment") or {}).get("fingerprints") or ()
        )

    def look_at_log(self, service: str, *hosts: str) -> dict[str, str]:
        """Nobody knows the cause: where its own words are."""
        for host in hosts:
            path = self.log_of(service, host)
            if path:
                return {
                    "command": f"tail -n 200 {shlex.quote(path)}", "risk": "read-only", "where": host,
                    "verify": 'the newest ERROR record and its deepest "Caused by" name the cause',
                }  # fmt: skip
        return {}


def _of_journal(match: re.Match[str]) -> str:
    """A record of journald lies in no file that grep could open."""
    source = "-k" if match["unit"] == "kernel" else f"-u {match['unit']}"
    return f"journalctl {source} -n 20000 --no-pager -o cat | {match['grep']}{match['rest']}"
