# Copyright (c) 2026 dwp.backend contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ansible_collections.dwp.backend.plugins.module_utils._envfile import (
    SHELL_OWNED,
    EnvFileError,
    decode,
    dump,
    encode,
    name_problem,
    parse,
    read,
    value_problem,
)

NAMES = st.from_regex(r"[A-Za-z_][A-Za-z0-9_]{0,12}", fullmatch=True).filter(lambda name: name not in SHELL_OWNED)
VALUES = st.text(st.characters(exclude_characters="\0", exclude_categories=["Cs"])) | st.text(
    st.sampled_from("'\"\\$`#%;&|<>(){}~*?! \t\n\r=가나a1")
)


@given(st.dictionaries(NAMES, VALUES))
def test_what_is_written_is_what_is_read(values):
    assert parse(dump(values))[0] == values
    assert read(dump(values)).problems == []


@given(st.dictionaries(NAMES, VALUES, min_size=1))
def test_equal_environments_give_equal_files_and_true_line_numbers(values):
    text = dump(values)
    assert text == dump(dict(reversed(list(values.items()))))
    lines = text.split("\n")
    for name, line in parse(text)[1].items():
        assert lines[line - 1].startswith(f"{name}='")


@given(st.text(st.characters(exclude_categories=["Cs"])))
def test_reading_anything_never_raises_and_reports_in_order_of_lines(text):
    result = read(text)
    assert set(result.values) == set(result.lines)
    assert all(1 <= problem.line <= text.count("\n") + 1 for problem in result.problems)


@given(st.binary())
def test_bytes_that_are_not_utf8_survive(data):
    assert encode(decode(data)) == data


READ = [
    # id, text, values
    ("plain", "A=1\nB=two\n", {"A": "1", "B": "two"}),
    ("no newline at the end", "A=1", {"A": "1"}),
    ("export", "export A='x y'\n\texport B=2\n", {"A": "x y", "B": "2"}),
    ("comments and blank lines", "# c\n\n   \nA=1\n  # d\n", {"A": "1"}),
    ("empty", "A=\nB=''\nC=\"\"\n", {"A": "", "B": "", "C": ""}),
    ("single quotes keep all", "A='$x `y` \\n \"q\" #'\n", {"A": '$x `y` \\n "q" #'}),
    ("quote in quotes", "A='it'\\''s'\n", {"A": "it's"}),
    ("newline in quotes", "A='one\ntwo'\nB=3\n", {"A": "one\ntwo", "B": "3"}),
    ("double quote escapes", 'A="a\\"b\\\\c\\$d\\`e\\n"\n', {"A": 'a"b\\c$d`e\\n'}),
    ("line continued", "A=one\\\ntwo\n", {"A": "onetwo"}),
    ("line continued in quotes", 'A="one\\\ntwo"\n', {"A": "onetwo"}),
    ("escaped blank", "A=a\\ b\n", {"A": "a b"}),
    ("pieces join", "A='a'\"b\"c\n", {"A": "abc"}),
    ("equals sign in value", "A=b=c\n", {"A": "b=c"}),
    ("hash inside a word", "A=b#c\n", {"A": "b#c"}),
    ("percent and Korean", "A=100%한글\n", {"A": "100%한글"}),
    ("blanks after value", "A=1  \t\nB='2' \n", {"A": "1", "B": "2"}),
    ("comment after quotes", "A='1' # why\nB=2\n", {"A": "1", "B": "2"}),
    ("tab in quotes", "A='a\tb'\n", {"A": "a\tb"}),
    ("carriage return in quotes", "A='a\r'\n", {"A": "a\r"}),
    ("lone dollar at the end", "A=a$\n", {"A": "a$"}),
]


@pytest.mark.parametrize(("text", "values"), [case[1:] for case in READ], ids=[case[0] for case in READ])
def test_reads_without_complaint(text, values):
    result = read(text)
    assert result.values == values
    assert result.problems == []


