"""What python3-kubernetes does against minke: each step says "ok" and what it shows."""
import logging
import sys
import threading
import time
import traceback

from kubernetes import client, config, dynamic, utils, watch
from kubernetes.leaderelection import electionconfig, leaderelection
from kubernetes.leaderelection.resourcelock.configmaplock import ConfigMapLock

NAMESPACE = "default"
HERE = __file__.rsplit("/", 1)[0]
STEPS = []


def shows(what):
    """A step: named after what it shows."""
    def keep(step):
        STEPS.append((what, step))
        return step
    return keep


def until(what, test):
    end = time.monotonic() + 10
    while time.monotonic() < end:
        if test():
            return
        time.sleep(0.03)
    raise AssertionError("never " + what)


def status_of(call, *arguments, **named):
    try:
        call(*arguments, **named)
        return 200
    except client.ApiException as error:
        return error.status


def config_map(name, **data):
    return {"metadata": {"name": name, "labels": {"of": "test"}}, "data": data}


@shows("the server says its version")
def version():
    assert "minke" in client.VersionApi().get_code().git_version


@shows("objects are created from YAML")
def from_yaml():
    utils.create_from_yaml(client.ApiClient(), HERE + "/../things/web.yaml", namespace=NAMESPACE)
    apps = client.AppsV1Api()
    until("ready", lambda: apps.read_namespaced_deployment("web", NAMESPACE).status.ready_replicas == 3)


@shows("pods are listed by label, by field and in pages")
def lists():
    core = client.CoreV1Api()
    pods = core.list_namespaced_pod(NAMESPACE, label_selector="app=web").items
    assert len(pods) == 3 and pods[0].metadata.creation_timestamp.tzinfo
    name = pods[0].metadata.name
    assert len(core.list_namespaced_pod(NAMESPACE, field_selector="metadata.name=" + name).items) == 1
    page = core.list_namespaced_pod(NAMESPACE, limit=2)
    rest = core.list_namespaced_pod(NAMESPACE, limit=2, _continue=page.metadata._continue)
    assert len(page.items) == 2 and len(rest.items) == 1
    assert len(core.list_pod_for_all_namespaces().items) == 3
    assert len(core.list_node().items) == 3


@shows("patches of every kind are taken")
def patches():
    apps = client.AppsV1Api()
    patched = apps.patch_namespaced_deployment("web", NAMESPACE, {"spec": {"replicas": 2}})
    assert patched.spec.replicas == 2
    patched = apps.patch_namespaced_deployment(
        "web", NAMESPACE, [{"op": "replace", "path": "/spec/replicas", "value": 4}])
    assert patched.spec.replicas == 4
    scale = apps.patch_namespaced_deployment_scale("web", NAMESPACE, {"spec": {"replicas": 1}})
    assert scale.spec.replicas == 1


@shows("refusals are exceptions with their status")
def refusals():
    core = client.CoreV1Api()
    made = core.create_namespaced_config_map(NAMESPACE, config_map("settings", a="1"))
    core.patch_namespaced_config_map("settings", NAMESPACE, {"data": {"a": "2"}})
    assert status_of(core.replace_namespaced_config_map, "settings", NAMESPACE, made) == 409
    assert status_of(core.create_namespaced_config_map, NAMESPACE, config_map("settings")) == 409
    assert status_of(core.create_namespaced_config_map, NAMESPACE, config_map("Bad_Name")) == 422
    assert status_of(core.read_namespaced_config_map, "nothing", NAMESPACE) == 404


@shows("a watch tells of objects made, changed and gone")
def watches():
    core = client.CoreV1Api()
    core.delete_namespaced_config_map("settings", NAMESPACE)
    version = core.list_namespaced_config_map(NAMESPACE).metadata.resource_version
    core.create_namespaced_config_map(NAMESPACE, config_map("watched"))
    core.patch_namespaced_config_map("watched", NAMESPACE, {"data": {"a": "2"}})
    core.delete_namespaced_config_map("watched", NAMESPACE)
    events = watch.Watch().stream(core.list_namespaced_config_map, NAMESPACE, label_selector="of=test",
                                  resource_version=version, timeout_seconds=1)
    seen = [event["type"] + " " + event["object"].metadata.name for event in events]
    assert seen == ["ADDED watched", "MODIFIED watched", "DELETED watched"], seen


@shows("a watch from a version long gone ends as expired")
def expired():
    core = client.CoreV1Api()
    assert status_of(core.list_namespaced_config_map, NAMESPACE, _continue="nonsense") == 400


