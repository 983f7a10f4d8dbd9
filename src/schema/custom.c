/* Builds one api_kind for each version of a CustomResourceDefinition. */
#include "schema/custom.h"

#include "schema/schema.h"
#include "schema/served.h"

enum { WORDS_MAX = 255 };

static const struct str *words(struct arena *arena, const struct doc *list, u8 *ret_len)
{
	u32 len = MIN(doc_len(list), (u32)WORDS_MAX);
	struct str *out = ARENA_ARRAY(arena, struct str, len + 1);

	for (u32 i = 0; i < len; i++)
		out[i] = str_copy(arena, doc_str(doc_item(list, i)));
	*ret_len = (u8)len;
	return out;
}

static struct str word(struct arena *arena, const struct doc *d, const char *path)
{
	return str_copy(arena, doc_at_str(d, path));
}

/* ".spec.replicas" → "spec.replicas" */
static const char *path_of(struct arena *arena, const struct doc *d)
{
	struct str path = doc_str(d);

	if (!path.len)
		return NULL;
	return str_c(arena, path.at[0] == '.' ? str_from(path, 1) : path);
}

static void set_columns(struct arena *arena, struct api_kind *kind, const struct doc *version)
{
	static const struct api_column age = {
		.name = STR_INIT("Age"),
		.type = STR_INIT("date"),
		.source = STR_INIT(".metadata.creationTimestamp"),
		.text = STR_INIT("Time since it was made."),
	};
	const struct doc *list = doc_key(version, "additionalPrinterColumns");
	u32 len = MIN(doc_len(list), (u32)WORDS_MAX);
	struct api_column *columns = ARENA_ARRAY(arena, struct api_column, len + 1);

	for (u32 i = 0; i < len; i++) {
		const struct doc *column = doc_item(list, i);

		columns[i] = (struct api_column){
			.name = word(arena, column, "name"),
			.type = word(arena, column, "type"),
			.source = word(arena, column, "jsonPath"),
			.text = word(arena, column, "description"),
			.wide = doc_at_int(column, "priority", 0) > 0,
		};
	}
	if (!len)
		columns[len++] = age;
	kind->columns = columns;
	kind->columns_len = (u8)len;
}

static void set_parts(struct arena *arena, struct api_kind *kind, const struct doc *version)
{
	const struct doc *parts = doc_key(version, "subresources"),
			 *scale = doc_key(parts, "scale");
	struct str *names = ARENA_ARRAY(arena, struct str, 2);

	kind->has_status = doc_is(doc_key(parts, "status"), DOC_OBJECT);
	kind->has_scale = doc_is(scale, DOC_OBJECT);
	if (kind->has_status)
		names[kind->subresources_len++] = STR("status");
	if (kind->has_scale)
		names[kind->subresources_len++] = STR("scale");
	kind->subresources = names;
	kind->scale_replicas = path_of(arena, doc_key(scale, "specReplicasPath"));
	kind->scale_status_replicas = path_of(arena, doc_key(scale, "statusReplicasPath"));
	kind->scale_selector = path_of(arena, doc_key(scale, "labelSelectorPath"));
}

static void set_selects(struct arena *arena, struct api_kind *kind, const struct doc *version)
{
	const struct doc *list = doc_key(version, "selectableFields");
	u32 len = MIN(doc_len(list), (u32)WORDS_MAX);
	struct str *selects = ARENA_ARRAY(arena, struct str, len + 1);

	for (u32 i = 0; i < len; i++)
		selects[i] = str_of(path_of(arena, doc_key(doc_item(list, i), "jsonPath")));
	kind->selects = selects;
	kind->selects_len = (u8)len;
}

static const struct api_group *group_of(struct arena *arena, struct str group,
					const struct doc *version)
{
	struct api_group *at = ARENA_NEW(arena, struct api_group);
	struct str rest = group;

	at->group = group;
	at->version = word(arena, version, "name");
	at->api_version =
		str_format(arena, STR_FMT "/" STR_FMT, STR_ARG(group), STR_ARG(at->version));
	/* OpenAPI turns domains round: example.com → com.example. */
	while (rest.at) {
		struct str piece = str_cut(&rest, '.');

		at->package = str_format(arena, STR_FMT "%s" STR_FMT, STR_ARG(piece),
					 at->package.len ? "." : "", STR_ARG(at->package));
	}
	at->package =
		str_format(arena, STR_FMT "." STR_FMT, STR_ARG(at->package), STR_ARG(at->version));
	return at;
}

