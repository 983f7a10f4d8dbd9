/*
 * CustomResourceDefinitions as they were written in v1beta1: one shape, one set of columns for all
 * versions, and schemas that need not say everything. What they leave open stays open.
 */
#include "doc/build.h"
#include "schema/rules.h"

#define KEEP "x-kubernetes-preserve-unknown-fields"

static const struct doc *renamed(struct arena *arena, const struct doc *columns, struct str from,
				 struct str to)
{
	for (u32 i = 0; i < doc_len(columns); i++) {
		const struct doc *column = doc_item(columns, i), *path = doc_get(column, from);

		if (!path)
			continue;
		column = doc_with(arena, doc_with(arena, column, from, NULL), to, path);
		columns = doc_with_item(arena, columns, i, column);
	}
	return columns;
}

static const struct doc *opened(struct arena *arena, const struct doc *schema);

static const struct doc *opened_below(struct arena *arena, const struct doc *schema)
{
	const struct doc *properties = doc_key(schema, "properties"), *all = properties;
	const struct doc *items = doc_key(schema, "items");
	const struct doc *others = doc_key(schema, "additionalProperties");

	doc_each_pair(all, key, below)
		properties = doc_with(arena, properties, key, opened(arena, below));
	if (properties)
		schema = doc_with(arena, schema, STR("properties"), properties);
	if (doc_is(items, DOC_OBJECT))
		schema = doc_with(arena, schema, STR("items"), opened(arena, items));
	if (doc_is(others, DOC_OBJECT))
		schema = doc_with(arena, schema, STR("additionalProperties"),
				  doc_len(properties) ? NULL : opened(arena, others));
	return schema;
}

/* The schema with types where they follow, and nothing pruned that it does not name. */
static const struct doc *opened(struct arena *arena, const struct doc *schema)
{
	struct str type = doc_at_str(schema, "type");

	if (!doc_is(schema, DOC_OBJECT))
		return schema;
	if (!type.len && !doc_bool_or(doc_key(schema, "x-kubernetes-int-or-string"), false)) {
		type = doc_key(schema, "properties") || doc_key(schema, "additionalProperties")
			       ? STR("object")
		       : doc_key(schema, "items") ? STR("array")
						  : STR("");
		schema = type.len ? doc_set_str(arena, schema, "type", type)
				  : doc_with(arena, schema, STR(KEEP), &doc_true);
	}
	if (str_is(type, "object"))
		schema = doc_with(arena, schema, STR(KEEP), &doc_true);
	return opened_below(arena, schema);
}

static const struct doc *schema_of(struct arena *arena, const struct doc *validation, bool open)
{
	const struct doc *schema = doc_key(validation, "openAPIV3Schema");

	if (!doc_is(schema, DOC_OBJECT))
		schema = &doc_empty_object;
	if (!doc_at_str(schema, "type").len)
		schema = doc_set_str(arena, schema, "type", STR("object"));
	if (open || !validation)
		schema = opened(arena, schema);
	return doc_with(arena, &doc_empty_object, STR("openAPIV3Schema"), schema);
}

static const struct doc *modern_version(struct arena *arena, const struct doc *spec,
					const struct doc *version)
{
	static const char *const shared[] = { "subresources", "additionalPrinterColumns" };
	bool open = doc_at_bool(spec, "preserveUnknownFields", true);
	const struct doc *own = doc_key(version, "schema");

	version = doc_with(arena, version, STR("schema"),
			   schema_of(arena, own ? own : doc_key(spec, "validation"), open));
	for (u32 i = 0; i < ARRAY_LEN(shared); i++) {
		struct str key = str_of(shared[i]);

		if (!doc_get(version, key) && doc_get(spec, key))
			version = doc_with(arena, version, key, doc_get(spec, key));
	}
	const struct doc *columns = renamed(arena, doc_key(version, "additionalPrinterColumns"),
					    STR("JSONPath"), STR("jsonPath"));

	return columns ? doc_with(arena, version, STR("additionalPrinterColumns"), columns)
		       : version;
}

static const struct doc *modern_conversion(struct arena *arena, const struct doc *old)
{
	struct build b = build_object(arena);

	build_doc(&b, "strategy", doc_key(old, "strategy"));
	if (doc_key(old, "webhookClientConfig") || doc_key(old, "conversionReviewVersions")) {
		build_open_object(&b, "webhook");
		build_doc(&b, "clientConfig", doc_key(old, "webhookClientConfig"));
		build_doc(&b, "conversionReviewVersions", doc_key(old, "conversionReviewVersions"));
		build_close(&b);
	}
	return build_done(&b);
}

