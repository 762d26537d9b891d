# Copyright (c) 2026 dwp.backend contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Options that the Flyway modules share; their specification is in module_utils/_flyway/argspec.py."""

from __future__ import annotations


class ModuleDocFragment:
    # The connection, with the names of community.postgresql.
    CONNECTION = r"""
options:
  login_host:
    description:
      - Host that runs the database.
      - Empty means the Unix socket.
    type: str
    default: ''
    aliases: [host]
  login_port:
    description: Port of the database.
    type: int
    default: 5432
    aliases: [port]
  login_user:
    description:
      - User to log in as.
      - For the same answers as Flyway's, use the user that Flyway uses.
    type: str
    default: postgres
    aliases: [login, user]
  login_password:
    description: Password of O(login_user).
    type: str
    default: ''
    aliases: [password]
  login_db:
    description: Name of the database.
    type: str
    required: true
    aliases: [db, database]
  login_unix_socket:
    description: Directory of the Unix socket, used when O(login_host) is empty.
    type: str
    default: ''
    aliases: [unix_socket]
  ssl_mode:
    description: How safe the connection has to be, as in libpq.
    type: str
    default: prefer
    choices: [allow, disable, prefer, require, verify-ca, verify-full]
  ca_cert:
    description: File with the certificates of the authorities that may sign the server's certificate.
    type: path
    aliases: [ssl_rootcert]
  ssl_cert:
    description: File with the client's certificate.
    type: path
  ssl_key:
    description: File with the key of the client's certificate.
    type: path
  connect_timeout:
    description: How long to wait for the connection, in seconds.
    type: int
    default: 10
  connect_params:
    description: Further parameters of libpq. They win over the other options.
    type: dict
    default: {}
requirements:
  - psycopg2 >= 2.9
"""

    # Where migrations are, and how they are named and read. Defaults are Flyway's.
    FILES = r"""
options:
  locations:
    description:
      - Where the migrations are. Each entry is a directory (V(/srv/sql) or V(filesystem:/srv/sql)), a jar
        (V(/srv/app.jar), meaning C(db/migration) in its class path), a jar with a path inside
        (V(/srv/app.jar!/BOOT-INF/classes/db/migration)), or a class path location such as
        V(classpath:db/migration), looked up in O(jar).
      - Jars are read in place. An executable Spring Boot jar and a plain jar both work; jars inside a jar are not read.
      - The wildcards C(*), C(**) and C(?) work as in Flyway.
    type: list
    elements: str
    default: ['classpath:db/migration']
  jar:
    description: The application's jar, in which V(classpath:) locations are looked up.
    type: path
  undo_locations:
    description:
      - Further directories or jars with rollback texts (C(U<version>__<description>.sql)).
      - Such files are also found in O(locations).
    type: list
    elements: str
    default: []
  fail_on_missing_locations:
    description:
      - Whether a location that does not exist or cannot be read is an error.
      - With V(false) it counts as empty, as in Flyway's default, and a warning says so.
    type: bool
    default: true
  sql_migration_prefix:
    description: Prefix of versioned migrations.
    type: str
    default: V
  repeatable_sql_migration_prefix:
    description: Prefix of repeatable migrations.
    type: str
    default: R
  baseline_migration_prefix:
    description: Prefix of baseline migrations.
    type: str
    default: B
  undo_sql_migration_prefix:
    description: Prefix of files with rollback texts.
    type: str
    default: U
  sql_migration_separator:
    description: What stands between version and description in a file name.
    type: str
    default: __
  sql_migration_suffixes:
    description: Suffixes of migrations, in any case.
    type: list
    elements: str
    default: [.sql]
  encoding:
    description: Encoding of the files, by Java's or Python's name.
    type: str
    default: UTF-8
  validate_migration_naming:
    description: Whether files with an SQL suffix and a name that is no migration's are an error, as in Flyway.
    type: bool
    default: false
  placeholders:
    description:
      - Values of placeholders, by name.
      - Not for secrets; they would appear in verbose output.
    type: dict
    default: {}
  placeholder_replacement:
    description: Whether placeholders are replaced.
    type: bool
    default: true
  placeholder_prefix:
    description: What begins a placeholder.
    type: str
    default: ${
  placeholder_suffix:
    description: What ends a placeholder.
    type: str
    default: '}'
  placeholder_separator:
    description: What separates C(flyway) from the name in Flyway's own placeholders, such as C(flyway:user).
    type: str
    default: ':'
  working_directory:
    description:
      - Value of C(${flyway:workingDirectory}), the directory that the application runs in.
      - The default is the directory the module runs in.
    type: str
  flyway_environment:
    description: Value of C(${flyway:environment}).
    type: str
    default: default
"""

    # Where the schema history is, and how Flyway is configured to judge it.
    HISTORY = r"""
options:
  schemas:
    description: The schemas that Flyway manages (C(flyway.schemas)).
    type: list
    elements: str
    default: []
  default_schema:
    description:
      - Schema of the history table (C(flyway.defaultSchema)).
      - Without it the first of O(schemas) counts, and without these the current schema of the connection.
    type: str
  table:
    description: Name of the schema history table.
    type: str
    default: flyway_schema_history
  target:
    description:
      - Version up to which migrations count, or V(latest), V(current) or V(next).
      - A version that does not exist is an error, unless a question mark follows it (V(4?)).
    type: str
  out_of_order:
    description: Whether Flyway may apply a version below one that is applied already.
    type: bool
    default: false
  ignore_migration_patterns:
    description: What validation leaves alone, as V(type:state), for example V(repeatable:missing) or V(*:pending).
    type: list
    elements: str
    default: ['*:future']
  baseline_on_migrate:
    description:
      - Whether Flyway baselines a schema that has content but no history (C(flyway.baselineOnMigrate)).
      - It only bears on what is said about such a schema.
    type: bool
    default: false
  baseline_version:
    description: The version of such a baseline.
    type: str
    default: '1'
"""

    # A run that holds the lock of the host (dwp_lock) while it acts.
    DEPLOYMENT = r"""
options:
  deployment:
    description:
      - Id of the deployment that this is a part of. Nothing is done unless it holds the lock of the host, see
        M(dwp.backend.dwp_lock); what is done is written into the host's journal.
      - Without it, the module needs no lock.
    type: str
  deployment_root:
    description: Where releases, lock and journal of the host live; needed with O(deployment).
    type: path
"""
