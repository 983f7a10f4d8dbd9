/* Writes definitions and paths as gnostic's OpenAPI v2 messages; field numbers are its own. */
#include "schema/openapi_v2.h"

#include "doc/json.h"
#include "schema/openapi_parts.h"
#include "schema/proto_out.h"

enum { NAMED_NAME = 1, NAMED_VALUE = 2, ANY_YAML = 2 }; /* NamedAny, NamedSchema …; Any */
enum {
	DOCUMENT_SWAGGER = 1,
	DOCUMENT_INFO = 2,
	DOCUMENT_PATHS = 8,
	DOCUMENT_DEFINITIONS = 9,
	INFO_TITLE = 1,
	INFO_VERSION = 2,
};
enum {
	SCHEMA_REF = 1,
	SCHEMA_FORMAT = 2,
	SCHEMA_DESCRIPTION = 4,
	SCHEMA_DEFAULT = 5,
	SCHEMA_REQUIRED = 19,
	SCHEMA_ADDITIONAL_PROPERTIES = 21,
	SCHEMA_TYPE = 22,
	SCHEMA_ITEMS = 23,
	SCHEMA_PROPERTIES = 25,
	SCHEMA_VENDOR_EXTENSION = 31,
	ITEM = 1, /* the one field of TypeItem, ItemsItem, AdditionalPropertiesItem, Properties */
};
enum {
	PATHS_PATH = 2,
	PATH_GET = 2,
	PATH_PUT = 3,
	PATH_POST = 4,
	PATH_DELETE = 5,
	PATH_PATCH = 8,
	PATH_PARAMETERS = 9,
	OPERATION_DESCRIPTION = 3,
	OPERATION_ID = 5,
	OPERATION_PRODUCES = 6,
	OPERATION_CONSUMES = 7,
	OPERATION_PARAMETERS = 8,
	OPERATION_RESPONSES = 9,
	OPERATION_VENDOR_EXTENSION = 13,
};
enum { /* ParametersItem.parameter, Parameter.*, NonBodyParameter.* and what they hold */
       ITEM_PARAMETER = 1,
       PARAMETER_BODY = 1,
       PARAMETER_NON_BODY = 2,
       NON_BODY_QUERY = 3,
       NON_BODY_PATH = 4,
       BODY_NAME = 2,
       BODY_IN = 3,
       BODY_REQUIRED = 4,
       BODY_SCHEMA = 5,
       PLAIN_REQUIRED = 1,
       PLAIN_IN = 2,
       PLAIN_DESCRIPTION = 3,
       PLAIN_NAME = 4,
       PATH_TYPE = 5,
       QUERY_TYPE = 6,
};

struct writer {
	struct proto_out o;
	struct arena *arena;
	const struct schema *schema;
};

/* ---- schemas */

/* A vendor extension; its value is YAML, of which JSON is a part. */
static void put_extension(struct writer *w, u32 field, const char *name, struct str yaml)
{
	proto_open(&w->o, field);
	proto_text(&w->o, NAMED_NAME, name);
	proto_open(&w->o, NAMED_VALUE);
	proto_str(&w->o, ANY_YAML, yaml);
	proto_close(&w->o);
	proto_close(&w->o);
}

static void put_type(struct writer *w, const char *type)
{
	if (!type)
		return;
	proto_open(&w->o, SCHEMA_TYPE);
	proto_text(&w->o, ITEM, type);
	proto_close(&w->o);
}

static void put_reference(struct writer *w, struct str name)
{
	proto_str(&w->o, SCHEMA_REF, str_format(w->arena, "#/definitions/" STR_FMT, STR_ARG(name)));
}

/* The type of one value: a reference, or a bare scalar. Inside an open schema. */
static void put_one(struct writer *w, const struct api_field *f)
{
	const struct openapi_scalar *scalar = openapi_scalar(f->type);

	if (f->type == API_STRUCT) {
		put_reference(w, openapi_name(w->arena, f->of));
	} else if (scalar->name) {
		put_reference(w, str_of(scalar->name));
	} else {
		if (scalar->format)
			proto_text(&w->o, SCHEMA_FORMAT, scalar->format);
		put_type(w, scalar->type);
	}
}

