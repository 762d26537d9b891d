# Copyright (c) 2026 dwp.backend contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Questions asked at once under one time budget. One that fails, hangs or is not allowed is said; the others go on."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from typing import Any

from ansible_collections.dwp.backend.plugins.module_utils._requires import MissingLibraryError


class NotChecked(Exception):
    """A question that cannot be asked; the message says why."""


class Parts:
    """Each part runs in a thread of its own (a daemon: nothing can hold the module longer than its budget)."""

    def __init__(self, where: str, seconds: float, clock: Callable[[], float] = time.monotonic) -> None:
        self._where, self._clock = where, clock
        self._begin = clock()
        self._seconds = seconds
        self._threads: dict[str, threading.Thread] = {}
        self._answers: dict[str, Any] = {}
        self._lock = threading.Lock()
        self._noted: list[dict[str, str]] = []

    def left(self) -> float:
        """Seconds of the budget that are left."""
        return max(0.0, self._begin + self._seconds - self._clock())

    def note(self, what: str, why: str, where: str = "") -> None:
        """Say that something was not checked."""
        entry = {"what": what, "where": where or self._where, "why": why}
        with self._lock:
            if entry not in self._noted:
                self._noted.append(entry)

    @property
    def not_checked(self) -> list[dict[str, str]]:
        with self._lock:
            return list(self._noted)

    def start(self, what: str, job: Callable[[], Any]) -> None:
        """Begin with a part; its answer is there when it is done."""

        def run() -> None:
            answer = self.guarded(what, job)
            with self._lock:
                self._answers[what] = answer

        thread = threading.Thread(target=run, daemon=True, name=f"dwp {what}")
        self._threads[what] = thread
        thread.start()

    def guarded(self, what: str, job: Callable[[], Any], otherwise: Any = None) -> Any:
        """Do it here; whatever goes wrong is said and `otherwise` is the answer."""
        try:
            return job()
        except (NotChecked, MissingLibraryError) as error:
            self.note(what, str(error))
        except Exception as error:  # one part must not take the others with it, whatever it meets on the host
            self.note(what, reason(error))
        return otherwise

    def wait(self, seconds: float | None = None) -> bool:
        """Wait for all parts, for `seconds` or the rest of the budget; whether all are done."""
        end = self._clock() + min(self.left(), self.left() if seconds is None else seconds)
        for thread in list(self._threads.values()):
            thread.join(max(0.0, end - self._clock()))
        return not any(thread.is_alive() for thread in self._threads.values())

    def close(self) -> None:
        """Give up what is still running, and say so."""
        for what, thread in self._threads.items():
            if thread.is_alive():
                self.note(what, f"it did not end within {self._seconds:.0f} s (time_budget)")

    def names(self) -> list[str]:
        """The parts in the order of their beginning."""
        return list(self._threads)

    def answer(self, what: str, otherwise: Any = None) -> Any:
        with self._lock:
            found = self._answers.get(what)
        return otherwise if found is None else found


def reason(error: BaseException) -> str:
    """An unforeseen error in one line, without anything that could be a value."""
    if isinstance(error, OSError) and error.strerror:
        return f"{error.filename}: {error.strerror}" if error.filename else error.strerror
    return f"{type(error).__name__}: {' '.join(str(error).split())[:300]}".rstrip(": ")
