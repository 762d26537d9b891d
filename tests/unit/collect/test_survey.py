# Copyright (c) 2026 dwp.backend contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Databases and Redis: which are asked, what of the answers is shown."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ansible_collections.dwp.backend.plugins.module_utils._collect import migrations, postgres, redis_server
from ansible_collections.dwp.backend.plugins.module_utils._collect.survey import LONGEST_QUERY, without_literals


@pytest.mark.parametrize(("query", "shown"), [
    ("select * from users where name = 'Kim' and id = 42", "select * from users where name = ? and id = ?"),
    ("select 'it''s' , E'a\\'b', U&'x'", "select ? , ?, U&?"),
    ("update t1 set a=$1, b = 1.5e3 where c2 = $2", "update t1 set a=$1, b = ? where c2 = $2"),
    ("do $$ begin secret; end $$; select $tag$ a $$ b $tag$", "do ?; select ?"),
    ("alter role x password 'cut off by the ser", "alter role x password ?"),
    ("select 1 -- for Kim\n, /* card 4111 */ 2", "select ? , ?"),
    ("select \"order 66\"", 'select "order ?"'),
    ("", ""),
    ("<insufficient privilege>", "<insufficient privilege>"),
])
def test_queries_lose_their_values(query, shown):
    assert without_literals(query) == shown


def test_long_queries_are_cut():
    assert len(without_literals("select " + "a, " * 1000)) < LONGEST_QUERY + 10


@given(st.text(alphabet=st.characters(blacklist_characters="'\\\0", codec="utf-8")))
def test_no_literal_gets_through(value):
    assert without_literals(f"insert into t values ('{value}', 'x{value}')") == "insert into t values (?, ?)"


def test_services_with_the_same_login_share_a_database():
    services = {
        "auth": {"database": {"name": "dwp_auth", "schema": "public"}},
        "more": {"database": {"name": "dwp_auth", "schema": "public"}},
        "main": {"database": {"name": "dwp_main", "schema": "own", "ssl_mode": "require"}},
        "gateway": {"database": None},
        "unknown": {"database": {"name": "x"}},
    }
    same = {"DB_HOST": "db", "DB_PORT": "5433", "DB_NAME": "dwp_auth", "DB_USERNAME": "u", "DB_PASSWORD": "p"}
    found = postgres.targets(services, {"auth": same, "more": same, "main": {"DB_PORT": "x"}, "gateway": {}})
    assert found == {
        postgres.Target("db", 5433, "dwp_auth", "u", "p", "prefer", "public"): ["auth", "more"],
        postgres.Target("localhost", 0, "dwp_main", "dwp_user", "", "require", None): ["main"],
    }


@pytest.mark.parametrize(("url", "expected"), [
    ("jdbc:postgresql://db.example:6432/orders?sslmode=require", ("db.example", 6432, "orders", "u", "p", "require")),
    ("jdbc:postgresql://db.example/orders", ("db.example", 5432, "orders", "u", "p", "prefer")),
    ("jdbc:postgresql://[fd00::1]:6432/orders?ssl=true&user=x&password=y%26z", ("fd00::1", 6432, "orders", "x", "y&z", "require")),
    ("jdbc:postgresql://a:1,b:2/orders?sslmode=verify-full", ("a", 1, "orders", "u", "p", "require")),  # the JVM's trust store is not ours
    ("jdbc:postgresql:orders", ("localhost", 5432, "orders", "u", "p", "prefer")),
    ("jdbc:postgresql://db.example/", ("db.example", 5432, "dwp_main", "u", "p", "prefer")),
    ("jdbc:h2:mem:test", ("h", 1, "dwp_main", "u", "p", "prefer")),
    ("", ("h", 1, "dwp_main", "u", "p", "prefer")),
])
def test_a_jdbc_url_wins_over_the_parts(url: str, expected: tuple[object, ...]) -> None:
    target = postgres.Target("h", 1, "dwp_main", "u", "p")
    assert postgres.by_url(target, url)[:6] == expected


def test_every_address_of_a_url_is_asked_in_turn():
    target = postgres.by_url(postgres.Target("h", 1, "d", "u", "p"), "jdbc:postgresql://a:1,b/orders?targetServerType=primary")
    assert [one.address for one in target.each()] == ["a:1", "b:5432"] and target.primary
    assert not postgres.by_url(target, "jdbc:postgresql://a/orders").primary


def test_a_port_that_is_none_is_not_asked():
    target = postgres.Target("h", 0, "d", "u", "p")
    entry = postgres.empty(target, ["a"])
    assert not postgres.look(target, entry, 1.0) and entry["cause"] == "client_error"
    assert redis_server.look(redis_server.Target("h", 70000, ""), ["a"], 1.0)["cause"] == "client_error"


@pytest.mark.parametrize(("values", "size"), [
    ({}, 10), ({"SPRING_DATASOURCE_HIKARI_MAXIMUMPOOLSIZE": "25"}, 25), ({"SPRING_DATASOURCE_HIKARI_MAXIMUM_POOL_SIZE": "3"}, 3),
    ({"SPRING_DATASOURCE_HIKARI_MAXIMUMPOOLSIZE": "many"}, 10),
])
def test_pool_size(values, size):
    assert postgres.pool_size(values) == size


