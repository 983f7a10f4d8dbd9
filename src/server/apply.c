/*
 * Server-side apply, following k8s.io/apimachinery's managedfields: what a manager applied before
 * and does not say any more goes, unless another manager says it too; what it changes and another
 * manager has applied is a conflict, unless forced.
 */
#include "server/apply.h"

#include "doc/build.h"
#include "server/field_set.h"
#include "server/managed_fields.h"
#include "server/object.h"
#include "server/state.h"
#include "server/write.h"

enum { CONFLICTS_MAX = 64 };

struct apply {
	struct call *call;
	const struct api_kind *kind;
	struct str subresource;
	const struct doc *live, *applied, *merged;
	const struct doc *entries; /* metadata.managedFields as they will be */
	const struct doc *set, *changed;
	struct error *error;
};

static bool is_own(const struct apply *a, const struct doc *entry)
{
	return str_eq(doc_str(doc_key(entry, "manager")), a->call->field_manager) &&
	       str_is(doc_str(doc_key(entry, "operation")), "Apply") &&
	       str_eq(doc_str(doc_key(entry, "subresource")), a->subresource);
}

/* ---- conflicts */

static enum status fail_conflicts(struct apply *a, const struct cause *causes, u32 len)
{
	struct arena *arena = a->call->arena;
	struct str text = STR("");

	for (u32 i = 0; i < len; i++)
		text = str_format(arena, STR_FMT "%s" STR_FMT ": " STR_FMT, STR_ARG(text),
				  i	    ? "\n- "
				  : len > 1 ? "\n- "
					    : "",
				  STR_ARG(causes[i].message), STR_ARG(causes[i].field));
	fail(a->error, ST_CONFLICT, "Apply failed with %u conflict%s: " STR_FMT, len,
	     len == 1 ? "" : "s", STR_ARG(text));
	if (a->error) {
		a->error->causes = arena_copy(arena, causes, sizeof *causes * len);
		a->error->causes_len = len;
	}
	return ST_CONFLICT;
}

/* Who is in the way. Of those who applied, no version is told. */
static struct str conflict_text(struct arena *arena, const struct doc *entry)
{
	struct str sub = doc_str(doc_key(entry, "subresource"));
	struct str text = str_format(arena, "conflict with \"" STR_FMT "\"",
				     STR_ARG(doc_str(doc_key(entry, "manager"))));

	if (sub.len)
		text = str_format(arena, STR_FMT " with subresource \"" STR_FMT "\"", STR_ARG(text),
				  STR_ARG(sub));
	if (str_is(doc_str(doc_key(entry, "operation")), "Update"))
		text = str_format(arena, STR_FMT " using " STR_FMT, STR_ARG(text),
				  STR_ARG(doc_str(doc_key(entry, "apiVersion"))));
	return text;
}

/* What kubectl applied from the client's side is not in kubectl's way on the server's. */
static bool is_predecessor(const struct apply *a, const struct doc *entry)
{
	return str_is(a->call->field_manager, "kubectl") &&
	       str_is(doc_str(doc_key(entry, "manager")), "kubectl-client-side-apply");
}

static enum status check_conflicts(struct apply *a)
{
	struct arena *arena = a->call->arena;
	struct cause causes[CONFLICTS_MAX];
	u32 len = 0;

	doc_each_item(a->entries, entry) {
		struct field_paths paths = { 0 };

		if (is_own(a, entry) || is_predecessor(a, entry))
			continue;
		field_set_common(arena, a->changed, doc_key(entry, "fieldsV1"), &paths);
		for (u32 i = 0; i < paths.list.len && len < CONFLICTS_MAX; i++)
			causes[len++] = (struct cause){
				.reason = STR("FieldManagerConflict"),
				.message = conflict_text(arena, entry),
				.field = paths.list.at[i],
			};
	}
	return len ? fail_conflicts(a, causes, len) : ST_OK;
}

/* ---- managedFields */

static const struct doc *new_entry(struct apply *a)
{
	struct build b = build_object(a->call->arena);

	build_str(&b, "manager", a->call->field_manager);
	build_str(&b, "operation", STR("Apply"));
	build_str(&b, "apiVersion", a->kind->api_version);
	build_str(&b, "time", call_now(a->call));
	build_str(&b, "fieldsType", STR("FieldsV1"));
	build_doc(&b, "fieldsV1", a->set);
	build_str_if(&b, "subresource", a->subresource);
	return build_done(&b);
}

/* Our entry takes its new set, the others lose what we took by force. An entry that says the same
 * as before stays as it was, time and all, so that applying twice writes once. */
static void renew_entries(struct apply *a)
{
	struct arena *arena = a->call->arena;
	struct build b = build_array(arena);
	bool found = false;

	doc_each_item(a->entries, entry) {
		const struct doc *was = doc_key(entry, "fieldsV1"), *left;

		if (is_own(a, entry)) {
			found = true;
			if (!a->set)
				continue;
			build_doc(&b, NULL, was && doc_eq(was, a->set) ? entry : new_entry(a));
			continue;
		}
		left = field_set_minus(arena, was, a->changed);
		if (left == was || (left && was && doc_eq(left, was)))
			build_doc(&b, NULL, entry);
		else if (left)
			build_doc(&b, NULL, doc_with(arena, entry, STR("fieldsV1"), left));
	}
	if (!found && a->set)
		build_doc(&b, NULL, new_entry(a));
	a->entries = build_done(&b);
}

