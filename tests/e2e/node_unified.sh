#!/bin/sh
# A machine with nothing but the unified (v2) control groups: a container joins its group, sees it,
# opens only the devices it may, is killed by cgroup.kill, leaves nothing. Where the controllers are
# bound to v1 trees the v2 tree has none, so limits of memory and CPU are not looked at here.
#	tools/sandbox tests/e2e/node_unified.sh [BUILD]
set -eu
build=${1:-build}
umount -R -l /sys/fs/cgroup # of this mount namespace only
mount -t cgroup2 cgroup2 /sys/fs/cgroup
dir=$(mktemp -d)
trap 'rm -rf "$dir"' EXIT
mkdir -p "$dir/rootfs/bin" "$dir/rootfs/etc" "$dir/rootfs/proc" "$dir/rootfs/sys" "$dir/rootfs/dev"
cp "$(command -v busybox)" "$dir/rootfs/bin/busybox"
for applet in sh echo sleep cat dd mknod wc; do
  ln -s busybox "$dir/rootfs/bin/$applet"
done
run() { "$build/tests/e2e/node_driver" "$dir/data" "$dir/rootfs" "$@" || echo "code $?"; }
has() { echo "$out" | grep -q -- "$1" || { echo "missing: $1"; echo "$out"; echo "0 passed, 1 failed"; exit 1; }; }

disk=$(awk 'NR > 2 { print $1, $2; exit }' /proc/partitions)
# shellcheck disable=SC2016 # for the shell inside
out=$(run 0 /bin/sh -c 'cat /proc/self/cgroup; echo procs $(cat /sys/fs/cgroup/cgroup.procs | wc -l)
  echo x >/dev/null && dd if=/dev/urandom bs=1 count=3 2>/dev/null | wc -c
  mknod /d b '"$disk"' && { dd if=/d bs=512 count=1 of=/dev/null 2>&1; echo read $?; }
  mknod /k c 1 11 && { dd if=/k bs=1 count=1 of=/dev/null 2>&1; echo log $?; }
  (sleep 1000 &) ; exit 7')
has "stdout F 0::/${MINKE_CGROUP_PARENT}"
has 'procs [1-9]'
has 'stdout F 3$'
has "can't open '/d': Operation not permitted"
has "can't open '/k': Operation not permitted"
has 'exit 7 oom 0'
out=$(run 33554432 /bin/sh -c 'exit 0')
has 'memory.max: the controller is not given to it'
[ -z "$(ls -A "$dir/data/containers")" ] || { echo "a container is left"; exit 1; }
left=$(find "/sys/fs/cgroup/$MINKE_CGROUP_PARENT" -mindepth 3 -type d 2>/dev/null)
[ -z "$left" ] || { echo "control groups are left: $left"; exit 1; }
echo "1 passed, 0 failed"