static void put_array(struct writer *w, const struct api_field *f)
{
	put_type(w, "array");
	proto_open(&w->o, SCHEMA_ITEMS);
	proto_open(&w->o, ITEM);
	put_one(w, f);
	proto_close(&w->o);
	proto_close(&w->o);
}

static void put_shape(struct writer *w, const struct api_field *f)
{
	switch (f->shape) {
	case API_LIST:
		put_array(w, f);
		break;
	case API_MAP:
	case API_MAP_OF_LISTS:
		put_type(w, "object");
		proto_open(&w->o, SCHEMA_ADDITIONAL_PROPERTIES);
		proto_open(&w->o, ITEM);
		if (f->shape == API_MAP)
			put_one(w, f);
		else
			put_array(w, f);
		proto_close(&w->o);
		proto_close(&w->o);
		break;
	default:
		put_one(w, f);
	}
}

static struct str words_json(struct arena *arena, const struct str *words, u32 len)
{
	struct str joined = str_join(arena, words, len, STR("\",\""));

	return str_format(arena, "[\"" STR_FMT "\"]", STR_ARG(joined));
}

static void put_field(struct writer *w, const struct api_field *f)
{
	const char *list = openapi_list_type(f);
	struct str strategy = openapi_patch_strategy(f);
	u32 extension = SCHEMA_VENDOR_EXTENSION;

	proto_open(&w->o, ITEM);
	proto_str(&w->o, NAMED_NAME, f->name);
	proto_open(&w->o, NAMED_VALUE);
	proto_str(&w->o, SCHEMA_DESCRIPTION, f->text);
	if (f->value) {
		proto_open(&w->o, SCHEMA_DEFAULT);
		proto_str(&w->o, ANY_YAML, json_text(w->arena, f->value));
		proto_close(&w->o);
	}
	put_shape(w, f);
	if (f->list_keys_len)
		put_extension(w, extension, "x-kubernetes-list-map-keys",
			      words_json(w->arena, f->list_keys, f->list_keys_len));
	if (list)
		put_extension(w, extension, "x-kubernetes-list-type", str_of(list));
	if (f->flags & API_ATOMIC)
		put_extension(w, extension, "x-kubernetes-map-type", STR("atomic"));
	if (f->patch_key.len)
		put_extension(w, extension, "x-kubernetes-patch-merge-key", f->patch_key);
	if (strategy.len)
		put_extension(w, extension, "x-kubernetes-patch-strategy", strategy);
	proto_close(&w->o);
	proto_close(&w->o);
}

static void put_plain_property(struct writer *w, const char *name, const char *text)
{
	proto_open(&w->o, ITEM);
	proto_text(&w->o, NAMED_NAME, name);
	proto_open(&w->o, NAMED_VALUE);
	proto_text(&w->o, SCHEMA_DESCRIPTION, text);
	put_type(w, "string");
	proto_close(&w->o);
	proto_close(&w->o);
}

static void put_type_meta(struct writer *w)
{
	put_plain_property(w, "apiVersion",
			   "Group and version of the API the object is written in.");
	put_plain_property(w, "kind", "What sort of object it is.");
}

static struct str gvk_json(struct arena *arena, struct str group, struct str version,
			   struct str kind)
{
	return str_format(arena,
			  "{\"group\":\"" STR_FMT "\",\"kind\":\"" STR_FMT
			  "\",\"version\":\"" STR_FMT "\"}",
			  STR_ARG(group), STR_ARG(kind), STR_ARG(version));
}

struct kind_names {
	struct arena *arena;
	VEC(struct str) at;
	bool lists;
};

/* Earlier group-versions ask for less than the shape they share: clients must not check by it. */
static void add_kind_name(void *self, const struct api_kind *kind)
{
	struct kind_names *names = self;

	if (kind->old)
		return;
	VEC_PUSH(names->arena, &names->at,
		 gvk_json(names->arena, kind->group, kind->version,
			  names->lists ? kind->list_kind : kind->kind));
}

