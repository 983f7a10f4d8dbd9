/* Pods that run in imagination. */
#include "controllers/simulated_node.h"

#include <stdio.h>
#include <stdlib.h>

#include "base/check.h"
#include "base/map.h"
#include "base/timestamp.h"
#include "controllers/plan.h"
#include "controllers/pod.h"
#include "controllers/simulated_status.h"
#include "controllers/volume_binder.h"

enum {
	ASKED_MAX = 86400000,
	NAME_MAX_BYTES = 64,
	LEASE_S = 40,
	RENEW_S = 10,
	RETRY_MS = 200,	     /* after a write that failed */
	KILLED = 128 + 9,    /* exit code of what was stopped */
	ADDRESSES = 1 << 22, /* 10.64.0.0/10 */
	FIRST_ADDRESS = 10 << 24 | 64 << 16,
};

enum deed_type {
	DEED_START,
	DEED_STUMBLE,
	DEED_RECOVER,
	DEED_END,
	DEED_REMOVE,
	DEED_RENEW,
	DEED_VOLUME,
};

struct deed { /* something to do at a time */
	i64 due_ns;
	u64 turn;
	enum deed_type type;
	u32 node;
	struct str namespace, name, uid; /* one block behind namespace.at; none for DEED_RENEW */
};

struct simulated_node {
	char name[NAME_MAX_BYTES];
	bool registered, dead;
	i64 muted_until_ns;
};

struct simulated {
	struct simulated_config config;
	struct store *store;
	const struct clock *clock;
	struct writer writer;
	struct simulated_node *nodes;
	struct map by_name; /* index + 1 */
	struct deed *heap;
	u32 heap_len, heap_cap;
	u64 turns;
	u32 next_address;
	struct arena *arena;
	i64 promised_ns; /* what the last step said */
	void (*on_work)(void *self);
	void *on_work_self;
};

/* ---- what is to come */

static bool before(const struct deed *a, const struct deed *b)
{
	return a->due_ns != b->due_ns ? a->due_ns < b->due_ns : a->turn < b->turn;
}

static void push(struct simulated *s, struct deed deed)
{
	if (s->heap_len == s->heap_cap) {
		s->heap_cap = s->heap_cap ? s->heap_cap * 2 : 256;
		s->heap = realloc(s->heap, s->heap_cap * sizeof *s->heap);
		CHECK(s->heap);
	}
	deed.turn = ++s->turns;
	u32 at = s->heap_len++;
	for (; at > 0 && before(&deed, &s->heap[(at - 1) / 2]); at = (at - 1) / 2)
		s->heap[at] = s->heap[(at - 1) / 2];
	s->heap[at] = deed;
	if (deed.due_ns < s->promised_ns && s->on_work) {
		s->promised_ns = deed.due_ns;
		s->on_work(s->on_work_self);
	}
}

static struct deed pop(struct simulated *s)
{
	struct deed top = s->heap[0], last = s->heap[--s->heap_len];
	u32 at = 0;
	for (;;) {
		u32 child = 2 * at + 1;
		if (child >= s->heap_len)
			break;
		if (child + 1 < s->heap_len && before(&s->heap[child + 1], &s->heap[child]))
			child++;
		if (!before(&s->heap[child], &last))
			break;
		s->heap[at] = s->heap[child];
		at = child;
	}
	if (s->heap_len)
		s->heap[at] = last;
	return top;
}

static void push_for_pod(struct simulated *s, const struct version *pod, u32 node,
			 enum deed_type type, i64 delay_ns)
{
	struct deed deed = {
		clock_mono_ns(s->clock) + delay_ns, 0, type, node, STR_NONE, STR_NONE, STR_NONE
	};
	char *at = malloc(pod->namespace.len + pod->name.len + pod->uid.len + 1);
	CHECK(at);
	const struct str from[] = { pod->namespace, pod->name, pod->uid };
	struct str *const to[] = { &deed.namespace, &deed.name, &deed.uid };
	for (u32 i = 0; i < ARRAY_LEN(from); i++) {
		if (from[i].len)
			memcpy(at, from[i].at, from[i].len);
		*to[i] = (struct str){ at, from[i].len };
		at += from[i].len;
	}
	push(s, deed);
}

