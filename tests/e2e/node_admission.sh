#!/bin/bash
# What a node refuses or evicts by itself, what a privileged container is given, and what the default
# seccomp profile takes away.
# shellcheck source-path=SCRIPTDIR
. "$(dirname "$0")/lib.sh"
k=$minke
image=minke.local/demo/web:1

server_start --restart-backoff 1 --restart-backoff-most 2 || exit 1
demo_image
ok "the node becomes Ready" eventually 15 sh -c "'$k' get nodes --no-headers | grep -q ' Ready '"
shows() { "$k" get pod "$1" --no-headers 2>/dev/null | grep -qE -- "$2"; }
value() { "$k" get pod "$1" -o "jsonpath={$2}"; }
says() { [ "$(value "$1" "$2")" = "$3" ]; }
inside() { "$k" exec "$1" -- sh -c "$2" 2>&1; }

"$k" apply -f - >/dev/null <<YAML
apiVersion: v1
kind: Pod
metadata: {name: fills}
spec:
  terminationGracePeriodSeconds: 30
  volumes: [{name: e, emptyDir: {sizeLimit: 2Mi}}]
  containers:
  - {name: c, image: $image, volumeMounts: [{name: e, mountPath: /e}], command: [sh, -c, "dd if=/dev/zero of=/e/x bs=1M count=5; exec sleep 1000"]}
---
apiVersion: v1
kind: Pod
metadata: {name: writes}
spec:
  terminationGracePeriodSeconds: 0
  containers:
  - {name: c, image: $image, resources: {limits: {ephemeral-storage: 2Mi}}, command: [sh, -c, "dd if=/dev/zero of=/x bs=1M count=5; exec sleep 1000"]}
---
apiVersion: v1
kind: Pod
metadata: {name: elsewhere}
spec: {nodeName: node-1, nodeSelector: {no: such}, containers: [{name: c, image: $image}]}
---
apiVersion: v1
kind: Pod
metadata: {name: large}
spec: {nodeName: node-1, containers: [{name: c, image: $image, resources: {requests: {cpu: "1000"}}}]}
---
apiVersion: v1
kind: Pod
metadata: {name: privileged}
spec:
  terminationGracePeriodSeconds: 0
  containers: [{name: c, image: $image, securityContext: {privileged: true}}]
---
apiVersion: v1
kind: Pod
metadata: {name: confined}
spec:
  terminationGracePeriodSeconds: 0
  securityContext: {runAsUser: 1000, fsGroup: 3000, seccompProfile: {type: RuntimeDefault}}
  volumes: [{name: e, emptyDir: {}}]
  containers:
  - name: c
    image: $image
    command: [sleep, "1000"]
    env: [{name: POD, valueFrom: {fieldRef: {fieldPath: metadata.name}}}]
    volumeMounts: [{name: e, mountPath: /e, subPathExpr: "\$(POD)/d"}]
---
apiVersion: v1
kind: Pod
metadata: {name: resized}
spec:
  terminationGracePeriodSeconds: 0
  containers:
  - name: c
    image: $image
    resources: {limits: {cpu: 500m, memory: 64Mi}}
    resizePolicy: [{resourceName: memory, restartPolicy: RestartContainer}]
---
apiVersion: v1
kind: Pod
metadata: {name: crashes}
spec:
  containers: [{name: c, image: $image, command: [sh, -c, "exit 1"]}]
YAML

ok "a pod whose labels are not ours is refused" eventually 10 shows elsewhere '0/1 +NodeAffinity'
same "and says so" "Pod was rejected: Predicate NodeAffinity failed: node(s) didn't match Pod's node affinity/selector" \
  "$(value elsewhere .status.message)"
ok "one that asks for too much too" eventually 10 shows large '0/1 +OutOfcpu'
ok "a privileged container runs" eventually 15 shows privileged '1/1 +Running'
same "and sees the machine's devices" "$(stat -c %t:%T /dev/kmsg /dev/fuse 2>/dev/null)" \
  "$(inside privileged 'stat -c %t:%T /dev/kmsg; [ -e /dev/fuse ] && stat -c %t:%T /dev/fuse')"
ok "a confined one runs" eventually 15 shows confined '1/1 +Running'
same "under a filter" 2 "$(inside confined "sed -n 's/^Seccomp:[^0-9]*//p' /proc/self/status")"
matches "which refuses what it should" 'not permitted' "$(inside confined 'unshare -m true')"
same "its subPath is for its group" well "$(inside confined 'touch /e/x && echo well')"
# ---- other resources while it runs
limits() { inside resized 'cat /sys/fs/cgroup/cpu/cpu.cfs_quota_us /sys/fs/cgroup/memory/memory.limit_in_bytes' | xargs; }
limits_are() { [ "$(limits)" = "$1" ]; }
resize() { api "/api/v1/namespaces/default/pods/resized/resize" -X PATCH \
  -H 'Content-Type: application/strategic-merge-patch+json' \
  -d "{\"spec\":{\"containers\":[{\"name\":\"c\",\"resources\":{\"limits\":$1,\"requests\":$1}}]}}" >/dev/null; }
ok "a pod to resize runs" eventually 15 shows resized '1/1 +Running'
same "with what it asked for" "50000 67108864" "$(limits)"
resize '{"cpu":"800m"}'
ok "more processor is given in place" eventually 10 limits_are "80000 67108864"
ok "and told" eventually 5 says resized '.status.containerStatuses[0].resources.limits.cpu' 800m
same "without a restart" 0 "$(value resized '.status.containerStatuses[0].restartCount')"
resize '{"memory":"80Mi"}'
ok "more memory by a new container, as its policy says" eventually 15 limits_are "80000 83886080"
same "which counts" 1 "$(value resized '.status.containerStatuses[0].restartCount')"
resize '{"cpu":"50"}'
ok "what no node has is Infeasible" eventually 5 \
  says resized '.status.conditions[?(@.type=="PodResizePending")].reason' Infeasible
resize '{"cpu":"300m"}'
ok "until something else is asked for" eventually 5 limits_are "30000 83886080"

crashed() { [ "$(value crashes '.status.containerStatuses[0].restartCount')" -ge 4 ]; }
ok "the back-off is as the options say" eventually 15 crashed
ok "a volume over its limit has its pod evicted" eventually 25 says fills .status.reason Evicted
matches "which says why" 'Usage of EmptyDir volume "e" exceeds the limit "2Mi"' "$(value fills .status.message)"
ok "and ends soon, whatever grace it has" eventually 8 says fills .status.phase Failed
ok "so has a container that writes too much" eventually 10 says writes .status.reason Evicted
same "as a disruption" TerminationByKubelet \
  "$(value writes '.status.conditions[?(@.type=="DisruptionTarget")].reason')"
server_stop TERM
server_start || exit 1
same "which is not forgotten" Evicted "$(value writes .status.reason)"
same "and stays refused" NodeAffinity "$(value elsewhere .status.reason)"
