/*
 * libyaml's events become documents on a recursive walk of at most DOC_DEPTH_MAX levels. An alias
 * costs one shared node here, but prints in full: what it weighs is counted where it stands, so ten
 * lines cannot become ten gigabytes (CVE-2019-11253).
 */
#include <yaml.h>

#include "base/check.h"
#include "doc/json.h"
#include "doc/object.h"
#include "doc/yaml.h"
#include "doc/yaml_scalar.h"

#define YAML_TAG_PREFIX "tag:yaml.org,2002:"

/* What a value would be without aliases. */
struct measure {
	u32 height; /* levels, 0 for a scalar */
	u64 bytes;
};

struct anchor {
	struct str name;
	struct doc value;
	struct measure measure;
	bool open; /* still being read: an alias would contain itself */
};

struct reader {
	yaml_parser_t parser;
	struct arena *arena;
	VEC(struct anchor) anchors; /* of this document */
	struct key_index by_name;
	u64 alias_bytes; /* of the whole stream */
	u32 depth;
	struct str *duplicates;
	u32 duplicates_len, duplicates_max;
	VEC(struct str) trail; /* where we are, for duplicates; only when they are wanted */
	struct error *error;
};

static enum status parse_node(struct reader *r, const yaml_event_t *event, struct doc *out,
			      struct measure *measure);

static enum status wrong(struct reader *r, const yaml_mark_t *mark, const char *what)
{
	return fail(r->error, ST_BAD_REQUEST, "error converting YAML to JSON: yaml: line %zu: %s",
		    mark->line + 1, what);
}

static enum status next_event(struct reader *r, yaml_event_t *event)
{
	const yaml_parser_t *p = &r->parser;

	if (yaml_parser_parse(&r->parser, event))
		return ST_OK;
	const char *problem = p->problem ? p->problem : "unknown problem parsing YAML content";

	if (p->error == YAML_READER_ERROR)
		return fail(r->error, ST_BAD_REQUEST,
			    "error converting YAML to JSON: yaml: %s at byte %zu", problem,
			    p->problem_offset);
	return wrong(r, &p->problem_mark, problem);
}

/* ---- scalars */

static i32 base64_value(char c)
{
	if (c >= 'A' && c <= 'Z')
		return c - 'A';
	if (c >= 'a' && c <= 'z')
		return c - 'a' + 26;
	if (c >= '0' && c <= '9')
		return c - '0' + 52;
	return c == '+' ? 62 : c == '/' ? 63 : -1;
}

/* !!binary: base64, in whose text blanks and line ends do not count. */
static bool decode_base64(struct arena *arena, struct str in, struct str *ret_text)
{
	char *text = arena_alloc(arena, in.len + 1);
	size_t len = 0;
	u32 bits = 0, count = 0;

	for (size_t i = 0; i < in.len && in.at[i] != '='; i++) {
		if (in.at[i] == ' ' || in.at[i] == '\n')
			continue;
		i32 value = base64_value(in.at[i]);

		if (value < 0)
			return false;
		bits = bits << 6 | (u32)value;
		if (++count % 4 != 1)
			text[len++] = (char)(bits >> (6 - 2 * ((count + 3) % 4)));
	}
	*ret_text = (struct str){ text, len };
	return count % 4 != 1;
}

static struct str core_tag(const yaml_char_t *tag) /* "int" of tag:yaml.org,2002:int */
{
	struct str s = str_of((const char *)tag);

	return str_starts(s, STR(YAML_TAG_PREFIX)) ? str_from(s, sizeof YAML_TAG_PREFIX - 1) : s;
}

static enum status parse_scalar(struct reader *r, const yaml_event_t *event, struct doc *out)
{
	struct str text = { (const char *)event->data.scalar.value, event->data.scalar.length };
	struct str tag = core_tag(event->data.scalar.tag);
	bool plain = event->data.scalar.plain_implicit;
	const struct doc *value;
	enum yaml_kind kind;

