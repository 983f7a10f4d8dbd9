/* StatefulSet: pods with a name, a number and claims of their own. */
#include <inttypes.h>

#include "controllers/pod.h"
#include "controllers/stateful_set.h"
#include "doc/build.h"

enum { CLAIM_WAIT_S = 1 };

i64 stateful_ordinal(const struct version *set, struct str pod_name)
{
	i64 dash = str_find_last(pod_name, '-'), ordinal;
	if (dash < 0 || !str_eq(str_part(pod_name, 0, (size_t)dash), set->name) ||
	    !str_to_i64(str_from(pod_name, (size_t)dash + 1), &ordinal))
		return -1;
	return ordinal;
}

struct str stateful_revision(const struct stateful *s, i64 ordinal)
{
	bool spared = s->rolling && ordinal < s->start + s->partition;
	return spared ? s->current_name : s->revisions.name;
}

/* ---- claims */

static struct str claim_name(const struct stateful *s, const struct doc *template, i64 ordinal)
{
	return str_format(s->arena, STR_FMT "-" STR_FMT "-%" PRId64,
			  STR_ARG(doc_at_str(template, "metadata.name")), STR_ARG(s->owner->name),
			  ordinal);
}

/* A claim on its way out, left by the pod before: a new pod would wait for it in vain. */
static bool has_leaving_claim(const struct stateful *s, i64 ordinal)
{
	doc_each_item(doc_key(s->spec, "volumeClaimTemplates"), template) {
		struct version *claim =
			view_get(s->view, KIND_PersistentVolumeClaim, s->owner->namespace,
				 claim_name(s, template, ordinal));
		if (claim && object_deleting(claim->doc))
			return true;
	}
	return false;
}

void stateful_make_claims(const struct stateful *s, i64 ordinal)
{
	doc_each_item(doc_key(s->spec, "volumeClaimTemplates"), template) {
		struct str name = claim_name(s, template, ordinal);
		if (view_get(s->view, KIND_PersistentVolumeClaim, s->owner->namespace, name))
			continue;
		struct saying saying = {
			.about = s->owner,
			.reason = "SuccessfulCreate",
			.text = str_format(s->arena,
					   "create Claim %%s Pod " STR_FMT "-%" PRId64
					   " in StatefulSet " STR_FMT " success",
					   STR_ARG(s->owner->name), ordinal,
					   STR_ARG(s->owner->name))
					.at,
			.failed_reason = "FailedCreate",
			.failed_text =
				str_format(s->arena,
					   "create Claim " STR_FMT " Pod " STR_FMT "-%" PRId64
					   " in StatefulSet " STR_FMT " failed error: %%s",
					   STR_ARG(name), STR_ARG(s->owner->name), ordinal,
					   STR_ARG(s->owner->name))
					.at,
		};
		const struct doc *labels = doc_at(template, "metadata.labels");
		doc_each_pair(doc_at(s->spec, "selector.matchLabels"), key, value) {
			labels = doc_with(s->arena, labels, key, value);
		}
		struct build b = build_object(s->arena);
		build_str(&b, "apiVersion", STR("v1"));
		build_str(&b, "kind", STR("PersistentVolumeClaim"));
		build_open_object(&b, "metadata");
		build_str(&b, "name", name);
		build_doc(&b, "labels", labels);
		build_doc(&b, "annotations", doc_at(template, "metadata.annotations"));
		build_close(&b);
		build_doc(&b, "spec", doc_key(template, "spec"));
		plan_create(s->plan, KIND_PersistentVolumeClaim, s->owner->namespace,
			    build_done(&b), &saying);
	}
}

static const struct doc *with_owner(const struct stateful *s, const struct doc *claim,
				    const struct version *owner, bool wanted)
{
	const struct doc *refs = doc_at(claim, "metadata.ownerReferences");
	u32 at = 0;
	while (at < doc_len(refs) &&
	       !str_eq(doc_str(doc_key(doc_item(refs, at), "uid")), owner->uid))
		at++;
	bool there = at < doc_len(refs);
	if (there == wanted)
		return claim;
	if (there) {
		refs = doc_with_item(s->arena, refs, at, NULL);
	} else {
		struct build b = build_object(s->arena);
		build_str(&b, "apiVersion", owner->kind == KIND_Pod ? STR("v1") : STR("apps/v1"));
		build_str(&b, "kind", owner->kind == KIND_Pod ? STR("Pod") : STR("StatefulSet"));
		build_str(&b, "name", owner->name);
		build_str(&b, "uid", owner->uid);
		refs = doc_append(s->arena, refs, build_done(&b));
	}
	return doc_set(s->arena, claim, "metadata.ownerReferences", doc_len(refs) ? refs : NULL);
}

