"""The audit log on disk: its lines, its rotation, a place that cannot be written; and the other
files that say who may come in and what is refused."""

import glob
import json
import os
import subprocess
import tempfile

from world import CONFIGMAPS, MINKE, Server, check, configmap, finish, same

POLICY = """apiVersion: audit.k8s.io/v1
kind: Policy
omitStages: [RequestReceived]
rules:
- level: RequestResponse
  resources: [{group: "", resources: [configmaps]}]
"""

ADMISSION = """apiVersion: apiserver.config.k8s.io/v1
kind: AdmissionConfiguration
plugins:
- name: PodSecurity
  configuration:
    apiVersion: pod-security.admission.config.k8s.io/v1
    kind: PodSecurityConfiguration
    defaults: {enforce: baseline, enforce-version: latest}
    exemptions: {namespaces: [kube-system], usernames: [], runtimeClasses: []}
"""


def written(folder, name, text):
    path = os.path.join(folder, name)
    with open(path, "w") as file:
        file.write(text)
    return path


def notes(folder, policy):
    path = os.path.join(folder, "audit.log")
    options = ["--audit-log-path", path, "--audit-policy-file", policy, "--audit-log-maxsize", "1",
               "--audit-log-maxbackup", "2", "--no-controllers"]
    with Server(*options) as server:
        for number in range(60):
            server.ask("POST", CONFIGMAPS, configmap(f"m{number}", {"a": "x" * 60000}))
        server.kill(15)
        files = sorted(glob.glob(os.path.join(folder, "audit*.log")))
        lines = [json.loads(line) for file in files for line in open(file)]
        same(len(files), 3, "the log begins anew, and two old ones stay")
        check(all(os.path.getsize(file) <= 1 << 20 for file in files), "no file is larger than said")
        check(lines and all(line["kind"] == "Event" for line in lines), "every line is whole")
        same(lines[-1]["requestURI"], CONFIGMAPS, "the last request is there after a stop")
        same(oct(os.stat(path).st_mode & 0o777), "0o600", "nobody else reads it")


def full(folder, policy):
    """/dev/full takes nothing: requests go on all the same."""
    with Server("--audit-log-path", "/dev/full", "--audit-policy-file", policy,
                "--no-controllers") as server:
        code = server.ask("POST", CONFIGMAPS, configmap("m"))[0]
        same(code, 201, "a log that cannot be written stops nobody")


def refused(folder, name, *options):
    done = subprocess.run([MINKE, "server", "--data", os.path.join(folder, "none"), "--listen",
                           "127.0.0.1:0", "--node", "none", *options], timeout=20,
                          capture_output=True, text=True)
    check(done.returncode != 0 and len(done.stderr.strip().splitlines()) <= 2, name, done.stderr)


def files(folder):
    tokens = written(folder, "tokens.csv", 'abc,ann,1,"system:masters"\ndef,bob,2\n')
    admission = written(folder, "admission.yaml", ADMISSION)
    pod = {"metadata": {"name": "p"}, "spec": {"hostPID": True, "containers": [
        {"name": "c", "image": "x"}]}}
    with Server("--token-auth-file", tokens, "--admission-control-config-file", admission,
                "--no-controllers") as server:
        for space in ("default", "kube-system"):
            server.ask("POST", f"/api/v1/namespaces/{space}/serviceaccounts",
                       {"metadata": {"name": "default"}})
        code, answer, _ = server.ask("POST", "/api/v1/namespaces/default/pods", pod)
        check(code == 403 and 'violates PodSecurity "baseline:latest"' in answer["message"],
              "the default standard comes from the file", code, answer)
        same(server.ask("POST", "/api/v1/namespaces/kube-system/pods", pod)[0], 201,
             "an exempt namespace is left alone")
    refused(folder, "a policy that is none ends the start", "--audit-log-path", "-",
            "--audit-policy-file", admission)
    refused(folder, "a token file that is none ends the start", "--token-auth-file", admission)
    refused(folder, "a log nobody may write ends the start", "--audit-log-path",
            "/nonexistent/audit.log", "--audit-policy-file", written(folder, "p.yaml", POLICY))


def main():
    with tempfile.TemporaryDirectory() as folder:
        policy = written(folder, "policy.yaml", POLICY)
        notes(folder, policy)
        full(folder, policy)
        files(folder)
    finish()


main()
