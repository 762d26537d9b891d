# Copyright (c) 2026 dwp.backend contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""report.html without a browser: what is in it, what is not, and that no report breaks it."""

from __future__ import annotations

import base64
import hashlib
import json
import re
from html.parser import HTMLParser
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ansible_collections.dwp.backend.plugins.plugin_utils.report_graph import Node, draw
from ansible_collections.dwp.backend.plugins.plugin_utils.report_html import render
from ansible_collections.dwp.backend.plugins.plugin_utils.report_shape import REPORT, shape
from tests.unit import report_samples as samples

VOID = {"meta", "link", "br"}


class Page(HTMLParser):
    """Tags, attributes and texts; complains about what is not closed."""

    def __init__(self, html: str) -> None:
        super().__init__()
        self.tags: list[tuple[str, dict[str, str | None]]] = []
        self.texts: list[str] = []
        self.open: list[str] = []
        self.feed(html)
        self.close()
        assert self.open == []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append((tag, dict(attrs)))
        if tag not in VOID:
            self.open.append(tag)

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append((tag, dict(attrs)))

    def handle_endtag(self, tag: str) -> None:
        assert self.open and self.open.pop() == tag

    def handle_data(self, data: str) -> None:
        if "style" not in self.open:
            self.texts.append(data)

    @property
    def text(self) -> str:
        return " ".join(" ".join(self.texts).split())

    def headings(self) -> list[str]:
        return [attributes["id"] or "" for tag, attributes in self.tags if tag == "h2" and attributes.get("id")]


@pytest.fixture(params=["root", "healthy", "unknown", "full", "hostile", "empty"])
def report(request: pytest.FixtureRequest) -> Any:
    made = {"full": samples.full, "hostile": samples.hostile, "empty": dict}
    return made[request.param]() if request.param in made else samples.sample(request.param)


def test_whole_and_alone(report: Any) -> None:
    """Every tag is closed and nothing could load or run something."""
    page = Page(render(report))
    names = {tag for tag, _attributes in page.tags}
    assert not names & {"script", "img", "iframe", "object", "embed", "form", "base", "a", "input", "video", "audio", "foreignobject"}
    for tag, attributes in page.tags:
        assert not [name for name in attributes if name.startswith("on") or name in ("style", "src", "action", "srcdoc", "formaction")]
        assert (attributes.get("href") or "#").startswith("#") or (tag, attributes["href"]) == ("link", "data:,")
        assert "refresh" not in (attributes.get("http-equiv") or "")


def test_policy_allows_its_own_style_and_nothing_else() -> None:
    html = render(samples.full())
    policy = re.search(r'http-equiv="Content-Security-Policy" content="([^"]+)"', html)
    style = re.search(r"<style>(.*?)</style>", html, re.S)
    assert policy and style
    digest = base64.b64encode(hashlib.sha256(style[1].encode()).digest()).decode()
    assert f"default-src 'none'; style-src 'sha256-{digest}'; img-src data:; base-uri 'none'; form-action 'none'" == policy[1]
    assert "url(" not in style[1] and "@import" not in style[1]


def test_every_section_in_the_order_of_the_reader() -> None:
    page = Page(render(samples.full()))
    assert page.headings() == [
        "dependencies", "timeline", "services", "evidence", "request", "database", "redis", "environment", "edges", "hosts", "errors",
        "baseline", "not-checked", "ruled-out",
    ]  # fmt: skip
    for word in (
        "PG_REFUSED", "pg_isready -h 10.0.3.21 -p 5432", "read-only", "it answers: accepting connections", "8 min before this report",
        "/opt/dwp/log/auth.log:2113", "dwp-canary-20261125123104-77aa", "사용자 권한을", "idle in transaction", "V24__add_audit_index.sql",
        "1f0c33aa", "OOM kill", "connection refused by 10.0.3.21:5432", "5c0e1f7a auth, main", "dwp_main main",
        "on app-01 Done when", "reaches mail", "outside refused",
    ):  # fmt: skip
        assert word in page.text


def test_healthy_is_short_and_calm() -> None:
    report = samples.sample("healthy")
    page = Page(render(report))
    folded = re.sub(r"<details.*?</details>", "", render(report), flags=re.S)
    assert len(re.sub(r"<(style|svg).*?</\1>|<[^>]*>", "", folded, flags=re.S).split()) < 250
    assert not {"evidence", "errors", "request"} & set(page.headings())
    assert "Next action" not in page.text and report["verdict"]["title"] in page.text


