"""kill -9 at random moments under load, SIGTERM under load, and a disk that fills up: whatever was
acknowledged is there afterwards, exactly once and as acknowledged."""

import http.client
import os
import random
import signal
import subprocess
import sys
import tempfile
import threading
import time

from world import CONFIGMAPS, MINKE, Server, check, configmap, finish, free_port, run, same

MERGE = {"Content-Type": "application/merge-patch+json"}


class Writer(threading.Thread):
    """Creates, changes and deletes its own objects, and remembers what it was promised. The last
    write may be unanswered: then both outcomes are fine."""

    def __init__(self, server, prefix, seed):
        super().__init__()
        self.server, self.prefix, self.random = server, prefix, random.Random(seed)
        self.known, self.unsure, self.revision, self.stop = {}, None, 0, False
        self.promised, self.odd = 0, []

    def step(self, connection, count):
        name = f"{self.prefix}-{self.random.randrange(40)}"
        path, value = f"{CONFIGMAPS}/{name}", f"{count}-{'v' * self.random.randrange(2000)}"
        if name not in self.known:
            what = ("POST", CONFIGMAPS, configmap(name, {"k": value}), None, value)
        elif self.random.random() < 0.3:
            what = ("DELETE", path, None, None, None)
        else:
            what = ("PATCH", path, {"data": {"k": value}}, MERGE, value)
        self.unsure = (name, self.known.get(name), what[4])
        code, answer, _ = self.server.ask(*what[:4], connection=connection)
        if code in (503, 507):  # a server that stops, a full disk: said not to have happened
            self.unsure = None
            return
        if code not in (200, 201):
            self.odd.append((what[0], name, code, answer))
            return
        self.promised += 1
        if what[4] is None:
            self.known.pop(name)
        else:
            self.known[name] = value
            revision = int(answer["metadata"]["resourceVersion"])
            if revision <= self.revision:
                self.odd.append((name, "went back", revision, self.revision))
            self.revision = revision
        self.unsure = None

    def run(self):
        count = 0
        connection = self.server.connect()
        try:
            while not self.stop:
                count += 1
                self.step(connection, count)
        except (OSError, http.client.HTTPException):
            pass
        finally:
            connection.close()

    def compare(self, found):
        """What is wrong in `found`, a map of the names of this prefix to values."""
        wrong = list(self.odd)
        for name in set(self.known) | set(found):
            fine = [self.known.get(name)]
            if self.unsure and self.unsure[0] == name:
                fine = [self.unsure[1], self.unsure[2]]
            if found.get(name) not in fine:
                wrong.append((name, str(found.get(name))[:20], [str(f)[:20] for f in fine]))
        return wrong


def everything(server):
    listed = server.ask("GET", CONFIGMAPS)[1]
    return listed, {item["metadata"]["name"]: item["data"]["k"] for item in listed["items"]
                    if "k" in item.get("data", {})}


def settle(server, writers, name):
    """Compares, and lets the writers go on from what is there."""
    listed, found = everything(server)
    wrong = []
    for writer in writers:
        own = {k: v for k, v in found.items() if k.startswith(writer.prefix + "-")}
        wrong += writer.compare(own)
        if int(listed["metadata"]["resourceVersion"]) < writer.revision:
            wrong.append(("revision went back", listed["metadata"]["resourceVersion"]))
        writer.after = own
    return check(not wrong, name, *wrong[:5])


def crowd(server, seed, before=None):
    writers = []
    for at in range(6):
        writer = Writer(server, f"w{at}", seed * 100 + at)
        if before:
            writer.known = dict(before[at].after)
            writer.revision = before[at].revision
        writers.append(writer)
        writer.start()
    return writers


def end(writers):
    for writer in writers:
        writer.stop = True
    for writer in writers:
        writer.join()


