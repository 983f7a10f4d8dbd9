#!/bin/bash
# The main job, with the client named in $1 (a kubectl, or minke itself) doing everything a person
# would: a Deployment of three web servers is applied, looked at, entered, broken, mended, scaled and
# deleted, with the server killed in the middle of it.
# shellcheck source-path=SCRIPTDIR
. "$(dirname "$0")/lib.sh"
k=${1:-$minke}
echo "# client: $(basename "$k")"

pods() { "$k" get pods -l app=web --no-headers 2>/dev/null; }
running() { pods | grep -c ' 1/1 .* Running'; }
has_running() { [ "$(running)" = "$1" ] && [ "$(pods | wc -l)" = "$1" ]; }
first_pod() { "$k" get pods -l app=web -o 'jsonpath={.items[0].metadata.name}'; }
containers() { "$k" get pods -l app=web \
  -o 'jsonpath={range .items[*]}{.metadata.name} {.status.containerStatuses[0].containerID} {.status.containerStatuses[0].restartCount}{"\n"}{end}' | sort; }

server_start || exit 1
demo_image
ok "the node becomes Ready" eventually 15 sh -c "'$k' get nodes --no-headers | grep -q ' Ready '"

# ---- apply, roll out, look
out=$("$k" apply -f "$root/examples/web.yaml" 2>&1)
matches "apply makes the Deployment" '^deployment.apps/web created$' "$out"
matches "apply makes the Service" '^service/web created$' "$out"
out=$("$k" rollout status deployment/web --timeout=60s 2>&1)
matches "rollout status ends well" 'deployment "web" successfully rolled out' "$out"
same "three pods run" 3 "$(running)"
out=$("$k" get pods -o wide 2>&1)
matches "get -o wide shows addresses and nodes" 'Running +0 .* 10\.244\.[0-9.]+ +node-1 ' "$out"
out=$("$k" get deployment web 2>&1)
matches "get deployment counts" '^web +3/3 +3 +3 ' "$out"
same "apply again changes nothing" "deployment.apps/web unchanged" \
  "$("$k" apply -f "$root/examples/web.yaml" 2>&1 | grep deployment)"

# ---- logs, exec, attach, cp, port-forward
pod=$(first_pod)
matches "logs" 'serving on port 8080' "$("$k" logs "$pod" 2>&1)"
"$k" logs -f "$pod" >"$work/follow" 2>&1 &
follow=$!
same "exec gives output" "$pod" "$("$k" exec "$pod" -- hostname 2>&1)"
"$k" exec "$pod" -- sh -c 'exit 7' >/dev/null 2>&1
same "exec gives the exit code" 7 $?
same "exec -i passes stdin" 12345 "$(printf 12345 | "$k" exec -i "$pod" -- cat 2>&1)"
matches "exec -it has a terminal" '/dev/pts/' \
  "$(sleep 1 | script -qec "'$k' exec -it '$pod' -- tty" /dev/null 2>&1)"
matches "and a shell answers on it" 'the sum is 42' \
  "$({ echo 'echo the sum is $((40+2))'; sleep 1; echo exit; } |
    script -qec "'$k' exec -it '$pod' -- sh" /dev/null 2>&1)"
same "exec carries 50 MB of output" 52428800 "$("$k" exec "$pod" -- head -c 52428800 /dev/zero | wc -c)"
head -c 3145728 /dev/urandom >"$work/random"
same "exec -i carries 3 MB of input" "$(sha256sum <"$work/random")" \
  "$("$k" exec -i "$pod" -- sha256sum <"$work/random" 2>&1)"
same "exec -i through a pipe too" "$(sha256sum <"$work/random")" \
  "$(cat "$work/random" | "$k" exec -i "$pod" -- sha256sum 2>&1)"
if [ "$k" != "$minke" ]; then
  "$k" cp "$work/random" "$pod:/tmp/random" >/dev/null 2>&1
  "$k" cp "$pod:/tmp/random" "$work/again" >/dev/null 2>&1
  same "cp there and back" "$(sha256sum <"$work/random")" "$(sha256sum <"$work/again")"
fi
timeout 20 "$k" attach "$pod" >"$work/attached" 2>&1 &
attached=$!
"$k" port-forward "$pod" 18080:8080 >"$work/forward" 2>&1 &
forward=$!
eventually 10 grep -q 'Forwarding from' "$work/forward"
sleep 0.5 # attach has joined by then
same "port-forward carries an HTTP request" "hello from $pod" \
  "$(curl -s --max-time 10 http://127.0.0.1:18080/ 2>&1)"
