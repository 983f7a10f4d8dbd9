/*
 * libyaml's emitter is the one go-yaml was translated from, so the layout comes out the same; what
 * is ours is the order of keys and which strings need quotes.
 */
#include <stdlib.h>
#include <yaml.h>

#include "base/check.h"
#include "doc/yaml.h"
#include "doc/yaml_scalar.h"

struct printer {
	yaml_emitter_t emitter;
	struct arena *arena; /* for one document */
	struct buffer *out;
};

static int write_out(void *self, unsigned char *bytes, size_t len)
{
	struct printer *p = self;

	return buffer_add(p->out, bytes, len);
}

/* ---- the order of keys: go-yaml's, in which a2 comes before a10 and digits before letters */

/* Keys are compared as runes; bytes of UTF-8 sort the same, and all above ASCII count as letters.
 */
static bool is_letter(u8 c)
{
	return (c | 0x20) >= 'a' && ((c | 0x20) <= 'z' || c >= 0x80);
}

static bool is_digit(u8 c)
{
	return c >= '0' && c <= '9';
}

static u64 number_at(struct str s, size_t at, u64 value, size_t *ret_end)
{
	while (at < s.len && is_digit((u8)s.at[at]))
		value = value * 10 + (u64)(s.at[at++] - '0');
	*ret_end = at;
	return value;
}

static int compare_keys(struct str a, struct str b)
{
	size_t i = 0, a_end, b_end, least = MIN(a.len, b.len);

	while (i < least && a.at[i] == b.at[i])
		i++;
	if (i == least)
		return a.len < b.len ? -1 : a.len > b.len;
	u8 x = (u8)a.at[i], y = (u8)b.at[i];

	if (is_letter(x) && is_letter(y))
		return x < y ? -1 : 1;
	if (is_letter(x) || is_letter(y))
		return is_letter(y) ? -1 : 1;
	u64 before = 0;

	/* A zero inside a number is not a leading one. */
	if (x == '0' || y == '0')
		for (size_t j = i; j-- > 0 && is_digit((u8)a.at[j]);)
			if (a.at[j] != '0')
				before = 1;
	u64 m = number_at(a, i, before, &a_end), n = number_at(b, i, before, &b_end);

	if (m != n)
		return m < n ? -1 : 1;
	if (a_end != b_end)
		return a_end < b_end ? -1 : 1;
	return x < y ? -1 : 1;
}

static int compare_pairs(const void *a, const void *b)
{
	const struct doc *const *x = a, *const *y = b;

	return compare_keys(doc_str(*x), doc_str(*y));
}

/* ---- events */

static bool emit(struct printer *p, yaml_event_t *event)
{
	return yaml_emitter_emit(&p->emitter, event);
}

static bool print_scalar(struct printer *p, struct str text, yaml_scalar_style_t style)
{
	yaml_event_t event;

	CHECK(yaml_scalar_event_initialize(&event, NULL, NULL, (const u8 *)(text.at ? text.at : ""),
					   (int)text.len, 1, 1, style));
	return emit(p, &event);
}

static bool print_string(struct printer *p, struct str text, bool key)
{
	yaml_scalar_style_t style = YAML_DOUBLE_QUOTED_SCALAR_STYLE;
	enum yaml_kind kind = yaml_resolve(NULL, text, NULL);

	if (text.len && memchr(text.at, '\n', text.len))
		style = YAML_LITERAL_SCALAR_STYLE;
	else if ((kind == YAML_STRING && !yaml_base_sixty(text)) || (kind == YAML_MERGE && !key))
		style = YAML_PLAIN_SCALAR_STYLE;
	return print_scalar(p, text, style);
}

static bool print_node(struct printer *p, const struct doc *d);

static bool print_array(struct printer *p, const struct doc *d)
{
	yaml_event_t event;

	CHECK(yaml_sequence_start_event_initialize(&event, NULL, NULL, 1,
						   YAML_BLOCK_SEQUENCE_STYLE));
	if (!emit(p, &event))
		return false;
	doc_each_item(d, item)
		if (!print_node(p, item))
			return false;
	CHECK(yaml_sequence_end_event_initialize(&event));
	return emit(p, &event);
}

static bool print_object(struct printer *p, const struct doc *d)
{
	const struct doc **keys = ARENA_ARRAY(p->arena, const struct doc *, d->len + 1);
	yaml_event_t event;

	for (u32 i = 0; i < d->len; i++)
		keys[i] = &d->items[2 * i];
	qsort(keys, d->len, sizeof *keys, compare_pairs);
	CHECK(yaml_mapping_start_event_initialize(&event, NULL, NULL, 1, YAML_BLOCK_MAPPING_STYLE));
	if (!emit(p, &event))
		return false;
	for (u32 i = 0; i < d->len; i++)
		if (!print_string(p, doc_str(keys[i]), true) || !print_node(p, keys[i] + 1))
			return false;
	CHECK(yaml_mapping_end_event_initialize(&event));
	return emit(p, &event);
}

static bool print_node(struct printer *p, const struct doc *d)
{
	struct str number = { d->text, d->len };

	switch ((enum doc_type)d->type) {
	case DOC_NULL:
		return print_scalar(p, STR("null"), YAML_PLAIN_SCALAR_STYLE);
	case DOC_TRUE:
		return print_scalar(p, STR("true"), YAML_PLAIN_SCALAR_STYLE);
	case DOC_FALSE:
		return print_scalar(p, STR("false"), YAML_PLAIN_SCALAR_STYLE);
	case DOC_NUMBER:
		if (d->flags & DOC_FLOAT)
			number = yaml_float_text(p->arena, doc_double_or(d, 0), false);
		return print_scalar(p, number, YAML_PLAIN_SCALAR_STYLE);
	case DOC_STRING:
		return print_string(p, doc_str(d), false);
	case DOC_ARRAY:
		return print_array(p, d);
	case DOC_OBJECT:
		return print_object(p, d);
	}
	return false;
}

static bool print_document(struct printer *p, const struct doc *d)
{
	yaml_event_t event;

	CHECK(yaml_stream_start_event_initialize(&event, YAML_UTF8_ENCODING));
	if (!emit(p, &event))
		return false;
	CHECK(yaml_document_start_event_initialize(&event, NULL, NULL, NULL, 1));
	if (!emit(p, &event) || !print_node(p, d))
		return false;
	CHECK(yaml_document_end_event_initialize(&event, 1));
	p->emitter.open_ended = 0; /* or "..." would follow a string that ends in empty lines */
	if (!emit(p, &event))
		return false;
	CHECK(yaml_stream_end_event_initialize(&event));
	return emit(p, &event) && yaml_emitter_flush(&p->emitter);
}

bool yaml_print(struct buffer *out, const struct doc *d)
{
	struct printer p = { .arena = arena_new(0), .out = out };
	bool whole;

	CHECK(yaml_emitter_initialize(&p.emitter));
	yaml_emitter_set_output(&p.emitter, write_out, &p);
	yaml_emitter_set_unicode(&p.emitter, 1);
	whole = print_document(&p, d);
	yaml_emitter_delete(&p.emitter);
	arena_free(p.arena);
	return whole;
}
