# What the first process of a set of namespaces does, whatever then runs in them. Descriptor 9 is the host's network.
# Variables: ADDRESS and GATEWAY (a network of two), LINK (the host's end of it), CGROUP.

link_to_host() { # ROUTE: what is reached over the link
  nsenter --net=/proc/self/fd/9 ip link add "$LINK" type veth peer name eth0 netns 1
  nsenter --net=/proc/self/fd/9 ip address add "$GATEWAY/30" dev "$LINK"
  nsenter --net=/proc/self/fd/9 ip link set "$LINK" up
  exec 9>&-
  ip link set lo up
  ip address add "$ADDRESS/30" dev eth0
  ip link set eth0 up
  ip route add "$1" via "$GATEWAY"
  echo 1 >/proc/sys/net/ipv4/ip_forward
}

# All containers count in one group, which the host removes in the end.
count_containers_together() {
  if [ -e /sys/fs/cgroup/cgroup.controllers ]; then
    for controller in cpuset cpu io memory hugetlb pids; do
      echo "+$controller" >/sys/fs/cgroup/cgroup.subtree_control 2>/dev/null || true
    done
    mkdir -p "/sys/fs/cgroup/$CGROUP"
  else
    for hierarchy in /sys/fs/cgroup/*; do
      [ ! -e "$hierarchy/cgroup.procs" ] || mkdir -p "$hierarchy/$CGROUP"
    done
  fi
}
