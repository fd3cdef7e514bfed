#!/bin/sh
# Makes the two databases of Temporal, or brings them to the schema of this version. Where all is done, it changes
# nothing. Postgres is told by SQL_PLUGIN, SQL_HOST, SQL_PORT, SQL_USER and SQL_PASSWORD.
set -eu

for schema in temporal visibility; do
  if [ "$schema" = temporal ]; then database=temporal; else database=temporal_visibility; fi
  temporal-sql-tool --db "$database" create
  temporal-sql-tool --db "$database" setup-schema --version 0.0
  temporal-sql-tool --db "$database" update-schema --schema-name "postgresql/v12/$schema"
done
