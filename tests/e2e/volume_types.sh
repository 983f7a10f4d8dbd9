#!/bin/bash
# Volumes of every type a node mounts, static PersistentVolumes among them, and those it refuses.
# shellcheck source-path=SCRIPTDIR
. "$(dirname "$0")/lib.sh"
k=$minke
place=$work/place
mkdir -p "$place"/{static,local,host/inner,group}
echo static >"$place/static/file"; echo plain >"$place/file"; echo local >"$place/local/file"
mkdir "$place/group/deep"; echo x >"$place/group/deep/file"; chmod 700 "$place/group/deep"
mount -t tmpfs tmpfs "$place/host/inner"

server_start || exit 1
demo_image
ok "the node becomes Ready" eventually 15 sh -c "'$k' get nodes --no-headers | grep -q ' Ready '"
volume() { # NAME SOURCE
  printf '%s\n' --- 'apiVersion: v1' 'kind: PersistentVolume' "metadata: {name: $1}" \
    "spec: {capacity: {storage: 1Gi}, accessModes: [ReadWriteOnce], storageClassName: $1, $2}" \
    --- 'apiVersion: v1' 'kind: PersistentVolumeClaim' "metadata: {name: $1}" \
    "spec: {accessModes: [ReadWriteOnce], storageClassName: $1, resources: {requests: {storage: 1Gi}}}"
}
here='nodeAffinity: {required: {nodeSelectorTerms: [{matchExpressions: [{key: kubernetes.io/hostname, operator: In, values: [node-1]}]}]}}'
{
  volume static "hostPath: {path: $place/static, type: Directory}"
  volume file "hostPath: {path: $place/file, type: File}"
  volume local "local: {path: $place/local}, $here"
  volume group "local: {path: $place/group}, $here"
  volume nfs "nfs: {server: 127.0.0.1, path: /none}"
  volume gone "local: {path: $place/nowhere}, $here"
  cat <<YAML
---
apiVersion: v1
kind: ConfigMap
metadata: {name: cm}
data: {a: alpha, b: beta}
---
apiVersion: v1
kind: Secret
metadata: {name: sec}
stringData: {word: hush}
---
apiVersion: v1
kind: Pod
metadata: {name: sees, annotations: {note: hello}}
spec:
  terminationGracePeriodSeconds: 0
  securityContext: {fsGroup: 3000, fsGroupChangePolicy: OnRootMismatch}
  containers:
  - name: c
    image: minke.local/demo/web:1
    command: [sh, -c, 'sleep 1000']
    resources: {limits: {memory: 64Mi}}
    volumeMounts:
    - {name: static, mountPath: /static, readOnly: true}
    - {name: file, mountPath: /file}
    - {name: local, mountPath: /local}
    - {name: group, mountPath: /group}
    - {name: made, mountPath: /made}
    - {name: touched, mountPath: /touched}
    - {name: host, mountPath: /soft, readOnly: true}
    - {name: host, mountPath: /hard, readOnly: true, recursiveReadOnly: Enabled}
    - {name: some, mountPath: /some}
    - {name: maybe, mountPath: /maybe}
    - {name: all, mountPath: /all}
    - {name: some, mountPath: /one, subPath: first}
    - {name: scratch, mountPath: /scratch}
  volumes:
  - {name: static, persistentVolumeClaim: {claimName: static}}
  - {name: file, persistentVolumeClaim: {claimName: file}}
  - {name: local, persistentVolumeClaim: {claimName: local, readOnly: true}}
  - {name: group, persistentVolumeClaim: {claimName: group}}
  - {name: made, hostPath: {path: $place/made/below, type: DirectoryOrCreate}}
  - {name: touched, hostPath: {path: $place/touched, type: FileOrCreate}}
  - {name: host, hostPath: {path: $place/host}}
  - {name: some, configMap: {name: cm, defaultMode: 0400, items: [{key: a, path: first}, {key: b, path: sub/second, mode: 0444}]}}
  - {name: maybe, configMap: {name: nobody, optional: true}}
  - {name: scratch, emptyDir: {}}
  - name: all
    projected:
      sources:
      - secret: {name: sec}
      - configMap: {name: cm, items: [{key: b, path: beta}]}
      - downwardAPI: {items: [{path: note, fieldRef: {fieldPath: "metadata.annotations['note']"}}, {path: memory, resourceFieldRef: {containerName: c, resource: limits.memory, divisor: 1Mi}}]}
      - serviceAccountToken: {path: token, audience: others, expirationSeconds: 600}
YAML
  refused() { # NAME VOLUME
    printf '%s\n' --- 'apiVersion: v1' 'kind: Pod' "metadata: {name: $1}" \
      'spec:' '  terminationGracePeriodSeconds: 0' '  containers: [{name: c, image: "minke.local/demo/web:1"}]' "  volumes: [{name: v, $2}]"
  }
  refused nfs 'persistentVolumeClaim: {claimName: nfs}'
  refused gone 'persistentVolumeClaim: {claimName: gone}'
  refused git 'gitRepo: {repository: "https://example.test/x"}'
  refused flat "hostPath: {path: $place/file, type: Directory}"
  refused device "hostPath: {path: $place/file, type: BlockDevice}"
  refused trust 'projected: {sources: [{clusterTrustBundle: {name: x, path: bundle}}]}'
  refused picture 'image: {reference: "minke.local/demo/none:1", pullPolicy: Never}'
} >"$work/all.yaml"
"$k" apply -f "$work/all.yaml" >/dev/null
ok "a pod with volumes of every type runs" eventually 20 sh -c "'$k' get pod sees -o 'jsonpath={.status.phase}' | grep -q Running"
sees() { same "$1" "$2" "$("$k" exec sees -- sh -c "$3" 2>&1 | xargs)"; }
sees "a static volume, for reading" "static no" 'cat /static/file; touch /static/x 2>/dev/null && echo yes || echo no'
sees "a file is a volume" plain 'cat /file'
sees "a claim's readOnly holds" "local no" 'cat /local/file; touch /local/x 2>/dev/null && echo yes || echo no'
sees "fsGroup reaches all of a local volume" "3000 drwxrws--- 3000 -rw-rw-r--" 'stat -c "%g %A" /group/deep /group/deep/file'
sees "what is missing is made" "directory regular" 'stat -c %F /made | cut -d" " -f1; stat -c %F /touched | cut -d" " -f1'
sees "readOnly stops at mounts below" yes 'touch /soft/inner/x && echo yes'
sees "recursiveReadOnly does not" no 'touch /hard/inner/x 2>/dev/null && echo yes || echo no'
sees "items, paths and modes" "alpha beta 440 444" 'cat /some/first; echo; cat /some/sub/second; echo; stat -Lc %a /some/first /some/sub/second'
sees "an optional map may be missing" "" 'ls /maybe'
sees "several sources in one directory" "hush beta hello 64" 'cat /all/word; echo; cat /all/beta; echo; cat /all/note; echo; cat /all/memory'
sees "a token for others" others 'cut -d. -f2 /all/token | tr _- /+ | base64 -d 2>/dev/null | grep -o others'
sees "a key by subPath" alpha 'cat /one'
sees "an empty directory anybody may write" "drwxrwsrwx" 'stat -c %A /scratch'

