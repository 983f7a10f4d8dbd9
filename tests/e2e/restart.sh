#!/bin/bash
# The server goes, containers stay: what it finds again after SIGTERM and after kill -9, what ended
# meanwhile, and that no container is lost or left over when it dies while pods come and go. And
# pods reach the API server with the token they were given.
# shellcheck source-path=SCRIPTDIR
. "$(dirname "$0")/lib.sh"
k=$minke

server_start || exit 1
demo_image
ok "the node becomes Ready" eventually 15 sh -c "'$k' get nodes --no-headers | grep -q ' Ready '"
"$k" apply -f - >/dev/null <<'YAML'
apiVersion: v1
kind: Pod
metadata: {name: counts}
spec:
  terminationGracePeriodSeconds: 0
  containers:
  - name: c
    image: minke.local/demo/web:1
    command: [sh, -c, 'touch /tmp/well; i=0; while :; do i=$((i+1)); echo line $i; sleep 0.1; done']
    readinessProbe: {exec: {command: [cat, /tmp/well]}, periodSeconds: 1, failureThreshold: 1}
---
apiVersion: v1
kind: Pod
metadata: {name: ends}
spec:
  restartPolicy: Never
  containers:
  - {name: c, image: "minke.local/demo/web:1", command: [sh, -c, 'until [ -f /tmp/go ]; do sleep 0.1; done; sleep 1; exit 5']}
YAML
status_of() { "$k" get pod "$1" -o "jsonpath=$2"; }
is() { [ "$(status_of "$1" "$2")" = "$3" ]; }
ready='{.status.containerStatuses[0].ready}' id='{.status.containerStatuses[0].containerID}'
restarts='{.status.containerStatuses[0].restartCount}'
ok "a pod is Ready" eventually 20 is counts "$ready" true
ok "another runs" eventually 20 is ends '{.status.phase}' Running
before=$(status_of counts "$id")

"$k" exec ends -- touch /tmp/go
server_stop TERM
sleep 2
server_start || exit 1
ok "what ended while nobody watched has its exit code" \
  eventually 10 is ends '{.status.phase} {.status.containerStatuses[0].state.terminated.exitCode}' 'Failed 5'
ok "what ran is Ready still" eventually 10 is counts "$ready" true
same "in the same container" "$before 0" "$(status_of counts "$id") $(status_of counts "$restarts")"
server_stop KILL
server_start || exit 1
ok "after kill -9 too" eventually 10 is counts "$ready" true
same "in the same container, again" "$before 0" "$(status_of counts "$id") $(status_of counts "$restarts")"
"$k" logs counts >"$work/log"
same "its log has every line once" "$(seq "$(wc -l <"$work/log")" | sed 's/^/line /')" "$(cat "$work/log")"
ok "of all the time" test "$(wc -l <"$work/log")" -gt 15
"$k" exec counts -- rm /tmp/well
ok "its probes go on" eventually 10 is counts "$ready" false

# ---- the API from inside: by the pod's token, the certificate it was given, the address it was told
uid=$(status_of counts '{.metadata.uid}')
inside=/var/run/secrets/kubernetes.io/serviceaccount
"$k" exec counts -- cat $inside/ca.crt >"$work/pod-ca.crt"
token=$("$k" exec counts -- cat $inside/token)
address=$("$k" exec counts -- sh -c 'echo $KUBERNETES_SERVICE_HOST:$KUBERNETES_SERVICE_PORT')
same "it was told the Service's address" 10.96.0.1:443 "$address"
from_pod() { nsenter "--net=$work/data/node/network/$uid/net" curl -s --max-time 10 \
  --cacert "$work/pod-ca.crt" -H "Authorization: Bearer $token" -o "$work/answer" -w '%{http_code}' "https://$address$1"; }
same "a pod's token may ask for /version" 200 "$(from_pod /version)"
same "but not for pods" 403 "$(from_pod /api/v1/namespaces/default/pods)"
matches "and is told who it is" 'system:serviceaccount:default:default' "$(cat "$work/answer")"
"$k" apply -f - >/dev/null <<'YAML'
apiVersion: rbac.authorization.k8s.io/v1
kind: Role
metadata: {name: sees-pods, namespace: default}
rules: [{apiGroups: [""], resources: [pods], verbs: [get, list]}]
---
apiVersion: rbac.authorization.k8s.io/v1
kind: RoleBinding
metadata: {name: default-sees-pods, namespace: default}
roleRef: {apiGroup: rbac.authorization.k8s.io, kind: Role, name: sees-pods}
subjects: [{kind: ServiceAccount, name: default, namespace: default}]
YAML
same "until a role says so" 200 "$(from_pod /api/v1/namespaces/default/pods)"
"$k" delete pods --all --now >/dev/null 2>&1
ok "all go" eventually 30 containers_are 0

# ---- killed while pods come and go: each time as many containers must run as are wanted
"$k" apply -f "$root/examples/web.yaml" >/dev/null
running() { [ "$("$k" get pods --no-headers 2>/dev/null | grep -c ' 1/1 .*Running')" = "$1" ] &&
  [ "$("$k" get pods --no-headers 2>/dev/null | wc -l)" = "$1" ]; }
for n in 6 0 5 1 6 2 0; do
  "$k" scale deployment/web --replicas=$n >/dev/null
  sleep "0.0$((n * 13 + 1))"
  server_stop KILL
  server_start || exit 1
  ok "killed on the way to $n pods: it gets there" eventually 40 running $n
  ok "with as many containers" eventually 20 containers_are $n
  ok "and none half made" eventually 5 none_half_made
done

nothing() { [ -z "$(ls -A "$work/data/node/$1")" ]; }
for what in containers network pods exits crun; do
  ok "node/$what is empty" eventually 10 nothing $what
done
same "no mount is left" 0 "$(grep -cF "$work/data/node" /proc/self/mountinfo)"
