"""Bad input over HTTP: each gets the Status Kubernetes would give, and nothing is half done."""

import json

from world import CONFIGMAPS, Server, check, configmap, finish, same

PODS = "/api/v1/namespaces/default/pods"
PROTOBUF = {"Content-Type": "application/vnd.kubernetes.protobuf"}
YAML = {"Content-Type": "application/yaml"}


def refused(server, name, method, path, body, code, reason, *words, headers=None):
    """A Status with this code and reason, whose message holds these words."""
    try:
        seen, answer, _ = server.ask(method, path, body, headers)
    except OSError as problem:
        return check(False, name, f"no answer: {problem!r}")
    good = (seen == code and isinstance(answer, dict) and answer.get("kind") == "Status"
            and answer.get("status") == "Failure" and answer.get("code") == code
            and answer.get("reason", "") == reason
            and all(word in answer.get("message", "") for word in words))
    return check(good, name, f"{seen} {answer}", f"wanted {code} {reason} {words}")


def syntax(server):
    bad = "BadRequest"
    for name, body in {
        "an empty body": "", "half an object": '{"kind":"ConfigMap"', "two objects": '{}{}',
        "a bare word": "hello", "an array": "[]", "a number": "7", "null": "null",
        "bad UTF-8": b'{"kind":"\xff\xfe"}', "a lone surrogate": '{"apiVersion":"v1","kind":"\\ud800"',
        "a control character": '{"kind":"a\nb"}', "a trailing comma": '{"kind":"ConfigMap",}',
        "single quotes": "{'kind':'ConfigMap'}", "NaN": '{"kind":NaN}',
        "a byte of zero": b'{"kind":"Config\x00Map"}',
    }.items():
        refused(server, f"JSON: {name}", "POST", CONFIGMAPS, body, 400, bad)
    for name, body in {
        "half a flow map": "{kind: ConfigMap", "a tab as indentation": "kind:\n\t- a",
        "an unknown alias": "kind: *nobody", "a scalar": "hello",
        "aliases that multiply": "a: &a [x,x,x,x,x,x,x,x,x]\n" + "".join(
            f"{chr(98 + i)}: &{chr(98 + i)} [{','.join(['*' + chr(97 + i)] * 9)}]\n"
            for i in range(9)),
    }.items():
        refused(server, f"YAML: {name}", "POST", CONFIGMAPS, body, 400, bad, headers=YAML)
    for name, body in {
        "no magic": b"hello world", "magic only": b"k8s\x00", "a torn length": b"k8s\x00\x0a\xff",
        "an endless varint": b"k8s\x00\x0a" + b"\xff" * 12,
        "a field that overruns": b"k8s\x00\x0a\x0f\x0a\x02v1\x12\x09ConfigMap\x12\x7f\x0a",
        "JSON called protobuf": b'{"kind":"ConfigMap"}',
    }.items():
        refused(server, f"protobuf: {name}", "POST", CONFIGMAPS, body, 400, bad, headers=PROTOBUF)


def depth_and_size(server):
    def nested(levels):
        return '{"apiVersion":"v1","kind":"ConfigMap","metadata":{"name":"deep"},"x":' + \
            "[" * levels + "]" * levels + "}"
    refused(server, "JSON deeper than 64", "POST", CONFIGMAPS, nested(64), 400, "BadRequest", "deep")
    refused(server, "JSON deeper than a million", "POST", CONFIGMAPS, nested(1000000), 400,
            "BadRequest", "deep")
    code, _, _ = server.ask("POST", CONFIGMAPS, nested(63))
    same(code, 201, "depth 64 is taken")
    refused(server, "YAML deeper than 64", "POST", CONFIGMAPS, "x: " + "[" * 100 + "]" * 100, 400,
            "BadRequest", headers=YAML)
    big = json.dumps(configmap("big", {"k": "x" * (3 << 20)}))
    refused(server, "a body over 3 MiB", "POST", CONFIGMAPS, big, 413, "RequestEntityTooLarge",
            "limit is 3145728")
    refused(server, "an object over what one may hold", "POST", CONFIGMAPS,
            configmap("big", {"k": "x" * ((1 << 20) + 1)}), 422, "Invalid", "Too long")
    refused(server, "a patch over 3 MiB", "PATCH", CONFIGMAPS + "/deep", big, 413,
            "RequestEntityTooLarge", headers={"Content-Type": "application/merge-patch+json"})
    same(server.ask("GET", CONFIGMAPS + "/big")[0], 404, "nothing of it was kept")
    notes = {"a": "y" * (262145 - 1)}
    refused(server, "annotations over 256 KiB", "POST", CONFIGMAPS,
            configmap("big", annotations=notes), 422, "Invalid", "metadata.annotations: Too long")


