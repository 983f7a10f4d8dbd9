#!/bin/bash
# Claims, the directories behind them, and what pods see of other volumes: data outlives its pod, goes
# with its claim, and a changed ConfigMap reaches a running container.
# shellcheck source-path=SCRIPTDIR
. "$(dirname "$0")/lib.sh"
k=$root/${BUILD:-build}/clients/kubectl-1.35
[ -x "$k" ] || k=$minke
volumes=$work/data/volumes

server_start || exit 1
demo_image
ok "the node becomes Ready" eventually 15 sh -c "'$k' get nodes --no-headers | grep -q ' Ready '"
matches "there is a default class" '^local-path \(default\) +minke/local-path +Delete +WaitForFirstConsumer +true' "$("$k" get sc)"

# ---- a StatefulSet of two
"$k" apply -f - >/dev/null <<'YAML'
apiVersion: v1
kind: ConfigMap
metadata: {name: settings}
data: {color: blue}
---
apiVersion: apps/v1
kind: StatefulSet
metadata: {name: db}
spec:
  replicas: 2
  serviceName: db
  selector: {matchLabels: {app: db}}
  template:
    metadata: {labels: {app: db}}
    spec:
      terminationGracePeriodSeconds: 0
      containers:
      - name: c
        image: minke.local/demo/web:1
        command: [sh, -c, 'hostname >>/data/who; sleep 1000']
        volumeMounts: [{name: data, mountPath: /data}]
  volumeClaimTemplates:
  - metadata: {name: data}
    spec: {accessModes: [ReadWriteOnce], resources: {requests: {storage: 10Mi}}}
---
apiVersion: v1
kind: PersistentVolumeClaim
metadata: {name: lone}
spec: {accessModes: [ReadWriteOnce], resources: {requests: {storage: 5Mi}}}
---
apiVersion: v1
kind: Pod
metadata: {name: many, labels: {tier: front}}
spec:
  terminationGracePeriodSeconds: 0
  securityContext: {fsGroup: 2000}
  containers:
  - name: c
    image: minke.local/demo/web:1
    command: [sh, -c, 'sleep 1000']
    env: [{name: WHERE, value: deep/er}]
    volumeMounts:
    - {name: lone, mountPath: /lone}
    - {name: lone, mountPath: /inner, subPathExpr: $(WHERE)}
    - {name: settings, mountPath: /settings}
    - {name: own, mountPath: /own}
    - {name: memory, mountPath: /memory}
    - {name: picture, mountPath: /picture}
    - {name: about, mountPath: /about}
  volumes:
  - {name: lone, persistentVolumeClaim: {claimName: lone}}
  - {name: settings, configMap: {name: settings}}
  - {name: memory, emptyDir: {medium: Memory, sizeLimit: 1Mi}}
  - {name: picture, image: {reference: "minke.local/demo/web:1", pullPolicy: IfNotPresent}}
  - name: about
    downwardAPI: {items: [{path: labels, fieldRef: {fieldPath: metadata.labels}}]}
  - name: own
    ephemeral:
      volumeClaimTemplate:
        spec: {accessModes: [ReadWriteOnce], resources: {requests: {storage: 1Mi}}}
YAML
running() { [ "$("$k" get pod "$1" -o 'jsonpath={.status.phase}')" = Running ]; }
ok "two pods with a claim each run, one after the other" eventually 20 running db-1
ok "so does a pod with volumes of many sorts" eventually 20 running many
matches "the claims are bound" 'data-db-1 +Bound +pvc-[0-9a-f-]+ +10Mi +RWO +local-path' "$("$k" get pvc)"
matches "the volumes too" 'pvc-[0-9a-f-]+ +10Mi +RWO +Delete +Bound +default/data-db-0 +local-path' "$("$k" get pv)"
same "directories are named as they should be" 2 "$(find "$volumes" -maxdepth 1 -name 'pvc-*_default_data-db-?' | wc -l)"

# ---- data stays
in_pod() { "$k" exec "$1" -- sh -c "$2"; }
volume=$("$k" get pvc data-db-0 -o 'jsonpath={.spec.volumeName}')
"$k" delete pod db-0 >/dev/null
ok "a pod that was deleted comes back" eventually 20 sh -c "'$k' exec db-0 -- sh -c 'test \$(wc -l </data/who) = 2'"
same "with its own data" "db-0 db-0" "$(in_pod db-0 'cat /data/who' | xargs)"
same "in the same volume" "$volume" "$("$k" get pvc data-db-0 -o 'jsonpath={.spec.volumeName}')"
"$k" scale sts db --replicas 1 >/dev/null
ok "scaled down, the last pod goes" eventually 20 sh -c "! '$k' get pod db-1 2>/dev/null"
matches "its claim does not" 'data-db-1 +Bound' "$("$k" get pvc)"
"$k" scale sts db --replicas 2 >/dev/null
ok "scaled up, it finds its data" eventually 20 sh -c "'$k' exec db-1 -- sh -c 'test \$(wc -l </data/who) = 2'"

