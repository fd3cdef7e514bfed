#!/bin/sh
# The first process of the namespaces in which a container engine runs: files, network and processes of its own. When it
# ends, the kernel removes everything of it: containers, mounts, bridges, firewall rules.
#
# Variables: FOLDER (everything the engine writes), PACKAGES and LIBRARIES (of the distribution), ADDRESS and GATEWAY (a
# network of two), LINK (the host's end of it), CGROUP, HOST_ADDRESS (of the host, by which its own programs are reached),
# NAME_SERVER (of the internet), NODE. Descriptor 9 is the host's network.
set -eu
. "$(dirname "$0")/../namespaces.sh"
export PATH="$PACKAGES/bin:$PACKAGES/usr/sbin:$PACKAGES/usr/bin:$PATH"
export LD_LIBRARY_PATH="$LIBRARIES" XTABLES_LIBDIR="${LIBRARIES%%:*}/xtables"

# Files: what is written below /etc stays in the folder, and /run vanishes.
mount --make-rprivate /
mkdir -p "$FOLDER/etc" "$FOLDER/.etc"
mount -t overlay overlay -o "lowerdir=/etc,upperdir=$FOLDER/etc,workdir=$FOLDER/.etc" /etc
mount -t tmpfs tmpfs /run
rm -f /etc/resolv.conf
echo "nameserver $ADDRESS" >/etc/resolv.conf

# Network: one link to the host. The internet comes over another one, while an image is built.
link_to_host "$HOST_ADDRESS"
env -u LD_LIBRARY_PATH "$NODE" "$(dirname "$0")/name-server.js" "$ADDRESS" "$NAME_SERVER" \
  >>"$FOLDER/logs/name-server.log" 2>&1 &

count_containers_together

# It starts again whenever it ends, but not while there is a file that says so. It refuses to start without its own file.
echo '{}' >"$FOLDER/dockerd.json"
while :; do
  while [ -e "$FOLDER/hold" ]; do sleep 0.05; done
  rm -f /run/docker.pid
  dockerd --config-file "$FOLDER/dockerd.json" --data-root "$FOLDER/data" --exec-root /run/docker \
    --pidfile /run/docker.pid --host "unix://$FOLDER/docker.sock" --cgroup-parent "/$CGROUP" \
    --log-level warn >>"$FOLDER/logs/dockerd.log" 2>&1 || true
  sleep 0.1
done
