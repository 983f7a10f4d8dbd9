"""What every fault test needs: a server on a data directory of its own, a client that speaks to it
over one TLS connection, and counting. Only Python's standard library, so that nothing is fetched."""

import base64
import ctypes
import http.client
import json
import os
import re
import shutil
import signal
import socket
import ssl
import subprocess
import sys
import tempfile
import time

BUILD = os.path.abspath(os.environ.get("BUILD", "build"))
MINKE = os.path.join(BUILD, "minke")
COUNTS = {"passed": 0, "failed": 0}


def check(good, name, *seen):
    """One line a check; what was seen is printed only when it was wrong."""
    COUNTS["passed" if good else "failed"] += 1
    print(("ok " if good else "FAIL ") + name, flush=True)
    if not good:
        for thing in seen:
            print("     " + str(thing)[:600], flush=True)
    return good


def same(seen, wanted, name):
    return check(seen == wanted, name, f"saw    {seen!r}", f"wanted {wanted!r}")


def finish():
    print(f"{COUNTS['passed']} passed, {COUNTS['failed']} failed")
    sys.exit(1 if COUNTS["failed"] else 0)


def free_port():
    with socket.socket() as s:
        s.bind(("127.0.0.1", 0))
        return s.getsockname()[1]


def die_with_us():
    """Whatever ends a test, its servers end with it (PR_SET_PDEATHSIG)."""
    ctypes.CDLL(None).prctl(1, signal.SIGKILL)


class Server:
    """`minke server --node none` on a fresh data directory, or on one that is there already."""

    def __init__(self, *options, data=None, port=None):
        self.options, self.port = options, port or free_port()
        self.own = data is None
        self.data = data or tempfile.mkdtemp(prefix="minke-fault-")
        self.kubeconfig = os.path.join(self.data, "admin.kubeconfig")
        self.log = tempfile.mktemp(prefix="minke-fault-log-")
        self.process = self.tls = None

    def command(self):
        return [MINKE, "server", "--data", self.data, "--listen", f"127.0.0.1:{self.port}",
                "--node", "none", *self.options]

    def start(self, within_s=20):
        self.process = subprocess.Popen(self.command(), stderr=open(self.log, "ab"),
                                        stdout=subprocess.DEVNULL, preexec_fn=die_with_us)
        until = time.time() + within_s
        while time.time() < until:
            if self.process.poll() is not None:
                raise RuntimeError(f"server ended with {self.process.returncode}: {self.said()}")
            try:
                self.load_tls()
                if self.ask("GET", "/readyz")[0] == 200:
                    return self
            except (OSError, ValueError, AttributeError, http.client.HTTPException):
                pass
            time.sleep(0.02)
        raise RuntimeError("server never became ready: " + self.said())

    def load_tls(self):
        text = open(self.kubeconfig).read()
        part = {key: base64.b64decode(re.search(key + r": *\"?([A-Za-z0-9+/=]+)", text).group(1))
                for key in ("certificate-authority-data", "client-certificate-data",
                            "client-key-data")}
        tls = ssl.create_default_context(cadata=part["certificate-authority-data"].decode())
        with tempfile.NamedTemporaryFile() as both:
            both.write(part["client-certificate-data"] + part["client-key-data"])
            both.flush()
            tls.load_cert_chain(both.name)
        self.tls = tls

    def connect(self, timeout=20):
        return http.client.HTTPSConnection("127.0.0.1", self.port, context=self.tls,
                                           timeout=timeout)

    def socket(self, timeout=20):
        raw = socket.create_connection(("127.0.0.1", self.port), timeout)
        return self.tls.wrap_socket(raw, server_hostname="127.0.0.1")

    def ask(self, method, path, body=None, headers=None, connection=None):
        """→ code, parsed answer (text when it is not JSON), headers"""
        own = connection is None
        connection = connection or self.connect()
        if isinstance(body, (dict, list)):
            body = json.dumps(body)
        headers = dict(headers or {})
        if body is not None:
            headers.setdefault("Content-Type", "application/json")
        try:
            connection.request(method, path, body, headers)
            answer = connection.getresponse()
            data = answer.read()
            try:
                parsed = json.loads(data)
            except ValueError:
                parsed = data.decode(errors="replace")
            return answer.status, parsed, answer.headers
        finally:
            if own:
                connection.close()

    def said(self):
        return open(self.log, errors="replace").read() if os.path.exists(self.log) else ""

    def alive(self):
        return self.process.poll() is None

    def kill(self, number=signal.SIGKILL, within_s=20):
        if self.process and self.alive():
            self.process.send_signal(number)
        return self.process.wait(within_s) if self.process else None

    def status(self, key):
        """A number out of /proc/PID/status, KiB for sizes."""
        for line in open(f"/proc/{self.process.pid}/status"):
            if line.startswith(key + ":"):
                return int(line.split()[1])
        return 0

    def cpu_s(self):
        fields = open(f"/proc/{self.process.pid}/stat").read().rsplit(")", 1)[1].split()
        return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")

    def close(self):
        self.kill()
        if self.own:
            shutil.rmtree(self.data, ignore_errors=True)
        if os.path.exists(self.log):
            os.unlink(self.log)

    def __enter__(self):
        return self.start()

    def __exit__(self, *_):
        self.close()


def run(*command, stdin=None, env=None, timeout=60):
    """→ exit code, what was printed on both outputs"""
    done = subprocess.run(command, input=stdin, env={**os.environ, **(env or {})}, timeout=timeout,
                          stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)
    return done.returncode, done.stdout


def configmap(name, data=None, **metadata):
    return {"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": name, **metadata},
            "data": data or {}}


CONFIGMAPS = "/api/v1/namespaces/default/configmaps"
