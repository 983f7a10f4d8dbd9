/* A Deployment's ReplicaSets: which is current, their revisions and sizes, and who may go. */
#include "controllers/deployment.h"

#include <stdio.h>

#include "base/timestamp.h"
#include "controllers/claim.h"
#include "controllers/pod.h"
#include "doc/build.h"
#include "doc/json.h"

#define PREFIX "deployment.kubernetes.io/"
static const char hash_label[] = "pod-template-hash";

enum { HISTORY_CHARS_MAX = 2000 }; /* of the revision-history annotation */

/* ---- hash and numbers */

static u32 fnv(u32 hash, const char *at, size_t len)
{
	for (size_t i = 0; i < len; i++)
		hash = (hash ^ (u8)at[i]) * 16777619u;
	return hash;
}

/* Objects hash the same whatever the order of their keys: the pairs' hashes are added up. */
static u32 hash_doc(u32 hash, const struct doc *d)
{
	hash = (hash ^ d->type) * 16777619u;
	switch (d->type) {
	case DOC_NUMBER:
	case DOC_STRING:
		return fnv(hash, d->text, d->len);
	case DOC_ARRAY:
		doc_each_item(d, item) {
			hash = hash_doc(hash, item);
		}
		return hash;
	case DOC_OBJECT: {
		u32 sum = 0;
		doc_each_pair(d, key, value) {
			sum += hash_doc(fnv(2166136261u, key.at, key.len), value);
		}
		return (hash ^ sum) * 16777619u;
	}
	default:
		return hash;
	}
}

struct str template_hash(struct arena *arena, const struct doc *template,
			 const struct doc *collisions)
{
	static const char safe[] = "bcdfghjklmnpqrstvwxz2456789";
	u32 hash = hash_doc(2166136261u, template);
	i64 count = doc_int_or(collisions, 0);
	if (count)
		hash = fnv(hash, (const char *)&count, sizeof count);
	/* Digits become letters that spell no words, as in upstream's SafeEncodeString. */
	char digits[16];
	int len = snprintf(digits, sizeof digits, "%u", hash);
	for (int i = 0; i < len; i++)
		digits[i] = safe[(u8)digits[i] % (sizeof safe - 1)];
	return str_copy(arena, (struct str){ digits, (size_t)len });
}

i64 count_or_percent(const struct doc *value, i64 total, bool up)
{
	struct str text = doc_str(value);
	i64 percent;
	if (!doc_is(value, DOC_STRING))
		return doc_int_or(value, 0);
	if (!str_ends(text, STR("%")) || !str_to_i64(str_part(text, 0, text.len - 1), &percent))
		return 0;
	return (percent * total + (up ? 99 : 0)) / 100;
}

/* ---- reading sets */

static const struct doc *without_hash(struct arena *arena, const struct doc *template)
{
	const struct doc *labels = doc_at(template, "metadata.labels");
	if (!doc_get(labels, STR("pod-template-hash")))
		return template;
	return doc_set(arena, template, "metadata.labels",
		       doc_with(arena, labels, str_of(hash_label), NULL));
}

static const struct doc *annotation(const struct doc *object, struct str name)
{
	return doc_get(doc_at(object, "metadata.annotations"), name);
}

static i64 revision_of(const struct doc *set)
{
	i64 revision = 0;
	struct str text = doc_str(annotation(set, STR(PREFIX "revision")));
	return str_to_i64(text, &revision) ? revision : 0;
}

bool set_desired(const struct set *set, const char *name, i64 *ret_value)
{
	char full[64];
	snprintf(full, sizeof full, PREFIX "%s", name);
	return str_to_i64(doc_str(annotation(set->doc, str_of(full))), ret_value);
}

i64 set_size(const struct set *set)
{
	return set->replicas;
}

i64 set_live(const struct set *set)
{
	return MAX(set->pods, set->replicas);
}

i64 set_counted(const struct set *set)
{
	return set->counted;
}

i64 set_ready(const struct set *set)
{
	return set->ready;
}

/* Of what is to be deleted nothing may be counted on. */
i64 set_available(const struct set *set)
{
	return MIN(set->available, set->replicas);
}

i64 sets_sum(const struct rollout *r, i64 (*value)(const struct set *set), bool old_only)
{
	i64 sum = 0;
	for (u32 i = 0; i < r->sets_len; i++)
		if (!old_only || !r->sets[i].current)
			sum += value(&r->sets[i]);
	return sum;
}

