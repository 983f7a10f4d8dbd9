#!/bin/bash
# tests/clients/openapi.sh: a server with objects of many kinds and years; everything it lists, in every
# version, is as its own OpenAPI says (tests/openapi_check.py).
set -u
cd "$(dirname "$0")/../.."
export MINKE=$PWD/${BUILD:-build}/minke
work=$(mktemp -d)
"$MINKE" server --data "$work" --listen "127.0.0.1:${OPENAPI_PORT:-26843}" --node none --simulate-nodes 2 \
  --simulated-start-ms 20 2>"$work/log" &
pid=$!
export KUBECONFIG=$work/admin.kubeconfig HOME=$work
for _ in $(seq 100); do "$MINKE" get --raw /readyz >/dev/null 2>&1 && break; sleep 0.05; done
for file in tests/clients/things/years/*.yaml tests/clients/custom/crd.yaml tests/clients/custom/good.yaml; do
  "$MINKE" apply -f "$file" >"$work/said" 2>&1 || { cat "$work/said"; echo "0 passed, 1 failed"; kill $pid; exit 1; }
done
for _ in $(seq 100); do [ "$("$MINKE" get pods --no-headers 2>/dev/null | grep -c Running)" -ge 5 ] && break; sleep 0.05; done
python3 tests/openapi_check.py
status=$?
kill $pid
wait $pid 2>/dev/null
rm -rf "$work"
exit $status
