#!/bin/bash
# Real processor time: top shows it, an autoscaler follows it up and down.
# shellcheck source-path=SCRIPTDIR
. "$(dirname "$0")/lib.sh"
k=$minke
image=minke.local/demo/web:1

server_start --autoscale-every 1 || exit 1
demo_image
# Busy while /tmp/load is there, and never beyond a fifth of a core.
"$k" apply -f - >/dev/null <<YAML
apiVersion: apps/v1
kind: Deployment
metadata: {name: busy}
spec:
  selector: {matchLabels: {app: busy}}
  template:
    metadata: {labels: {app: busy}}
    spec:
      terminationGracePeriodSeconds: 0
      containers:
      - name: c
        image: $image
        command: [sh, -c, 'while :; do [ -e /tmp/load ] || sleep 0.2; done']
        resources: {requests: {cpu: 100m, memory: 16Mi}, limits: {cpu: 200m}}
---
apiVersion: autoscaling/v2
kind: HorizontalPodAutoscaler
metadata: {name: busy}
spec:
  scaleTargetRef: {apiVersion: apps/v1, kind: Deployment, name: busy}
  maxReplicas: 3
  metrics:
  - {type: Resource, resource: {name: cpu, target: {type: Utilization, averageUtilization: 60}}}
  behavior: {scaleDown: {stabilizationWindowSeconds: 1}}
YAML
replicas() { [ "$("$k" get deployment busy -o 'jsonpath={.spec.replicas}/{.status.readyReplicas}')" = "$1" ]; }
measured() { "$k" get hpa busy -o 'jsonpath={.status.currentMetrics[0].resource.current.averageUtilization}' | grep -qE "$1"; }
millicores() { "$k" top pod -l app=busy --no-headers | awk '{ sum += $2 } END { print sum + 0 }'; }
uses() { local m; m=$(millicores); [ "$m" -ge "$1" ] && [ "$m" -le "$2" ]; }

ok "one pod runs, and is measured" eventually 15 measured '^[0-9]+$'
ok "idle, it uses next to nothing" eventually 5 uses 0 60
ok "and stays one" replicas 1/1
matches "memory is a working set, not the whole machine" ' [0-9]{1,2}Mi' "$("$k" top pod --no-headers)"
matches "the node is measured too" '^node-1 +[0-9]+m +[0-9]+% +[0-9]+Mi +[0-9]+%' "$("$k" top node --no-headers)"
first=$("$k" get pods -l app=busy -o name)
"$k" exec "$first" -- touch /tmp/load
ok "under load the autoscaler adds pods" eventually 15 replicas 3/3
matches "and says why" 'New size: [23]; reason: cpu resource utilization \(percentage of request\) above target' \
  "$("$k" describe hpa busy)"
ok "top shows the load, within its limit" eventually 5 uses 100 300
"$k" exec "$first" -- rm /tmp/load
ok "without load they go again" eventually 20 replicas 1/1
"$k" delete hpa busy >/dev/null
"$k" delete deployment busy >/dev/null
gone() { [ -z "$("$k" get pods -o name)" ]; }
ok "nothing is left" eventually 10 gone
ticks() { awk '{ print $14 + $15 }' "/proc/$server_pid/stat"; }
sleep 2; before=$(ticks); sleep 3
ok "with no autoscaler nobody looks" [ "$(($(ticks) - before))" -le 2 ]