said() { "$k" get events --field-selector "involvedObject.name=$1" -o 'jsonpath={.items[*].message}' | grep -qF "$2"; }
tells() { ok "$1" eventually 10 said "$2" "$3"; }
[ -x /sbin/mount.nfs ] || tells "nfs without its helper" nfs 'needs the helper mount.nfs, which this node does not have'
tells "a local path that is not there" gone "path \"$place/nowhere\" does not exist"
tells "gitRepo" git 'MountVolume.SetUp failed for volume "v" : gitRepo volumes are not supported'
tells "no directory" flat "hostPath type check failed: $place/file is not a directory"
tells "no device" device "hostPath type check failed: $place/file is not a block device"
tells "trust bundles" trust 'projected sources of type clusterTrustBundle are not supported'
tells "an image that is not here" picture 'failed to pull image'

# ---- a link in a volume leads nowhere else
"$k" exec sees -- sh -c 'ln -s /etc /scratch/link; ln -s ../../../../../../etc/passwd /scratch/up'
cat >"$work/link.yaml" <<YAML
apiVersion: v1
kind: Pod
metadata: {name: linked}
spec:
  terminationGracePeriodSeconds: 0
  initContainers:
  - {name: i, image: "minke.local/demo/web:1", command: [sh, -c, 'mkdir -p /v/etc; echo mine >/v/etc/hosts-of-mine; ln -s /etc /v/link'], volumeMounts: [{name: v, mountPath: /v}]}
  containers:
  - {name: c, image: "minke.local/demo/web:1", command: [sh, -c, 'sleep 1000'], volumeMounts: [{name: v, mountPath: /v, subPath: link}]}
  volumes: [{name: v, emptyDir: {}}]
YAML
"$k" apply -f "$work/link.yaml" >/dev/null
ok "a pod with a subPath that is a link runs" eventually 15 sh -c "'$k' get pod linked -o 'jsonpath={.status.phase}' | grep -q Running"
same "the link stays inside its volume" hosts-of-mine "$("$k" exec linked -- ls /v)"
"$k" delete pod --all >/dev/null
ok "they go" eventually 15 sh -c "[ -z \"\$('$k' get pods -o name)\" ]"
mounts() { grep -F "$work/data/node/pods" /proc/self/mountinfo; }
ok "and leave no mount" eventually 10 sh -c "! grep -qF '$work/data/node/pods' /proc/self/mountinfo" || mounts
same "what was mounted stays" "static local x" "$(cat "$place/static/file" "$place/local/file" "$place/group/deep/file" | xargs)"
umount "$place/host/inner"
