/*
 * Plain writes as managers of fields, following k8s.io/apimachinery's managedfields: what a write
 * adds or changes is the writer's from then on and nobody else's, what it removes is nobody's.
 */
#include "server/managed_fields.h"

#include "doc/build.h"
#include "server/field_set.h"
#include "server/object.h"

enum { UPDATERS_MAX = 10, MANAGER_MAX = 128 };

const struct doc *managed_fields_strip(struct arena *arena, const struct doc *set, bool status)
{
	static const char *const meta[] = {
		"f:name",
		"f:namespace",
		"f:creationTimestamp",
		"f:selfLink",
		"f:uid",
		"f:generation",
		"f:managedFields",
		"f:resourceVersion",
		"f:deletionTimestamp",
		"f:deletionGracePeriodSeconds",
	};
	const struct doc *metadata = doc_key(set, "f:metadata");

	for (u32 i = 0; metadata && i < ARRAY_LEN(meta); i++)
		metadata = doc_with(arena, metadata, str_of(meta[i]), NULL);
	set = doc_with(arena, set, STR("f:apiVersion"), NULL);
	set = doc_with(arena, set, STR("f:kind"), NULL);
	set = doc_with(arena, set, STR("f:metadata"), doc_len(metadata) ? metadata : NULL);
	if (status) { /* through its own address, a status is all there is to say */
		const struct doc *only = doc_key(set, "f:status");

		set = only ? doc_with(arena, &doc_empty_object, STR("f:status"), only) : NULL;
	} else {
		set = doc_with(arena, set, STR("f:status"), NULL);
	}
	return doc_len(set) ? set : NULL;
}

/* The fieldManager asked for, or the first word of the User-Agent. */
static struct str manager_of(const struct call *call)
{
	struct str agent = call->user_agent;

	if (call->field_manager.len)
		return call->field_manager;
	return str_part(str_cut(&agent, '/'), 0, MANAGER_MAX);
}

struct track {
	struct call *call;
	const struct api_kind *kind;
	struct str manager, subresource;
	const struct doc *changed, *removed;
};

static bool is_update(const struct doc *entry)
{
	return str_is(doc_str(doc_key(entry, "operation")), "Update");
}

static bool is_own(const struct track *t, const struct doc *entry)
{
	return is_update(entry) && str_eq(doc_str(doc_key(entry, "manager")), t->manager) &&
	       str_eq(doc_str(doc_key(entry, "apiVersion")), t->kind->api_version) &&
	       str_eq(doc_str(doc_key(entry, "subresource")), t->subresource);
}

static const struct doc *new_entry(const struct track *t, const struct doc *own)
{
	struct arena *arena = t->call->arena;
	struct build b = build_object(arena);

	own = field_set_minus(arena, own, t->removed);
	own = field_set_union(arena, own, t->changed);
	if (!own)
		return NULL;
	build_str_if(&b, "manager", t->manager);
	build_str(&b, "operation", STR("Update"));
	build_str(&b, "apiVersion", t->kind->api_version);
	build_str(&b, "time", call_now(t->call));
	build_str(&b, "fieldsType", STR("FieldsV1"));
	build_doc(&b, "fieldsV1", own);
	build_str_if(&b, "subresource", t->subresource);
	return build_done(&b);
}

/* The oldest entries of plain writes become one, so that their number has an end. */
static const struct doc *cap_entries(struct arena *arena, const struct doc *entries)
{
	struct build b = build_array(arena);
	const struct doc *ancient = NULL;
	u32 updates = 0, merge;

	doc_each_item(entries, entry)
		updates += is_update(entry);
	if (updates <= UPDATERS_MAX)
		return entries;
	merge = updates - UPDATERS_MAX + 1;
	doc_each_item(entries, entry) {
		if (!is_update(entry) || !merge) {
			build_doc(&b, NULL, entry);
			continue;
		}
		ancient = field_set_union(arena, ancient, doc_key(entry, "fieldsV1"));
		if (--merge)
			continue;
		const struct doc *one = doc_with(arena, entry, STR("fieldsV1"), ancient);

		build_doc(&b, NULL,
			  doc_with(arena, one, STR("manager"),
				   doc_ref_str(arena, STR("ancient-changes"))));
	}
	return build_done(&b);
}

static const struct doc *renew_entries(const struct track *t, const struct doc *entries)
{
	struct arena *arena = t->call->arena;
	struct build b = build_array(arena);
	const struct doc *own = NULL;

	doc_each_item(entries, entry) {
		const struct doc *was = doc_key(entry, "fieldsV1"), *left;

		if (is_own(t, entry)) {
			own = was;
			continue;
		}
		left = field_set_minus(arena, was, t->changed);
		left = field_set_minus(arena, left, t->removed);
		if (left && doc_eq(left, was))
			build_doc(&b, NULL, entry);
		else if (left)
			build_doc(&b, NULL, doc_with(arena, entry, STR("fieldsV1"), left));
	}
	build_doc(&b, NULL, new_entry(t, own));
	return cap_entries(arena, build_done(&b));
}

const struct doc *managed_fields_track(struct call *call, const struct api_kind *kind,
				       const struct doc *doc, const struct doc *old,
				       const char *subresource)
{
	const struct api_struct *root = kind->stored->root;
	struct track t = { .call = call, .kind = kind, .subresource = str_of(subresource) };
	struct arena *arena = call->arena;
	const struct doc *meta = doc_key(doc, "metadata");
	bool status = str_is(t.subresource, "status");

	if (!call->tracked || !root)
		return doc;
	t.manager = manager_of(call);
	t.changed = field_set_added(arena, root, doc, old);
	t.changed = managed_fields_strip(arena, t.changed, status);
	if (old) {
		t.removed = field_set_changed(arena, root, old, doc);
		t.removed = managed_fields_strip(arena, t.removed, status);
		t.removed = field_set_minus(arena, t.removed, t.changed);
	}
	if (!t.changed && !t.removed)
		return doc;
	meta = doc_with(arena, meta, STR("managedFields"),
			renew_entries(&t, doc_key(meta, "managedFields")));
	return doc_with(arena, doc, STR("metadata"), meta);
}
