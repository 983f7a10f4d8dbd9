#!/bin/bash
# tests/clients/scheduling.sh [CLIENT…]: what a user of real kubectl sees of the scheduler on three
# simulated nodes: preemption, spreading, anti-affinity, gates, the sentences of FailedScheduling; and
# what `minke why` says of the same pods.
set -u
cd "$(dirname "$0")/../.."
build=${BUILD:-build}
minke=$PWD/$build/minke
clients=("$@")
[ $# -gt 0 ] || clients=("$build"/clients/kubectl-1.32 "$build"/clients/kubectl-1.20)
passed=0 failed=0
port=${SCHEDULING_PORT:-26653}

is() { # NAME GOT WANTED
  if [ "$2" = "$3" ]; then passed=$((passed + 1)); return; fi
  failed=$((failed + 1))
  printf 'FAIL %s\n  got:    %s\n  wanted: %s\n' "$1" "$2" "$3"
}
holds() { # NAME TEXT PART
  case $2 in *"$3"*) passed=$((passed + 1)) ;; *) is "$1" "$2" "…$3…" ;; esac
}
pod() { # NAME SPEC [CPU [LABEL]]: makes one
  "$kubectl" apply -f - >/dev/null <<YAML
{"apiVersion": "v1", "kind": "Pod", "metadata": {"name": "$1", "labels": {"app": "${4:-$1}"}},
 "spec": {$2 "containers": [{"name": "c", "image": "none", "resources": {"requests": {"cpu": "${3:-1}"}}}]}}
YAML
}
field() { "$kubectl" get pod "$1" -o "jsonpath={$2}" 2>/dev/null; }
until_is() { # POD FIELD WANTED: within ten seconds
  for _ in $(seq 100); do [ "$(field "$1" "$2")" = "$3" ] && break; sleep 0.1; done
  is "$1 $2" "$(field "$1" "$2")" "$3"
}
why_not() { field "$1" '.status.conditions[?(@.type=="PodScheduled")].message'; }
until_said() { # POD
  for _ in $(seq 100); do [ -n "$(why_not "$1")" ] && return; sleep 0.1; done
}
on() { printf '"nodeSelector": {"kubernetes.io/hostname": "simulated-%s"},' "$1"; }

sentences() {
  pod big '' 33; until_said big
  is sentence "$(why_not big)" "0/3 nodes are available: 3 Insufficient cpu. preemption: 0/3 nodes are available: 3 Preemption is not helpful for scheduling."
  holds event "$("$kubectl" describe pod big)" "Warning  FailedScheduling"
  holds why "$("$minke" why pod/big)" "3 nodes (simulated-0, simulated-1, simulated-2): short of cpu by 1: it asks for 33, and 32 of 32 is free"
  "$kubectl" taint node simulated-1 team=red:NoSchedule >/dev/null
  "$kubectl" cordon simulated-2 >/dev/null
  pod picky '"nodeSelector": {"disk": "ssd"},'; until_said picky
  is mixed "$(why_not picky)" "0/3 nodes are available: 1 node(s) didn't match Pod's node affinity/selector, 1 node(s) had untolerated taint(s), 1 node(s) were unschedulable. preemption: 0/3 nodes are available: 3 Preemption is not helpful for scheduling."
  holds 'why taint' "$("$minke" why picky)" "minke taint node simulated-1 team=red:NoSchedule-"
  "$kubectl" label node simulated-0 disk=ssd >/dev/null
  until_is picky .spec.nodeName simulated-0
  holds 'why it runs' "$("$minke" why picky)" "on node simulated-0"
  "$kubectl" taint node simulated-1 team- >/dev/null
  "$kubectl" uncordon simulated-2 >/dev/null
  "$kubectl" delete pod big picky --now >/dev/null
}

