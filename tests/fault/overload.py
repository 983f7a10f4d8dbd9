"""One user asks without a pause on many connections, another now and then: the former is told to
come back, the latter is served, and the server lives. Bounded: a few seconds, loopback only."""

import http.client
import json
import threading
import time

from world import Server, check, finish

SECONDS, GREEDY, OBJECTS = 4, 12, 400


def ask(connection, user, path):
    connection.request("GET", path, headers={"Impersonate-User": user})
    answer = connection.getresponse()
    answer.read()
    return answer.status, answer.getheader("Retry-After")


def connect(server):
    return http.client.HTTPSConnection("127.0.0.1", server.port, context=server.tls, timeout=20)


def role(server, user):
    server.ask("POST", "/apis/rbac.authorization.k8s.io/v1/clusterrolebindings", {
        "metadata": {"name": user},
        "roleRef": {"apiGroup": "rbac.authorization.k8s.io", "kind": "ClusterRole", "name": "view"},
        "subjects": [{"apiGroup": "rbac.authorization.k8s.io", "kind": "User", "name": user}]})


class Greedy(threading.Thread):
    """Lists as fast as it is let, whatever it is told."""

    def __init__(self, server, until):
        super().__init__(daemon=True)
        self.server, self.until, self.codes, self.hints = server, until, {}, set()

    def run(self):
        connection = connect(self.server)
        while time.time() < self.until:
            code, hint = ask(connection, "greedy", "/api/v1/configmaps")
            self.codes[code] = self.codes.get(code, 0) + 1
            if code == 429:
                self.hints.add(hint)


with Server() as server:
    for user in "greedy", "modest":
        role(server, user)
    for i in range(OBJECTS):
        server.ask("POST", "/api/v1/namespaces/default/configmaps",
                   {"metadata": {"name": f"c{i}"}, "data": {"k": "v" * 2000}})
    until = time.time() + SECONDS
    crowd = [Greedy(server, until) for _ in range(GREEDY)]
    for one in crowd:
        one.start()
    modest, codes, waits = connect(server), {}, []
    health, admin = connect(server), []
    while time.time() < until - 0.2:
        began = time.time()
        code, _ = ask(modest, "modest", "/api/v1/configmaps")
        waits.append(time.time() - began)
        codes[code] = codes.get(code, 0) + 1
        admin.append(server.ask("GET", "/api/v1/namespaces/default")[0])
        time.sleep(0.02)
    for one in crowd:
        one.join()
    told = sum(one.codes.get(429, 0) for one in crowd)
    served = sum(one.codes.get(200, 0) for one in crowd)
    print(f"   greedy: {served} served, {told} told to come back; modest: {codes}, "
          f"longest wait {max(waits) * 1000:.0f} ms")
    check(set(codes) == {200}, "the modest user is always served", codes)
    check(set(admin) == {200}, "so is the administrator")
    check(served > 0 and all(set(one.codes) <= {200, 429} for one in crowd),
          "the greedy one is served, or told to come back, and nothing else",
          [one.codes for one in crowd])
    check(told == 0 or all(one.hints <= {"1"} for one in crowd), "with Retry-After", told)
    metrics = server.ask("GET", "/metrics")[1]
    check(server.ask("GET", "/readyz")[0] == 200, "the server lives")
    time.sleep(1.5)
    connection = connect(server)
    check(ask(connection, "greedy", "/api/v1/configmaps")[0] == 200, "and forgives")
finish()
