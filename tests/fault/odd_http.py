"""HTTP as strangers speak it: odd paths and headers, broken framing, HEAD and OPTIONS, gzip, HTTP/2
with many streams, connections that say nothing, and floods of them."""

import gzip
import json
import os
import socket
import ssl
import subprocess
import tempfile
import time
import warnings

from world import CONFIGMAPS, Server, check, configmap, finish, run, same


def raw(server, data, timeout=4):
    """Bytes in, all bytes that come back until the server closes or falls silent."""
    out = b""
    with server.socket(timeout) as s:
        try:
            s.sendall(data)
            while True:
                part = s.recv(65536)
                if not part:
                    break
                out += part
                if b"\r\n\r\n" in out and b"content-length" in out.lower():
                    s.settimeout(0.2)
        except OSError:
            pass
    return out


def status(answer):
    return int(answer.split(b" ", 2)[1]) if answer.startswith(b"HTTP/1.") else 0


def framing(server):
    end = b"Host: a\r\nConnection: close\r\n\r\n"
    for name, data, codes in [
        ("no HTTP at all", b"hello\r\n\r\n", (400,)),
        ("HTTP/3.0", b"GET / HTTP/3.0\r\n" + end, (400, 505)),
        ("no version", b"GET /\r\n\r\n", (400,)),
        ("no Host", b"GET /readyz HTTP/1.1\r\n\r\n", (400,)),
        ("two Hosts", b"GET /readyz HTTP/1.1\r\nHost: b\r\n" + end, (400,)),
        ("a space before the colon", b"GET /readyz HTTP/1.1\r\nA : b\r\n" + end, (400,)),
        ("a folded header", b"GET /readyz HTTP/1.1\r\nA: b\r\n c\r\n" + end, (400,)),
        ("a bare carriage return", b"GET /readyz HTTP/1.1\r\nA: b\rc\r\n" + end, (400,)),
        ("a zero in a header", b"GET /readyz HTTP/1.1\r\nA: b\0c\r\n" + end, (400,)),
        ("two lengths", b"POST /api HTTP/1.1\r\nContent-Length: 1\r\nContent-Length: 2\r\n" + end, (400,)),
        ("a length and chunks", b"POST /api HTTP/1.1\r\nContent-Length: 1\r\nTransfer-Encoding: chunked\r\n"
         + end + b"0\r\n\r\n", (400,)),
        ("a negative length", b"POST /api HTTP/1.1\r\nContent-Length: -1\r\n" + end, (400,)),
        ("a length of 2^70", b"POST /api HTTP/1.1\r\nContent-Length: 1180591620717411303424\r\n" + end,
         (400, 413)),
        ("a bad chunk", b"POST /api HTTP/1.1\r\nTransfer-Encoding: chunked\r\n" + end + b"zz\r\n", (400,)),
        ("an unknown transfer coding", b"POST /api HTTP/1.1\r\nTransfer-Encoding: foo\r\n" + end, (400, 501)),
        ("a huge header", b"GET /readyz HTTP/1.1\r\nA: " + b"x" * 100000 + b"\r\n" + end, (431, 400)),
        ("a thousand headers", b"GET /readyz HTTP/1.1\r\n" + b"A: b\r\n" * 1000 + end, (431, 400)),
        ("a huge path", b"GET /" + b"x" * 100000 + b" HTTP/1.1\r\n" + end, (414, 431, 400)),
        ("an absolute URL", b"GET https://a/readyz HTTP/1.1\r\n" + end, (200,)),
        ("lower-case everything", b"GET /readyz HTTP/1.1\r\nhost: a\r\nconnection: close\r\n\r\n", (200,)),
        ("HTTP/1.0", b"GET /readyz HTTP/1.0\r\n\r\n", (200,)),
        ("two requests in one packet", b"GET /readyz HTTP/1.1\r\nHost: a\r\n\r\nGET /livez HTTP/1.1\r\n"
         + end, (200,)),
    ]:
        answer = raw(server, data)
        check(status(answer) in codes, name, answer[:200], f"wanted {codes}")
    check(raw(server, b"GET /readyz HTTP/1.1\r\nHost: a\r\n\r\n" * 20 + b"GET /x HTTP/1.1\r\n" + end)
          .count(b"HTTP/1.1 200") == 20, "twenty pipelined requests")
    with socket.create_connection(("127.0.0.1", server.port), 5) as plain:
        plain.sendall(b"GET / HTTP/1.1\r\nHost: a\r\n\r\n")
        seen = plain.recv(1000)
        check(b"HTTPS" in seen or not seen or seen[0] == 21, "HTTP to the HTTPS port", seen)
    old = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    old.check_hostname, old.verify_mode = False, ssl.CERT_NONE
    warnings.simplefilter("ignore")
    old.maximum_version = ssl.TLSVersion.TLSv1_1
    try:
        old.wrap_socket(socket.create_connection(("127.0.0.1", server.port), 5))
        check(False, "TLS 1.1 is refused")
    except OSError:
        check(True, "TLS 1.1 is refused")