# ---- what a pod sees
same "fsGroup owns what is in a claim" "2000 drwxrwsrwx" "$(in_pod many 'stat -c "%g %A" /lone')"
in_pod many 'echo hi >/inner/file; echo own >/own/x' >/dev/null
same "subPathExpr leads inside" hi "$(in_pod many 'cat /lone/deep/er/file')"
same "an image is a volume" yes "$(in_pod many 'test -d /picture/bin && ! touch /picture/x 2>/dev/null && echo yes')"
same "memory is limited" no "$(in_pod many 'head -c 2000000 /dev/zero >/memory/x 2>/dev/null && echo yes || echo no')"
same "labels are files" 'tier="front"' "$(in_pod many 'cat /about/labels')"
"$k" patch configmap settings -p '{"data":{"color":"green","shape":"round"}}' >/dev/null
"$k" label pod many tier=back --overwrite >/dev/null
ok "a changed ConfigMap reaches the running container" eventually 10 \
  sh -c "'$k' exec many -- cat /settings/color /settings/shape | grep -q greenround"
ok "a changed label too" eventually 10 sh -c "'$k' exec many -- cat /about/labels | grep -q back"
matches "describe tells of the claim" 'Used By: +many' "$("$k" describe pvc lone)"

# ---- the server goes and comes
server_stop KILL
server_start || exit 1
"$k" patch configmap settings -p '{"data":{"color":"red"}}' >/dev/null
ok "after kill -9 of the server a changed ConfigMap still arrives" eventually 15 \
  sh -c "'$k' exec many -- cat /settings/color | grep -q red"
same "what was written is there" "hi own" "$(in_pod many 'cat /lone/deep/er/file /own/x' | xargs)"
same "nothing is mounted twice" "" "$(grep -F "$work/data/node/pods" /proc/self/mountinfo | awk '{print $5}' | sort | uniq -d)"

# ---- the end of it
"$k" delete pvc lone --wait=false >/dev/null
matches "a claim in use stays" 'lone +Terminating' "$("$k" get pvc lone)"
"$k" delete pod many >/dev/null
ok "until its pod has gone" eventually 15 sh -c "! '$k' get pvc lone 2>/dev/null"
ok "an ephemeral claim goes with its pod" eventually 15 sh -c "! '$k' get pvc many-own 2>/dev/null"
ok "and the data with them" eventually 15 sh -c "! ls -d $volumes/*_default_lone $volumes/*_default_many-own 2>/dev/null"
"$k" delete sts db >/dev/null
ok "the set goes" eventually 20 sh -c "! '$k' get pod db-0 2>/dev/null"
same "its data stays" 2 "$(find "$volumes" -name who | wc -l)"
ln -s /etc "$(find "$volumes" -maxdepth 1 -name '*_default_data-db-0')/link"
"$k" delete pvc --all >/dev/null
ok "until its claims go" eventually 15 sh -c "[ -z \"\$(ls '$volumes')\" ]"
ok "links are not followed" test -f /etc/passwd
same "no volume is left" "" "$("$k" get pv -o name)"

# ---- what cannot be
"$k" apply -f - >/dev/null 2>&1 <<'YAML'
apiVersion: v1
kind: Pod
metadata: {name: cloud}
spec:
  containers: [{name: c, image: "minke.local/demo/web:1"}]
  volumes: [{name: disk, gcePersistentDisk: {pdName: x}}]
---
apiVersion: v1
kind: Pod
metadata: {name: waits}
spec:
  nodeName: node-1
  containers: [{name: c, image: "minke.local/demo/web:1"}]
  volumes: [{name: v, persistentVolumeClaim: {claimName: nobody-made-it}}]
YAML
said() { "$k" get events --field-selector "involvedObject.name=$1" -o 'jsonpath={.items[*].message}' | grep -q "$2"; }
ok "a cloud's disk is refused with a sentence" eventually 10 said cloud 'volumes of type gcePersistentDisk are not supported'
ok "a pod waits for its claim, and says so" eventually 15 said waits 'persistentvolumeclaims "nobody-made-it" not found'