gates() {
  pod gated '"schedulingGates": [{"name": "example.com/wait"}],'
  # Old clients print the column that the server computes as well.
  holds column "$("$kubectl" get pod gated)" SchedulingGated
  holds 'why gates' "$("$minke" why gated)" "the gate example.com/wait is closed"
  "$kubectl" patch pod gated --type=json -p '[{"op": "remove", "path": "/spec/schedulingGates"}]' >/dev/null
  until_is gated .status.phase Running
  "$kubectl" delete pod gated --now >/dev/null
}

spreading() {
  "$kubectl" label node simulated-0 simulated-1 zone=a --overwrite >/dev/null
  "$kubectl" label node simulated-2 zone=b --overwrite >/dev/null
  for i in 1 2 3 4; do
    pod "even-$i" '"topologySpreadConstraints": [{"maxSkew": 1, "topologyKey": "zone", "whenUnsatisfiable": "DoNotSchedule", "labelSelector": {"matchLabels": {"app": "even"}}}],' 100m even
  done
  until_is even-4 .status.phase Running
  is 'two in each zone' "$("$kubectl" get pods -l app=even -o 'jsonpath={.items[*].spec.nodeName}' | tr ' ' '\n' | grep -c simulated-2)" 2
  for i in 0 1 2 3; do
    pod "shy-$i" '"affinity": {"podAntiAffinity": {"requiredDuringSchedulingIgnoredDuringExecution": [{"topologyKey": "kubernetes.io/hostname", "labelSelector": {"matchLabels": {"app": "shy"}}}]}},' 100m shy
  done
  until_said shy-3
  is 'one a node' "$("$kubectl" get pods -l app=shy -o 'jsonpath={.items[*].spec.nodeName}' | tr ' ' '\n' | sort -u | wc -l)" 3
  is 'the fourth' "$(why_not shy-3)" "0/3 nodes are available: 3 node(s) didn't match pod anti-affinity rules. preemption: 0/3 nodes are available: 3 No preemption victims found for incoming pod."
  "$kubectl" delete pods -l 'app in (even, shy)' --now >/dev/null
}

preemption() {
  "$kubectl" create priorityclass high --value=1000 >/dev/null 2>&1
  for i in 0 1 2; do pod "low-$i" "$(on $i)" 20; done
  until_is low-2 .status.phase Running
  pod vip '"priorityClassName": "high",' 30
  until_is vip .status.phase Running
  victim=low-${vip_node:=$(field vip .spec.nodeName | tr -dc 0-9)}
  is 'the victim' "$(field "$victim" .metadata.name)" ''
  holds 'its event' "$("$kubectl" get events --field-selector "involvedObject.name=$victim" -o 'jsonpath={.items[*].message}')" \
    "Preempted by pod $(field vip .metadata.uid) on node simulated-$vip_node"
  holds 'what was said' "$("$kubectl" get events --field-selector involvedObject.name=vip -o 'jsonpath={.items[*].message}')" \
    '0/3 nodes are available: 3 Insufficient cpu.'
  is 'the others stay' "$("$kubectl" get pods --no-headers | grep -c '^low.*Running')" 2
}

quota() {
  "$kubectl" create quota tight --hard=pods=3 >/dev/null
  "$minke" create deployment many --image=none --replicas=5 >/dev/null
  for _ in $(seq 100); do "$minke" why deployment/many | grep -q 'exceeded quota' && break; sleep 0.1; done
  holds 'why a workload makes no pods' "$("$minke" why deployment/many)" "exceeded quota: tight"
}

for kubectl in "${clients[@]}"; do
  work=$(mktemp -d) vip_node=
  export KUBECONFIG=$work/data/admin.kubeconfig HOME=$work
  "$minke" server --data "$work/data" --listen "127.0.0.1:$port" --node none --simulate-nodes 3 2>"$work/log" &
  pid=$!
  for _ in $(seq 100); do "$minke" get serviceaccount default >/dev/null 2>&1 && break; sleep 0.05; done
  for part in sentences gates spreading preemption quota; do $part; done
  kill $pid; wait $pid 2>/dev/null
  rm -rf "$work"
done
echo "$passed passed, $failed failed"
[ "$failed" -eq 0 ]
