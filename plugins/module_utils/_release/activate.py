# Copyright (c) 2026 dwp.backend contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Switch, start, stop and prove the services of one host. The only place that touches processes and the current link.

A host lock keeps two runs apart; state is written before a step and after it, so that a kill in between is seen by the
next run, which then gates (or undoes) what was left pending.
"""

from __future__ import annotations

import os
import signal
import time
from collections.abc import Mapping, Sequence
from typing import Any, Callable, NamedTuple

from ansible_collections.dwp.backend.plugins.module_utils import _gate, _journal, _lock, _manager, _probe_model, _processes, _room
from ansible_collections.dwp.backend.plugins.module_utils._lock import ActivationError, host_lock, now
from ansible_collections.dwp.backend.plugins.module_utils._release import evidence, observe, plan, settle, state
from ansible_collections.dwp.backend.plugins.module_utils._release.store import Store, StoreError

GATE_INTERVAL = 0.1  # s between two questions: waiting costs little on the host, and a deployment waits four times or more
START_GRACE = 5.0  # s in which the manager has to show a process


class Target(NamedTuple):
    """What one service is to run. ``release`` None: what it has."""

    service: str
    action: str  # start | restart | replace | install | rollback | repair | gate
    release: str | None = None


class Host:
    """The services of one host: its store, its manager, and the deployment that acts."""

    def __init__(self, store: Store, manager: _manager.Manager, deployment: str) -> None:
        self.store, self.manager, self.deployment = store, manager, deployment
        #: Why lines are missing in the journal.
        self.warnings: list[str] = []

    def note(self, event: str, service: str, **details: Any) -> None:
        """A line in the journal of the host."""
        problem = _journal.append(self.store.root, {
            "at": now(), "deployment": self.deployment, "event": event, "service": service, **details,
        })
        if problem and problem not in self.warnings:
            self.warnings.append(problem)

    def still_current(self, step: str) -> None:
        """Refuse to act for a deployment that lost the lock of this host (an orphan of a killed run)."""
        if self.deployment:
            problem = _lock.check(self.store.root, self.deployment, step, now())
            if problem:
                raise ActivationError(problem)

    # ---- changing
    def apply(self, targets: Sequence[Target]) -> dict[str, dict[str, Any]]:
        """Bring the services to their targets; returns per service what was done. Not gated yet."""
        touching = [t for t in targets if t.action in plan.TOUCHING]
        self.store.wanted = {(t.service, t.release) for t in targets}
        self._end_orphans([t.service for t in touching])
        stopping = [t.service for t in touching if t.action != "start"]
        began = {t.service: time.time() for t in targets}
        for target in targets:
            before = self.store.current(target.service)
            self.note("activating", target.service, action=target.action, release=target.release or before, **{"from": before})
        for target in targets:
            self._remember(target)
        if stopping:
            self.manager.stop(stopping, self._stop_timeout(stopping))
        for target in targets:
            self._place(target)
        self.manager.start([t.service for t in touching])
        return {t.service: {"began": round(began[t.service], 3), "release": self.store.current(t.service)} for t in targets}

    def _release(self, target: Target) -> tuple[str, dict[str, Any]]:
        """The release of a target and its manifest."""
        release = target.release or self.store.current(target.service)
        manifest = self.store.manifest(target.service, release) if release else None
        if release is None or manifest is None:
            raise ActivationError(f"{target.service}: release {release or '(none)'} is not on this host; deploy it again")
        return release, manifest

    def _remember(self, target: Target) -> None:
        """Pending in the state, before anything is stopped: whoever comes after a kill sees what was under way."""
        name, (release, manifest) = target.service, self._release(target)
        if target.action not in ("install", "replace", "rollback"):
            return
        known, _warning = self.store.state(name)
        left = state.attempted(known, self.store.current(name))
        if target.action == "rollback" and left not in (None, release):
            known = state.leave(known, str(left), release, at=now(), by=self.deployment)
        details = {"version": manifest.get("version", ""), "deployment": self.deployment, "action": target.action}
        self.store.save_state(name, state.activate(known, release, at=now(), **details))

    def _place(self, target: Target) -> None:
        """The link, the probes that belong to the release, then the definition: each step can be repeated."""
        name, (release, _manifest) = target.service, self._release(target)
        self.store.switch(name, release)
        self.store.use_policy(name, release)
        unit = self.store.text(name, release, "unit")
        if unit is None:
            raise ActivationError(f"{name}: release {release} has no unit; deploy it again")
        _room.retried(self.store.root, lambda: self.manager.define(name, unit), self.store.make_room)

    def undo(self, services: Sequence[str]) -> tuple[list[str], dict[str, dict[str, Any]]]:
        """Back to the last known good release before the current one; what has none is stopped and left for inspection.

        Returns the services that have to be gated, and what was done with each.
        """
        targets, done, bare = [], {}, []
        for name in services:
            known, _warning = self.store.state(name)
            current = state.attempted(known, self.store.current(name))
            newest = known["activations"][-1:]
            if not newest or newest[0]["deployment"] != self.deployment:
                continue  # this deployment did not get as far as this service
            good = state.last_known_good(known, before=current)
            if good is None or self.store.manifest(name, good["release"]) is None:
                bare.append(name)
                if current and state.outcome_of(known, current) == "good":
                    self.store.save_state(name, state.settle(known, current, "rolled_back", at=now(), by=self.deployment))
                done[name] = {
                    "name": name, "healthy": False, "final": True, "cause": "process_dead", "stopped": True,
                    "message": f"{name} has no last known good release on this host; it is stopped, release {current} is left for a look",
                }
            else:
                targets.append(Target(name, "rollback", good["release"]))
        if bare:
            self.stop(bare)
            for name in bare:
                self.note("stopped", name, reason="no last known good release")
        done.update(self.apply(targets) if targets else {})
        return [t.service for t in targets], done

    def stop(self, services: Sequence[str]) -> list[str]:
        """Stop those that run; returns their names."""
        active = [n for n, s in self.manager.status(services).items() if s.active or s.state == "failed"]
        if active:
            self.manager.stop(active, self._stop_timeout(active))
        self._end_orphans(services)
        return active

    def retire(self, services: Sequence[str]) -> list[str]:
        """Stop services that do not belong here any more and take their definitions away; releases stay as evidence."""
        return [name for name in services if self.manager.remove(name, self._stop_timeout([name]))]

    def _stop_timeout(self, services: Sequence[str]) -> float:
        return max((float(self.store.policy(n).get("stop_timeout", 45)) for n in services), default=45.0) + 10

    def _end_orphans(self, services: Sequence[str], clock: Callable[[], float] = time.monotonic) -> None:
        """End processes of these services that no manager knows: they hold the port and run who knows what."""
        found = observe.orphans(self.store, observe.look(self.store, self.manager, services))
        pids = [pid for group in found.values() for pid in group]
        for pid in pids:
            _signal(pid, signal.SIGTERM)
        end = clock() + self._stop_timeout(services)
        while pids and clock() < end:
            time.sleep(0.1)
            pids = [pid for pid in pids if os.path.exists(f"/proc/{pid}")]
        for pid in pids:
            _signal(pid, signal.SIGKILL)

    # ---- proving
    def gate(
        self, services: Sequence[str], *, memory: dict[str, Any], pause_after: float, timeout: float | None = None
    ) -> dict[str, dict[str, Any]]:
        """Follow the services until each has proven healthy or failed, or ``pause_after`` seconds have passed.

        The answering process must be the manager's, must stay the same, and must run the current release.
        """
        policies = {name: self.store.policy(name) for name in services}
        pids = memory.setdefault("processes", {})
        self._find_processes(services, pids)
        problems = {name: self._wrong_process(name, pids.get(name)) for name in services}
        probes = _probe_model.parse_probes(
            {**policies[n]["probe"], "process": pids[n]} for n in services if problems[n] is None
        )
        outcomes = _gate.gate(
            probes,
            timeout=timeout or max((float(p.get("start_timeout", 180)) for p in policies.values()), default=180.0),
            successes=max((int(p.get("successes", _gate.GATE_SUCCESSES)) for p in policies.values()), default=_gate.GATE_SUCCESSES),
            interval=GATE_INTERVAL,
            memory=memory.setdefault("gate", {}),
            pause_after=pause_after,
        ) if probes else {}
        ended = time.time()
        results = {name: outcome.as_dict() for name, outcome in outcomes.items()}
        for name, problem in problems.items():
            if problem is not None:
                results[name] = {"name": name, "healthy": False, "final": True, "cause": "process_dead", "message": problem}
        for name, result in results.items():
            result["pid"] = (pids.get(name) or {}).get("pid", 0)
            result["shallow"] = is_shallow(result, policies[name])
            if result["final"]:
                # How long ago it was settled: the others may have taken longer.
                ago = max(0.0, memory.get("gate", {}).get("elapsed", 0.0) - result.get("waited_s", 0.0))
                began = memory.get("applied", {}).get(name, {}).get("began", 0.0)
                self._record(name, result, ended - ago, began, pids.get(name))
        return results

    def settle(self, seconds: float, pause_after: float) -> tuple[dict[str, dict[str, Any]], list[str]]:
        """Watch what passed its gate in this deployment; with 0 s one look at the processes. Failures, and who is watched on."""
        names = self.store.services()
        found, left = settle.broken(
            settle.watched({n: self.store.state(n)[0] for n in names}, self.deployment),
            {n: self.store.policy(n) for n in names} if seconds else {}, settle=seconds, pause_after=pause_after,
        )
        results: dict[str, dict[str, Any]] = {}
        for name, (cause, message) in found.items():
            results[name] = {
                "name": name, "healthy": False, "final": True, "cause": cause, "message": message, "pid": 0, "shallow": False, "left": True,
            }
            self._record(name, results[name], time.time(), float("inf"), None)
        return results, [entry.service for entry in left]

    def _find_processes(self, services: Sequence[str], pids: dict[str, Any]) -> None:
        """The process of each service, once: the manager may need a moment to show it."""
        end = time.monotonic() + START_GRACE
        wanted = [n for n in services if n not in pids]
        while wanted:
            for name, status in self.manager.status(wanted).items():
                if status.pid and status.active:
                    try:
                        pids[name] = {"pid": status.pid, "start_ticks": _processes.read_stat(status.pid).start_ticks}
                    except _processes.ProcessError:
                        continue
            wanted = [n for n in wanted if n not in pids]
            if not wanted or time.monotonic() > end:
                return
            time.sleep(0.05)

    def _wrong_process(self, name: str, process: Mapping[str, Any] | None) -> str | None:
        if process is None:
            status = self.manager.status([name])[name]
            return f"{name} has no process ({status.state}, exit status {status.exit_status}): it ended right after its start"
        try:
            running = observe.release_of(_processes.read_process(process["pid"]))
        except (_processes.ProcessError, ValueError):
            return None  # the gate itself sees that it ended
        current = self.store.current(name)
        if running is not None and running != current:
            return f"{name}: process {process['pid']} runs release {running}, but {current} is active"
        return None

    def _record(
        self, name: str, result: dict[str, Any], settled: float, began: float, process: Mapping[str, Any] | None
    ) -> None:
        """The outcome into the state; on failure the evidence into the result."""
        current = self.store.current(name)
        known, _warning = self.store.state(name)
        if current is None:
            return
        started = self.manager.status([name])[name].since
        details: dict[str, Any] = {"cause": result["cause"]}
        if started and started > began - 1:  # supervisord tells whole seconds of a process that is gone
            # Started by this run, not found running: its start counts for the critical chain.
            details.update(start_seconds=round(max(0.0, settled - started), 2), started_by=self.deployment)
        if result["healthy"]:
            outcome = "good"
            details.update(settle.details(process, self.deployment) if process else {})
        else:
            details["message"] = result["message"]
            outcome = state.blame(known, current, self.deployment)
            if outcome == "unhealthy":
                result["message"] += (
                    f". Release {current} passed its gate before and stays a release to go back to: look at what it depends on"
                )
            result["evidence"] = evidence.last_words(self.store, self.manager, name)
        self.note("gated", name, release=current, outcome=outcome, cause=result["cause"], seconds=details.get("start_seconds"))
        result["release"] = current
        result["start_seconds"] = details.get("start_seconds")
        if state.outcome_of(known, current) is None:
            manifest = self.store.manifest(name, current) or {}
            known = state.activate(known, current, version=manifest.get("version", ""), deployment=self.deployment, at=now())
        if state.outcome_of(known, current) != outcome or outcome == "good":
            self.store.save_state(name, state.settle(known, current, outcome, at=now(), **details))


def is_shallow(outcome: Mapping[str, Any], policy: Mapping[str, Any]) -> bool:
    """The rung that decided proves less than the service depends on (DESIGN: health is a ladder)."""
    rung = outcome.get("rung") or {}
    return bool(outcome.get("shallow")) and rung.get("index") not in policy.get("deep_rungs", ())


def _signal(pid: int, number: int) -> None:
    try:
        os.kill(pid, number)
    except ProcessLookupError:
        pass


__all__ = ["ActivationError", "Host", "StoreError", "Target", "host_lock", "is_shallow", "now"]
