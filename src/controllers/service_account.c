/*
 * What every namespace has: the service account "default", and the ConfigMap kube-root-ca.crt by
 * which its pods know the server.
 */
#include "controllers/controller.h"
#include "doc/build.h"

static struct build object_start(const struct view *view, const char *kind, struct str name,
				 struct str namespace)
{
	struct build b = build_object(view->arena);
	build_str(&b, "apiVersion", STR("v1"));
	build_str(&b, "kind", str_of(kind));
	build_open_object(&b, "metadata");
	build_str(&b, "name", name);
	build_str(&b, "namespace", namespace);
	return b;
}

static void account_reconcile(const struct view *view, struct key key, struct plan *plan)
{
	const struct version *namespace = view_key(view, key);
	if (!namespace || object_deleting(namespace->doc) ||
	    view_get(view, KIND_ServiceAccount, key.name, STR("default")))
		return;
	struct build b = object_start(view, "ServiceAccount", STR("default"), key.name);
	build_close(&b);
	plan_create(plan, KIND_ServiceAccount, key.name, build_done(&b), NULL);
}

static void namespace_of(const struct view *view, const struct change *change, struct keys *keys)
{
	(void)view;
	keys_add(keys, (struct key){ KIND_Namespace, STR_NONE, change->now->namespace });
}

const struct controller controller_service_account = {
	.name = "service-account-controller",
	.watch = { { KIND_Namespace, key_self }, { KIND_ServiceAccount, namespace_of } },
	.reconcile = account_reconcile,
};

/* ---- kube-root-ca.crt */

static const char root_ca_name[] = "kube-root-ca.crt";
static const char root_ca_note[] = "kubernetes.io/description";
static const char root_ca_text[] =
	"Contains a CA bundle that can be used to verify the kube-apiserver when using internal "
	"endpoints such as the internal service IP or kubernetes.default.svc. No other usage is "
	"guaranteed across distributions of Kubernetes clusters.";

static void root_ca_reconcile(const struct view *view, struct key key, struct plan *plan)
{
	const struct version *namespace = view_key(view, key);
	if (!namespace || object_deleting(namespace->doc) || !view->ca_certificate.len)
		return;
	struct build data = build_object(view->arena);
	build_str(&data, "ca.crt", view->ca_certificate);
	const struct doc *wanted = build_done(&data);
	struct version *there = view_get(view, KIND_ConfigMap, key.name, STR("kube-root-ca.crt"));
	if (there) {
		plan_update(plan, there, doc_with(view->arena, there->doc, STR("data"), wanted),
			    NULL);
		return;
	}
	struct build b = object_start(view, "ConfigMap", str_of(root_ca_name), key.name);
	build_open_object(&b, "annotations");
	build_str(&b, root_ca_note, str_of(root_ca_text));
	build_close(&b);
	build_close(&b);
	build_doc(&b, "data", wanted);
	plan_create(plan, KIND_ConfigMap, key.name, build_done(&b), NULL);
}

static void namespace_of_root_ca(const struct view *view, const struct change *change,
				 struct keys *keys)
{
	if (str_is(change->now->name, root_ca_name))
		namespace_of(view, change, keys);
}

const struct controller controller_root_ca = {
	.name = "root-ca-certificate-publisher",
	.watch = { { KIND_Namespace, key_self }, { KIND_ConfigMap, namespace_of_root_ca } },
	.reconcile = root_ca_reconcile,
};
