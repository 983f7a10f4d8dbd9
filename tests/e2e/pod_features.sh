#!/bin/bash
# What a pod's spec can ask of a node beyond running: rotation of logs, reasons of an end, sidecars,
# ephemeral containers, volumes that change, hooks, deadlines, another image in place.
# shellcheck source-path=SCRIPTDIR
. "$(dirname "$0")/lib.sh"
k=$minke
debugger=$root/${BUILD:-build}/clients/kubectl-1.35
image=minke.local/demo/web:1

server_start || exit 1
demo_image
ok "the node becomes Ready" eventually 15 sh -c "'$k' get nodes --no-headers | grep -q ' Ready '"

status() { "$k" get pod "$1" --no-headers 2>/dev/null; }
shows() { status "$1" | grep -qE -- "$2"; }
field() { "$k" get pod "$1" -o "jsonpath={$2}"; } # POD PATH
says() { [ "$(field "$1" "$2")" = "$3" ]; }
inside() { "$k" exec "$1" -c "$2" -- sh -c "$3" 2>&1; } # POD CONTAINER COMMANDS
inside_says() { [ "$(inside "$1" "$2" "$3")" = "$4" ]; }

"$k" create configmap settings --from-literal=colour=red --from-literal=other=kept >/dev/null
"$k" apply -f - >/dev/null <<YAML
apiVersion: v1
kind: Pod
metadata: {name: volumes}
spec:
  terminationGracePeriodSeconds: 0
  volumes:
  - {name: settings, configMap: {name: settings}}
  - {name: memory, emptyDir: {medium: Memory, sizeLimit: 8Mi}}
  - {name: disk, emptyDir: {}}
  containers:
  - name: c
    image: $image
    volumeMounts:
    - {name: settings, mountPath: /settings}
    - {name: settings, mountPath: /one/colour.txt, subPath: colour}
    - {name: memory, mountPath: /memory}
    - {name: disk, mountPath: /all}
    - {name: disk, mountPath: /part, subPath: deep/part}
---
apiVersion: v1
kind: Pod
metadata: {name: last-words}
spec:
  restartPolicy: Never
  containers:
  - name: c
    image: $image
    terminationMessagePolicy: FallbackToLogsOnError
    command: [sh, -c, "echo first; echo the disk is full >&2; exit 4"]
  - name: d
    image: $image
    command: [sh, -c, "printf 'by file' >/dev/termination-log; exit 5"]
---
apiVersion: v1
kind: Pod
metadata: {name: sidecar}
spec:
  restartPolicy: Never
  terminationGracePeriodSeconds: 5
  initContainers:
  - {name: helper, image: $image, restartPolicy: Always}
  - {name: setup, image: $image, command: [sh, -c, "echo set up"]}
  containers:
  - {name: main, image: $image, command: [sh, -c, "sleep 2; echo main done"]}
---
apiVersion: v1
kind: Pod
metadata: {name: deadline}
spec:
  activeDeadlineSeconds: 2
  terminationGracePeriodSeconds: 0
  containers: [{name: c, image: $image}]
---
apiVersion: v1
kind: Pod
metadata: {name: hooks}
spec:
  terminationGracePeriodSeconds: 10
  volumes: [{name: out, hostPath: {path: $work/hooks, type: DirectoryOrCreate}}]
  containers:
  - name: c
    image: $image
    volumeMounts: [{name: out, mountPath: /out}]
    lifecycle:
      postStart: {exec: {command: [sh, -c, "echo started >/out/start"]}}
      preStop: {exec: {command: [sh, -c, "echo stopping >/out/stop; sleep 1"]}}
---
apiVersion: v1
kind: Pod
metadata: {name: chatty}
spec:
  terminationGracePeriodSeconds: 0
  containers:
  - name: c
    image: $image
    command: [sh, -c, "yes 0123456789012345678901234567890123456789012345678901234567890 | head -n 150000; while sleep 1; do echo last line; done"]
YAML

# ---- volumes
ok "a pod with volumes runs" eventually 30 shows volumes '1/1 +Running'
same "a ConfigMap's key is a file" red "$(inside volumes c 'cat /settings/colour')"
same "subPath shows one key as a file" red "$(inside volumes c 'cat /one/colour.txt')"
matches "emptyDir in memory is a tmpfs of its size" '^tmpfs 8192$' \
  "$(inside volumes c "df -k /memory | awk 'NR==2 {print \$1, \$2}'")"
