/* Revisions of templates. Two templates are one revision when their data are equal as JSON. */
#include "controllers/controller_revision.h"

#include "controllers/claim.h"
#include "controllers/deployment.h"
#include "doc/build.h"

static i64 number_of(const struct version *revision)
{
	return doc_at_int(revision->doc, AT(ControllerRevision, revision), 0);
}

static int by_number(const struct version *a, const struct version *b)
{
	i64 left = number_of(a), right = number_of(b);
	return left != right ? (left < right ? -1 : 1) : str_cmp(a->name, b->name);
}

/* What a strategic merge patch of the owner needs to bring the template back. */
static const struct doc *data_of(struct arena *arena, const struct doc *owner)
{
	const struct doc *template = doc_at(owner, "spec.template");
	template = doc_with(arena, template, STR("$patch"), doc_ref_str(arena, STR("replace")));
	return doc_set(arena, NULL, "spec.template", template);
}

const struct doc *revision_template(const struct version *revision)
{
	return doc_at(revision->doc, "data.spec.template");
}

struct version *revisions_find(const struct revisions *revisions, struct str name)
{
	for (u32 i = 0; i < revisions->all.len; i++)
		if (str_eq(revisions->all.at[i]->name, name))
			return revisions->all.at[i];
	return NULL;
}

struct str revision_hash(const struct version *revision, const char *hash_label)
{
	return doc_str(doc_get(doc_at(revision->doc, AT(ControllerRevision, metadata.labels)),
			       str_of(hash_label)));
}

static const struct doc *new_revision(const struct view *view, const struct version *owner,
				      const struct revisions *r, const struct doc *data,
				      const char *hash_label)
{
	struct arena *arena = view->arena;
	const struct doc *labels = doc_at(owner->doc, "spec.template.metadata.labels");
	const struct doc *annotations = doc_at(owner->doc, "metadata.annotations");
	annotations = doc_with(arena, annotations,
			       STR("kubectl.kubernetes.io/last-applied-configuration"), NULL);
	struct build b = build_object(arena);
	build_str(&b, "apiVersion", STR("apps/v1"));
	build_str(&b, "kind", STR("ControllerRevision"));
	build_open_object(&b, "metadata");
	build_str(&b, "name", r->name);
	build_doc(&b, "labels",
		  doc_with(arena, labels, str_of(hash_label), doc_new_str(arena, r->hash)));
	if (doc_len(annotations))
		build_doc(&b, "annotations", annotations);
	build_open_array(&b, "ownerReferences");
	build_doc(&b, NULL, object_owner_ref(arena, view, owner));
	build_close(&b);
	build_close(&b);
	build_doc(&b, "data", data);
	build_int(&b, "revision", r->number);
	return build_done(&b);
}

static void use_present(const struct view *view, struct plan *plan, struct revisions *r,
			i64 highest, const char *hash_label)
{
	struct version *present = r->present;
	r->name = present->name;
	r->hash = revision_hash(present, hash_label);
	r->number = number_of(present);
	if (r->number == highest)
		return;
	r->number = highest + 1;
	plan_update(plan, present,
		    doc_with(view->arena, present->doc, STR("revision"),
			     doc_new_int(view->arena, r->number)),
		    NULL);
}

struct revisions revisions_sync(const struct view *view, struct plan *plan,
				const struct version *owner, const struct doc *collisions,
				const char *hash_label)
{
	const struct doc *data = data_of(view->arena, owner->doc);
	struct revisions r = { .all = claim(view, plan, owner, KIND_ControllerRevision,
					    doc_at(owner->doc, "spec.selector"), NULL) };
	i64 highest = 0;
	list_sort(view->arena, r.all, by_number);
	for (u32 i = 0; i < r.all.len; i++) {
		highest = number_of(r.all.at[i]);
		if (doc_eq(doc_key(r.all.at[i]->doc, "data"), data))
			r.present = r.all.at[i];
	}
	if (r.present) {
		use_present(view, plan, &r, highest, hash_label);
		return r;
	}
	r.hash = template_hash(view->arena, doc_at(owner->doc, "spec.template"), collisions);
	r.name = str_format(view->arena, STR_FMT "-" STR_FMT,
			    STR_ARG(str_part(owner->name, 0, 223)), STR_ARG(r.hash));
	r.number = highest + 1;
	r.collided = view_get(view, KIND_ControllerRevision, owner->namespace, r.name) != NULL;
	if (!r.collided && !object_deleting(owner->doc))
		plan_create(plan, KIND_ControllerRevision, owner->namespace,
			    new_revision(view, owner, &r, data, hash_label), NULL);
	return r;
}

void revisions_clean_up(const struct revisions *r, struct plan *plan, i64 limit,
			bool (*used)(void *self, const struct version *revision), void *self)
{
	struct list spent = { ARENA_ARRAY(plan_arena(plan), struct version *, r->all.len), 0 };
	for (u32 i = 0; i < r->all.len; i++)
		if (r->all.at[i] != r->present && !used(self, r->all.at[i]))
			spent.at[spent.len++] = r->all.at[i];
	for (i64 i = 0; i < (i64)spent.len - limit && plan_room(plan) > 8; i++)
		plan_delete(plan, spent.at[i], NULL);
}
