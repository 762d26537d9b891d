# Copyright (c) 2026 dwp.backend contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Versions and file names."""

from __future__ import annotations

from itertools import zip_longest

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ansible_collections.dwp.backend.plugins.module_utils._flyway.errors import FlywayError
from ansible_collections.dwp.backend.plugins.module_utils._flyway.names import (
    CALLBACKS,
    CURRENT,
    EMPTY,
    LATEST,
    NEXT,
    Naming,
    Version,
    is_script,
    java_order,
    parse_name,
    parse_target,
    parse_undo_name,
)

EQUAL = [("1", "1.0"), ("1", "01"), ("1", "1_0"), ("1.0.0", "1"), ("+22", "22"), ("0", "0.0"), ("٣", "3")]
ASCENDING = ["-1", "0", "0.1", "1", "1.0.1", "1.1", "1.9", "1.10", "2", "10", "20240101120000", "9" * 40]
INVALID = [
    "",
    "9a",
    "12 ",
    " 12",
    "13-1",
    "23.",
    "24..1",
    ".1",
    "1._2",
    "1_000a",
    "0x10",
    "1e3",
    "+-1",
    "+",
    "1.-1",
    "1.+1",
    "x",
    "9" * 5000,
]


@pytest.mark.parametrize(("one", "other"), EQUAL)
def test_equal_versions(one: str, other: str) -> None:
    assert Version.parse(one) == Version.parse(other)
    assert hash(Version.parse(one)) == hash(Version.parse(other))


def test_order_of_versions() -> None:
    versions = [Version.parse(text) for text in ASCENDING]
    backwards = versions[::-1]
    assert sorted(backwards) == versions
    assert max(versions) < LATEST and min(versions) > CURRENT and EMPTY < CURRENT


@pytest.mark.parametrize("text", INVALID)
def test_invalid_versions(text: str) -> None:
    with pytest.raises(FlywayError, match=r"Version may only contain 0\.\.9 and \. \(dot\)\. Invalid version: "):
        Version.parse(text)


@pytest.mark.parametrize(("text", "shown"), [("01.2", "01.2"), ("1_10", "1.10"), ("latest", "9223372036854775807"), ("1.0", "1.0")])
def test_shown_text(text: str, shown: str) -> None:
    assert Version.parse(text).text == shown


@pytest.mark.parametrize(("text", "version"), [("LATEST", LATEST), ("9223372036854775807", LATEST), ("current", CURRENT), ("Next", NEXT)])
def test_special_versions(text: str, version: Version) -> None:
    assert Version.parse(text) is version


NAMES = [
    ("V1__add_users.sql", "V", "1", "add users", ""),
    ("V1_2__a__b_c.sql", "V", "1.2", "a  b c", ""),
    ("V2.sql", "V", "2", "", ""),
    ("V3__.sql", "V", "3", "", ""),
    ("V7__up.SQL", "V", "7", "up", ""),
    ("V8__한글 설명.sql", "V", "8", "한글 설명", ""),
    ("V+22__plus.sql", "V", "+22", "plus", ""),
    ("V1.2.sql__x.sql", "V", None, "x", "could not recognise version number 1.2.sql"),
    ("R__views.sql", "R", None, "views", ""),
    ("R.sql", "R", None, "", ""),
    ("R1__views.sql", "R", None, "views", "It cannot contain a version and should look like this: R__views.sql"),
    ("B5__base.sql", "B", "5", "base", ""),
    ("B__base.sql", "B", None, "base", "It must contain a version and should look like this: B1.2__base.sql"),
    ("V__none.sql", "V", None, "none", "It must contain a version and should look like this: V1.2__none.sql"),
    ("V.sql", "V", None, "", "should look like this: V1.2__description.sql"),
    ("V9a__x.sql", "V", None, "x", "Invalid versioned migration name format: V9a__x.sql (could not recognise version number 9a)"),
    ("v1__small.sql", "", None, "", "Unrecognised migration name format: v1__small.sql"),
    ("U1__undo.sql", "", None, "", "Unrecognised migration name format: U1__undo.sql"),
    ("beforeMigrate.sql", "callback", None, "", ""),
    ("afterMigrate__x.sql", "callback", None, "x", ""),
    ("afterMigrateError__x.sql", "callback", None, "x", ""),
    ("notes.sql", "", None, "", "Unrecognised migration name format: notes.sql"),
]


