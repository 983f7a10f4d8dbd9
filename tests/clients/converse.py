"""converse.py [--only THEME] [--golden|--own] CLIENT…: each client speaks each conversation of talk/
to a fresh server; what it prints must be golden/THEME.txt, or where golden/THEME.CLIENT.txt words
a step in that client's own way, that. --golden writes the former anew from the first client, --own
the latter from all others: read the difference before keeping it.

A conversation is lines. `$` is left out: a line is what follows the client's name, quoted as for a
shell. `#` opens a comment, `== TEXT` names what the steps below it show, and `%` is ours:
  % ready N DEPLOYMENT      until the roll-out is over and N pods are ready
  % until TEXT ARGUMENTS    until `minke ARGUMENTS` prints TEXT (in one word, quoted if need be)
  % gone                    until no pods and ReplicaSets are left
  % watch NAME ARGUMENTS    the client goes on in the background, called NAME …
  % seen NAME TEXT          … until it has printed TEXT, and each line that differs from the last
  % sh COMMAND              a shell's answer; $MINKE and $CLIENT stand for the programs
The first lines may hold `#server OPTIONS` for the server and `#clients PREFIX` for who speaks. The
answers to some clients pass through recorder.py and must be as the server's OpenAPI says, but for
conversations with `#direct`."""
import concurrent.futures
import difflib
import os
import re
import shlex
import shutil
import subprocess
import sys
import tempfile
import threading
import time

from recorder import Recorder

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), ".."))
from openapi_check import Check  # noqa: E402: the folder above is no package

HERE = os.path.dirname(os.path.abspath(__file__))
BUILD = os.path.abspath(os.environ.get("BUILD", "build"))
MINKE = os.path.join(BUILD, "minke")
LANES = 4  # conversations at a time: much of each is waiting
PORT = int(os.environ.get("CLIENTS_PORT", "26443"))
PATIENCE_S = 15
RECORDED = ("kubectl-1.20", "kubectl-1.35", "helm-4.1")  # their answers are held against OpenAPI
UNSCHEMED = {"Table", "PartialObjectMetadata", "APIVersions"}  # of discovery and of tables

# What differs from run to run, and from version to version where only words around it changed.
SETTLE = [(re.compile(p, re.M), r) for p, r in (
    (r"-[0-9a-f]{8,10}-[bcdfghjklmnpqrstvwxz2456789]{5}\b", "-HASH-XXXXX"),
    (r"\b(web|other|[a-z]+-web)-[0-9a-f]{8,10}\b", r"\1-HASH"),
    (r"\b(job|cron|agent|sets)-(\d{8}-)?[bcdfghjklmnpqrstvwxz2456789]{5}\b", r"\1-\2XXXXX"),
    (r"\b(cron)-\d{8}\b", r"\1-MINUTE"),
    (r"\b(agent|db|disk)-[0-9a-f]{8,10}\b", r"\1-HASH"),
    (r"pod-template-hash=[0-9a-f]+", "pod-template-hash=HASH"),
    (r"controller-revision-hash=\S*?-?[0-9a-f]{8,10}\b", "controller-revision-hash=HASH"),
    (r"\b[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}\b", "UID"),
    (r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d+)?Z", "TIME"),
    (r"\d{4}-\d\d-\d\d \d\d:\d\d:\d\d\.\d+ \+0000 UTC", "TIME"),
    (r"[A-Z][a-z]{2} [A-Z][a-z]{2} [ \d]\d \d\d:\d\d:\d\d \d{4}", "TIME"),
    (r"\b[A-Z][a-z]{2}, \d\d [A-Z][a-z]{2} \d{4} \d\d:\d\d:\d\d \+0000", "TIME"),
    (r"\b10\.(64|96|24[0-9])\.[0-9]+\.[0-9]+", "ADDRESS"),
    (r"127\.0\.0\.1:[0-9]+", "SERVER"),
    (r"simulated-[0-9]", "simulated-N"),
    (r" +[0-9]+(ms|s|m|m[0-9]+s)(?= |$)", " AGE"),
    (r" from [a-z]+ namespace$", ""), (r" \(server dry run\)", ""),
    (r"-(HASH|XXXXX) +", r"-\1 "), (r"ADDRESS +", "ADDRESS "),
    (r"(ADDRESS:80)(,ADDRESS:80)*( \+ [0-9]+ more...)? +", r"\1… "),
    (r"\b(kubectl(-1\.\d+)?|minke) (?=scale|rollout|apply|create|taint|auth|config)", "CLIENT "),
    (r"/tmp/talk-\w+", "TALK"), (r"v1\.36\.0\+minke", "VERSION"), (r"^(error: )?error (validating|when)", r"error \2"),
    (r" +$", ""), (r" {2,}", "  "), (r"^Warning: v1 Endpoints is deprecated.*\n", ""),
    (r"^Flag --.*\n", ""), (r"^Waiting for .*\n", ""), (r"^waiting for statefulset.*\n", ""),
    (r"^[WE][0-9]{4} .*\n", ""), (r"^DESCRIPTION: .*\n", ""), (r"; did you mean \"[^\"]*\"\?", ""))]


