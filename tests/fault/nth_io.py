"""The n-th write, fsync, open and rename in the data directory fails, for n = 1, 2, 3 …: the server
ends with a sentence or answers with a Status, loses nothing it has acknowledged, and comes up again."""

import os
import subprocess
import tempfile
import time

from world import BUILD, CONFIGMAPS, Server, check, configmap, finish

SHIM = os.path.join(BUILD, "nth_io.so")
ROUNDS = {"write": (1, 2, 3, 5, 8, 13, 21, 34), "sync": (1, 2, 3, 5, 8, 13),
          "open": (1, 2, 3, 5, 8), "rename": (1, 2, 3)}
OBJECTS = 6


def ask_all(server, promised, odd):
    for i in range(OBJECTS):
        code, answer, _ = server.ask("POST", CONFIGMAPS, configmap(f"c{i}", {"k": "v" * 3000}))
        if code == 201:
            promised.append(f"c{i}")
        elif not (code >= 500 and isinstance(answer, dict) and answer.get("kind") == "Status"
                  and answer.get("message")):
            odd.append((code, answer))


def settled(server):
    """What every cluster has comes back by itself when the disk did not take it at first."""
    until = time.time() + 10
    while server.ask("GET", "/api/v1/namespaces/default")[0] != 200 and time.time() < until:
        time.sleep(0.1)


def play(call, n):
    what, promised, odd = f"{call} {n} fails: ", [], []
    server = Server(data=tempfile.mkdtemp(prefix="minke-fault-"))
    os.environ.update(LD_PRELOAD=SHIM, NTH_CALL=call, NTH=str(n), NTH_DATA=server.data)
    try:
        server.start()
    except RuntimeError as error:
        check((server.process.poll() or 0) > 0 and server.said().strip(),
              what + "the server says so and ends", error)
    finally:
        for name in ("LD_PRELOAD", "NTH_CALL", "NTH", "NTH_DATA"):
            os.environ.pop(name, None)
    if server.alive():
        settled(server)
        ask_all(server, promised, odd)
        check(server.alive() and not odd, what + "every answer is a clear one", odd, server.said())
    server.kill()
    again = Server(data=server.data)
    try:
        again.start()
        names = [item["metadata"]["name"] for item in again.ask("GET", CONFIGMAPS)[1]["items"]]
        lost = [name for name in promised if name not in names]
        check(not lost, what + f"{len(promised)} writes acknowledged, all there", lost, names)
    except RuntimeError as error:
        check(False, what + "the server comes up again", error)
    again.kill()
    subprocess.run(["rm", "-rf", server.data], check=False)


subprocess.run(["cc", "-shared", "-fPIC", "-O1", "-o", SHIM,
                os.path.join(os.path.dirname(os.path.abspath(__file__)), "nth_io.c"), "-ldl"],
               check=True)
for call, rounds in ROUNDS.items():
    for n in rounds:
        play(call, n)
finish()
