/*
 * Walks a document and the tables side by side. Nothing is copied until something differs: a clean
 * body comes back as the very nodes the parser made.
 */
#include "schema/decode.h"

#include "base/check.h"
#include "schema/default.h"
#include "schema/scalar.h"
#include "schema/structural.h"

struct step { /* one piece of the path, for messages */
	struct str key;
	i32 index; /* ≥ 0: an item of the list named before */
};

struct decoder {
	struct arena *arena;
	struct field_problems *problems;
	struct error *error;
	bool old; /* an earlier group-version */
	u32 depth;
	struct step trail[2 * DOC_DEPTH_MAX + 2];
};

static void enter(struct decoder *d, struct str key, i32 index)
{
	CHECK(d->depth < ARRAY_LEN(d->trail));
	d->trail[d->depth++] = (struct step){ key, index };
}

/* "spec.containers[0].image", or without the items as Go's decoder has it. */
static struct str print_trail(const struct decoder *d, bool items)
{
	struct str path = { "", 0 };

	for (u32 i = 0; i < d->depth; i++) {
		const struct step *s = &d->trail[i];

		if (s->index >= 0 && items)
			path = str_format(d->arena, STR_FMT "[%d]", STR_ARG(path), s->index);
		else if (s->index < 0)
			path = str_format(d->arena, STR_FMT "%s" STR_FMT, STR_ARG(path),
					  path.len ? "." : "", STR_ARG(s->key));
	}
	return path;
}

/* ---- problems */

static char lower(char c)
{
	return c >= 'A' && c <= 'Z' ? (char)(c + 32) : c;
}

/* Edits (insert, drop, change, swap of neighbours) between two names, without case. */
static u32 name_distance(struct str a, struct str b)
{
	enum { NAME_MAX = 64 };
	u32 rows[3][NAME_MAX + 1];

	if (a.len > NAME_MAX || b.len > NAME_MAX)
		return NAME_MAX;
	for (u32 j = 0; j <= b.len; j++)
		rows[0][j] = j;
	for (u32 i = 1; i <= a.len; i++) {
		u32 *row = rows[i % 3], *last = rows[(i - 1) % 3], *before = rows[(i + 1) % 3];

		row[0] = i;
		for (u32 j = 1; j <= b.len; j++) {
			char x = lower(a.at[i - 1]), y = lower(b.at[j - 1]);
			u32 edits = last[j - 1] + (x != y);

			edits = MIN(edits, row[j - 1] + 1);
			edits = MIN(edits, last[j] + 1);
			if (i > 1 && j > 1 && x == lower(b.at[j - 2]) && lower(a.at[i - 2]) == y)
				edits = MIN(edits, before[j - 2] + 1);
			row[j] = edits;
		}
	}
	return rows[a.len % 3][b.len];
}

/* The field whose name is meant, as far as one can tell: a third of the letters may differ. */
static struct str nearest_name(const struct api_struct *s, struct str name)
{
	struct str best = STR_NONE;
	u32 best_distance = (u32)name.len / 3 + 1;

	for (u32 i = 0; i < s->len; i++) {
		u32 distance = name_distance(name, s->fields[i].name);

		if (distance < best_distance) {
			best_distance = distance;
			best = s->fields[i].name;
		}
	}
	return best;
}

static void add_unknown(struct decoder *d, const struct api_struct *s, struct str key)
{
	struct field_problems *p = d->problems;

	if (!p || p->len == FIELD_PROBLEMS_MAX)
		return;
	enter(d, key, -1);
	struct str path = print_trail(d, true), near = nearest_name(s, key);

	d->depth--;
	p->at[p->len++] =
		near.len
			? str_format(d->arena,
				     "unknown field \"" STR_FMT "\"; did you mean \"" STR_FMT "\"?",
				     STR_ARG(path), STR_ARG(near))
			: str_format(d->arena, "unknown field \"" STR_FMT "\"", STR_ARG(path));
}

void field_problems_add_duplicates(struct arena *arena, struct field_problems *problems,
				   const struct str *paths, u32 len)
{
	for (u32 i = 0; i < len && problems->len < FIELD_PROBLEMS_MAX; i++)
		problems->at[problems->len++] =
			str_format(arena, "duplicate field \"" STR_FMT "\"", STR_ARG(paths[i]));
}

