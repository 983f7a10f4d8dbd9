#!/bin/bash
# NetworkPolicies between real pods: nothing asked for, everything passes; then only what is listed.
# shellcheck source-path=SCRIPTDIR
. "$(dirname "$0")/lib.sh"
k=$minke
image=minke.local/demo/web:1

server_start || exit 1
demo_image
ok "the node becomes Ready" eventually 15 sh -c "'$k' get nodes --no-headers | grep -q ' Ready '"
"$k" create namespace other >/dev/null
"$k" label namespace other team=blue >/dev/null
pod() { # NAME NAMESPACE LABELS
  printf '%s\n' "apiVersion: v1" "kind: Pod" "metadata: {name: $1, namespace: $2, labels: {$3}}" "spec:" \
    "  terminationGracePeriodSeconds: 0" "  containers:" \
    "  - {name: c, image: $image, ports: [{name: web, containerPort: 8080}]," \
    "     readinessProbe: {periodSeconds: 1, httpGet: {path: /, port: 8080}}}"
  echo ---
}
{ pod server default "app: server"; pod friend default "app: friend"; pod stranger default "app: stranger"
  pod far other "app: far"; } | "$k" apply -f - >/dev/null
ready() { [ "$("$k" get pods -A --no-headers | grep -c ' 1/1 .*Running')" = 4 ]; }
ok "four pods run" eventually 25 ready
server=$("$k" get pod server -o 'jsonpath={.status.podIP}')
friend=$("$k" get pod friend -o 'jsonpath={.status.podIP}')
"$k" apply -f - >/dev/null <<'YAML'
apiVersion: v1
kind: Service
metadata: {name: server}
spec: {selector: {app: server}, ports: [{port: 80, targetPort: 8080}]}
YAML
reaches() { # NAMESPACE POD ADDRESS PORT
  "$k" exec -n "$1" "$2" -- sh -c "printf 'GET / HTTP/1.0\r\n\r\n' | nc -w 1 $3 $4" 2>/dev/null | grep -q 'hello from'; }
blocked() { ! reaches "$@"; }
policy() { # NAME SPEC
  printf '%s\n' "apiVersion: networking.k8s.io/v1" "kind: NetworkPolicy" "metadata: {name: $1}" "spec: $2" |
    "$k" apply -f - >/dev/null; }
ok "without a policy all reach the server" reaches default stranger "$server" 8080
ok "from other namespaces too" reaches other far "$server" 8080

policy server '{podSelector: {matchLabels: {app: server}}, ingress: [{from: [{podSelector: {matchLabels: {app: friend}}}], ports: [{port: web}]}]}'
ok "a policy shuts out who is not listed" eventually 5 blocked default stranger "$server" 8080
ok "and other namespaces" blocked other far "$server" 8080
ok "but not who is" reaches default friend "$server" 8080
ok "also through a Service" eventually 5 reaches default friend server 80
ok "through which the others do not come either" blocked default stranger server 80
ok "the node reaches its pods, for their probes" curl -sf --max-time 2 "http://$server:8080/" -o /dev/null
ok "pods it does not speak of are as before" reaches default stranger "$friend" 8080

policy server '{podSelector: {matchLabels: {app: server}}, ingress: [{from: [{namespaceSelector: {matchLabels: {team: blue}}}], ports: [{port: 8000, endPort: 8090}]}]}'
ok "a namespace is let in by its labels, a range of ports" eventually 5 reaches other far "$server" 8080
ok "and the friend is out" blocked default friend "$server" 8080
"$k" label pod friend app=server --overwrite >/dev/null
ok "a pod that gets the label is held too" eventually 5 blocked default stranger "$friend" 8080
"$k" label pod friend app=friend --overwrite >/dev/null
ok "and free when it loses it" eventually 5 reaches default stranger "$friend" 8080

policy server "{podSelector: {matchLabels: {app: server}}, ingress: [{from: [{ipBlock: {cidr: 10.244.0.0/16, except: [$friend/32]}}]}]}"
ok "addresses are let in" eventually 5 reaches default stranger "$server" 8080
ok "but for the holes" blocked default friend "$server" 8080
"$k" delete networkpolicy server >/dev/null
ok "without the policy all is open" eventually 5 reaches default friend "$server" 8080

policy quiet '{podSelector: {matchLabels: {app: stranger}}, policyTypes: [Egress], egress: [{to: [{podSelector: {matchLabels: {app: friend}}}]}]}'
ok "egress: only where it may go" eventually 5 blocked default stranger "$server" 8080
ok "it gets there" reaches default stranger "$friend" 8080
ok "not to the node" sh -c "! '$k' exec stranger -- nc -w 1 10.96.0.1 443 </dev/null"
ok "nor to the name server" sh -c "! timeout 3 '$k' exec stranger -- nslookup server.default.svc.cluster.local"
ok "but others come to it" reaches default friend "$("$k" get pod stranger -o 'jsonpath={.status.podIP}')" 8080
policy quiet '{podSelector: {matchLabels: {app: stranger}}, policyTypes: [Egress], egress: [{to: [{namespaceSelector: {matchLabels: {kubernetes.io/metadata.name: kube-system}}, podSelector: {matchLabels: {k8s-app: kube-dns}}}], ports: [{port: 53, protocol: UDP}]}]}'
resolves() { "$k" exec stranger -- nslookup server.default.svc.cluster.local 2>/dev/null | grep -q '10\.96\.'; }
ok "until the name server is allowed as others name it" eventually 6 resolves
server_stop KILL
server_start || exit 1
ok "after a restart it holds still" eventually 5 blocked default stranger "$server" 8080
"$k" delete networkpolicy quiet >/dev/null
ok "and goes with its policy" eventually 5 reaches default stranger "$server" 8080
