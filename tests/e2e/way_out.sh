#!/bin/bash
# Pods reach the world outside under the node's address. The world is a second network namespace
# behind an uplink made here; nothing leaves the sandbox.
# shellcheck source-path=SCRIPTDIR
. "$(dirname "$0")/lib.sh"
k=$minke

ip netns add world
ip link add up0 type veth peer name in0 netns world
ip addr add 192.0.2.1/24 dev up0 && ip link set up0 up
ip netns exec world sh -c 'ip addr add 192.0.2.2/24 dev in0; ip link set in0 up; ip link set lo up'
ip route add default via 192.0.2.2
cat >"$work/world.py" <<'PY'
import http.server
class Who(http.server.BaseHTTPRequestHandler):
    def do_GET(self):
        self.send_response(200)
        self.end_headers()
        self.wfile.write(("you are " + self.client_address[0] + "\n").encode())
http.server.HTTPServer(("192.0.2.2", 80), Who).serve_forever()
PY
ip netns exec world python3 "$work/world.py" >/dev/null 2>&1 &
world=$!

server_start || exit 1
demo_image
"$k" apply -f - >/dev/null <<'YAML'
apiVersion: v1
kind: Pod
metadata: {name: a}
spec:
  terminationGracePeriodSeconds: 0
  containers: [{name: c, image: "minke.local/demo/web:1"}]
---
apiVersion: v1
kind: Pod
metadata: {name: b}
spec:
  terminationGracePeriodSeconds: 0
  containers: [{name: c, image: "minke.local/demo/web:1"}]
YAML
both() { [ "$("$k" get pods --no-headers | grep -c '1/1 *Running')" = 2 ]; }
get() { "$k" exec a -- sh -c "printf 'GET / HTTP/1.0\r\n\r\n' | nc -w 3 $1 $2" 2>&1 | tail -n 2; }
answers() { get "$@" | grep -q you; }
ok "two pods run" eventually 30 both
ok "the world answers" eventually 10 answers 192.0.2.2 80
matches "and sees the node" "you are 192.0.2.1" "$(get 192.0.2.2 80)"
other=$("$k" get pod b -o 'jsonpath={.status.podIP}')
matches "another pod answers too" 'hello from b' "$(get "$other" 8080)"
matches "an address no pod has is refused at once" 'unreachable|refused|No route' "$(get 10.244.77.7 80)"
matches "so is a service address nobody has" 'unreachable|refused|No route' "$(get 10.96.77.7 80)"

# ---- commands that cannot be started
"$k" exec a -- nope >"$work/exec" 2>&1
same "exec of a program that is not there ends with 127" 127 $?
matches "and says which" 'nope.*not found' "$(cat "$work/exec")"
"$k" exec a -- /etc >/dev/null 2>&1
same "exec of what is no program ends with 126" 126 $?
"$k" exec a -- sh -c 'exit 255' >/dev/null 2>&1
same "a command's own 255 stays" 255 $?
kill $world
