#!/bin/sh
# Initialise an empty data folder from POSTGRES_USER, POSTGRES_PASSWORD and POSTGRES_DB, then serve.
set -eu
user=${POSTGRES_USER:-postgres}
database=${POSTGRES_DB:-$user}
if [ ! -s "$PGDATA/PG_VERSION" ]; then
  if [ -n "${POSTGRES_PASSWORD_FILE:-}" ]; then
    POSTGRES_PASSWORD=$(cat "$POSTGRES_PASSWORD_FILE")
  fi
  : "${POSTGRES_PASSWORD:?set POSTGRES_PASSWORD}"
  password=$(mktemp)
  printf '%s' "$POSTGRES_PASSWORD" > "$password"
  initdb --no-sync --encoding=UTF8 --auth=scram-sha-256 --username="$user" --pwfile="$password"
  rm "$password"
  echo "host all all all scram-sha-256" >> "$PGDATA/pg_hba.conf"
  if [ "$database" != postgres ]; then
    # Single-user mode: the server is not to be seen by a readiness probe before this is done.
    printf 'CREATE DATABASE "%s"\n' "$database" | postgres --single -j postgres
  fi
fi
exec "$@" -c listen_addresses='*' -c unix_socket_directories=/tmp
