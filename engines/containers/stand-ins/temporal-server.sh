#!/bin/sh
# Does what the entry point of Temporal's own image does, as far as docker-compose.yml needs it.
set -eu
: "${BIND_ON_IP:=$(getent hosts "$(hostname)" | cut -d ' ' -f 1)}"
export BIND_ON_IP
# The server refuses to start without an address to tell others when it listens on all.
if [ "$BIND_ON_IP" = 0.0.0.0 ]; then
  : "${TEMPORAL_BROADCAST_ADDRESS:=$(getent hosts "$(hostname)" | cut -d ' ' -f 1)}"
  export TEMPORAL_BROADCAST_ADDRESS
fi
exec temporal-server --root /etc/temporal --env docker --allow-no-auth start