/* What we applied before, say no more, and nobody else applied either. */
static const struct doc *abandoned(struct apply *a)
{
	const struct doc *old = NULL;

	doc_each_item(a->entries, entry)
		if (is_own(a, entry))
			old = doc_key(entry, "fieldsV1");
	old = field_set_minus(a->call->arena, old, a->set);
	doc_each_item(a->entries, entry)
		if (!is_own(a, entry))
			old = field_set_minus(a->call->arena, old, doc_key(entry, "fieldsV1"));
	return old;
}

/* ---- */

static enum status check_body(struct apply *a, const struct doc *body, struct str name)
{
	struct str body_name = doc_at_str(body, "metadata.name");

	if (a->call->field_manager.len == 0)
		return fail(a->error, ST_INVALID,
			    "PatchOptions.meta.k8s.io \"\" is invalid: fieldManager: Required "
			    "value: is required for apply patch");
	if (doc_len(doc_at(body, "metadata.managedFields")))
		return fail(a->error, ST_BAD_REQUEST, "metadata.managedFields must be nil");
	if (!doc_is(body, DOC_OBJECT) || doc_str(doc_key(body, "apiVersion")).len == 0 ||
	    doc_str(doc_key(body, "kind")).len == 0)
		return fail(a->error, ST_BAD_REQUEST,
			    "an applied object must say its apiVersion and kind");
	if (body_name.len && !str_eq(body_name, name))
		return fail(a->error, ST_BAD_REQUEST,
			    "the name of the object (" STR_FMT
			    ") does not match the name on the URL (" STR_FMT ")",
			    STR_ARG(body_name), STR_ARG(name));
	return ST_OK;
}

static enum status create_applied(struct apply *a, struct str ns, struct str name,
				  struct outcome *ret_outcome)
{
	struct arena *arena = a->call->arena;
	const struct doc *doc = a->applied, *meta = doc_key(doc, "metadata");

	if (doc_str(doc_key(meta, "uid")).len || doc_str(doc_key(meta, "resourceVersion")).len)
		return fail_not_found(a->call, a->kind, name, a->error);
	a->entries = &doc_empty_array;
	renew_entries(a);
	meta = doc_with(arena, meta, STR("name"), doc_ref_str(arena, name));
	meta = doc_with(arena, meta, STR("managedFields"), a->entries);
	doc = doc_with(arena, doc, STR("metadata"), meta);
	/* The body has been checked and decoded already; a view is written as what is stored. */
	return verb_create(a->call, a->kind->stored, ns, STR(""), STR(""), doc, ret_outcome,
			   a->error);
}

static enum status merge_applied(struct apply *a, struct version *object, bool force,
				 struct outcome *ret_outcome)
{
	struct arena *arena = a->call->arena;
	const struct api_struct *root = a->kind->stored->root;
	const struct doc *gone;
	enum status status;

	a->live = object->doc;
	a->entries = doc_at(a->live, "metadata.managedFields");
	a->changed = managed_fields_strip(
		arena, field_set_changed(arena, root, a->applied, a->live), a->subresource.len > 0);
	status = force ? ST_OK : check_conflicts(a);
	if (status != ST_OK)
		return status;
	gone = abandoned(a);
	renew_entries(a);
	a->merged = field_set_merge(arena, root, a->live, a->applied);
	a->merged = field_set_remove(arena, root, a->merged, gone);
	a->merged = doc_set(arena, a->merged, "metadata.managedFields", a->entries);
	return write_update(a->call, a->kind, object, a->merged,
			    a->subresource.len ? "status" : NULL, ret_outcome, a->error);
}

enum status apply_patch_of(struct call *call, const struct api_kind *kind, struct str ns,
			   struct str name, struct str subresource, struct version *object,
			   bool force, const struct doc *body, struct outcome *ret_outcome,
			   struct error *error)
{
	struct apply a = { .call = call, .kind = kind, .subresource = subresource, .error = error };
	struct arena *arena = call->arena;
	enum status status = check_body(&a, body, name);

	call->tracked = false; /* the entries are written here */

	if (status == ST_OK)
		status = object_decode(call, kind, body, &a.applied, error);
	if (status != ST_OK)
		return status;
	a.set = managed_fields_strip(arena, field_set_of(arena, kind->stored->root, a.applied),
				     subresource.len > 0);
	if (object)
		return merge_applied(&a, object, force, ret_outcome);
	call->duplicates_len = 0; /* told once */
	status = create_applied(&a, ns, name, ret_outcome);
	if (status == ST_OK)
		ret_outcome->doc = object_show(arena, kind, ret_outcome->doc);
	return status;
}
