# Copyright (c) 2026 dwp.backend contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Taking secrets and control characters out of text that leaves the host.

Log lines are written by whoever sends requests. What leaves this module is plain text: no terminal escapes, no control
or direction-changing characters, and no secret, whether it is known by its value, by the name before it or by its form.
"""

from __future__ import annotations

import base64
import re
from collections.abc import Iterable, Mapping
from urllib.parse import quote, quote_plus, unquote

MASK = "********"
SHORTEST = 6  # known values shorter than this ("8080", "true") would mask half of every line
_NAMES = (
    r"pass(?:word|wd|phrase)?|passwd|pwd|secret|token|api[_-]?key|apikey|access[_-]?key|private[_-]?key|signing[_-]?key|"
    r"credentials?|authorization|cookie|session[_-]?id|jsessionid|bearer"
)
# Repetitions are bounded everywhere: the text is hostile, and a pattern must not take quadratic time on it.
_KEY = rf"(?:(?:{_NAMES})[\w.-]{{0,60}})"
SECRET_NAME = re.compile(rf"(?i)(?:{_NAMES})")
# Names that hold a secret's word but say only something about one.
_HARMLESS = re.compile(
    r"(?i)(?:ttl|timeout|expir\w*|seconds|minutes|length|size|count|name|type|url|uri|path|id|alg\w*|\.(?:java|kt|scala))$"
)

_ESCAPES = re.compile(
    r"\x1b\[[0-?]*[ -/]*[@-~]"  # CSI: colours, cursor, erase
    r"|\x1b[\]P^_X][^\x07\x1b\x9c]{0,4096}(?:\x07|\x1b\\|\x9c)?"  # OSC, DCS, ...: titles, links, clipboard
    r"|\x1b[ -/]*[0-~]?"
    r"|\x9b[0-?]*[ -/]*[@-~]"
)
_CONTROLS = re.compile(r"[\x00-\x08\x0b-\x1f\x7f-\x9f\u061c\u200b-\u200f\u2028-\u202e\u2060-\u2069\ufeff\ufff9-\ufffb\ud800-\udfff]")

_PEM = re.compile(r"-----BEGIN [A-Z ]*PRIVATE KEY-----.*?(?:-----END [A-Z ]*PRIVATE KEY-----|\Z)", re.S)
_JWT = re.compile(r"\beyJ[\w-]{8,500}\.[\w-]{4,}(?:\.[\w-]*)?")
_URL_USER = re.compile(r"(?P<scheme>\b[A-Za-z][\w+.-]{1,30}://)(?P<user>[^\s/@:\"'<>]{0,200}):(?P<secret>[^\s/\"'<>]{1,500})@")
_AUTH = re.compile(r"(?i)\b(?P<scheme>bearer|basic|digest|negotiate|token)\s{1,5}(?P<secret>[A-Za-z0-9+/=_.~-]{6,})")
# JSON, also escaped inside of JSON; "key": "value", 'key': 'value', "key": 123
_QUOTED = re.compile(
    rf"(?i)(?P<key>(?P<name>{_KEY})\\{{0,8}}[\"']\s{{0,20}}[:=]\s{{0,20}})"
    r"(?:(?P<v>\\{0,8}[\"'])(?P<secret>.{0,2000}?)(?<!\\)(?P=v)|(?P<bare>[^\s,}\]]+))",
    re.S,
)
_HEADER = re.compile(
    r"(?i)\b(?P<key>(?P<name>(?:proxy-)?authorization|(?:set-)?cookie|x-[\w-]{0,40}(?:token|key|secret|auth)[\w-]{0,40})"
    r"\s{0,20}[:=]\s{0,20})(?P<secret>[^\r\n\"'}\]]+)"
)
# NAME=value of an environment: up to the next NAME= or the end of the line, as such values may hold blanks.
_SHELL = re.compile(
    rf"(?P<key>\b(?P<name>[A-Z][A-Z0-9_]{{0,60}}?(?i:{_NAMES})[A-Z0-9_]{{0,60}})=)"
    r"(?P<secret>[^\n\"',;&}\]]{1,1000}?)(?=\s+[A-Za-z_]\w{0,60}=|[\n\"',;&}\]]|$)"
)
_PLAIN = re.compile(
    rf"(?i)(?P<key>(?P<name>{_KEY})\s{{0,20}}(?:=|:(?!//))\s{{0,20}})"
    r"(?:\"(?P<dq>[^\"\n]*)\"|'(?P<sq>[^'\n]*)'|(?P<secret>[^\s,;&|)}\]\"'<>]+))"
)
_XML = re.compile(rf"(?i)(?P<key><[\w.:-]{{0,60}}(?P<name>{_KEY})(?:\s[^>]{{0,200}})?>)(?P<secret>[^<]+)(?=</)")
_FORMS = re.compile(
    r"\b(?:AKIA|ASIA)[0-9A-Z]{16}\b|\bgh[pousr]_[A-Za-z0-9]{30,}|\bglpat-[\w-]{20,}|\bxox[abprs]-[\w-]{10,}"
    r"|\$2[aby]\$\d\d\$[./A-Za-z0-9]{53}|\bSCRAM-SHA-256\$\S+"
)


class Scrubber:
    """Built once with the known secrets of the host; `text()` is what every string in a result goes through."""

    def __init__(self, known: Iterable[str] = ()) -> None:
        values = {value for value in known if value and len(value) >= SHORTEST}
        parts = sorted({form for value in values for form in _forms(value)}, key=len, reverse=True)
        self._known = re.compile("|".join(map(re.escape, parts))) if parts else None
        cores = sorted({core for value in values for core in _base64_cores(value)}, key=len, reverse=True)
        self._cores = re.compile("|".join(map(re.escape, cores))) if cores else None

    def text(self, text: str, limit: int | None = None) -> str:
        """Clean first, as an escape inside a word would hide it; cut last, as half a secret is still one."""
        if limit is not None and len(text) > 8 * limit + 8192:
            # Nobody reads the rest, and hostile text is slow to mask. What lies at this cut may be half a secret.
            found = self.mask(clean(text[: 8 * limit + 8192]))[:-1024]
            return f"{found[:limit].rstrip()} [... {len(text) - min(limit, len(found))} more characters]"
        found = self.mask(clean(text))
        if limit is not None and len(found) > limit:
            return found[:limit].rstrip() + f" [... {len(found) - limit} more characters]"
        return found

    def mapping(self, values: Mapping[str, str], most: int) -> dict[str, str]:
        """Names and values that stand apart: a name that says secret masks its value."""
        found = {}
        for name, value in list(values.items())[:most]:
            secret = SECRET_NAME.search(name) and not _harmless(name)
            found[self.text(name, 60)] = MASK if secret else self.text(value, 300)
        return found

    def mask(self, text: str) -> str:
        if self._known is not None:
            text = self._known.sub(MASK, text)
        if self._cores is not None:
            text = _mask_runs(text, self._cores)
        text = _PEM.sub(MASK, text)
        text = _JWT.sub(MASK, text)
        text = _URL_USER.sub(lambda m: f"{m['scheme']}{m['user']}:{MASK}@", text)
        text = _AUTH.sub(_mask_scheme, text)
        if SECRET_NAME.search(text):
            text = _QUOTED.sub(_mask_quoted, text)
            text = _HEADER.sub(lambda m: m["key"] + MASK, text)
            text = _SHELL.sub(_mask_shell, text)
            text = _PLAIN.sub(_mask_plain, text)
            text = _XML.sub(lambda m: m["key"] + MASK, text)
        return _FORMS.sub(MASK, text)


def clean(text: str) -> str:
    """No escapes, no control characters except newline and tab, nothing that turns the direction of writing."""
    return _CONTROLS.sub("\N{REPLACEMENT CHARACTER}", _ESCAPES.sub("", text.replace("\r\n", "\n")))


def _mask_scheme(match: re.Match[str]) -> str:
    """`Bearer abc...`, but not the sentence `basic authentication`: a secret holds a digit, a capital inside or a sign."""
    secret = match["secret"]
    looks = len(secret) >= 16 or re.search(r"\d|[a-z][A-Z]|[+/=_]", secret)
    return f"{match['scheme']} {MASK}" if looks else match[0]


def _harmless(name: str) -> bool:
    return bool(_HARMLESS.search(name)) and not re.search(r"(?i)sessionid|session[_-]id", name)


def _mask_shell(match: re.Match[str]) -> str:
    return match[0] if _harmless(match["name"]) else match["key"] + MASK


_BASE64_END = re.compile(r"[^A-Za-z0-9+/_=-]|$")


def _mask_runs(text: str, cores: re.Pattern[str]) -> str:
    """Masks every base64 word that holds a core, from its first to its last character."""
    parts, position = [], 0
    for match in cores.finditer(text):
        if match.start() < position:
            continue
        begin = match.start()
        while begin > position and (text[begin - 1].isalnum() or text[begin - 1] in "+/_=-"):
            begin -= 1
        ending = _BASE64_END.search(text, match.end())
        parts.append(text[position:begin] + MASK)
        position = ending.start() if ending else len(text)
    return "".join(parts) + text[position:]


def _mask_quoted(match: re.Match[str]) -> str:
    if _harmless(match["name"]):
        return match[0]
    quote_mark = match["v"] or ""
    return f"{match['key']}{quote_mark}{MASK}{quote_mark}"


def _mask_plain(match: re.Match[str]) -> str:
    if _harmless(match["name"]):
        return match[0]
    quote_mark = '"' if match["dq"] is not None else "'" if match["sq"] is not None else ""
    return f"{match['key']}{quote_mark}{MASK}{quote_mark}"


def _forms(value: str) -> set[str]:
    """A known secret as URLs, JSON and hex dumps write it."""
    escaped = value.replace("\\", "\\\\").replace('"', '\\"').replace("/", "\\/")
    raw = value.encode("utf-8", "surrogatepass")
    return {
        value,
        quote(value, safe=""),
        quote(value),
        quote_plus(value),
        quote(value, safe="").lower(),
        escaped,
        value.replace("\\", "\\\\").replace('"', '\\"'),
        value.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;").replace('"', "&quot;"),
        raw.hex(),
        raw.hex().upper(),
    }


def _base64_cores(value: str) -> set[str]:
    """What base64 of any text with the secret in it must contain: one form for each of the three alignments."""
    raw = value.encode("utf-8", "surrogatepass")
    cores = set()
    for shift in range(3):
        encoded = base64.b64encode(b"\0" * shift + raw).decode().rstrip("=")
        first = (0, 2, 3)[shift]
        whole = (shift + len(raw)) * 8 // 6  # characters that only the secret decides
        core = encoded[first:whole]
        if len(core) >= SHORTEST:
            cores.update({core, core.replace("+", "-").replace("/", "_")})
    return cores


def secrets_of_environment(text: str) -> list[str]:
    """Values of an environment file whose names say that they are secret; passwords inside of its URLs too."""
    found = []
    for line in text.splitlines():
        name, separator, value = line.strip().removeprefix("export ").partition("=")
        if not separator or line.lstrip().startswith("#"):
            continue
        value = value.strip()
        if len(value) >= 2 and value[0] == value[-1] and value[0] in "\"'":
            value = value[1:-1]
        if SECRET_NAME.search(name) and not _harmless(name):
            found.append(value)
        for match in _URL_USER.finditer(value):
            found.extend({match["secret"], unquote(match["secret"])})
    return [value for value in found if len(value) >= SHORTEST]
