"""Admission webhooks over real TLS: a service that changes, refuses, dawdles, redirects or is not
there at all; trust in its certificate; and that the server goes on while somebody waits."""

import base64
import http.server
import json
import os
import ssl
import subprocess
import tempfile
import threading
import time

from world import CONFIGMAPS, Server, check, configmap, finish, free_port, same

GROUP = "/apis/admissionregistration.k8s.io/v1"
PODS = "/api/v1/namespaces/default/pods"
SEEN = []


def make_certificate(folder, name):
    paths = os.path.join(folder, name + ".pem"), os.path.join(folder, name + ".key")
    subprocess.run(["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt",
                    "ec_paramgen_curve:P-256", "-nodes", "-days", "2", "-subj", "/CN=" + name,
                    "-addext", "subjectAltName=IP:127.0.0.1,DNS:localhost", "-out", paths[0],
                    "-keyout", paths[1]], check=True, stderr=subprocess.DEVNULL)
    return paths


class Hook(http.server.BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def log_message(self, *_):
        pass

    def do_POST(self):
        review = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
        request, path = review["request"], self.path.split("?")[0]
        SEEN.append((path, request))
        answer = {"uid": request["uid"], "allowed": path != "/deny"}
        if path == "/deny":
            answer["status"] = {"code": 403, "message": "not on a " + request["object"]["kind"]}
        if path == "/mutate":
            labels = {**request["object"]["metadata"].get("labels", {}), "seen": "yes"}
            patch = [{"op": "add", "path": "/metadata/labels", "value": labels}]
            answer["patchType"] = "JSONPatch"
            answer["patch"] = base64.b64encode(json.dumps(patch).encode()).decode()
        if path == "/slow":
            time.sleep(2)
        body = json.dumps({"apiVersion": review["apiVersion"], "kind": "AdmissionReview",
                           "response": answer}).encode()
        if path == "/moved":
            self.send_response(307)
            self.send_header("Location", "/mutate")
            body = b""
        else:
            self.send_response(200)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        try:
            self.wfile.write(body)
        except OSError:
            pass


def serve(certificate):
    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Hook)
    tls = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    tls.load_cert_chain(*certificate)
    server.socket = tls.wrap_socket(server.socket, server_side=True)
    server.daemon_threads = True
    threading.Thread(target=server.serve_forever, daemon=True).start()
    return server.server_address[1]


class Hooks:
    """Configurations made and taken away around a check."""

    def __init__(self, server, port, bundle):
        self.server, self.port, self.bundle = server, port, bundle

    def put(self, kind, path, port=None, bundle=None, resources=("configmaps",), **more):
        name = path.strip("/")
        body = {"metadata": {"name": name}, "webhooks": [{
            "name": name + ".example.com", "sideEffects": "None",
            "admissionReviewVersions": ["v1"],
            "clientConfig": {"url": f"https://127.0.0.1:{port or self.port}{path}",
                             "caBundle": bundle or self.bundle},
            "rules": [{"operations": ["CREATE"], "apiGroups": ["", "apps"], "apiVersions": ["*"],
                       "resources": list(resources)}], **more}]}
        where = f"{GROUP}/{kind}webhookconfigurations"
        code, answer, _ = self.server.ask("POST", where, body)
        if code != 201:
            raise RuntimeError(answer)
        return f"{where}/{name}"

    def tried(self, *put, **options):
        """→ code, answer of a create with that hook in force"""
        path = self.put(*put, **options)
        begin = time.time()
        code, answer, headers = self.server.ask("POST", CONFIGMAPS, configmap("m"))
        taken = time.time() - begin
        self.server.ask("DELETE", path)
        self.server.ask("DELETE", CONFIGMAPS + "/m")
        return code, answer, taken


def answers(hooks):
    code, answer, _ = hooks.tried("mutating", "/mutate")
    check(code == 201 and answer["metadata"].get("labels") == {"seen": "yes"},
          "a webhook changes what is stored", code, answer)
    code, answer, _ = hooks.tried("validating", "/deny")
    same((code, answer["message"]),
         (403, 'admission webhook "deny.example.com" denied the request: not on a ConfigMap'),
         "a webhook refuses in its own words")
    code, answer, _ = hooks.tried("validating", "/moved")
    check(code == 500 and "failed calling webhook" in answer["message"],
          "a redirect is not followed", code, answer)
    same(sum(path == "/mutate" for path, _ in SEEN), 1, "nobody was asked behind the redirect")


def silence(hooks):
    code, answer, taken = hooks.tried("validating", "/slow", timeoutSeconds=1)
    check(code == 500 and "context deadline exceeded" in answer["message"] and taken < 1.8,
          "a webhook has its time and no more", code, answer, taken)
    code, answer, _ = hooks.tried("validating", "/slow", timeoutSeconds=1, failurePolicy="Ignore")
    same(code, 201, "with Ignore the write goes on without it")
    code, answer, _ = hooks.tried("validating", "/gone", port=free_port())
    check(code == 500 and 'failed calling webhook "gone.example.com"' in answer["message"],
          "nobody there: refused", code, answer)
    code, _, _ = hooks.tried("validating", "/gone", port=free_port(), failurePolicy="Ignore")
    same(code, 201, "nobody there, and Ignore: stored")


def trust(hooks, other):
    code, answer, _ = hooks.tried("mutating", "/mutate", bundle=other)
    check(code == 500 and "failed calling webhook" in answer["message"],
          "a certificate of another signer is not believed", code, answer)


def others_go_on(server, hooks):
    path = hooks.put("validating", "/slow", timeoutSeconds=5)
    done = []
    waiting = threading.Thread(
        target=lambda: done.append(server.ask("POST", CONFIGMAPS, configmap("slow"))[0]))
    waiting.start()
    begin = time.time()
    for _ in range(50):
        server.ask("GET", CONFIGMAPS)
    check(time.time() - begin < 1.5 and not done, "others are served while one write waits")
    waiting.join()
    same(done, [201], "and the write that waited is stored")
    server.ask("DELETE", path)


def controllers(server, hooks):
    path = hooks.put("mutating", "/mutate", resources=("pods",))
    pod = {"metadata": {"labels": {"a": "b"}},
           "spec": {"containers": [{"name": "c", "image": "x"}]}}
    server.ask("POST", "/apis/apps/v1/namespaces/default/replicasets", {
        "metadata": {"name": "r"},
        "spec": {"replicas": 3, "selector": {"matchLabels": {"a": "b"}}, "template": pod}})
    until, pods = time.time() + 10, []
    while time.time() < until and len(pods) < 3:
        pods = server.ask("GET", PODS + "?labelSelector=seen%3Dyes")[1]["items"]
        time.sleep(0.05)
    check(len(pods) == 3, "controllers' pods pass the webhooks too", len(pods))
    server.ask("DELETE", "/apis/apps/v1/namespaces/default/replicasets/r")
    server.ask("DELETE", path)


def main():
    with tempfile.TemporaryDirectory() as folder, Server() as server:
        certificate = make_certificate(folder, "hook")
        other = make_certificate(folder, "other")
        bundle, wrong = (base64.b64encode(open(c[0], "rb").read()).decode()
                         for c in (certificate, other))
        hooks = Hooks(server, serve(certificate), bundle)
        answers(hooks)
        silence(hooks)
        trust(hooks, wrong)
        others_go_on(server, hooks)
        controllers(server, hooks)
        check(server.alive(), "the server is still there")
    finish()


main()