def kills(rounds):
    server, seed = Server("--simulate-nodes", "3", "--simulated-start-ms", "5"), random.Random(7)
    promised, writers, good = 0, None, 0
    server.start()
    deployment = {"apiVersion": "apps/v1", "kind": "Deployment", "metadata": {"name": "busy"},
                  "spec": {"replicas": 3, "selector": {"matchLabels": {"a": "b"}},
                           "template": {"metadata": {"labels": {"a": "b"}},
                                        "spec": {"containers": [{"name": "c", "image": "i"}]}}}}
    server.ask("POST", "/apis/apps/v1/namespaces/default/deployments", deployment)
    for turn in range(rounds):
        writers = crowd(server, turn, writers)
        # Controllers write too while it dies.
        time.sleep(seed.random() * 0.15)
        server.ask("PATCH", "/apis/apps/v1/namespaces/default/deployments/busy",
                   {"spec": {"replicas": seed.randrange(1, 12)}}, MERGE)
        time.sleep(seed.random() * 0.15)
        server.kill(signal.SIGKILL)
        end(writers)
        promised += sum(w.promised for w in writers)
        server.start()
        good += settle(server, writers, f"kill -9, round {turn}: all that was promised is there")
    print(f"   {promised} acknowledged writes over {rounds} kills")
    until = time.time() + 20
    while time.time() < until:
        busy = server.ask("GET", "/apis/apps/v1/namespaces/default/deployments/busy")[1]
        if busy["spec"]["replicas"] == busy["status"].get("readyReplicas") == \
                busy["status"].get("replicas"):
            break
        time.sleep(0.1)
    pods = server.ask("GET", "/api/v1/namespaces/default/pods?labelSelector=a=b")[1]["items"]
    same(len(pods), busy["spec"]["replicas"], "the Deployment has its pods after all that")
    sets = server.ask("GET", "/apis/apps/v1/namespaces/default/replicasets")[1]["items"]
    same(len(sets), 1, "and one ReplicaSet")
    server.close()


def terminated():
    server = Server().start()
    writers = crowd(server, 50)
    time.sleep(0.3)
    same(server.kill(signal.SIGTERM), 0, "SIGTERM under load is a clean end")
    end(writers)
    check(sum(w.promised for w in writers) > 0, "while writes were going on")
    server.start()
    settle(server, writers, "and all that was promised is there")
    server.close()


def full_disk():
    """Run again inside an own mount namespace, on a small tmpfs."""
    with tempfile.TemporaryDirectory() as data:
        os.environ["FAULT_DATA"] = data
        _, said = run("unshare", "--mount", sys.executable, __file__, "full", timeout=40)
    for line in said.splitlines():
        if line.startswith(("ok ", "FAIL ")):
            check(line.startswith("ok "), line.split(" ", 1)[1], said)
    check("passed" in said, "the test of a full disk ran to its end", said[-2000:])


def soon(server, *question):
    """Asks until it is not 507 any more: a full disk is tried again only once a second."""
    until = time.time() + 6
    while True:
        code, answer, _ = server.ask(*question)
        if code != 507 or time.time() > until:
            return code
        time.sleep(0.2)


def full_disk_inside():
    data = os.environ["FAULT_DATA"]
    subprocess.run(["mount", "-t", "tmpfs", "-o", "size=12m", "none", data], check=True)
    server = Server(data=data).start()
    server.ask("POST", CONFIGMAPS, configmap("first", {"f": "x"}))
    writers = [Writer(server, "w0", 1), Writer(server, "w1", 2)]
    for writer in writers:
        writer.start()
    time.sleep(0.2)
    code, kept = 0, 0
    for at in range(100):
        code, answer, _ = server.ask("POST", CONFIGMAPS, configmap(f"fill-{at}", {"f": "x" * 400000}))
        if code != 201:
            break
        kept += 1
    check(code == 507 and answer["kind"] == "Status" and "full" in answer["message"],
          "a write to a full disk is refused with a Status", code, answer)
    same(server.ask("GET", f"{CONFIGMAPS}/fill-{kept}")[0], 404, "and has not happened")
    same(server.ask("GET", f"{CONFIGMAPS}/first")[0], 200, "reads go on")
    same(soon(server, "DELETE", f"{CONFIGMAPS}/fill-1"), 200, "and so do deletes, from a reserve")
    time.sleep(0.2)
    end(writers)
    settle(server, writers, "what was promised is there, what was refused is not")
    subprocess.run(["mount", "-o", "remount,size=48m", data], check=True)
    same(soon(server, "POST", CONFIGMAPS, configmap("after", {"f": "x"})), 201,
         "with room again, writes go on")
    same(soon(server, "DELETE", f"{CONFIGMAPS}/fill-0"), 200, "removals too")
    server.kill(signal.SIGKILL)
    server.start()
    settle(server, writers, "after a crash all is there")
    same(server.ask("GET", CONFIGMAPS + "/after")[0], 200, "the last one too")
    server.close()
    subprocess.run(["umount", data], check=False)
    finish()


if __name__ == "__main__":
    if sys.argv[1:] == ["full"]:
        full_disk_inside()
    else:
        kills(int(os.environ.get("ROUNDS", "12")))
        terminated()
        full_disk()
    finish()
