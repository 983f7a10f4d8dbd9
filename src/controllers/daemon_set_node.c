/* DaemonSet: which nodes get a pod, and what that pod looks like. */
#include "base/map.h"
#include "controllers/daemon_set.h"
#include "controllers/labels.h"
#include "controllers/pod.h"
#include "controllers/toleration.h"
#include "doc/build.h"

/* ---- eligible nodes */

static bool fields_match(const struct doc *requirements, struct str node)
{
	doc_each_item(requirements, requirement) {
		bool listed = false;
		doc_each_item(doc_key(requirement, "values"), value) {
			listed = listed || str_eq(doc_str(value), node);
		}
		bool in = str_is(doc_str(doc_key(requirement, "operator")), "In");
		if (!str_is(doc_str(doc_key(requirement, "key")), "metadata.name") || listed != in)
			return false;
	}
	return true;
}

static bool term_matches(const struct doc *term, const struct version *node)
{
	const struct doc *labels = doc_at(node->doc, AT(Node, metadata.labels));
	const struct doc *expressions = doc_key(term, "matchExpressions");
	const struct doc *fields = doc_key(term, "matchFields");
	if (!doc_len(expressions) && !doc_len(fields))
		return false;
	doc_each_item(expressions, requirement) {
		if (!requirement_matches(requirement, labels))
			return false;
	}
	return fields_match(fields, node->name);
}

static bool affinity_matches(const struct doc *spec, const struct version *node)
{
	const struct doc *required = doc_at(
		spec, "affinity.nodeAffinity.requiredDuringSchedulingIgnoredDuringExecution");
	if (!labels_contain(doc_at(node->doc, AT(Node, metadata.labels)),
			    doc_key(spec, "nodeSelector")))
		return false;
	if (!required)
		return true;
	doc_each_item(doc_key(required, "nodeSelectorTerms"), term) {
		if (term_matches(term, node))
			return true;
	}
	return false;
}

static bool untolerated(const struct doc *tolerations, const struct version *node,
			const char *effect)
{
	doc_each_item(doc_at(node->doc, AT(Node, spec.taints)), taint) {
		if (taint_has_effect(taint, effect) && !tolerations_tolerate(tolerations, taint))
			return true;
	}
	return false;
}

static void judge(const struct daemons *d, struct daemon_node *node)
{
	const struct doc *spec = doc_key(d->template, "spec");
	struct str fixed = doc_str(doc_key(spec, "nodeName"));
	if (!node->node || (fixed.len && !str_eq(fixed, node->name)) ||
	    !affinity_matches(spec, node->node))
		return;
	node->tolerated = !untolerated(d->tolerations, node->node, "NoExecute");
	node->wanted = node->tolerated && !untolerated(d->tolerations, node->node, "NoSchedule");
}

/* Daemons keep running where others would be sent away. */
static const struct doc *with_standard_tolerations(struct arena *arena, const struct doc *spec)
{
	static const char *const standard[][2] = {
		{ "node.kubernetes.io/not-ready", "NoExecute" },
		{ "node.kubernetes.io/unreachable", "NoExecute" },
		{ "node.kubernetes.io/disk-pressure", "NoSchedule" },
		{ "node.kubernetes.io/memory-pressure", "NoSchedule" },
		{ "node.kubernetes.io/pid-pressure", "NoSchedule" },
		{ "node.kubernetes.io/unschedulable", "NoSchedule" },
		{ "node.kubernetes.io/network-unavailable", "NoSchedule" },
	};
	u32 len = ARRAY_LEN(standard) - !doc_bool_or(doc_key(spec, "hostNetwork"), false);
	const struct doc *tolerations = doc_key(spec, "tolerations");
	for (u32 i = 0; i < len; i++) {
		struct build b = build_object(arena);
		build_str(&b, "key", str_of(standard[i][0]));
		build_str(&b, "operator", STR("Exists"));
		build_str(&b, "effect", str_of(standard[i][1]));
		const struct doc *made = build_done(&b);
		bool there = false;
		doc_each_item(tolerations, toleration) {
			there = there || doc_eq(toleration, made);
		}
		if (!there)
			tolerations = doc_append(arena, tolerations, made);
	}
	return tolerations;
}

struct str daemon_pod_node(const struct doc *pod)
{
	struct str node = doc_at_str(pod, AT(Pod, spec.nodeName));
	if (node.len)
		return node;
	const struct doc *terms = doc_at(pod, "spec.affinity.nodeAffinity."
					      "requiredDuringSchedulingIgnoredDuringExecution."
					      "nodeSelectorTerms");
	doc_each_item(terms, term) {
		doc_each_item(doc_key(term, "matchFields"), field) {
			if (str_is(doc_str(doc_key(field, "key")), "metadata.name"))
				return doc_str(doc_item(doc_key(field, "values"), 0));
		}
	}
	return STR_NONE;
}