static struct set set_read(struct version *version)
{
	const struct doc *d = version->doc;
	i64 size = doc_at_int(d, AT(ReplicaSet, spec.replicas), 1);
	i64 counted = doc_at_int(d, AT(ReplicaSet, status.replicas), 0);
	return (struct set){
		.version = version,
		.doc = d,
		.name = version->name,
		.replicas = size,
		.before = size,
		.pods = MAX(counted, size),
		.counted = counted,
		.ready = doc_at_int(d, AT(ReplicaSet, status.readyReplicas), 0),
		.available = MIN(doc_at_int(d, AT(ReplicaSet, status.availableReplicas), 0), size),
		.created_ns =
			timestamp_or(doc_at_str(d, AT(ReplicaSet, metadata.creationTimestamp)), 0),
	};
}

static bool older(const struct set *a, const struct set *b)
{
	if (a->created_ns != b->created_ns)
		return a->created_ns < b->created_ns;
	return str_cmp(a->name, b->name) < 0;
}

void rollout_find_sets(struct rollout *r)
{
	struct list list = claim(r->view, r->plan, r->owner, KIND_ReplicaSet,
				 doc_at(r->owner->doc, AT(Deployment, spec.selector)), NULL);
	r->sets = ARENA_ARRAY(r->arena, struct set, list.len + 1); /* one more may be made */
	for (u32 i = 0; i < list.len; i++) {
		struct set set = set_read(list.at[i]);
		u32 at = r->sets_len++;
		for (; at > 0 && older(&set, &r->sets[at - 1]); at--)
			r->sets[at] = r->sets[at - 1];
		r->sets[at] = set;
	}
	const struct doc *wanted =
		without_hash(r->arena, doc_at(r->owner->doc, AT(Deployment, spec.template)));
	for (u32 i = 0; i < r->sets_len && !r->current; i++) {
		const struct doc *template = doc_at(r->sets[i].doc, AT(ReplicaSet, spec.template));
		if (!doc_eq(without_hash(r->arena, template), wanted))
			continue;
		r->current = &r->sets[i];
		r->current->current = true;
	}
}

/* ---- annotations and revisions */

static const struct doc *annotate(struct arena *arena, const struct doc *object, struct str name,
				  struct str value)
{
	const struct doc *old = doc_at(object, "metadata.annotations");
	if (str_eq(doc_str(doc_get(old, name)), value) && doc_get(old, name))
		return object;
	return doc_set(arena, object, "metadata.annotations",
		       doc_with(arena, old, name, doc_new_str(arena, value)));
}

static const struct doc *annotate_int(struct arena *arena, const struct doc *object,
				      struct str name, i64 value)
{
	return annotate(arena, object, name, str_format(arena, "%lld", (long long)value));
}

static bool is_own_annotation(struct str name)
{
	return str_eq(name, STR("kubectl.kubernetes.io/last-applied-configuration")) ||
	       str_eq(name, STR("deprecated.deployment.rollback.to")) ||
	       str_starts(name, STR(PREFIX));
}

void rollout_note(const struct rollout *r, struct set *set, const char *name, const char *value)
{
	set->doc = annotate(r->arena, set->doc, str_of(name), str_of(value));
}

i64 set_revision(const struct set *set)
{
	return revision_of(set->doc);
}

const struct doc *set_template(const struct rollout *r, const struct set *set)
{
	return without_hash(r->arena, doc_at(set->doc, AT(ReplicaSet, spec.template)));
}

/* What the user says about the Deployment is said about its current set, e.g. the change cause. */
static const struct doc *copy_annotations(const struct rollout *r, const struct doc *set)
{
	doc_each_pair(doc_at(r->owner->doc, AT(Deployment, metadata.annotations)), name, value) {
		if (!is_own_annotation(name))
			set = annotate(r->arena, set, name, doc_str(value));
	}
	return set;
}

/* A set that becomes current again gets a new revision and remembers its old ones. */
static const struct doc *raise_revision(const struct rollout *r, const struct doc *set,
					i64 revision)
{
	const struct doc *old = annotation(set, STR(PREFIX "revision"));
	if (old && revision_of(set) < revision) {
		struct str history = doc_str(annotation(set, STR(PREFIX "revision-history")));
		struct str more = doc_str(old);
		if (history.len)
			more = str_format(r->arena, STR_FMT "," STR_FMT, STR_ARG(history),
					  STR_ARG(more));
		while (more.len > HISTORY_CHARS_MAX && more.at)
			str_cut(&more, ',');
		set = annotate(r->arena, set, STR(PREFIX "revision-history"), more);
	}
	if (revision_of(set) < revision)
		set = annotate_int(r->arena, set, STR(PREFIX "revision"), revision);
	return set;
}

