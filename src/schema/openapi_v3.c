/* Writes schemas and paths as OpenAPI v3 JSON. */
#include "schema/openapi_v3.h"

#include "schema/json_out.h"
#include "schema/openapi_parts.h"

struct writer {
	struct json_out o;
	struct arena *arena;
	const struct schema *schema;
};

#define REF "#/components/schemas/"

static void put_ref(struct writer *w, const char *key, struct str name)
{
	out_open(&w->o, key, '{');
	out_str(&w->o, "$ref", str_format(w->arena, REF STR_FMT, STR_ARG(name)));
	out_close(&w->o, '}');
}

/* The name of a definition of its own, or the empty slice for a bare type. */
static struct str type_name(struct writer *w, const struct api_field *f)
{
	if (f->type == API_STRUCT)
		return openapi_name(w->arena, f->of);
	return str_of(openapi_scalar(f->type)->name);
}

/* "type": …, "format": … of a bare scalar, inside an open object. */
static void put_bare_type(struct writer *w, const struct openapi_scalar *scalar)
{
	if (scalar->type)
		out_text(&w->o, "type", scalar->type);
	if (scalar->format)
		out_text(&w->o, "format", scalar->format);
}

/* An item of a list or map. */
static void put_item(struct writer *w, const char *key, const struct api_field *f)
{
	struct str name = type_name(w, f);

	if (name.len) {
		put_ref(w, key, name);
		return;
	}
	out_open(&w->o, key, '{');
	put_bare_type(w, openapi_scalar(f->type));
	out_close(&w->o, '}');
}

static void put_type(struct writer *w, const struct api_field *f)
{
	struct str name;

	switch (f->shape) {
	case API_LIST:
		out_text(&w->o, "type", "array");
		put_item(w, "items", f);
		return;
	case API_MAP:
		out_text(&w->o, "type", "object");
		put_item(w, "additionalProperties", f);
		return;
	case API_MAP_OF_LISTS:
		out_text(&w->o, "type", "object");
		out_open(&w->o, "additionalProperties", '{');
		out_text(&w->o, "type", "array");
		put_item(w, "items", f);
		out_close(&w->o, '}');
		return;
	default:
		break;
	}
	name = type_name(w, f);
	if (!name.len) {
		put_bare_type(w, openapi_scalar(f->type));
		return;
	}
	/* A reference with neighbours has to stand in allOf. */
	out_open(&w->o, "allOf", '[');
	put_ref(w, NULL, name);
	out_close(&w->o, ']');
}

static void put_words(struct writer *w, const char *key, const struct str *words, u32 len)
{
	out_open(&w->o, key, '[');
	for (u32 i = 0; i < len; i++)
		out_str(&w->o, NULL, words[i]);
	out_close(&w->o, ']');
}

static void put_merge(struct writer *w, const struct api_field *f)
{
	const char *list = openapi_list_type(f);
	struct str strategy = openapi_patch_strategy(f);

	if (list)
		out_text(&w->o, "x-kubernetes-list-type", list);
	if (f->list_keys_len)
		put_words(w, "x-kubernetes-list-map-keys", f->list_keys, f->list_keys_len);
	if (f->flags & API_ATOMIC)
		out_text(&w->o, "x-kubernetes-map-type", "atomic");
	if (f->patch_key.len)
		out_str(&w->o, "x-kubernetes-patch-merge-key", f->patch_key);
	if (strategy.len)
		out_str(&w->o, "x-kubernetes-patch-strategy", strategy);
}

static void put_field(struct writer *w, const struct api_field *f)
{
	out_open(&w->o, str_c(w->arena, f->name), '{');
	out_str(&w->o, "description", f->text);
	put_type(w, f);
	if (f->value)
		out_doc(&w->o, "default", f->value);
	if (f->enums_len)
		put_words(w, "enum", f->enums, f->enums_len);
	put_merge(w, f);
	out_close(&w->o, '}');
}

static void put_type_meta(struct writer *w)
{
	out_open(&w->o, "apiVersion", '{');
	out_text(&w->o, "description", "Group and version of the API the object is written in.");
	out_text(&w->o, "type", "string");
	out_close(&w->o, '}');
	out_open(&w->o, "kind", '{');
	out_text(&w->o, "description", "What sort of object it is.");
	out_text(&w->o, "type", "string");
	out_close(&w->o, '}');
}

static void put_gvk(struct writer *w, const char *key, struct str group, struct str version,
		    struct str kind)
{
	out_open(&w->o, key, '{');
	out_str(&w->o, "group", group);
	out_str(&w->o, "kind", kind);
	out_str(&w->o, "version", version);
	out_close(&w->o, '}');
}

