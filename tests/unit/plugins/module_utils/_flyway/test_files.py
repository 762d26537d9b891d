# Copyright (c) 2026 dwp.backend contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Locations, .conf files, encodings and placeholders."""

from __future__ import annotations

import os
import zipfile
import zlib
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ansible_collections.dwp.backend.plugins.module_utils._flyway.checksum import checksum, checksum_of_bytes, python_encoding
from ansible_collections.dwp.backend.plugins.module_utils._flyway.conf import ScriptConf, parse_conf, read_properties
from ansible_collections.dwp.backend.plugins.module_utils._flyway.errors import FlywayError, Refusal
from ansible_collections.dwp.backend.plugins.module_utils._flyway.migrations import FileOptions, resolve
from ansible_collections.dwp.backend.plugins.module_utils._flyway.placeholders import Placeholders
from ansible_collections.dwp.backend.plugins.module_utils._flyway.scan import parse_location, scan


def tree(root: Path, *names: str) -> None:
    for name in names:
        path = root / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(f"-- {name}")


def scripts(*locations: str, jar: str | None = None) -> list[str]:
    return [one.relative for one in scan(list(locations), jar).resources]


class TestLocations:
    def test_directories_below_are_read_and_hidden_ones_are_not(self, tmp_path: Path) -> None:
        tree(tmp_path, "V1__a.sql", "sub/deep/V2__b.sql", ".git/V3__c.sql", "sub/.x/V4__d.sql", ".V5__e.sql")
        assert scripts(str(tmp_path)) == [".V5__e.sql", "V1__a.sql", "sub/deep/V2__b.sql"]

    @pytest.mark.parametrize("spelling", ["{0}", "filesystem:{0}", "{0}/", " filesystem:{0}// "])
    def test_spellings_of_a_directory(self, spelling: str, tmp_path: Path) -> None:
        tree(tmp_path, "V1__a.sql")
        assert scripts(spelling.format(tmp_path)) == ["V1__a.sql"]

    def test_duplicate_and_nested_locations_count_once(self, tmp_path: Path) -> None:
        tree(tmp_path, "a/V1__a.sql", "a/b/V2__b.sql", "ab/V3__c.sql")
        found = scan([f"{tmp_path}/a/b", f"{tmp_path}/a", f"{tmp_path}/ab", f"{tmp_path}/a/"])
        assert [one.relative for one in found.resources] == ["V1__a.sql", "b/V2__b.sql", "V3__c.sql"]
        assert [warning.split("'")[0] for warning in found.warnings] == ["Discarding duplicate location ", "Discarding location "]

    @pytest.mark.parametrize(
        ("pattern", "expected"),
        [
            ("db/*/sql", ["V1__a.sql", "deep/V3__c.sql", "V2__b.sql"]),
            ("db/on?/sql", ["V1__a.sql", "deep/V3__c.sql"]),
            ("db/**/sql", ["V1__a.sql", "deep/V3__c.sql", "V2__b.sql", "V4__d.sql"]),
            ("db/one/sql/V?__*.sql", ["sql/V1__a.sql"]),
        ],
    )
    def test_wildcards(self, pattern: str, expected: list[str], tmp_path: Path) -> None:
        tree(tmp_path, "db/one/sql/V1__a.sql", "db/two/sql/V2__b.sql", "db/one/sql/deep/V3__c.sql", "db/x/y/sql/V4__d.sql", "db/V5.sql")
        found = scripts(f"{tmp_path}/{pattern}")
        assert sorted(name.rpartition("/")[2] for name in found) == sorted(name.rpartition("/")[2] for name in expected)

    def test_a_loop_of_links_ends(self, tmp_path: Path) -> None:
        tree(tmp_path, "a/V1__a.sql")
        os.symlink(tmp_path, tmp_path / "a" / "loop")
        found = scan([str(tmp_path)])
        assert [one.relative for one in found.resources] == ["a/V1__a.sql"] and "leads back" in found.warnings[0]

    def test_a_jar_is_read_in_place(self, tmp_path: Path) -> None:
        jar = tmp_path / "app.jar"
        with zipfile.ZipFile(jar, "w", zipfile.ZIP_DEFLATED) as archive:
            archive.writestr("db/migration/V9__plain.sql", "root")
            archive.writestr("BOOT-INF/classes/db/migration/V1__boot.sql", "boot")
            archive.writestr("BOOT-INF/classes/db/migration/.d/V2__dot.sql", "boot")
            archive.writestr("BOOT-INF/lib/other.jar", b"PK")
        assert scripts(str(jar)) == [".d/V2__dot.sql", "V1__boot.sql"]  # in a jar Flyway does not skip such directories
        assert scripts(f"{jar}!/db/migration/") == ["V9__plain.sql"]
        assert scripts("classpath:/db/migration/", jar=str(jar)) == [".d/V2__dot.sql", "V1__boot.sql"]
        assert scripts("classpath:db/*", jar=str(jar)) == [".d/V2__dot.sql", "V1__boot.sql"]
        resource = scan([str(jar)]).resources[1]
        assert resource.read() == b"boot" and resource.label == f"{jar}!/BOOT-INF/classes/db/migration/V1__boot.sql"
        assert sorted(os.listdir(tmp_path)) == ["app.jar"]

    def test_a_jar_that_vanishes_is_a_clear_error(self, tmp_path: Path) -> None:
        tree(tmp_path, "V1__a.sql")
        resource = scan([str(tmp_path)]).resources[0]
        (tmp_path / "V1__a.sql").unlink()
        with pytest.raises(FlywayError, match=r"Cannot read .*V1__a\.sql"):
            resource.read()

    def test_a_jar_with_damaged_content_is_a_clear_error(self, tmp_path: Path) -> None:
        jar = tmp_path / "app.jar"
        with zipfile.ZipFile(jar, "w", zipfile.ZIP_DEFLATED) as archive:
            archive.writestr("db/migration/V1__a.sql", b"SELECT 1;" * 100)
        content = jar.read_bytes()
        start = content.index(b"V1__a.sql") + len(b"V1__a.sql")
        for damage in (b"\xff" * 8, content[start : start + 4] + b"\x00" * 4):  # no deflate at all; another text
            jar.write_bytes(content[:start] + damage + content[start + 8 :])
            with pytest.raises(FlywayError, match=r"Cannot read .*app\.jar!/db/migration/V1__a\.sql"):
                scan([str(jar)]).resources[0].read()

    def test_class_path_without_a_jar(self) -> None:
        with pytest.raises(FlywayError, match="Set the option jar"):
            parse_location("classpath:db/migration")


