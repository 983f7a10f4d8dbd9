/*
 * What a new pod gets besides defaults: the service account and its token volume, tolerations of a
 * node's short absences, priority and quality of service. Follows Kubernetes' admission plugins
 * ServiceAccount, DefaultTolerationSeconds and Priority.
 */
#include "doc/build.h"
#include "schema/quantity.h"
#include "server/admission.h"
#include "server/object.h"
#include "server/state.h"
#include "server/webhook.h"

enum {
	TOKEN_LIFE_S = 3607, /* the odd seconds tell these tokens from ones asked for by hand */
	TOKEN_SUFFIX = 5,
	TOKEN_FILE_MODE = 0644,
};

static const char token_path[] = "/var/run/secrets/kubernetes.io/serviceaccount";
static const char *const container_lists[] = { "initContainers", "containers" };

/* ---- ServiceAccount */

static bool mounts_token(const struct doc *container)
{
	doc_each_item(doc_key(container, "volumeMounts"), mount)
		if (str_is(doc_str(doc_key(mount, "mountPath")), token_path))
			return true;
	return false;
}

static bool all_mount_token(const struct doc *spec)
{
	for (u32 i = 0; i < ARRAY_LEN(container_lists); i++)
		doc_each_item(doc_get(spec, str_of(container_lists[i])), container)
			if (!mounts_token(container))
				return false;
	return true;
}

static const struct doc *token_volume(struct arena *arena, struct str name)
{
	struct build b = build_object(arena);

	build_str(&b, "name", name);
	build_open_object(&b, "projected");
	build_open_array(&b, "sources");
	build_open_object(&b, NULL);
	build_open_object(&b, "serviceAccountToken");
	build_int(&b, "expirationSeconds", TOKEN_LIFE_S);
	build_str(&b, "path", STR("token"));
	build_close(&b);
	build_close(&b);
	build_open_object(&b, NULL);
	build_open_object(&b, "configMap");
	build_str(&b, "name", STR("kube-root-ca.crt"));
	build_open_array(&b, "items");
	build_open_object(&b, NULL);
	build_str(&b, "key", STR("ca.crt"));
	build_str(&b, "path", STR("ca.crt"));
	build_close(&b);
	build_close(&b);
	build_close(&b);
	build_close(&b);
	build_open_object(&b, NULL);
	build_open_object(&b, "downwardAPI");
	build_open_array(&b, "items");
	build_open_object(&b, NULL);
	build_str(&b, "path", STR("namespace"));
	build_open_object(&b, "fieldRef");
	build_str(&b, "apiVersion", STR("v1"));
	build_str(&b, "fieldPath", STR("metadata.namespace"));
	build_close(&b);
	build_close(&b);
	build_close(&b);
	build_close(&b);
	build_close(&b);
	build_close(&b);
	build_int(&b, "defaultMode", TOKEN_FILE_MODE);
	build_close(&b);
	return build_done(&b);
}

static const struct doc *token_mount(struct arena *arena, struct str volume)
{
	struct build b = build_object(arena);

	build_str(&b, "name", volume);
	build_bool(&b, "readOnly", true);
	build_str(&b, "mountPath", STR("/var/run/secrets/kubernetes.io/serviceaccount"));
	return build_done(&b);
}

/* Containers that a webhook adds later share the volume that is there. */
static struct str token_volume_there(const struct doc *spec)
{
	doc_each_item(doc_key(spec, "volumes"), volume)
		if (str_starts(doc_at_str(volume, "name"), STR("kube-api-access-")))
			return doc_at_str(volume, "name");
	return STR("");
}