	CHECK(text.len < UINT32_MAX);
	if (str_is(tag, "binary")) {
		if (!decode_base64(r->arena, text, &text))
			return wrong(r, &event->start_mark,
				     "!!binary value contains invalid base64 data");
		tag = STR("str");
	}
	if (!plain && (!tag.len || str_is(tag, "str") || tag.at[0] == '!' || tag.at[0] == 't')) {
		*out = *doc_new_str(r->arena, text);
		return ST_OK;
	}
	kind = yaml_resolve(r->arena, text, &value);
	if (kind == YAML_NOT_JSON)
		return wrong(r, &event->start_mark,
			     "json: unsupported value: infinity or no number");
	if (kind == YAML_MERGE)
		value = doc_new_str(r->arena, text);
	if (!plain && ((str_is(tag, "int") && kind != YAML_NUMBER) ||
		       (str_is(tag, "float") && kind != YAML_NUMBER) ||
		       (str_is(tag, "bool") && kind != YAML_BOOL) ||
		       (str_is(tag, "null") && kind != YAML_NULL))) {
		struct str cut = str_part(text, 0, 40);
		struct str what =
			str_format(r->arena, "cannot decode `" STR_FMT "` as a !!" STR_FMT,
				   STR_ARG(cut), STR_ARG(tag));

		return wrong(r, &event->start_mark, what.at);
	}
	*out = *value;
	return ST_OK;
}

/* Keys become strings, because JSON knows no others; numbers and booleans as kubectl prints them.
 */
static enum status key_text(struct reader *r, const yaml_event_t *event, const struct doc *key,
			    struct str *ret_key)
{
	switch ((enum doc_type)key->type) {
	case DOC_STRING:
		*ret_key = doc_str(key);
		return ST_OK;
	case DOC_NUMBER:
		*ret_key = key->flags & DOC_FLOAT
				   ? yaml_float_text(r->arena, doc_double_or(key, 0), false)
				   : (struct str){ key->text, key->len };
		return ST_OK;
	case DOC_TRUE:
		*ret_key = STR("true");
		return ST_OK;
	case DOC_FALSE:
		*ret_key = STR("false");
		return ST_OK;
	default:
		return wrong(r, &event->start_mark,
			     "unsupported map key: it must be a string, a number or a boolean");
	}
}

/* ---- anchors */

static u32 anchor_open(struct reader *r, const yaml_char_t *name)
{
	if (!name)
		return KEY_NOWHERE;
	struct str copy = str_copy(r->arena, str_of((const char *)name));

	key_index_set(&r->by_name, copy, r->anchors.len);
	VEC_PUSH(r->arena, &r->anchors, (struct anchor){ .name = copy, .open = true });
	return r->anchors.len - 1;
}

static void anchor_close(struct reader *r, u32 place, const struct doc *value,
			 const struct measure *measure)
{
	if (place == KEY_NOWHERE)
		return;
	r->anchors.at[place].value = *value;
	r->anchors.at[place].measure = *measure;
	r->anchors.at[place].open = false;
}

static enum status parse_alias(struct reader *r, const yaml_event_t *event, struct doc *out,
			       struct measure *measure)
{
	struct str name = str_of((const char *)event->data.alias.anchor);
	u32 place = key_index_find(&r->by_name, name);

	if (place == KEY_NOWHERE)
		return wrong(r, &event->start_mark,
			     str_format(r->arena, "unknown anchor '" STR_FMT "' referenced",
					STR_ARG(name))
				     .at);
	const struct anchor *anchor = &r->anchors.at[place];

	if (anchor->open)
		return wrong(r, &event->start_mark,
			     str_format(r->arena, "anchor '" STR_FMT "' value contains itself",
					STR_ARG(name))
				     .at);
	r->alias_bytes += anchor->measure.bytes;
	if (r->alias_bytes > YAML_ALIAS_BYTES_MAX)
		return wrong(r, &event->start_mark, "document contains excessive aliasing");
	if (r->depth + anchor->measure.height > DOC_DEPTH_MAX)
		return wrong(r, &event->start_mark, "nested too deeply");
	*out = anchor->value;
	*measure = anchor->measure;
	return ST_OK;
}

/* ---- collections */

static void note_inner(struct measure *outer, const struct measure *inner)
{
	outer->height = MAX(outer->height, inner->height + 1);
	outer->bytes += inner->bytes;
}

static enum status parse_sequence(struct reader *r, struct doc *out, struct measure *measure)
{
	VEC(struct doc) items = { 0 };
	enum status status = ST_OK;
	yaml_event_t event;
	bool end = false;

	measure->height = 1;
	while (status == ST_OK && !end) {
		struct measure inner = { 0 };
		struct doc item;

		status = next_event(r, &event);
		if (status != ST_OK)
			return status;
		end = event.type == YAML_SEQUENCE_END_EVENT;
		if (!end) {
			if (r->duplicates)
				VEC_PUSH(r->arena, &r->trail,
					 str_format(r->arena, "[%u]", items.len));
			status = parse_node(r, &event, &item, &inner);
			if (r->duplicates)
				r->trail.len--;
		}
		if (status == ST_OK && !end) {
			VEC_PUSH(r->arena, &items, item);
			note_inner(measure, &inner);
		}
		yaml_event_delete(&event);
	}
	*out = (struct doc){ .type = DOC_ARRAY, .len = items.len, .items = items.at };
	return status;
}

