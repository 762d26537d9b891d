# Copyright (c) 2026 dwp.backend contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Each mistake has a message that names service and key, and changes nothing: not on a deployed host, not on a fresh one."""

from __future__ import annotations

import copy
import hashlib
import os
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import pytest

from .fleet import Fleet, Run

JWT = "0123456789abcdef0123456789abcdef"
PUBLIC_DEFAULT = "your_shared_secret_key_must_be_at_least_256_bits_long_for_HS256"


@contextmanager
def spoiled(fleet: Fleet) -> Iterator[None]:
    """Inventory and artifacts are as before when the test is over."""
    kept = copy.deepcopy((fleet.services, fleet.variables, fleet.hosts))
    jars = {path: path.read_bytes() for path in fleet.artifacts.iterdir()}
    try:
        yield
    finally:
        fleet.services, fleet.variables, fleet.hosts = kept
        for path in fleet.artifacts.iterdir():
            if path not in jars:
                path.unlink()
        for path, data in jars.items():
            path.write_bytes(data)


def refused(fleet: Fleet, *words: str) -> Run:
    """The deployment fails with these words, and the host is as it was."""
    pids, listing = fleet.pids(), fleet.listing()
    done = fleet.run("deploy")
    assert done.rc != 0, str(done)
    assert fleet.pids() == pids
    assert fleet.listing() == listing
    text = " ".join(done.output.split())
    missing = [word for word in words if " ".join(word.split()) not in text]
    assert not missing, f"{missing} not in {done}"
    assert "Traceback" not in done.output
    return done


def catalogue(**services: Any) -> Callable[[Fleet], None]:
    def act(fleet: Fleet) -> None:
        for name, keys in services.items():
            fleet.services.setdefault(name, {}).update(keys)

    return act


def both_ways(fleet: Fleet) -> None:
    fleet.services["alpha"]["after"] = ["gamma"]
    fleet.services["gamma"]["after"] = ["beta"]
    fleet.services["beta"]["after"] = ["alpha"]


def one_port(fleet: Fleet) -> None:
    fleet.services["beta"]["port"] = fleet.services["alpha"]["port"]


def truncate(fleet: Fleet) -> None:
    path = fleet.artifacts / "beta.jar"
    path.write_bytes(path.read_bytes()[:-300])


def flip(fleet: Fleet) -> None:
    path = fleet.artifacts / "beta.jar"
    data = bytearray(path.read_bytes())
    data[data.find(b"Light.class") + 60] ^= 0xFF
    path.write_bytes(bytes(data))


def no_main(fleet: Fleet) -> None:
    import zipfile

    with zipfile.ZipFile(fleet.artifacts / "beta.jar", "w") as archive:
        archive.writestr("META-INF/MANIFEST.MF", "Manifest-Version: 1.0\r\n\r\n")


def write(name: str, text: str) -> Callable[[Fleet], None]:
    return lambda fleet: (fleet.artifacts / name).write_text(text) and None


def in_production(keys: dict[str, Any]) -> Callable[[Fleet], None]:
    def act(fleet: Fleet) -> None:
        fleet.variables["dwp_environment"] = "prod"
        catalogue(beta={"required": ["JWT_SECRET"], "secrets": {"JWT_SECRET": JWT * 2}})(fleet)
        for key, value in keys.items():
            fleet.services["beta"][key] = {**fleet.services["beta"].get(key, {}), **value}

    return act


WRONG = "f" * 64


def checksums(fleet: Fleet) -> None:
    """Wrong in all three places where one may stand."""
    catalogue(alpha={"sha256": WRONG})(fleet)
    write("beta.jar.sha256", f"{WRONG}\n")(fleet)
    write("SHA256SUMS", f"{WRONG} *gamma.jar\n")(fleet)


def jars(fleet: Fleet) -> None:
    (fleet.artifacts / "alpha.jar").unlink()
    truncate(fleet)
    write("gamma.jar", "")(fleet)


