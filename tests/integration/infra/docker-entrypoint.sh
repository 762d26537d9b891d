#!/bin/sh
# Copyright (c) 2026 dwp.backend contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# What the official images postgres and redis do that the compose project relies on, over Debian's packages:
# tests reach no image registry.
set -eu
PATH=/usr/lib/postgresql/15/bin:$PATH
as() { user=$1; shift; exec setpriv --reuid="$user" --regid="$user" --init-groups "$@"; }

case $1 in
    redis-server)
        mkdir -p /data; chown redis:redis /data; cd /data
        as redis "$@"
        ;;
    postgres)
        shift
        data=/var/lib/postgresql/data
        mkdir -p /var/run/postgresql; chown postgres:postgres /var/run/postgresql
        mkdir -p "$data"; chown postgres:postgres "$data"; chmod 700 "$data"
        if [ ! -s "$data/PG_VERSION" ]; then
            install -o postgres -m 0600 "$POSTGRES_PASSWORD_FILE" /tmp/pw
            # shellcheck disable=SC2086  # several words, as in the official image
            (as postgres initdb -D "$data" --username="$POSTGRES_USER" --pwfile=/tmp/pw ${POSTGRES_INITDB_ARGS:-})
            rm /tmp/pw
            echo "host all all all scram-sha-256" >> "$data/pg_hba.conf"
        fi
        as postgres postgres -D "$data" -c "listen_addresses=*" "$@"
        ;;
    *) exec "$@" ;;
esac