PROBLEMS = [
    # id, text, severity, line, words of the message, values
    ("command", "A=1\nsource other\n", "error", 2, "not an assignment", {"A": "1"}),
    ("blank before equals", "A =1\n", "error", 1, "not an assignment", {}),
    ("bad name", "1A=x\nA-B=x\n", "error", 1, "not an assignment", {}),
    ("unclosed single", "A=1\nB='x\nC=2\n", "error", 2, "B: the single quote that opens here is", {"A": "1"}),
    ("unclosed double", 'A=1\nB="x\nC=2\n', "error", 2, "B: the double quote that opens here is", {"A": "1"}),
    ("text after quote", "A='x' y\nB=2\n", "error", 1, "A: text follows the closing quote", {"B": "2"}),
    ("NUL", "A='x\0y'\nB=2\n", "error", 1, "A contains a NUL", {"B": "2"}),
    ("unquoted blank", "A=a b\n", "warning", 1, "A holds an unquoted blank;", {"A": "a b"}),
    ("unquoted comment", "A=a # b\n", "warning", 1, "an unquoted blank and #", {"A": "a # b"}),
    ("unquoted dollar", "A=a$b\n", "warning", 1, "an unquoted $ or `", {"A": "a$b"}),
    ("dollar in double quotes", 'A="${b}"\n', "warning", 1, "in double quotes", {"A": "${b}"}),
    ("semicolon", "A=a;b\n", "warning", 1, "an unquoted ;", {"A": "a;b"}),
    ("tilde", "A=~/x\n", "warning", 1, "~ at the start", {"A": "~/x"}),
    ("Windows lines", "A=1\r\nB='2'\r\n", "warning", 1, "CR LF", {"A": "1", "B": "2"}),
    ("byte order mark", "\ufeffA=1\n", "warning", 1, "byte order mark", {"A": "1"}),
    ("comment of systemd", "A=1\n; B=2\n", "warning", 2, "an error for a shell", {"A": "1"}),
    ("set twice", "A=1\nA=2\n", "warning", 2, "A is set again (before in line 1)", {"A": "2"}),
]


@pytest.mark.parametrize("case", PROBLEMS, ids=[case[0] for case in PROBLEMS])
def test_says_what_is_wrong_where(case):
    _name, text, severity, line, words, values = case
    result = read(text)
    assert result.values == values
    first = result.problems[0]
    assert (first.severity, first.line) == (severity, line)
    assert words in first.message
    if severity == "error":
        with pytest.raises(EnvFileError) as caught:
            parse(text, "/etc/dwp/auth.env")
        assert f"/etc/dwp/auth.env:{line}: " in str(caught.value)
    else:
        assert parse(text)[0] == values


def test_all_unreadable_lines_at_once_and_never_their_text():
    with pytest.raises(EnvFileError) as caught:
        parse("hunter2 line\nA='hunter2' hunter2\nhunter2=\nB=hunter2 $hunter2\n")
    assert [problem.line for problem in caught.value.problems] == [1, 2]
    assert "hunter2 " not in str(caught.value).replace("hunter2=", "")


WRITE = [
    ("digit first", {"1A": "x"}, "'1A' is not a variable name"),
    ("newline after name", {"A\n": "x"}, "is not a variable name"),
    ("Korean name", {"이름": "x"}, "is not a variable name"),
    ("owned by the shell", {"UID": "5"}, "UID belongs to the shell"),
    ("NUL", {"A": "hunter2\0"}, "A contains a NUL"),
    ("number", {"A": 8080}, "A is of type int, not text"),
    ("half a surrogate pair", {"A": "hunter2\ud800"}, "A contains half of a surrogate pair"),
]


@pytest.mark.parametrize(("values", "words"), [case[1:] for case in WRITE], ids=[case[0] for case in WRITE])
def test_refuses_what_would_not_arrive(values, words):
    with pytest.raises(EnvFileError) as caught:
        dump({**values, "OK": "fine"}, source="release 7f3c2a1")
    assert str(caught.value).startswith("release 7f3c2a1: ")
    assert words in str(caught.value)
    assert "hunter2" not in str(caught.value)


def test_name_and_value_questions_answer_none_when_all_is_well():
    assert name_problem("DB_HOST") is None
    assert value_problem("줄\n'바꿈'") is None
