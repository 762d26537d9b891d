# Copyright (c) 2026 dwp.backend contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Lives of a schema: files come, change and go while real Flyway migrates, fails, repairs and baselines."""

from __future__ import annotations

import random
import zipfile
from dataclasses import dataclass
from pathlib import Path
from typing import Any

FAILS = b"create table half(i int);\nselect 1/0;\n"
FAILS_HALFWAY = b"create index concurrently broken on nowhere(i);\n"  # outside a transaction: leaves a failed row


@dataclass
class Step:
    """One thing that happens: files put (None: removed), then a command of Flyway, with settings for this one time."""

    files: dict[str, bytes | None]
    command: str
    settings: dict[str, str]


def life(seed: int, number: int) -> list[Step]:
    """The steps of this life; always the same for a seed."""
    rng = random.Random(f"life/{seed}/{number}")
    steps = [Step(_new_files(rng, 1), "migrate", {})]
    if rng.random() < 0.3:
        steps.insert(0, Step({}, "baseline", {"baselineVersion": rng.choice(["0", "1", "2"])}))
    known = set(steps[-1].files)
    for place in range(rng.choice([3, 4, 5])):
        files = _new_files(rng, 3 + 3 * place) if rng.random() < 0.6 else {}
        for path in sorted(known):
            if rng.random() < 0.12:
                files[path] = rng.choice([None, b"select 'changed';\n", b"select 'again';\n"])
        if rng.random() < 0.25:
            files[f"V{3 + 3 * place}.5__fails.sql"] = rng.choice([FAILS, FAILS_HALFWAY])
        if rng.random() < 0.3:
            files = {**files, **{path: None for path in known if "fails" in path}}
        known |= set(files)
        settings = {}
        if rng.random() < 0.3:
            settings["outOfOrder"] = "true"
        if rng.random() < 0.2:
            settings["target"] = f"{rng.randint(1, 12)}?"
        if rng.random() < 0.5:
            settings["ignoreMigrationPatterns"] = "*:*"
        steps.append(Step(files, rng.choice(["migrate", "migrate", "repair", "migrate", "info"]), settings))
    return steps


def _new_files(rng: random.Random, first: int) -> dict[str, bytes | None]:
    files: dict[str, bytes | None] = {}
    for version in range(first, first + rng.choice([1, 2, 3])):
        text = f"create table t{version}(i int);\n-- Rollback: DROP TABLE t{version};\n"
        files[f"V{version}__t{version}.sql"] = text.encode()
    if rng.random() < 0.5:
        files[f"R__{rng.choice(['one', 'two'])}.sql"] = f"select '${{name}} {rng.random()}';\n".encode()
    if rng.random() < 0.15:
        files[f"B{first + 1}__base.sql"] = b"select 'base';\n"
    if rng.random() < 0.25:
        files[f"V{first - 1}.{rng.randint(1, 9)}__late.sql"] = b"select 'late';\n"
    return files


def write_files(place: Path, files: dict[str, bytes]) -> dict[str, Any]:
    """A directory of files."""
    for old in place.glob("*"):
        old.unlink()
    for name, data in files.items():
        (place / name).write_bytes(data)
    return {"locations": [str(place)]}


def write_jar(place: Path, files: dict[str, bytes], number: int) -> dict[str, Any]:
    """A plain jar; a new one each time, for a JVM keeps the old one open."""
    jar = place / f"app{number}.jar"
    with zipfile.ZipFile(jar, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("META-INF/MANIFEST.MF", "Manifest-Version: 1.0\n")
        archive.writestr("db/migration/", "")
        for name, data in files.items():
            archive.writestr(f"db/migration/{name}", data)
    return {"locations": ["classpath:db/migration"], "jar": str(jar)}
