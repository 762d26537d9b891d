# Copyright (c) 2026 dwp.backend contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What the documents say is so: links, playbooks, variables, and every key of the catalogue with its default."""

from __future__ import annotations

import functools
import inspect
import pathlib
import re
import unicodedata

import pytest
import yaml

from ansible_collections.dwp.backend.plugins.module_utils import _probe_model
from ansible_collections.dwp.backend.plugins.module_utils._platform import catalogue, schema

ROOT = pathlib.Path(__file__).parents[2]
DOCUMENTS = sorted(
    path.relative_to(ROOT).as_posix()
    for path in [*ROOT.glob("*.md"), *ROOT.glob("docs/*.md"), *ROOT.glob("roles/*/README.md")]
)
VARIABLE = re.compile(r"\bdwp_[a-z_]*[a-z]\b")
#: Not variables: modules, databases and users of the runbook, the catalogue's schema, the backup schema.
NAMES = {"dwp_user", "dwp_password", "dwp_aura", "dwp_auth", "dwp_main", "dwp_mail", "dwp_chat", "dwp_approval", "dwp_rollback"}
NOT_A_KEY = re.compile(r"Accepted, but without effect so far: (.*)\.")


@functools.lru_cache
def text(document):
    return (ROOT / document).read_text(encoding="utf-8")


def anchor(heading):
    """As GitHub makes it."""
    kept = [c for c in heading.strip().lower() if c in " -_" or unicodedata.category(c)[0] in "LN"]
    return "".join(kept).replace(" ", "-")


def anchors(document):
    return {anchor(line.lstrip("#")) for line in text(document).splitlines() if re.match(r"#{1,6} ", line)}


@functools.lru_cache
def sources():
    """Everything in which a variable can be read or set."""
    files = [*ROOT.glob("playbooks/**/*.yml"), *ROOT.glob("roles/*/*/*.yml"), *ROOT.glob("plugins/action/*.py"),
             *ROOT.glob("plugins/plugin_utils/*.py"), *ROOT.glob("plugins/lookup/*.py")]
    return "\n".join(path.read_text(encoding="utf-8") for path in files)


def modules():
    return {path.stem for path in ROOT.glob("plugins/modules/*.py")}


def rows(document, heading):
    """Cells of the first table below a heading; each name of a cell such as "`a`, `b`" is a row of its own."""
    part = re.split(rf"^#+ {re.escape(heading)}$", text(document), maxsplit=1, flags=re.M)[1]
    table = re.search(r"(?:^\|.*\n)+", re.split(r"^#", part, maxsplit=1, flags=re.M)[0], re.M)
    cells = [[c.strip() for c in line.strip().strip("|").split(" | ")] for line in table.group(0).splitlines()[2:]]
    return {name: line for line in cells for name in re.findall(r"`([a-z0-9_]+)`", line[0])}


def known_keys(check):
    """The keys that a check made by schema.fields accepts."""
    return set(inspect.getclosurevars(check).nonlocals["known"])


# ---- documents

def test_there_are_documents():
    assert {"README.md", "README.ko.md", "CONTRIBUTING.md", "docs/architecture.md", "docs/operations.md"} <= set(DOCUMENTS)


@pytest.mark.parametrize("document", DOCUMENTS)
def test_links_resolve(document):
    for target in re.findall(r"\[[^\]]*\]\(([^)\s]+)\)", text(document)):
        if re.match(r"[a-z]+:", target):
            continue
        path, _hash, fragment = target.partition("#")
        found = ((ROOT / document).parent / path).resolve() if path else ROOT / document
        assert found.exists(), f"{document}: {target} is not there"
        if fragment:
            assert fragment in anchors(found.relative_to(ROOT).as_posix()), f"{document}: {target} has no such heading"


@pytest.mark.parametrize("playbook", sorted(path.name for path in ROOT.glob("playbooks/*.yml")))
def test_every_playbook_is_in_the_readme_and_a_document(playbook):
    assert f"(playbooks/{playbook})" in text("README.md")
    assert playbook in "".join(text(document) for document in DOCUMENTS if document.startswith("docs/"))


@pytest.mark.parametrize("document", DOCUMENTS)
def test_playbooks_of_the_documents_exist(document):
    for name in re.findall(r"playbooks/([a-z_]+\.yml)", text(document)):
        assert (ROOT / "playbooks" / name).is_file(), f"{document}: playbooks/{name} is not there"


@pytest.mark.parametrize("document", DOCUMENTS)
def test_make_targets_of_the_documents_exist(document):
    targets = set(re.findall(r"^([a-z-]+):", text("Makefile"), re.M))
    assert set(re.findall(r"(?:^ +|`)make ([a-z-]+)", text(document), re.M)) <= targets


# ---- variables

@pytest.mark.parametrize("document", DOCUMENTS)
def test_variables_of_the_documents_exist(document):
    for name in sorted(set(VARIABLE.findall(text(document))) - NAMES - modules()):
        assert re.search(rf"\b{name}\b", sources()), f"{document}: nothing reads {name}"