@pytest.mark.parametrize(("name", "kind", "version", "description", "problem"), NAMES, ids=[case[0] for case in NAMES])
def test_names(name: str, kind: str, version: str | None, description: str, problem: str) -> None:
    parsed = parse_name(name, Naming())
    assert parsed.kind == kind
    assert (parsed.version.text if parsed.version else None) == version
    assert parsed.description == description
    assert problem in parsed.problem and bool(problem) == bool(parsed.problem)


def test_longest_prefix_wins() -> None:
    naming = Naming(sql_prefix="V", repeatable_prefix="VR", baseline_prefix="VB")
    assert [parse_name(name, naming).kind for name in ("VR__x.sql", "VB1__x.sql", "V1__x.sql")] == ["R", "B", "V"]


def test_other_naming() -> None:
    naming = Naming("Ver", "Rep", "Base", "Undo", "-", (".pgsql", ".ddl.sql"))
    assert parse_name("Ver1_1-add-users.DDL.SQL", naming).description == "add-users"
    undo = parse_undo_name("Undo1-x.pgsql", naming)
    assert undo is not None and undo.version == Version.parse("1")


@pytest.mark.parametrize("name", ["U__x.sql", "Ua__x.sql", "V1__x.sql", "U1__x.txt"])
def test_no_sidecar(name: str) -> None:
    assert parse_undo_name(name, Naming()) is None


@pytest.mark.parametrize(("name", "yes"), [("V1__x", True), ("V1__x.", True), ("V1__x.sh", True), ("V1__x.PS1", True),
                                           ("V1.2__x", False), ("V1__x.txt", False), ("V1__x.sql.conf", False)])  # fmt: skip
def test_scripts(name: str, yes: bool) -> None:
    assert is_script(name) is yes


@pytest.mark.parametrize(
    ("text", "version", "must_exist"),
    [(None, None, False), ("", None, False), ("latest", None, False), ("4", Version.parse("4"), True), ("4?", Version.parse("4"), False),
     ("current", CURRENT, False), ("next", NEXT, False)],
)  # fmt: skip
def test_target(text: str | None, version: Version | None, must_exist: bool) -> None:
    assert parse_target(text) == (version, must_exist)


def test_java_orders_by_utf_16_units() -> None:
    assert sorted(["\uff5e", "\U0001f600", "a"], key=java_order) == ["a", "\U0001f600", "\uff5e"]


numbers = st.lists(st.integers(min_value=0, max_value=10**30), min_size=1, max_size=6)


@given(numbers, numbers)
def test_versions_compare_number_by_number(one: list[int], other: list[int]) -> None:
    left, right = (Version.parse(".".join(map(str, parts))) for parts in (one, other))
    pairs = list(zip_longest(one, other, fillvalue=0))
    assert (left == right) == all(a == b for a, b in pairs)
    assert (left < right) == ([a for a, _other in pairs] < [b for _other, b in pairs])


@given(numbers, st.sampled_from("._"), st.integers(0, 3))
def test_zeros_and_separators_do_not_matter(parts: list[int], separator: str, zeros: int) -> None:
    text = separator.join([f"0{part}" for part in parts] + ["0"] * zeros)
    assert Version.parse(text) == Version.parse(".".join(map(str, parts)))


@given(st.text(max_size=40))
def test_any_text_is_a_version_or_refused(text: str) -> None:
    try:
        version = Version.parse(text)
    except FlywayError:
        return
    assert version in (CURRENT, NEXT) or Version.parse(version.text) == version


@given(st.text(max_size=60))
def test_any_name_is_taken_apart_or_refused(name: str) -> None:
    parsed = parse_name(name, Naming())
    if not parsed.problem:
        assert name.startswith(parsed.prefix) and name.lower().endswith(parsed.suffix.lower())
        assert parsed.kind in ("V", "R", "B", "callback")
        assert (parsed.version is not None) == (parsed.kind in ("V", "B"))


word = st.text(st.characters(blacklist_characters="_/\0", blacklist_categories=("Cs",)), min_size=1, max_size=12)


@given(st.sampled_from("VB"), numbers, st.lists(word, min_size=1, max_size=4))
def test_a_name_put_together_comes_apart_again(prefix: str, parts: list[int], words: list[str]) -> None:
    name = f"{prefix}{'_'.join(map(str, parts))}__{'_'.join(words)}.sql"
    parsed = parse_name(name, Naming())
    assert parsed.problem == "" and parsed.kind == prefix and parsed.plain == name
    assert parsed.version == Version.parse(".".join(map(str, parts)))
    assert parsed.description == " ".join(words)


@given(st.sampled_from(sorted(CALLBACKS)), word)
def test_callbacks_are_no_migrations(name: str, what: str) -> None:
    assert parse_name(f"{name}__{what}.sql", Naming()).kind == "callback"
