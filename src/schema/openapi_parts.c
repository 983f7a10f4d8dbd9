/* Names, scalars and the reach of a document. */
#include "schema/openapi_parts.h"

#include "base/check.h"

static const struct openapi_scalar scalars[API_TYPE_COUNT] = {
	[API_STRING] = { "string", NULL, NULL, NULL },
	[API_BOOL] = { "boolean", NULL, NULL, NULL },
	[API_INT32] = { "integer", "int32", NULL, NULL },
	[API_INT64] = { "integer", "int64", NULL, NULL },
	[API_DOUBLE] = { "number", "double", NULL, NULL },
	[API_BYTES] = { "string", "byte", NULL, NULL },
	[API_QUANTITY] = { "string", NULL, "io.k8s.apimachinery.pkg.api.resource.Quantity",
			   "An exact amount: a number with an optional suffix such as m, k, Ki, M, "
			   "Mi "
			   "or an exponent." },
	[API_INT_OR_STRING] = { "string", "int-or-string",
				"io.k8s.apimachinery.pkg.util.intstr.IntOrString",
				"A whole number, or a string such as a name or a percentage." },
	[API_TIME] = { "string", "date-time", OPENAPI_META "Time", "A moment, as in RFC 3339." },
	[API_MICRO_TIME] = { "string", "date-time", OPENAPI_META "MicroTime",
			     "A moment to the microsecond, as in RFC 3339." },
	[API_DURATION] = { "string", NULL, NULL, NULL },
	[API_RAW] = { "object", NULL, "io.k8s.apimachinery.pkg.runtime.RawExtension",
		      "Any object, kept as it is." },
	[API_ANY] = { NULL, NULL, NULL, NULL },
	[API_FIELDS_V1] = { "object", NULL, OPENAPI_META "FieldsV1",
			    "A set of fields, as a tree of keys." },
	[API_STRUCT] = { "object", NULL, NULL, NULL },
};

const struct openapi_scalar *openapi_scalar(u8 api_type)
{
	CHECK(api_type < API_TYPE_COUNT);
	return &scalars[api_type];
}

struct str openapi_name(struct arena *arena, const struct api_struct *s)
{
	struct str package = s->group->package;

	/* The domain turns round, as in Java: k8s.io.api → io.k8s.api. */
	if (str_starts(package, STR("k8s.io.")))
		return str_format(arena, "io.k8s." STR_FMT "." STR_FMT,
				  STR_ARG(str_from(package, 7)), STR_ARG(s->name));
	return str_format(arena, STR_FMT "." STR_FMT, STR_ARG(package), STR_ARG(s->name));
}

bool openapi_required(const struct api_field *field)
{
	if (field->flags & API_OMITEMPTY)
		return false;
	return !(field->flags & API_POINTER) || (field->flags & API_REQUIRED);
}

struct str openapi_patch_strategy(const struct api_field *field)
{
	bool merge = field->flags & API_PATCH_MERGE, retain = field->flags & API_PATCH_RETAIN;

	return merge && retain ? STR("merge,retainKeys")
	       : merge	       ? STR("merge")
	       : retain	       ? STR("retainKeys")
			       : STR_NONE;
}

const char *openapi_list_type(const struct api_field *field)
{
	switch (field->list) {
	case API_LIST_ATOMIC:
		return "atomic";
	case API_LIST_SET:
		return "set";
	case API_LIST_MAP:
		return "map";
	default:
		return NULL;
	}
}

struct reach {
	struct arena *arena;
	VEC(const struct api_struct *) found; /* also the work still to do: walked from the front */
	u8 *seen;
};

static void reach_add(struct reach *r, const struct api_struct *s)
{
	if (!s || s->id >= api_structs_len || r->seen[s->id])
		return;
	r->seen[s->id] = 1;
	VEC_PUSH(r->arena, &r->found, s);
}

struct openapi_need openapi_need(struct arena *arena, const struct served *const *versions, u32 len)
{
	struct reach r = { .arena = arena, .seen = arena_zero(arena, api_structs_len) };
	struct openapi_need need = { 0 };

	reach_add(&r, api_kinds[KIND_DeleteOptions].root);
	reach_add(&r, api_kinds[KIND_Status].root);
	for (u32 i = 0; i < len; i++) {
		for (u32 j = 0; j < versions[i]->len; j++) {
			const struct api_kind *kind = versions[i]->kinds[j];

			/* Of a custom resource only the metadata is a struct of the tables. */
			reach_add(&r, kind->shape ? kind->root->fields[0].of : kind->root);
			if (kind->has_scale)
				reach_add(&r, api_kinds[KIND_Scale].root);
			if (kind->stored->id == KIND_Pod)
				reach_add(&r, api_kinds[KIND_Eviction].root);
			if (kind->stored->id == KIND_ServiceAccount)
				reach_add(&r, api_kinds[KIND_TokenRequest].root);
		}
	}
	for (u32 i = 0; i < r.found.len; i++) {
		const struct api_struct *s = r.found.at[i];

		for (u16 j = 0; j < s->len; j++) {
			reach_add(&r, s->fields[j].of);
			need.scalars |= 1u << s->fields[j].type;
		}
	}
	need.structs = r.found.at;
	need.len = r.found.len;
	return need;
}

void openapi_kinds_of(const struct schema *schema, const struct api_struct *s,
		      void (*each)(void *self, const struct api_kind *kind), void *self)
{
	const struct api_kind *kind;

	if (!(s->flags & API_TYPE_META))
		return;
	for (u32 i = 0; (kind = schema_at(schema, i)); i++)
		if (kind->root == s)
			each(self, kind);
}

struct str openapi_text(const struct schema *schema, const struct api_struct *s)
{
	const struct api_kind *kind;

	if (s->flags & API_TYPE_META)
		for (u32 i = 0; (kind = schema_at(schema, i)); i++)
			if (kind->root == s && kind->text.len)
				return kind->text;
	return s->text;
}