#: by name: what is wrong, and what the message has to say. Mistakes that are found together are made together.
CASES: dict[str, tuple[Callable[[Fleet], Any], tuple[str, ...]]] = {
    "unknown keys and wrong types": (
        catalogue(
            alpha={"prot": 1, "redis": "always"}, beta={"after": "alpha", "memory": "much", "environment": {"A": ["b"]}},
            gamma={"port": "http", "database": {"nmae": "x"}},
        ),
        (
            "8 problems", 'dwp_services.alpha: unknown key "prot" (did you mean "port"?)', "dwp_services.alpha.redis",
            "dwp_services.beta.after: expected a list, got text", "dwp_services.beta.memory: expected a whole number",
            "dwp_services.beta.environment.A: expected text, a number or a boolean, got a list",
            "dwp_services.gamma.port: expected a whole number, got text", 'dwp_services.gamma.database: unknown key "nmae"',
            "dwp_services.gamma.database.name: is required",
        ),
    ),
    "unknown component and manager": (
        lambda f: f.variables.update(dwp_components={"mongo": {}}, dwp_manager="sysv"),
        ('dwp_components: unknown component "mongo"', "dwp_manager", "systemd, supervisor"),
    ),
    "simple variables": (
        lambda f: f.variables.update(dwp_on_failure="rolback", dwp_keep_releases="many", dwp_settle="soon", dwp_confirm="ja"),
        ("4 problems", '"rolback" is not one of rollback, stop', "dwp_keep_releases: expected a whole number",
         'dwp_settle: "soon" is not a number of seconds', 'dwp_confirm: "ja" is neither true nor false'),
    ),
    "cycle": (both_ways, ("cycle", "alpha -> ", "beta", "gamma", '"after"')),
    "edges": (
        catalogue(alpha={"after": ["alpha"]}, beta={"after": ["alhpa"]}, gamma={"calls": ["omega"]}),
        (
            "services.alpha.after: a service cannot wait for itself",
            'services.beta.after: unknown service "alhpa" (did you mean "alpha"?)',
            'services.gamma.calls: unknown service "omega"',
        ),
    ),
    "one port twice": (one_port, ("services.beta.port", "is already the port of alpha on host localhost")),
    "unknown service in dwp_only": (lambda f: f.variables.update(dwp_only="alpha,bta"), ("dwp_only", '"bta"', 'did you mean "beta"')),
    "jars missing, truncated, empty": (
        jars, ("3 problems", "alpha:", "alpha.jar is missing (there are beta.jar, gamma.jar)", "dwp_services.alpha.artifact", "beta:",
               "beta.jar: is not a whole jar", "gamma:", "gamma.jar: is not a whole jar"),
    ),
    "jar damaged": (flip, ("beta:", "beta.jar", "damaged")),
    "jar is not runnable": (no_main, ("beta:", "beta.jar", "has no Main-Class")),
    "no directory of jars": (lambda f: f.variables.update(dwp_artifacts_dir=""), ("dwp_artifacts_dir is not set", "beta.jar")),
    "wrong sha256": (
        checksums, ("3 problems", "alpha:", "dwp_services.alpha.sha256 says", "beta:", "beta.jar.sha256 says", "gamma:", "SHA256SUMS says")
    ),
    "JWT_SECRET missing and too short": (
        catalogue(alpha={"required": ["JWT_SECRET"]}, beta={"required": ["JWT_SECRET"], "secrets": {"JWT_SECRET": "short-Zq7"}}),
        ("2 problems", "alpha", "beta", "JWT_SECRET", "32"),
    ),
    "JWT_SECRET is the public default": (in_production({"secrets": {"JWT_SECRET": PUBLIC_DEFAULT}}), ("beta", "JWT_SECRET")),
    "localhost URL in prod": (
        in_production({"environment": {"SERVICE_OTHER_URL": "http://localhost:8001"}}), ("beta", "SERVICE_OTHER_URL")
    ),
    "undefined vault variable": (
        catalogue(beta={"secrets": {"JWT_SECRET": "{{ vault_jwt_secret }}"}}), ("vault_jwt_secret", "vault.yml")
    ),
}  # fmt: skip
#: Found by a look at the host.
ON_HOST: dict[str, tuple[Callable[[Fleet], Any], tuple[str, ...]]] = {
    "no Java, wrong Java": (
        catalogue(alpha={"java_version": 21}, beta={"java": "/opt/no/java"}),
        ("alpha needs Java 21", "Java 17", "Java 17 is needed by beta", "/opt/no/java"),
    ),
    "not enough memory": (catalogue(beta={"memory": 1048576}), ("not enough memory", "beta 1048576", "dwp_services")),
}


