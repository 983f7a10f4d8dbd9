#!/bin/bash
# Commands inside containers and their logs through client libraries, on a real node.
# shellcheck source-path=SCRIPTDIR
. "$(dirname "$0")/lib.sh"
export NODE_PATH=$root/${BUILD:-build}/clients/node_modules

server_start || exit 1
demo_image
"$minke" apply -f - >/dev/null <<YAML
apiVersion: v1
kind: Pod
metadata: {name: talker}
spec:
  terminationGracePeriodSeconds: 0
  containers:
  - {name: talker, image: "minke.local/demo/web:1", command: [sh, -c, "echo one; echo two; exec sleep 1000"]}
YAML
running() { [ "$("$minke" get pod talker -o 'jsonpath={.status.phase}')" = Running ]; }
ok "a pod runs" eventually 20 running

node_says() { node -e "
const k8s = require('@kubernetes/client-node'), { PassThrough } = require('stream');
const config = new k8s.KubeConfig();
config.loadFromDefault();
(async () => { $1 })().catch((error) => { console.log('failed:', error); process.exit(1); });" 2>&1; }
python_says() { /usr/bin/python3 -c "
from kubernetes import client, config
from kubernetes.stream import stream, portforward
config.load_kube_config()
core = client.CoreV1Api()
$1" 2>&1; }

same "client-node runs a command and hears how it ended" "out 3" "$(node_says "
  await new k8s.Exec(config).exec('default', 'talker', 'talker', ['sh', '-c', 'echo out; exit 3'], process.stdout, process.stderr, null, false,
    (status) => { console.log(status.details.causes[0].message); process.exit(0); });" | tr '\n' ' ' | sed 's/ $//')"
same "client-node sends stdin" "TYPED" "$(node_says "
  const input = new PassThrough();
  const socket = await new k8s.Exec(config).exec('default', 'talker', 'talker', ['sh', '-c', 'read a; echo \$a | tr a-z A-Z'], process.stdout, process.stderr, input, false,
    () => process.exit(0));
  input.write('typed\n');")"
same "client-node reads the log" "one two" "$(node_says "
  console.log(await config.makeApiClient(k8s.CoreV1Api).readNamespacedPodLog({ name: 'talker', namespace: 'default' }));" | tr '\n' ' ' | sed 's/ *$//')"
same "client-node follows the log" "two" "$(node_says "
  const out = new PassThrough();
  out.on('data', (bytes) => { process.stdout.write(bytes); process.exit(0); });
  await new k8s.Log(config).log('default', 'talker', 'talker', out, { follow: true, tailLines: 1 });")"
same "python runs a command" "out" "$(python_says "
print(stream(core.connect_get_namespaced_pod_exec, 'talker', 'default', command=['echo', 'out'],
             stderr=True, stdin=False, stdout=True, tty=False), end='')")"
same "python hears how a command ended, and sends stdin" "TYPED 5" "$(python_says "
s = stream(core.connect_get_namespaced_pod_exec, 'talker', 'default',
           command=['sh', '-c', 'read a; echo \$a | tr a-z A-Z; exit 5'],
           stderr=True, stdin=True, stdout=True, tty=False, _preload_content=False)
s.write_stdin('typed\n')
s.run_forever(timeout=10)
print(s.read_stdout().strip(), s.returncode)")"
same "python reads the log" "one two" "$(python_says "
print(core.read_namespaced_pod_log('talker', 'default').replace('\n', ' ').strip())")"

