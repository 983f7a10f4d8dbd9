/* The frame of an answer: what state the pod is in, and whom to ask for more. */
#include "scheduler/why.h"

#include "base/timestamp.h"
#include "controllers/pod.h"
#include "doc/build.h"

void why_add(struct why *why, const char *about, struct str node, struct str what, struct str help)
{
	for (u32 i = 0; i < why->reasons.len && node.len; i++) {
		struct why_reason *reason = &why->reasons.at[i];
		if (strcmp(reason->about, about) != 0 || !str_eq(reason->what, what))
			continue;
		VEC_PUSH(why->arena, &reason->nodes, node);
		return;
	}
	struct why_reason reason = { .about = about, .what = what, .help = help };
	if (node.len)
		VEC_PUSH(why->arena, &reason.nodes, node);
	VEC_PUSH(why->arena, &why->reasons, reason);
}

const struct doc *why_event(struct why *why, const char *reason)
{
	const struct doc *newest = NULL;
	struct store_iter iter;
	store_iter_start(&iter, why->view->store, KIND_Event, why->pod->namespace, STR_NONE,
			 STR_NONE);
	for (struct version *event; (event = store_iter_next(&iter));) {
		const struct doc *doc = event->doc;
		if (!str_eq(doc_at_str(doc, "involvedObject.uid"), why->pod->uid) ||
		    !str_is(doc_at_str(doc, "reason"), reason))
			continue;
		if (!newest || str_cmp(doc_at_str(newest, "lastTimestamp"),
				       doc_at_str(doc, "lastTimestamp")) <= 0)
			newest = doc;
	}
	return newest;
}

/* ---- states */

static struct str ago(struct why *why, struct str time)
{
	i64 then;
	if (!timestamp_parse(time, &then))
		return STR("some time ago");
	i64 s = MAX((why->view->now_ns - then) / NS_PER_S, 0);
	if (s < 120)
		return WHY(why, "%lld s ago", (long long)s);
	if (s < 7200)
		return WHY(why, "%lld min ago", (long long)s / 60);
	return WHY(why, "%lld h ago", (long long)s / 3600);
}

/* Has the pod's node gone quiet? Says so. */
static bool node_is_dead(struct why *why)
{
	struct str name = doc_at_str(why->doc, AT(Pod, spec.nodeName));
	struct version *node =
		name.len ? store_get(why->view->store, KIND_Node, STR_NONE, name) : NULL;
	if (!name.len)
		return false;
	if (!node) {
		why_add(why, "node", name, STR("the node is not there any more"),
			STR("Nothing to do: the pod is removed in a while, and its owner makes "
			    "another."));
		return true;
	}
	const struct doc *ready = condition_get(node->doc, "Ready");
	if (!ready || str_is(doc_str(doc_key(ready, "status")), "True"))
		return false;
	why_add(why, "node", name,
		WHY(why, "the node is not ready since %s: " STR_FMT,
		    str_c(why->arena, ago(why, doc_str(doc_key(ready, "lastTransitionTime")))),
		    STR_ARG(doc_str(doc_key(ready, "message")))),
		STR("Look after the node: is it on, is its agent running, does it reach the "
		    "server?"));
	return true;
}

static void is_leaving(struct why *why)
{
	const struct doc *finalizers = doc_at(why->doc, "metadata.finalizers");
	why->summary = WHY(
		why, "The pod is being deleted, asked for %s.",
		str_c(why->arena, ago(why, doc_at_str(why->doc, "metadata.deletionTimestamp"))));
	doc_each_item(finalizers, item) {
		why_add(why, "deletion", STR_NONE,
			WHY(why, "its finalizer " STR_FMT " is still there",
			    STR_ARG(doc_str(item))),
			STR("Whoever set the finalizer has to take it away; if nobody is left who "
			    "does, remove it from metadata.finalizers."));
	}
	if (node_is_dead(why) || doc_len(finalizers))
		return;
	i64 grace = doc_at_int(why->doc, "metadata.deletionGracePeriodSeconds", 0);
	why_add(why, "deletion", STR_NONE,
		WHY(why, "its containers have %lld s to end by themselves", (long long)grace),
		STR("Wait, or delete it with --now."));
}

static void has_ended(struct why *why)
{
	bool failed = str_is(doc_at_str(why->doc, AT(Pod, status.phase)), "Failed");
	struct str reason = doc_at_str(why->doc, AT(Pod, status.reason));
	struct str message = doc_at_str(why->doc, AT(Pod, status.message));
	why->summary = failed ? STR("The pod has failed and will not run again.")
			      : STR("The pod has done its work and will not run again.");
	if (reason.len || message.len)
		why_add(why, "end", STR_NONE,
			WHY(why, STR_FMT "%s" STR_FMT, STR_ARG(reason),
			    reason.len && message.len ? ": " : "", STR_ARG(message)),
			STR_NONE);
	if (failed)
		why_containers(why);
}