/* In the author's words, or in the usual ones with what to use instead. */
static struct str warning_of(struct arena *arena, const struct api_kind *kind,
			     const struct doc *version, const struct doc *versions)
{
	struct str own = doc_at_str(version, "deprecationWarning"), better = STR("");

	if (!doc_at_bool(version, "deprecated", false))
		return STR("");
	if (own.len)
		return str_copy(arena, own);
	doc_each_item(versions, other) {
		struct str name = doc_at_str(other, "name");

		if (doc_at_bool(other, "served", false) &&
		    !doc_at_bool(other, "deprecated", false) &&
		    served_version_rank(name) > served_version_rank(kind->version) &&
		    served_version_rank(name) > served_version_rank(better))
			better = name;
	}
	if (!better.len)
		return str_format(arena, STR_FMT " " STR_FMT " is deprecated",
				  STR_ARG(kind->api_version), STR_ARG(kind->kind));
	return str_format(
		arena, STR_FMT " " STR_FMT " is deprecated; use " STR_FMT "/" STR_FMT " " STR_FMT,
		STR_ARG(kind->api_version), STR_ARG(kind->kind), STR_ARG(kind->group),
		STR_ARG(better), STR_ARG(kind->kind));
}

static void set_version(struct arena *arena, struct api_kind *kind, const struct doc *version,
			const struct doc *versions)
{
	kind->at = group_of(arena, kind->group, version);
	kind->version = kind->at->version;
	kind->api_version = kind->at->api_version;
	kind->shape = doc_copy(arena, doc_at(version, "schema.openAPIV3Schema"));
	kind->root = custom_root(arena, kind->at, kind->kind, kind->shape);
	kind->text = doc_str(doc_key(kind->shape, "description"));
	kind->warning = warning_of(arena, kind, version, versions);
	set_columns(arena, kind, version);
	set_parts(arena, kind, version);
	set_selects(arena, kind, version);
}

struct custom *custom_new(struct arena *arena, u16 id, const struct doc *definition)
{
	const struct doc *spec = doc_key(definition, "spec"), *names = doc_key(spec, "names");
	const struct doc *versions = doc_key(spec, "versions");
	struct custom *custom = ARENA_NEW(arena, struct custom);
	struct api_kind *kinds = ARENA_ARRAY(arena, struct api_kind, doc_len(versions) + 1);
	const struct api_kind **served =
		ARENA_ARRAY(arena, const struct api_kind *, doc_len(versions) + 1);
	struct api_kind base = {
		.id = id,
		.group = word(arena, spec, "group"),
		.kind = word(arena, names, "kind"),
		.list_kind = word(arena, names, "listKind"),
		.plural = word(arena, names, "plural"),
		.singular = word(arena, names, "singular"),
		.name_format = API_FORMAT_DNS_SUBDOMAIN,
		.verbs = 0xff,
		.namespaced = str_is(doc_at_str(spec, "scope"), "Namespaced"),
	};

	base.shorts = words(arena, doc_key(names, "shortNames"), &base.shorts_len);
	base.categories = words(arena, doc_key(names, "categories"), &base.categories_len);
	if (!base.list_kind.len)
		base.list_kind = str_format(arena, STR_FMT "List", STR_ARG(base.kind));
	if (!base.singular.len)
		base.singular = str_lower(arena, base.kind);
	for (u32 i = 0; i < doc_len(versions); i++) {
		const struct doc *version = doc_item(versions, i);

		kinds[i] = base;
		set_version(arena, &kinds[i], version, versions);
		if (doc_bool_or(doc_key(version, "storage"), false))
			custom->stored = &kinds[i];
		if (doc_bool_or(doc_key(version, "served"), false))
			served[custom->served_len++] = &kinds[i];
	}
	for (u32 i = 0; i < doc_len(versions); i++)
		kinds[i].stored = custom->stored;
	custom->served = served;
	return custom;
}