/* ---- hearing */

static bool belongs_to_job(const struct doc *pod)
{
	return str_is(doc_str(doc_key(object_controller(pod), "kind")), "Job");
}

static i64 asked(const struct doc *annotations, const char *key, i64 otherwise, i64 unit)
{
	i64 number;
	if (!str_to_i64(doc_str(doc_get(annotations, str_of(key))), &number) || number < 0 ||
	    number > ASKED_MAX)
		return otherwise;
	return number * unit;
}

/* What the pod itself asks for, so that a test on simulated nodes can tell its own story. */
static void fate_asked(const struct doc *pod, struct fate *fate)
{
	const struct doc *annotations = doc_at(pod, AT(Pod, metadata.annotations));
	if (!annotations)
		return;
	fate->start_ns = asked(annotations, "minke/simulated-start-ms", fate->start_ns, NS_PER_MS);
	fate->run_ns = asked(annotations, "minke/simulated-run-ms", fate->run_ns, NS_PER_MS);
	fate->stop_ns = asked(annotations, "minke/simulated-stop-ms", fate->stop_ns, NS_PER_MS);
	fate->exit_code = asked(annotations, "minke/simulated-exit-code", fate->exit_code, 1);
	if (str_is(doc_str(doc_get(annotations, STR("minke/simulated-image"))), "missing"))
		fate->image_missing = true;
}

static struct fate fate_of(const struct simulated *s, const struct version *pod)
{
	struct fate fate = { .start_ns = s->config.start_ns };
	if (belongs_to_job(pod->doc))
		fate.run_ns = MAX(s->config.job_ns, (i64)1);
	fate_asked(pod->doc, &fate);
	if (s->config.fate)
		s->config.fate(s->config.self, pod, &fate);
	return fate;
}

static bool node_index(const struct simulated *s, const struct doc *pod, u32 *ret_index)
{
	struct str name = doc_at_str(pod, AT(Pod, spec.nodeName));
	uintptr_t index = name.len ? (uintptr_t)map_get(&s->by_name, name) : 0;
	if (!index)
		return false;
	*ret_index = (u32)(index - 1);
	return true;
}

static void hear_pod(struct simulated *s, const struct version *before_, const struct version *pod)
{
	u32 node, ignored;
	if (!node_index(s, pod->doc, &node))
		return;
	bool was_here = before_ && node_index(s, before_->doc, &ignored);
	struct fate fate = fate_of(s, pod);
	if (object_deleting(pod->doc)) {
		if (!was_here || !object_deleting(before_->doc))
			push_for_pod(s, pod, node, DEED_REMOVE, fate.stop_ns);
		return;
	}
	bool news = !was_here || !doc_eq(doc_at(pod->doc, AT(Pod, spec.containers)),
					 doc_at(before_->doc, AT(Pod, spec.containers)));
	if (news && !pod_finished(pod->doc))
		push_for_pod(s, pod, node, DEED_START, fate.start_ns);
}

/* A volume of ours that goes: a real node would empty its directory now. */
static void hear_volume(struct simulated *s, const struct version *volume)
{
	const struct doc *labels = doc_at(volume->doc, "metadata.labels");
	struct str name = doc_str(doc_get(labels, STR(LOCAL_PATH_NODE)));
	uintptr_t index = name.len ? (uintptr_t)map_get(&s->by_name, name) : 0;

	if (index && local_path_is_nodes_turn(volume->doc))
		push_for_pod(s, volume, (u32)(index - 1), DEED_VOLUME, s->config.start_ns);
}

static void changed(void *self, const struct store_event *event)
{
	if (event->version->kind == KIND_PersistentVolume && event->type != EVENT_DELETED)
		hear_volume(self, event->version);
	if (event->version->kind == KIND_Pod && event->type != EVENT_DELETED)
		hear_pod(self, event->undone ? NULL : event->previous, event->version);
}

/* Addresses go on behind those that pods of an earlier life still have. */
static void skip_address(struct simulated *s, const struct doc *pod)
{
	struct str rest = doc_at_str(pod, AT(Pod, status.podIP));
	i64 number = 0, part;
	while (rest.at && str_to_i64(str_cut(&rest, '.'), &part))
		number = number * 256 + part;
	if (number >= FIRST_ADDRESS && number < FIRST_ADDRESS + ADDRESSES)
		s->next_address = MAX(s->next_address, (u32)(number - FIRST_ADDRESS) + 1);
}