struct str field_problems_print(struct arena *arena, const struct field_problems *problems)
{
	return str_join(arena, problems->at, problems->len, STR(", "));
}

enum status field_problems_fail(const struct field_problems *problems, const struct api_kind *kind,
				struct error *error)
{
	struct arena *arena = arena_new(0);
	struct str text = field_problems_print(arena, problems);

	fail(error, ST_BAD_REQUEST,
	     STR_FMT " in version \"" STR_FMT "\" cannot be handled as a " STR_FMT
		     ": strict decoding error: " STR_FMT,
	     STR_ARG(kind->kind), STR_ARG(kind->version), STR_ARG(kind->kind), STR_ARG(text));
	arena_free(arena);
	return ST_BAD_REQUEST;
}

/* ---- wrong types, in the words of Go's encoding/json */

static struct str go_type(struct arena *arena, const struct api_field *f, bool element)
{
	static const char *const scalars[API_TYPE_COUNT] = {
		[API_STRING] = "string",
		[API_BOOL] = "bool",
		[API_INT32] = "int32",
		[API_INT64] = "int64",
		[API_DOUBLE] = "float64",
		[API_BYTES] = "[]uint8",
		[API_QUANTITY] = "resource.Quantity",
		[API_INT_OR_STRING] = "intstr.IntOrString",
		[API_TIME] = "v1.Time",
		[API_MICRO_TIME] = "v1.MicroTime",
		[API_DURATION] = "v1.Duration",
		[API_RAW] = "runtime.RawExtension",
		[API_ANY] = "interface {}",
		[API_FIELDS_V1] = "v1.FieldsV1",
	};
	struct str base = f->type == API_STRUCT
				  ? str_format(arena, STR_FMT "." STR_FMT,
					       STR_ARG(f->of->group->version), STR_ARG(f->of->name))
				  : str_of(scalars[f->type]);
	const char *shape = element			   ? ""
			    : f->shape == API_LIST	   ? "[]"
			    : f->shape == API_MAP	   ? "map[string]"
			    : f->shape == API_MAP_OF_LISTS ? "map[string][]"
							   : "";

	if (!element && f->shape == API_MAP && f->type == API_QUANTITY)
		return STR("v1.ResourceList");
	return str_format(arena, "%s" STR_FMT, shape, STR_ARG(base));
}

static enum status wrong_type(struct decoder *d, const struct api_struct *s,
			      const struct api_field *f, bool element, const struct doc *in)
{
	bool number = f->type == API_INT32 || f->type == API_INT64 || f->type == API_DOUBLE;
	struct str value = scalar_go_value(d->arena, in, number && (element || !f->shape));
	struct str type = go_type(d->arena, f, element), path = print_trail(d, false);

	return fail(d->error, ST_BAD_REQUEST,
		    "json: cannot unmarshal " STR_FMT " into Go struct field " STR_FMT "." STR_FMT
		    " of type " STR_FMT,
		    STR_ARG(value), STR_ARG(s->name), STR_ARG(path), STR_ARG(type));
}

/* ---- the walk */

static enum status decode_struct(struct decoder *d, const struct api_struct *s,
				 const struct doc *in, struct doc *ret);

/* What Go makes of a null inside a list or a map: the type's zero. */
static struct doc zero_of(const struct api_field *f)
{
	switch (f->type) {
	case API_STRUCT:
	case API_RAW:
	case API_FIELDS_V1:
		return doc_empty_object;
	case API_BOOL:
		return doc_false;
	case API_INT32:
	case API_INT64:
	case API_DOUBLE:
	case API_INT_OR_STRING:
		return doc_zero;
	case API_QUANTITY:
		return (struct doc){ .type = DOC_STRING, .len = 1, .text = "0" };
	case API_ANY:
	case API_TIME:
	case API_MICRO_TIME:
		return doc_null;
	default:
		return doc_empty_string;
	}
}

static enum status decode_element(struct decoder *d, const struct api_struct *s,
				  const struct api_field *f, const struct doc *in, struct doc *ret)
{
	bool wrong = false;

	if (f->type == API_STRUCT) {
		if (in->type != DOC_OBJECT)
			return wrong_type(d, s, f, true, in);
		return decode_struct(d, f->of, in, ret);
	}
	enum status status = scalar_decode(d->arena, f->type, in, ret, &wrong, d->error);

	return wrong ? wrong_type(d, s, f, true, in) : status;
}

