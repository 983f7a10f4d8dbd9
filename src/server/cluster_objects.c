/*
 * Upstream's aggregator keeps an APIService for every group-version, and tools look for them, for
 * component statuses and for the service network: here they are. Requests are not passed on to
 * other API servers; an APIService that asks for it says so in its status.
 */
#include "server/cluster_objects.h"

#include "doc/build.h"
#include "schema/served.h"
#include "server/object.h"
#include "server/state.h"

#define MANAGED "kube-aggregator.kubernetes.io/automanaged"

static const struct doc *with_condition(struct call *call, const struct doc *doc,
					const struct doc *old, const char *type, bool yes,
					const char *reason, const char *message)
{
	const struct doc *was = doc_at(old, "status.conditions.0");
	struct str status = yes ? STR("True") : STR("False"), since = call_now(call);
	struct build b = build_object(call->arena);

	if (str_eq(doc_at_str(was, "status"), status))
		since = doc_at_str(was, "lastTransitionTime");
	build_open_array(&b, "conditions");
	build_open_object(&b, NULL);
	build_str(&b, "type", str_of(type));
	build_str(&b, "status", status);
	build_str(&b, "lastTransitionTime", since);
	build_str(&b, "reason", str_of(reason));
	build_str(&b, "message", str_of(message));
	build_close(&b);
	build_close(&b);
	return doc_with(call->arena, doc, STR("status"), build_done(&b));
}

const struct doc *cluster_object_status(struct call *call, const struct api_kind *kind,
					const struct doc *doc, const struct doc *old)
{
	if (kind->id == KIND_ServiceCIDR)
		return with_condition(call, doc, old, "Ready", true, "",
				      "Kubernetes Service CIDR is ready");
	if (doc_is(doc_at(doc, "spec.service"), DOC_OBJECT))
		return with_condition(call, doc, old, "Available", false, "NotSupported",
				      "this server does not pass requests on to other API servers");
	return with_condition(call, doc, old, "Available", true, "Local",
			      "Local APIServices are always available");
}

static enum status ensure(struct call *call, kind_id id, const struct doc *object,
			  struct error *error)
{
	const struct api_kind *kind = schema_kind(call->server->schema, id);
	struct outcome outcome;

	if (store_get(call->server->store, id, STR(""), object_name(object)))
		return ST_OK;
	return verb_create(call, kind, STR(""), STR(""), STR(""), object, &outcome, error);
}

static void open_named(struct build *b, struct str name)
{
	build_open_object(b, "metadata");
	build_str(b, "name", name);
}

/* ---- group-versions */

/* The group's rank as upstream gives it: the order in which clients look for a word. */
static i64 priority_of(const struct served *served)
{
	static const struct {
		const char *group;
		i64 priority;
	} known[] = {
		{ "", 18000 },
		{ "apps", 17800 },
		{ "events.k8s.io", 17750 },
		{ "authentication.k8s.io", 17700 },
		{ "authorization.k8s.io", 17600 },
		{ "autoscaling", 17500 },
		{ "batch", 17400 },
		{ "certificates.k8s.io", 17300 },
		{ "networking.k8s.io", 17200 },
		{ "policy", 17100 },
		{ "rbac.authorization.k8s.io", 17000 },
		{ "storage.k8s.io", 16800 },
		{ "apiextensions.k8s.io", 16700 },
		{ "admissionregistration.k8s.io", 16700 },
		{ "scheduling.k8s.io", 16600 },
		{ "coordination.k8s.io", 16500 },
		{ "node.k8s.io", 16300 },
		{ "discovery.k8s.io", 16200 },
		{ "flowcontrol.apiserver.k8s.io", 16100 },
	};

	for (u32 i = 0; i < ARRAY_LEN(known); i++)
		if (str_is(served->group, known[i].group))
			return known[i].priority;
	return 1000;
}

/* A version that is served only for old manifests' sake is not shown as one of ours. */
static bool is_shown(const struct served *served)
{
	for (u32 i = 0; i < served->len; i++)
		if (!served->kinds[i]->old)
			return true;
	return false;
}

