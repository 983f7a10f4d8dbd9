#!/bin/bash
# Probes that want TLS, pods whose containers see each other's processes, ports of the node.
# shellcheck source-path=SCRIPTDIR
. "$(dirname "$0")/lib.sh"
k=$minke
image=minke.local/demo/web:1

server_start || exit 1
demo_image
# A server of its own certificate, as a host network pod's "application".
openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -days 1 -subj /CN=nobody \
  -keyout "$work/key.pem" -out "$work/cert.pem" 2>/dev/null
cat >"$work/tls.py" <<'PY'
import http.server, ssl, sys
class Health(http.server.BaseHTTPRequestHandler):
    def do_GET(self):
        self.send_response(200 if self.path == "/good" else 503)
        self.end_headers()
    def log_message(self, *words):
        print(self.path, self.headers.get("User-Agent"), flush=True)
server = http.server.ThreadingHTTPServer(("127.0.0.1", 8443), Health)
context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
context.load_cert_chain(sys.argv[1], sys.argv[2])
server.socket = context.wrap_socket(server.socket, server_side=True)
server.serve_forever()
PY
python3 "$work/tls.py" "$work/cert.pem" "$work/key.pem" >"$work/tls.log" 2>&1 &
tls=$!
python3 -m http.server --bind 127.0.0.1 8444 >/dev/null 2>&1 &
plain=$!

pod() { # NAME PATH PORT
  printf '%s\n' "apiVersion: v1" "kind: Pod" "metadata: {name: $1}" "spec:" \
    "  terminationGracePeriodSeconds: 0" "  containers:" \
    "  - {name: c, image: $image, readinessProbe: {periodSeconds: 1," \
    "     httpGet: {scheme: HTTPS, host: 127.0.0.1, path: $2, port: $3}}}" | "$k" apply -f - >/dev/null
}
shows() { "$k" get pod "$1" --no-headers | grep -qE -- "$2"; }
complains() { "$k" describe pod "$1" | grep -qE -- "$2"; }
pod good /good 8443
pod bad /bad 8443
pod no-tls /good 8444
"$k" apply -f - >/dev/null <<YAML
apiVersion: v1
kind: Pod
metadata: {name: shared}
spec:
  shareProcessNamespace: true
  terminationGracePeriodSeconds: 0
  containers:
  - {name: web, image: $image, ports: [{containerPort: 8080, hostPort: 18080}]}
  - {name: watcher, image: $image, command: [sh, -c, "exec sleep 1234"]}
YAML
ok "a probe over TLS believes any certificate" eventually 20 shows good '1/1 +Running'
matches "and says who asks" '/good kube-probe/' "$(cat "$work/tls.log")"
ok "503 over TLS is a failure" eventually 20 complains bad 'HTTP probe failed with statuscode: 503'
ok "so is an answer that is no TLS" eventually 20 complains no-tls 'Readiness probe failed: Get "https://127.0.0.1:8444/good"'
ok "neither is ready" shows bad '0/1 +Running'
ok "two containers with one process namespace run" eventually 20 shows shared '2/2 +Running'
matches "one sees the other" 'sleep 1234' "$("$k" exec shared -c web -- ps 2>&1)"
matches "and the other way round" '/bin/web' "$("$k" exec shared -c watcher -- ps 2>&1)"

# ---- hostPort
address=$("$k" get pod shared -o 'jsonpath={.status.hostIP}')
reached() { curl -s --max-time 2 "http://$1:18080/" | grep -q 'hello from shared'; }
ok "a hostPort leads to the pod from 127.0.0.1" eventually 5 reached 127.0.0.1
ok "and at the node's address" eventually 5 reached "$address"
matches "and from another pod" 'hello from shared' \
  "$("$k" exec good -- sh -c "printf 'GET / HTTP/1.0\r\n\r\n' | nc -w 3 10.244.0.1 18080" 2>&1)"
matches "and from the pod itself" 'hello from shared' \
  "$("$k" exec shared -c web -- sh -c "printf 'GET / HTTP/1.0\r\n\r\n' | nc -w 3 10.244.0.1 18080" 2>&1)"
"$k" delete pod shared >/dev/null 2>&1
refused() { ! curl -s --max-time 2 "http://127.0.0.1:18080/" >/dev/null; }
ok "and no more when the pod is gone" eventually 10 refused
kill $tls $plain