static const struct doc *annotate_sizes(const struct rollout *r, const struct doc *set)
{
	set = annotate_int(r->arena, set, STR(PREFIX "desired-replicas"), r->wanted);
	return annotate_int(r->arena, set, STR(PREFIX "max-replicas"), r->wanted + r->surge);
}

static i64 highest_old_revision(const struct rollout *r)
{
	i64 highest = 0;
	for (u32 i = 0; i < r->sets_len; i++)
		if (!r->sets[i].current)
			highest = MAX(highest, revision_of(r->sets[i].doc));
	return highest;
}

/* ---- the new set */

i64 rollout_new_size(const struct rollout *r, i64 size)
{
	if (!r->rolling)
		return r->wanted;
	i64 room = r->wanted + r->surge - sets_sum(r, set_live, false);
	if (room <= 0)
		return size;
	return size + MIN(room, r->wanted - size);
}

static const struct doc *with_hash(struct arena *arena, const struct doc *labels, struct str hash)
{
	return doc_with(arena, labels, str_of(hash_label), doc_new_str(arena, hash));
}

static const struct doc *new_set_doc(const struct rollout *r, struct str name, struct str hash)
{
	struct arena *arena = r->arena;
	const struct doc *d = r->owner->doc;
	const struct doc *template = doc_at(d, AT(Deployment, spec.template));
	const struct doc *selector = doc_at(d, AT(Deployment, spec.selector));
	const struct doc *labels = with_hash(arena, doc_at(template, "metadata.labels"), hash);
	selector = doc_with(arena, selector, STR("matchLabels"),
			    with_hash(arena, doc_key(selector, "matchLabels"), hash));

	struct build b = build_object(arena);
	build_str(&b, "apiVersion", STR("apps/v1"));
	build_str(&b, "kind", STR("ReplicaSet"));
	build_open_object(&b, "metadata");
	build_str(&b, "name", name);
	build_str(&b, "namespace", r->owner->namespace);
	build_doc(&b, "labels", labels);
	build_open_array(&b, "ownerReferences");
	build_doc(&b, NULL, object_owner_ref(arena, r->view, r->owner));
	build_close(&b);
	build_close(&b);
	build_open_object(&b, "spec");
	build_int(&b, "replicas", 0);
	i64 settle_s = doc_at_int(d, AT(Deployment, spec.minReadySeconds), 0);
	if (settle_s)
		build_int(&b, "minReadySeconds", settle_s);
	build_doc(&b, "selector", selector);
	build_doc(&b, "template", doc_set(arena, template, "metadata.labels", labels));
	build_close(&b);
	return build_done(&b);
}

static void count_collision(struct rollout *r)
{
	i64 count = doc_int_or(doc_key(r->status, "collisionCount"), 0);
	r->status = doc_with(r->arena, r->status, STR("collisionCount"),
			     doc_new_int(r->arena, count + 1));
	r->collided = true;
}

static void make_new_set(struct rollout *r, i64 revision)
{
	const struct doc *template = doc_at(r->owner->doc, AT(Deployment, spec.template));
	struct str hash = template_hash(r->arena, template, doc_key(r->status, "collisionCount"));
	struct str name =
		str_format(r->arena, STR_FMT "-" STR_FMT, STR_ARG(r->owner->name), STR_ARG(hash));
	if (view_get(r->view, KIND_ReplicaSet, r->owner->namespace, name))
		return count_collision(r);

	struct set *set = &r->sets[r->sets_len];
	*set = (struct set){ .name = name, .created_ns = r->view->now_ns, .current = true };
	set->doc = annotate_sizes(r, copy_annotations(r, new_set_doc(r, name, hash)));
	set->doc = annotate_int(r->arena, set->doc, STR(PREFIX "revision"), revision);
	i64 size = rollout_new_size(r, 0);
	r->sets_len++;
	r->current = set;
	rollout_scale(r, set, size);
	if (r->deadline_s != NO_DEADLINE)
		rollout_condition(r, "Progressing", "True", "NewReplicaSetCreated",
				  str_format(r->arena, "Created new replica set \"" STR_FMT "\"",
					     STR_ARG(name)));
}