static const struct doc *mount_token(struct call *call, const struct doc *spec)
{
	struct arena *arena = call->arena;
	char tail[TOKEN_SUFFIX];

	if (all_mount_token(spec))
		return spec;

	struct str volume = token_volume_there(spec);
	bool there = volume.len > 0;

	if (!there) {
		random_name(webhook_dice(call), tail, TOKEN_SUFFIX);
		volume = str_format(arena, "kube-api-access-%.*s", TOKEN_SUFFIX, tail);
	}
	const struct doc *mount = token_mount(arena, volume);

	for (u32 i = 0; i < ARRAY_LEN(container_lists); i++) {
		struct str key = str_of(container_lists[i]);
		const struct doc *list = doc_get(spec, key);

		for (u32 at = 0; at < doc_len(list); at++) {
			const struct doc *one = doc_item(list, at), *mounts;

			if (mounts_token(one))
				continue;
			mounts = doc_append(arena, doc_key(one, "volumeMounts"), mount);
			one = doc_with(arena, one, STR("volumeMounts"), mounts);
			list = doc_with_item(arena, list, at, one);
		}
		if (list)
			spec = doc_with(arena, spec, key, list);
	}
	if (there)
		return spec;
	return doc_with(arena, spec, STR("volumes"),
			doc_append(arena, doc_key(spec, "volumes"), token_volume(arena, volume)));
}

static enum status admit_account(struct call *call, const struct api_kind *kind, struct str ns,
				 const struct doc *pod, const struct doc **spec,
				 struct error *error)
{
	struct str name = doc_str(doc_key(*spec, "serviceAccountName"));
	const struct version *account;

	/* A mirror of a static pod is the node's own; it has no account. */
	if (doc_key(doc_at(pod, "metadata.annotations"), "kubernetes.io/config.mirror"))
		return ST_OK;
	if (name.len == 0)
		name = doc_str_or(doc_key(*spec, "serviceAccount"), STR("default"));
	if (name.len == 0)
		name = STR("default");
	account = store_get(call->server->store, KIND_ServiceAccount, ns, name);
	if (!account)
		return fail_forbidden(call, kind, object_name(pod), error,
				      "error looking up service account " STR_FMT "/" STR_FMT
				      ": serviceaccount \"" STR_FMT "\" not found",
				      STR_ARG(ns), STR_ARG(name), STR_ARG(name));
	*spec = doc_with(call->arena, *spec, STR("serviceAccountName"),
			 doc_ref_str(call->arena, name));
	*spec = doc_with(call->arena, *spec, STR("serviceAccount"), doc_ref_str(call->arena, name));
	if (doc_bool_or(doc_key(*spec, "automountServiceAccountToken"),
			doc_at_bool(account->doc, "automountServiceAccountToken", true)))
		*spec = mount_token(call, *spec);
	if (doc_len(doc_key(*spec, "imagePullSecrets")) == 0 &&
	    doc_len(doc_key(account->doc, "imagePullSecrets")))
		*spec = doc_with(call->arena, *spec, STR("imagePullSecrets"),
				 doc_copy(call->arena, doc_key(account->doc, "imagePullSecrets")));
	return ST_OK;
}

/* ---- DefaultTolerationSeconds */

static const struct doc *tolerate(struct arena *arena, const struct doc *spec, struct str key,
				  i64 seconds)
{
	const struct doc *list = doc_key(spec, "tolerations");
	struct build b = build_object(arena);

	doc_each_item(list, toleration) {
		struct str has = doc_str(doc_key(toleration, "key"));
		struct str effect = doc_str(doc_key(toleration, "effect"));

		if ((has.len == 0 || str_eq(has, key)) &&
		    (effect.len == 0 || str_is(effect, "NoExecute")))
			return spec;
	}
	build_str(&b, "key", key);
	build_str(&b, "operator", STR("Exists"));
	build_str(&b, "effect", STR("NoExecute"));
	build_int(&b, "tolerationSeconds", seconds);
	return doc_with(arena, spec, STR("tolerations"), doc_append(arena, list, build_done(&b)));
}

/* ---- Priority */

