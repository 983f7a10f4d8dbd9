#!/bin/bash
# What containers stand on fails: conmon, crun, the disk, a container's record. Each time the pod's
# events say what it was, and once it is mended the pod runs and nothing is left over.
# shellcheck source-path=SCRIPTDIR
. "$(dirname "$0")/lib.sh"
k=$minke
image=minke.local/demo/web:1

# A program of the machine, replaced for this sandbox only.
replace() { printf '%s\n' '#!/bin/sh' "$2" >"$work/fake-$1"; chmod 755 "$work/fake-$1"; mount --bind "$work/fake-$1" "/usr/bin/$1"; }
mend() { umount "/usr/bin/$1"; }

: >"$work/nothing"
mount --bind "$work/nothing" /usr/bin/conmon
"$minke" server --data "$work/none" --listen 127.0.0.1:6444 >"$work/none.log" 2>&1 &
none=$!
says_so() { grep -q 'conmon is not installed: pods cannot run on this machine' "$work/none.log"; }
ok "without conmon the server says so" eventually 10 says_so
kill $none 2>/dev/null
wait $none 2>/dev/null
"$minke" server --purge-node --data "$work/none"
mend conmon

mkdir -p "$work/data/node/containers"
mount -t tmpfs -o size=2m tmpfs "$work/data/node/containers"
server_start --restart-backoff 1 --restart-backoff-most 1 || exit 1
demo_image
ok "the node becomes Ready" eventually 15 sh -c "'$k' get nodes --no-headers | grep -q ' Ready '"
pod() { # NAME
  printf '%s\n' "apiVersion: v1" "kind: Pod" "metadata: {name: $1}" "spec:" \
    "  terminationGracePeriodSeconds: 0" "  containers: [{name: c, image: $image, command: [sleep, '1000']}]" |
    "$k" apply -f - >/dev/null; }
complains() { "$k" describe pod "$1" | grep -qE -- "$2"; }
runs() { "$k" get pod "$1" --no-headers 2>/dev/null | grep -q ' 1/1 .*Running'; }

replace conmon 'exit 3'
pod watched
ok "a conmon that ends at once: an event says so" eventually 10 complains watched 'conmon ended without an answer'
mend conmon
ok "and the pod runs with a good one" eventually 10 runs watched

replace crun 'echo "crun is out of order" >&2; exit 1'
pod made
ok "a crun that fails: an event shows its words" eventually 10 complains made 'failed to create container: .*crun is out of order'
ok "what runs is not touched" runs watched
mend crun
ok "and the pod runs with a good one" eventually 10 runs made
ok "with no container beside it" eventually 5 containers_are 2

dd if=/dev/zero of="$work/data/node/containers/full" bs=4k 2>/dev/null
pod large
ok "a full disk: an event says so" eventually 10 complains large 'writing .*/node/containers/.*: the disk is full'
rm "$work/data/node/containers/full"
ok "and the pod runs when there is room again" eventually 10 runs large
ok "with no container beside it" eventually 5 containers_are 3

server_stop KILL
id=$(basename "$(grep -l '"podName":"made"' "$work"/data/node/containers/*/state.json | xargs grep -l '"phase":2' | xargs dirname)")
head -c 40 "$work/data/node/containers/$id/state.json" >"$work/torn"
cp "$work/torn" "$work/data/node/containers/$id/state.json"
server_start --restart-backoff 1 --restart-backoff-most 1 || exit 1
ok "a record that is torn: its container goes" eventually 5 test ! -e "$work/data/node/containers/$id"
ok "another is made in its place" eventually 10 runs made
ok "and no third" eventually 5 containers_are 3
ok "the log says why" grep -q "container $id has no readable state" "$work/server.log"
"$k" delete pods --all >/dev/null 2>&1
ok "all go" eventually 20 containers_are 0
nothing() { [ -z "$(ls -A "$work/data/node/containers")" ]; }
ok "and leave nothing" eventually 10 nothing
server_stop TERM
umount "$work/data/node/containers"