def kinds(server):
    good = configmap("a")
    refused(server, "another kind's body", "POST", PODS, good, 400, "BadRequest", "ConfigMap")
    refused(server, "another version's body", "POST", CONFIGMAPS, {**good, "apiVersion": "v2"}, 400,
            "BadRequest", "does not match")
    for path in ("/api/v1/widgets", "/apis/nothing.example/v1/things", "/apis/apps/v9/deployments",
                 "/api/v2/pods", "/nothing", PODS + "/a/nothing"):
        code, answer, _ = server.ask("GET", path)
        check(code == 404, f"GET {path} is not found", code, answer)
    refused(server, "an unknown resource", "POST", "/api/v1/namespaces/default/widgets", good, 404,
            "NotFound", "could not find the requested resource")
    refused(server, "a verb that is not there", "PUT", CONFIGMAPS, good, 405, "MethodNotAllowed")
    refused(server, "an unknown body type", "POST", CONFIGMAPS, "x", 415, "UnsupportedMediaType",
            headers={"Content-Type": "text/html"})
    refused(server, "an unknown patch type", "PATCH", CONFIGMAPS + "/deep", "{}", 415,
            "UnsupportedMediaType")
    refused(server, "an answer nobody can make", "GET", CONFIGMAPS, None, 406, "NotAcceptable",
            headers={"Accept": "text/html"})
    refused(server, "a namespace that is not there", "POST", "/api/v1/namespaces/nope/configmaps",
            good, 404, "NotFound", 'namespaces "nope" not found')
    refused(server, "a namespace other than the path's", "POST", CONFIGMAPS,
            configmap("a", namespace="kube-system"), 400, "BadRequest", "does not match")
    refused(server, "a name other than the path's", "PUT", CONFIGMAPS + "/deep", configmap("other"),
            400, "BadRequest", "does not match")


def names(server):
    for name, why in {"A": "RFC 1123", "-a": "RFC 1123", "a_b": "RFC 1123", "a..b": "RFC 1123",
                      "x" * 254: "no more than 253", "ä": "RFC 1123"}.items():
        refused(server, f"the name {name[:20]!r}", "POST", CONFIGMAPS, configmap(name), 422,
                "Invalid", "metadata.name", why)
    refused(server, "no name", "POST", CONFIGMAPS, configmap(""), 422, "Invalid",
            "name or generateName is required")
    refused(server, "a namespace's name over 63", "POST", "/api/v1/namespaces",
            {"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": "n" * 64}}, 422,
            "Invalid", "no more than 63")
    refused(server, "a long label value", "POST", CONFIGMAPS, configmap("a", labels={"a": "v" * 64}),
            422, "Invalid", "metadata.labels")
    refused(server, "a long label name", "POST", CONFIGMAPS, configmap("a", labels={"a" * 64: "v"}),
            422, "Invalid", "metadata.labels")
    code, answer, _ = server.ask("POST", CONFIGMAPS, configmap("x" * 253))
    same(code, 201, "a name of 253 is taken")


def types(server):
    def pod(spec):
        return {"apiVersion": "v1", "kind": "Pod", "metadata": {"name": "p"}, "spec": spec}
    go = "cannot unmarshal"
    for name, spec, words in [
        ("a string for a list", {"containers": "x"}, (go, "string")),
        ("an object for a list", {"containers": {}}, (go, "object")),
        ("a number for a string", {"containers": [{"name": 7, "image": "a"}]}, (go, "number")),
        ("a string for a number", {"containers": [], "terminationGracePeriodSeconds": "7"}, (go,)),
        ("a fraction for an integer", {"containers": [], "terminationGracePeriodSeconds": 7.5}, (go,)),
        ("a string for a bool", {"containers": [], "hostNetwork": "yes"}, (go, "bool")),
        ("a list for an object", {"containers": [], "nodeSelector": []}, (go, "array")),
        ("a bad quantity", {"containers": [{"name": "a", "image": "a", "resources":
                            {"limits": {"cpu": "1x"}}}]}, ("quantities must match",)),
    ]:
        refused(server, f"a pod with {name}", "POST", PODS, pod(spec), 400, "BadRequest", *words)
    refused(server, "an integer over 64 bits", "POST", PODS,
            '{"apiVersion":"v1","kind":"Pod","metadata":{"name":"p"},"spec":{"containers":[],'
            '"terminationGracePeriodSeconds":99999999999999999999}}', 400, "BadRequest", go)
    refused(server, "an integer over 32 bits", "POST",
            "/apis/apps/v1/namespaces/default/deployments",
            {"apiVersion": "apps/v1", "kind": "Deployment", "metadata": {"name": "p"},
             "spec": {"replicas": 1 << 40}}, 400, "BadRequest", go)
    refused(server, "a pod without containers", "POST", PODS, pod({"containers": []}), 422,
            "Invalid", "spec.containers: Required value")
    refused(server, "an unknown field, strictly", "POST", CONFIGMAPS + "?fieldValidation=Strict",
            {**configmap("a"), "dta": {}}, 400, "BadRequest", 'unknown field "dta"')
    refused(server, "a field twice, strictly", "POST", CONFIGMAPS + "?fieldValidation=Strict",
            '{"apiVersion":"v1","kind":"ConfigMap","metadata":{"name":"a"},"data":{},"data":{}}',
            400, "BadRequest", "duplicate field")
    code, _, headers = server.ask("POST", CONFIGMAPS, {**configmap("warned"), "dta": {}})
    check(code == 201 and 'unknown field \\"dta\\"' in headers.get("Warning", ""),
          "an unknown field is warned of", code, headers)
    same(server.ask("GET", PODS)[1].get("items"), [], "no pod was made of all this")


