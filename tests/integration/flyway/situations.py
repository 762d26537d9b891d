# Copyright (c) 2026 dwp.backend contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Generated situations: files, a schema history and options, drawn by a seed.

Most are drawn around what could really happen (files are applied, then files or rows change), so that every state and
error code comes up, and some hold what only a person with psql brings about.
"""

from __future__ import annotations

import random
from dataclasses import dataclass, field
from typing import Any

from ansible_collections.dwp.backend.plugins.module_utils._flyway.checksum import checksum_of_bytes

VERSIONS = ["1", "1.1", "1_2", "2", "2.0.1", "3", "01.5", "4", "5", "9", "10", "1_10", "20240101", "7.0", "+22", "12345678901234567890"]
DESCRIPTIONS = ["aa", "add_users", "a__b_c", "한글_설명", "with space", "", "x" * 205, "Grüße"]
REPEATABLES = ["r1", "r2", "r_views", "함수", "Z upper", "a lower", "\U0001f600 late", "\uff5e early"]
TEXTS = [
    b"select 1;",
    b"select 1;\n",
    b"select 1;\r\nselect 2;\r\n",
    b"select 1;\rselect 2;\r",
    b"\xef\xbb\xbfselect 1;\n",
    b"\xef\xbb\xbf\xef\xbb\xbfselect 1;\n",
    b"",
    b"\xef\xbb\xbf",
    b"\n\n select 1; \n\n\n",
    "-- 한글 é \U0001f600\nselect 1;\n".encode(),
    "select 1;\x0bselect 2;\x0c\u0085\u2028select 3;".encode(),
    b"-- Rollback: DROP TABLE x;\ncreate table x(i int);\n",
    b"select '${name}', '${Other}';\n",
    b"select '$${name}', '$$${name}', '$ {name}';\n",
    b"-- ${flyway:defaultSchema}.${FLYWAY:TABLE} ${flyway:filename} ${flyway:user} ${flyway:database} ${empty}x\n",
]
PLACEHOLDERS = {"name": "value", "other": "ünï\ncode", "empty": ""}
UNKNOWN_PLACEHOLDERS = [b"select ${nope};", b"select ${flyway:nope};", b"select ${open"]
TARGETS = [None, None, None, None, "latest", "current", "next", "2", "3", "2?", "4?", "99?", "10", "1.0"]
ODD_NAMES = [
    "V9a__bad.sql", "V__none.sql", "R1__x.sql", "X1__y.sql", "V24..1__d.sql", "V3__x.sql.bak", "U1__undo.sql", "V12 __s.sql",
    "beforeMigrate.sql", "afterMigrate__x.sql", ".hidden/V50__h.sql", "R.sql", "notes.txt", "Vlatest__x.sql", "B__x.sql",
]  # fmt: skip
PATTERNS = [
    ["*:future"],
    ["*:future"],
    ["*:future"],
    ["*:pending"],
    ["*:missing", "*:future"],
    ["versioned:pending"],
    ["repeatable:pending", "versioned:pending", "*:future"],
    ["*:ignored", "repeatable:missing"],
    ["versioned:missing", "versioned:future"],
    ["*:*"],
    ["Versioned:*"],
]


@dataclass
class Row:
    """A row to insert into the history; the rank is its place, or the one given."""

    version: str | None
    description: str
    type: str
    script: str
    checksum: int | None
    success: bool = True
    rank: int | None = None


@dataclass
class Situation:
    """One question to both sides."""

    name: str
    files: dict[str, bytes] = field(default_factory=dict)
    rows: list[Row] = field(default_factory=list)
    options: dict[str, Any] = field(default_factory=dict)  # of the module
    history: bool = True  # is there a history table?
    schema: bool = True  # is there a schema?
    content: bool = False  # is there anything else in the schema?
    schema_by: str = "default_schema"  # default_schema, schemas, both, search_path


def generate(seed: int, number: int) -> Situation:
    """The situation with this number; always the same for a seed."""
    return _Maker(random.Random(f"{seed}/{number}"), f"{seed}/{number}").make()


class _Maker:
    def __init__(self, rng: random.Random, name: str) -> None:
        self.rng = rng
        self.out = Situation(name)

    def chance(self, probability: float) -> bool:
        return self.rng.random() < probability

    def make(self) -> Situation:
        out, rng = self.out, self.rng
        out.options["encoding"] = rng.choice(["UTF-8"] * 8 + ["ISO-8859-1", "windows-1252", "UTF-16"])
        self._files()
        self._options()
        applied = dict(out.files)
        self._rows(applied)
        self._drift()
        self._oddities()
        if "sql_migration_prefix" in out.options:
            out.files = {_renamed(path): data for path, data in out.files.items()}
        out.schema_by = rng.choice(["default_schema", "schemas", "both", "search_path"])
        if self.chance(0.06):
            out.rows, out.history = [], False
            out.content = self.chance(0.5)
        if self.chance(0.05):
            out.rows, out.history, out.schema, out.content = [], False, False, False
            out.schema_by = rng.choice(["default_schema", "schemas", "both"])
        return out

    def _text(self, repeatable: bool = False) -> bytes:
        text = self.rng.choice(TEXTS[12:] if repeatable and self.chance(0.5) else TEXTS)
        if self.out.options["encoding"] == "UTF-8":
            return text
        return self._encoded(text.decode("utf-8").lstrip("\ufeff"))

    def _encoded(self, plain: str) -> bytes:
        encoding = self.out.options["encoding"]
        if encoding == "UTF-8":
            return plain.encode()
        if encoding == "UTF-16":
            return plain.encode(self.rng.choice(["utf-16", "utf-16-be"]))
        return "".join(letter for letter in plain if ord(letter) < 0x80 or letter in "éüï").encode("latin-1")

    def _name(self, prefix: str, version: str) -> str:
        description = self.rng.choice(DESCRIPTIONS)
        if not description and self.chance(0.5):
            return f"{prefix}{version}{self._suffix()}"
        folder = self.rng.choice(["", "", "", "sub/", "sub/deep er/"])
        return f"{folder}{prefix}{version}__{description}{self._suffix()}"

    def _suffix(self) -> str:
        return self.rng.choice([".sql"] * 8 + [".SQL", ".Sql"])

    def _files(self) -> None:
        rng, files = self.rng, self.out.files
        for version in rng.sample(VERSIONS, rng.choice([0, 1, 3, 4, 6, 8])):
            files[self._name("V", version)] = self._text()
        if self.chance(0.3):
            for version in rng.sample(VERSIONS, rng.choice([1, 1, 2])):
                files[self._name("B", version)] = self._text()
        for description in rng.sample(REPEATABLES, rng.choice([0, 1, 2, 3])):
            files[f"R__{description}{self._suffix()}"] = self._text(repeatable=True)
        if self.chance(0.1):
            files[f"R__r1{rng.choice(['.sh', '.py', ''])}"] = self._encoded("#!/bin/sh\necho FP__name__ FP__flyway:table__\n")
            files.pop("R__r1.sql", None)
        if self.chance(0.08):
            files[f"V6__script{rng.choice(['.sh', '.PS1', ''])}"] = self._encoded("#!/bin/sh\necho 1\n")

    def _options(self) -> None:
        rng, options = self.rng, self.out.options
        options["target"] = rng.choice(TARGETS)
        options["out_of_order"] = self.chance(0.3)
        options["ignore_migration_patterns"] = rng.choice(PATTERNS)
        options["placeholders"] = dict(PLACEHOLDERS)
        if self.chance(0.1):
            options["placeholder_replacement"] = False
        if self.chance(0.08):
            options["placeholder_prefix"], options["placeholder_suffix"] = rng.choice([("@@", "@@"), ("{{{", "}}"), ("$", "$")])
        if self.chance(0.05):
            options["table"] = rng.choice(["schema_version", 'odd "name"', "Tabelle"])
        if self.chance(0.05):
            options["sql_migration_prefix"], options["sql_migration_separator"] = "Ver", "-"
        if self.chance(0.04):
            options["sql_migration_suffixes"] = [".pgsql", ".sql"]

    def _row_for(self, path: str, data: bytes) -> Row:
        """The row that migrate would have written, as far as it matters."""
        name = path.rpartition("/")[2]
        stem = name.rpartition(".")[0] if "." in name[-6:] else name
        head, _separator, tail = stem.partition("__")
        description = tail.replace("_", " ")
        if len(description) > 200:
            description = description[:197] + "..."
        version = head[1:].replace("_", ".") or None
        kind = "SQL_BASELINE" if head[:1] == "B" else "SQL"
        if kind == "SQL" and not name.lower().endswith(".sql"):
            kind = "SCRIPT"
        encoding = {"UTF-16": "utf-16"}.get(self.out.options["encoding"], self.out.options["encoding"])
        return Row(version, description, kind, path, checksum_of_bytes(data, encoding))

    def _rows(self, applied: dict[str, bytes]) -> None:
        rng, rows = self.rng, self.out.rows
        if self.chance(0.2):
            rows.append(Row(None, "<< Flyway Schema Creation >>", "SCHEMA", '"x"', None, rank=0))
        if self.chance(0.2):
            version = rng.choice(["0", "1", "2", "3"])
            rows.append(Row(version, "<< Flyway Baseline >>", "BASELINE", "<< Flyway Baseline >>", None))
        candidates = [self._row_for(path, data) for path, data in applied.items() if self.chance(0.7)]
        if self.chance(0.6):
            candidates.sort(key=lambda row: (row.version is None, _numbers(row.version)))
        else:
            rng.shuffle(candidates)
        rows.extend(candidates)
        for _row in range(rng.choice([0, 0, 0, 1, 2])):  # rows of files that are gone
            version = rng.choice([*VERSIONS, "99", "100.1", None])
            gone = Row(version and version.replace("_", "."), "gone", "SQL", "gone.sql", 5, success=self.chance(0.75))
            rows.insert(rng.randint(0, len(rows)) if self.chance(0.5) else len(rows), gone)
        for row in list(rows):
            if row.type in ("SCHEMA", "BASELINE"):
                continue
            if self.chance(0.1):
                row.success = False
            if row.version is None and self.chance(0.08):
                row.type = "SCRIPT" if row.type == "SQL" else "SQL"
            elif self.chance(0.12):
                row.checksum = rng.choice([None, 123])
            if self.chance(0.06):
                row.description = "renamed"
            if self.chance(0.05) and row.version:
                row.type = rng.choice(["JDBC", "SQL_BASELINE", "SCRIPT", "SPRING_JDBC", "CUSTOM"])
            if row.version is None and self.chance(0.35):  # ran before, with another text
                rows.insert(rows.index(row), Row(None, row.description, row.type, row.script, 77))
        for row in list(rows):
            if row.type not in ("SCHEMA", "BASELINE") and self.chance(0.12):
                delete = Row(row.version, row.description, "DELETE", row.script, row.checksum, self.chance(0.8))
                rows.insert(rng.randint(rows.index(row) + 1, len(rows)), delete)
                if self.chance(0.4):  # and applied again
                    rows.append(Row(row.version, row.description, row.type, row.script, row.checksum))

    def _drift(self) -> None:
        """Files change after they were applied."""
        files = self.out.files
        for path in list(files):
            if self.chance(0.08):
                files[path] = self._text()
            elif self.chance(0.06):
                del files[path]

    def _oddities(self) -> None:
        rng, out = self.rng, self.out
        files = out.files
        if self.chance(0.25):
            files[rng.choice(ODD_NAMES)] = self._encoded("select 1;")
        if self.chance(0.04):
            out.options["validate_migration_naming"] = True
        if self.chance(0.05):
            for path in [path for path in files if path.rpartition("/")[2].startswith(("V1_", "V1.", "B1"))]:
                del files[path]  # of three, Flyway names two at random, and a B between them hides them
            files["V1.0__again.sql"] = self._encoded("select 'again';")
            files["V1__again.sql"] = self._encoded("select 'once more';")
        if self.chance(0.04):
            files["R__twice.sql"] = self._encoded("select 1;")
            files["sub/R__twice.sql"] = self._encoded("select 2;")
        if self.chance(0.04) and not out.options["encoding"].startswith("UTF-16"):
            files["R__unknown.sql"] = rng.choice(UNKNOWN_PLACEHOLDERS)
        if self.chance(0.03) and out.options["encoding"] == "UTF-8":
            files["V60__bytes.sql"] = b"select '\xff\xfe';"
        if self.chance(0.12) and out.options["encoding"] != "UTF-16":
            self._conf()
        if self.chance(0.1):
            out.rows.append(self._odd_row())

    def _conf(self) -> None:
        path = self.rng.choice(["V61__conf.sql", "R__conf.sql"])
        text = self.rng.choice(
            [
                "encoding=UTF-16\n",
                "placeholderReplacement=false\n",
                "executeInTransaction = true\n# comment\n",
                "executeInTransaction: FALSE",
                "foo=1\n",
                "a=1\nb=2\n",
                "shouldExecute=true\n",
                "placeholderReplacement=maybe\n",
                "encoding=ISO-8859-1\r\nplaceholderReplacement=true\r\n",
            ]
        )
        self.out.files[path] = "select 'ü ${name}';\n".encode("utf-16" if "UTF-16" in text else "latin-1")
        if "ISO" not in text and "UTF-16" not in text:
            self.out.files[path] = b"select '${name}';\n"
        self.out.files[path + ".conf"] = text.encode()

    def _odd_row(self) -> Row:
        kind = self.rng.choice(
            ["UNDO_SQL", "sql", "sql_baseline", "SQL_STATE_SCRIPT", "UNDO_SCRIPT", "version", "double delete", "double delete"]
        )
        if kind == "version":
            return Row("1a", "odd", "SQL", "odd.sql", 1)
        if kind == "double delete":
            for _row in range(2):
                self.out.rows.append(Row("3", "odd", "DELETE", "odd.sql", 1))
            self.out.rows.insert(0, Row("3", "odd", "SQL", "odd.sql", 1))
            return Row(None, "odd", "DELETE", "odd.sql", 1)
        return Row(self.rng.choice(["1", "2"]), "odd", kind, "odd.sql", 1)


def _numbers(version: str | None) -> list[int]:
    return [int(part) for part in version.split(".")] if version else []


def _renamed(path: str) -> str:
    """The name of a file for prefix Ver and separator -."""
    folder, slash, name = path.rpartition("/")
    name = name.replace("__", "-", 1)
    return folder + slash + (f"Ver{name[1:]}" if name.startswith("V") else name)
