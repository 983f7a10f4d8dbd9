#!/bin/bash
# Two machines, one cluster: the server with a node of its own, and `minke agent` in a network
# namespace beside it, joined by one cable. The agent joins with a bootstrap token, gets certificates
# and addresses of its own, and its pods are reached as those of the server's machine are.
# shellcheck source-path=SCRIPTDIR
. "$(dirname "$0")/lib.sh"
k=$minke
agent_pid=

ip link add cable-a type veth peer name cable-b &&
  ip netns add beside && ip link set cable-b netns beside &&
  ip addr add 192.0.2.1/24 dev cable-a && ip link set cable-a up &&
  ip -n beside addr add 192.0.2.2/24 dev cable-b && ip -n beside link set cable-b up &&
  ip -n beside link set lo up || exit 1

agent_start() {
  nsenter --net=/run/netns/beside "$minke" agent --data "$work/agent" --kubeconfig "$work/node.kubeconfig" \
    --node-name node-2 "$@" >>"$work/agent.log" 2>&1 &
  agent_pid=$!
}
agent_stop() { # SIGNAL
  [ -n "$agent_pid" ] || return 0
  kill "-${1:-TERM}" "$agent_pid" 2>/dev/null
  wait "$agent_pid" 2>/dev/null
  agent_pid=
}
finish_both() {
  agent_stop
  nsenter --net=/run/netns/beside "$minke" agent --purge-node --data "$work/agent" || failed=$((failed + 1))
  [ "$failed" -gt 0 ] && { echo "--- the agent's last words"; tail -n 15 "$work/agent.log"; }
  finish
}
trap finish_both EXIT
ready_nodes() { [ "$("$k" get nodes --no-headers | grep -c ' Ready ')" = "$1" ]; }

# ---- joining
printf 'no kubeconfig' >"$work/node.kubeconfig"
matches "a file that is no kubeconfig is refused" 'minke agent: .*node.kubeconfig' \
  "$("$minke" agent --data "$work/agent" --kubeconfig "$work/node.kubeconfig" 2>&1)"

server=192.0.2.1:6443
server_start --listen $server || exit 1
demo_image
mkdir -p "$work/agent"
"$minke" image import --data "$work/agent" "$work/demo.tar" >/dev/null
"$k" token create >"$work/node.kubeconfig"
sed 's/token: .*/token: abcdef.0123456789abcdef/' "$work/node.kubeconfig" >"$work/bad.kubeconfig"
matches "a wrong token is told" 'is not good' "$(nsenter --net=/run/netns/beside timeout 20 "$minke" agent \
  --data "$work/agent" --kubeconfig "$work/bad.kubeconfig" --node-name node-2 2>&1)"
agent_start
ok "the machine joins" eventually 20 ready_nodes 2
same "with a range of its own" 2 "$("$k" get nodes -o 'jsonpath={range .items[*]}{.spec.podCIDR}{"\n"}{end}' | sort -u | grep -c '^10\.244\.')"
ok "it serves its own door" eventually 20 grep -q 'ready node=node-2' "$work/agent.log"
same "both its requests were signed" "2 Approved,Issued" \
  "$("$k" get csr --no-headers | awk '{print $NF}' | sort | uniq -c | xargs)"

# ---- pods on it
cat >"$work/pods.yaml" <<'YAML'
apiVersion: apps/v1
kind: Deployment
metadata: {name: web}
spec:
  replicas: 2
  selector: {matchLabels: {app: web}}
  template:
    metadata: {labels: {app: web}}
    spec:
      topologySpreadConstraints:
      - {maxSkew: 1, topologyKey: kubernetes.io/hostname, whenUnsatisfiable: DoNotSchedule, labelSelector: {matchLabels: {app: web}}}
      containers:
      - {name: web, image: "minke.local/demo/web:1", ports: [{containerPort: 8080}]}
---
apiVersion: v1
kind: Service
metadata: {name: web}
spec: {selector: {app: web}, ports: [{port: 80, targetPort: 8080}]}
YAML
"$k" apply -f "$work/pods.yaml" >/dev/null
matches "a Deployment spreads over both" 'successfully rolled out' "$("$k" rollout status deployment/web --timeout=60s 2>&1)"
there=$("$k" get pods -l app=web --field-selector spec.nodeName=node-2 -o 'jsonpath={.items[0].metadata.name}')
here=$("$k" get pods -l app=web --field-selector spec.nodeName=node-1 -o 'jsonpath={.items[0].metadata.name}')
address() { "$k" get pod "$1" -o 'jsonpath={.status.podIP}'; }
fetch() { "$k" exec "$1" -- timeout 5 wget -qO- "http://$2" 2>&1; }
same "exec" "$there" "$("$k" exec "$there" -- hostname 2>&1)"
same "exec with input" "so it is" "$(echo so it is | "$k" exec -i "$there" -- cat 2>&1)"
same "an exit code" 7 "$("$k" exec "$there" -- sh -c 'exit 7' >/dev/null 2>&1; echo $?)"
matches "one pod reaches the other machine's" hello "$(fetch "$here" "$(address "$there"):8080")"
matches "and the other way round" hello "$(fetch "$there" "$(address "$here"):8080")"
matches "the server's machine reaches it too" hello "$(curl -s -m 5 "http://$(address "$there"):8080")"
answers() { for _ in 1 2 3 4 5 6; do fetch "$1" web | head -c 200; done; }
matches "a Service answers there, by its name" hello "$(answers "$there")"
matches "logs" . "$("$k" logs "$there" --tail=5 2>&1)"
"$k" port-forward "pod/$there" 18080:8080 >/dev/null 2>&1 &
forward=$!
ok "port-forward" eventually 10 curl -sf -m 2 http://127.0.0.1:18080
kill $forward
wait $forward 2>/dev/null
curl_node() { curl -sk -m 5 -o /dev/null -w '%{http_code}' "$@" "https://192.0.2.2:10250/pods"; }
same "strangers are not heard at its door" 401 "$(curl_node)"
api / -o /dev/null
same "nor is the administrator" 403 "$(curl_node --cert "$work/admin.crt" --key "$work/admin.key")"
same "the server is" 200 "$(curl_node --cert "$work/data/pki/nodes.crt" --key "$work/data/pki/nodes.key")"

# ---- what outlives what
started() { "$k" get pod "$there" -o 'jsonpath={.status.containerStatuses[0].containerID}'; }
before=$(started)
agent_stop KILL
agent_start
ok "after kill -9 the agent is back" eventually 15 sh -c "[ \$(grep -c 'ready node=node-2' '$work/agent.log') = 2 ]"
same "its containers ran on" "$before" "$(started)"
same "and are reached again" "$there" "$("$k" exec "$there" -- hostname 2>&1)"
server_stop KILL
server_start --listen $server || exit 1
ok "after kill -9 of the server the node is Ready" eventually 15 ready_nodes 2
"$k" scale deployment/web --replicas=4 >/dev/null
ok "and gets new pods" eventually 30 sh -c "[ \$('$k' get pods --field-selector spec.nodeName=node-2 --no-headers | grep -c Running) = 2 ]"
"$k" delete deployment web >/dev/null
ok "which go" eventually 40 sh -c "[ -z \"\$('$k' get pods --no-headers 2>/dev/null)\" ]"
ok "with their containers" eventually 10 containers_are 0
