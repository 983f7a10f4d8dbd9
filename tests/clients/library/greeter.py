"""greeter.py NAME: a controller as people write them. For every Greeting it keeps a ConfigMap that
holds its text, says so in the status, and holds a finalizer so that nothing is forgotten when the
Greeting goes. Several may run: a Lease says which of them works."""
import datetime
import sys
import time

from kubernetes import client, config, watch

NAMESPACE = "default"
FINALIZER = "example.test/greeter"
KIND = dict(group="example.test", version="v1", namespace=NAMESPACE, plural="greetings")
LEASE_S = 3


def lead(leases, name):
    """Takes or renews the lease; false while another holds it."""
    now = datetime.datetime.now(datetime.timezone.utc)
    try:
        lease = leases.read_namespaced_lease("greeter", NAMESPACE)
        held = lease.spec.renew_time and now - lease.spec.renew_time < datetime.timedelta(seconds=LEASE_S)
        if lease.spec.holder_identity != name and held:
            return False
        if lease.spec.holder_identity != name:
            lease.spec.lease_transitions = (lease.spec.lease_transitions or 0) + 1
        lease.spec.holder_identity, lease.spec.renew_time = name, now
        leases.replace_namespaced_lease("greeter", NAMESPACE, lease)
    except client.ApiException as error:
        if error.status != 404:
            return False  # somebody else was faster
        leases.create_namespaced_lease(NAMESPACE, client.V1Lease(
            metadata=client.V1ObjectMeta(name="greeter"), spec=client.V1LeaseSpec(
                holder_identity=name, lease_duration_seconds=LEASE_S, renew_time=now)))
    return True


def reconcile(core, custom, greeting, name):
    """One Greeting, brought to what it says."""
    meta = greeting["metadata"]
    finalizers = meta.get("finalizers", [])
    if meta.get("deletionTimestamp"):
        if FINALIZER in finalizers:
            core.delete_namespaced_config_map(meta["name"], NAMESPACE)
            custom.patch_namespaced_custom_object(name=meta["name"], body={"metadata": {
                "finalizers": [f for f in finalizers if f != FINALIZER]}}, **KIND)
        return
    if FINALIZER not in finalizers:
        custom.patch_namespaced_custom_object(
            name=meta["name"], body={"metadata": {"finalizers": finalizers + [FINALIZER]}}, **KIND)
    body = {"metadata": {"name": meta["name"]}, "data": {"text": greeting["spec"]["text"]}}
    try:
        core.create_namespaced_config_map(NAMESPACE, body)
    except client.ApiException as error:
        if error.status != 409:
            raise
        core.patch_namespaced_config_map(meta["name"], NAMESPACE, body)
    status = {"said": greeting["spec"]["text"], "by": name}
    if greeting.get("status", {}).get("said") != status["said"]:
        custom.patch_namespaced_custom_object_status(name=meta["name"], body={"status": status}, **KIND)


def main(name):
    config.load_kube_config()
    core, custom, leases = client.CoreV1Api(), client.CustomObjectsApi(), client.CoordinationV1Api()
    while True:
        if not lead(leases, name):
            time.sleep(0.2)
            continue
        found = custom.list_namespaced_custom_object(**KIND)
        version = found["metadata"]["resourceVersion"]
        for greeting in found["items"]:
            reconcile(core, custom, greeting, name)
        # A watch of part of a lease's life: then the lease is renewed and all is looked at once more.
        for event in watch.Watch().stream(custom.list_namespaced_custom_object, resource_version=version,
                                          timeout_seconds=1, **KIND):
            reconcile(core, custom, event["object"], name)
            if not lead(leases, name):
                break


main(sys.argv[1])
