"""Lists and watches by hand: resuming, bookmarks, initial events, what has expired, selectors,
pages while writes go on, watchers that never read, and what hundreds of them cost."""

import json
import socket
import time
import http.client

from world import CONFIGMAPS, Server, check, configmap, finish, same

MERGE = {"Content-Type": "application/merge-patch+json"}
TABLE = {"Accept": "application/json;as=Table;v=v1;g=meta.k8s.io"}


class Watch:
    """One watch on a connection of its own; events are (type, name, object)."""

    def __init__(self, server, query, path=CONFIGMAPS, headers=None, timeout=5):
        self.connection = server.connect(timeout)
        self.connection.request("GET", f"{path}?watch=true&{query}", headers=headers or {})
        self.answer = self.connection.getresponse()

    def next(self):
        """None at the end of the stream or when nothing comes."""
        try:
            line = self.answer.readline()
        except (TimeoutError, socket.timeout, http.client.HTTPException):
            return None
        return json.loads(line) if line.strip() else None

    def take(self, count):
        found = []
        while len(found) < count:
            event = self.next()
            if event is None:
                break
            metadata = event["object"].get("metadata", {})
            found.append((event["type"], metadata.get("name", "")))
        return found

    def close(self):
        self.connection.close()


def put(server, name, labels=None, value="x"):
    return server.ask("POST", CONFIGMAPS, configmap(name, {"k": value}, labels=labels or {}))[1]


def patch(server, name, change):
    return server.ask("PATCH", f"{CONFIGMAPS}/{name}", change, MERGE)[1]


def revision(thing):
    return thing["metadata"]["resourceVersion"]


def resuming(server):
    first = put(server, "one")
    second = put(server, "two")
    patch(server, "one", {"data": {"k": "y"}})
    server.ask("DELETE", f"{CONFIGMAPS}/two")
    wanted = [("ADDED", "two"), ("MODIFIED", "one"), ("DELETED", "two")]
    watch = Watch(server, f"resourceVersion={revision(first)}&timeoutSeconds=2")
    same(watch.take(4), wanted, "a watch resumes behind a revision")
    same(watch.next(), None, "and ends after timeoutSeconds")
    watch = Watch(server, f"resourceVersion={revision(second)}&timeoutSeconds=1")
    same(watch.take(3), wanted[1:], "from a later one it shows less")
    for query in ("", "resourceVersion=0&"):
        watch = Watch(server, query + "timeoutSeconds=1")
        names = {name for kind, name in watch.take(10) if kind == "ADDED"}
        check("one" in names and "two" not in names, f"a watch with '{query}' begins with what is there",
              names)
    start = time.time()
    watch = Watch(server, "resourceVersion=99999999&timeoutSeconds=1", timeout=8)
    event = watch.next()
    check(watch.answer.status in (200, 504) and time.time() - start < 7,
          "a revision that is not there yet", watch.answer.status, event)
    one = Watch(server, f"fieldSelector=metadata.name=one&resourceVersion={revision(first)}&timeoutSeconds=1")
    same(one.take(5), [("MODIFIED", "one")], "a watch of one name")


def starting(server):
    watch = Watch(server, "sendInitialEvents=true&allowWatchBookmarks=true&timeoutSeconds=2"
                  "&resourceVersionMatch=NotOlderThan")
    listed = server.ask("GET", CONFIGMAPS)[1]
    events = []
    while True:
        event = watch.next()
        events.append(event)
        if event is None or event["type"] == "BOOKMARK":
            break
    same(sorted(e["object"]["metadata"]["name"] for e in events[:-1]),
         sorted(i["metadata"]["name"] for i in listed["items"]), "initial events are the list")
    mark = events[-1]["object"]["metadata"] if events[-1] else {}
    same(mark.get("annotations"), {"k8s.io/initial-events-end": "true"}, "and end with a bookmark")
    check(events[-1] and events[-1]["object"]["kind"] == "ConfigMap", "of the kind", events[-1])
    put(server, "three")
    event = watch.next()
    same((event["type"], event["object"]["metadata"]["name"]), ("ADDED", "three"), "then what is new")
    watch.close()
    watch = Watch(server, "sendInitialEvents=false&resourceVersionMatch=NotOlderThan&timeoutSeconds=1"
                  "&allowWatchBookmarks=true")
    seen = watch.take(5)
    check(all(kind == "BOOKMARK" for kind, _ in seen), "sendInitialEvents=false shows none", seen)
    code, answer, _ = server.ask("GET", f"{CONFIGMAPS}?sendInitialEvents=true")
    check(code == 422, "sendInitialEvents without watch is refused", code, answer)
    watch = Watch(server, "timeoutSeconds=1", headers=TABLE)
    event = watch.next()
    check(event["object"]["kind"] == "Table" and event["object"]["columnDefinitions"] and
          len(event["object"]["rows"]) == 1, "a watch of tables", event)
    event = watch.next()
    check(event and not event["object"].get("columnDefinitions"), "names its columns once", event)
    watch.close()


