#!/bin/bash
# Commands inside containers, where the ends are near each other: input that is over before the
# command runs, output whose reader is slow, streams of old (SPDY) and new (WebSocket) clients.
# shellcheck source-path=SCRIPTDIR
. "$(dirname "$0")/lib.sh"
k=$minke
clients=("$minke" "$root/${BUILD:-build}"/clients/kubectl-1.20 "$root/${BUILD:-build}"/clients/kubectl-1.35)

server_start || exit 1
demo_image
"$k" apply -f - >/dev/null <<'YAML'
apiVersion: v1
kind: Pod
metadata: {name: stays}
spec:
  terminationGracePeriodSeconds: 0
  containers:
  - {name: c, image: "minke.local/demo/web:1", command: [sh, -c, 'while :; do sleep 1; done']}
YAML
ok "a pod runs" eventually 20 sh -c "'$k' get pod stays | grep -q Running"

# TIMES COMMAND…: so many runs, four at a time; what several lines tell must come as one, whole
counted() { local times=$1; shift; seq "$times" | xargs -P 4 -I{} timeout 30 sh -c "$*" 2>/dev/null; }
for client in "${clients[@]}"; do
  name=$(basename "$client") times=10
  [ "$name" = kubectl-1.35 ] && times=30 # there output was once seen to be lost
  same "$name: a terminal whose input is at its end gives all output" $times \
    "$(counted $times "echo \$(script -qec \"'$client' exec -it stays -- tty\" /dev/null </dev/null)" | grep -c '/dev/pts/')"
  same "$name: a command sees what its input held, and its end" 8 \
    "$(counted 8 "echo \$(echo word | '$client' exec -i stays -- sh -c 'cat; echo over')" | grep -c '^word over$')"
  same "$name: an input that is empty ends" 8 \
    "$(counted 8 "'$client' exec -i stays -- sh -c 'cat; echo over' </dev/null" | grep -c '^over')"
done
same "a slow reader gets it all" 4000000 "$("$k" exec stays -- head -c 4000000 /dev/zero | { sleep 3; wc -c; })"