void rollout_sync_revision(struct rollout *r, bool make)
{
	i64 revision = highest_old_revision(r) + 1;
	if (r->current) {
		struct set *set = r->current;
		set->doc = raise_revision(r, copy_annotations(r, set->doc), revision);
		i64 settle_s = doc_at_int(r->owner->doc, AT(Deployment, spec.minReadySeconds), 0);
		if (settle_s != doc_at_int(set->doc, AT(ReplicaSet, spec.minReadySeconds), 0))
			set->doc =
				doc_set_int(r->arena, set->doc, "spec.minReadySeconds", settle_s);
		if (r->deadline_s != NO_DEADLINE && !condition_get(r->owner->doc, "Progressing"))
			rollout_condition(r, "Progressing", "True", "FoundNewReplicaSet",
					  str_format(r->arena,
						     "Found new replica set \"" STR_FMT "\"",
						     STR_ARG(set->name)));
		revision = MAX(revision, revision_of(set->doc));
	} else if (make) {
		make_new_set(r, revision);
	}
	if (r->current)
		r->doc = annotate_int(r->arena, r->doc, STR(PREFIX "revision"), revision);
}

/* ---- sizes */

void rollout_scale(struct rollout *r, struct set *set, i64 size)
{
	set->replicas = size;
	set->doc = annotate_sizes(r, doc_set_int(r->arena, set->doc, "spec.replicas", size));
}

static bool is_spent(const struct set *set)
{
	i64 observed = doc_at_int(set->doc, AT(ReplicaSet, status.observedGeneration), 0);
	return !set->current && set->version && !set->replicas && !set->before && !set->counted &&
	       doc_at_int(set->doc, AT(ReplicaSet, metadata.generation), 0) <= observed &&
	       !object_deleting(set->doc);
}

/* Forgets the oldest revisions beyond the limit, unless they still have pods. */
void rollout_clean_up(struct rollout *r)
{
	i64 limit = doc_at_int(r->owner->doc, AT(Deployment, spec.revisionHistoryLimit), INT32_MAX);
	struct set **old = ARENA_ARRAY(r->arena, struct set *, r->sets_len);
	u32 len = 0;
	for (u32 i = 0; i < r->sets_len; i++) {
		struct set *set = &r->sets[i];
		if (set->current || object_deleting(set->doc))
			continue;
		u32 at = len++;
		for (; at > 0 && revision_of(set->doc) < revision_of(old[at - 1]->doc); at--)
			old[at] = old[at - 1];
		old[at] = set;
	}
	for (u32 i = 0; limit != INT32_MAX && (i64)i < (i64)len - limit; i++)
		if (is_spent(old[i]))
			plan_delete(r->plan, old[i]->version, NULL);
}

/* ---- the writes */

static const struct saying *scaled_saying(const struct rollout *r, const struct set *set)
{
	static const struct saying silent = { 0 };
	if (set->replicas == set->before)
		return &silent;
	struct saying *saying = ARENA_NEW(r->arena, struct saying);
	saying->about = r->owner;
	saying->reason = "ScalingReplicaSet";
	saying->text = str_format(r->arena, "Scaled %s replica set %%s to %lld from %lld",
				  set->replicas > set->before ? "up" : "down",
				  (long long)set->replicas, (long long)set->before)
			       .at;
	if (!set->version) {
		saying->failed_reason = "ReplicaSetCreateError";
		saying->failed_text =
			str_format(r->arena,
				   "Failed to create new replica set \"" STR_FMT "\": %%s",
				   STR_ARG(set->name))
				.at;
	}
	return saying;
}

void rollout_flush(struct rollout *r)
{
	/* Sets that shrink come first: a plan cut short must not have grown the sum. */
	for (int growing = 0; growing < 2; growing++) {
		for (u32 i = 0; i < r->sets_len; i++) {
			struct set *set = &r->sets[i];
			if ((set->replicas > set->before || !set->version) != growing)
				continue;
			const struct saying *saying = scaled_saying(r, set);
			if (set->version)
				plan_update(r->plan, set->version, set->doc, saying);
			else
				plan_create(r->plan, KIND_ReplicaSet, r->owner->namespace, set->doc,
					    saying);
		}
	}
	plan_update(r->plan, r->owner, r->doc, NULL);
	if (r->status && !doc_eq(r->status, doc_key(r->owner->doc, "status")))
		plan_status(r->plan, r->owner,
			    doc_with(r->arena, r->doc, STR("status"), r->status));
}
