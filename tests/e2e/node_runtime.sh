#!/bin/sh
# The runtime and the pod network alone: a container starts, says something, ends, leaves nothing.
#	tools/sandbox tests/e2e/node_runtime.sh [BUILD]
set -eu
build=${1:-build}
dir=$(mktemp -d)
trap 'rm -rf "$dir"' EXIT
mkdir -p "$dir/rootfs/bin" "$dir/rootfs/etc" "$dir/rootfs/proc" "$dir/rootfs/sys" "$dir/rootfs/dev"
cp "$(command -v busybox)" "$dir/rootfs/bin/busybox"
for applet in sh echo sleep ip hostname cat dd tail id ls head; do
  ln -s busybox "$dir/rootfs/bin/$applet"
done
run() { "$build/tests/e2e/node_driver" "$dir/data" "$dir/rootfs" "$@" || echo "code $?"; }

out=$(run 0 /bin/sh -c 'hostname; ip addr show eth0 | head -3 | tail -1; cat /sys/fs/cgroup/cpu/cpu.shares; exit 7')
echo "$out"
echo "$out" | grep -q 'stdout F driven'
echo "$out" | grep -q '10.244.0.2/24'
echo "$out" | grep -q 'exit 7 oom 0'
out=$(run 33554432 /bin/sh -c 'tail /dev/zero')
echo "$out"
echo "$out" | grep -q 'exit 137 oom 1'
run 0 /bin/no-such-program 2>&1 | grep -q 'no-such-program'
[ -z "$(ls -A "$dir/data/containers")" ] || { echo "a container is left"; ls -R "$dir/data"; exit 1; }
[ -z "$(ls "$dir/data/network")" ] || { echo "a network is left"; exit 1; }
! ip link show | grep -q mk || { echo "a veth is left"; exit 1; }
echo "node runtime: well"
echo "1 passed, 0 failed"