/* << takes a mapping, or a list of them of which the first has the last word. As in go-yaml it also
 * overrides keys that stood before it. */
static enum status merge(struct reader *r, const yaml_mark_t *mark, struct object_edit *object,
			 const struct doc *value)
{
	u32 count = value->type == DOC_ARRAY ? value->len : 1;

	for (u32 i = count; i-- > 0;) {
		const struct doc *map = value->type == DOC_ARRAY ? &value->items[i] : value;

		if (map->type != DOC_OBJECT)
			return wrong(r, mark,
				     "map merge requires map or sequence of maps as the value");
		for (u32 j = 0; j < map->len; j++)
			object_edit_set(object, doc_pair_key(map, j), doc_pair_value(map, j));
	}
	return ST_OK;
}

static void note_duplicate(struct reader *r)
{
	struct buffer path = BUFFER_INIT(URL_BYTES_MAX);

	if (r->duplicates_len >= r->duplicates_max)
		return;
	for (u32 i = 0; i < r->trail.len; i++) {
		if (i && r->trail.at[i].at[0] != '[')
			buffer_add_char(&path, '.');
		buffer_add_str(&path, r->trail.at[i]);
	}
	r->duplicates[r->duplicates_len++] = str_copy(r->arena, buffer_str(&path));
	buffer_release(&path);
}

static bool is_merge(const yaml_event_t *event)
{
	return event->type == YAML_SCALAR_EVENT && event->data.scalar.plain_implicit &&
	       event->data.scalar.length == 2 && !memcmp(event->data.scalar.value, "<<", 2);
}

/* One key and its value; `event` is the key's. */
static enum status parse_pair(struct reader *r, const yaml_event_t *event,
			      struct object_edit *object, struct measure *measure)
{
	struct measure inner = { 0 };
	yaml_event_t value_event;
	struct doc key, value;
	struct str name;
	enum status status = parse_node(r, event, &key, &inner);

	measure->bytes += inner.bytes;
	if (status == ST_OK)
		status = key_text(r, event, &key, &name);
	if (status == ST_OK)
		status = next_event(r, &value_event);
	if (status != ST_OK)
		return status;
	if (r->duplicates) {
		VEC_PUSH(r->arena, &r->trail, name);
		if (object_edit_get(object, name) && !is_merge(event))
			note_duplicate(r);
	}
	inner = (struct measure){ 0 };
	status = parse_node(r, &value_event, &value, &inner);
	if (r->duplicates)
		r->trail.len--;
	if (status == ST_OK) {
		note_inner(measure, &inner);
		if (is_merge(event))
			status = merge(r, &value_event.start_mark, object, &value);
		else
			object_edit_set(object, name, &value);
	}
	yaml_event_delete(&value_event);
	return status;
}

static enum status parse_mapping(struct reader *r, struct doc *out, struct measure *measure)
{
	struct object_edit object = object_edit(r->arena, NULL);
	enum status status = ST_OK;
	yaml_event_t event;
	bool end = false;

	measure->height = 1;
	while (status == ST_OK && !end) {
		status = next_event(r, &event);
		if (status != ST_OK)
			return status;
		end = event.type == YAML_MAPPING_END_EVENT;
		if (!end)
			status = parse_pair(r, &event, &object, measure);
		yaml_event_delete(&event);
	}
	*out = *object_edit_done(&object);
	return status;
}

static enum status parse_node(struct reader *r, const yaml_event_t *event, struct doc *out,
			      struct measure *measure)
{
	enum status status;
	u32 anchor;

	measure->bytes += sizeof *out;
	switch (event->type) {
	case YAML_ALIAS_EVENT:
		return parse_alias(r, event, out, measure);
	case YAML_SCALAR_EVENT:
		measure->bytes += event->data.scalar.length;
		anchor = anchor_open(r, event->data.scalar.anchor);
		status = parse_scalar(r, event, out);
		break;
	case YAML_SEQUENCE_START_EVENT:
	case YAML_MAPPING_START_EVENT:
		if (++r->depth > DOC_DEPTH_MAX)
			return wrong(r, &event->start_mark, "nested too deeply");
		if (event->type == YAML_MAPPING_START_EVENT) {
			anchor = anchor_open(r, event->data.mapping_start.anchor);
			status = parse_mapping(r, out, measure);
		} else {
			anchor = anchor_open(r, event->data.sequence_start.anchor);
			status = parse_sequence(r, out, measure);
		}
		r->depth--;
		break;
	default:
		return wrong(r, &event->start_mark, "unexpected event");
	}
	if (status == ST_OK)
		anchor_close(r, anchor, out, measure);
	return status;
}