/* The value of a class by name; the two of the system need no object. */
static bool class_find(struct call *call, struct str name, i64 *ret_value, struct str *ret_policy)
{
	const struct api_kind *classes = schema_find_kind(
		call->server->schema, STR("scheduling.k8s.io/v1"), STR("PriorityClass"));
	const struct version *class;

	*ret_policy = STR("PreemptLowerPriority");
	if (str_is(name, "system-node-critical") || str_is(name, "system-cluster-critical")) {
		*ret_value = 2000000000 + (str_is(name, "system-node-critical") ? 1000 : 0);
		return true;
	}
	class = classes ? store_get(call->server->store, classes->id, STR(""), name) : NULL;
	if (!class)
		return false;
	*ret_value = doc_at_int(class->doc, "value", 0);
	*ret_policy = doc_str_or(doc_key(class->doc, "preemptionPolicy"), *ret_policy);
	return true;
}

/* The class that is everybody's when nothing is said: the lowest of those marked so. */
static struct str class_default(struct call *call)
{
	const struct api_kind *classes = schema_find_kind(
		call->server->schema, STR("scheduling.k8s.io/v1"), STR("PriorityClass"));
	struct store_iter iter;
	struct version *class, *found = NULL;

	if (!classes)
		return STR("");
	store_iter_start(&iter, call->server->store, classes->id, STR(""), STR(""), STR(""));
	while ((class = store_iter_next(&iter)))
		if (doc_at_bool(class->doc, "globalDefault", false) &&
		    (!found ||
		     doc_at_int(class->doc, "value", 0) < doc_at_int(found->doc, "value", 0)))
			found = class;
	return found ? str_copy(call->arena, found->name) : STR("");
}

static enum status admit_priority(struct call *call, const struct api_kind *kind,
				  const struct doc *pod, const struct doc **spec,
				  struct error *error)
{
	struct str name = doc_str(doc_key(*spec, "priorityClassName")),
		   policy = STR("PreemptLowerPriority");
	const struct doc *said = doc_key(*spec, "priority");
	i64 value = 0;

	if (name.len == 0)
		name = class_default(call);
	if (name.len && !class_find(call, name, &value, &policy))
		return fail_forbidden(call, kind, object_name(pod), error,
				      "no PriorityClass with name " STR_FMT " was found",
				      STR_ARG(name));
	if (said && doc_int_or(said, value) != value)
		return fail_forbidden(call, kind, object_name(pod), error,
				      "the integer value of priority (%lld) must not be provided "
				      "in pod spec; priority admission controller computed %lld "
				      "from the given PriorityClass name",
				      (long long)doc_int_or(said, 0), (long long)value);
	if (name.len)
		*spec = doc_with(call->arena, *spec, STR("priorityClassName"),
				 doc_ref_str(call->arena, name));
	*spec = doc_with(call->arena, *spec, STR("priority"), doc_new_int(call->arena, value));
	if (!doc_key(*spec, "preemptionPolicy"))
		*spec = doc_with(call->arena, *spec, STR("preemptionPolicy"),
				 doc_new_str(call->arena, policy));
	return ST_OK;
}

static bool is_system_class(struct str name, i64 *ret_value)
{
	bool node = str_is(name, "system-node-critical");

	*ret_value = 2000000000 + (node ? 1000 : 0);
	return node || str_is(name, "system-cluster-critical");
}

bool priority_class_is_immortal(const struct api_kind *kind, struct str name)
{
	i64 value;

	return kind->id == KIND_PriorityClass && is_system_class(name, &value);
}

