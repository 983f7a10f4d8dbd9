"""A proxy on loopback between a client and the server, TLS on both sides, that keeps every JSON body
the server sends: lists, objects, each event of a watch. converse.py holds them against OpenAPI.

It speaks HTTP/1.1 only, which every client can, and always shows the server the admin's certificate."""
import base64
import json
import os
import re
import socket
import ssl
import subprocess
import threading


class Recorder:
    """Listens from the start; `kubeconfig` is the admin's, which is rewritten to lead here."""

    def __init__(self, kubeconfig, work, port):
        text = open(kubeconfig).read()
        self.bodies, self.lock = set(), threading.Lock()
        self.target = re.search(r"server: https://([^:\s]+):(\d+)", text).groups()
        for name in ("certificate-authority", "client-certificate", "client-key"):
            data = re.search(name + r"-data: (\S+)", text).group(1)
            with open(f"{work}/{name}.pem", "wb") as out:
                out.write(base64.b64decode(data))
        self.upstream = ssl.create_default_context(cafile=work + "/certificate-authority.pem")
        self.upstream.load_cert_chain(work + "/client-certificate.pem", work + "/client-key.pem")
        subprocess.run(["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256",
                        "-nodes", "-days", "2", "-subj", "/CN=recorder", "-addext", "subjectAltName=IP:127.0.0.1",
                        "-keyout", work + "/own.key", "-out", work + "/own.pem"], check=True, capture_output=True)
        self.own = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        self.own.load_cert_chain(work + "/own.pem", work + "/own.key")
        self.door = socket.create_server(("127.0.0.1", port))
        ca = base64.b64encode(open(work + "/own.pem", "rb").read()).decode()
        text = re.sub(r"certificate-authority-data: \S+", "certificate-authority-data: " + ca, text)
        text = text.replace("https://%s:%s" % self.target, f"https://127.0.0.1:{port}")
        os.rename(kubeconfig, kubeconfig + ".direct")
        with open(kubeconfig, "w") as out:
            out.write(text)
        threading.Thread(target=self.accept, daemon=True).start()

    def close(self):
        self.door.shutdown(socket.SHUT_RDWR)
        self.door.close()

    def accept(self):
        while True:
            try:
                connection = self.door.accept()[0]
            except OSError:
                return
            threading.Thread(target=self.serve, args=(connection,), daemon=True).start()

    def serve(self, raw):
        try:
            client = self.own.wrap_socket(raw, server_side=True)
            server = self.upstream.wrap_socket(socket.create_connection(self.target), server_hostname=self.target[0])
            reader, answers = client.makefile("rb"), server.makefile("rb")
            while self.exchange(client, reader, server, answers):
                pass
        except (OSError, ValueError):
            pass  # one side went away
        finally:
            raw.close()

    @staticmethod
    def head(reader):
        """The first line and the headers, or None at the end."""
        lines = []
        while True:
            line = reader.readline()
            if not line:
                return None, {}
            if line == b"\r\n":
                break
            lines.append(line.decode("latin-1").rstrip("\r\n"))
        return lines, {k.lower(): v.strip() for k, _, v in (line.partition(":") for line in lines[1:])}

    @staticmethod
    def pieces(reader, headers):
        """The body as (bytes on the wire, bytes of content)."""
        if headers.get("transfer-encoding", "").lower() == "chunked":
            while True:
                size = reader.readline()
                length = int(size.split(b";")[0], 16)
                chunk = reader.read(length + 2)
                yield size + chunk, chunk[:-2]
                if not length:
                    return
        elif headers.get("content-length", "0") != "0":
            body = reader.read(int(headers["content-length"]))
            yield body, body

    def exchange(self, client, reader, server, answers):
        lines, headers = self.head(reader)
        if not lines:
            return False
        kept = [line for line in lines if not line.lower().startswith("accept-encoding:")]
        server.sendall("\r\n".join(kept + ["", ""]).encode("latin-1"))
        for wire, _ in self.pieces(reader, headers):
            server.sendall(wire)
        first, answer = self.head(answers)
        if not first:
            return False
        client.sendall("\r\n".join(first + ["", ""]).encode("latin-1"))
        whole = b""
        for wire, content in self.pieces(answers, answer):
            client.sendall(wire)
            whole += content
            if b"watch=true" in lines[0].encode() or "watch=1" in lines[0]:
                *events, whole = whole.split(b"\n")
                for event in events:
                    self.keep(event)
        if answer.get("content-type", "").startswith("application/json"):
            self.keep(whole)
        return answer.get("connection", "").lower() != "close"

    def keep(self, text):
        if text.strip():
            with self.lock:
                self.bodies.add(bytes(text))

    def objects(self):
        """Every object seen, those of lists, tables and events taken out."""
        todo = [json.loads(body) for body in self.bodies]
        while todo:
            doc = todo.pop()
            if not isinstance(doc, dict):
                continue
            if set(doc) == {"type", "object"}:
                todo.append(doc["object"])
                continue
            if doc.get("kind") == "Table":
                todo += [row["object"] for row in doc.get("rows") or [] if "object" in row]
            yield doc