def settle(text):
    for pattern, instead in SETTLE:
        text = pattern.sub(instead, text)
    return text


class Talk:
    """One client's conversation about one theme with a server of its own."""

    checked = 0  # answers held against OpenAPI, all in all

    def __init__(self, client, theme, port):
        self.client, self.theme, self.port = client, theme, port
        self.name = os.path.basename(client)
        self.work = tempfile.mkdtemp(prefix="talk-")
        self.env = dict(os.environ, HOME=self.work, MINKE=MINKE, CLIENT=client, LC_ALL="C.UTF-8",
                        KUBECONFIG=self.work + "/admin.kubeconfig", TALK=self.work,
                        KUBE_EDITOR=HERE + "/things/editor", HELM_NAMESPACE="default")
        self.lines = open(f"{HERE}/talk/{theme}.txt").read().split("\n")
        self.watchers = {}

    def run(self, arguments, timeout=60):
        """The exit code and all that was printed."""
        try:
            done = subprocess.run(arguments, cwd=HERE + "/things", env=self.env, timeout=timeout,
                                  stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
                                  stderr=subprocess.STDOUT)
            return done.returncode, done.stdout.decode("utf-8", "replace")
        except subprocess.TimeoutExpired as late:
            return 124, (late.stdout or b"").decode("utf-8", "replace") + "(hangs)\n"

    def poll(self, wanted, what):
        """Until `wanted()` is true; says so if it never is."""
        end = time.monotonic() + PATIENCE_S
        while time.monotonic() < end:
            if wanted():
                return ""
            time.sleep(0.03)
        return "never: " + what + "\n"

    def ready(self, number, deployment):
        path = ("jsonpath={.status.readyReplicas}/{.status.replicas}/{.status.updatedReplicas}/"
                "{.metadata.generation}={.status.observedGeneration}")
        out = self.run([MINKE, "get", "deployment", deployment, "-o", path])[1]
        counts, _, generations = out.rpartition("/")
        seen = generations.split("=")
        return counts == "/".join([number] * 3) and seen[0] == seen[-1]

    def watch(self, name, *words):
        with open(f"{self.work}/{name}", "w") as out:
            self.watchers[name] = subprocess.Popen(
                [self.client, *words], cwd=HERE + "/things", env=self.env,
                stdin=subprocess.DEVNULL, stdout=out, stderr=subprocess.STDOUT)
        return ""

    def seen(self, name, text):
        def lines():
            with open(f"{self.work}/{name}") as out:
                return out.read().split("\n")[:-1]
        late = self.poll(lambda: any(text in line for line in lines()), text)
        self.stop(name)
        said = []
        for line in lines():
            line = re.sub(r" +\S+$", "", line) if " AGE" in lines()[0] else line
            said += [] if said[-1:] == [line] else [line]
            if text in line:
                break
        return "\n".join(said) + "\n" + late

    def stop(self, name):
        self.watchers[name].terminate()
        self.watchers.pop(name).wait()

    def deed(self, line):
        word, _, rest = line.partition(" ")
        words = shlex.split(rest) if word != "sh" else []
        if word == "ready":
            return self.poll(lambda: self.ready(*words), rest)
        if word == "until":
            return self.poll(lambda: self.run([MINKE] + words[1:])[1].strip() == words[0], rest)
        if word == "gone":
            left = [MINKE, "get", "pods,rs", "--no-headers", "-o", "name"]
            return self.poll(lambda: "/" not in self.run(left)[1], "gone")
        if word == "watch":
            return self.watch(*words)
        if word == "seen":
            return self.seen(*words)
        if word == "sh":
            return self.step(self.run(["bash", "-c", rest]))
        raise ValueError(f"{self.theme}: no such deed: {line}")

    @staticmethod
    def step(result):
        code, text = result
        text += "" if not text or text.endswith("\n") else "\n"
        return text + (f"exit {code}\n" if code else "")

    def setting(self, name):
        return next((shlex.split(line[len(name) + 2:]) for line in self.lines
                     if line.startswith(f"#{name} ")), [])

    def direct(self):
        """Nobody may stand between this conversation and the server."""
        return any(line.startswith("#direct") for line in self.lines)

    def serve(self):
        self.log = open(self.work + "/log", "w")
        return subprocess.Popen(
            [MINKE, "server", "--data", self.work + "/data", "--listen", f"127.0.0.1:{self.port}",
             "--kubeconfig-out", self.env["KUBECONFIG"], "--node", "none", "--simulate-nodes", "3",
             "--simulated-start-ms", "20"] + self.setting("server"),
            stderr=self.log, stdout=self.log)

    def steps(self):
        """The whole conversation: a list of (line, what it printed)."""
        server = self.serve()
        said = []
        late = self.poll(lambda: self.run([MINKE, "get", "--raw", "/readyz"])[0] == 0, "/readyz")
        if late:
            said.append(("the server starts", open(self.work + "/log").read() + late))
        recorder = None
        if self.name in RECORDED and not late and not self.direct():
            recorder = Recorder(self.env["KUBECONFIG"], self.work, self.port + 100)
        for line in self.lines:
            if not line or line[0] == "#":
                continue
            if line.startswith("=="):
                said.append((line, ""))
            elif line[0] == "%":
                said.append(("$ " + line, settle(self.deed(line[2:]))))
            else:
                said.append(("$ " + line,
                             settle(self.step(self.run([self.client] + shlex.split(line))))))
        for name in list(self.watchers):
            self.stop(name)
        if recorder:
            recorder.close()
            said += self.schema_faults(recorder)
        server.terminate()
        if server.wait(30) != 0:
            said.append(("the server stops", open(self.work + "/log").read()[-2000:]))
        shutil.rmtree(self.work)
        return said


    def schema_faults(self, recorder):
        """What was answered and is not as the server's own OpenAPI says, as steps nobody wants."""
        direct = dict(self.env, KUBECONFIG=self.env["KUBECONFIG"] + ".direct")

        def ask(path):
            return subprocess.run([MINKE, "get", "--raw", path], env=direct, check=True,
                                  capture_output=True, text=True).stdout
        check, faults, seen = Check(ask), set(), 0
        for doc in recorder.objects():
            kind = doc.get("kind", "")
            if kind and kind not in UNSCHEMED and not kind.startswith("API"):
                faults.update(check.object(doc))
                seen += 1
        Talk.checked += seen
        return [("OpenAPI: " + fault, "") for fault in sorted(faults)]