def paths(server):
    for path, codes in {
        "//api": (200, 301, 404), "/api/": (200, 301, 404), "/api/v1/../v1/pods": (404, 400, 301),
        "/api/v1/namespaces/default/pods/": (200, 404), "/api/v1/pods/..": (404, 400, 301, 405),
        "/api/v1/namespaces//pods": (404, 400, 301, 200), "/%61pi": (200, 404), "/api%2Fv1": (200, 404, 400),
        "/api/v1/namespaces/default/configmaps/%zz": (400, 404),
        "/api/v1/namespaces/default/configmaps/%00": (400, 404),
        "/api/v1/namespaces/default/configmaps/a%2Fb": (400, 404),
        "/api/v1/namespaces/default/configmaps/%C3%A4": (400, 404),
        "/api/v1/namespaces/default/configmaps/" + "x" * 3000: (400, 404),
        "/api/v1/namespaces/..%2f..%2fetc/pods": (400, 404, 200),
        "/.": (404, 400, 301), "/api/v1/watch/namespaces/default/pods/x/y/z": (404, 400),
        "/api/v1/pods?labelSelector=%zz": (400,), "/api/v1/pods?%00=%00": (200, 400),
        "/api/v1/pods?" + "&".join(["a=b"] * 2000): (200, 400, 414),
    }.items():
        try:
            code, answer, _ = server.ask("GET", path)
        except (OSError, ValueError) as problem:
            code, answer = 0, problem
        check(code in codes, f"GET {path[:60]}", code, answer)
    server.ask("POST", CONFIGMAPS, configmap("a-b", {"k": "v"}))
    same(server.ask("GET", CONFIGMAPS + "/a%2Db")[0], 200, "a percent-encoded name is the name")


def methods(server):
    code, body, headers = server.ask("HEAD", CONFIGMAPS + "/a-b")
    check(code in (200, 405) and body == "", "HEAD has no body", code, body)
    same(server.ask("HEAD", "/readyz")[0], 200, "HEAD /readyz")
    for method in ("OPTIONS", "TRACE", "CONNECT", "PROPFIND", "get", "X" * 60):
        code, answer, _ = server.ask(method, CONFIGMAPS)
        check(code in (400, 405, 501), f"{method[:10]} is refused", code, answer)
    code, answer, _ = server.ask("GET", CONFIGMAPS + "/a-b", headers={"Authorization": "Bearer x"})
    check(code in (200, 401), "a wrong token beside a certificate", code, answer)


def compression(server):
    for at in range(60):
        server.ask("POST", CONFIGMAPS, configmap(f"z-{at}", {"k": "abc" * 1000}))
    connection = server.connect()
    connection.request("GET", CONFIGMAPS, headers={"Accept-Encoding": "gzip"})
    answer = connection.getresponse()
    body = answer.read()
    same(answer.headers.get("Content-Encoding"), "gzip", "a long list is compressed")
    check(len(json.loads(gzip.decompress(body))["items"]) > 59 and len(body) < 30000,
          "and is the list", len(body))
    connection.request("GET", CONFIGMAPS, headers={"Accept-Encoding": "identity, gzip;q=0"})
    answer = connection.getresponse()
    answer.read()
    same(answer.headers.get("Content-Encoding"), None, "unless it is not wanted")
    connection.close()
    code, answer, _ = server.ask("POST", CONFIGMAPS, gzip.compress(b"x" * 100),
                                 {"Content-Encoding": "gzip"})
    check(code in (400, 415), "a compressed body is refused or does not parse", code, answer)


