/* Rules of volumes: one source each, and what the common sources need. */
#include "schema/check.h"
#include "schema/quantity.h"
#include "schema/rules.h"

static void check_mode(struct check *c, const char *child, const struct doc *mode)
{
	i64 bits = doc_int_or(mode, 0);

	if (bits < 0 || bits > 0777)
		check_invalid(c, child, mode,
			      "must be a number between 0 and 0777 (octal), both inclusive");
}

RULE_CHECK(key_to_path_check)
{
	(void)old;
	check_mode(c, "mode", doc_key(value, "mode"));
}

static void check_host_path(struct check *c, const struct doc *source)
{
	const struct doc *path = doc_key(source, "path");

	if (doc_str(path).len)
		check_format(c, "hostPath.path", API_FORMAT_PATH, path);
}

static void check_empty_dir(struct check *c, const struct doc *source)
{
	const struct doc *limit = doc_key(source, "sizeLimit");

	if (limit && quantity_of(limit).nanos < 0)
		check_forbidden(c, "emptyDir.sizeLimit",
				"SizeLimit field must be a valid resource quantity");
}

/* A fact of the pod as a file: from a field or a resource, and one that files can hold. */
static void check_downward(struct check *c, const struct doc *items)
{
	static const char *const fields[] = { "metadata.annotations", "metadata.labels",
					      "metadata.name",	      "metadata.namespace",
					      "metadata.uid",	      NULL };

	doc_each_item(items, item) {
		const struct doc *field = doc_key(item, "fieldRef");
		struct str path = doc_at_str(field, "fieldPath");
		bool known = str_ends(path, STR("']")) &&
			     (str_starts(path, STR("metadata.labels['")) ||
			      str_starts(path, STR("metadata.annotations['")));

		if (!field && !doc_key(item, "resourceFieldRef"))
			check_required(c, NULL, "one of fieldRef and resourceFieldRef is required");
		if (field && doc_key(item, "resourceFieldRef"))
			check_invalid_str(c, NULL, STR("resource"),
					  "fieldRef and resourceFieldRef can not be specified "
					  "simultaneously");
		for (u32 i = 0; fields[i]; i++)
			known = known || str_is(path, fields[i]);
		if (path.len && !known)
			check_unsupported(c, "fieldRef.fieldPath", path, fields);
	}
}

/* Sources of a projected volume: again exactly one each. */
static void check_projection(struct check *c, const struct doc *source)
{
	check_mode(c, "projected.defaultMode", doc_key(source, "defaultMode"));
	const struct doc *sources = doc_key(source, "sources");

	check_enter(c, "projected.sources");
	for (u32 i = 0; i < doc_len(sources); i++) {
		const struct doc *one = &sources->items[i];

		check_enter_item(c, i);
		if (doc_len(one) > 1)
			check_forbidden(c, NULL, "may not specify more than 1 volume type");
		if (doc_key(one, "configMap") && doc_at_str(one, "configMap.name").len == 0)
			check_required(c, "configMap.name", "");
		if (doc_key(one, "secret") && doc_at_str(one, "secret.name").len == 0)
			check_required(c, "secret.name", "");
		check_enter(c, "downwardAPI");
		check_downward(c, doc_at(one, "downwardAPI.items"));
		check_leave(c);
		check_leave(c);
	}
	check_leave(c);
}

RULE_CHECK(volume_check)
{
	u32 sources = 0;

	(void)old;
	doc_each_pair(value, key, source) {
		if (str_is(key, "name"))
			continue;
		if (sources++)
			check_forbidden(c, str_c(c->arena, key),
					"may not specify more than 1 volume type");
		if (str_is(key, "hostPath"))
			check_host_path(c, source);
		else if (str_is(key, "emptyDir"))
			check_empty_dir(c, source);
		else if (str_is(key, "projected"))
			check_projection(c, source);
		else if (str_is(key, "image") && doc_at_str(source, "reference").len == 0 &&
			 c->kind->id == KIND_Pod) /* in a template it may come later */
			check_required(c, "image.reference", "");
		else if (str_is(key, "configMap") && doc_str(doc_key(source, "name")).len == 0)
			check_required(c, "configMap.name", "");
		else if (str_is(key, "secret") && doc_str(doc_key(source, "secretName")).len == 0)
			check_required(c, "secret.secretName", "");
		if (str_is(key, "configMap"))
			check_mode(c, "configMap.defaultMode", doc_key(source, "defaultMode"));
		if (str_is(key, "secret"))
			check_mode(c, "secret.defaultMode", doc_key(source, "defaultMode"));
		if (!str_is(key, "downwardAPI"))
			continue;
		check_mode(c, "downwardAPI.defaultMode", doc_key(source, "defaultMode"));
		check_enter(c, "downwardAPI");
		check_downward(c, doc_key(source, "items"));
		check_leave(c);
	}
	if (sources == 0)
		check_required(c, NULL, "must specify a volume type");
}

RULE_CHECK(local_object_reference_check)
{
	(void)old;
	if (doc_str(doc_key(value, "name")).len == 0)
		check_required(c, "name", "");
}
