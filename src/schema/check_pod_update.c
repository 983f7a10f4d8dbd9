/*
 * Updates of pods. A running pod is what it was made as, but for images, a shorter deadline, more
 * tolerations and fewer scheduling gates; each subresource opens one more door.
 */
#include "schema/check_pod.h"

#define POD_UPDATE_SENTENCE                                                                        \
	"pod updates may not change fields other than `spec.containers[*].image`,"                 \
	"`spec.initContainers[*].image`,`spec.activeDeadlineSeconds`,`spec.tolerations` (only "    \
	"additions to existing tolerations),`spec.terminationGracePeriodSeconds` (allow it to be " \
	"set to 1 if it was previously negative)"

/* `new_list` with each item's `key` as it was: what the comparison overlooks. */
static const struct doc *with_old(struct check *c, const struct doc *new_list,
				  const struct doc *old_list, const char *key)
{
	const struct doc *made = new_list;

	for (u32 i = 0; i < doc_len(new_list) && i < doc_len(old_list); i++) {
		const struct doc *was = doc_get(&old_list->items[i], str_of(key));
		const struct doc *item = doc_with(c->arena, &new_list->items[i], str_of(key), was);

		made = doc_with_item(c->arena, made, i, item);
	}
	return made;
}

static const struct doc *overlook_in_list(struct check *c, const struct doc *spec,
					  const struct doc *old, const char *list, const char *key)
{
	const struct doc *items = doc_get(spec, str_of(list));

	if (!items)
		return spec;
	return doc_with(c->arena, spec, str_of(list),
			with_old(c, items, doc_get(old, str_of(list)), key));
}

static const struct doc *overlook(struct check *c, const struct doc *spec, const struct doc *old,
				  const char *key)
{
	return doc_with(c->arena, spec, str_of(key), doc_get(old, str_of(key)));
}

/* ---- the exceptions */

static void check_images(struct check *c, const struct doc *spec, const char *list)
{
	const struct doc *containers = doc_get(spec, str_of(list));

	for (u32 i = 0; i < doc_len(containers); i++) {
		if (doc_str(doc_key(&containers->items[i], "image")).len)
			continue;
		check_enter(c, list);
		check_enter_item(c, i);
		check_required(c, "image", "");
		check_leave(c);
		check_leave(c);
	}
}

static void check_deadline(struct check *c, const struct doc *spec, const struct doc *old)
{
	const struct doc *now = doc_key(spec, "activeDeadlineSeconds");
	const struct doc *was = doc_key(old, "activeDeadlineSeconds");

	if (was && !now)
		check_invalid(c, "activeDeadlineSeconds", NULL,
			      "must not update from a positive integer to nil value");
	else if (was && doc_int_or(now, 0) > doc_int_or(was, 0))
		check_invalid(c, "activeDeadlineSeconds", now,
			      "must be less than or equal to previous value");
}

/* Every old toleration is still there, but for how long it holds. */
static void check_tolerations(struct check *c, const struct doc *spec, const struct doc *old)
{
	doc_each_item(doc_key(old, "tolerations"), was) {
		const struct doc *timeless =
			doc_with(c->arena, was, STR("tolerationSeconds"), NULL);
		bool found = false;

		doc_each_item(doc_key(spec, "tolerations"), now)
			found |= doc_eq(timeless,
					doc_with(c->arena, now, STR("tolerationSeconds"), NULL));
		if (found)
			continue;
		check_forbidden(c, "tolerations",
				"existing toleration can not be modified except its "
				"tolerationSeconds");
		return;
	}
}

static bool has_gate(const struct doc *spec, struct str name)
{
	doc_each_item(doc_key(spec, "schedulingGates"), gate)
		if (str_eq(doc_str(doc_key(gate, "name")), name))
			return true;
	return false;
}

static void check_gates(struct check *c, const struct doc *spec, const struct doc *old)
{
	const struct doc *gates = doc_key(spec, "schedulingGates");

	check_enter(c, "schedulingGates");
	for (u32 i = 0; i < doc_len(gates); i++) {
		struct str name = doc_str(doc_key(&gates->items[i], "name"));

		check_enter_item(c, i);
		if (!has_gate(old, name))
			check_forbidden(c, "name",
					"only deletion is allowed, but found new scheduling gate "
					"'" STR_FMT "'",
					STR_ARG(name));
		check_leave(c);
	}
	check_leave(c);
}

/* ---- the comparison */