static void hear_everything(struct simulated *s)
{
	struct store_iter iter;
	store_iter_start(&iter, s->store, KIND_Pod, STR_NONE, STR_NONE, STR_NONE);
	for (struct version *v; (v = store_iter_next(&iter));) {
		skip_address(s, v->doc);
		hear_pod(s, NULL, v);
	}
	store_iter_start(&iter, s->store, KIND_PersistentVolume, STR_NONE, STR_NONE, STR_NONE);
	for (struct version *v; (v = store_iter_next(&iter));)
		hear_volume(s, v);
}

/* ---- deeds */

static bool write_plan(struct simulated *s, u32 node, struct plan *plan)
{
	struct str user = str_format(s->arena, "system:node:%s", s->nodes[node].name);
	bool done = true;
	for (u32 i = 0; i < plan->intents.len; i++) {
		struct version *ignored = NULL;
		struct error error = ERROR_INIT;
		enum status status = s->writer.write(s->writer.self, s->arena, user.at,
						     &plan->intents.at[i], &ignored, &error);
		done &= status == ST_OK || status == ST_NOT_FOUND;
	}
	return done;
}

static i64 node_wall_ns(const struct simulated *s, u32 node)
{
	return s->config.wall_ns ? s->config.wall_ns(s->config.self, node)
				 : clock_wall_ns(s->clock);
}

static bool register_node(struct simulated *s, u32 node)
{
	struct str name = str_of(s->nodes[node].name);
	i64 now_ns = node_wall_ns(s, node);
	if (!store_get(s->store, KIND_Node, STR_NONE, name)) {
		struct plan plan = plan_new(s->arena);
		plan_create(&plan, KIND_Node, STR_NONE,
			    simulated_node_doc(s->arena, &s->config, name, now_ns), NULL);
		if (!write_plan(s, node, &plan))
			return false;
	}
	struct version *there = store_get(s->store, KIND_Node, STR_NONE, name);
	if (!there)
		return false;
	struct plan plan = plan_new(s->arena);
	plan_status(&plan, there, simulated_node_ready(s->arena, &s->config, there->doc, now_ns));
	s->nodes[node].registered = write_plan(s, node, &plan);
	return s->nodes[node].registered;
}

static bool renew(struct simulated *s, u32 node)
{
	struct str name = str_of(s->nodes[node].name);
	struct version *there = store_get(s->store, KIND_Node, STR_NONE, name);
	if (!s->nodes[node].registered || !there || !condition_is(there->doc, "Ready", "True"))
		if (!register_node(s, node))
			return false;
	struct str namespace = STR("kube-node-lease");
	struct version *lease = store_get(s->store, KIND_Lease, namespace, name);
	struct str now = timestamp_print_micro(s->arena, node_wall_ns(s, node));
	struct plan plan = plan_new(s->arena);
	if (lease)
		plan_update(&plan, lease, doc_set_str(s->arena, lease->doc, "spec.renewTime", now),
			    NULL);
	else
		plan_create(&plan, KIND_Lease, namespace,
			    simulated_lease_doc(s->arena, name, now, LEASE_S), NULL);
	return write_plan(s, node, &plan);
}

static bool put_status(struct simulated *s, u32 node, const struct version *pod,
		       const struct doc *status)
{
	struct plan plan = plan_new(s->arena);
	plan_status(&plan, pod, doc_with(s->arena, pod->doc, STR("status"), status));
	return write_plan(s, node, &plan);
}

static struct str new_address(struct simulated *s)
{
	u32 number = FIRST_ADDRESS + s->next_address++ % ADDRESSES;
	return str_format(s->arena, "%u.%u.%u.%u", number >> 24, number >> 16 & 255,
			  number >> 8 & 255, number & 255);
}

