#!/bin/bash
# What a newcomer types: make up, a look, make up again, make down, make down again; twice over, in a
# data directory of one's own. Nothing may be left of it.
# shellcheck source-path=SCRIPTDIR
. "$(dirname "$0")/lib.sh"
export MINKE_DATA=$work/data KUBECONFIG=$work/data/admin.kubeconfig BUILD=${BUILD:-build}
cd "$root" || exit 1

helpers() { cat /proc/[0-9]*/comm 2>/dev/null | grep -cxE 'conmon|crun|httpd'; }
mounts() { grep -cF "$work" /proc/self/mountinfo; }
groups() { find /sys/fs/cgroup -type d -path "*/$MINKE_CGROUP_PARENT*" | wc -l; }
links() { ip -o link | grep -cE ': (minke|mk)'; }

same "make down where nothing ever ran" 0 "$(tools/down >/dev/null 2>&1; echo $?)"
for round in first second; do
  out=$(tools/up 2>&1)
  matches "make up, $round time: a table of running pods" '^pod/web-.* 1/1 +Running' "$out"
  matches "a hint how to go on" 'make down' "$out"
  pids=$(pgrep -x conmon | sort)
  out=$(tools/up 2>&1)
  matches "make up when it is up already" 'running already' "$out"
  same "touches no container" "$pids" "$(pgrep -x conmon | sort)"
  out=$("$minke" server --purge-node --data "$MINKE_DATA" 2>&1)
  matches "a running server's pods cannot be purged" 'a server runs on .*stop it first' "$out"
  same "three pods run on" 3 "$("$minke" get pods --no-headers | grep -c ' Running ')"
  [ $round = second ] && { kill -KILL "$(cat "$MINKE_DATA/server.pid")"; sleep 0.2; }
  tools/down >/dev/null 2>&1
  same "make down ends well" 0 $?
  same "and leaves no process" 0 "$(helpers)"
  same "no mount" 0 "$(mounts)"
  same "no control group" 0 "$(groups)"
  same "no link" 0 "$(links)"
  same "no route" 0 "$(ip route | wc -l)"
  same "make down again" 0 "$(tools/down >/dev/null 2>&1; echo $?)"
done

# Two servers on one machine: pods of one are no business of the other's.
tools/up >/dev/null 2>&1
MINKE_DATA=$work/other MINKE_PORT=6543 tools/up >/dev/null 2>&1
addresses() { KUBECONFIG=$work/$1/admin.kubeconfig "$minke" get pods -o \
  'jsonpath={range .items[*]}{.status.podIP}{"\n"}{end}'; }
same "pods of two servers have addresses of their own" 6 \
  "$({ addresses data; addresses other; } | sort -u | grep -c 10.244)"
tools/down >/dev/null 2>&1
same "when one goes, the other's run on" 3 \
  "$(KUBECONFIG=$work/other/admin.kubeconfig "$minke" get pods --no-headers | grep -c ' Running ')"
for address in $(addresses other); do
  matches "and answer" 'hello from' "$(curl -s --max-time 5 "http://$address:8080/")"
done
MINKE_DATA=$work/other tools/down >/dev/null 2>&1
same "then nothing is left" "0 0 0 0" "$(helpers) $(mounts) $(groups) $(links)"
