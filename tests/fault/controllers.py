"""What controllers promise at every instant, read off the watch: maxSurge and maxUnavailable, no
mixing under Recreate, proportional scaling, adoption, deletion in the order asked for."""

import json
import time

from world import Server, check, configmap, finish, same

DEPLOYMENTS = "/apis/apps/v1/namespaces/default/deployments"
SETS = "/apis/apps/v1/namespaces/default/replicasets"
PODS = "/api/v1/namespaces/default/pods"
MERGE = {"Content-Type": "application/merge-patch+json"}


def deployment(name, replicas=10, surge=2, unavailable=1, **more):
    rolling = {"type": "RollingUpdate",
               "rollingUpdate": {"maxSurge": surge, "maxUnavailable": unavailable}}
    template = {"metadata": {"labels": {"a": name}},
                "spec": {"containers": [{"name": "c", "image": "i:1"}]}}
    return {"apiVersion": "apps/v1", "kind": "Deployment", "metadata": {"name": name},
            "spec": {"replicas": replicas, "selector": {"matchLabels": {"a": name}},
                     "strategy": rolling, "template": template, **more}}


def patch(server, path, change):
    return server.ask("PATCH", path, change, MERGE)[1]


def roll(server, name, **spec):
    patch(server, f"{DEPLOYMENTS}/{name}", {"spec": {"template": {"spec": spec}}})


def image(tag):
    return [{"name": "c", "image": f"i:{tag}"}]


def until(question, wanted, within_s=15):
    """Asks until the answer is as wanted; the last answer."""
    end = time.time() + within_s
    while (seen := question()) != wanted and time.time() < end:
        time.sleep(0.03)
    return seen


def settled(server, name):
    def question():
        d = server.ask("GET", f"{DEPLOYMENTS}/{name}")[1]
        s = d.get("status", {})
        return (s.get("observedGeneration") == d["metadata"]["generation"] and
                s.get("updatedReplicas") == s.get("replicas") == s.get("availableReplicas") ==
                d["spec"]["replicas"])
    return until(question, True)


def items(server, path, name):
    return server.ask("GET", f"{path}?labelSelector=a%3D{name}")[1]["items"]


def history(server, name, change):
    """Makes a change, waits until it has settled, and gives the pods after every single event."""
    listed = server.ask("GET", f"{PODS}?labelSelector=a%3D{name}")[1]
    pods = {pod["metadata"]["name"]: pod for pod in listed["items"]}
    change()
    settled(server, name)
    connection = server.connect(5)
    connection.request("GET", f"{PODS}?watch=1&timeoutSeconds=1&labelSelector=a%3D{name}"
                       f"&resourceVersion={listed['metadata']['resourceVersion']}")
    for line in connection.getresponse():
        event = json.loads(line)
        pod = event["object"]
        if event["type"] == "DELETED":
            pods.pop(pod["metadata"]["name"], None)
        else:
            pods[pod["metadata"]["name"]] = pod
        yield list(pods.values())
    connection.close()


def stays(pod):
    return not pod["metadata"].get("deletionTimestamp")


def ready(pod):
    return stays(pod) and any(c["type"] == "Ready" and c["status"] == "True"
                              for c in pod.get("status", {}).get("conditions", []))


def rolling(server):
    server.ask("POST", DEPLOYMENTS, deployment("w"))
    settled(server, "w")
    moments = list(history(server, "w", lambda: roll(server, "w", containers=image(2))))
    fewest = min(sum(map(ready, pods)) for pods in moments)
    most = max(sum(map(stays, pods)) for pods in moments)
    check(len(moments) > 20 and fewest >= 9, "maxUnavailable holds at every instant", fewest)
    check(most <= 12, "maxSurge holds at every instant", most)
    patch(server, DEPLOYMENTS + "/w", {"spec": {"revisionHistoryLimit": 2}})
    for tag in range(3, 8):
        roll(server, "w", containers=image(tag))
        settled(server, "w")
    same(until(lambda: len(items(server, SETS, "w")), 3), 3, "revisionHistoryLimit keeps two old sets")
    recreated = deployment("re", 3)
    recreated["spec"]["strategy"] = {"type": "Recreate"}
    server.ask("POST", DEPLOYMENTS, recreated)
    settled(server, "re")
    mixed = max(len({pod["spec"]["containers"][0]["image"] for pod in pods}) for pods in
                history(server, "re", lambda: roll(server, "re", containers=image(2))))
    same(mixed, 1, "Recreate never mixes versions")