static void put_kinds(struct writer *w, const struct api_struct *s, bool lists)
{
	struct kind_names names = { .arena = w->arena, .lists = lists };

	openapi_kinds_of(w->schema, s, add_kind_name, &names);
	put_extension(w, SCHEMA_VENDOR_EXTENSION, "x-kubernetes-group-version-kind",
		      str_format(w->arena, "[" STR_FMT "]",
				 STR_ARG(str_join(w->arena, names.at.at, names.at.len, STR(",")))));
}

static void open_definition(struct writer *w, struct str name, struct str text)
{
	proto_open(&w->o, ITEM);
	proto_str(&w->o, NAMED_NAME, name);
	proto_open(&w->o, NAMED_VALUE);
	proto_str(&w->o, SCHEMA_DESCRIPTION, text);
}

static void close_definition(struct writer *w)
{
	proto_close(&w->o);
	proto_close(&w->o);
}

static void put_struct(struct writer *w, const struct api_struct *s)
{
	open_definition(w, openapi_name(w->arena, s), openapi_text(w->schema, s));
	for (u16 i = 0; i < s->len; i++)
		if (openapi_required(&s->fields[i]))
			proto_str(&w->o, SCHEMA_REQUIRED, s->fields[i].name);
	put_type(w, "object");
	proto_open(&w->o, SCHEMA_PROPERTIES);
	if (s->flags & API_TYPE_META)
		put_type_meta(w);
	for (u16 i = 0; i < s->len; i++)
		put_field(w, &s->fields[i]);
	proto_close(&w->o);
	if (s->flags & API_TYPE_META)
		put_kinds(w, s, false);
	close_definition(w);
}

/* A custom resource as its author wrote it; one that keeps what is unknown says nothing. */
static void put_custom(struct writer *w, const struct api_kind *kind)
{
	const struct doc *shape = kind->shape, *properties = doc_key(shape, "properties");
	bool open = doc_bool_or(doc_key(shape, "x-kubernetes-preserve-unknown-fields"), false);

	open_definition(w, openapi_name(w->arena, kind->root), kind->text);
	doc_each_item(doc_key(shape, "required"), name)
		proto_str(&w->o, SCHEMA_REQUIRED, doc_str(name));
	put_type(w, "object");
	if (!open) {
		proto_open(&w->o, SCHEMA_PROPERTIES);
		put_type_meta(w);
		put_field(w, &kind->root->fields[0]);
		doc_each_pair(properties, key, below)
			if (!str_is(key, "apiVersion") && !str_is(key, "kind") &&
			    !str_is(key, "metadata"))
				openapi_v2_property(&w->o, w->arena, key, below);
		proto_close(&w->o);
	}
	put_kinds(w, kind->root, false);
	close_definition(w);
}

static void put_list(struct writer *w, const struct api_kind *kind)
{
	struct str name = openapi_name(w->arena, kind->root);

	open_definition(w, str_format(w->arena, STR_FMT "List", STR_ARG(name)),
			str_format(w->arena, "A list of " STR_FMT ".", STR_ARG(kind->plural)));
	proto_text(&w->o, SCHEMA_REQUIRED, "items");
	put_type(w, "object");
	proto_open(&w->o, SCHEMA_PROPERTIES);
	put_type_meta(w);
	proto_open(&w->o, ITEM);
	proto_text(&w->o, NAMED_NAME, "metadata");
	proto_open(&w->o, NAMED_VALUE);
	put_reference(w, STR(OPENAPI_META "ListMeta"));
	proto_close(&w->o);
	proto_close(&w->o);
	proto_open(&w->o, ITEM);
	proto_text(&w->o, NAMED_NAME, "items");
	proto_open(&w->o, NAMED_VALUE);
	put_type(w, "array");
	proto_open(&w->o, SCHEMA_ITEMS);
	proto_open(&w->o, ITEM);
	put_reference(w, name);
	proto_close(&w->o);
	proto_close(&w->o);
	proto_close(&w->o);
	proto_close(&w->o);
	proto_close(&w->o);
	put_kinds(w, kind->root, true);
	close_definition(w);
}

