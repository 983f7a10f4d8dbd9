#!/bin/bash
# tests/e2e/images.sh [BUILD]: images from real registries through the real worker: mirrors, shared
# layers, passwords, tokens, tampered blobs, many pulls at once, broken connections, imports.
# Run inside tools/sandbox; needs what tools/test-images needs. Ends with "N passed, N failed".
set -u
cd "$(dirname "$0")/../.."
driver=$PWD/${1:-build}/tests/e2e/images_driver
work=$(mktemp -d)
store=$work/images
passed=0 failed=0
helpers=()

finish() {
  tools/test-images stop "$work/registry"
  for pid in "${helpers[@]}"; do kill "$pid" 2>/dev/null; done
  rm -rf "$work"
}
trap finish EXIT

check() { # WHAT COMMAND…
  local what=$1
  shift
  if "$@" >"$work/out" 2>&1; then
    passed=$((passed + 1))
  else
    failed=$((failed + 1))
    echo "FAILED: $what"
    sed 's/^/  /' "$work/out"
  fi
}
pull() { "$driver" "$store" "$@"; }
says() { # PATTERN COMMAND…: the output holds it, whatever the exit code
  local pattern=$1
  shift
  "$@" >"$work/said" 2>&1
  cat "$work/said"
  grep -qF -- "$pattern" "$work/said"
}
layers() { find "$store/layers" -mindepth 1 -maxdepth 1 | wc -l; }
same() { echo "$1 is not $2" && [ "$1" = "$2" ]; }
nothing_half_done() { same "$(find "$store/tmp" -mindepth 1 | wc -l)" 0; }