/* The first path at which two values differ, for people: "spec.containers[0].command". */
static struct str first_difference(struct arena *arena, struct str path, const struct doc *a,
				   const struct doc *b)
{
	if (doc_is(a, DOC_OBJECT) && doc_is(b, DOC_OBJECT)) {
		doc_each_pair(a, key, value)
			if (!doc_eq(value, doc_get(b, key)))
				return first_difference(arena,
							str_format(arena, STR_FMT "." STR_FMT,
								   STR_ARG(path), STR_ARG(key)),
							value, doc_get(b, key));
		doc_each_pair(b, other, was) {
			(void)was;
			if (!doc_get(a, other))
				return str_format(arena, STR_FMT "." STR_FMT, STR_ARG(path),
						  STR_ARG(other));
		}
	}
	if (doc_is(a, DOC_ARRAY) && doc_is(b, DOC_ARRAY) && a->len == b->len)
		for (u32 i = 0; i < a->len; i++)
			if (!doc_eq(&a->items[i], &b->items[i]))
				return first_difference(
					arena, str_format(arena, STR_FMT "[%u]", STR_ARG(path), i),
					&a->items[i], &b->items[i]);
	return path;
}

static const struct doc *without_exceptions(struct check *c, const struct doc *spec,
					    const struct doc *old)
{
	spec = overlook_in_list(c, spec, old, "containers", "image");
	spec = overlook_in_list(c, spec, old, "initContainers", "image");
	spec = overlook(c, spec, old, "activeDeadlineSeconds");
	spec = overlook(c, spec, old, "tolerations");
	spec = overlook(c, spec, old, "schedulingGates");
	if (doc_at_int(old, "terminationGracePeriodSeconds", 0) < 0 &&
	    doc_at_int(spec, "terminationGracePeriodSeconds", 0) == 1)
		spec = overlook(c, spec, old, "terminationGracePeriodSeconds");
	if (doc_len(doc_key(old, "schedulingGates"))) { /* not yet scheduled: may still narrow */
		spec = overlook(c, spec, old, "nodeSelector");
		spec = overlook(c, spec, old, "affinity");
	}
	return spec;
}

static void check_plain(struct check *c, const struct doc *spec, const struct doc *old)
{
	static const char *const lists[] = { "containers", "initContainers" };

	for (u32 i = 0; i < ARRAY_LEN(lists); i++) {
		if (doc_len(doc_get(spec, str_of(lists[i]))) ==
		    doc_len(doc_get(old, str_of(lists[i]))))
			continue;
		check_forbidden(c, lists[i], "pod updates may not add or remove containers");
		return;
	}
	check_images(c, spec, "containers");
	check_images(c, spec, "initContainers");
	check_deadline(c, spec, old);
	check_tolerations(c, spec, old);
	check_gates(c, spec, old);
	const struct doc *same = without_exceptions(c, spec, old);

	if (!doc_eq(same, old)) {
		struct str where = first_difference(c->arena, STR("spec"), same, old);

		check_forbidden(c, NULL, POD_UPDATE_SENTENCE "\n  " STR_FMT " would change",
				STR_ARG(where));
	}
}

/* ---- the other doors */

static void check_ephemeral(struct check *c, const struct doc *spec, const struct doc *old)
{
	const struct doc *now = doc_key(spec, "ephemeralContainers");

	doc_each_item(doc_key(old, "ephemeralContainers"), was) {
		struct str name = doc_str(doc_key(was, "name"));
		const struct doc *same = NULL;

		doc_each_item(now, container)
			if (str_eq(doc_str(doc_key(container, "name")), name))
				same = container;
		if (!same)
			check_forbidden(c, "ephemeralContainers",
					"existing ephemeral containers \"" STR_FMT
					"\" may not be removed\n",
					STR_ARG(name));
		else if (!doc_eq(same, was))
			check_forbidden(c, "ephemeralContainers",
					"existing ephemeral containers \"" STR_FMT
					"\" may not be changed\n",
					STR_ARG(name));
	}
	if (!doc_eq(overlook(c, spec, old, "ephemeralContainers"), old))
		check_forbidden(c, NULL, "only ephemeral containers may be added here");
}

static void check_resize(struct check *c, const struct doc *spec, const struct doc *old)
{
	const struct doc *same = overlook_in_list(c, spec, old, "containers", "resources");

	same = overlook_in_list(c, same, old, "initContainers", "resources");
	if (!doc_eq(same, old))
		check_forbidden(c, NULL, "only cpu and memory resources are mutable");
}

void check_pod_update(struct check *c, const struct doc *pod, const struct doc *old)
{
	const struct doc *spec = doc_key(pod, "spec"), *old_spec = doc_key(old, "spec");

	if (c->subresource && strcmp(c->subresource, "binding") == 0)
		return; /* the server itself writes the node's name */
	check_enter(c, "spec");
	if (c->subresource && strcmp(c->subresource, "ephemeralcontainers") == 0)
		check_ephemeral(c, spec, old_spec);
	else if (c->subresource && strcmp(c->subresource, "resize") == 0)
		check_resize(c, spec, old_spec);
	else
		check_plain(c, spec, old_spec);
	check_leave(c);
}
