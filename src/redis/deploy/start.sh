#!/bin/sh
# Starts Redis with the users of users.acl. A user whose password is not set is off. What an operator has added since
# (ACL SETUSER, then ACL SAVE) stays.
set -eu
umask 077
data=${REDIS_DATA:-/data}
users=$data/users.acl

# Of a password only its hash is written down.
login() {
  if [ -z "$1" ]; then
    echo off
  else
    echo "on #$(printf %s "$1" | sha256sum | cut -d ' ' -f 1)"
  fi
}

added=$(grep -v -E '^user (default|broker|operator) ' "$users" 2>/dev/null || true)
{
  sed -e '/^#/d' -e '/^$/d' \
    -e "s/DEFAULT_LOGIN/$(login "${REDIS_PROVIDER_PASSWORD:-}")/" \
    -e "s/BROKER_LOGIN/$(login "${REDIS_PASSWORD:-}")/" \
    -e "s/OPERATOR_LOGIN/$(login "${REDIS_OPERATOR_PASSWORD:-}")/" \
    "$(dirname "$0")/users.acl"
  if [ -n "$added" ]; then echo "$added"; fi
} >"$users.new"
mv "$users.new" "$users"

# What was acknowledged to a provider must be there after a restart; a full memory must refuse, not forget. An entry of a
# stream may be so large and no larger.
exec docker-entrypoint.sh redis-server --dir "$data" --appendonly yes --maxmemory-policy noeviction \
  --proto-max-bulk-len 1mb --aclfile "$users" "$@"
