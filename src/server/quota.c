/* What objects use: names as in pkg/quota/v1/evaluator/core. */
#include "server/quota.h"

#include "server/object.h"

static void count_as(struct arena *arena, struct amounts *usage, struct str name, i64 count)
{
	amounts_add(arena, usage, name, quantity_from_int(count, QUANTITY_DECIMAL));
}

static struct str count_name(struct arena *arena, const struct api_kind *kind)
{
	if (!kind->group.len)
		return str_format(arena, "count/" STR_FMT, STR_ARG(kind->plural));
	return str_format(arena, "count/" STR_FMT "." STR_FMT, STR_ARG(kind->plural),
			  STR_ARG(kind->group));
}

static bool is_finished(const struct doc *pod)
{
	struct str phase = doc_at_str(pod, "status.phase");

	return str_is(phase, "Succeeded") || str_is(phase, "Failed");
}

static bool is_basic(struct str name)
{
	return str_is(name, "cpu") || str_is(name, "memory") || str_is(name, "ephemeral-storage");
}

static void use_pod(struct arena *arena, struct amounts *usage, const struct doc *pod)
{
	struct amounts requests = pod_amounts(arena, doc_key(pod, "spec"), "requests");
	struct amounts limits = pod_amounts(arena, doc_key(pod, "spec"), "limits");

	if (is_finished(pod))
		return;
	count_as(arena, usage, STR("pods"), 1);
	for (u32 i = 0; i < requests.list.len; i++) {
		struct amount amount = requests.list.at[i];

		if (is_basic(amount.name) || str_starts(amount.name, STR("hugepages-")))
			amounts_add(arena, usage, amount.name, amount.quantity);
		amounts_add(arena, usage,
			    str_format(arena, "requests." STR_FMT, STR_ARG(amount.name)),
			    amount.quantity);
	}
	for (u32 i = 0; i < limits.list.len; i++)
		if (is_basic(limits.list.at[i].name))
			amounts_add(arena, usage,
				    str_format(arena, "limits." STR_FMT,
					       STR_ARG(limits.list.at[i].name)),
				    limits.list.at[i].quantity);
}

static void use_service(struct arena *arena, struct amounts *usage, const struct doc *service)
{
	struct str type = doc_at_str(service, "spec.type");
	i64 ports = doc_len(doc_at(service, "spec.ports"));
	bool balanced = str_is(type, "LoadBalancer");
	const struct doc *wanted = doc_at(service, "spec.allocateLoadBalancerNodePorts");

	count_as(arena, usage, STR("services"), 1);
	count_as(arena, usage, STR("services.loadbalancers"), balanced);
	if (!str_is(type, "NodePort") && !(balanced && doc_bool_or(wanted, true)))
		ports = 0;
	count_as(arena, usage, STR("services.nodeports"), ports);
}

static void use_claim(struct arena *arena, struct amounts *usage, const struct doc *claim)
{
	struct quantity storage = quantity_of(doc_at(claim, "spec.resources.requests.storage"));
	struct str class = doc_at_str(claim, "spec.storageClassName");

	count_as(arena, usage, STR("persistentvolumeclaims"), 1);
	amounts_add(arena, usage, STR("requests.storage"), storage);
	if (!class.len)
		return;
	count_as(arena, usage,
		 str_format(arena, STR_FMT ".storageclass.storage.k8s.io/persistentvolumeclaims",
			    STR_ARG(class)),
		 1);
	amounts_add(arena, usage,
		    str_format(arena, STR_FMT ".storageclass.storage.k8s.io/requests.storage",
			       STR_ARG(class)),
		    storage);
}

struct amounts quota_usage(struct arena *arena, const struct api_kind *kind,
			   const struct doc *object)
{
	struct amounts usage = { 0 };

	count_as(arena, &usage, count_name(arena, kind), 1);
	switch (kind->id) {
	case KIND_Pod:
		use_pod(arena, &usage, object);
		break;
	case KIND_Service:
		use_service(arena, &usage, object);
		break;
	case KIND_PersistentVolumeClaim:
		use_claim(arena, &usage, object);
		break;
	case KIND_ConfigMap:
	case KIND_Secret:
	case KIND_ReplicationController:
	case KIND_ResourceQuota:
		count_as(arena, &usage, kind->plural, 1);
		break;
	default:
		break;
	}
	return usage;
}

bool quota_concerns(const struct doc *hard, const struct api_kind *kind)
{
	bool old_names = kind->id == KIND_Pod || kind->id == KIND_Service ||
			 kind->id == KIND_PersistentVolumeClaim || kind->id == KIND_ConfigMap ||
			 kind->id == KIND_Secret || kind->id == KIND_ReplicationController ||
			 kind->id == KIND_ResourceQuota;

	doc_each_pair(hard, name, value) {
		struct str rest = name;

		(void)value;
		if (!str_starts(name, STR("count/"))) {
			if (old_names)
				return true;
			continue;
		}
		rest = str_from(name, 6);
		struct str plural = str_cut(&rest, '.');

		if (str_eq(plural, kind->plural) && str_eq(rest, kind->group))
			return true;
	}
	return false;
}

