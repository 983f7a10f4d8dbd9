# What the end-to-end tests share: a server of their own in a fresh folder, checks that count, and
# an end that leaves nothing. Sourced by scripts that run inside tools/sandbox.
# shellcheck shell=bash

root=$(cd "$(dirname "${BASH_SOURCE[0]}")/../.." && pwd)
minke=$root/${BUILD:-build}/minke
work=$(mktemp -d "${TMPDIR:-/tmp}/minke-e2e.XXXXXX")
passed=0 failed=0
server_pid=

[ "${MINKE_SANDBOX:-}" = 1 ] || { echo "run this through tools/sandbox" >&2; exit 1; }

ok() { # NAME CONDITION…: runs the condition and counts
  local name=$1 out
  shift
  if out=$("$@" 2>&1); then
    passed=$((passed + 1)); echo "ok   $name"
  else
    failed=$((failed + 1)); echo "FAIL $name"; [ -n "$out" ] && sed 's/^/     /' <<<"$out" | tail -n 15
  fi
}

same() { # NAME WANTED GOT
  if [ "$2" = "$3" ]; then
    passed=$((passed + 1)); echo "ok   $1"
  else
    failed=$((failed + 1)); echo "FAIL $1"; echo "     wanted: $2"; echo "     got:    $3"
  fi
}

matches() { # NAME REGEX TEXT
  if grep -qE -- "$2" <<<"$3"; then
    passed=$((passed + 1)); echo "ok   $1"
  else
    failed=$((failed + 1)); echo "FAIL $1"; echo "     wanted: $2"; sed 's/^/     got: /' <<<"$3" | head -n 10
  fi
}

eventually() { # SECONDS COMMAND…: until the command succeeds
  local end=$((SECONDS + $1))
  shift
  until "$@" >/dev/null 2>&1; do
    [ $SECONDS -ge $end ] && return 1
    sleep 0.1
  done
}

server_start() { # OPTIONS…
  "$minke" server --data "$work/data" --listen 127.0.0.1:6443 --node-name node-1 "$@" \
    >>"$work/server.log" 2>&1 &
  server_pid=$!
  export KUBECONFIG=$work/data/admin.kubeconfig
  eventually 10 "$minke" get --raw /readyz || {
    echo "the server did not become ready:"; tail -n 20 "$work/server.log"; return 1; }
}

server_stop() { # SIGNAL
  [ -n "$server_pid" ] || return 0
  kill "-${1:-TERM}" "$server_pid" 2>/dev/null
  wait "$server_pid" 2>/dev/null
  server_pid=
}

# Of our containers: each has a conmon.
containers_running() { cat /proc/[0-9]*/comm 2>/dev/null | grep -cx conmon; }
containers_are() { [ "$(containers_running)" = "$1" ]; }
# What crun made and nobody starts: its words are crun's own still.
none_half_made() { ! cat /proc/[0-9]*/cmdline 2>/dev/null | tr '\0' ' ' | grep -qaE '/crun [^/]*--root=.* create '; }

# curl as the admin, PATH AND OPTIONS…; the newest kubeconfig's certificate is taken out once.
api() {
  if [ ! -f "$work/admin.key" ]; then
    field() { sed -nE "s/^ *$1: *//p" "$KUBECONFIG" | base64 -d >"$2"; }
    field certificate-authority-data "$work/ca.crt"
    field client-certificate-data "$work/admin.crt"
    field client-key-data "$work/admin.key"
  fi
  local path=$1
  shift
  curl -sN --cacert "$work/ca.crt" --cert "$work/admin.crt" --key "$work/admin.key" \
    "https://127.0.0.1:6443$path" "$@"
}

demo_image() {
  [ -f "$work/demo.tar" ] || "$root/tools/demo-image" "$work/demo.tar"
  "$minke" image import --data "$work/data" "$work/demo.tar" >/dev/null
  [ -f "$work/demo2.tar" ] || "$root/tools/demo-image" "$work/demo2.tar" minke.local/demo/web:2
  "$minke" image import --data "$work/data" "$work/demo2.tar" >/dev/null
}

finish() {
  server_stop TERM
  "$minke" server --purge-node --data "$work/data" || failed=$((failed + 1))
  if [ "$failed" -gt 0 ] && [ -f "$work/server.log" ]; then
    echo "--- the server's last words"; tail -n 25 "$work/server.log"
  fi
  rm -rf "$work"
  echo "$passed passed, $failed failed"
  [ "$failed" -eq 0 ]
  exit
}
trap finish EXIT