@pytest.mark.parametrize("name", CASES)
def test_on_a_deployed_host(fleet: Fleet, name: str) -> None:
    act, words = CASES[name]
    with spoiled(fleet):
        act(fleet)
        done = refused(fleet, *words)
    assert "short-Zq7" not in done.output and PUBLIC_DEFAULT not in done.output


@pytest.mark.parametrize("name", ON_HOST)
def test_on_a_fresh_host(fresh: Fleet, name: str) -> None:
    act, words = ON_HOST[name]
    act(fresh)
    refused(fresh, *words)


def test_java_that_is_gone_on_a_deployed_host(fleet: Fleet) -> None:
    act, words = ON_HOST["no Java, wrong Java"]
    with spoiled(fleet):
        act(fleet)
        refused(fleet, *words)


def test_right_checksums_are_accepted(fleet: Fleet) -> None:
    digest = hashlib.sha256((fleet.artifacts / "beta.jar").read_bytes()).hexdigest()
    with spoiled(fleet):
        fleet.services["beta"]["sha256"] = digest
        (fleet.artifacts / "gamma.jar.sha256").write_text(hashlib.sha256((fleet.artifacts / "gamma.jar").read_bytes()).hexdigest())
        (fleet.artifacts / "SHA256SUMS").write_text(f"{WRONG}  gamma.jar\n{digest}  ./alpha.jar\n")
        (fleet.artifacts / "alpha.jar").write_bytes((fleet.artifacts / "beta.jar").read_bytes())
        assert fleet.run("deploy", "--check").rc == 0


FOREIGN = "import socket, sys, time; s = socket.create_server(('', int(sys.argv[1]))); print('up', flush=True); time.sleep(600)"


@contextmanager
def foreign(port: int) -> Iterator[int]:
    process = subprocess.Popen([sys.executable, "-c", FOREIGN, str(port)], stdout=subprocess.PIPE)
    try:
        assert process.stdout and process.stdout.readline() == b"up\n"
        yield process.pid
    finally:
        process.kill()
        process.wait()


def test_port_taken_by_a_foreign_process_on_a_deployed_host(fleet: Fleet) -> None:
    with spoiled(fleet), foreign(fleet.first_port + 4) as pid:
        fleet.services["beta"]["port"] = fleet.first_port + 4
        port = fleet.first_port + 4
        refused(fleet, f"port {port} of beta is taken by process {pid} ({sys.executable} -c", "give the service another port")


def test_port_taken_by_a_foreign_process_on_a_fresh_host(fresh: Fleet) -> None:
    with foreign(fresh.services["beta"]["port"]) as pid:
        refused(fresh, f"port {fresh.services['beta']['port']} of beta is taken by process {pid} ({sys.executable} -c")
        check = fresh.run("deploy", "--check")
        assert check.rc != 0 and f"process {pid}" in check.output


def test_not_enough_disk(fresh: Fleet) -> None:
    """A file system of 40 MB, less than what is always kept free."""
    if os.geteuid() != 0:
        pytest.skip("a small file system can only be mounted by root")
    fresh.root.mkdir()
    subprocess.run(["mount", "-t", "tmpfs", "-o", "size=40m,mode=0755", "tmpfs", str(fresh.root)], check=True)
    try:
        refused(fresh, "not enough disk below", str(fresh.root), "dwp_keep_releases")
    finally:
        subprocess.run(["umount", str(fresh.root)], check=True)