void stateful_own_claims(const struct stateful *s, const struct version *pod, bool condemned)
{
	static const char policy[] = "persistentVolumeClaimRetentionPolicy";
	const struct doc *rules = doc_get(s->spec, str_of(policy));
	bool scaled = str_is(doc_str(doc_key(rules, "whenScaled")), "Delete") && condemned;
	bool deleted = str_is(doc_str(doc_key(rules, "whenDeleted")), "Delete") && !scaled;
	i64 ordinal = stateful_ordinal(s->owner, pod->name);
	doc_each_item(doc_key(s->spec, "volumeClaimTemplates"), template) {
		struct version *claim =
			view_get(s->view, KIND_PersistentVolumeClaim, s->owner->namespace,
				 claim_name(s, template, ordinal));
		if (!claim || object_deleting(claim->doc))
			continue;
		const struct doc *doc = with_owner(s, claim->doc, s->owner, deleted);
		plan_update(s->plan, claim, with_owner(s, doc, pod, scaled), NULL);
	}
}

/* ---- pods */

/* The claims take the places of volumes with the templates' names. */
static const struct doc *with_volumes(const struct stateful *s, const struct doc *pod, i64 ordinal)
{
	struct build b = build_array(s->arena);
	const struct doc *templates = doc_key(s->spec, "volumeClaimTemplates");
	if (!doc_len(templates))
		return pod;
	doc_each_item(templates, template) {
		build_open_object(&b, NULL);
		build_str(&b, "name", doc_at_str(template, "metadata.name"));
		build_open_object(&b, "persistentVolumeClaim");
		build_str(&b, "claimName", claim_name(s, template, ordinal));
		build_close(&b);
		build_close(&b);
	}
	doc_each_item(doc_at(pod, AT(Pod, spec.volumes)), volume) {
		bool taken = false;
		doc_each_item(templates, template) {
			taken = taken || str_eq(doc_str(doc_key(volume, "name")),
						doc_at_str(template, "metadata.name"));
		}
		if (!taken)
			build_doc(&b, NULL, volume);
	}
	return doc_set(s->arena, pod, "spec.volumes", build_done(&b));
}

static const struct doc *new_pod(const struct stateful *s, i64 ordinal, struct str name)
{
	struct arena *arena = s->arena;
	struct str revision = stateful_revision(s, ordinal);
	const struct version *stored = revisions_find(&s->revisions, revision);
	const struct doc *template = stored ? revision_template(stored) : NULL;
	if (!template || str_eq(revision, s->revisions.name))
		template = doc_key(s->spec, "template");
	struct str prefix = str_format(arena, STR_FMT "-", STR_ARG(s->owner->name));
	const struct doc *pod = pod_from_template(arena, template, prefix,
						  object_owner_ref(arena, s->view, s->owner));
	const struct {
		const char *key;
		struct str value;
	} labels[] = {
		{ "controller-revision-hash", revision },
		{ "statefulset.kubernetes.io/pod-name", name },
		{ "apps.kubernetes.io/pod-index", str_format(arena, "%" PRId64, ordinal) },
	};
	const struct doc *all = doc_at(pod, AT(Pod, metadata.labels));
	for (u32 i = 0; i < ARRAY_LEN(labels); i++)
		all = doc_with(arena, all, str_of(labels[i].key),
			       doc_new_str(arena, labels[i].value));
	pod = doc_set(arena, pod, "metadata.labels", all);
	pod = doc_set_str(arena, pod, "metadata.name", name);
	pod = doc_set_str(arena, pod, "spec.hostname", name);
	struct str service = doc_str(doc_key(s->spec, "serviceName"));
	if (service.len)
		pod = doc_set_str(arena, pod, "spec.subdomain", service);
	return with_volumes(s, pod, ordinal);
}

void stateful_make(const struct stateful *s, i64 ordinal)
{
	struct str set = s->owner->name;
	struct str name = str_format(s->arena, STR_FMT "-%" PRId64, STR_ARG(set), ordinal);
	struct saying saying = {
		.about = s->owner,
		.reason = "SuccessfulCreate",
		.text = str_format(s->arena, "create Pod %%s in StatefulSet " STR_FMT " successful",
				   STR_ARG(set))
				.at,
		.failed_reason = "FailedCreate",
		.failed_text = str_format(s->arena,
					  "create Pod " STR_FMT " in StatefulSet " STR_FMT
					  " failed error: %%s",
					  STR_ARG(name), STR_ARG(set))
				       .at,
	};
	if (has_leaving_claim(s, ordinal)) {
		plan_wake(s->plan, s->view->now_ns + CLAIM_WAIT_S * NS_PER_S);
		return;
	}
	stateful_make_claims(s, ordinal);
	plan_create(s->plan, KIND_Pod, s->owner->namespace, new_pod(s, ordinal, name), &saying);
}