static int by_age(const struct version *a, const struct version *b)
{
	int order = str_cmp(doc_at_str(a->doc, AT(Pod, metadata.creationTimestamp)),
			    doc_at_str(b->doc, AT(Pod, metadata.creationTimestamp)));
	return order ? order : str_cmp(a->name, b->name);
}

void daemons_read_nodes(struct daemons *d, struct list pods)
{
	struct list nodes = view_list(d->view, KIND_Node, STR_NONE);
	struct map places = { 0 }; /* name → index + 1 */
	d->tolerations = with_standard_tolerations(d->arena, doc_key(d->template, "spec"));
	for (u32 i = 0; i < nodes.len; i++) {
		struct daemon_node node = { .name = nodes.at[i]->name, .node = nodes.at[i] };
		judge(d, &node);
		VEC_PUSH(d->arena, &d->nodes, node);
		map_put(&places, node.name, (void *)(uintptr_t)d->nodes.len);
	}
	list_sort(d->arena, pods, by_age);
	for (u32 i = 0; i < pods.len; i++) {
		struct str name = daemon_pod_node(pods.at[i]->doc);
		u32 at = name.len ? (u32)(uintptr_t)map_get(&places, name) : 0;
		if (!at) {
			VEC_PUSH(d->arena, &d->nodes, (struct daemon_node){ .name = name });
			at = d->nodes.len;
			if (name.len)
				map_put(&places, name, (void *)(uintptr_t)at);
		}
		struct daemon_node *node = &d->nodes.at[at - 1];
		VEC_PUSH(d->arena, &node->pods, pods.at[i]);
	}
	map_release(&places);
}

bool daemon_node_differs(const struct doc *before, const struct doc *now)
{
	static const char *const paths[] = { AT(Node, metadata.labels), AT(Node, spec.taints) };
	for (u32 i = 0; i < ARRAY_LEN(paths); i++) {
		const struct doc *old = doc_at(before, paths[i]), *new = doc_at(now, paths[i]);
		if (old != new && !(old && new &&doc_eq(old, new)))
			return true;
	}
	return false;
}

/* ---- the pod of a node */

/* The scheduler binds it, but to this node only: every term of the affinity is pinned by name. */
static const struct doc *with_pin(struct arena *arena, const struct doc *pod, struct str node)
{
	static const char terms_path[] = "spec.affinity.nodeAffinity."
					 "requiredDuringSchedulingIgnoredDuringExecution."
					 "nodeSelectorTerms";
	struct build b = build_array(arena);
	build_open_object(&b, NULL);
	build_str(&b, "key", STR("metadata.name"));
	build_str(&b, "operator", STR("In"));
	build_open_array(&b, "values");
	build_str(&b, NULL, str_copy(arena, node));
	build_close(&b);
	build_close(&b);
	const struct doc *fields = build_done(&b);
	const struct doc *terms = doc_at(pod, terms_path), *made = NULL;
	doc_each_item(terms, term) {
		made = doc_append(arena, made, doc_with(arena, term, STR("matchFields"), fields));
	}
	if (!made)
		made = doc_append(arena, NULL, doc_with(arena, NULL, STR("matchFields"), fields));
	return doc_set(arena, pod, terms_path, made);
}

const struct doc *daemon_pod_for(const struct daemons *d, struct str node)
{
	struct arena *arena = d->arena;
	struct str prefix = str_format(arena, STR_FMT "-", STR_ARG(d->owner->name));
	if (prefix.len > LABEL_BYTES_MAX - 5)
		prefix = str_part(prefix, 0, LABEL_BYTES_MAX - 5);
	const struct doc *pod = pod_from_template(arena, d->template, prefix,
						  object_owner_ref(arena, d->view, d->owner));
	const struct doc *labels = doc_at(pod, AT(Pod, metadata.labels));
	labels = doc_with(arena, labels, STR(DAEMON_HASH), doc_new_str(arena, d->revisions.hash));
	labels = doc_with(
		arena, labels, STR("pod-template-generation"),
		doc_new_str(arena, str_format(arena, "%lld", (long long)d->revisions.number)));
	pod = doc_set(arena, pod, "metadata.labels", labels);
	pod = doc_set(arena, pod, "spec.tolerations", d->tolerations);
	return with_pin(arena, pod, node);
}