def test_healthy_says_that_something_was_over() -> None:
    report = samples.sample("healthy") | {"findings": [{**samples.sample("root")["findings"][-1]}]}
    page = Page(render(report))
    assert "No findings" not in page.text and "1 finding is over or only a note" in page.text and "PG_DEADLOCK" in page.text


def _event(number: int, kind: str, text: str, service: str = "") -> dict[str, Any]:
    return {"time": f"2026-11-25T12:{number:02}:00Z", "kind": kind, "text": text, "service": service, "host": "app-01"}


def test_timeline_around_the_beginning() -> None:
    report = samples.sample("root")
    report["verdict"]["since"] = "2026-11-25T12:20:00Z"
    report["timeline"] = [_event(number, "start", f"event {number}.") for number in range(40)]
    report["timeline"] += [_event(45, "finding", "the same", name) for name in ("auth", "mail")]
    html = render(report)
    section = html[html.index('id="timeline"') : html.index('id="services"')]
    shown = re.findall(r"event (\d+)\.", re.sub(r"<details.*?</details>", "", section, flags=re.S))
    assert shown == [str(number) for number in range(16, 28)]
    assert "16 earlier" in html and "13 later" in html
    assert "auth, mail the same" in Page(html).text


def test_services_that_tell_the_same_are_one_finding() -> None:
    report = samples.sample("root")
    symptom = report["findings"][2]
    report["findings"] += [{**symptom, "service": name, "count": 2, "last": "2026-11-25T12:40:00Z"} for name in ("mail", "chat")]
    page = Page(render(report))
    assert render(report).count("finding symptom") == 2
    assert "main on app-01, mail on app-01, chat on app-01" in page.text and "· 122 times · 12:22:43 to 12:40:00" in page.text


def test_empty_says_unknown() -> None:
    page = Page(render({}))
    assert "unknown" in page.text and page.headings() == []
    assert Page(render([])).text == page.text  # type: ignore[arg-type]


def test_unknown_cause_blames_nobody() -> None:
    html = render(samples.sample("unknown"))
    assert "node root" not in html and "root cause" not in html
    assert "the cause is not known" in html


def test_picture_tells_by_words_and_shapes_too() -> None:
    html = render(samples.full())
    assert html.count('href="#i-root"') >= 2 and "root cause" in html
    assert "postgres: root cause. " in html and "auth needs postgres. " in html
    assert 'class="node root component"' in html and 'class="node victim service"' in html and 'class="node up component"' in html


def test_host_as_root() -> None:
    report = samples.sample("root")
    report["verdict"].update(service="app-01", host="app-01", failure="DISK_FULL")
    html = render(report)
    assert 'class="node root host"' in html and "gateway: affected" in html


def test_secrets_do_not_pass() -> None:
    report = samples.full()
    secrets = ["hunter2-hunter2", "eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiIxIn0.c2lnbmF0dXJl", "t0p-s3cret-value"]
    report["findings"][0]["evidence"][1]["record"] = f"DB_PASSWORD={secrets[0]} Authorization: Bearer {secrets[1]}"
    report["edges"][0]["url"] = f"postgresql://dwp:{secrets[0]}@db/x"
    report["environment_differences"][1]["values"]["auth@app-01"] = secrets[2]
    report["environment_differences"].append({"variable": "DB_PASSWORD", "values": {"release": secrets[2]}})
    report["surprise"] = {"password": secrets[2], "fingerprints": {"JWT_SECRET": "1f0c33ab"}}
    html = render(report)
    assert not [secret for secret in secrets if secret in html]
    assert "1f0c33ab" in html and "8e00d1b2" in html


def test_hostile_text_is_only_text() -> None:
    html = render(samples.hostile())
    assert "<script" not in html.lower()
    assert not re.search("[\x00-\x08\x0b-\x1f\x7f-\x9f\u202a-\u202e\u2066-\u2069\ud800-\udfff]", html)
    assert "{{ 7*7 }}" in Page(html).text
    html.encode()


def test_too_much_is_cut_and_said() -> None:
    report = samples.full()
    report["findings"] = [{**report["findings"][2], "title": f"finding {number}"} for number in range(10_000)] + report["findings"][:1]
    report["timeline"] = report["timeline"] * 2000
    report["services"] = {f"service-{number}": report["services"]["main"] for number in range(500)}
    report["verdict"]["title"] = "x" * 100_000
    html = render(report)
    assert len(html) < 3_000_000
    assert "9\u202f801 more are not shown here" in html and "300 more" in html
    assert html.index("finding root") < html.index("finding symptom")
    assert "10001" in Page(html).text  # the count of all