CONF = [
    ("", ScriptConf()),
    ("executeInTransaction=false", ScriptConf(execute_in_transaction=False)),
    ("  executeInTransaction : TRUE \r\n# note\n! note\n\n", ScriptConf(execute_in_transaction=True)),
    ("encoding ISO-8859-1\nplaceholderReplacement=true", ScriptConf(encoding="ISO-8859-1", placeholder_replacement=True)),
    ("enco\\u0064ing=UTF-16", None),  # backslashes are doubled before: no escapes
]
REFUSED = [
    ("foo=1", "Unknown configuration property: foo. Please check your script config files"),
    ("b=1\na=2", "Unknown configuration properties: a,b. Please check your script config files"),
    ("placeholderReplacement=maybe", "Invalid value for placeholderReplacement (should be either true or false): maybe"),
    ("shouldExecute=true", "upgrade required: shouldExecute"),
]


@pytest.mark.parametrize(("text", "expected"), CONF)
def test_conf(text: str, expected: ScriptConf | None) -> None:
    if expected is None:
        with pytest.raises(Refusal):
            parse_conf(text, {})
    else:
        assert parse_conf(text, {}) == expected


@pytest.mark.parametrize(("text", "said"), REFUSED)
def test_refused_conf(text: str, said: str) -> None:
    with pytest.raises(Refusal) as caught:
        parse_conf(text, {})
    assert said in caught.value.message