inside volumes c 'dd if=/dev/zero of=/memory/x bs=1M count=20 2>/dev/null' >/dev/null
same "and takes no more" "$((8 << 20))" "$(inside volumes c 'stat -c %s /memory/x')"
inside volumes c 'echo deep >/part/f' >/dev/null
same "subPath makes its folders" deep "$(inside volumes c 'cat /all/deep/part/f')"
before=$(inside volumes c 'readlink /settings/..data')
"$k" create configmap settings --from-literal=colour=blue --from-literal=other=kept \
  --dry-run=client -o yaml 2>/dev/null | "$k" apply -f - >/dev/null 2>&1
"$k" patch configmap settings --type=merge -p '{"data":{"colour":"blue"}}' >/dev/null 2>&1
ok "a changed ConfigMap reaches the running container" eventually 30 \
  inside_says volumes c 'cat /settings/colour' blue
ok "by one rename of ..data" test "$before" != "$(inside volumes c 'readlink /settings/..data')"
same "but not where subPath was used" red "$(inside volumes c 'cat /one/colour.txt')"

# ---- ends
ok "a failing pod is Error" eventually 20 shows last-words '0/2 +Error'
matches "FallbackToLogsOnError takes the log's end" 'the disk is full' \
  "$(field last-words '.status.containerStatuses[0].state.terminated.message')"
same "a message file is taken as it is" 'by file' \
  "$(field last-words '.status.containerStatuses[1].state.terminated.message')"
ok "a pod over its deadline fails" eventually 20 says deadline .status.phase Failed
same "with its reason" DeadlineExceeded "$(field deadline .status.reason)"

# ---- sidecars
ok "a sidecar ends when the main container has" eventually 30 says sidecar .status.phase Succeeded
same "the init containers ran in order" "set up" "$("$k" logs sidecar -c setup 2>&1)"
same "the main one did its work" "main done" "$("$k" logs sidecar -c main 2>&1)"
matches "the sidecar was started before it" 'serving on' "$("$k" logs sidecar -c helper 2>&1)"

# ---- hooks
ok "a pod with hooks runs" eventually 20 shows hooks '1/1 +Running'
same "postStart has run" started "$(cat "$work/hooks/start" 2>&1)"
"$k" delete pod hooks >/dev/null 2>&1
same "preStop has run" stopping "$(cat "$work/hooks/stop" 2>&1)"

# ---- logs
rotated() { find "$work/data/logs/pods" -path '*chatty*' -name '0.log.*' | grep -q .; }
ok "a log over 10 Mi is turned over" eventually 40 rotated
goes_on() { [ "$("$k" logs chatty --tail=1 2>&1)" = "last line" ]; }
ok "and the container writes on into a fresh one" eventually 10 goes_on

# ---- another image, in place
containers() { field volumes '.status.containerStatuses[0].containerID'; }
before=$(containers)
"$k" set image pod/volumes c=minke.local/demo/none:1 >/dev/null 2>&1
waits() { field volumes '.status.containerStatuses[0].state.waiting.reason' | grep -qE 'Image'; }
ok "an image that is not there stops the container" eventually 30 waits
"$k" set image pod/volumes c=minke.local/demo/web:2 >/dev/null 2>&1
ok "one that is there runs in its place" eventually 60 shows volumes '1/1 +Running'
ok "as a new container" test "$before" != "$(containers)"
same "that counts as a restart" 1 "$(field volumes '.status.containerStatuses[0].restartCount')"

# ---- ephemeral containers
if [ -x "$debugger" ]; then
  "$debugger" debug volumes --image="$image" -c probe --target=c -- \
    sh -c 'echo looking; sleep 1000' >/dev/null 2>&1
  probing() { field volumes '.status.ephemeralContainerStatuses[0].state.running.startedAt' | grep -q .; }
  ok "kubectl debug adds an ephemeral container" eventually 20 probing
  same "which talks" looking "$("$k" logs volumes -c probe 2>&1)"
  ok "and can be entered" inside_says volumes probe 'echo here' here
  ok "and sees its target's processes" eventually 5 sh -c "'$k' exec volumes -c probe -- ps | grep -q /bin/web"
fi
"$k" delete pods --all >/dev/null 2>&1
ok "all can be deleted" eventually 45 sh -c "[ -z \"\$('$k' get pods --no-headers 2>/dev/null)\" ]"