def test_the_survey_in_the_shape_of_the_result():
    entry = postgres.empty(postgres.Target("h", 1, "mine", "u", "p"), ["b", "a"])
    session = {"pid": 1, "application": "x", "user": "u", "state": "active", "seconds": 9.0, "query": "select 'hidden'"}
    postgres.take(entry, {
        "version": "16", "standby": False, "read_only": False, "started": 5, "max_connections": 100, "reserved": 3, "server_connections": 9,
        "sessions": [["mine", "app", "idle", 4], ["mine", "app", "active", 1], ["other", "app", "idle", 4]],
        "locks": [{**session, "waits_seconds": 4.0, "blocked_by": [session]}], "long_transactions": [session],
    }, "service")
    assert entry["services"] == ["a", "b"] and entry["as"] == "service" and entry["server_connections"] == 9
    assert entry["connections"] == {"total": 5, "by_application": {"app": 5}, "by_state": {"idle": 4, "active": 1}}
    assert "sessions" not in entry and "hidden" not in str(entry) and entry["locks"][0]["blocked_by"][0]["query"] == "select ?"


@pytest.mark.parametrize(("component", "host", "ours"), [
    ({"here": True, "port": 5432, "addresses": ["db-01", "10.0.0.5"]}, "127.0.0.1", True),
    ({"here": True, "port": 5432, "addresses": ["db-01", "10.0.0.5"]}, "10.0.0.5", True),
    ({"here": True, "port": 5433, "addresses": []}, "127.0.0.1", False),
    ({"here": False, "port": 5432, "addresses": ["db-01"]}, "127.0.0.1", False),
    ({"here": True, "port": 5432, "addresses": ["db-01"]}, "db-02", False),
    ({}, "127.0.0.1", False),
])
def test_whether_a_server_is_ours(component, host, ours):
    assert postgres.is_ours(component, postgres.Target(host, 5432, "d", "u", "p")) is ours


def test_redis_of_the_services():
    names = {"host": "REDIS_HOST", "port": "REDIS_PORT", "password": "REDIS_PASSWORD"}
    spring = {"host": "SPRING_DATA_REDIS_HOST", "port": "SPRING_DATA_REDIS_PORT", "password": "SPRING_DATA_REDIS_PASSWORD"}
    services = {"main": {"redis": names}, "chat": {"redis": spring}, "mail": {"redis": None}, "off": {"redis": names}}
    found = redis_server.targets(services, {"main": {"REDIS_HOST": "r", "REDIS_PASSWORD": "p"}, "chat": {"REDIS_HOST": "r"}, "mail": {}})
    assert found == {redis_server.Target("r", 6379, "p"): ["main"], redis_server.Target("localhost", 6379, ""): ["chat"]}


@pytest.mark.parametrize(("values", "expected"), [
    ({"SPRING_DATA_REDIS_URL": "redis://:s%26t@cache:6380/1"}, ("cache", 6380, "s&t", "", False, ())),
    ({"SPRING_DATA_REDIS_URL": "rediss://u:s@cache"}, ("cache", 6379, "s", "u", True, ())),
    ({"SPRING_DATA_REDIS_URL": "cache:6380"}, ("r", 6379, "p", "", False, ())),  # Spring refuses it at the start
    ({"SPRING_DATA_REDIS_CLUSTER_NODES": "a:7000,b:7001,c"}, ("a", 7000, "p", "", False, (("b", 7001), ("c", 6379)))),
])  # fmt: skip
def test_what_wins_over_the_host_of_redis(values, expected):
    names = {"host": "REDIS_HOST", "port": "REDIS_PORT", "password": "REDIS_PASSWORD"}
    given = {"main": {"REDIS_HOST": "r", "REDIS_PASSWORD": "p", **values}}
    assert list(redis_server.targets({"main": {"redis": names}}, given)) == [redis_server.Target(*expected)]


def test_sentinels_are_no_redis():
    names = {"host": "REDIS_HOST", "port": "REDIS_PORT", "password": "REDIS_PASSWORD"}
    assert redis_server.targets({"main": {"redis": names}}, {"main": {redis_server.SENTINELS: "a:26379"}}) == {}


def test_the_first_node_that_answers_stands_for_a_cluster(monkeypatch):
    causes = {"a": "refused", "b": "unauthorized", "c": "ok"}
    monkeypatch.setattr(redis_server, "_look", lambda one, services, timeout: {"cause": causes[one.host], "address": one.address})
    target = redis_server.Target("a", 1, "", others=(("b", 2), ("c", 3)))
    assert redis_server.look(target, ["main"], 1.0) == {"cause": "unauthorized", "address": "b:2"}


def test_info_of_an_old_redis_lacks_fields():
    found = redis_server.info({"redis_version": "5", "used_memory": 3 << 20})
    assert found["memory"] == {"used_mb": 3, "max_mb": 0, "policy": None, "full": False} and found["last_save_ok"] is None


@pytest.mark.parametrize(("used", "most", "full"), [(100, 0, False), (97, 100, False), (98, 100, True), (900, 1, True)])
def test_a_redis_that_is_full(used, most, full):
    assert redis_server.info({"used_memory": used, "maxmemory": most})["memory"]["full"] is full


def test_migrations_in_short():
    def one(version, state):
        return {"version": version, "description": "d", "script": "s", "installedOnUTC": "", "state": state}

    answer = {
        "migrations": [one("1", "Success"), one("2", "Failed"), one("3", "Pending"), one("9", "Future")],
        "history": {"schema": "public", "table": "t", "exists": True}, "schema_version": "9", "counts": {}, "lock_held": {"query": "x"},
        "validation": {"errors": [{"error_code": "C", "version": "2", "error_message": "m", "what_to_do": "w"}]},
        "warnings": [], "msg": "said",
    }
    found = migrations.shorten(answer)
    assert [row["version"] for row in found["failed"]] == ["2"] and [row["version"] for row in found["pending"]] == ["3"]
    assert found["newer_than_jar"] and found["lock_held"] is True and found["errors"] == [{"code": "C", "version": "2", "message": "m"}]