static bool claims_bound(struct simulated *s, const struct version *pod)
{
	doc_each_item(doc_at(pod->doc, AT(Pod, spec.volumes)), volume) {
		struct str name = doc_at_str(volume, "persistentVolumeClaim.claimName");

		if (doc_key(volume, "ephemeral"))
			name = str_format(s->arena, STR_FMT "-" STR_FMT, STR_ARG(pod->name),
					  STR_ARG(doc_at_str(volume, "name")));
		if (!name.len)
			continue;
		struct version *claim =
			store_get(s->store, KIND_PersistentVolumeClaim, pod->namespace, name);

		if (!claim || !str_is(doc_at_str(claim->doc, "status.phase"), "Bound"))
			return false;
	}
	return true;
}

/* Pods keep their address when their node comes back. */
static bool start_pod(struct simulated *s, u32 node, const struct version *pod)
{
	struct fate fate = fate_of(s, pod);
	i64 now_ns = node_wall_ns(s, node);
	if (object_deleting(pod->doc) || pod_finished(pod->doc))
		return true;
	if (fate.image_missing)
		return put_status(s, node, pod, simulated_pod_waiting(s->arena, pod->doc, now_ns));
	if (!claims_bound(s, pod))
		return false;
	struct str address = doc_at_str(pod->doc, AT(Pod, status.podIP));
	if (!address.len)
		address = new_address(s);
	if (fate.run_ns)
		push_for_pod(s, pod, node, DEED_END, fate.run_ns);
	else if (fate.stumble_ns)
		push_for_pod(s, pod, node, DEED_STUMBLE, fate.stumble_ns);
	return put_status(s, node, pod, simulated_pod_running(s->arena, pod->doc, address, now_ns));
}

static bool remove_pod(struct simulated *s, u32 node, const struct version *pod)
{
	static const struct plan_delete at_once = { .grace_s = 0 };
	struct plan plan = plan_new(s->arena);
	if (!object_deleting(pod->doc))
		return true;
	/* Who waits for the pod beyond its deletion hears how it ended. */
	if (!pod_finished(pod->doc) && doc_len(doc_at(pod->doc, AT(Pod, metadata.finalizers))) &&
	    !put_status(s, node, pod,
			simulated_pod_ended(s->arena, pod->doc, KILLED, node_wall_ns(s, node))))
		return false;
	plan_delete(&plan, pod, &at_once);
	return write_plan(s, node, &plan);
}

static bool end_pod(struct simulated *s, u32 node, const struct version *pod)
{
	i64 exit_code = fate_of(s, pod).exit_code;
	if (object_deleting(pod->doc) || pod_finished(pod->doc))
		return true;
	if (exit_code && str_is(doc_at_str(pod->doc, AT(Pod, spec.restartPolicy)), "OnFailure")) {
		push_for_pod(s, pod, node, DEED_START, MAX(fate_of(s, pod).recover_ns, NS_PER_S));
		return put_status(
			s, node, pod,
			simulated_pod_stumbled(s->arena, pod->doc, node_wall_ns(s, node)));
	}
	return put_status(
		s, node, pod,
		simulated_pod_ended(s->arena, pod->doc, exit_code, node_wall_ns(s, node)));
}

/* Its container ends and is started again: for a while the pod is not ready. */
static bool stumble_pod(struct simulated *s, u32 node, const struct version *pod, bool recovers)
{
	i64 now_ns = node_wall_ns(s, node);
	if (object_deleting(pod->doc) || pod_finished(pod->doc))
		return true;
	if (!recovers)
		push_for_pod(s, pod, node, DEED_RECOVER, fate_of(s, pod).recover_ns);
	return put_status(s, node, pod,
			  recovers ? simulated_pod_running(
					     s->arena, pod->doc,
					     doc_at_str(pod->doc, AT(Pod, status.podIP)), now_ns)
				   : simulated_pod_stumbled(s->arena, pod->doc, now_ns));
}

static bool do_for_pod(struct simulated *s, const struct deed *deed)
{
	struct version *pod = store_get(s->store, KIND_Pod, deed->namespace, deed->name);
	if (!pod || !str_eq(pod->uid, deed->uid))
		return true;
	version_hold(s->arena, pod);
	switch (deed->type) {
	case DEED_START:
		return start_pod(s, deed->node, pod);
	case DEED_STUMBLE:
	case DEED_RECOVER:
		return stumble_pod(s, deed->node, pod, deed->type == DEED_RECOVER);
	case DEED_END:
		return end_pod(s, deed->node, pod);
	default:
		return remove_pod(s, deed->node, pod);
	}
}

