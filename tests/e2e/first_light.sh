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

# ---- logs, exec, port-forward
pod=$(first_pod)
matches "logs" 'serving on port 8080' "$("$k" logs "$pod" 2>&1)"
timeout 10 "$k" logs -f "$pod" >"$work/follow" 2>&1 &
follow=$!
same "exec gives output" "$pod" "$("$k" exec "$pod" -- hostname 2>&1)"
"$k" exec "$pod" -- sh -c 'exit 7' >/dev/null 2>&1
same "exec gives the exit code" 7 $?
same "exec -i passes stdin" 12345 "$(printf 12345 | "$k" exec -i "$pod" -- cat 2>&1)"
matches "exec -it has a terminal" '/dev/pts/' \
  "$(script -qec "'$k' exec -it '$pod' -- tty" /dev/null </dev/null 2>&1)"
"$k" port-forward "$pod" 18080:8080 >"$work/forward" 2>&1 &
forward=$!
eventually 10 grep -q 'Forwarding from' "$work/forward"
same "port-forward carries an HTTP request" "hello from $pod" \
  "$(curl -s --max-time 10 http://127.0.0.1:18080/ 2>&1)"
kill $forward 2>/dev/null
wait $forward 2>/dev/null
matches "logs -f follows" 'serving on port' "$(cat "$work/follow")"
kill $follow 2>/dev/null
wait $follow 2>/dev/null

# ---- a deleted pod is replaced
"$k" delete pod "$pod" --wait=false >/dev/null 2>&1
ok "the pod goes away" eventually 45 sh -c "! '$k' get pod '$pod'"
ok "and is replaced" eventually 30 has_running 3

# ---- a bad image stops where Kubernetes would: 3 replicas, 25%/25% → one new pod, none taken away
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

# ---- scale, delete
"$k" scale deployment/web --replicas=5 >/dev/null 2>&1
ok "scale up" eventually 30 has_running 5
"$k" scale deployment/web --replicas=1 >/dev/null 2>&1
ok "scale down" eventually 60 has_running 1
"$k" delete -f "$root/examples/web.yaml" >/dev/null 2>&1
ok "delete takes everything along" eventually 60 sh -c "[ -z \"\$('$k' get pods,rs,deploy --no-headers 2>/dev/null)\" ]"