static void put_kind(void *self, const struct api_kind *kind)
{
	put_gvk(self, NULL, kind->group, kind->version, kind->kind);
}

static void put_list_kind(void *self, const struct api_kind *kind)
{
	put_gvk(self, NULL, kind->group, kind->version, kind->list_kind);
}

static void put_kinds(struct writer *w, const struct api_struct *s,
		      void (*put)(void *, const struct api_kind *))
{
	out_open(&w->o, "x-kubernetes-group-version-kind", '[');
	openapi_kinds_of(w->schema, s, put, w);
	out_close(&w->o, ']');
}

static void put_required(struct writer *w, const struct api_struct *s)
{
	bool any = false;

	for (u16 i = 0; i < s->len; i++) {
		if (!openapi_required(&s->fields[i]))
			continue;
		if (!any)
			out_open(&w->o, "required", '[');
		any = true;
		out_str(&w->o, NULL, s->fields[i].name);
	}
	if (any)
		out_close(&w->o, ']');
}

static void put_struct(struct writer *w, const struct api_struct *s)
{
	out_open(&w->o, str_c(w->arena, openapi_name(w->arena, s)), '{');
	out_str(&w->o, "description", openapi_text(w->schema, s));
	out_text(&w->o, "type", "object");
	put_required(w, s);
	out_open(&w->o, "properties", '{');
	if (s->flags & API_TYPE_META)
		put_type_meta(w);
	for (u16 i = 0; i < s->len; i++)
		put_field(w, &s->fields[i]);
	out_close(&w->o, '}');
	if (s->flags & API_TYPE_META)
		put_kinds(w, s, put_kind);
	out_close(&w->o, '}');
}

/* A custom resource is shown as its author wrote it, with what every object has. */
static void put_custom(struct writer *w, const struct api_kind *kind)
{
	const struct doc *properties = doc_key(kind->shape, "properties");

	out_open(&w->o, str_c(w->arena, openapi_name(w->arena, kind->root)), '{');
	doc_each_pair(kind->shape, key, value)
		if (!str_is(key, "properties"))
			out_doc(&w->o, str_c(w->arena, key), value);
	out_open(&w->o, "properties", '{');
	put_type_meta(w);
	put_field(w, &kind->root->fields[0]);
	doc_each_pair(properties, key, value)
		if (!str_is(key, "apiVersion") && !str_is(key, "kind") && !str_is(key, "metadata"))
			out_doc(&w->o, str_c(w->arena, key), value);
	out_close(&w->o, '}');
	put_kinds(w, kind->root, put_kind);
	out_close(&w->o, '}');
}

static struct str list_name(struct writer *w, const struct api_kind *kind)
{
	return str_format(w->arena, STR_FMT "List", STR_ARG(openapi_name(w->arena, kind->root)));
}

static void put_list(struct writer *w, const struct api_kind *kind)
{
	out_open(&w->o, str_c(w->arena, list_name(w, kind)), '{');
	out_str(&w->o, "description",
		str_format(w->arena, "A list of " STR_FMT ".", STR_ARG(kind->plural)));
	out_text(&w->o, "type", "object");
	out_raw(&w->o, "required", "[\"items\"]");
	out_open(&w->o, "properties", '{');
	put_type_meta(w);
	put_ref(w, "metadata", STR(OPENAPI_META "ListMeta"));
	out_open(&w->o, "items", '{');
	out_text(&w->o, "description", "The objects.");
	out_text(&w->o, "type", "array");
	put_ref(w, "items", openapi_name(w->arena, kind->root));
	out_close(&w->o, '}');
	out_close(&w->o, '}');
	put_kinds(w, kind->root, put_list_kind);
	out_close(&w->o, '}');
}

static void put_scalar(struct writer *w, u8 type)
{
	const struct openapi_scalar *scalar = openapi_scalar(type);

	out_open(&w->o, scalar->name, '{');
	out_text(&w->o, "description", scalar->text);
	if (type == API_INT_OR_STRING) {
		out_text(&w->o, "format", "int-or-string");
		out_raw(&w->o, "oneOf", "[{\"type\":\"integer\"},{\"type\":\"string\"}]");
		out_raw(&w->o, "x-kubernetes-int-or-string", "true");
	} else if (type == API_QUANTITY) {
		out_raw(&w->o, "oneOf", "[{\"type\":\"string\"},{\"type\":\"number\"}]");
	} else {
		put_bare_type(w, scalar);
	}
	out_close(&w->o, '}');
}