static bool empty_volume(struct simulated *s, const struct deed *deed)
{
	struct version *volume = store_get(s->store, KIND_PersistentVolume, STR_NONE, deed->name);
	struct plan plan = plan_new(s->arena);

	if (!volume || !str_eq(volume->uid, deed->uid) || !local_path_is_nodes_turn(volume->doc))
		return true;
	version_hold(s->arena, volume);
	plan_update(&plan, volume, doc_set(s->arena, volume->doc, "metadata.finalizers", NULL),
		    NULL);
	return write_plan(s, deed->node, &plan);
}

/* What a dead or mute node should do waits; what failed is tried again. */
static void do_deed(struct simulated *s, struct deed deed, i64 mono)
{
	struct simulated_node *node = &s->nodes[deed.node];
	bool done = false;
	i64 again_ns = mono + RETRY_MS * NS_PER_MS;
	if (node->dead)
		again_ns = mono + NS_PER_S;
	else if (deed.type != DEED_RENEW && node->muted_until_ns > mono)
		again_ns = node->muted_until_ns;
	else
		done = deed.type == DEED_RENEW	  ? renew(s, deed.node)
		       : deed.type == DEED_VOLUME ? empty_volume(s, &deed)
						  : do_for_pod(s, &deed);
	if (done && deed.type == DEED_RENEW) {
		again_ns = mono + RENEW_S * NS_PER_S;
		done = false;
	}
	if (done) {
		free((char *)deed.namespace.at);
	} else {
		deed.due_ns = again_ns;
		push(s, deed);
	}
}

i64 simulated_step(struct simulated *s, u32 deeds_max)
{
	i64 mono = clock_mono_ns(s->clock);
	s->promised_ns = INT64_MIN; /* no call while we are at it */
	while (s->heap_len && s->heap[0].due_ns <= mono && deeds_max--) {
		do_deed(s, pop(s), mono);
		arena_reset(s->arena);
	}
	s->promised_ns = s->heap_len ? s->heap[0].due_ns : NEVER_NS;
	return s->promised_ns;
}

/* ---- life and death */

struct simulated *simulated_new(const struct simulated_config *config, struct store *store,
				const struct clock *clock, struct writer writer)
{
	struct simulated *s = calloc(1, sizeof *s);
	CHECK(s);
	s->config = *config;
	s->store = store;
	s->clock = clock;
	s->writer = writer;
	s->arena = arena_new(16 << 10);
	s->nodes = calloc(MAX(config->nodes, 1u), sizeof *s->nodes);
	CHECK(s->nodes);
	const char *prefix = config->prefix ? config->prefix : "simulated-";
	i64 mono = clock_mono_ns(clock);
	for (u32 i = 0; i < config->nodes; i++) {
		snprintf(s->nodes[i].name, sizeof s->nodes[i].name, "%s%u", prefix, i);
		map_put(&s->by_name, str_of(s->nodes[i].name), (void *)(uintptr_t)(i + 1));
		push(s, (struct deed){ .due_ns = mono, .type = DEED_RENEW, .node = i });
	}
	store_on_change(store, changed, s);
	hear_everything(s);
	return s;
}

void simulated_free(struct simulated *s)
{
	if (!s)
		return;
	store_forget(s->store, s);
	for (u32 i = 0; i < s->heap_len; i++)
		free((char *)s->heap[i].namespace.at);
	map_release(&s->by_name);
	arena_free(s->arena);
	free(s->nodes);
	free(s->heap);
	free(s);
}

void simulated_on_work(struct simulated *s, void (*call)(void *self), void *self)
{
	s->on_work = call;
	s->on_work_self = self;
}

void simulated_kill(struct simulated *s, u32 node)
{
	s->nodes[node].dead = true;
}

void simulated_revive(struct simulated *s, u32 node)
{
	s->nodes[node].dead = false;
}

bool simulated_alive(const struct simulated *s, u32 node)
{
	return !s->nodes[node].dead;
}

void simulated_mute(struct simulated *s, u32 node, i64 until_mono_ns)
{
	s->nodes[node].muted_until_ns = until_mono_ns;
}