static const struct doc *api_service(struct arena *arena, const struct served *served)
{
	struct build b = build_object(arena);
	bool custom = served->kinds[0]->shape;

	open_named(&b, str_format(arena, STR_FMT "." STR_FMT, STR_ARG(served->version),
				  STR_ARG(served->group)));
	build_open_object(&b, "labels");
	build_str(&b, MANAGED, custom ? STR("true") : STR("onstart"));
	build_close(&b);
	build_close(&b);
	build_open_object(&b, "spec");
	build_str_if(&b, "group", served->group);
	build_str(&b, "version", served->version);
	build_int(&b, "groupPriorityMinimum", priority_of(served));
	build_int(&b, "versionPriority", custom ? 100 : 15);
	build_close(&b);
	return build_done(&b);
}

static bool is_served(const struct served *all, u32 len, const struct doc *spec)
{
	for (u32 i = 0; i < len; i++)
		if (str_eq(all[i].group, doc_at_str(spec, "group")) &&
		    str_eq(all[i].version, doc_at_str(spec, "version")))
			return is_shown(&all[i]);
	return false;
}

static enum status drop_unserved(struct call *call, const struct served *all, u32 len,
				 struct error *error)
{
	const struct api_kind *kind = schema_kind(call->server->schema, KIND_APIService);
	struct delete_options options = { .grace_s = -1 };
	enum status status = ST_OK;
	struct store_iter iter;
	struct outcome outcome;

	store_iter_start(&iter, call->server->store, KIND_APIService, STR_NONE, STR_NONE, STR_NONE);
	for (struct version *v; status == ST_OK && (v = store_iter_next(&iter));) {
		const struct doc *labels = doc_at(v->doc, "metadata.labels");

		if (!doc_get(labels, STR(MANAGED)) || is_served(all, len, doc_key(v->doc, "spec")))
			continue;
		version_hold(call->arena, v);
		status = verb_delete(call, kind, STR(""), v->name, &options, &outcome, error);
	}
	return status;
}

enum status cluster_api_services(struct call *call, struct error *error)
{
	u32 len;
	const struct served *all = served_all(call->arena, call->server->schema, &len);
	enum status status = drop_unserved(call, all, len, error);

	for (u32 i = 0; status == ST_OK && i < len; i++)
		if (is_shown(&all[i]))
			status = ensure(call, KIND_APIService, api_service(call->arena, &all[i]),
					error);
	return status;
}

/* ---- the rest */

/* Everything runs in this process: who can ask gets an answer, and so all of it is well. */
static enum status ensure_health(struct call *call, struct error *error)
{
	static const char *const parts[] = { "controller-manager", "scheduler", "etcd-0" };
	enum status status = ST_OK;

	for (u32 i = 0; status == ST_OK && i < ARRAY_LEN(parts); i++) {
		struct build b = build_object(call->arena);

		open_named(&b, str_of(parts[i]));
		build_close(&b);
		build_open_array(&b, "conditions");
		build_open_object(&b, NULL);
		build_str(&b, "type", STR("Healthy"));
		build_str(&b, "status", STR("True"));
		build_str(&b, "message", STR("ok"));
		build_close(&b);
		build_close(&b);
		status = ensure(call, KIND_ComponentStatus, build_done(&b), error);
	}
	return status;
}

enum status cluster_objects_ensure(struct call *call, struct error *error)
{
	struct build b = build_object(call->arena);
	enum status status = ensure_health(call, error);

	open_named(&b, STR("kubernetes"));
	build_close(&b);
	build_open_object(&b, "spec");
	build_open_array(&b, "cidrs");
	build_str(&b, NULL, call->server->config.service_cidr);
	build_close(&b);
	build_close(&b);
	if (status == ST_OK)
		status = ensure(call, KIND_ServiceCIDR, build_done(&b), error);
	return status ? status : cluster_api_services(call, error);
}