static void put_scalar(struct writer *w, const struct openapi_scalar *scalar)
{
	open_definition(w, str_of(scalar->name), str_of(scalar->text));
	if (scalar->format)
		proto_text(&w->o, SCHEMA_FORMAT, scalar->format);
	put_type(w, scalar->type);
	close_definition(w);
}

static void put_definitions(struct writer *w, const struct served *all, u32 len)
{
	const struct served **versions = ARENA_ARRAY(w->arena, const struct served *, len + 1);
	u8 *listed = arena_zero(w->arena, api_structs_len);

	for (u32 i = 0; i < len; i++)
		versions[i] = &all[i];
	struct openapi_need need = openapi_need(w->arena, versions, len);
	proto_open(&w->o, DOCUMENT_DEFINITIONS);
	for (u32 i = 0; i < need.len; i++)
		put_struct(w, need.structs[i]);
	for (u32 i = 0; i < len; i++) {
		for (u32 j = 0; j < all[i].len; j++) {
			const struct api_kind *kind = all[i].kinds[j];

			/* Two versions of one shape share their list. */
			if (kind->shape)
				put_custom(w, kind);
			else if (!(kind->verbs & API_VERB_LIST) || listed[kind->root->id]++)
				continue;
			put_list(w, kind);
		}
	}
	for (u8 type = 0; type < API_TYPE_COUNT; type++)
		if ((need.scalars & 1u << type) && openapi_scalar(type)->name)
			put_scalar(w, openapi_scalar(type));
	open_definition(w, STR(OPENAPI_META "Patch"),
			STR("A change to part of an object, in one of the patch formats."));
	put_type(w, "object");
	close_definition(w);
	proto_close(&w->o);
}

/* ---- paths */

static void put_plain_parameter(struct writer *w, u32 field, bool in_path, const char *name,
				const char *type, const char *text)
{
	proto_open(&w->o, field);
	proto_open(&w->o, ITEM_PARAMETER);
	proto_open(&w->o, PARAMETER_NON_BODY);
	proto_open(&w->o, in_path ? NON_BODY_PATH : NON_BODY_QUERY);
	if (in_path)
		proto_bool(&w->o, PLAIN_REQUIRED, true);
	proto_text(&w->o, PLAIN_IN, in_path ? "path" : "query");
	proto_text(&w->o, PLAIN_DESCRIPTION, text);
	proto_text(&w->o, PLAIN_NAME, name);
	proto_text(&w->o, in_path ? PATH_TYPE : QUERY_TYPE, type);
	for (u32 i = 0; i < 4; i++)
		proto_close(&w->o);
}

static void put_body(struct writer *w, const struct openapi_operation *op)
{
	static const char *const patches[] = { "application/json-patch+json",
					       "application/merge-patch+json",
					       "application/strategic-merge-patch+json",
					       "application/apply-patch+yaml" };
	struct str name = op->body == OPENAPI_PATCH	       ? STR(OPENAPI_META "Patch")
			  : op->body == OPENAPI_DELETE_OPTIONS ? STR(OPENAPI_META "DeleteOptions")
							       : op->object;

	if (op->body == OPENAPI_PATCH)
		for (u32 i = 0; i < ARRAY_LEN(patches); i++)
			proto_text(&w->o, OPERATION_CONSUMES, patches[i]);
	if (op->body == OPENAPI_NO_BODY || !name.len)
		return;
	proto_open(&w->o, OPERATION_PARAMETERS);
	proto_open(&w->o, ITEM_PARAMETER);
	proto_open(&w->o, PARAMETER_BODY);
	proto_text(&w->o, BODY_NAME, "body");
	proto_text(&w->o, BODY_IN, "body");
	proto_bool(&w->o, BODY_REQUIRED, op->body != OPENAPI_DELETE_OPTIONS);
	proto_open(&w->o, BODY_SCHEMA);
	put_reference(w, name);
	for (u32 i = 0; i < 4; i++)
		proto_close(&w->o);
}

