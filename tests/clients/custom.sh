#!/bin/bash
# tests/clients/custom.sh [CLIENT…]: a CustomResourceDefinition and its objects, in real kubectls' hands
# and in minke's own; each conversation is compared with golden/custom.txt, or golden/custom.CLIENT where a
# client has words of its own. The server is stopped and killed in between. GOLDEN=1 writes anew.
set -u
cd "$(dirname "$0")/../.."
build=${BUILD:-build}
minke=$PWD/$build/minke
clients=("$@")
[ $# -gt 0 ] || clients=("$build"/clients/kubectl-1.35 "$build"/clients/kubectl-1.20 \
  "$build"/clients/kubectl-1.29 "$minke")
passed=0 failed=0
port=${CUSTOM_PORT:-26643}

settle() {
  sed -E 's/ +[0-9]+(ms|s|m|m[0-9]+s)( |$)/ AGE\2/g; s/20[0-9]{2}-[0-9-]{5}T[0-9:]{8}Z/TIME/g; s/ from [a-z]+ namespace$//
    s/ +$//; s/ {2,}/  /g; s/127\.0\.0\.1:[0-9]+/SERVER/g; s/\b10\.[0-9]+\.[0-9]+\.[0-9]+/ADDRESS/g
    s/^[WE][0-9]{4} .*\] /LOG /; s/; did you mean "[^"]*"\?//; s/ADDRESS +/ADDRESS /g'
}

start() {
  "$minke" server --data "$work" --listen "127.0.0.1:$port" --node none 2>>"$work/log" &
  pid=$!
  for _ in $(seq 100); do "$minke" get --raw /readyz >/dev/null 2>&1 && return; sleep 0.05; done
  echo "the server does not come up"
}

stop() { # SIGNAL
  kill "-$1" $pid
  wait $pid 2>/dev/null
}

say() { # CLIENT
  local line out code word words
  while IFS= read -r line; do
    case $line in '#'* | '') continue ;; esac
    echo "\$ $line"
    # shellcheck disable=SC2086
    set -- "$1" $line
    case $line in
    restart) stop TERM; start ;;
    kill) stop KILL; start ;;
    'owner '*) "$minke" patch "$4" --type=merge -p '{"metadata":{"ownerReferences":[{"apiVersion":"shop.example.com/v1","kind":"Widget","name":"'"${3#*/}"'","uid":"'"$("$minke" get "$3" -o 'jsonpath={.metadata.uid}')"'"}]}}' ;;
    'missing '*) for _ in $(seq 100); do "$minke" get "$3" "$4" >/dev/null 2>&1 || break; sleep 0.05; done
      "$minke" get "$3" "$4" 2>&1 ;;
    *) set -f
      # A word cannot hold a blank here: range.x stands for range .x.
      words=()
      for word in $line; do words+=("${word//range./range .}"); done
      out=$(timeout 30 "$1" "${words[@]}" 2>&1 </dev/null); code=$?
      set +f
      [ -z "$out" ] || printf '%s\n' "$out"
      [ $code -eq 0 ] || echo "exit $code" ;;
    esac
  done <commands.txt
}

converse() { # CLIENT
  local client name result
  name=$(basename "$1") client=$(realpath "$1") work=$(mktemp -d)
  export KUBECONFIG=$work/admin.kubeconfig HOME=$work
  cd tests/clients/custom || exit 1
  start
  say "$client" >"$work/raw" 2>&1
  stop TERM
  cd ../../..
  settle <"$work/raw" >"$work/said"
  if [ -n "${GOLDEN:-}" ]; then
    cp "$work/said" tests/clients/golden/custom.txt
    GOLDEN=
  fi
  if [ -n "${OWN:-}" ]; then # the steps in which this client differs
    python3 tests/clients/custom/compare.py --own tests/clients/golden/custom.txt "$work/said" \
      >"tests/clients/golden/custom.$name"
    [ -s "tests/clients/golden/custom.$name" ] || rm "tests/clients/golden/custom.$name"
  fi
  result=$(python3 tests/clients/custom/compare.py tests/clients/golden/custom.txt "$work/said" "$name" \
    "tests/clients/golden/custom.$name")
  echo "$result"
  passed=$((passed + $(tail -n 1 <<<"$result" | cut -d' ' -f1)))
  failed=$((failed + $(tail -n 1 <<<"$result" | cut -d' ' -f3)))
  rm -rf "$work"
}

for client in "${clients[@]}"; do converse "$client"; done
echo "$passed passed, $failed failed"
[ "$failed" -eq 0 ]