enum status admit_priority_class(struct call *call, const struct api_kind *kind,
				 const struct doc *doc, struct error *error)
{
	struct str name = object_name(doc), other;
	i64 value = doc_at_int(doc, "value", 0), wanted;

	if (str_starts(name, STR("system-"))) {
		bool known = is_system_class(name, &wanted);

		if (!known || value != wanted)
			return fail_invalid(call, kind, name, error, "FieldValueForbidden",
					    "metadata.name",
					    "Forbidden: priority class names with 'system-' prefix "
					    "are reserved for system use only. error: " STR_FMT
					    " is not a known system priority class",
					    STR_ARG(name));
	} else if (value > 1000000000) {
		return fail_invalid(call, kind, name, error, "FieldValueForbidden", "value",
				    "Forbidden: maximum allowed value of a user defined priority "
				    "is 1000000000");
	}
	other = doc_at_bool(doc, "globalDefault", false) ? class_default(call) : STR("");
	if (other.len && !str_eq(other, name))
		return fail_forbidden(call, kind, name, error,
				      "PriorityClass " STR_FMT
				      " is already marked as default. Only one default can exist",
				      STR_ARG(other));
	return ST_OK;
}

/* ---- quality of service, by cpu and memory alone */

struct qos {
	bool any, guaranteed;
};

static void qos_add(struct qos *qos, const struct doc *container)
{
	static const char *const counted[] = { "cpu", "memory" };
	const struct doc *limits = doc_at(container, "resources.limits");
	const struct doc *requests = doc_at(container, "resources.requests");

	for (u32 i = 0; i < ARRAY_LEN(counted); i++) {
		const struct doc *limit = doc_get(limits, str_of(counted[i]));
		const struct doc *request = doc_get(requests, str_of(counted[i]));
		struct quantity most = quantity_of(limit);

		/* A limit alone is a request too; that default comes later. */
		struct quantity least = request ? quantity_of(request) : most;

		if (most.nanos > 0 || least.nanos > 0)
			qos->any = true;
		if (most.nanos <= 0 || quantity_compare(most, least) != 0)
			qos->guaranteed = false;
	}
}

static struct str qos_class(const struct doc *spec)
{
	struct qos qos = { .guaranteed = true };

	for (u32 i = 0; i < ARRAY_LEN(container_lists); i++)
		doc_each_item(doc_get(spec, str_of(container_lists[i])), container)
			qos_add(&qos, container);
	return !qos.any ? STR("BestEffort") : qos.guaranteed ? STR("Guaranteed") : STR("Burstable");
}

/* A pod with gates says from the start why nobody places it. */
static const struct doc *with_gates_said(struct arena *arena, const struct doc *pod)
{
	struct build b = build_object(arena);

	if (!doc_len(doc_at(pod, "spec.schedulingGates")))
		return pod;
	build_str(&b, "type", STR("PodScheduled"));
	build_str(&b, "status", STR("False"));
	build_doc(&b, "lastProbeTime", &doc_null);
	build_doc(&b, "lastTransitionTime", &doc_null);
	build_str(&b, "reason", STR("SchedulingGated"));
	build_str(&b, "message", STR("Scheduling is blocked due to non-empty scheduling gates"));
	return doc_set(arena, pod, "status.conditions",
		       doc_append(arena, &doc_empty_array, build_done(&b)));
}

enum status admit_pod(struct call *call, const struct api_kind *kind, struct str ns,
		      const struct doc *doc, const struct doc **ret_doc, struct error *error)
{
	struct arena *arena = call->arena;
	const struct doc *spec = doc_key(doc, "spec");
	enum status status = admit_account(call, kind, ns, doc, &spec, error);

	if (status == ST_OK)
		status = admit_priority(call, kind, doc, &spec, error);
	if (status == ST_OK)
		status = admit_runtime_class(call, kind, doc, &spec, error);
	if (status != ST_OK)
		return status;
	i64 stay_s = call->server->config.evict_after_s;

	spec = tolerate(arena, spec, STR("node.kubernetes.io/not-ready"), stay_s);
	spec = tolerate(arena, spec, STR("node.kubernetes.io/unreachable"), stay_s);
	doc = doc_with(arena, doc, STR("spec"), spec);
	doc = doc_set_str(arena, doc, "status.phase", STR("Pending"));
	doc = with_gates_said(arena, doc);
	*ret_doc = doc_set_str(arena, doc, "status.qosClass", qos_class(spec));
	return ST_OK;
}