/* Items of a list, or values of a map (`step` 2): copied when the first one changes. */
static enum status decode_many(struct decoder *d, const struct api_struct *s,
			       const struct api_field *f, const struct doc *in, struct doc *ret)
{
	bool map = in->type == DOC_OBJECT;
	u32 step = map ? 2 : 1, count = in->len * step;
	struct doc *out = NULL;

	*ret = *in;
	for (u32 i = step - 1; i < count; i += step) {
		const struct doc *item = &in->items[i];
		struct doc made;

		if (map)
			enter(d, doc_pair_key(in, i / 2), -1);
		else
			enter(d, STR_NONE, (i32)i);
		if (item->type == DOC_NULL) {
			made = zero_of(f);
		} else if (map && f->shape == API_MAP_OF_LISTS) {
			if (item->type != DOC_ARRAY)
				return wrong_type(d, s, f, false, item);
			enum status status = decode_many(d, s, f, item, &made);
			if (status != ST_OK)
				return status;
		} else {
			enum status status = decode_element(d, s, f, item, &made);
			if (status != ST_OK)
				return status;
		}
		d->depth--;
		if (!out && memcmp(&made, item, sizeof made) != 0) {
			out = arena_copy(d->arena, in->items, count * sizeof *out);
			ret->items = out;
		}
		if (out)
			out[i] = made;
	}
	return ST_OK;
}

static enum status decode_field(struct decoder *d, const struct api_struct *s,
				const struct api_field *f, const struct doc *in, struct doc *ret)
{
	if (f->shape == API_ONE)
		return decode_element(d, s, f, in, ret);
	if (in->type != (f->shape == API_LIST ? DOC_ARRAY : DOC_OBJECT))
		return wrong_type(d, s, f, false, in);
	return decode_many(d, s, f, in, ret);
}

/* apiVersion and kind at the head of a kind's root. */
static bool is_type_meta(const struct api_struct *s, struct str key)
{
	return (s->flags & API_TYPE_META) &&
	       (str_eq(key, STR("apiVersion")) || str_eq(key, STR("kind")));
}

/* Pairs of the struct under way; `out` is NULL as long as they are those of `in`. */
struct pairs {
	const struct doc *in;
	struct doc *out;
	u32 len; /* pairs kept */
};

static void pairs_fork(struct decoder *d, struct pairs *p)
{
	if (p->out)
		return;
	p->out = arena_alloc(d->arena, sizeof *p->out * 2 * p->in->len);
	memcpy(p->out, p->in->items, sizeof *p->out * 2 * p->len);
}

static void pairs_add(struct decoder *d, struct pairs *p, const struct doc *key,
		      const struct doc *value, bool same)
{
	if (!same)
		pairs_fork(d, p);
	if (p->out) {
		p->out[2 * p->len] = *key;
		p->out[2 * p->len + 1] = *value;
	}
	p->len++;
}

/* Of two equal keys the later one stays. */
static void pairs_drop(struct decoder *d, struct pairs *p, struct str key)
{
	pairs_fork(d, p);
	for (u32 i = 0; i < p->len; i++) {
		struct doc *pair = &p->out[2 * i];

		if (!str_eq((struct str){ pair->text, pair->len }, key))
			continue;
		memmove(pair, pair + 2, sizeof *pair * 2 * (p->len - i - 1));
		p->len--;
		return;
	}
}

/* Go's omitempty: a zero says as much as nothing, and is stored as nothing. */
static bool is_omitted(const struct api_field *f, const struct doc *made)
{
	if (!(f->flags & API_OMITEMPTY))
		return false;
	if (f->shape != API_ONE)
		return made->len == 0;
	if (f->flags & API_POINTER)
		return false;
	switch (f->type) {
	case API_STRING:
	case API_BYTES:
		return made->len == 0;
	case API_BOOL:
		return made->type == DOC_FALSE;
	case API_INT32:
	case API_INT64:
	case API_DOUBLE:
		return made->len == 1 && made->text[0] == '0';
	default:
		return false;
	}
}