def test_raw_report_can_be_read_back() -> None:
    report = samples.full()
    html = render(report)
    text = "".join(Page(html[html.index('<pre id="report-json">') : html.index("</pre></details>\n</section>\n</main>") + 6]).texts)
    assert json.loads(text)["verdict"] == report["verdict"]
    assert hashlib.sha256(text.encode()).hexdigest() in html


_VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=8) | st.sampled_from(["2026-11-25T12:00:00Z", 10**400]),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.sampled_from(sorted(REPORT)) | st.text(max_size=6), inner, max_size=4),
    max_leaves=20,
)


@settings(max_examples=150, deadline=None)
@given(st.dictionaries(st.sampled_from(sorted(REPORT)), _VALUES, max_size=6), st.data())
def test_any_report_gives_a_page(changes: dict[str, Any], data: st.DataObject) -> None:
    """Keys of the wrong type, or a wrong value deep inside of a good report."""
    report = samples.full() if data.draw(st.booleans()) else {}
    report.update(changes)
    where: Any = report
    for _step in range(data.draw(st.integers(1, 4))):
        if isinstance(where, dict) and where:
            key = data.draw(st.sampled_from(sorted(where)))
            where[key], where = data.draw(st.sampled_from([where[key], None, [], "x", 7])), where[key]
    Page(render(report))


def test_shape_gives_every_key() -> None:
    def same(value: Any, wanted: Any) -> None:
        if isinstance(wanted, dict) and "*" not in wanted:
            assert value.keys() == wanted.keys()
            for key in wanted:
                same(value[key], wanted[key])
        elif isinstance(wanted, list):
            assert value == []

    for each in ({}, dict.fromkeys(REPORT), dict.fromkeys(REPORT, "x"), dict.fromkeys(REPORT, 1)):
        same(shape(each), REPORT)


EDGES = [
    ("nothing", {}, 3),
    ("a cycle", {"a": ["b"], "b": ["c"], "c": ["a"]}, 3),
    ("itself", {"a": ["a", "b"], "b": [], "c": ["nowhere"]}, 3),
    ("over several rows", {"a": ["b", "c", "d"], "b": ["c"], "c": ["d"], "d": []}, 2),
    ("wide", {"a": [f"n{number}" for number in range(20)]} | {f"n{number}": ["z"] for number in range(20)} | {"z": []}, 4),
]


@pytest.mark.parametrize(("_name", "edges", "per_row"), EDGES, ids=[case[0] for case in EDGES])
def test_boxes_do_not_touch(_name: str, edges: dict[str, list[str]], per_row: int) -> None:
    picture = draw([Node(name, "up") for name in edges], edges, per_row * 120)
    boxes = [(node.x, node.y) for node in picture.nodes]
    for number, (x, y) in enumerate(boxes):
        assert picture.box / 2 <= x <= picture.width - picture.box / 2 + 0.1 and 0 <= y <= picture.height
        assert all(y != other_y or abs(x - other_x) >= picture.box for other_x, other_y in boxes[:number])
    height = {node.name: node.y for node in picture.nodes}
    assert all(height[line.source] < height[line.target] for line in picture.lines)


def test_needs_that_follow_are_left_out_and_blame_follows_the_way() -> None:
    edges = {"gateway": ["auth", "main"], "main": ["auth"], "auth": ["postgres"], "postgres": [], "redis": []}
    looks = {"gateway": "victim", "main": "up", "auth": "victim", "postgres": "root", "redis": "up"}
    picture = draw([Node(name, look) for name, look in looks.items()], edges, 600)
    assert {(line.source, line.target): line.blame for line in picture.lines} == {
        ("gateway", "main"): False, ("main", "auth"): False, ("auth", "postgres"): True,
    }  # fmt: skip


def test_a_wall_of_boxes_keeps_those_that_matter() -> None:
    nodes = [Node(f"n{number}", "up") for number in range(100)] + [Node("root", "root"), Node("hurt", "victim")]
    picture = draw(nodes, {}, 600)
    assert len(picture.nodes) == 40 and picture.left == 62
    assert {"root", "hurt"} <= {node.name for node in picture.nodes}