tools/test-images serve "$work/registry" 5001 >/dev/null 2>&1 || { echo "0 passed, 1 failed"; exit 1; }
mirror=(--mirror docker.io=http://127.0.0.1:5001)

# ---- names, mirrors, sharing
check "a mirror stands in for docker.io" says "ok pulled nginx" pull "${mirror[@]}" nginx
check "what is there is not pulled again" says "ok present nginx" pull nginx
check "Always asks again and finds it unchanged" says "ok pulled nginx" \
  pull --always "${mirror[@]}" nginx
rm -rf "$store"
check "two images at once" pull 127.0.0.1:5001/minke/tool:1 localhost:5001/minke/tool:2
check "share all their layers" same "$(layers)" 2
check "a third adds only its own" pull 127.0.0.1:5001/minke/whiteout:1
check "and shares the base" same "$(layers)" 5
digest=$("$driver" "$store" --list | grep -o '127.0.0.1:5001/minke/tool@sha256:[0-9a-f]*' | head -1)
check "pulling by digest" says "ok" pull "$digest"
check "nothing is left under construction" nothing_half_done

# ---- what fails, and in which words
check "a tag nobody has" says "manifest unknown (HTTP 404)" pull 127.0.0.1:5001/minke/tool:9
check "a repository nobody has" says "(HTTP 404)" pull 127.0.0.1:5001/minke/none:1
check "a registry that is not there" says "Couldn't connect to server" pull 127.0.0.1:1/x
check "a host nobody knows" says "resolve host" pull registry.invalid/x
check "a name that is none" says "InvalidImageName" pull "Nginx:x y"
check "Never, and it is not here" says "ErrImageNeverPull" pull --never busybox

# ---- passwords
tools/test-images serve "$work/registry" 5002 joe:secret >/dev/null 2>&1
secret() { echo "{\"auths\":{\"127.0.0.1:5002\":{\"auth\":\"$(printf %s "$1" | base64)\"}}}" >"$work/$2.json"; }
secret joe:secret good
secret joe:wrong bad
check "no password" says "no basic auth credentials" pull 127.0.0.1:5002/minke/tool:3
check "a wrong password" says "no basic auth credentials that the registry accepts" \
  pull --secret "$work/bad.json" 127.0.0.1:5002/minke/tool:3
check "the right one after a wrong one" says "ok pulled" \
  pull --secret "$work/bad.json" --secret "$work/good.json" 127.0.0.1:5002/minke/tool:3
check "the password stands in no file" bash -c "! grep -rq c2VjcmV0 '$store'"

# ---- a registry that wants tokens, breaks connections and sends elsewhere
python3 tests/e2e/odd_registry.py "$work/registry/layout" 5003 >"$work/odd.log" 2>&1 &
helpers+=($!)
for _ in $(seq 50); do (exec 3<>/dev/tcp/127.0.0.1/5003) 2>/dev/null && break; sleep 0.1; done
rm -rf "$store"
echo '{"auths":{"127.0.0.1:5003":{"username":"ann","password":"pw"}}}' >"$work/token.json"
check "a bearer token" says "ok pulled" \
  pull --secret "$work/token.json" 127.0.0.1:5003/token/tool-1:1
check "nobody gets a token for nothing" says "denied by the token server" pull 127.0.0.1:5003/token/tool-2:1
rm -rf "$store"
check "a connection that breaks is taken up" says "ok pulled" pull 127.0.0.1:5003/broken/nginx-1.22:1
rm -rf "$store"
check "a redirect is followed" says "ok pulled" pull 127.0.0.1:5003/redirect/busybox-1.35:1
check "but not in circles" says "redirects" pull 127.0.0.1:5003/circle/nginx-1.22:1
rm -rf "$store"
check "a layer that was tampered with" says "unexpected content" \
  pull 127.0.0.1:5003/tampered/busybox-1.35:1
check "a layer longer than it says" says "longer than its manifest says" \
  pull 127.0.0.1:5003/longer/busybox-1.35:1
check "a manifest that was tampered with" says "unexpected content" \
  pull "127.0.0.1:5003/forged/busybox-1.35@sha256:$(printf '0%.0s' $(seq 64))"
check "a manifest that never ends" says "longer than" pull 127.0.0.1:5003/endless/busybox-1.35:1
check "leaves nothing behind" same "$(layers)" 0
check "nor under construction" nothing_half_done

# ---- many at once
rm -rf "$store"
check "one image, asked for five times at once" says "ok pulled" pull nginx nginx nginx nginx nginx \
  "${mirror[@]}"
check "is fetched once" same "$(layers)" 1
rm -rf "$store"
"$driver" "$store" 127.0.0.1:5001/minke/tool:1 >"$work/first" &
first=$!
"$driver" "$store" 127.0.0.1:5001/minke/tool:2 >"$work/second" &
second=$!
check "two processes, one folder" bash -c "true"
wait $first; one=$?
wait $second; two=$?
check "both succeed" same "$one$two" 00
check "and share" same "$(layers)" 2

# ---- a worker that dies
rm -rf "$store"
"$driver" "$store" 127.0.0.1:5003/slow/nginx-1.22:1 >"$work/dead" 2>&1 &
slow=$!
sleep 0.5
locked=$(pgrep -f image-worker | tail -1) # the child that unpacks
check "the worker has no new privileges" grep -q "^NoNewPrivs:.1" "/proc/$locked/status"
check "few system calls" grep -q "^Seccomp:.2" "/proc/$locked/status"
check "few capabilities" grep -q "^CapEff:.000000008820001b" "/proc/$locked/status"
check "and a root with nothing of this machine in it" same \
  "$(find "/proc/$locked/root/" -mindepth 1 -maxdepth 1 -printf '%f ' | tr ' ' '\n' | sort | xargs)" \
  "etc lib lib64 proc run usr work"
kill -9 $slow
sleep 0.3
worker=$(pgrep -f image-worker | head -1)
[ -n "$worker" ] && kill -9 "$worker"
sleep 0.3
check "a new process clears up after a dead one" says "ok pulled" pull "${mirror[@]}" busybox:1.35
check "all of it" nothing_half_done

# ---- archives
rm -rf "$store"
for format in oci-archive docker-archive; do
  skopeo --insecure-policy copy -q "oci:$work/registry/layout:tool-1" \
    "$format:$work/$format.tar:example.com/tool:1" >/dev/null 2>&1
done
gzip -k "$work/docker-archive.tar"
check "an OCI archive" says "ok pulled" pull --import "$work/oci-archive.tar" example.com/tool:oci
check "a docker archive" says "example.com/tool:1" pull --import "$work/docker-archive.tar"
check "a compressed one, by another name" says "ok pulled other:2" \
  pull --import "$work/docker-archive.tar.gz" other:2
check "all share their layers" same "$(layers)" 2
echo "no archive" >"$work/text.tar"
check "what is no archive" says "failed" pull --import "$work/text.tar" x:1
tar -C "$work" -cf "$work/other.tar" text.tar
check "an archive of something else" says "this is no image archive" pull --import "$work/other.tar" x:1
check "a file that is not there" says "No such file" pull --import "$work/nope.tar" x:1
check "nothing is left under construction" nothing_half_done

# ---- removing
check "a name goes" pull --remove other:2
check "others keep the layers" same "$(layers)" 2
check "the last takes them along" bash -c \
  "'$driver' '$store' --remove example.com/tool:1 && '$driver' '$store' --remove example.com/tool:oci"
check "all of them" same "$(layers)" 0
check "what is not there" says "is not on this node" pull --remove example.com/tool:1

echo "$passed passed, $failed failed"
[ $failed -eq 0 ]
