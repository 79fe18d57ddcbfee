#!/usr/bin/env bash
# hosts.sh N COMMAND...: runs a command on the first of N hosts that reach one another by ssh: for what `mpirun` does on
# several machines. Each has a name (riffle1, riffle2, ...), an address, a /tmp and a /dev/shm of its own; everything
# else, and the cores, they share. In COMMAND's environment RIFFLE_HOSTS is the list of names, by commas.
#
#   sudo tests/hosts/hosts.sh 3 sh -c 'mpirun -n 3 --host $RIFFLE_HOSTS build/release/bin/riffle train v2 ...'
#
# Needs root, iproute2 and openssh-server; takes all of it down again when the command ends. RIFFLE_LINK, if set, is
# what `tc qdisc add dev ... root` is given for each host's end of the network ("tbf rate 1gbit burst 128kb latency 20ms").
set -euo pipefail
count=${1:?usage: hosts.sh N COMMAND...}
shift
if ip link show riffle-net >/dev/null 2>&1; then
  echo "hosts.sh: it runs already, or was killed before it could take its hosts down: ip link del riffle-net, and ip" \
    "netns del of what ip netns lists as riffle1, riffle2, ..." >&2
  exit 1
fi
work=$(mktemp -d /run/riffle-hosts.XXXXXX)
namespaces=() processes=()

take_down() {
  trap '' INT TERM
  for process in "${processes[@]}"; do kill "$process" 2>/dev/null || true; done
  for name in "${namespaces[@]}"; do
    ip netns pids "$name" | xargs -r kill -9 2>/dev/null || true
    ip netns del "$name" || true
    ip link del "riffle-${name#riffle}" 2>/dev/null || true  # a process that ends late keeps its namespace
  done
  ip link del riffle-net 2>/dev/null || true
  rm -rf "$work"
}
trap take_down EXIT
trap 'exit 130' INT TERM  # which is why the command is waited for, in the background

# One key and one configuration for all: nothing of the machine's own is read or written.
ssh-keygen -q -t ed25519 -N '' -f "$work/key"
cat >"$work/sshd_config" <<CONFIG
HostKey $work/key
AuthorizedKeysFile $work/key.pub
StrictModes no
UsePAM no
PidFile none
CONFIG
cat >"$work/ssh" <<SSH
#!/bin/sh
exec ssh -i $work/key -o StrictHostKeyChecking=no -o UserKnownHostsFile=/dev/null -o LogLevel=ERROR "\$@"
SSH
chmod +x "$work/ssh"
echo "127.0.0.1 localhost" >"$work/hosts"
for ((i = 1; i <= count; ++i)); do echo "10.83.7.$i riffle$i" >>"$work/hosts"; done
mkdir -p /run/sshd

# on HOST COMMAND...: in its network, with its name, its mounts.
on() {
  local name=riffle$1
  shift
  ip netns exec "$name" unshare --uts --mount sh -c "hostname $name
    mount --make-rprivate / && mount -t tmpfs tmpfs /dev/shm && mount -t tmpfs tmpfs /tmp
    mount --bind $work/hosts /etc/hosts
    exec \"\$@\"" on "$@"
}

ip link add riffle-net type bridge
ip link set riffle-net up
for ((i = 1; i <= count; ++i)); do
  ip netns add "riffle$i"
  namespaces+=("riffle$i")
  ip link add "riffle-$i" type veth peer name eth0 netns "riffle$i"
  ip link set "riffle-$i" master riffle-net up
  ip -n "riffle$i" addr add "10.83.7.$i/24" dev eth0
  ip -n "riffle$i" link set eth0 up
  ip -n "riffle$i" link set lo up
  # shellcheck disable=SC2086
  if [ -n "${RIFFLE_LINK:-}" ]; then ip netns exec "riffle$i" tc qdisc add dev eth0 root $RIFFLE_LINK; fi
  on "$i" /usr/sbin/sshd -D -f "$work/sshd_config" &
  processes+=($!)
done
sleep 1

RIFFLE_HOSTS=$(seq -s, -f 'riffle%g' "$count")
export RIFFLE_HOSTS OMPI_MCA_plm_rsh_agent=$work/ssh OMPI_ALLOW_RUN_AS_ROOT=1 OMPI_ALLOW_RUN_AS_ROOT_CONFIRM=1
on 1 "$@" &
wait $!
