/* Prints kinds and fields for people. */
#include "schema/explain.h"

#include <stdlib.h>

#include "schema/openapi_parts.h"

enum { TEXT_WIDTH = 76, ENUMS_SHOWN = 4, FIELDS_MAX = 256, LEVELS_MAX = 24 };

/* Every object's first two fields stand in no table. */
static const struct api_field type_meta[] = {
	{ .name = STR_INIT("apiVersion"),
	  .text = STR_INIT("Group and version of the API the object is written in.") },
	{ .name = STR_INIT("kind"), .text = STR_INIT("What sort of object it is.") },
};

static int by_name(const void *a, const void *b)
{
	const struct api_field *const *left = a, *const *right = b;
	struct str l = (*left)->name, r = (*right)->name;
	int order = memcmp(l.at, r.at, MIN(l.len, r.len));

	return order ? order : (int)l.len - (int)r.len;
}

/* The fields of a struct by name, as kubectl lists them. */
static u32 sorted_fields(const struct api_struct *s, const struct api_field *out[FIELDS_MAX])
{
	u32 len = 0;

	if (s->flags & API_TYPE_META)
		for (u32 i = 0; i < ARRAY_LEN(type_meta); i++)
			out[len++] = &type_meta[i];
	for (u16 i = 0; i < s->len && len < FIELDS_MAX; i++)
		out[len++] = &s->fields[i];
	qsort(out, len, sizeof *out, by_name);
	return len;
}

static const struct api_field *field_of(const struct api_struct *s, struct str name)
{
	if (s->flags & API_TYPE_META)
		for (u32 i = 0; i < ARRAY_LEN(type_meta); i++)
			if (str_eq(type_meta[i].name, name))
				return &type_meta[i];
	return api_field_find(s, name);
}

static void put(struct buffer *out, const char *text)
{
	buffer_add_str(out, str_of(text));
}

static void put_blanks(struct buffer *out, u32 count)
{
	for (u32 i = 0; i < count; i++)
		buffer_add_char(out, ' ');
}

/* Words in lines of at most TEXT_WIDTH, each four blanks in. */
static void put_text(struct buffer *out, struct str text)
{
	size_t column = 0;

	while (text.at) {
		struct str word = str_cut(&text, ' ');

		if (column > 0 && column + 1 + word.len > TEXT_WIDTH) {
			put(out, "\n");
			column = 0;
		}
		if (column == 0)
			put_blanks(out, 4);
		else
			put(out, " ");
		buffer_add_str(out, word);
		column += word.len + (column > 0);
	}
	put(out, "\n");
}

/* "[]Container", "map[string]Quantity", "integer". Definitions that are no more than a string, such
 * as Time, go by that. */
static void put_type(struct buffer *out, const struct api_field *f)
{
	const struct openapi_scalar *scalar = openapi_scalar(f->type);
	struct str name = str_of(scalar->name);

	if (f->shape == API_LIST)
		put(out, "[]");
	else if (f->shape == API_MAP)
		put(out, "map[string]");
	else if (f->shape == API_MAP_OF_LISTS)
		put(out, "map[string][]");
	if (f->type == API_STRUCT && f->of->id == UINT16_MAX)
		put(out, "Object"); /* a custom resource's structs have no names */
	else if (f->type == API_STRUCT)
		buffer_add_str(out, f->of->name);
	else if (name.len && f->type != API_TIME && f->type != API_MICRO_TIME)
		buffer_add_str(out, str_from(name, (size_t)str_find_last(name, '.') + 1));
	else
		put(out, scalar->type ? scalar->type : "Object");
}

/* "  enum: A, B, ...." on a line of its own, under the field's name. */
static void put_enum_line(struct buffer *out, const struct api_field *f, u32 indent)
{
	if (!f->enums_len)
		return;
	put_blanks(out, indent);
	put(out, "enum: ");
	for (u32 i = 0; i < f->enums_len && i < ENUMS_SHOWN; i++) {
		if (i > 0)
			put(out, ", ");
		if (f->enums[i].len)
			buffer_add_str(out, f->enums[i]);
		else
			put(out, "\"\"");
	}
	put(out, f->enums_len > ENUMS_SHOWN ? ", ....\n" : "\n");
}

/* A field whose number is 0 stands in no table of ours. */
static bool is_required(const struct api_field *f)
{
	return f->number ? openapi_required(f) : (f->flags & API_REQUIRED) != 0;
}

static void put_field_line(struct buffer *out, const struct api_field *f, u32 indent)
{
	put_blanks(out, indent);
	buffer_add_str(out, f->name);
	put(out, "\t<");
	put_type(out, f);
	put(out, is_required(f) ? "> -required-\n" : ">\n");
	put_enum_line(out, f, indent);
}

static void put_fields(struct buffer *out, const struct api_struct *s, bool recursive, u32 level)
{
	const struct api_field *fields[FIELDS_MAX];
	u32 len = sorted_fields(s, fields);

	for (u32 i = 0; i < len; i++) {
		put_field_line(out, fields[i], 2 * level);
		if (!recursive) {
			put_text(out,
				 fields[i]->text.len ? fields[i]->text : STR("<no description>"));
			put(out, "\n");
		} else if (fields[i]->of && level < LEVELS_MAX) {
			put_fields(out, fields[i]->of, true, level + 1);
		}
	}
}

static void put_head(struct buffer *out, const struct api_kind *kind)
{
	if (kind->group.len)
		buffer_add_format(out, "GROUP:      " STR_FMT "\n", STR_ARG(kind->group));
	buffer_add_format(out, "KIND:       " STR_FMT "\nVERSION:    " STR_FMT "\n\n",
			  STR_ARG(kind->kind), STR_ARG(kind->version));
}

static void put_field_head(struct buffer *out, const struct api_field *f)
{
	put(out, "FIELD: ");
	buffer_add_str(out, f->name);
	put(out, " <");
	put_type(out, f);
	put(out, ">\n");
	if (f->enums_len)
		put(out, "ENUM:\n");
	for (u32 i = 0; i < f->enums_len; i++)
		buffer_add_format(out, "    " STR_FMT "\n",
				  STR_ARG(f->enums[i].len ? f->enums[i] : STR("\"\"")));
	put(out, f->enums_len ? "\n" : "\n\n");
}

static void put_description(struct buffer *out, const struct api_kind *kind,
			    const struct api_field *f)
{
	const char *scalar = f && !f->of ? openapi_scalar(f->type)->text : NULL;

	struct str text = f ? f->text : kind->text;

	put(out, "DESCRIPTION:\n");
	put_text(out, text.len ? text : STR("<empty>"));
	if (f && f->of && !str_eq(f->text, f->of->text))
		put_text(out, f->of->text);
	if (scalar)
		put_text(out, str_of(scalar));
	put(out, "    \n");
}

enum status explain(struct buffer *out, const struct api_kind *kind, struct str path,
		    bool recursive, struct error *error)
{
	const struct api_struct *at = kind->root;
	const struct api_field *field = NULL;

	while (path.len) {
		struct str name = str_cut(&path, '.');

		field = at ? field_of(at, name) : NULL;
		if (!field)
			return fail(error, ST_NOT_FOUND, "field \"" STR_FMT "\" does not exist",
				    STR_ARG(name));
		at = field->of;
	}
	put_head(out, kind);
	if (field)
		put_field_head(out, field);
	put_description(out, kind, field);
	if (at) {
		put(out, "FIELDS:\n");
		put_fields(out, at, recursive, 1);
	}
	put(out, "\n");
	return out->full ? fail(error, ST_TOO_LARGE, "the explanation is too long") : ST_OK;
}