def queries(server):
    for query, words in {
        "labelSelector=a=b=c": (), "labelSelector=,": (), "labelSelector=a%20in": (),
        "fieldSelector=spec.nothing=1": ("field label not supported",),
        "fieldSelector=x": (), "limit=x": (), "limit=99999999999999999999": (),
        "continue=nonsense": ("continue key is not valid",),
        "resourceVersion=x": ("Invalid value",), "resourceVersion=-1": ("Invalid value",),
        "resourceVersionMatch=Exact": (), "watch=1&timeoutSeconds=x": (),
        "watch=1&sendInitialEvents=true": (),
        "resourceVersion=1&resourceVersionMatch=Nonsense": (),
    }.items():
        code, answer, _ = server.ask("GET", f"{PODS}?{query}")
        check(code in (400, 422) and isinstance(answer, dict) and answer.get("kind") == "Status"
              and all(word in answer["message"] for word in words), f"GET pods?{query}",
              code, answer)
    for query in ("dryRun=Some", "fieldValidation=Some", "fieldManager=" + "m" * 129):
        code, answer, _ = server.ask("POST", f"{CONFIGMAPS}?{query}", configmap("a"))
        check(code in (400, 422) and answer.get("kind") == "Status", f"POST ?{query[:30]}", code, answer)
    code, answer, _ = server.ask("DELETE", CONFIGMAPS + "/deep?propagationPolicy=Some")
    check(code in (400, 422), "DELETE ?propagationPolicy=Some", code, answer)
    code, answer, _ = server.ask("DELETE", CONFIGMAPS + "/deep?gracePeriodSeconds=x")
    check(code in (400, 422), "DELETE ?gracePeriodSeconds=x", code, answer)


def patches(server):
    path = CONFIGMAPS + "/deep"
    def patch(kind):
        return {"Content-Type": f"application/{kind}"}
    for name, kind, body, code, reason in [
        ("JSON patch that is no list", "json-patch+json", "{}", 400, "BadRequest"),
        ("JSON patch with an unknown op", "json-patch+json", '[{"op":"x","path":"/a"}]', 422, "Invalid"),
        ("JSON patch whose test fails", "json-patch+json",
         '[{"op":"test","path":"/data","value":{"a":"b"}}]', 422, "Invalid"),
        ("JSON patch of nowhere", "json-patch+json", '[{"op":"remove","path":"/data/no"}]', 422, "Invalid"),
        ("merge patch that is no object", "merge-patch+json", '[]', 400, "BadRequest"),
        ("merge patch that does not parse", "merge-patch+json", '{', 400, "BadRequest"),
        ("merge patch to a wrong type", "merge-patch+json", '{"data":7}', 400, "BadRequest"),
        ("strategic patch that does not parse", "strategic-merge-patch+json", '{', 400, "BadRequest"),
        ("strategic patch with a bad directive", "strategic-merge-patch+json",
         '{"data":{"$patch":"x"}}', 422, "Invalid"),
    ]:
        refused(server, name, "PATCH", path, body, code, reason, headers=patch(kind))
    refused(server, "a patch that renames", "PATCH", path, '{"metadata":{"name":"other"}}', 400,
            "BadRequest", headers=patch("merge-patch+json"))
    refused(server, "a patch of nobody", "PATCH", CONFIGMAPS + "/nobody", "{}", 404, "NotFound",
            headers=patch("merge-patch+json"))


if __name__ == "__main__":
    with Server() as server:
        for part in (syntax, depth_and_size, kinds, names, types, queries, patches):
            part(server)
        same(server.ask("GET", "/readyz")[0], 200, "and the server is still there")
    finish()