static void put_schemas(struct writer *w, const struct served *served)
{
	struct openapi_need need = openapi_need(w->arena, &served, 1);

	out_open(&w->o, "schemas", '{');
	for (u32 i = 0; i < need.len; i++)
		put_struct(w, need.structs[i]);
	for (u32 i = 0; i < served->len; i++)
		if (served->kinds[i]->shape)
			put_custom(w, served->kinds[i]);
	for (u32 i = 0; i < served->len; i++)
		if (served->kinds[i]->verbs & API_VERB_LIST)
			put_list(w, served->kinds[i]);
	for (u8 type = 0; type < API_TYPE_COUNT; type++)
		if ((need.scalars & 1u << type) && openapi_scalar(type)->name)
			put_scalar(w, type);
	out_open(&w->o, OPENAPI_META "Patch", '{');
	out_text(&w->o, "description",
		 "A change to part of an object, in one of the patch formats.");
	out_text(&w->o, "type", "object");
	out_close(&w->o, '}');
	out_close(&w->o, '}');
}

/* ---- paths */

static void put_parameter(struct writer *w, const char *name, const char *in, const char *type,
			  const char *text)
{
	out_open(&w->o, NULL, '{');
	out_text(&w->o, "name", name);
	out_text(&w->o, "in", in);
	out_text(&w->o, "description", text);
	if (in[0] == 'p')
		out_raw(&w->o, "required", "true");
	out_open(&w->o, "schema", '{');
	out_text(&w->o, "type", type);
	out_close(&w->o, '}');
	out_close(&w->o, '}');
}

static void put_path_parameters(struct writer *w, const struct openapi_path *path)
{
	out_open(&w->o, "parameters", '[');
	if (path->has_name)
		put_parameter(w, "name", "path", "string", "Name of the object.");
	if (path->has_namespace)
		put_parameter(w, "namespace", "path", "string", "Namespace of the object.");
	put_parameter(w, "pretty", "query", "string", "Indent the answer for people.");
	out_close(&w->o, ']');
}

static void put_content(struct writer *w, const char *const *types, u32 len, struct str name)
{
	out_open(&w->o, "content", '{');
	for (u32 i = 0; i < len; i++) {
		out_open(&w->o, types[i], '{');
		if (name.len)
			put_ref(w, "schema", name);
		else
			out_raw(&w->o, "schema", "{\"type\":\"string\"}");
		out_close(&w->o, '}');
	}
	out_close(&w->o, '}');
}

static void put_body(struct writer *w, const struct openapi_operation *op)
{
	static const char *const object[] = { "application/json", "application/yaml",
					      "application/vnd.kubernetes.protobuf" };
	static const char *const patch[] = { "application/json-patch+json",
					     "application/merge-patch+json",
					     "application/strategic-merge-patch+json",
					     "application/apply-patch+yaml" };

	if (op->body == OPENAPI_NO_BODY)
		return;
	out_open(&w->o, "requestBody", '{');
	if (op->body == OPENAPI_PATCH)
		put_content(w, patch, ARRAY_LEN(patch), STR(OPENAPI_META "Patch"));
	else if (op->body == OPENAPI_DELETE_OPTIONS)
		put_content(w, object, 1, STR(OPENAPI_META "DeleteOptions"));
	else
		put_content(w, object, ARRAY_LEN(object), op->object);
	if (op->body != OPENAPI_DELETE_OPTIONS)
		out_raw(&w->o, "required", "true");
	out_close(&w->o, '}');
}

static void put_answer(struct writer *w, const struct openapi_operation *op, const char *code,
		       const char *text)
{
	static const char *const json[] = { "application/json", "application/json;stream=watch" };
	static const char *const any[] = { "*/*" };

	out_open(&w->o, code, '{');
	out_text(&w->o, "description", text);
	if (op->answer == OPENAPI_GIVES_TEXT)
		put_content(w, any, 1, STR_NONE);
	else if (op->answer == OPENAPI_GIVES_STATUS)
		put_content(w, json, 1, STR(OPENAPI_META "Status"));
	else if (op->answer == OPENAPI_GIVES_LIST)
		put_content(w, json, 2, str_format(w->arena, STR_FMT "List", STR_ARG(op->object)));
	else
		put_content(w, json, 1, op->object);
	out_close(&w->o, '}');
}

