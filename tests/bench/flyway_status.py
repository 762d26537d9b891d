# Copyright (c) 2026 dwp.backend contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""How fast flyway_status is, against `flyway info`, and what it needs for a big history.

Measured are bare processes: the module (JSON in, JSON out; its byte code kept from an earlier run, as Python does) and
`flyway info` as one types it, which asks whether there is a newer Flyway; what it takes without asking is printed, too,
but has no limit. Prints medians, and ends with status 1 when a limit is passed: 30 migrations in a tenth of Flyway's
time; 10,000 migrations and rows in 2 seconds (of CPU, if the machine is busy) and 200 MB, from a directory and from a
jar, with and without rollback texts.

Needs Maven (it brings flyway-commandline 10.20.1) and Java; --no-flyway leaves that part out.
"""

from __future__ import annotations

import argparse
import hashlib
import importlib.util
import json
import os
import shutil
import statistics
import subprocess
import sys
import tempfile
import time
import zipfile
from pathlib import Path
from typing import Any

ROOT = Path(__file__).parents[2]
MODULE = ROOT / "plugins" / "modules" / "flyway_status.py"
TOOLS = ROOT / ".cache" / "flyway-commandline"
VERSION = "10.20.1"
SHA256 = "e8ec85c1c949b91abbcc612713b2b82cd38a6dc320a0ab97922d1d867f054ab7"
RATIO, SECONDS, MEGABYTES = 0.1, 2.0, 200


def load(path: Path) -> Any:
    sys.path.insert(0, str(ROOT))  # the servers of the tests are used outside pytest
    spec = importlib.util.spec_from_file_location(path.stem, path)
    assert spec is not None and spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def flyway() -> Path:
    """Flyway's command line, unpacked."""
    script = TOOLS / f"flyway-{VERSION}" / "flyway"
    if not script.exists():
        artifact = f"org.flywaydb:flyway-commandline:{VERSION}:zip"
        subprocess.run(["mvn", "-q", "-B", "dependency:get", f"-Dartifact={artifact}"], check=True, cwd="/")
        repository = Path.home() / ".m2/repository/org/flywaydb/flyway-commandline"
        archive = repository / VERSION / f"flyway-commandline-{VERSION}.zip"
        if hashlib.sha256(archive.read_bytes()).hexdigest() != SHA256:
            raise SystemExit(f"{archive} is not what it was when this was written (sha256). Delete it and run again.")
        TOOLS.mkdir(parents=True, exist_ok=True)
        shutil.unpack_archive(archive, TOOLS)
        script.chmod(0o755)
    return script


def write_migrations(place: Path, count: int, rollback: bool) -> None:
    place.mkdir()
    for number in range(1, count + 1):
        text = f"CREATE TABLE bench_{number} (id bigint PRIMARY KEY, name text);\n"
        text += f"-- Rollback: DROP TABLE bench_{number};\n" if rollback else ""
        (place / f"V{number}__create_table_{number}.sql").write_text(text)


def into_jar(place: Path, jar: Path) -> None:
    with zipfile.ZipFile(jar, "w", zipfile.ZIP_DEFLATED) as archive:
        for path in place.iterdir():
            archive.write(path, f"BOOT-INF/classes/db/migration/{path.name}")


def run_module(server: Any, database: str, location: str) -> tuple[list[float], dict[str, Any]]:
    """([seconds, seconds of CPU, megabytes], result) of one process."""
    arguments = {
        "login_host": server.host,
        "login_port": server.port,
        "login_user": server.user,
        "login_password": server.password,
        "login_db": database,
        "locations": [location],
    }
    question = json.dumps({"ANSIBLE_MODULE_ARGS": arguments}).encode()
    environment = {**os.environ, "PYTHONPATH": str(ROOT / "collections"), "PYTHONPYCACHEPREFIX": str(TOOLS.parent / "bytecode")}
    environment.pop("PYTHONDONTWRITEBYTECODE", None)
    command = [sys.executable, "-c", MEASURED, sys.executable, str(MODULE)]
    done = subprocess.run(command, input=question, stdout=subprocess.PIPE, env=environment, check=True)
    report, _newline, output = done.stdout.partition(b"\n")
    return [float(word) for word in report.split()], json.loads(output)


# A process of its own measures the module: ru_maxrss of children is a maximum over all there ever were.
MEASURED = """
import resource, subprocess, sys, time
question = sys.stdin.buffer.read()
started = time.perf_counter()
done = subprocess.run(sys.argv[1:], input=question, stdout=subprocess.PIPE)
seconds = time.perf_counter() - started
used = resource.getrusage(resource.RUSAGE_CHILDREN)
report = f"{seconds} {used.ru_utime + used.ru_stime} {used.ru_maxrss / 1024}"
sys.stdout.buffer.write(f"{report}\\n".encode() + done.stdout)
"""


def run_flyway(script: Path, server: Any, database: str, place: Path, *flags: str) -> float:
    command = [
        str(script), "info", "-outputType=json", *flags,
        f"-url=jdbc:postgresql://{server.host}:{server.port}/{database}", f"-user={server.user}", f"-locations=filesystem:{place}",
    ]  # fmt: skip
    started = time.perf_counter()
    done = subprocess.run(command, capture_output=True, check=True, env={**os.environ, "FLYWAY_PASSWORD": server.password}, text=True)
    seconds = time.perf_counter() - started
    answer = json.loads(done.stdout)
    assert len(answer["migrations"]) == 30 and answer["schemaVersion"] == "30", done.stdout
    return seconds


