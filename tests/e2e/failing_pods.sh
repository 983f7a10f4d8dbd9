#!/bin/bash
# Pods that fail, and what a person sees of it: two containers that want one port, a pod over its
# memory limit, a probe that fails, a config that is missing, an init container that fails.
# shellcheck source-path=SCRIPTDIR
. "$(dirname "$0")/lib.sh"
k=$minke

server_start || exit 1
demo_image
ok "the node becomes Ready" eventually 15 sh -c "'$k' get nodes --no-headers | grep -q ' Ready '"

status() { "$k" get pod "$1" --no-headers 2>/dev/null; }
shows() { status "$1" | grep -qE -- "$2"; }

"$k" apply -f - >/dev/null <<'YAML'
apiVersion: v1
kind: Pod
metadata: {name: same-port}
spec:
  terminationGracePeriodSeconds: 1
  containers:
  - {name: first, image: "minke.local/demo/web:1"}
  - {name: second, image: "minke.local/demo/web:1", command: [sh, -c, "sleep 1; exec /bin/web"]}
---
apiVersion: v1
kind: Pod
metadata: {name: hungry}
spec:
  terminationGracePeriodSeconds: 1
  containers:
  - name: eater
    image: minke.local/demo/web:1
    command: [sh, -c, 'x=a; while :; do x=$x$x; done']
    resources: {limits: {memory: 24Mi}}
---
apiVersion: v1
kind: Pod
metadata: {name: missing-config}
spec:
  containers:
  - name: c
    image: minke.local/demo/web:1
    env: [{name: A, valueFrom: {configMapKeyRef: {name: nowhere, key: a}}}]
---
apiVersion: v1
kind: Pod
metadata: {name: unhealthy}
spec:
  terminationGracePeriodSeconds: 1
  containers:
  - name: c
    image: minke.local/demo/web:1
    livenessProbe: {httpGet: {path: /nothing, port: 8080}, periodSeconds: 1, failureThreshold: 2}
---
apiVersion: v1
kind: Pod
metadata: {name: init-fails}
spec:
  initContainers:
  - {name: setup, image: "minke.local/demo/web:1", command: [sh, -c, "echo cannot >&2; exit 3"]}
  containers:
  - {name: c, image: "minke.local/demo/web:1"}
---
apiVersion: v1
kind: Pod
metadata: {name: completes}
spec:
  restartPolicy: Never
  containers:
  - {name: c, image: "minke.local/demo/web:1", command: [sh, -c, "echo done; exit 0"]}
YAML

ok "two containers on one port: 1/2 CrashLoopBackOff" eventually 45 shows same-port '1/2 +CrashLoopBackOff'
matches "logs -c says why" 'ddress already in use' "$("$k" logs same-port -c second 2>&1; "$k" logs same-port -c second --previous 2>&1)"
ok "over its memory limit: OOMKilled" eventually 30 shows hungry 'OOMKilled|CrashLoopBackOff'
same "its last state says OOMKilled, 137" "OOMKilled 137" \
  "$("$k" get pod hungry -o 'jsonpath={.status.containerStatuses[0].lastState.terminated.reason}{.status.containerStatuses[0].state.terminated.reason} {.status.containerStatuses[0].lastState.terminated.exitCode}{.status.containerStatuses[0].state.terminated.exitCode}' | sed 's/OOMKilledOOMKilled 137137/OOMKilled 137/')"
ok "then CrashLoopBackOff" eventually 45 shows hungry CrashLoopBackOff
ok "a missing ConfigMap: CreateContainerConfigError" eventually 20 shows missing-config CreateContainerConfigError
"$k" create configmap nowhere --from-literal=a=b >/dev/null
ok "which mends itself once it is there" eventually 30 shows missing-config '1/1 +Running'
restarted() { [ "$("$k" get pod unhealthy -o 'jsonpath={.status.containerStatuses[0].restartCount}')" -ge 1 ]; }
ok "a failing liveness probe restarts the container" eventually 40 restarted
matches "and says so in an event" 'Liveness probe failed: HTTP probe failed with statuscode: 404' \
  "$("$k" describe pod unhealthy 2>&1)"
ok "a failing init container: Init:CrashLoopBackOff or Init:Error" eventually 30 shows init-fails 'Init:(CrashLoopBackOff|Error)'
ok "a pod that ends well is Completed" eventually 20 shows completes '0/1 +Completed'
same "and keeps its log" "done" "$("$k" logs completes 2>&1)"
"$k" delete pods --all >/dev/null 2>&1
ok "all can be deleted" eventually 45 sh -c "[ -z \"\$('$k' get pods --no-headers 2>/dev/null)\" ]"