def golden_path(theme, client=None):
    return f"{HERE}/golden/{theme}{'.' + client if client else ''}.txt"


def read_steps(path):
    """A golden file, as steps() makes it."""
    said = []
    for line in open(path) if os.path.exists(path) else []:
        if line.startswith(("$ ", "==")):
            said.append([line.rstrip("\n"), ""])
        elif said:
            said[-1][1] += line
    return [tuple(step) for step in said]


def write_steps(path, steps):
    with open(path, "w") as out:
        out.writelines(f"{line}\n{text}" for line, text in steps)


def differing(wanted, got):
    """The steps of `got` that are not as wanted, each with what was."""
    for i, step in enumerate(got):
        if i >= len(wanted) or wanted[i] != step:
            yield step, wanted[i][1] if i < len(wanted) else ""


def compare(theme, client, got, keep_own):
    """Returns how many steps passed and failed, printing the latter with what they belong to."""
    own = read_steps(golden_path(theme, client))
    wanted = read_steps(golden_path(theme))
    wrong = [(step, was) for step, was in differing(wanted, got) if step not in own]
    if keep_own:
        if [step for step, _ in differing(wanted, got)]:
            write_steps(golden_path(theme, client), [step for step, _ in differing(wanted, got)])
        elif os.path.exists(golden_path(theme, client)):
            os.remove(golden_path(theme, client))
        return len(got), 0
    title = ""
    text = []
    for step in got:
        title = step[0] if step[0].startswith("==") else title
        for bad, was in [w for w in wrong if w[0] is step]:
            text.append(f"FAIL {client}: {theme} {title}\n  {bad[0]}\n")
            diff = difflib.ndiff(was.splitlines(True), bad[1].splitlines(True))
            text += ["     " + d for d in list(diff)[:24] if d[0] != "?"]
    missing = max(0, len(wanted) - len(got))
    print("".join(text), end="")
    return len(got) - len(wrong), len(wrong) + missing


def speaks(client, theme):
    """helm talks about helm; every conversation else is kubectl's and minke's."""
    for line in open(f"{HERE}/talk/{theme}.txt"):
        if line.startswith("#clients "):
            return os.path.basename(client).startswith(tuple(line.split()[1:]))
    return not os.path.basename(client).startswith("helm")


def main(arguments):
    golden, own = "--golden" in arguments, "--own" in arguments
    themes = sorted(name[:-4] for name in os.listdir(HERE + "/talk") if name.endswith(".txt"))
    if "--only" in arguments:
        themes = [arguments.pop(arguments.index("--only") + 1)]
    clients = [os.path.abspath(a) for a in arguments if not a.startswith("--")]
    ports, lock, counts = list(range(PORT, PORT + LANES)), threading.Lock(), [0, 0]
    written = set()

    def converse(client, theme):
        with lock:
            port = ports.pop()
        try:
            got = Talk(client, theme, port).steps()
        finally:
            with lock:
                ports.append(port)
        with lock:
            if golden and theme not in written:
                written.add(theme)
                write_steps(golden_path(theme), got)
            passed, failed = compare(theme, os.path.basename(client), got, own)
            counts[0] += passed
            counts[1] += failed

    with concurrent.futures.ThreadPoolExecutor(1 if golden else LANES) as pool:
        jobs = [pool.submit(converse, client, theme) for client in clients for theme in themes
                if speaks(client, theme)]
        for job in jobs:
            job.result()
    print(f"{Talk.checked} answers are as OpenAPI says, or told of above")
    print(f"{counts[0]} passed, {counts[1]} failed")
    return 1 if counts[1] else 0


sys.exit(main(sys.argv[1:]))