def selected(server):
    start = revision(put(server, "sel", {"a": "1"}))
    put(server, "other", {"a": "2"})
    patch(server, "other", {"metadata": {"labels": {"a": "1"}}})
    patch(server, "sel", {"data": {"k": "z"}})
    patch(server, "sel", {"metadata": {"labels": {"a": "3"}}})
    patch(server, "sel", {"data": {"k": "unseen"}})
    server.ask("DELETE", f"{CONFIGMAPS}/other")
    watch = Watch(server, f"labelSelector=a%3D1&resourceVersion={start}&timeoutSeconds=1")
    same(watch.take(9), [("ADDED", "other"), ("MODIFIED", "sel"), ("DELETED", "sel"),
                         ("DELETED", "other")], "coming into and going out of a selector")
    watch = Watch(server, f"labelSelector=a%3D1&resourceVersion={start}&timeoutSeconds=1")
    events = [watch.next() for _ in range(3)]
    same(events[2]["object"]["metadata"]["labels"], {"a": "1"},
         "what went out is shown as it last matched")
    watch.close()


def expired(server):
    for at in range(3000):
        if at == 0:
            connection = server.connect()
            old = revision(put(server, "churn"))
        server.ask("PATCH", f"{CONFIGMAPS}/churn", {"data": {"k": str(at) * 200}}, MERGE, connection)
    connection.close()
    same(server.ask("GET", f"{CONFIGMAPS}?resourceVersion=1&resourceVersionMatch=Exact")[0], 410,
         "a list of long ago has expired")
    watch = Watch(server, "resourceVersion=1&timeoutSeconds=1")
    event = watch.next()
    check(event and (event.get("code") == 410 or event["type"] == "ERROR"
                     and event["object"]["code"] == 410 and event["object"]["reason"] == "Expired"),
          "a watch from long ago ends with 410 Expired", event)
    watch.close()
    check(int(old) > 0, "(there were revisions)")


def pages(server):
    for at in range(25):
        put(server, f"page-{at:02}", {"p": "y"})
    before = {f"page-{at:02}" for at in range(25)}
    seen, token, first = [], "", None
    while True:
        query = f"labelSelector=p%3Dy&limit=4&continue={token}" if token else "labelSelector=p%3Dy&limit=4"
        code, listed, _ = server.ask("GET", f"{CONFIGMAPS}?{query}")
        if code != 200:
            check(False, "a page", code, listed)
            break
        first = first or revision(listed)
        same(revision(listed), first, f"page {len(seen) // 4} is of the first one's revision")
        seen += [item["metadata"]["name"] for item in listed["items"]]
        token = listed["metadata"].get("continue", "")
        if not token:
            break
        server.ask("DELETE", f"{CONFIGMAPS}/page-{24 - len(seen) // 4:02}")
        put(server, f"page-{len(seen):02}b", {"p": "y"})
    same((len(seen), set(seen)), (25, before), "pages show one moment while writes go on")
    listed = server.ask("GET", "/api/v1/configmaps?limit=1")[1]
    check(listed["metadata"].get("remainingItemCount", 0) > 5, "how many are left", listed["metadata"])
    same(len(server.ask("GET", f"{CONFIGMAPS}?limit=0")[1]["items"]) > 20, True, "limit=0 is no limit")


def cost(server):
    """Watchers that only wait, and one that never reads."""
    before, watches = server.status("VmRSS"), []
    for _ in range(500):
        watches.append(Watch(server, "resourceVersion=0&fieldSelector=metadata.name=nobody"))
    each = (server.status("VmRSS") - before) / 500
    print(f"   an idle watcher over TLS costs {each:.1f} KiB")
    check(each < 100, "an idle watcher costs less than 100 KiB", each)
    cpu, start = server.cpu_s(), time.time()
    time.sleep(3)
    used = (server.cpu_s() - cpu) / (time.time() - start)
    print(f"   500 idle watchers use {100 * used:.2f} % of a core")
    check(used < 0.02, "500 idle watchers use no processor", used)
    put(server, "nobody")
    same([watch.take(1) for watch in watches], [[("ADDED", "nobody")]] * 500, "all hear at once")
    for watch in watches:
        watch.close()
    deaf = server.socket()
    deaf.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
    deaf.sendall(b"GET " + CONFIGMAPS.encode() + b"?watch=1 HTTP/1.1\r\nHost: a\r\n\r\n")
    connection = server.connect()
    for at in range(400):
        server.ask("PATCH", f"{CONFIGMAPS}/nobody", {"data": {"k": str(at % 10) * 100000}}, MERGE,
                   connection)
    connection.close()
    grown = server.status("VmRSS")
    for at in range(400):
        patch(server, "nobody", {"data": {"k": str(at % 10) * 100000}})
    more = server.status("VmRSS") - grown
    print(f"   a watcher that never reads: {more} KiB more after 40 MB of further events")
    check(more < 16384, "a watcher that never reads does not make memory grow", more)
    deaf.close()
    same(server.ask("GET", "/readyz")[0], 200, "and the server is well")


if __name__ == "__main__":
    with Server() as server:
        for part in (resuming, starting, selected, pages, cost, expired):
            part(server)
    finish()