def fill_history(server: Any, database: str, answer: dict[str, Any]) -> None:
    """Write the history that a migration of all files would have left."""
    server.execute(
        "CREATE TABLE flyway_schema_history (installed_rank integer PRIMARY KEY, version varchar(50),"
        " description varchar(200) NOT NULL, type varchar(20) NOT NULL, script varchar(1000) NOT NULL, checksum integer,"
        " installed_by varchar(100) NOT NULL, installed_on timestamp NOT NULL DEFAULT now(),"
        " execution_time integer NOT NULL, success boolean NOT NULL)",
        database=database,
    )
    rows = [
        {**{name: line[name] for name in ("version", "description", "type", "script")}, "checksum": line["checksum_resolved"]}
        for line in answer["migrations"]
    ]
    server.execute(
        "INSERT INTO flyway_schema_history (installed_rank, version, description, type, script, checksum, installed_by,"
        " execution_time, success) SELECT row_number() OVER (), version, description, type, script, checksum, 'bench', 1, true"
        " FROM json_to_recordset(%s) AS r(version text, description text, type text, script text, checksum integer)",
        (json.dumps(rows),),
        database=database,
    )


def prepare(server: Any, directory: Path, count: int, rollback: bool) -> tuple[str, Path]:
    """A database whose history holds every migration of a directory; each has a rollback comment, or none has."""
    database = f"bench_{count}_{'with' if rollback else 'without'}"
    place = directory / database
    write_migrations(place, count, rollback)
    server.execute(f"CREATE DATABASE {database}")
    fill_history(server, database, run_module(server, database, str(place))[1])
    return database, place


def measure(server: Any, database: str, location: str, count: int, runs: int) -> tuple[float, float, float]:
    """Medians of seconds, seconds of CPU and megabytes; every answer has to be right."""
    figures = []
    for _run in range(runs):
        measured, answer = run_module(server, database, location)
        assert answer["counts"] == {"Success": count} and answer["validation"]["valid"], answer["msg"]
        assert len({line["rollback"] for line in answer["migrations"]}) == 1
        figures.append(measured)
    seconds, cpu, megabytes = (statistics.median(column) for column in zip(*figures))
    return seconds, cpu, megabytes


def busy() -> bool:
    return os.getloadavg()[0] > (os.cpu_count() or 1)


def report(server: Any, database: str, location: Path, rollback: bool, count: int, runs: int) -> list[str]:
    """Measure and print; what is over a limit. On a busy machine the CPU counts, for the process waits for its turn."""
    seconds, cpu, megabytes = measure(server, database, str(location), count, runs)
    what = f"{count:,} migrations {'with' if rollback else 'without'} rollback text, {location.suffix[1:] or 'directory'}"
    print(f"{what}: flyway_status {seconds:.2f} s (CPU {cpu:.2f} s), {megabytes:.0f} MB")
    slow = (cpu if busy() else seconds) > SECONDS
    return [what] if slow or megabytes > MEGABYTES else []


def compare(server: Any, database: str, place: Path, runs: int) -> list[str]:
    """flyway info and flyway_status in turn, so that both meet the same machine."""
    script = flyway()
    run_flyway(script, server, database, place)
    asking, silent, ours = [], [], []
    for _run in range(runs):
        asking.append(run_flyway(script, server, database, place))
        silent.append(run_flyway(script, server, database, place, "-skipCheckForUpdate"))
        ours.append(run_module(server, database, str(place))[0][0])
    theirs, quick, own = (statistics.median(figures) for figures in (asking, silent, ours))
    print(
        f"flyway info {theirs:.2f} s, flyway_status {own:.3f} s: ratio {own / theirs:.3f} (limit {RATIO}); "
        f"with -skipCheckForUpdate {quick:.2f} s: {own / quick:.3f}"
    )
    return ["ratio"] if own / theirs > RATIO else []


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--runs", type=int, default=5, help="how often each is measured")
    parser.add_argument("--no-flyway", action="store_true", help="leave out the comparison with flyway info")
    options = parser.parse_args()
    server = load(ROOT / "tests" / "integration" / "conftest.py").Postgres()
    failed = []
    try:
        server.start()
        with tempfile.TemporaryDirectory() as name:
            directory = Path(name)
            for rollback in (False, True):
                database, place = prepare(server, directory, 30, rollback)
                if not options.no_flyway:
                    failed += compare(server, database, place, options.runs)
                report(server, database, place, rollback, 30, options.runs)
            for rollback in (False, True):
                database, place = prepare(server, directory, 10_000, rollback)
                jar = place.with_suffix(".jar")
                into_jar(place, jar)
                for location in (place, jar):
                    failed += report(server, database, location, rollback, 10_000, options.runs)
    finally:
        server.remove()
    if busy():
        print(f"the machine is busy (load {os.getloadavg()[0]:.1f} on {os.cpu_count()} cores): seconds are too high, CPU is not")
    if failed:
        print(f"over the limit: {', '.join(failed)}")
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
