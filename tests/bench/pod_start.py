#!/usr/bin/env python3
"""From "create this pod" to its container's first instruction, the image being there; and in the same
run, turn by turn, what conmon and crun alone need for the very same bundle.

    tools/sandbox tests/bench/pod_start.py MINKE STAMP [ROUNDS]
"""
import base64, ctypes, http.client, json, os, re, shutil, ssl, statistics, subprocess, sys, tempfile, time

minke, stamp = (os.path.abspath(a) for a in sys.argv[1:3])
rounds = int(sys.argv[3]) if len(sys.argv) > 3 else 20
root = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
work = tempfile.mkdtemp(prefix="minke-bench.")
data, bench = work + "/data", work + "/bench"
port = 6443
PATH = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"


def run(*words):
    return subprocess.run(words, check=True, capture_output=True, text=True).stdout


def fail(text):
    sys.exit("pod_start: " + text)


def wait_for(what, condition, seconds=20):
    end = time.monotonic() + seconds
    while not condition():
        if time.monotonic() > end:
            fail(what + " did not come")
        time.sleep(0.02)


class Api:
    """One connection, kept open, as a controller has it."""

    def __init__(self):
        text = open(data + "/admin.kubeconfig").read()
        for name in ("certificate-authority-data", "client-certificate-data", "client-key-data"):
            found = re.search(name + r": *(\S+)", text).group(1)
            open(work + "/" + name, "wb").write(base64.b64decode(found))
        context = ssl.create_default_context(cafile=work + "/certificate-authority-data")
        context.check_hostname = False
        context.load_cert_chain(work + "/client-certificate-data", work + "/client-key-data")
        self.http = http.client.HTTPSConnection("127.0.0.1", port, context=context)

    def ask(self, method, path, body=None):
        self.http.request(method, path, body and json.dumps(body), {"Content-Type": "application/json"})
        answer = self.http.getresponse()
        return answer.status, json.loads(answer.read())


PODS = "/api/v1/namespaces/default/pods"


def pod(name, command):
    limits = {"cpu": "500m", "memory": "64Mi"}
    return {
        "apiVersion": "v1", "kind": "Pod", "metadata": {"name": name},
        "spec": {
            "restartPolicy": "Never", "terminationGracePeriodSeconds": 0,
            "volumes": [{"name": "bench", "hostPath": {"path": bench}}],
            "containers": [{
                "name": "c", "image": "minke.local/demo/web:1", "command": command,
                "resources": {"limits": limits, "requests": limits},
                "volumeMounts": [{"name": "bench", "mountPath": "/bench"}]}]}}


def stamped(begun):
    """Waits for the container's word; milliseconds since then."""
    with open(bench + "/pipe") as pipe:
        return (int(pipe.read()) - begun) / 1e6


def by_minke(api, n):
    name = f"p{n}"
    begun = time.monotonic_ns()
    status, _ = api.ask("POST", PODS, pod(name, ["/bench/stamp", "/bench/pipe"]))
    if status != 201:
        fail(f"create: {status}")
    took = stamped(begun)
    api.ask("DELETE", f"{PODS}/{name}?gracePeriodSeconds=0")
    wait_for("the pod's end", lambda: api.ask("GET", f"{PODS}/{name}")[0] == 404)
    return took


# ---- conmon and crun alone

def bundle_of_model(api):
    """A directory with the bundle that minke made for a pod of the same spec."""
    api.ask("POST", PODS, pod("model", ["/bin/sleep", "3600"]))
    wait_for("the model", lambda: api.ask("GET", PODS + "/model")[1]["status"]["phase"] == "Running")
    container = api.ask("GET", PODS + "/model")[1]["status"]["containerStatuses"][0]["containerID"]
    made = f"{data}/node/containers/{container.split('://')[1]}"
    config = json.load(open(made + "/config.json"))
    config["process"]["args"] = ["/bench/stamp", "/bench/pipe"]
    mounted = next(l for l in open("/proc/self/mounts") if l.split()[1] == made + "/rootfs")
    return config, re.search(r"lowerdir=([^,]+)", mounted).group(1)


def make_bundle(config, lower, name, own_groups):
    path = f"{work}/alone/{name}"
    for part in ("upper", "work", "rootfs"):
        os.makedirs(f"{path}/{part}")
    run("mount", "-t", "overlay", "-o",
        f"lowerdir={lower},upperdir={path}/upper,workdir={path}/work,volatile", "overlay", path + "/rootfs")
    config = json.loads(json.dumps(config))
    if own_groups:
        config["linux"]["cgroupsPath"] = f"/{os.environ['MINKE_CGROUP_PARENT']}/bench-{name}"
        config["linux"]["resources"] = {
            "memory": {"limit": 64 << 20}, "cpu": {"shares": 512, "quota": 50000, "period": 100000},
            "devices": [{"allow": False, "access": "rwm"}]}
    json.dump(config, open(path + "/config.json", "w"))
    return path