/* Fields of earlier group-versions that mean nothing any more. */
static bool is_forgotten(struct str name)
{
	return str_is(name, "rollbackTo") || str_is(name, "templateGeneration") ||
	       str_is(name, "apiVersion");
}

static enum status decode_struct(struct decoder *d, const struct api_struct *s,
				 const struct doc *in, struct doc *ret)
{
	struct pairs pairs = { .in = in };
	u64 seen[4] = { 0 };

	for (u32 i = 0; i < in->len; i++) {
		const struct doc *key = &in->items[2 * i], *value = key + 1;
		struct str name = { key->text, key->len };
		const struct api_field *f = api_field_find(s, name);
		struct doc made;

		if (!f) {
			if (is_type_meta(s, name) && value->type == DOC_STRING) {
				pairs_add(d, &pairs, key, value, true);
				continue;
			}
			if (!is_type_meta(s, name) && !(d->old && is_forgotten(name)))
				add_unknown(d, s, name);
			pairs_fork(d, &pairs);
			continue;
		}
		if (value->type == DOC_NULL) { /* as if it were not there */
			pairs_fork(d, &pairs);
			continue;
		}
		u32 index = (u32)(f - s->fields);

		if (seen[index / 64] >> index % 64 & 1)
			pairs_drop(d, &pairs, name);
		seen[index / 64] |= 1ull << index % 64;
		enter(d, name, -1);
		enum status status = decode_field(d, s, f, value, &made);

		if (status != ST_OK)
			return status;
		d->depth--;
		if (is_omitted(f, &made))
			pairs_fork(d, &pairs);
		else
			pairs_add(d, &pairs, key, &made, memcmp(&made, value, sizeof made) == 0);
	}
	*ret = *in;
	if (pairs.out) {
		ret->items = pairs.out;
		ret->len = pairs.len;
	}
	return ST_OK;
}

/* A custom resource: metadata by the tables, the rest by its own schema. */
static enum status decode_custom(struct decoder *d, const struct api_kind *kind,
				 const struct doc *in, struct doc *ret)
{
	const struct api_field *field = api_field_find(kind->root, STR("metadata"));
	const struct doc *meta = doc_key(in, "metadata"), *out;
	struct doc made;
	enum status status = ST_OK;

	out = structural_prune(d->arena, kind->shape, in, d->problems);
	if (!doc_is_null(meta)) {
		enter(d, field->name, -1);
		status = decode_field(d, kind->root, field, meta, &made);
		d->depth = 0;
	}
	if (status != ST_OK)
		return status;
	if (!doc_is_null(meta) && memcmp(&made, meta, sizeof made) != 0)
		out = doc_with(d->arena, out, field->name,
			       arena_copy(d->arena, &made, sizeof made));
	*ret = *out;
	return ST_OK;
}

enum status schema_decode(struct arena *arena, const struct schema *schema,
			  const struct api_kind *kind, const struct doc *in,
			  const struct doc **ret_doc, struct field_problems *problems,
			  struct error *error)
{
	struct error inner = ERROR_INIT;
	struct decoder d = {
		.arena = arena, .problems = problems, .error = &inner, .old = kind->old
	};
	struct doc made;
	enum status status;

	if (doc_is(in, DOC_OBJECT)) {
		status = kind->shape ? decode_custom(&d, kind, in, &made)
				     : decode_struct(&d, kind->root, in, &made);
	} else {
		struct str value = scalar_go_value(arena, in, false);

		status = fail(&inner, ST_BAD_REQUEST,
			      "json: cannot unmarshal " STR_FMT " into Go value of type " STR_FMT
			      "." STR_FMT,
			      STR_ARG(value), STR_ARG(kind->version), STR_ARG(kind->kind));
	}
	if (status != ST_OK)
		return fail(error, status,
			    STR_FMT " in version \"" STR_FMT "\" cannot be handled as a " STR_FMT
				    ": %s",
			    STR_ARG(kind->kind), STR_ARG(kind->version), STR_ARG(kind->kind),
			    inner.message);
	if (memcmp(&made, in, sizeof made) != 0)
		in = arena_copy(arena, &made, sizeof made);
	/* What an earlier group-version let its authors leave out is known only here. */
	if (kind->old && kind->finish)
		in = kind->finish(&(struct defaults){ arena, schema, kind, in }, in);
	*ret_doc = in;
	return ST_OK;
}