static void has_gates(struct why *why)
{
	why->summary = STR("The pod waits until its scheduling gates are taken away.");
	doc_each_item(doc_at(why->doc, AT(Pod, spec.schedulingGates)), gate) {
		why_add(why, "gate", STR_NONE,
			WHY(why, "the gate " STR_FMT " is closed",
			    STR_ARG(doc_str(doc_key(gate, "name")))),
			STR("Whoever set the gate has to remove it from spec.schedulingGates."));
	}
}

static void has_no_node(struct why *why)
{
	struct str scheduler = doc_at_str(why->doc, AT(Pod, spec.schedulerName));
	why->summary = STR("The pod has no node yet.");
	if (scheduler.len && !str_is(scheduler, "default-scheduler")) {
		why_add(why, "scheduling", STR_NONE,
			WHY(why,
			    "it asks for the scheduler \"" STR_FMT
			    "\", and nobody of that name has given it a node",
			    STR_ARG(scheduler)),
			STR("Start that scheduler, or make the pod without spec.schedulerName."));
		return;
	}
	if (!why->view->picture) {
		why_add(why, "scheduling", STR_NONE, STR("no scheduler is running here"),
			STR("Start the server with its scheduler."));
		return;
	}
	why_nodes(why);
}

static bool is_running(const struct doc *pod)
{
	return str_is(doc_at_str(pod, AT(Pod, status.phase)), "Running") && pod_ready(pod);
}

static void has_a_node(struct why *why)
{
	struct str node = doc_at_str(why->doc, AT(Pod, spec.nodeName));
	bool started = str_is(doc_at_str(why->doc, AT(Pod, status.phase)), "Running");
	if (is_running(why->doc)) {
		why->running = true;
		why->summary =
			WHY(why, "The pod runs on node " STR_FMT " and is ready.", STR_ARG(node));
		return;
	}
	why->summary = WHY(why, "The pod is on node " STR_FMT ", but %s.", STR_ARG(node),
			   started ? "not ready" : "has not started");
	if (node_is_dead(why))
		return;
	why_needs(why);
	why_containers(why);
	if (!why->reasons.len)
		why_add(why, "start", STR_NONE, STR("nothing stands in its way that is known"),
			STR("Wait a moment: the node has just got it."));
}

/* ---- the answer */

static const struct doc *answer(const struct why *why)
{
	struct build b = build_object(why->arena);
	build_str(&b, "kind", STR("Why"));
	build_str(&b, "apiVersion", STR("minke/v1"));
	build_open_object(&b, "metadata");
	build_str(&b, "name", why->pod->name);
	build_str(&b, "namespace", why->pod->namespace);
	build_close(&b);
	build_str(&b, "summary", why->summary);
	build_bool(&b, "running", why->running);
	build_open_array(&b, "reasons");
	for (u32 i = 0; i < why->reasons.len; i++) {
		const struct why_reason *reason = &why->reasons.at[i];
		build_open_object(&b, NULL);
		build_str(&b, "about", str_of(reason->about));
		if (reason->nodes.len) {
			build_open_array(&b, "nodes");
			for (u32 k = 0; k < reason->nodes.len; k++)
				build_str(&b, NULL, reason->nodes.at[k]);
			build_close(&b);
		}
		build_str(&b, "what", reason->what);
		build_str_if(&b, "help", reason->help);
		build_close(&b);
	}
	build_close(&b);
	if (why->log_container.len) {
		build_open_object(&b, "logs");
		build_str(&b, "container", why->log_container);
		build_bool(&b, "previous", why->log_previous);
		build_close(&b);
	}
	return build_done(&b);
}

const struct doc *why_pod(const struct why_view *view, struct arena *arena, struct version *pod)
{
	struct why why = { .view = view, .arena = arena, .pod = pod, .doc = pod->doc };
	version_hold(arena, pod);
	if (object_deleting(pod->doc))
		is_leaving(&why);
	else if (pod_finished(pod->doc))
		has_ended(&why);
	else if (doc_at_str(pod->doc, AT(Pod, spec.nodeName)).len)
		has_a_node(&why);
	else if (doc_len(doc_at(pod->doc, AT(Pod, spec.schedulingGates))))
		has_gates(&why);
	else
		has_no_node(&why);
	return answer(&why);
}
