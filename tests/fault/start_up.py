"""Starting where one cannot: each refusal is an exit code and one clear sentence, and touches
nothing that was there."""

import os
import signal
import shutil
import socket
import sqlite3
import subprocess
import tempfile

from world import CONFIGMAPS, MINKE, Server, check, configmap, finish, free_port, run, same


def refuses(name, code, words, *options, env=None):
    """`minke server OPTIONS` ends by itself with this code and one line holding these words."""
    try:
        seen, said = run(MINKE, "server", *options, env=env, timeout=10)
    except subprocess.TimeoutExpired:
        return check(False, name, "it started")
    lines = [line for line in said.splitlines() if line.startswith("minke")]
    return check(seen == code and len(lines) == 1 and len(said.splitlines()) == 1
                 and all(word in said for word in words), name, f"exit {seen}: {said}",
                 f"wanted {code}, {words}")


def options():
    where = ("--data", "/nonexistent/never", "--node", "none")
    refuses("an unknown option", 2, ["--nonsense"], "--nonsense")
    refuses("an option without its value", 2, ["--data"], "--data")
    refuses("a word too many", 2, ["hello"], "hello")
    refuses("--node of neither", 2, ["--node", "real or none", "maybe"], "--node", "maybe")
    for bad in ("x", "-1", "1.5", "99999999999999999999", ""):
        refuses(f"--simulate-nodes {bad!r}", 2, ["--simulate-nodes"], f"--simulate-nodes={bad}")
    for bad in ("6443", "127.0.0.1:", "127.0.0.1:x", "127.0.0.1:65536", "127.0.0.1:-1", ""):
        refuses(f"--listen {bad!r}", 2, ["--listen"], *where, f"--listen={bad}")
    refuses("--registry-mirror without =", 2, ["--registry-mirror"], "--registry-mirror", "a")
    refuses("--data of nothing", 2, ["--data"], "--data=")
    code, said = run(MINKE, "server", "--help")
    check(code == 0 and "--simulate-nodes N" in said, "--help", code, said)
    code, said = run(MINKE)
    check(code == 0 and "Usage: minke" in said, "no command at all prints how to", code, said)
    code, said = run(MINKE, "nonsense")
    check(code != 0 and "nonsense" in said, "an unknown command", code, said)


def addresses():
    with tempfile.TemporaryDirectory() as data, socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = taken.getsockname()[1]
        refuses("a port in use", 1, [f"127.0.0.1:{port}", "in use"], "--data", data, "--node",
                "none", "--listen", f"127.0.0.1:{port}")
        refuses("an address of somebody else", 1, ["192.0.2.1"], "--data", data, "--node", "none",
                "--listen", "192.0.2.1:7443")
        refuses("a kubeconfig that cannot be written", 1, ["/nonexistent/k"], "--data", data,
                "--node", "none", "--listen", f"127.0.0.1:{free_port()}", "--kubeconfig-out",
                "/nonexistent/k")


def directories(server):
    listen = ("--node", "none", "--listen", f"127.0.0.1:{free_port()}")
    refuses("a data directory in use", 1, [server.data, "in use", str(server.process.pid)],
            "--data", server.data, *listen)
    same(server.ask("GET", CONFIGMAPS + "/kept")[0], 200, "whose owner noticed nothing")
    with tempfile.NamedTemporaryFile() as file:
        refuses("a data directory that is a file", 1, [file.name], "--data", file.name, *listen)
    if os.path.isdir("/proc/self"):
        refuses("a data directory that cannot be made", 1, ["/proc/self/no"], "--data",
                "/proc/self/no", *listen)


