"""A registry with bad habits: serves an OCI layout on 127.0.0.1, each repository prefix with one quirk.

    odd_registry.py LAYOUT PORT

token/…     wants a bearer token; gives one to ann:pw only
broken/…    closes every blob's connection after a third of what is left
slow/…      sends blobs a few bytes at a time
redirect/…  sends blobs' readers to another path, circle/… for ever
tampered/…  changes a byte in the middle of layers
longer/…    appends to layers
forged/…    gives a manifest for any digest
endless/…   a manifest that does not end
"""
import base64
import hashlib
import json
import os
import sys
import time
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

layout, port = sys.argv[1], int(sys.argv[2])
TOKEN = "a-token-for-ann"


def blob(digest):
    with open(os.path.join(layout, "blobs/sha256", digest.split(":")[1]), "rb") as f:
        return f.read()


def manifest(tag):
    with open(os.path.join(layout, "index.json")) as f:
        for entry in json.load(f)["manifests"]:
            if entry["annotations"]["org.opencontainers.image.ref.name"] == tag:
                return blob(entry["digest"])
    return None


class Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def log_message(self, *words):
        pass

    def answer(self, code, body=b"", kind="application/json", **headers):
        self.send_response(code)
        self.send_header("Content-Type", kind)
        self.send_header("Content-Length", str(len(body)))
        for name, value in headers.items():
            self.send_header(name.replace("_", "-"), value)
        self.end_headers()
        self.wfile.write(body)

    def refuse(self, code, message, **headers):
        body = json.dumps({"errors": [{"code": "DENIED", "message": message}]}).encode()
        self.answer(code, body, **headers)

    def give_token(self):
        wanted = "Basic " + base64.b64encode(b"ann:pw").decode()
        if self.headers.get("Authorization") != wanted:
            return self.refuse(401, "denied by the token server")
        self.answer(200, json.dumps({"token": TOKEN}).encode())

    def send_blob(self, quirk, name, body, layer):
        start = 0
        if quirk in ("redirect", "circle") and "?again" not in self.path:
            return self.answer(307, Location=f"http://127.0.0.1:{port}{self.path}" +
                               ("" if quirk == "circle" else "?again"))
        if quirk == "tampered" and layer:
            middle = len(body) // 2
            body = body[:middle] + bytes([body[middle] ^ 1]) + body[middle + 1:]
        if quirk == "longer" and layer:
            body += b"more"
        span = self.headers.get("Range")
        if span:
            start = int(span.split("=")[1].split("-")[0])
        self.send_response(206 if span else 200)
        self.send_header("Content-Length", str(len(body) - start))
        self.end_headers()
        body = body[start:]
        if quirk == "broken" and len(body) > 65536:
            self.wfile.write(body[:len(body) // 3 + 1])
            self.wfile.flush()
            self.close_connection = True
            return
        if quirk == "slow" and layer:
            for at in range(0, len(body), 4096):
                self.wfile.write(body[at:at + 4096])
                self.wfile.flush()
                time.sleep(0.05)
            return
        self.wfile.write(body)

    def do_GET(self):
        path = self.path.split("?")[0].strip("/").split("/")
        if path == ["auth"]:
            return self.give_token()
        if len(path) != 5 or path[0] != "v2":
            return self.refuse(404, "nothing here")
        _, quirk, name, kind, what = path
        if quirk == "token" and self.headers.get("Authorization") != "Bearer " + TOKEN:
            challenge = (f'Bearer realm="http://127.0.0.1:{port}/auth",service="odd",'
                         f'scope="repository:{quirk}/{name}:pull"')
            return self.refuse(401, "authentication required", WWW_Authenticate=challenge)
        if kind == "manifests":
            if quirk == "endless":
                self.send_response(200)
                self.end_headers()
                self.close_connection = True
                try:
                    while True:
                        self.wfile.write(b" " * 65536)
                except OSError:
                    return
            body = manifest(name)
            if what.startswith("sha256:") and quirk != "forged":
                body = blob(what)
            if not body:
                return self.refuse(404, "manifest unknown")
            return self.answer(200, body, "application/vnd.oci.image.manifest.v1+json")
        body = blob(what)
        assert what == "sha256:" + hashlib.sha256(body).hexdigest()
        layer = any(entry["digest"] == what for entry in json.loads(manifest(name))["layers"])
        self.send_blob(quirk, name, body, layer)


ThreadingHTTPServer(("127.0.0.1", port), Handler).serve_forever()
