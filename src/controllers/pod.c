/* Pods as the controllers see them; follows k8s.io/kubernetes pkg/api/v1/pod and controller_utils.
 */
#include "controllers/pod.h"

#include "base/map.h"
#include "base/timestamp.h"
#include "doc/build.h"

const struct doc *condition_get(const struct doc *object, const char *type)
{
	doc_each_item(doc_at(object, "status.conditions"), condition) {
		if (str_is(doc_str(doc_key(condition, "type")), type))
			return condition;
	}
	return NULL;
}

bool condition_is(const struct doc *object, const char *type, const char *status)
{
	return str_is(doc_str(doc_key(condition_get(object, type), "status")), status);
}

bool pod_finished(const struct doc *pod)
{
	struct str phase = doc_at_str(pod, AT(Pod, status.phase));
	return str_eq(phase, STR("Succeeded")) || str_eq(phase, STR("Failed"));
}

bool pod_active(const struct version *pod)
{
	return !pod_finished(pod->doc) && !object_deleting(pod->doc);
}

bool pod_ready(const struct doc *pod)
{
	return condition_is(pod, "Ready", "True");
}

i64 pod_ready_since(const struct doc *pod)
{
	const struct doc *ready = condition_get(pod, "Ready");
	if (!str_is(doc_str(doc_key(ready, "status")), "True"))
		return NEVER_NS;
	return timestamp_or(doc_str(doc_key(ready, "lastTransitionTime")), 0);
}

bool pod_available(const struct doc *pod, i64 min_ready_s, i64 now_ns, i64 *ret_wake)
{
	i64 since = pod_ready_since(pod);
	if (since == NEVER_NS)
		return false;
	i64 at = since + min_ready_s * NS_PER_S;
	if (!min_ready_s || at <= now_ns)
		return true;
	if (ret_wake)
		*ret_wake = MIN(*ret_wake, at);
	return false;
}

/* ---- whom to lose */

struct loss { /* what decides, smaller is lost first */
	struct version *pod;
	i64 order[5]; /* node, phase, ready, cost, doubled-up */
	i64 ready_ns, created_ns;
	i64 restarts;
};

static i64 restarts_of(const struct doc *pod)
{
	i64 most = 0;
	doc_each_item(doc_at(pod, AT(Pod, status.containerStatuses)), container) {
		most = MAX(most, doc_int_or(doc_key(container, "restartCount"), 0));
	}
	return most;
}

static i64 phase_order(const struct doc *pod)
{
	struct str phase = doc_at_str(pod, AT(Pod, status.phase));
	return str_eq(phase, STR("Running")) ? 2 : str_eq(phase, STR("Unknown")) ? 1 : 0;
}

static i64 deletion_cost(const struct doc *pod)
{
	i64 cost = 0;
	struct str text = doc_str(doc_get(doc_at(pod, AT(Pod, metadata.annotations)),
					  STR("controller.kubernetes.io/pod-deletion-cost")));
	return str_to_i64(text, &cost) ? cost : 0;
}

/* Ages are compared by their order of magnitude, so that among pods of about one age chance (their
 * uid) decides and not always the youngest goes. */
static i64 magnitude(i64 since_ns, i64 now_ns)
{
	return now_ns > since_ns ? 63 - __builtin_clzll((u64)(now_ns - since_ns)) : -1;
}

static i64 order_by_age(i64 a_ns, i64 b_ns, i64 now_ns, const struct loss *a, const struct loss *b)
{
	i64 difference = magnitude(a_ns, now_ns) - magnitude(b_ns, now_ns);
	return difference ? difference : str_cmp(a->pod->uid, b->pod->uid);
}

static i64 loss_order(const struct loss *a, const struct loss *b, i64 now_ns)
{
	for (u32 i = 0; i < ARRAY_LEN(a->order); i++)
		if (a->order[i] != b->order[i])
			return a->order[i] < b->order[i] ? -1 : 1;
	if (a->order[2] && a->ready_ns != b->ready_ns)
		return order_by_age(a->ready_ns, b->ready_ns, now_ns, a, b);
	if (a->restarts != b->restarts)
		return a->restarts > b->restarts ? -1 : 1;
	if (a->created_ns != b->created_ns)
		return order_by_age(a->created_ns, b->created_ns, now_ns, a, b);
	return 0;
}

static void loss_sort(struct loss *at, struct loss *spare, u32 len, i64 now_ns)
{
	if (len < 2)
		return;
	u32 half = len / 2, left = 0, right = half;
	loss_sort(at, spare, half, now_ns);
	loss_sort(at + half, spare, len - half, now_ns);
	memcpy(spare, at, len * sizeof *at);
	for (u32 i = 0; i < len; i++) {
		bool take_left =
			right == len ||
			(left < half && loss_order(&spare[left], &spare[right], now_ns) <= 0);
		at[i] = take_left ? spare[left++] : spare[right++];
	}
}