static const struct doc *without(struct arena *arena, const struct doc *spec)
{
	static const char *const gone[] = { "version",
					    "validation",
					    "subresources",
					    "additionalPrinterColumns",
					    "preserveUnknownFields",
					    "selectableFields" };

	for (u32 i = 0; i < ARRAY_LEN(gone); i++)
		spec = doc_with(arena, spec, str_of(gone[i]), NULL);
	return spec;
}

static const struct doc *modern_spec(struct arena *arena, const struct doc *spec)
{
	const struct doc *versions = doc_key(spec, "versions"), *made = &doc_empty_array;
	const struct doc *conversion = doc_key(spec, "conversion");

	if (!doc_len(versions)) {
		struct build b = build_array(arena);

		build_open_object(&b, NULL);
		build_str(&b, "name", doc_at_str(spec, "version"));
		build_bool(&b, "served", true);
		build_bool(&b, "storage", true);
		build_close(&b);
		versions = build_done(&b);
	}
	doc_each_item(versions, version)
		made = doc_append(arena, made, modern_version(arena, spec, version));
	spec = doc_with(arena, without(arena, spec), STR("versions"), made);
	return conversion ? doc_with(arena, spec, STR("conversion"),
				     modern_conversion(arena, conversion))
			  : spec;
}

/* What all versions have alike stands at the top, as authors wrote it. */
static const struct doc *lifted(struct arena *arena, const struct doc *spec, const char *key,
				const char *name)
{
	const struct doc *versions = doc_key(spec, "versions");
	const struct doc *first = doc_get(doc_item(versions, 0), str_of(key));

	doc_each_item(versions, version) {
		const struct doc *one = doc_get(version, str_of(key));

		if (!first || !one || !doc_eq(first, one))
			return spec;
	}
	if (!first)
		return spec;
	for (u32 i = 0; i < doc_len(versions); i++)
		versions = doc_with_item(arena, versions, i,
					 doc_with(arena, doc_item(versions, i), str_of(key), NULL));
	spec = doc_with(arena, spec, STR("versions"), versions);
	return doc_with(arena, spec, str_of(name), first);
}

static const struct doc *old_spec(struct arena *arena, const struct doc *spec)
{
	const struct doc *versions = doc_key(spec, "versions"), *made = &doc_empty_array;
	const struct doc *conversion = doc_key(spec, "conversion");

	doc_each_item(versions, version) {
		const struct doc *columns =
			renamed(arena, doc_key(version, "additionalPrinterColumns"),
				STR("jsonPath"), STR("JSONPath"));
		const struct doc *one = doc_with(arena, version, STR("selectableFields"), NULL);

		if (columns)
			one = doc_with(arena, one, STR("additionalPrinterColumns"), columns);
		made = doc_append(arena, made, one);
	}
	spec = doc_with(arena, spec, STR("versions"), made);
	spec = doc_with(arena, spec, STR("version"), doc_key(doc_item(made, 0), "name"));
	spec = lifted(arena, spec, "schema", "validation");
	spec = lifted(arena, spec, "subresources", "subresources");
	spec = lifted(arena, spec, "additionalPrinterColumns", "additionalPrinterColumns");
	spec = doc_with(arena, spec, STR("preserveUnknownFields"), &doc_false);
	if (doc_key(conversion, "webhook")) {
		const struct doc *hook = doc_key(conversion, "webhook");

		conversion = doc_with(arena, conversion, STR("webhook"), NULL);
		conversion = doc_with(arena, conversion, STR("webhookClientConfig"),
				      doc_key(hook, "clientConfig"));
		conversion = doc_with(arena, conversion, STR("conversionReviewVersions"),
				      doc_key(hook, "conversionReviewVersions"));
		spec = doc_with(arena, spec, STR("conversion"), conversion);
	}
	return spec;
}

RULE_CONVERT(custom_resource_beta_convert)
{
	const struct doc *spec = doc_key(object, "spec");

	if (!doc_is(spec, DOC_OBJECT))
		return object;
	return doc_with(arena, object, STR("spec"),
			to_stored ? modern_spec(arena, spec) : old_spec(arena, spec));
}