def test_every_variable_of_the_platform_is_documented():
    wanted = {name for name in yaml.safe_load(text("roles/platform/defaults/main.yml")) if name.startswith("dwp_")}
    assert not wanted - set(re.findall(r"^\| `(dwp_[a-z_]+)`", text("docs/variables.md"), re.M))


def test_every_variable_that_a_playbook_reads_is_documented():
    """Those that have no default in a role are easily forgotten: they stand in a playbook alone."""
    files = [*ROOT.glob("playbooks/**/*.yml"), *ROOT.glob("roles/*/tasks/*.yml")]
    read = "".join(path.read_text(encoding="utf-8") for path in files)
    names = set(VARIABLE.findall(re.sub(r"dwp\.backend\.\w+|#.*", "", read)))
    assert not sorted(names - set(re.findall(r"`(dwp_[a-z_]+)`", text("docs/variables.md"))))


@pytest.mark.parametrize("name", ["dwp_root", "dwp_manager", "dwp_user", "dwp_aura_url", "dwp_build_ref", "dwp_build_command",
                                  "dwp_build_timeout", "dwp_keep_releases", "dwp_on_failure", "dwp_lock_expiry", "dwp_confirm"])
def test_defaults_of_variables(name):
    default = yaml.safe_load(text("roles/platform/defaults/main.yml"))[name]
    line = re.search(rf"^\| `{name}` \| (.*?) \|", text("docs/variables.md"), re.M).group(1)
    assert line.strip("`") == str(default).replace("False", "false")


# ---- catalogue

#: A word for a type in the tables, a value that has it, and one that has not.
TYPES = {
    "text": ("x", {}), "path": ("/x", {}), "port": (8080, 70000), "number": (17, "x"), "seconds": (10, "x"), "boolean": (True, "x"),
    "mapping": ({}, "x"), "sha256": ("a" * 64, "abc"), "variable": ("A_B", "1A"), "list of services": (["auth"], "auth"),
    "list of variables": (["A"], "A"), "list of texts": (["-Xmx1g"], "x"), "list of rungs": ([{"kind": "tcp"}], [{}]),
    "list of numbers": ([200], 200), "list of paths": (["/x"], ["x"]),
}
SERVICE = rows("docs/catalogue.md", "A service")
DATABASE = rows("docs/catalogue.md", "database")
RUNG = rows("docs/catalogue.md", "A rung of the ladder")
COMPONENT = rows("docs/catalogue.md", "A component")
BALANCER = rows("docs/catalogue.md", "The balancer")
CHECKS = {
    "service": (SERVICE, schema.SERVICE),
    "database": (DATABASE, inspect.getclosurevars(schema.SERVICE["database"]).nonlocals["known"]),
    "rung": (RUNG, inspect.getclosurevars(schema.RUNG).nonlocals["known"]),
    "component": (COMPONENT, schema.COMPONENTS["postgres"]),
    "balancer": (BALANCER, schema.COMPONENTS["balancer"]),
}


def test_every_key_of_the_catalogue_is_documented():
    assert set(SERVICE) == set(schema.SERVICE)
    assert set(DATABASE) == known_keys(schema.SERVICE["database"])
    assert set(RUNG) == known_keys(schema.RUNG)
    assert set(COMPONENT) == {*schema.COMPONENTS["postgres"], *schema.COMPONENTS["redis"]}
    assert set(BALANCER) == set(schema.COMPONENTS["balancer"])


@pytest.mark.parametrize("kind, key", [(kind, key) for kind, (table, _checks) in CHECKS.items() for key in table])
def test_types_are_those_that_the_catalogue_checks(kind, key):
    table, checks = CHECKS[kind]
    words = table[key][1]
    if "`" in words:  # one of these words
        allowed = re.findall(r"`([^`]+)`", words)
        assert all(not checks[key](word, key) for word in allowed)
        assert re.findall(r"[A-Za-z_][\w-]*", checks[key]("-", key)[0].partition("not one of ")[2]) == allowed
        return
    names = [row for row in table if table[row] is table[key]]
    word = words.split(", ")[names.index(key) if ", " in words else 0]
    good, bad = ({"name": "x"}, "x") if key == "database" else TYPES[word]
    assert not checks[key](good, key)
    if (kind, key) not in {("rung", "ca_cert")} and "password" not in key:
        assert checks[key](bad, key), f"{kind}.{key} takes {bad!r}, so it is not {word}"


def test_defaults_of_a_service():
    for key, (_name, _type, default, *_meaning) in SERVICE.items():
        if key in ("artifact", "port"):
            assert key not in catalogue.SERVICE_DEFAULTS
            continue
        assert yaml.safe_load(default.strip("`")) == catalogue.SERVICE_DEFAULTS[key], key


def test_defaults_of_a_rung():
    assert RUNG["status"][2] == f"`{list(_probe_model.Rung.status)}`"
    assert RUNG["method"][2] == f"`{_probe_model.Rung.method}`" and RUNG["scheme"][2] == f"`{_probe_model.Rung.scheme}`"
    assert RUNG["path"][2] == f"`{_probe_model.DEFAULT_PATHS['actuator']}` for `actuator`"