same "and forty, ten at a time" 40 "$(seq 40 | xargs -P 10 -I{} \
  curl -s --max-time 10 http://127.0.0.1:18080/ | grep -c "hello from $pod")"
kill $forward 2>/dev/null
wait $forward 2>/dev/null
ok "attach shows what the process says" eventually 5 grep -q 'response:200' "$work/attached"
kill $attached 2>/dev/null
wait $attached 2>/dev/null
ok "logs -f follows" eventually 5 grep -q 'response:200' "$work/follow"
kill $follow 2>/dev/null
wait $follow 2>/dev/null

# ---- a deleted pod is replaced
"$k" delete pod "$pod" --wait=false >/dev/null 2>&1
ok "the pod goes away" eventually 45 sh -c "! '$k' get pod '$pod'"
ok "and is replaced" eventually 30 has_running 3

# ---- another image: 3 replicas, 25%/25% → at most 4 pods, never fewer than 3 that are available
api "/api/v1/namespaces/default/pods?watch=1&labelSelector=app%3Dweb" >"$work/events" 2>/dev/null &
watcher=$!
eventually 5 test -s "$work/events"
"$k" set image deployment/web web=minke.local/demo/web:2 >/dev/null 2>&1
out=$("$k" rollout status deployment/web --timeout=60s 2>&1)
matches "a new image rolls out" 'successfully rolled out' "$out"
ok "old pods are gone" eventually 30 has_running 3
kill $watcher 2>/dev/null
wait $watcher 2>/dev/null
matches "maxSurge and maxUnavailable held at every instant" '^held over [1-9][0-9]+ events$' \
  "$("$root/tests/e2e/held.py" 4 3 <"$work/events" 2>&1)"
same "all run the new image" "minke.local/demo/web:2" "$("$k" get pods -l app=web \
  -o 'jsonpath={range .items[*]}{.spec.containers[0].image}{"\n"}{end}' | sort -u)"

# ---- a bad image stops where Kubernetes would: one new pod, none taken away
"$k" set image deployment/web web=minke.local/demo/none:1 >/dev/null 2>&1
waiting() { "$k" get pods -l app=web 2>&1 | grep -qE 'ErrImagePull|ImagePullBackOff'; }
ok "a bad image shows as ErrImagePull or ImagePullBackOff" eventually 30 waiting
same "the old pods all stay" 3 "$(running)"
same "only one new pod is tried" 4 "$(pods | wc -l)"
out=$("$k" rollout undo deployment/web 2>&1)
matches "rollout undo" 'deployment.apps/web rolled back' "$out"
ok "all is as before" eventually 45 has_running 3

# ---- kill -9 in the middle of things
before=$(containers)
server_stop KILL
server_start || exit 1
ok "after kill -9 the pods are still Running" eventually 20 has_running 3
sleep 1
same "no container was restarted" "$before" "$(containers)"

# ---- and in the middle of a roll-out
"$k" set image deployment/web web=minke.local/demo/web:1 >/dev/null 2>&1
three_old() { pods | grep -qE 'ContainerCreating|Pending|Terminating' || [ "$(pods | wc -l)" -gt 3 ]; }
eventually 5 three_old
server_stop KILL
before=$(cat /proc/[0-9]*/comm 2>/dev/null | grep -cx conmon)
server_start || exit 1
matches "a roll-out goes on after kill -9" 'successfully rolled out' \
  "$("$k" rollout status deployment/web --timeout=60s 2>&1)"
ok "to its end" eventually 30 has_running 3
same "no container was started twice" "0 0 0" "$(echo $("$k" get pods -l app=web \
  -o 'jsonpath={range .items[*]}{.status.containerStatuses[0].restartCount} {end}'))"
ok "and none is left over ($before ran)" eventually 20 containers_are 3

# ---- scale, delete
"$k" scale deployment/web --replicas=5 >/dev/null 2>&1
ok "scale up" eventually 30 has_running 5
"$k" scale deployment/web --replicas=1 >/dev/null 2>&1
ok "scale down" eventually 60 has_running 1
"$k" delete -f "$root/examples/web.yaml" >/dev/null 2>&1
ok "delete takes everything along" eventually 60 sh -c "[ -z \"\$('$k' get pods,rs,deploy --no-headers 2>/dev/null)\" ]"
ok "and leaves no container" eventually 20 containers_are 0
