#!/bin/bash
# Services: addresses, ports and names that lead to pods, from pods and from the node, while pods
# come, go and change sides.
# shellcheck source-path=SCRIPTDIR
. "$(dirname "$0")/lib.sh"
k=$minke
image=minke.local/demo/web:1

deployment() { # NAME REPLICAS LABELS…: web servers
  local name=$1 replicas=$2
  shift 2
  printf '%s\n' "apiVersion: apps/v1" "kind: Deployment" "metadata: {name: $name}" "spec:" \
    "  replicas: $replicas" "  selector: {matchLabels: {app: $name}}" "  template:" \
    "    metadata: {labels: {app: $name $*}}" "    spec:" "      terminationGracePeriodSeconds: 1" \
    "      containers:" "      - {name: web, image: $image, ports: [{containerPort: 8080, name: http}]," \
    "         readinessProbe: {httpGet: {path: /, port: 8080}, periodSeconds: 1}}" | "$k" apply -f - >/dev/null
}
service() { # NAME SPEC: one Service
  printf '%s\n' "apiVersion: v1" "kind: Service" "metadata: {name: $1}" "spec: $2" |
    "$k" apply -f - >/dev/null
}
address() { "$k" get service "$1" -o 'jsonpath={.spec.clusterIP}'; }
fetch() { curl -s --max-time 3 "http://$1/"; } # from the node
# busybox's own -T needs more than a static program has.
from() { "$k" exec "$1" -- timeout 5 wget -q -O - "http://$2/" 2>&1; } # POD ADDRESS
first_of() { "$k" get pods -l "app=$1" -o 'jsonpath={.items[0].metadata.name}'; }
ready() { [ "$("$k" get deployment "$1" -o 'jsonpath={.status.readyReplicas}')" = "$2" ]; }
answers() { fetch "$1" | grep -q "$2"; }
answerers() { # ADDRESS COUNT: how many different ones
  for _ in $(seq "$2"); do fetch "$1"; done | sort -u | wc -l; }
quick_refusal() { # ADDRESS PORT: within half a second
  local start=${EPOCHREALTIME/./} out
  out=$(bash -c "exec 3<>/dev/tcp/$1/$2" 2>&1)
  [ $((${EPOCHREALTIME/./} - start)) -lt 500000 ] && grep -q refused <<<"$out"
}

server_start || exit 1
demo_image
ok "the node becomes Ready" eventually 15 sh -c "'$k' get nodes --no-headers | grep -q ' Ready '"
deployment web 3
service web '{selector: {app: web}, ports: [{port: 80, targetPort: http}]}'
ok "three web servers run" eventually 40 ready web 3
web=$(address web) pod=$(first_of web)
ok "the node reaches a cluster address" eventually 5 answers "$web" "hello from web-"
matches "a pod reaches it too" "hello from web-" "$(from "$pod" "$web")"
ok "all three answer in turn" test "$(answerers "$web" 40)" = 3

# ---- hairpin
"$k" scale deployment/web --replicas=1 >/dev/null
ok "endpoints follow scaling" eventually 20 sh -c "[ \$('$k' get endpointslices -l kubernetes.io/service-name=web \
  -o 'jsonpath={.items[0].endpoints[*].addresses[0]}' | wc -w) = 1 ]"
pod=$("$k" get pods -l app=web --field-selector=status.phase=Running -o 'jsonpath={.items[0].metadata.name}')
ok "one pod answers now" eventually 10 sh -c "[ \"\$('$k' get pods -l app=web --no-headers | wc -l)\" = 1 ]"
pod=$(first_of web)
same "a pod reaches itself through its Service" "hello from $pod" "$(from "$pod" "$web")"

# ---- node ports, external addresses, load balancers
service port '{type: NodePort, selector: {app: web}, ports: [{port: 80, targetPort: 8080, nodePort: 30080}]}'
ok "a node port answers at the node's address" eventually 5 answers 10.244.0.1:30080 "hello from"
same "and at 127.0.0.1" "hello from $pod" "$(fetch 127.0.0.1:30080)"
same "and for a pod" "hello from $pod" "$(from "$pod" 10.244.0.1:30080)"
service balanced '{type: LoadBalancer, selector: {app: web}, externalIPs: [192.0.2.9], ports: [{port: 8088, targetPort: 8080}]}'
ok "a load balancer gets the node's address" eventually 5 sh -c \
  "[ -n \"\$('$k' get service balanced -o 'jsonpath={.status.loadBalancer.ingress[0].ip}')\" ]"
balanced=$("$k" get service balanced -o 'jsonpath={.status.loadBalancer.ingress[0].ip}')
ok "and answers there" eventually 5 answers "$balanced:8088" "hello from"
same "an external address answers pods" "hello from $pod" "$(from "$pod" 192.0.2.9:8088)"

# ---- nobody there
service empty '{selector: {app: none}, ports: [{port: 80}]}'
ok "a Service without endpoints refuses at once" quick_refusal "$(address empty)" 80
ok "so does an address no Service has" quick_refusal 10.96.200.200 80
matches "pods are refused too" "refused" "$(from "$pod" "$(address empty)")"
"$k" exec "$pod" -- rm /www/index.html >/dev/null 2>&1
ok "a pod that is not ready gets no more requests" eventually 15 quick_refusal "$web" 80
"$k" exec "$pod" -- sh -c 'echo "hello again" >/www/index.html' >/dev/null 2>&1
ok "until it is ready again" eventually 15 answers "$web" "hello again"

