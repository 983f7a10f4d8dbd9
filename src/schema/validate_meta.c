/* metadata, the same for every kind: k8s.io/apimachinery/pkg/api/validation/objectmeta.go. */
#include "schema/check.h"

struct str schema_name_problem(struct arena *arena, const struct api_kind *kind, struct str name,
			       bool prefix)
{
	struct format_faults faults = { .len = 0 };

	(void)arena;
	/* What generateName adds makes a trailing dash right. */
	if (prefix && name.len > 1 && name.at[name.len - 1] == '-')
		name.len--;
	format_check((enum api_format)kind->name_format, name, &faults);
	return faults.len ? faults.at[0] : STR("");
}

static void check_name(struct check *c, const struct doc *metadata)
{
	struct str name = doc_str(doc_key(metadata, "name"));
	struct str generate = doc_str(doc_key(metadata, "generateName"));

	if (generate.len) {
		struct str problem = schema_name_problem(c->arena, c->kind, generate, true);

		if (problem.len)
			check_invalid_str(c, "generateName", generate, STR_FMT, STR_ARG(problem));
	}
	if (name.len == 0)
		check_required(c, "name", "name or generateName is required");
	else
		check_format_str(c, "name", (enum api_format)c->kind->name_format, name);
}

static void check_namespace(struct check *c, const struct doc *metadata)
{
	struct str name = doc_str(doc_key(metadata, "namespace"));

	if (c->kind->namespaced && name.len == 0)
		check_required(c, "namespace", "");
	else if (c->kind->namespaced)
		check_format_str(c, "namespace", API_FORMAT_DNS_LABEL, name);
	else if (name.len)
		check_forbidden(c, "namespace", "not allowed on this type");
}

static void check_owner(struct check *c, const struct doc *owner)
{
	static const char *const needed[] = { "kind", "name", "uid" };
	struct str version = doc_str(doc_key(owner, "apiVersion"));
	i64 slash = str_find_char(version, '/');

	if (str_from(version, (size_t)(slash + 1)).len == 0)
		check_invalid_str(c, "apiVersion", version, "version must not be empty");
	for (u32 i = 0; i < ARRAY_LEN(needed); i++) {
		struct str value = doc_str(doc_get(owner, str_of(needed[i])));

		if (value.len == 0)
			check_invalid_str(c, needed[i], value, "must not be empty");
	}
	if (str_is(doc_str(doc_key(owner, "kind")), "Event") &&
	    (str_is(version, "v1") || str_starts(version, STR("events.k8s.io/"))))
		check_invalid_str(c, NULL, STR("Event"),
				  STR_FMT ", Kind=Event is disallowed from "
					  "being an owner",
				  STR_ARG(version));
}

static void check_owners(struct check *c, const struct doc *metadata)
{
	const struct doc *owners = doc_key(metadata, "ownerReferences");
	struct str controller = STR_NONE;

	check_enter(c, "ownerReferences");
	for (u32 i = 0; i < doc_len(owners); i++) {
		const struct doc *owner = &owners->items[i];
		struct str name = doc_str(doc_key(owner, "name"));

		check_owner(c, owner);
		if (!doc_bool_or(doc_key(owner, "controller"), false))
			continue;
		if (controller.at)
			check_invalid(c, NULL, owners,
				      "Only one reference can have Controller set to true. Found "
				      "\"true\" in references for " STR_FMT " and " STR_FMT,
				      STR_ARG(controller), STR_ARG(name));
		controller = name;
	}
	check_leave(c);
}

static bool is_standard_finalizer(struct str name)
{
	static const char *const standard[] = { "kubernetes", "orphan", "foregroundDeletion" };

	for (u32 i = 0; i < ARRAY_LEN(standard); i++)
		if (str_is(name, standard[i]))
			return true;
	return false;
}

static bool has_item(const struct doc *list, struct str wanted)
{
	doc_each_item(list, item)
		if (str_eq(doc_str(item), wanted))
			return true;
	return false;
}

static void check_finalizers(struct check *c, const struct doc *metadata, const struct doc *old)
{
	const struct doc *finalizers = doc_key(metadata, "finalizers");

	for (u32 i = 0; i < doc_len(finalizers); i++) {
		struct str name = doc_str(&finalizers->items[i]);

		check_format_str(c, "finalizers", API_FORMAT_QUALIFIED_NAME, name);
		/* Definitions have always had one of their own without a slash. */
		if (str_find_char(name, '/') >= 0 || is_standard_finalizer(name) ||
		    c->kind->shape || str_is(name, "customresourcecleanup.apiextensions.k8s.io"))
			continue;
		check_enter(c, "finalizers");
		check_enter_item(c, i);
		check_invalid_str(c, NULL, name,
				  "name is neither a standard finalizer name nor is "
				  "it fully qualified");
		check_leave(c);
		check_leave(c);
	}
	if (!doc_key(old, "deletionTimestamp"))
		return;
	doc_each_item(finalizers, item)
		if (!has_item(doc_key(old, "finalizers"), doc_str(item)))
			check_forbidden(c, "finalizers",
					"no new finalizers can be added if the object is being "
					"deleted, found new finalizers []string{\"" STR_FMT "\"}",
					STR_ARG(doc_str(item)));
}

static void check_unchanged(struct check *c, const struct doc *metadata, const struct doc *old)
{
	static const char *const fixed[] = { "name",
					     "namespace",
					     "uid",
					     "creationTimestamp",
					     "deletionTimestamp",
					     "deletionGracePeriodSeconds" };

	for (u32 i = 0; i < ARRAY_LEN(fixed); i++)
		check_immutable(c, fixed[i], doc_get(metadata, str_of(fixed[i])),
				doc_get(old, str_of(fixed[i])));
}

void check_metadata(struct check *c)
{
	const struct doc *metadata = doc_key(c->object, "metadata");
	const struct doc *old = doc_key(c->old, "metadata");

	check_enter(c, "metadata");
	check_name(c, metadata);
	check_namespace(c, metadata);
	check_labels(c, "labels", doc_key(metadata, "labels"));
	check_annotations(c, "annotations", doc_key(metadata, "annotations"));
	check_owners(c, metadata);
	check_finalizers(c, metadata, old);
	if (c->old)
		check_unchanged(c, metadata, old);
	check_leave(c);
}