def alone(config, lower, name, own_groups):
    path = make_bundle(config, lower, name, own_groups)
    crun = ["/usr/bin/crun", f"--root={work}/crun"]
    more = [] if own_groups else ["--cgroup-manager=disabled"]
    sync_read, sync_write = os.pipe()
    start_read, start_write = os.pipe()
    begun = time.monotonic_ns()
    os.write(start_write, b"\0")
    os.set_inheritable(sync_write, True)
    os.set_inheritable(start_read, True)
    arguments = [word for option in more for word in ("--runtime-arg", option)]
    conmon = subprocess.Popen(
        ["/usr/bin/conmon", "--api-version", "1", "-c", name, "-u", name, "-n", name, "-r", crun[0],
         "--runtime-arg", crun[1], *arguments, "-b", path, "-p", path + "/pidfile",
         "-P", path + "/conmon.pid", "--persist-dir", path, "--exit-dir", work + "/exits",
         "-l", f"k8s-file:{path}/log", "--log-level", "warning", "--full-attach"],
        close_fds=False, stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL,
        env={"PATH": PATH, "_OCI_SYNCPIPE": str(sync_write), "_OCI_STARTPIPE": str(start_read)})
    os.close(sync_write)
    os.close(start_read)
    with os.fdopen(sync_read) as sync:
        verdict = json.loads(sync.readline())
    if verdict["data"] <= 0:
        fail("conmon: " + str(verdict))
    starter = subprocess.Popen([*crun, *more, "start", name])
    took = stamped(begun)
    starter.wait()
    conmon.wait()
    wait_for("the exit file", lambda: os.path.exists(f"{work}/exits/{name}"))
    os.close(start_write)
    run(*crun, *more, "delete", "-f", name)
    run("umount", path + "/rootfs")
    return took


def hide_unified():
    """crun 1.8 refuses a machine with both versions of cgroups: it gets to see the first only."""
    mounts = [l.split() for l in open("/proc/self/mounts")]
    unified = [m[1] for m in mounts if m[2] == "cgroup2"]
    if not unified or not any(m[2] == "cgroup" for m in mounts):
        return
    libc = ctypes.CDLL(None, use_errno=True)
    if libc.unshare(0x20000) or libc.mount(None, b"/", None, 0x4000 | 0x80000, None):
        fail("mount namespace")
    libc.umount2(unified[0].encode(), 2)


def main():
    os.makedirs(bench)
    os.makedirs(work + "/exits")
    shutil.copy(stamp, bench + "/stamp")
    os.mkfifo(bench + "/pipe")
    run(root + "/tools/demo-image", work + "/demo.tar")
    server = subprocess.Popen([minke, "server", "--data", data, "--listen", f"127.0.0.1:{port}"],
                              stderr=open(work + "/log", "w"))
    try:
        wait_for("the server", lambda: os.path.exists(data + "/admin.kubeconfig"))
        run(minke, "image", "import", "--data", data, work + "/demo.tar")
        time.sleep(0.5)
        api = Api()
        wait_for("the node", lambda: any(
            c["type"] == "Ready" and c["status"] == "True"
            for i in api.ask("GET", "/api/v1/nodes")[1]["items"] for c in i["status"]["conditions"]))
        config, lower = bundle_of_model(api)
        hide_unified()
        whole, crun_groups, bare = [], [], []
        for n in range(rounds + 1):
            whole.append(by_minke(api, n))
            crun_groups.append(alone(config, lower, f"g{n}", True))
            bare.append(alone(config, lower, f"b{n}", False))
        del whole[0], crun_groups[0], bare[0]  # the first of each warms the machine
    finally:
        server.terminate()
        server.wait()
        subprocess.run([minke, "server", "--purge-node", "--data", data], check=False)
        shutil.rmtree(work, ignore_errors=True)
    a, b, c = (statistics.median(x) for x in (whole, crun_groups, bare))
    print(f"pod created to its first instruction: {a:.1f} ms (least {min(whole):.1f}); conmon and crun "
          f"alone: {b:.1f} ms, {c:.1f} without control groups; {rounds} of each, turn by turn; "
          f"target < {2 * b + 5:.1f} ms (twice, and 5)")


main()
