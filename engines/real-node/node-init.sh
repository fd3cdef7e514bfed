#!/bin/sh
# The first process of the machine that a real node runs on: a set of namespaces with files, network and processes of its
# own. It mounts file systems, starts what systemd would start, and restarts what dies. When it ends, the kernel removes
# everything of the machine.
#
# Variables: FOLDER (everything the machine writes, and bin/ with the programs of Kubernetes), PACKAGES and LIBRARIES (of
# the distribution), HOST_NAME, ADDRESS and GATEWAY (a network of two), LINK (the host's end of it), CGROUP, POD_CIDR,
# SERVICE_CIDR. Descriptor 9 is the host's network.
set -eu
. "$(dirname "$0")/../namespaces.sh"
export PATH="/mnt/bin:$PACKAGES/bin:$PACKAGES/usr/sbin:$PACKAGES/usr/bin:$PATH"
export LD_LIBRARY_PATH="$LIBRARIES" XTABLES_LIBDIR="$LIBRARIES/xtables"

# Files: writes below /etc, /var and /run stay in the folder, which is /mnt here.
mount --bind "$FOLDER" /mnt
rm -f /mnt/ready /mnt/joined
for part in etc var; do
  mkdir -p "/mnt/$part" "/mnt/.$part"
  mount -t overlay overlay -o "lowerdir=/$part,upperdir=/mnt/$part,workdir=/mnt/.$part" "/$part"
done
mount -t tmpfs tmpfs /run
# The host may be a node itself: hide its own configuration. containerd cannot put overlays on an overlay.
for place in etc/kubernetes var/lib/kubelet var/lib/containerd; do
  mkdir -p "/mnt/own/$place" "/$place"
  mount --bind "/mnt/own/$place" "/$place"
done
mkdir -p /etc/kubernetes/manifests
mount --make-rshared /
# The kubelet requires these values and would set them on the host, too. Show it the values it requires.
mkdir -p /mnt/kernel
for setting in vm/overcommit_memory=1 vm/panic_on_oom=0 kernel/panic=10 kernel/panic_on_oops=1 \
  kernel/keys/root_maxkeys=1000000 kernel/keys/root_maxbytes=25000000; do
  path=${setting%=*}
  name=$(echo "$path" | tr / _)
  echo "${setting#*=}" >"/mnt/kernel/$name"
  mount --bind "/mnt/kernel/$name" "/proc/sys/$path"
done

# Network: one link to the host, which the API server and the customers use.
link_to_host default
hostname "$HOST_NAME"
# No names are resolved here, and a lookup must fail at once and not after ten seconds.
rm -f /etc/resolv.conf
echo 'nameserver 127.0.0.1' >/etc/resolv.conf

count_containers_together

keep() { # NAME COMMAND…: runs it again whenever it ends; on SIGTERM, ends it and exits
  log="/mnt/logs/$1.log"
  shift
  child=
  trap 'kill $child 2>/dev/null || true; wait; exit 0' TERM
  while :; do
    "$@" >>"$log" 2>&1 &
    child=$!
    wait "$child" || true
    sleep 1
  done
}

keep containerd containerd --config /mnt/containerd.toml &
until ctr --address /run/containerd/containerd.sock version >/dev/null 2>&1; do sleep 0.1; done
: >/mnt/ready

flags=/var/lib/kubelet/kubeadm-flags.env
while :; do
  # Written by kubeadm join, which then waits for the kubelet.
  until [ -e "$flags" ]; do sleep 0.1; done
  . "$flags"
  node=$(echo "$KUBELET_KUBEADM_ARGS" | sed -n 's/.*--hostname-override=\([^ ]*\).*/\1/p')
  node=${node:-$HOST_NAME}
  # The kubelet resolves its own name.
  echo "$ADDRESS $node" >>/etc/hosts
  : >/mnt/joined

  # shellcheck disable=SC2086 # several arguments in one variable, as kubeadm writes it
  keep kubelet kubelet --bootstrap-kubeconfig=/etc/kubernetes/bootstrap-kubelet.conf \
    --kubeconfig=/etc/kubernetes/kubelet.conf --config=/var/lib/kubelet/config.yaml $KUBELET_KUBEADM_ARGS &
  kept=$!
  # The limits of connection tracking belong to the host.
  keep kube-proxy kube-proxy --kubeconfig=/mnt/kube-proxy.conf --hostname-override="$node" --proxy-mode=iptables \
    --cluster-cidr="$POD_CIDR" --conntrack-max-per-core=0 --conntrack-tcp-timeout-established=0 \
    --conntrack-tcp-timeout-close-wait=0 &
  kept="$kept $!"
  if [ -e /mnt/kube-router.conf ]; then
    keep kube-router kube-router --kubeconfig=/mnt/kube-router.conf --hostname-override="$node" --run-firewall=true \
      --run-router=false --run-service-proxy=false --service-cluster-ip-range="$SERVICE_CIDR" \
      --service-node-port-range=20000-32767 &
    kept="$kept $!"
  fi

  # Deleted before kubeadm reset, which relies on systemd to have stopped the kubelet.
  while [ -e "$flags" ]; do sleep 0.5; done
  # shellcheck disable=SC2086 # several numbers in one variable
  kill $kept
  # shellcheck disable=SC2086
  wait $kept || true
  rm -f /mnt/joined
done