def test_conf_takes_values_from_the_environment() -> None:
    assert read_properties("encoding=${ENC}${NOPE}", {"ENC": "UTF-8"}) == {"encoding": "UTF-8"}


def test_conf_lines_go_on_after_a_backslash() -> None:
    assert read_properties("encoding=UTF\\\n  -8", {}) == {"encoding": "UTF-8"}


class TestEncodings:
    @pytest.mark.parametrize("name", ["UTF-8", "utf8", "ISO-8859-1", "windows-1252", "Cp1252", "US-ASCII", "UTF-16", "UTF-16LE", "MS949",
                                      "x-windows-949", "EUC-KR", "Shift_JIS", "GB18030", "Big5"])  # fmt: skip
    def test_names_of_java(self, name: str) -> None:
        assert python_encoding(name)

    def test_utf_16_without_a_mark_is_big_endian(self) -> None:
        plain = checksum("select 1;")
        assert checksum_of_bytes("select 1;".encode("utf-16-be"), "utf-16") == plain
        assert checksum_of_bytes("select 1;".encode("utf-16"), "utf-16") == plain

    @given(st.text(st.characters(blacklist_categories=("Cs",))))
    def test_checksum_is_that_of_the_lines(self, text: str) -> None:
        lines = text.replace("\r\n", "\n").replace("\r", "\n").split("\n")
        lines[0] = lines[0][1:] if lines[0].startswith("\ufeff") else lines[0]
        assert checksum(text) & 0xFFFFFFFF == zlib.crc32("".join(lines).encode())


REPLACED = [
    ("${a} ${A} ${flyway:USER}", "1 1 me"),
    ("$${a} $$${a} ${", None),
    ("$${a} $$${a}", "$${a} $$1"),
    ("-- ${a} ${empty}.", "-- 1 ."),
    ("${b}", "${a}"),  # values are not replaced again
    ("${flyway:filename}", "R__x.sql"),
    ("no placeholder { } $", "no placeholder { } $"),
]


@pytest.mark.parametrize(("text", "expected"), REPLACED)
def test_placeholders(text: str, expected: str | None) -> None:
    marks = Placeholders({"a": "1", "b": "${a}", "empty": ""}, {"user": "me", "database": None})
    if expected is None:
        with pytest.raises(Refusal, match="No value provided for placeholder"):
            marks.replace(text, "R__x.sql")
    else:
        assert marks.replace(text, "R__x.sql") == expected


def test_an_own_placeholder_without_value_is_said_so() -> None:
    with pytest.raises(Refusal, match=r"Failed to populate value for default placeholder: \$\{flyway:database\}"):
        Placeholders({}, {"database": None}).replace("${flyway:database}")


@given(st.text(st.sampled_from("${}ab \n"), max_size=30))
def test_replacement_never_crashes(text: str) -> None:
    try:
        Placeholders({"a": "1", "": ""}).replace(text)
    except Refusal:
        pass


def test_sidecars_and_java_migrations_are_told(tmp_path: Path) -> None:
    tree(tmp_path, "U2__undo.sql", "V2__two.sql", "V3__Java.class", "V3__Java$1.class", "Other.class")
    found = resolve(scan([str(tmp_path)]).resources, FileOptions(), Placeholders())
    assert [str(one.version) for one in found.undo_files] == ["2"]
    assert any("1 migration(s) written in Java, such as V3__Java.class" in warning for warning in found.warnings)


def test_the_same_file_in_two_locations_is_one_migration(tmp_path: Path) -> None:
    for place in ("a", "b"):
        (tmp_path / place).mkdir()
        (tmp_path / place / "V1__x.sql").write_text("same")
    found = resolve(scan([f"{tmp_path}/a", f"{tmp_path}/b"]).resources, FileOptions(), Placeholders())
    assert len(found.migrations) == 1 and not found.refusals