static void put_response(struct writer *w, const struct openapi_operation *op)
{
	struct str name = op->object;

	if (op->answer == OPENAPI_GIVES_STATUS)
		name = STR(OPENAPI_META "Status");
	else if (op->answer == OPENAPI_GIVES_LIST)
		name = str_format(w->arena, STR_FMT "List", STR_ARG(op->object));
	else if (op->answer == OPENAPI_GIVES_TEXT)
		name = STR_NONE;
	proto_open(&w->o, OPERATION_RESPONSES);
	proto_open(&w->o, 1); /* Responses.response_code */
	proto_text(&w->o, NAMED_NAME, "200");
	proto_open(&w->o, NAMED_VALUE);
	proto_open(&w->o, 1);	    /* ResponseValue.response */
	proto_text(&w->o, 1, "OK"); /* Response.description */
	proto_open(&w->o, 2);	    /* Response.schema */
	proto_open(&w->o, 1);	    /* SchemaItem.schema */
	if (name.len)
		put_reference(w, name);
	else
		put_type(w, "string");
	for (u32 i = 0; i < 6; i++)
		proto_close(&w->o);
}

static u32 method_field(const char *method)
{
	static const struct {
		const char *name;
		u32 field;
	} methods[] = {
		{ "get", PATH_GET },	   { "put", PATH_PUT },	    { "post", PATH_POST },
		{ "delete", PATH_DELETE }, { "patch", PATH_PATCH },
	};

	for (u32 i = 0; i < ARRAY_LEN(methods); i++)
		if (strcmp(methods[i].name, method) == 0)
			return methods[i].field;
	CHECK(false);
	return 0;
}

static void put_operation(struct writer *w, const struct openapi_operation *op)
{
	proto_open(&w->o, method_field(op->method));
	proto_str(&w->o, OPERATION_DESCRIPTION, op->text);
	proto_str(&w->o, OPERATION_ID, op->id);
	proto_text(&w->o, OPERATION_PRODUCES,
		   op->answer == OPENAPI_GIVES_TEXT ? "*/*" : "application/json");
	put_body(w, op);
	for (u32 i = 0; i < openapi_query_len; i++)
		if (openapi_query[i].set & op->params)
			put_plain_parameter(w, OPERATION_PARAMETERS, false, openapi_query[i].name,
					    openapi_query[i].type, openapi_query[i].text);
	put_response(w, op);
	put_extension(w, OPERATION_VENDOR_EXTENSION, "x-kubernetes-action", str_of(op->action));
	put_extension(w, OPERATION_VENDOR_EXTENSION, "x-kubernetes-group-version-kind",
		      gvk_json(w->arena, op->group, op->version, op->kind));
	proto_close(&w->o);
}

static void put_path(struct writer *w, const struct openapi_path *path)
{
	proto_open(&w->o, PATHS_PATH);
	proto_str(&w->o, NAMED_NAME, path->path);
	proto_open(&w->o, NAMED_VALUE);
	for (u32 i = 0; i < path->len; i++)
		put_operation(w, &path->operations[i]);
	if (path->has_name)
		put_plain_parameter(w, PATH_PARAMETERS, true, "name", "string",
				    "Name of the object.");
	if (path->has_namespace)
		put_plain_parameter(w, PATH_PARAMETERS, true, "namespace", "string",
				    "Namespace of the object.");
	proto_close(&w->o);
	proto_close(&w->o);
}

bool openapi_v2_protobuf(struct buffer *out, const struct schema *schema)
{
	struct writer w = { .o = { .to = out }, .arena = arena_new(0), .schema = schema };
	u32 len, paths_len;
	const struct served *all = served_all(w.arena, schema, &len);

	proto_text(&w.o, DOCUMENT_SWAGGER, "2.0");
	proto_open(&w.o, DOCUMENT_INFO);
	proto_text(&w.o, INFO_TITLE, OPENAPI_TITLE);
	proto_text(&w.o, INFO_VERSION, OPENAPI_VERSION);
	proto_close(&w.o);
	proto_open(&w.o, DOCUMENT_PATHS);
	for (u32 i = 0; i < len; i++) {
		const struct openapi_path *paths =
			openapi_paths(w.arena, schema, &all[i], &paths_len);

		for (u32 j = 0; j < paths_len; j++)
			put_path(&w, &paths[j]);
	}
	proto_close(&w.o);
	put_definitions(&w, all, len);
	arena_free(w.arena);
	return !out->full;
}