static void put_operation(struct writer *w, const struct openapi_operation *op, struct str tag)
{
	out_open(&w->o, op->method, '{');
	put_words(w, "tags", &tag, 1);
	out_str(&w->o, "description", op->text);
	out_str(&w->o, "operationId", op->id);
	out_open(&w->o, "parameters", '[');
	for (u32 i = 0; i < openapi_query_len; i++)
		if (openapi_query[i].set & op->params)
			put_parameter(w, openapi_query[i].name, "query", openapi_query[i].type,
				      openapi_query[i].text);
	out_close(&w->o, ']');
	put_body(w, op);
	out_open(&w->o, "responses", '{');
	put_answer(w, op, "200", "OK");
	if (op->method[0] == 'p' && op->answer == OPENAPI_GIVES_OBJECT)
		put_answer(w, op, "201", "Created");
	out_raw(&w->o, "401", "{\"description\":\"Unauthorized\"}");
	out_close(&w->o, '}');
	out_text(&w->o, "x-kubernetes-action", op->action);
	put_gvk(w, "x-kubernetes-group-version-kind", op->group, op->version, op->kind);
	out_close(&w->o, '}');
}

static void put_paths(struct writer *w, const struct served *served)
{
	u32 len;
	const struct openapi_path *paths = openapi_paths(w->arena, w->schema, served, &len);
	struct str group = served->group.len ? served->group : STR("core");
	struct str tag =
		str_format(w->arena, STR_FMT "_" STR_FMT,
			   STR_ARG(str_part(group, 0,
					    (size_t)(str_find_char(group, '.') < 0
							     ? (i64)group.len
							     : str_find_char(group, '.')))),
			   STR_ARG(served->version));

	out_open(&w->o, "paths", '{');
	for (u32 i = 0; i < len; i++) {
		out_open(&w->o, str_c(w->arena, paths[i].path), '{');
		for (u32 j = 0; j < paths[i].len; j++)
			put_operation(w, &paths[i].operations[j], tag);
		put_path_parameters(w, &paths[i]);
		out_close(&w->o, '}');
	}
	out_close(&w->o, '}');
}

static bool put_document(struct buffer *out, struct arena *arena, const struct schema *schema,
			 const struct served *served)
{
	struct writer w = { { out, false }, arena, schema };

	out_open(&w.o, NULL, '{');
	out_text(&w.o, "openapi", "3.0.0");
	out_open(&w.o, "info", '{');
	out_text(&w.o, "title", OPENAPI_TITLE);
	out_text(&w.o, "version", OPENAPI_VERSION);
	out_close(&w.o, '}');
	put_paths(&w, served);
	out_open(&w.o, "components", '{');
	put_schemas(&w, served);
	out_close(&w.o, '}');
	out_close(&w.o, '}');
	return !out->full;
}

static struct str path_of(struct arena *arena, const struct served *s)
{
	return str_format(arena, "%s/" STR_FMT, s->group.len ? "apis" : "api",
			  STR_ARG(s->api_version));
}

/* FNV-1a: clients keep documents by this number, so it must not differ between processes. */
static u64 hash_of(struct str s)
{
	u64 hash = 0xcbf29ce484222325;

	for (size_t i = 0; i < s.len; i++)
		hash = (hash ^ (u8)s.at[i]) * 0x100000001b3;
	return hash;
}

bool openapi_v3_index(struct buffer *out, const struct schema *schema)
{
	struct arena *arena = arena_new(0);
	struct buffer document = BUFFER_INIT(OPENAPI_BYTES_MAX);
	struct json_out o = { out, false };
	u32 len;
	const struct served *all = served_all(arena, schema, &len);

	out_open(&o, NULL, '{');
	out_open(&o, "paths", '{');
	for (u32 i = 0; i < len; i++) {
		struct arena *scratch = arena_new(0);
		struct str path = path_of(arena, &all[i]);

		buffer_clear(&document);
		put_document(&document, scratch, schema, &all[i]);
		arena_free(scratch);
		out_open(&o, str_c(arena, path), '{');
		out_str(&o, "serverRelativeURL",
			str_format(arena, "/openapi/v3/" STR_FMT "?hash=%016llX", STR_ARG(path),
				   (unsigned long long)hash_of(buffer_str(&document))));
		out_close(&o, '}');
	}
	out_close(&o, '}');
	out_close(&o, '}');
	buffer_release(&document);
	arena_free(arena);
	return !out->full;
}

enum status openapi_v3_group(struct buffer *out, const struct schema *schema, struct str path,
			     struct error *error)
{
	struct arena *arena = arena_new(0);
	u32 len;
	const struct served *all = served_all(arena, schema, &len);
	enum status status = ST_NOT_FOUND;

	for (u32 i = 0; i < len && status == ST_NOT_FOUND; i++)
		if (str_eq(path_of(arena, &all[i]), path))
			status = put_document(out, arena, schema, &all[i]) ? ST_OK : ST_TOO_LARGE;
	arena_free(arena);
	if (status == ST_OK)
		return ST_OK;
	return fail(error, status, "no OpenAPI document for " STR_FMT, STR_ARG(path));
}