/* ---- streams */

/* An implicit document of one empty scalar is what comments between two --- leave behind. */
static bool is_nothing(const yaml_event_t *event)
{
	return event->type == YAML_SCALAR_EVENT && event->data.scalar.length == 0 &&
	       event->data.scalar.plain_implicit && !event->data.scalar.anchor;
}

/* Reads one document whose start was just seen. NULL in *ret_doc: it holds nothing. */
static enum status parse_document(struct reader *r, const struct doc **ret_doc)
{
	struct doc *d = ARENA_NEW(r->arena, struct doc);
	struct measure measure = { 0 };
	yaml_event_t event;
	enum status status = next_event(r, &event);

	if (status != ST_OK)
		return status;
	r->anchors.len = 0;
	r->by_name = (struct key_index){ .arena = r->arena };
	*ret_doc = is_nothing(&event) ? NULL : d;
	status = parse_node(r, &event, d, &measure);
	yaml_event_delete(&event);
	return status;
}

/* Reads documents until the end of the stream, or until one that is not empty when `first_only`. */
static enum status parse_stream(struct reader *r, bool first_only, struct yaml_documents *documents)
{
	enum status status = ST_OK;
	bool end = false;

	while (status == ST_OK && !end) {
		const struct doc *d = NULL;
		yaml_event_t event;

		status = next_event(r, &event);
		if (status != ST_OK)
			break;
		u32 line = (u32)event.start_mark.line + 1;

		end = event.type == YAML_STREAM_END_EVENT;
		if (event.type == YAML_DOCUMENT_START_EVENT)
			status = parse_document(r, &d);
		yaml_event_delete(&event);
		if (status != ST_OK || !d)
			continue;
		if (documents->items.len == YAML_DOCUMENTS_MAX)
			return fail(r->error, ST_TOO_LARGE, "more than %d YAML documents",
				    YAML_DOCUMENTS_MAX);
		VEC_PUSH(r->arena, &documents->items, (struct yaml_document){ d, line });
		end |= first_only;
	}
	return status;
}

static enum status read_all(struct reader *r, struct str text, bool first_only,
			    struct yaml_documents *documents)
{
	enum status status;

	if (text.len > YAML_BYTES_MAX)
		return fail(r->error, ST_TOO_LARGE, "more than %d bytes of YAML", YAML_BYTES_MAX);
	CHECK(yaml_parser_initialize(&r->parser));
	yaml_parser_set_input_string(&r->parser, (const u8 *)(text.at ? text.at : ""), text.len);
	yaml_parser_set_encoding(&r->parser, YAML_UTF8_ENCODING);
	status = parse_stream(r, first_only, documents);
	yaml_parser_delete(&r->parser);
	return status;
}

static bool looks_like_json(struct str text)
{
	text = str_trim(text);
	return text.len && (text.at[0] == '{' || text.at[0] == '[');
}

enum status yaml_parse_all(struct arena *arena, struct str text,
			   struct yaml_documents *ret_documents, struct error *error)
{
	struct reader r = { .arena = arena, .error = error };
	struct yaml_documents documents = { 0 };
	const struct doc *d;
	enum status status;

	/* JSON may be indented with tabs, which YAML forbids; and it is the quicker way. */
	if (looks_like_json(text) && json_parse(arena, text, &d, NULL) == ST_OK) {
		VEC_PUSH(arena, &documents.items, (struct yaml_document){ d, 1 });
		status = ST_OK;
	} else {
		status = read_all(&r, text, false, &documents);
	}
	if (status == ST_OK)
		*ret_documents = documents;
	return status;
}

enum status yaml_parse(struct arena *arena, struct str text, const struct doc **ret_doc,
		       struct str *duplicates, u32 max, u32 *ret_duplicates, struct error *error)
{
	struct reader r = {
		.arena = arena, .error = error, .duplicates = duplicates, .duplicates_max = max
	};
	struct yaml_documents documents = { 0 };
	enum status status = read_all(&r, text, true, &documents);

	if (status != ST_OK)
		return status;
	*ret_doc = documents.items.len ? documents.items.at[0].doc : &doc_null;
	if (duplicates)
		*ret_duplicates = r.duplicates_len;
	return ST_OK;
}