/* Counts active related pods by node: how doubled-up a pod is. */
static void count_by_node(struct arena *arena, struct list related, struct map *counts)
{
	for (u32 i = 0; i < related.len; i++) {
		struct str node = doc_at_str(related.at[i]->doc, AT(Pod, spec.nodeName));
		if (!node.len || !pod_active(related.at[i]))
			continue;
		u32 *count = map_get(counts, node);
		if (!count) {
			count = ARENA_NEW(arena, u32);
			map_put(counts, node, count);
		}
		(*count)++;
	}
}

void pods_sort_by_loss(const struct view *view, struct list pods, struct list related)
{
	struct loss *losses = ARENA_ARRAY(view->arena, struct loss, pods.len);
	struct loss *spare = ARENA_ARRAY(view->arena, struct loss, pods.len);
	struct map counts = { 0 };
	count_by_node(view->arena, related, &counts);
	for (u32 i = 0; i < pods.len; i++) {
		const struct doc *pod = pods.at[i]->doc;
		struct str node = doc_at_str(pod, AT(Pod, spec.nodeName));
		u32 *doubled = node.len ? map_get(&counts, node) : NULL;
		bool ready = pod_ready(pod);
		losses[i] = (struct loss){
			.pod = pods.at[i],
			.order = { node.len != 0, phase_order(pod), ready, deletion_cost(pod),
				   doubled ? -(i64)*doubled : 0 },
			.ready_ns = ready ? pod_ready_since(pod) : 0,
			.created_ns = timestamp_or(
				doc_at_str(pod, AT(Pod, metadata.creationTimestamp)), 0),
			.restarts = restarts_of(pod),
		};
	}
	loss_sort(losses, spare, pods.len, view->now_ns);
	for (u32 i = 0; i < pods.len; i++)
		pods.at[i] = losses[i].pod;
	map_release(&counts);
}

/* ---- making pods */

const struct doc *pod_from_template(struct arena *arena, const struct doc *template,
				    struct str name_prefix, const struct doc *owner_ref)
{
	struct build b = build_object(arena);
	build_str(&b, "apiVersion", STR("v1"));
	build_str(&b, "kind", STR("Pod"));
	build_open_object(&b, "metadata");
	build_str(&b, "generateName", name_prefix);
	build_doc(&b, "labels", doc_at(template, "metadata.labels"));
	build_doc(&b, "annotations", doc_at(template, "metadata.annotations"));
	build_doc(&b, "finalizers", doc_at(template, "metadata.finalizers"));
	build_open_array(&b, "ownerReferences");
	build_doc(&b, NULL, owner_ref);
	build_close(&b);
	build_close(&b);
	build_doc(&b, "spec", doc_key(template, "spec"));
	return build_done(&b);
}

/* ---- conditions */

static const struct doc *condition_new(struct arena *arena, const char *type, const char *value,
				       const char *reason, struct str message, struct str since)
{
	struct build b = build_object(arena);
	build_str(&b, "type", str_of(type));
	build_str(&b, "status", str_of(value));
	build_str(&b, "lastTransitionTime", since);
	build_str_if(&b, "reason", str_of(reason));
	build_str_if(&b, "message", message);
	return build_done(&b);
}

const struct doc *status_with_condition(struct arena *arena, const struct doc *status,
					const char *type, const char *value, const char *reason,
					struct str message, i64 now_ns)
{
	const struct doc *conditions = doc_key(status, "conditions");
	struct str since = timestamp_print(arena, now_ns);
	for (u32 i = 0; i < doc_len(conditions); i++) {
		const struct doc *old = doc_item(conditions, i);
		if (!str_is(doc_str(doc_key(old, "type")), type))
			continue;
		if (str_is(doc_str(doc_key(old, "status")), value)) {
			if (str_eq(doc_str(doc_key(old, "reason")), str_of(reason)) &&
			    str_eq(doc_str(doc_key(old, "message")), message))
				return status;
			since = doc_str(doc_key(old, "lastTransitionTime"));
		}
		const struct doc *made = condition_new(arena, type, value, reason, message, since);
		return doc_with(arena, status, STR("conditions"),
				doc_with_item(arena, conditions, i, made));
	}
	const struct doc *made = condition_new(arena, type, value, reason, message, since);
	return doc_with(arena, status, STR("conditions"), doc_append(arena, conditions, made));
}

const struct doc *status_without_condition(struct arena *arena, const struct doc *status,
					   const char *type)
{
	const struct doc *conditions = doc_key(status, "conditions");
	for (u32 i = 0; i < doc_len(conditions); i++) {
		if (!str_is(doc_str(doc_key(doc_item(conditions, i), "type")), type))
			continue;
		conditions = doc_with_item(arena, conditions, i, NULL);
		return doc_with(arena, status, STR("conditions"),
				doc_len(conditions) ? conditions : NULL);
	}
	return status;
}
