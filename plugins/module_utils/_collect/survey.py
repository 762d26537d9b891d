# Copyright (c) 2026 dwp.backend contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""One statement that tells how a PostgreSQL server is, as JSON: the same for psycopg2 and for psql."""

from __future__ import annotations

import re

LEAST_SECONDS = 5  # a transaction that is younger is everyday life
MOST_ROWS = 20
APPLICATION = "dwp-triage"
#: Sessions of this very collection, the one of the probe included.
OURS = f"('{APPLICATION}', 'dwp_health')"

# Of the sessions of other roles an ordinary one sees neither type nor state, only that they are there; they hold locks all the same.
#: Everything about the server and the database one is connected to. It has no parameters, so that psql can run it too.
SURVEY = f"""
WITH activity AS (
  SELECT pid, coalesce(application_name, '') AS application, coalesce(state, 'unknown') AS state, datname, usename,
         extract(epoch FROM clock_timestamp() - xact_start) AS in_transaction,
         extract(epoch FROM clock_timestamp() - query_start) AS in_query, left(query, 1000) AS query
  FROM pg_catalog.pg_stat_activity
  WHERE (backend_type = 'client backend' OR backend_type IS NULL AND datname IS NOT NULL)
        AND pid <> pg_backend_pid() AND coalesce(application_name, '') NOT IN {OURS}
), waiting AS (
  SELECT DISTINCT l.pid, pg_catalog.pg_blocking_pids(l.pid) AS blockers FROM pg_catalog.pg_locks l WHERE NOT l.granted
)
SELECT json_build_object(
  'version', current_setting('server_version'),
  'standby', pg_is_in_recovery(),
  'read_only', pg_is_in_recovery() OR current_setting('default_transaction_read_only') = 'on',
  'started', round(extract(epoch FROM pg_postmaster_start_time())),
  'max_connections', current_setting('max_connections')::int,
  'reserved', current_setting('superuser_reserved_connections')::int + coalesce(current_setting('reserved_connections', true), '0')::int,
  'server_connections', (SELECT count(*) FROM activity),
  'sessions', (SELECT coalesce(json_agg(json_build_array(datname, application, state, number)), '[]') FROM
    (SELECT datname, application, state, count(*) AS number FROM activity GROUP BY 1, 2, 3) s),
  'locks', (SELECT coalesce(json_agg(json_build_object(
      'pid', a.pid, 'application', a.application, 'user', a.usename, 'waits_seconds', round(a.in_query::numeric, 1), 'query', a.query,
      'blocked_by', (SELECT coalesce(json_agg(json_build_object('pid', b.pid, 'application', b.application, 'user', b.usename,
        'state', b.state, 'seconds', round(b.in_transaction::numeric, 1), 'query', b.query)), '[]')
        FROM activity b WHERE b.pid = ANY (w.blockers))
    ) ORDER BY a.in_query DESC), '[]')
    FROM (SELECT * FROM waiting WHERE cardinality(blockers) > 0 LIMIT {MOST_ROWS}) w JOIN activity a ON a.pid = w.pid
    WHERE a.datname = current_database()),
  'long_transactions', (SELECT coalesce(json_agg(json_build_object(
      'pid', t.pid, 'application', t.application, 'user', t.usename, 'state', t.state, 'seconds', round(t.in_transaction::numeric, 1),
      'query', t.query) ORDER BY t.in_transaction DESC), '[]')
    FROM (SELECT * FROM activity WHERE datname = current_database() AND in_transaction > {LEAST_SECONDS}
          ORDER BY in_transaction DESC LIMIT {MOST_ROWS}) t)
)
"""

_LITERALS = re.compile(
    r"--[^\n]*|/\*.*?(?:\*/|\Z)"  # comments may say anything
    r"|[eE]'(?:[^'\\]|\\.|'')*(?:'|\Z)|'(?:[^']|'')*(?:'|\Z)"  # an open end: the server cuts long queries off
    r"|\$(?P<tag>[A-Za-z_]\w{0,62}|)\$.*?(?:\$(?P=tag)\$|\Z)"
    r"|(?<![\w$])\d[\w.]*",
    re.S,
)
LONGEST_QUERY = 300


def without_literals(query: str) -> str:
    """A statement without the values in it: what it does stays, about whom goes."""
    text = _LITERALS.sub(lambda match: " " if match[0].startswith(("--", "/*")) else "?", query[:4000])
    text = " ".join(text.split())
    return text if len(text) <= LONGEST_QUERY else text[:LONGEST_QUERY].rstrip() + " ..."