/* ---- scopes */

static bool is_best_effort(const struct doc *pod)
{
	static const char *const lists[] = { "spec.containers", "spec.initContainers" };

	for (u32 i = 0; i < ARRAY_LEN(lists); i++)
		doc_each_item(doc_at(pod, lists[i]), container)
			if (doc_len(doc_at(container, "resources.requests")) ||
			    doc_len(doc_at(container, "resources.limits")))
				return false;
	return true;
}

static bool class_fits(struct str class, struct str operator, const struct doc * values)
{
	bool listed = false;

	doc_each_item(values, value)
		listed = listed || str_eq(doc_str(value), class);
	if (str_is(operator, "In"))
		return class.len && listed;
	if (str_is(operator, "NotIn"))
		return !listed;
	return str_is(operator, "DoesNotExist") ? !class.len : class.len > 0;
}

/* Does the pod want to be near or far from pods of other namespaces? */
static bool looks_beyond(const struct doc *pod)
{
	static const char *const kinds[] = { "spec.affinity.podAffinity",
					     "spec.affinity.podAntiAffinity" };
	static const char *const lists[] = { "requiredDuringSchedulingIgnoredDuringExecution",
					     "preferredDuringSchedulingIgnoredDuringExecution" };

	for (u32 i = 0; i < 4; i++)
		doc_each_item(doc_get(doc_at(pod, kinds[i / 2]), str_of(lists[i % 2])), item) {
			const struct doc *term = i % 2 ? doc_key(item, "podAffinityTerm") : item;

			if (doc_len(doc_key(term, "namespaces")) ||
			    !doc_is_null(doc_key(term, "namespaceSelector")))
				return true;
		}
	return false;
}

static bool in_scope(const struct doc *pod, struct str scope, struct str operator,
		     const struct doc * values)
{
	bool terminating = doc_at(pod, "spec.activeDeadlineSeconds") != NULL;

	if (str_is(scope, "Terminating"))
		return terminating;
	if (str_is(scope, "NotTerminating"))
		return !terminating;
	if (str_is(scope, "BestEffort"))
		return is_best_effort(pod);
	if (str_is(scope, "NotBestEffort"))
		return !is_best_effort(pod);
	if (str_is(scope, "PriorityClass"))
		return class_fits(doc_at_str(pod, "spec.priorityClassName"), operator, values);
	if (str_is(scope, "CrossNamespacePodAffinity"))
		return looks_beyond(pod);
	return false;
}

bool quota_covers(const struct doc *quota, const struct api_kind *kind, const struct doc *object)
{
	const struct doc *scopes = doc_at(quota, "spec.scopes");
	const struct doc *chosen = doc_at(quota, "spec.scopeSelector.matchExpressions");

	if (kind->id != KIND_Pod) /* scopes are about pods alone */
		return !doc_len(scopes) && !doc_len(chosen);
	doc_each_item(scopes, scope)
		if (!in_scope(object, doc_str(scope), STR("Exists"), NULL))
			return false;
	doc_each_item(chosen, rule)
		if (!in_scope(object, doc_str(doc_key(rule, "scopeName")),
			      doc_str(doc_key(rule, "operator")), doc_key(rule, "values")))
			return false;
	return true;
}

static void count_kind(struct arena *arena, struct store *store, const struct version *quota,
		       const struct api_kind *kind, struct amounts *used)
{
	struct store_iter iter;
	store_iter_start(&iter, store, kind->id, quota->namespace, STR_NONE, STR_NONE);
	for (struct version *object; (object = store_iter_next(&iter));) {
		if (!quota_covers(quota->doc, kind, object->doc))
			continue;
		struct amounts usage = quota_usage(arena, kind, object->doc);
		for (u32 k = 0; k < usage.list.len; k++)
			amounts_add(arena, used, usage.list.at[k].name, usage.list.at[k].quantity);
	}
}

struct amounts quota_count(struct arena *arena, const struct schema *schema, struct store *store,
			   const struct version *quota)
{
	struct amounts used = { 0 };
	const struct doc *hard = doc_at(quota->doc, "spec.hard");

	for (kind_id id = 1; id < schema_kinds_end(schema); id++) {
		const struct api_kind *kind = schema_kind(schema, id);
		if (kind->stored == kind && kind->namespaced && quota_concerns(hard, kind))
			count_kind(arena, store, quota, kind, &used);
	}
	return used;
}
