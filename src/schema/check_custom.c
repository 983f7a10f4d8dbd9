/* CustomResourceDefinitions: names, versions, schemas. Follows k8s.io/apiextensions-apiserver's
 * pkg/apis/apiextensions/validation. */
#include "doc/jsonpath.h"
#include "schema/rules.h"
#include "schema/structural.h"

static void check_name(struct check *c, const struct doc *definition)
{
	struct str plural = doc_at_str(definition, "spec.names.plural");
	struct str group = doc_at_str(definition, "spec.group");
	struct str name = doc_at_str(definition, "metadata.name");
	struct str wanted =
		str_format(c->arena, STR_FMT "." STR_FMT, STR_ARG(plural), STR_ARG(group));

	if (!str_eq(name, wanted))
		check_invalid_str(c, "metadata.name", name,
				  "must be spec.names.plural+\".\"+"
				  "spec.group");
	if (group.len && str_find_char(group, '.') < 0)
		check_invalid_str(c, "spec.group", group,
				  "should be a domain with at least one "
				  "dot");
	else
		check_format_str(c, "spec.group", API_FORMAT_DNS_SUBDOMAIN, group);
	/* What is built in cannot be said anew. */
	for (u32 i = 0; i < api_groups_len; i++)
		if (group.len && str_eq(api_groups[i].group, group)) {
			check_forbidden(c, "spec.group", "this server serves the group itself");
			break;
		}
}

static void check_names(struct check *c, const struct doc *names)
{
	static const char *const lower[] = { "plural", "singular" };
	static const char *const camel[] = { "kind", "listKind" };
	struct str kind = doc_at_str(names, "kind"), list = doc_at_str(names, "listKind");

	check_enter(c, "spec");
	check_enter(c, "names");
	for (u32 i = 0; i < 2; i++) {
		struct str word = doc_at_str(names, lower[i]);
		struct str other = str_lower(c->arena, doc_at_str(names, camel[i]));

		if (word.len)
			check_format_str(c, lower[i], API_FORMAT_DNS_1035_LABEL, word);
		if (other.len)
			check_format_str(c, camel[i], API_FORMAT_DNS_1035_LABEL, other);
	}
	if (kind.len && str_eq(kind, list))
		check_invalid_str(c, "listKind", list, "kind and listKind may not be the same");
	check_enter(c, "shortNames");
	const struct doc *shorts = doc_key(names, "shortNames");

	for (u32 i = 0; i < doc_len(shorts); i++) {
		check_enter_item(c, i);
		check_format_str(c, NULL, API_FORMAT_DNS_1035_LABEL, doc_str(doc_item(shorts, i)));
		check_leave(c);
	}
	check_leave(c);
	check_leave(c);
	check_leave(c);
}

/* A path of plain names: what a scale or a field selector may point at. */
static void check_path_below(struct check *c, const char *child, struct str path, const char *below)
{
	if (path.len && !str_starts(path, str_of(below)))
		check_invalid_str(c, child, path, "should be a json path under %s", below);
	else if (str_find_char(path, '[') >= 0 || str_find_char(path, '*') >= 0)
		check_invalid_str(c, child, path, "must be a simple path of field names");
}

static void check_parts(struct check *c, const struct doc *version)
{
	const struct doc *scale = doc_at(version, "subresources.scale");
	const struct doc *fields = doc_key(version, "selectableFields");

	if (scale) {
		check_enter(c, "subresources.scale");
		check_path_below(c, "specReplicasPath", doc_at_str(scale, "specReplicasPath"),
				 ".spec.");
		check_path_below(c, "statusReplicasPath", doc_at_str(scale, "statusReplicasPath"),
				 ".status.");
		check_leave(c);
	}
	check_enter(c, "selectableFields");
	for (u32 i = 0; i < doc_len(fields); i++) {
		check_enter_item(c, i);
		check_path_below(c, "jsonPath", doc_at_str(doc_item(fields, i), "jsonPath"), ".");
		check_leave(c);
	}
	check_leave(c);
}

static void check_columns(struct check *c, const struct doc *columns)
{
	static const char *const types[] = {
		"boolean", "date", "integer", "number", "string", NULL
	};

	check_enter(c, "additionalPrinterColumns");
	for (u32 i = 0; i < doc_len(columns); i++) {
		const struct doc *column = doc_item(columns, i);
		struct str type = doc_at_str(column, "type"), path = doc_at_str(column, "jsonPath");
		struct error error = ERROR_INIT;
		struct jsonpath *parsed;
		bool known = !type.len;

		for (u32 j = 0; types[j]; j++)
			known = known || str_is(type, types[j]);
		check_enter_item(c, i);
		if (!known)
			check_unsupported(c, "type", type, types);
		if (path.len &&
		    jsonpath_parse(c->arena, str_format(c->arena, "{" STR_FMT "}", STR_ARG(path)),
				   &parsed, &error) != ST_OK)
			check_invalid_str(c, "jsonPath", path, "is an invalid json path: %s",
					  error.message);
		check_leave(c);
	}
	check_leave(c);
}

static void check_versions(struct check *c, const struct doc *versions)
{
	u32 stored = 0;

	check_enter(c, "spec");
	check_enter(c, "versions");
	for (u32 i = 0; i < doc_len(versions); i++) {
		const struct doc *version = doc_item(versions, i);
		const struct doc *schema = doc_at(version, "schema.openAPIV3Schema");
		struct str name = doc_at_str(version, "name");

		stored += doc_at_bool(version, "storage", false);
		check_enter_item(c, i);
		check_format_str(c, "name", API_FORMAT_DNS_1035_LABEL, name);
		for (u32 j = 0; j < i; j++)
			if (str_eq(doc_at_str(doc_item(versions, j), "name"), name))
				check_invalid_str(c, "name", name,
						  "must contain unique version names");
		check_enter(c, "schema");
		check_enter(c, "openAPIV3Schema");
		if (doc_is(schema, DOC_OBJECT))
			structural_check(c, schema);
		else
			check_required(c, NULL, "schemas are required");
		check_leave(c);
		check_leave(c);
		check_parts(c, version);
		check_columns(c, doc_key(version, "additionalPrinterColumns"));
		check_leave(c);
	}
	if (stored != 1)
		check_invalid(c, NULL, versions,
			      "must have exactly one version marked as storage version");
	check_leave(c);
	check_leave(c);
}

void custom_resource_check(struct check *c, const struct doc *value, const struct doc *old)
{
	struct str strategy = doc_at_str(value, "spec.conversion.strategy");
	static const char *const strategies[] = { "None", NULL };

	(void)old;
	check_name(c, value);
	check_names(c, doc_at(value, "spec.names"));
	check_versions(c, doc_at(value, "spec.versions"));
	if (str_is(strategy, "Webhook"))
		check_forbidden(c, "spec.conversion.strategy",
				"conversion by webhook is not supported by this server; use None");
	else if (!str_is(strategy, "None"))
		check_unsupported(c, "spec.conversion.strategy", strategy, strategies);
	if (doc_at_bool(value, "spec.preserveUnknownFields", false))
		check_invalid(c, "spec.preserveUnknownFields", &doc_true,
			      "must be false in order to use apiextensions.k8s.io/v1");
}