@shows("the dynamic client finds kinds, applies, patches and deletes")
def dynamics():
    api = dynamic.DynamicClient(client.ApiClient())
    maps = api.resources.get(api_version="v1", kind="ConfigMap")
    body = dict(config_map("dynamic", a="1"), apiVersion="v1", kind="ConfigMap")
    assert maps.create(body=body, namespace=NAMESPACE).data.a == "1"
    patched = maps.patch(body={"data": {"b": "2"}}, name="dynamic", namespace=NAMESPACE,
                         content_type="application/merge-patch+json")
    assert patched.to_dict()["data"] == {"a": "1", "b": "2"}
    assert len(maps.get(namespace=NAMESPACE, label_selector="of=test").items) == 1
    deployments = api.resources.get(api_version="apps/v1", kind="Deployment")
    assert deployments.get(name="web", namespace=NAMESPACE).kind == "Deployment"
    maps.delete(name="dynamic", namespace=NAMESPACE)
    assert status_of(maps.get, name="dynamic", namespace=NAMESPACE) == 404


@shows("many kinds are made with typed models")
def models():
    batch, policy, rbac = client.BatchV1Api(), client.PolicyV1Api(), client.RbacAuthorizationV1Api()
    container = client.V1Container(name="c", image="example.test/c", resources=client.V1ResourceRequirements(
        requests={"cpu": "100m", "memory": "64Mi"}))
    template = client.V1PodTemplateSpec(spec=client.V1PodSpec(containers=[container], restart_policy="Never"))
    batch.create_namespaced_job(NAMESPACE, client.V1Job(
        metadata=client.V1ObjectMeta(name="job"), spec=client.V1JobSpec(template=template, completions=2)))
    until("complete", lambda: batch.read_namespaced_job_status("job", NAMESPACE).status.succeeded == 2)
    batch.delete_namespaced_job("job", NAMESPACE, propagation_policy="Background")
    policy.create_namespaced_pod_disruption_budget(NAMESPACE, client.V1PodDisruptionBudget(
        metadata=client.V1ObjectMeta(name="budget"), spec=client.V1PodDisruptionBudgetSpec(
            min_available=1, selector=client.V1LabelSelector(match_labels={"app": "web"}))))
    rbac.create_namespaced_role(NAMESPACE, client.V1Role(
        metadata=client.V1ObjectMeta(name="reader"),
        rules=[client.V1PolicyRule(api_groups=[""], resources=["pods"], verbs=["get"])]))
    review = client.AuthorizationV1Api().create_self_subject_access_review(client.V1SelfSubjectAccessReview(
        spec=client.V1SelfSubjectAccessReviewSpec(resource_attributes=client.V1ResourceAttributes(
            verb="delete", resource="nodes"))))
    assert review.status.allowed


@shows("leader election by a ConfigMap: one leads, the other waits")
def election():
    led = []

    def lead(name):
        def work():
            led.append(name)
        lock = ConfigMapLock("leader", NAMESPACE, name)
        settings = electionconfig.Config(lock, lease_duration=3, renew_deadline=2, retry_period=1,
                                         onstarted_leading=work, onstopped_leading=lambda: None)
        leaderelection.LeaderElection(settings).run()

    for name in ("first", "second"):
        threading.Thread(target=lead, args=(name,), daemon=True).start()
        until("led", lambda: led)
    time.sleep(1.5)
    assert led == ["first"], led


@shows("a namespace empties when it is deleted")
def namespaces():
    core = client.CoreV1Api()
    core.create_namespace({"metadata": {"name": "short"}})
    core.create_namespaced_config_map("short", config_map("inside"))
    core.delete_namespace("short")
    until("gone", lambda: status_of(core.read_namespace, "short") == 404)


@shows("what was created is deleted, with what it owned")
def deletes():
    client.AppsV1Api().delete_namespaced_deployment("web", NAMESPACE)
    until("gone", lambda: not client.CoreV1Api().list_namespaced_pod(NAMESPACE).items)


def main():
    logging.disable(logging.CRITICAL)
    config.load_kube_config()
    failed = 0
    for what, step in STEPS:
        try:
            step()
            print("ok", what)
        except Exception:  # a step that fails must not keep the others from being tried
            failed += 1
            print("FAIL python:", what + ":", traceback.format_exc()[-400:])
    print(len(STEPS) - failed, "passed,", failed, "failed")
    sys.stdout.flush()
    return 1 if failed else 0


sys.exit(main())