# ---- blue and green
deployment blue 1 ', side: blue'
deployment green 1 ', side: green'
service side '{selector: {side: blue}, ports: [{port: 80, targetPort: 8080}]}'
ok "blue and green run" eventually 30 sh -c "'$k' rollout status deployment/blue && '$k' rollout status deployment/green"
side=$(address side)
ok "blue answers" eventually 10 answers "$side" "hello from blue"
"$k" patch service side -p '{"spec":{"selector":{"side":"green"}}}' >/dev/null
ok "green answers after the switch" eventually 5 answers "$side" "hello from green"
same "and only green" 1 "$(answerers "$side" 10)"

# ---- affinity
"$k" scale deployment/web --replicas=3 >/dev/null
ok "three again" eventually 30 ready web 3
service loyal '{selector: {app: web}, sessionAffinity: ClientIP, ports: [{port: 80, targetPort: 8080}]}'
ok "an affine Service answers" eventually 5 answers "$(address loyal)" hello
same "and always the same pod" 1 "$(answerers "$(address loyal)" 20)"

# ---- the API server, through its own Service
matches "the node reaches kubernetes.default" '"major"' "$(curl -sk --max-time 3 https://10.96.0.1/version)"
ok "a pod does too" "$k" exec "$pod" -- nc -w 3 10.96.0.1 443 </dev/null

# ---- names
lookup() { "$k" exec "$pod" -- nslookup "$@" 2>&1; }
pod=$(first_of blue)
matches "a name of a Service" "Address: $web\$" "$(lookup web.default.svc.cluster.local)"
matches "the short name, by the search path" "hello" "$(from "$pod" web)"
matches "with the namespace" "hello" "$(from "$pod" web.default)"
matches "an address leads back to its name" "kubernetes.default.svc.cluster.local" "$(lookup 10.96.0.1)"
matches "a pod's address as a name" "Address: 10.244.0.77" "$(lookup 10-244-0-77.default.pod.cluster.local)"
matches "what is not there is said not to be" "NXDOMAIN" "$(lookup none.default.svc.cluster.local)"
service many '{clusterIP: None, selector: {app: web}, ports: [{name: http, port: 8080}]}'
named() { [ "$(lookup many.default.svc.cluster.local | grep -c 'Address: 10.244')" = "$1" ]; }
ok "a headless Service gives all its pods" eventually 5 named 3
matches "ports have names too" "[0-9-]+.many.default.svc.cluster.local" \
  "$(lookup -type=srv _http._tcp.many.default.svc.cluster.local)"
printf '%s\n' "apiVersion: v1" "kind: Pod" "metadata: {name: mary, labels: {app: mary}}" \
  "spec: {hostname: mary, subdomain: family, containers: [{name: web, image: $image}]}" | "$k" apply -f - >/dev/null
service family '{clusterIP: None, selector: {app: mary}, ports: [{name: http, port: 8080}]}'
ok "a pod with a host name and a subdomain has a name" eventually 15 sh -c \
  "'$k' exec '$pod' -- nslookup mary.family.default.svc.cluster.local | grep -q 'Address: 10.244'"
service away '{type: ExternalName, externalName: web.default.svc.cluster.local}'
matches "an ExternalName is another name" "Address: $web" "$(lookup away.default.svc.cluster.local)"

# Other names go to the node's resolvers, here one that says 192.0.2.53 to everything.
python3 - <<'PY' &
import socket
s = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
s.bind(("127.0.0.2", 53))
while True:
    q, who = s.recvfrom(600)
    end = q.index(b"\0", 12) + 5
    a = q[end - 4:end - 2] == b"\0\1"
    s.sendto(q[:2] + b"\x81\x80\0\1" + (b"\0\1" if a else b"\0\0") + b"\0\0\0\0" + q[12:end] +
             (b"\xc0\x0c\0\1\0\1\0\0\0\5\0\4\xc0\0\2\x35" if a else b""), who)
PY
resolver=$!
echo "nameserver 127.0.0.2" >"$work/resolv.conf"
if mount --bind "$work/resolv.conf" /etc/resolv.conf; then
  ok "a name of the world" eventually 8 sh -c \
    "'$k' exec '$pod' -- nslookup example.com | grep -q 'Address: 192.0.2.53'"
  service abroad '{type: ExternalName, externalName: example.com}'
  matches "an ExternalName abroad" "Address: 192.0.2.53" "$(lookup abroad.default.svc.cluster.local)"
fi
kill $resolver 2>/dev/null
wait $resolver 2>/dev/null

# ---- a roll-out under requests
(while [ ! -f "$work/stop" ]; do
  if curl -s --max-time 3 "http://$web/" >/dev/null; then echo good; else echo "bad $?"; fi
  sleep 0.01
done) >"$work/requests" &
loop=$!
"$k" patch deployment web -p '{"spec":{"template":{"metadata":{"annotations":{"round":"2"}}}}}' >/dev/null
ok "the roll-out ends" timeout 60 "$k" rollout status deployment/web
touch "$work/stop"
wait $loop
echo "     requests: $(sort "$work/requests" | uniq -c | tr '\n' ' ')"
ok "no more than one request in fifty was lost meanwhile" \
  test "$(($(grep -c bad "$work/requests") * 50))" -le "$(wc -l <"$work/requests")"

# ---- what is left
rules() { nft list tables; }
server_stop TERM
matches "rules outlive the server" "minke0" "$(rules)"
"$minke" server --purge-node --data "$work/data"
same "and go with its node" "" "$(rules)"
same "so do its routes" "" "$(ip route)"