def owning(server):
    pod = items(server, PODS, "w")[0]["metadata"]["name"]
    patch(server, f"{PODS}/{pod}", {"metadata": {"labels": {"a": "free"}}})
    owners = lambda: server.ask("GET", f"{PODS}/{pod}")[1]["metadata"].get("ownerReferences")
    same(until(owners, None), None, "a pod whose labels went is released")
    same(until(lambda: len(items(server, PODS, "w")), 10), 10, "and replaced")
    patch(server, f"{PODS}/{pod}", {"metadata": {"labels": {"a": "w"}}})
    time.sleep(0.3)
    same(until(lambda: len(items(server, PODS, "w")), 10), 10, "back again, one too many goes")


def scaling(server):
    server.ask("POST", DEPLOYMENTS, deployment("p", 10, 3, 2))
    settled(server, "p")
    roll(server, "p", nodeSelector={"no": "where"})
    sizes = lambda: sorted(one["spec"]["replicas"] for one in items(server, SETS, "p"))
    same(until(sizes, [5, 8]), [5, 8], "a roll-out that cannot go on stops at its limits")
    patch(server, DEPLOYMENTS + "/p/scale", {"spec": {"replicas": 15}})
    same(until(sizes, [7, 11]), [7, 11], "scaling meanwhile is proportional")
    server.ask("DELETE", DEPLOYMENTS + "/p?propagationPolicy=Orphan")
    owned = lambda: [bool(one["metadata"].get("ownerReferences")) for one in items(server, SETS, "p")]
    same(until(owned, [False] * 2), [False] * 2, "orphans have no owner")
    server.ask("POST", DEPLOYMENTS, deployment("p", 10, 3, 2))
    same(until(owned, [True] * 2), [True] * 2, "and are adopted")
    answer = server.ask("DELETE", DEPLOYMENTS + "/p?propagationPolicy=Foreground")[1]
    same(answer["metadata"].get("finalizers"), ["foregroundDeletion"], "foreground deletion waits")
    same(until(lambda: server.ask("GET", DEPLOYMENTS + "/p")[0], 404), 404, "then the owner goes")
    same((items(server, SETS, "p"), items(server, PODS, "p")), ([], []), "after all it owned")
    server.ask("POST", DEPLOYMENTS, deployment("late", 2, progressDeadlineSeconds=2))
    settled(server, "late")
    roll(server, "late", nodeSelector={"no": "where"})
    reason = lambda: {c["type"]: c["reason"] for c in server.ask("GET", DEPLOYMENTS + "/late")[1]
                      ["status"]["conditions"]}.get("Progressing")
    same(until(reason, "ProgressDeadlineExceeded"), "ProgressDeadlineExceeded", "a deadline is kept")


def namespaces(server):
    full, inside = "/api/v1/namespaces/full", "/api/v1/namespaces/full/configmaps"
    server.ask("POST", "/api/v1/namespaces",
               {"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": "full"}})
    server.ask("POST", "/apis/apps/v1/namespaces/full/deployments", deployment("x", 5))
    server.ask("POST", inside, configmap("held", finalizers=["a.example/hold"]))
    server.ask("DELETE", full)
    left = lambda: (server.ask("GET", full)[1].get("status", {}).get("phase"),
                    len(server.ask("GET", full + "/pods")[1]["items"]))
    same(until(left, ("Terminating", 0)), ("Terminating", 0), "a finalizer holds a namespace")
    same(server.ask("POST", inside, configmap("new"))[0], 403, "nothing new comes into it")
    patch(server, inside + "/held", {"metadata": {"finalizers": None}})
    same(until(lambda: server.ask("GET", full)[0], 404), 404, "then it goes")
    server.ask("DELETE", "/api/v1/namespaces/default/services/kubernetes")
    same(until(lambda: server.ask("GET", "/api/v1/namespaces/default/services/kubernetes")[0], 200),
         200, "the Service of the server itself comes back")


if __name__ == "__main__":
    with Server("--simulate-nodes", "3", "--simulated-start-ms", "40") as server:
        for part in (rolling, owning, scaling, namespaces):
            part(server)
        cpu = server.cpu_s()
        time.sleep(2)
        check(server.cpu_s() - cpu < 0.03, "and then it rests", server.cpu_s() - cpu)
    finish()