def damaged(server):
    """Copies of a good directory, each spoilt in another way."""
    listen = ("--node", "none", "--listen", f"127.0.0.1:{free_port()}")
    database = next(name for name in os.listdir(server.data) if name.endswith(".db"))

    def spoil(name, words, how, same_bytes=True):
        with tempfile.TemporaryDirectory() as data:
            shutil.copytree(server.data, data, dirs_exist_ok=True)
            path = os.path.join(data, database)
            how(path)
            before = open(path, "rb").read()
            refuses(name, 1, words, "--data", data, *listen)
            if same_bytes:
                check(open(path, "rb").read() == before, name + ": left as it was")

    def newer(path):
        db = sqlite3.connect(path)
        db.execute("PRAGMA user_version = 9999")
        db.commit()
        db.close()

    def row(path):
        db = sqlite3.connect(path)
        table = max(((db.execute(f"SELECT count(*) FROM {n}").fetchone()[0], n) for (n,) in
                     db.execute("SELECT name FROM sqlite_master WHERE type='table'")))[1]
        column = next(c[1] for c in db.execute(f"PRAGMA table_info({table})")
                      if c[2].upper() in ("BLOB", "TEXT") and c[1] not in ("key", "name"))
        db.execute(f"UPDATE {table} SET {column} = '{{oops'")
        db.commit()
        db.close()

    def middle(path):
        with open(path, "r+b") as file:
            file.seek(4096)
            file.write(os.urandom(os.path.getsize(path) - 4096))

    def head(path):
        with open(path, "r+b") as file:
            file.write(b"nothing like a database")

    def cut(path):
        os.truncate(path, os.path.getsize(path) // 2)

    spoil("a newer version's directory", ["newer"], newer)
    spoil("a row that was tampered with", ["damaged"], row, same_bytes=False)
    spoil("pages of noise", ["damaged"], middle)
    spoil("a file that is no database", ["damaged"], head)
    spoil("half a database", ["damaged"], cut)
    for name in ("ca.crt", "ca.key", "service-account.key"):
        spoil(f"a damaged {name}", [name],
              lambda path, n=name: open(os.path.join(os.path.dirname(path), "pki", n), "w").close())


def not_writable():
    """Root writes anywhere, so the mount has to be read-only, and another has to be full."""
    script = r"""
set -e
mount -t tmpfs -o size=64k none "$1"
"$2" server --data "$1" --node none --listen 127.0.0.1:$3 2>&1 | tail -n 1; echo "exit ${PIPESTATUS[0]}"
mount -o remount,size=8m,ro "$1"
"$2" server --data "$1" --node none --listen 127.0.0.1:$3 2>&1 | tail -n 1; echo "exit ${PIPESTATUS[0]}"
"""
    with tempfile.TemporaryDirectory() as data:
        _, said = run("unshare", "--mount", "bash", "-c", script, "sh", data, MINKE,
                      str(free_port()))
    lines = said.splitlines()
    check(len(lines) == 4 and "full" in lines[0] and lines[1] == "exit 1",
          "starting on a full disk", said)
    check(len(lines) == 4 and "exit 1" == lines[3] and
          ("may not be written" in lines[2] or "Read-only" in lines[2]),
          "starting on a read-only disk", said)


def clients(server):
    for name, text, words in [
        ("that does not parse", "a: [", ["config file", "yaml: line"]),
        ("of binary", "\x00\x01\x02", ["kubeconfig"]),
        ("that is a list", "- a\n", ["kubeconfig"]),
        ("of nothing", "", []),
        ("whose context is missing", "apiVersion: v1\nkind: Config\ncurrent-context: no\n", ["no"]),
        ("with a bad certificate", open(server.kubeconfig).read().replace("LS0t", "????"), []),
    ]:
        with tempfile.NamedTemporaryFile("w") as file:
            file.write(text)
            file.flush()
            code, said = run(MINKE, "get", "pods", env={"KUBECONFIG": file.name})
            check(code == 1 and len(said.splitlines()) == 1 and said.startswith(("error", "Error",
                  "The connection", "Unable")) and all(word in said for word in words),
                  f"a kubeconfig {name}", f"exit {code}: {said}")
    code, said = run(MINKE, "get", "pods", "--kubeconfig", "/nonexistent/k")
    check(code == 1 and "/nonexistent/k" in said, "a kubeconfig that is not there", code, said)


def side_by_side():
    with Server() as one, Server() as two, Server("--simulate-nodes", "2") as three:
        for at, server in enumerate((one, two, three)):
            server.ask("POST", CONFIGMAPS, configmap(f"mine-{at}"))
        names = [[item["metadata"]["name"] for item in server.ask("GET", CONFIGMAPS)[1]["items"]
                  if item["metadata"]["name"].startswith("mine")] for server in (one, two, three)]
        same(names, [["mine-0"], ["mine-1"], ["mine-2"]], "three servers keep to themselves")
        two.tls, keep = one.tls, two.tls
        try:
            check(two.ask("GET", CONFIGMAPS)[0] in (401, 403), "one's admin is nobody to another")
        except OSError:
            check(True, "one's admin is nobody to another")
        two.tls = keep
        same(one.kill(signal.SIGTERM), 0, "SIGTERM is a clean end")
        same(two.kill(signal.SIGINT), 0, "so is SIGINT")
        same(three.kill(signal.SIGTERM), 0, "so with simulated nodes")


if __name__ == "__main__":
    options()
    addresses()
    with Server() as server:
        server.ask("POST", CONFIGMAPS, configmap("kept", {"k": "v" * 5000}))
        directories(server)
        clients(server)
        server.kill(signal.SIGTERM)
        damaged(server)
        server.start()
        same(server.ask("GET", CONFIGMAPS + "/kept")[0], 200, "the good directory is still good")
    not_writable()
    side_by_side()
    finish()
