# Copyright (c) 2026 dwp.backend contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Searching and scanning large logs, against grep on the same file in the same run.

    python tests/bench/logs.py [--megabytes 500] [--runs 5] [--directory DIR]

Prints medians and ratios, and ends with 1 if a bar is missed:
  correlation search   at most 1.5 times `grep -F` plus 0.5 s
  signature scan       at most 1.5 times `grep -E -f` plus 0.5 s, and 10 times faster than one Python alternation
  memory               at most 150 MB resident
Runs alternate with grep's. The bars are on processor seconds, which other load on the machine does not change much; everything here
runs in one thread and from the page cache, so on an idle machine they are the wall time, which is printed beside them. The
alternation is timed on a part of the file.
"""

from __future__ import annotations

import argparse
import random
import re
import resource
import statistics
import subprocess
import sys
import tempfile
import time
import uuid
from collections.abc import Callable
from datetime import datetime, timedelta, timezone
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[2] / "collections"))

from ansible_collections.dwp.backend.plugins.module_utils._logs.reader import Source
from ansible_collections.dwp.backend.plugins.module_utils._logs.run import Request, run
from ansible_collections.dwp.backend.plugins.module_utils._logs.scrub import Scrubber
from ansible_collections.dwp.backend.plugins.module_utils._signatures import catalogue

WANTED = "3f0f2f6e-8a61-4f0b-9a53-2a1f4de1c6a7"
STACK = "java.lang.IllegalStateException: boom\n" + "".join(
    f"\tat org.springframework.web.servlet.DispatcherServlet.doDispatch(DispatcherServlet.java:{line})\n" for line in range(12)
)
KINDS = [  # share, level, logger, message
    (0.002, "ERROR", "c.d.c.exception.GlobalExceptionHandler", "Unexpected error: step {n} of user {m}\n\n" + STACK),
    (0.00002, "ERROR", "o.s.boot.SpringApplication", "Application run failed\n\nConnection to db-{m}:5432 refused. Check\n" + STACK),
    (0.01, "WARN", "c.d.a.security.JwtAuthenticationFilter", "Slow call to /internal/users/{n} took {m} ms"),
    (1.0, "INFO", "c.d.auth.controller.UserController", "GET /auth/users/{n} answered 200 in {m} ms, tenant 1, cache hit"),
]


def make_log(path: Path, megabytes: int, warn: float) -> None:
    """A log as busy services write it: 0.2 % errors with stack traces, `warn` of the records warnings, the rest requests."""
    rng = random.Random(7)
    moment = datetime(2026, 11, 23, tzinfo=timezone.utc)
    kinds = [(warn if level == "WARN" else share, level, logger, text) for share, level, logger, text in KINDS]
    written, number, size = 0, 0, megabytes * 1_000_000
    with path.open("w", encoding="utf-8") as handle:
        while written < size:
            block = []
            for _line in range(5000):
                number += 1
                moment += timedelta(milliseconds=20)
                draw = rng.random()
                for share, level, logger, text in kinds:  # noqa: B007
                    if draw < share:
                        break
                    draw -= share
                mark = WANTED if number in (60000, 60007, 120000) else str(uuid.UUID(int=rng.getrandbits(128), version=4))
                stamp = moment.strftime("%Y-%m-%dT%H:%M:%S.") + f"{moment.microsecond // 1000:03d}Z"
                head = f"{stamp} {level:>5} 4711 --- [dwp-auth] [nio-8001-exec-{number % 10}] [correlationId={mark}] {logger:<40} : "
                block.append(head + text.format(n=number % 9999, m=number % 777) + ("" if text.endswith("\n") else "\n"))
            text = "".join(block)
            handle.write(text)
            written += len(text)


def grep(*arguments: str) -> Callable[[], object]:
    def call() -> object:
        done = subprocess.run(["grep", *arguments], capture_output=True, check=False, env={"LC_ALL": "C", "PATH": "/usr/bin:/bin"})
        assert done.returncode in (0, 1), done.stderr
        return done.stdout.count(b"\n")

    return call


def for_grep(pattern: str) -> str:
    """The same expression for grep -E: unnamed groups, character classes spelled out, no lazy quantifiers or look-ahead."""
    text = pattern.replace(r"[^\n\]]", "[^]]").replace(r"[^\n]", ".")
    text = re.sub(r"\(\?=[^)]*\)", "", re.sub(r"\(\?(?:P<\w+>|:)", "(", text))
    for short, long in ((r"\d", "[0-9]"), (r"\S", "[^ ]"), (r"\w", "[A-Za-z0-9_]")):
        text = text.replace(short, long)
    text = re.sub(r"\[\[A-Za-z0-9_\]([^\]]*)\]", r"[A-Za-z0-9_\1]", text)
    return text.replace("}?", "}")


def processor() -> float:
    return sum(sum(resource.getrusage(who)[:2]) for who in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN))


def median_of(calls: dict[str, Callable[[], object]], runs: int) -> tuple[dict[str, float], dict[str, float]]:
    """Processor seconds and wall seconds."""
    cpu: dict[str, list[float]] = {name: [] for name in calls}
    wall: dict[str, list[float]] = {name: [] for name in calls}
    for _run in range(runs):
        for name, call in calls.items():
            begin, used = time.perf_counter(), processor()
            call()
            wall[name].append(time.perf_counter() - begin)
            cpu[name].append(processor() - used)
    return {name: statistics.median(v) for name, v in cpu.items()}, {name: statistics.median(v) for name, v in wall.items()}


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--megabytes", type=int, default=500)
    parser.add_argument("--runs", type=int, default=5)
    parser.add_argument("--directory", help="where the logs are made; default: a temporary directory")
    options = parser.parse_args()
    signatures = catalogue()
    expressions = [part.pattern for one in signatures for alternative in one.patterns for part in alternative]
    missed = []
    own = 0.0

    def compare(name: str, value: float, limit: float, unit: str = "s") -> None:
        print(f"  {name:<58} {value:8.3f} {unit}   bar {limit:8.3f} {unit}   {'ok' if value <= limit else 'MISSED'}")
        if value > limit:
            missed.append(name)

    with tempfile.TemporaryDirectory(dir=options.directory) as directory:
        patterns = Path(directory) / "patterns"
        patterns.write_text("\n".join(map(for_grep, expressions)) + "\n")
        for label, warn in (("1 % WARN", 0.01), ("14 % WARN", 0.14)):
            path = Path(directory) / "auth.log"
            make_log(path, options.megabytes, warn)
            source = (Source("auth", str(path)),)

            def search(sources: tuple[Source, ...] = source) -> object:
                found = run(Request(list(sources), ids=[WANTED], budget=600), Scrubber(), 0.0)
                assert len(found["request_path"]["steps"]) == 3, "every record with the id is found"
                return found

            def scan(sources: tuple[Source, ...] = source) -> object:
                found = run(Request(list(sources), signatures, budget=600), Scrubber(), 0.0)
                assert [one["id"] for one in found["services"]["auth"]["signatures"]] == ["PG_REFUSED"]
                return found

            calls = {"search": search, "grep -F": grep("-F", WANTED, str(path)), "scan": scan,
                     "grep -E -f": grep("-E", "-f", str(patterns), str(path))}  # fmt: skip
            found, wall = median_of(calls, options.runs)
            own = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024 if label == "1 % WARN" else own
            part = path.read_bytes()[: max(1, options.megabytes // 50) * 1_000_000]
            alternation = re.compile(b"|".join(b"(?:%s)" % re.sub(r"\?P<\w+>", "?:", one).encode() for one in expressions))
            begin = processor()
            sum(1 for _match in alternation.finditer(part))
            whole = (processor() - begin) * path.stat().st_size / len(part)
            print(f"{path.stat().st_size / 1e6:.0f} MB, {label}, {len(expressions)} expressions; medians of {options.runs} runs")
            for name, seconds in {**found, "one Python alternation (from a part)": whole}.items():
                elapsed = f"wall {wall[name]:.3f} s" if name in wall else ""
                print(f"  {name:<58} {seconds:8.3f} s   {path.stat().st_size / seconds / 1e9:6.2f} GB/s   {elapsed}")
            compare("correlation search against grep -F", found["search"], 1.5 * found["grep -F"] + 0.5)
            compare("signature scan against grep -E -f", found["scan"], 1.5 * found["grep -E -f"] + 0.5)
            compare("signature scan against the alternation / 10", found["scan"], whole / 10)
            print(f"  ratios: search {found['search'] / found['grep -F']:.1f} x grep -F, scan {found['scan'] / found['grep -E -f']:.2f} x "
                  f"grep -E -f, alternation {whole / found['scan']:.0f} x scan")  # fmt: skip
    compare("resident memory", own, 150, "MB")
    return 1 if missed else 0


if __name__ == "__main__":
    sys.exit(main())