def http2(server, files):
    url = f"https://127.0.0.1:{server.port}"
    common = ["curl", "-s", "--http2", "--cacert", files["ca"], "--cert", files["pair"]]
    code, said = run(*common, "-o", "/dev/null", "-w", "%{http_version} %{http_code}", url + "/readyz")
    same((code, said), (0, "2 200"), "HTTP/2 is spoken")
    out = os.path.join(files["dir"], "out-#1")
    code, said = run(*common, "-Z", "--parallel-max", "100", "-w", "%{http_code}\n", "-o", out,
                     f"{url}{CONFIGMAPS}?[1-300]")
    same((code, said.split().count("200")), (0, 300), "300 requests over 100 streams")
    sizes = {os.path.getsize(out.replace("#1", str(at))) for at in range(1, 301)}
    same(len(sizes), 1, "all with the same answer")
    code, said = run(*common, "-X", "POST", "-H", "Content-Type: application/json", "--data-binary",
                     "@-", "-w", "%{http_code}", "-o", "/dev/null", url + CONFIGMAPS,
                     stdin=json.dumps(configmap("h2", {"k": "x" * 900000})))
    same((code, said), (0, "201"), "a large body over HTTP/2")
    code, said = run(*common, "-X", "POST", "-H", "Content-Type: application/json", "--data-binary",
                     "@-", "-w", "%{http_code}", "-o", "/dev/null", url + CONFIGMAPS,
                     stdin=json.dumps(configmap("h3", {"k": "x" * 4000000})))
    check(said != "201" and server.ask("GET", CONFIGMAPS + "/h3")[0] == 404,
          "a body that is too large over HTTP/2", code, said)
    code, said = run(*common, "--max-time", "3", "-w", "%{http_code}", "-o", "/dev/null",
                     url + CONFIGMAPS + "?watch=1&timeoutSeconds=1")
    same((code, said), (0, "200"), "a watch over HTTP/2 ends by itself")
    code, said = run(*common, "-H", "A: " + "x" * 100000, "-w", "%{http_code}", "-o", "/dev/null",
                     url + "/readyz")
    check(code != 0 or said in ("431", "400"), "huge headers over HTTP/2", code, said)
    subprocess.run(["rm", "-rf", files["dir"]], check=False)


def crowds(server):
    """Connections that say nothing must not keep others out, nor cost much."""
    before, silent = server.status("VmRSS"), []
    for at in range(300):
        s = socket.create_connection(("127.0.0.1", server.port), 5)
        if at % 3 == 1:
            s.sendall(b"\x16\x03\x01\x02")  # a TLS hello that never goes on
        silent.append(s)
    start = time.time()
    same(server.ask("GET", "/readyz")[0], 200, "300 silent connections keep nobody out")
    check(time.time() - start < 1, "nor wait", time.time() - start)
    grown = server.status("VmRSS") - before
    print(f"   300 silent connections: {grown} KiB")
    check(grown < 30000, "nor cost much", grown)
    for s in silent:
        s.close()
    for _ in range(200):  # torn off in the middle
        s = server.socket()
        s.sendall(b"POST " + CONFIGMAPS.encode() + b" HTTP/1.1\r\nHost: a\r\nContent-Length: 999\r\n\r\n{")
        s.close()
    same(server.ask("GET", "/readyz")[0], 200, "200 torn requests")
    time.sleep(0.5)
    files = len(os.listdir(f"/proc/{server.process.pid}/fd"))
    check(files < 60, "leave no descriptor behind", files)
    cpu = server.cpu_s()
    time.sleep(2)
    check(server.cpu_s() - cpu < 0.03, "and no busy loop", server.cpu_s() - cpu)


def credentials(server):
    folder = tempfile.mkdtemp()
    pki = os.path.join(server.data, "pki")
    pair = os.path.join(folder, "pair.pem")
    with open(pair, "w") as out:
        out.write(open(f"{pki}/admin.crt").read() + open(f"{pki}/admin.key").read())
    return {"dir": folder, "pair": pair, "ca": f"{pki}/ca.crt"}


if __name__ == "__main__":
    with Server() as server:
        for part in (framing, paths, methods, compression):
            part(server)
        http2(server, credentials(server))
        crowds(server)
    finish()
