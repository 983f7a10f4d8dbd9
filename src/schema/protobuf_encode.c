/*
 * Writes objects as protobuf, by the numbers in the tables: the way back from protobuf.c. Only what
 * is there is written; Go reads a missing field as the zero it would have been.
 */
#include "schema/protobuf.h"

#include "base/timestamp.h"
#include "doc/json.h"
#include "schema/proto_out.h"
#include "schema/scalar.h"

enum { FIXED64 = 1 };

struct encoder {
	struct proto_out o;
	struct arena *arena;
	bool failed; /* a value that is not what its type says */
};

static void put_message(struct encoder *e, const struct api_struct *s, const struct doc *object,
			const struct doc *outer);

static void put_varint(struct encoder *e, u32 number, u64 value)
{
	proto_number(&e->o, (u64)number << 3);
	proto_number(&e->o, value);
}

static void put_double(struct encoder *e, u32 number, double value)
{
	char bytes[8];

	memcpy(bytes, &value, sizeof bytes); /* little endian, as the wire is */
	proto_number(&e->o, (u64)number << 3 | FIXED64);
	buffer_add(e->o.to, bytes, sizeof bytes);
}

/* A message with one field, the first. */
static void put_wrapped(struct encoder *e, u32 number, struct str bytes)
{
	proto_open(&e->o, number);
	proto_str(&e->o, 1, bytes);
	proto_close(&e->o);
}

static void put_bytes(struct encoder *e, u32 number, struct str text)
{
	struct str bytes = STR("");

	if (!base64_decode(e->arena, text, &bytes))
		e->failed = true;
	proto_str(&e->o, number, bytes);
}

static void put_time(struct encoder *e, u32 number, struct str text)
{
	i64 ns = 0;

	if (!timestamp_parse(text, &ns))
		e->failed = true;
	i64 seconds = ns / NS_PER_S, rest = ns % NS_PER_S;

	if (rest < 0) {
		seconds--;
		rest += NS_PER_S;
	}
	proto_open(&e->o, number);
	put_varint(e, 1, (u64)seconds);
	put_varint(e, 2, (u64)rest);
	proto_close(&e->o);
}

static void put_int_or_string(struct encoder *e, u32 number, const struct doc *value)
{
	bool text = value->type == DOC_STRING;

	proto_open(&e->o, number);
	put_varint(e, 1, text);
	if (text)
		proto_str(&e->o, 3, doc_str(value));
	else
		put_varint(e, 2, (u64)doc_int_or(value, 0));
	proto_close(&e->o);
}

static void put_duration(struct encoder *e, u32 number, struct str text)
{
	i64 ns = 0;

	if (!duration_parse(text, &ns))
		e->failed = true;
	proto_open(&e->o, number);
	put_varint(e, 1, (u64)ns);
	proto_close(&e->o);
}

/* One value, of a plain field or of an item; `number` is where it stands. */
static void put_value(struct encoder *e, const struct api_field *f, u32 number,
		      const struct doc *value)
{
	switch (f->type) {
	case API_STRING:
		proto_str(&e->o, number, doc_str(value));
		return;
	case API_BOOL:
		put_varint(e, number, doc_bool_or(value, false));
		return;
	case API_INT32:
	case API_INT64:
		put_varint(e, number, (u64)doc_int_or(value, 0));
		return;
	case API_DOUBLE:
		put_double(e, number, doc_double_or(value, 0));
		return;
	case API_BYTES:
		put_bytes(e, number, doc_str(value));
		return;
	case API_QUANTITY:
		put_wrapped(e, number,
			    value->type == DOC_NUMBER ? json_text(e->arena, value)
						      : doc_str(value));
		return;
	case API_INT_OR_STRING:
		put_int_or_string(e, number, value);
		return;
	case API_TIME:
	case API_MICRO_TIME:
		put_time(e, number, doc_str(value));
		return;
	case API_DURATION:
		put_duration(e, number, doc_str(value));
		return;
	case API_STRUCT:
		proto_open(&e->o, number);
		put_message(e, f->of, value, value);
		proto_close(&e->o);
		return;
	default: /* RawExtension, JSON, FieldsV1: the JSON itself */
		put_wrapped(e, number, json_text(e->arena, value));
	}
}

static void put_map(struct encoder *e, const struct api_field *f, const struct doc *map)
{
	doc_each_pair(map, key, value) {
		proto_open(&e->o, f->number);
		proto_str(&e->o, 1, key);
		if (f->shape == API_MAP) {
			put_value(e, f, 2, value);
		} else {
			proto_open(&e->o, 2);
			doc_each_item(value, item)
				put_value(e, f, 1, item);
			proto_close(&e->o);
		}
		proto_close(&e->o);
	}
}

static void put_field(struct encoder *e, const struct api_field *f, const struct doc *value)
{
	if (f->shape == API_LIST) {
		doc_each_item(value, item)
			put_value(e, f, f->number, item);
	} else if (f->shape == API_ONE) {
		put_value(e, f, f->number, value);
	} else {
		put_map(e, f, value);
	}
}

/* The fields of `s` that `object` has. Those of an inline struct stand in the same object, but in a
 * message of their own. */
static void put_message(struct encoder *e, const struct api_struct *s, const struct doc *object,
			const struct doc *outer)
{
	if (e->o.depth + 8 > PROTO_DEPTH_MAX) {
		e->failed = true;
		return;
	}
	for (u32 i = 0; i < s->len; i++) {
		const struct api_field *f = &s->fields[i];
		const struct doc *value = f->flags & API_HOISTED ? NULL : doc_get(object, f->name);

		if (!doc_is_null(value))
			put_field(e, f, value);
	}
	for (u32 i = 0; i < s->inlines_len; i++) {
		size_t before = e->o.to->len, head;

		proto_open(&e->o, s->inlines[i].number);
		head = e->o.to->len;
		put_message(e, s->inlines[i].of, outer, outer);
		bool empty = e->o.to->len == head;

		proto_close(&e->o);
		if (empty && !e->o.to->full)
			e->o.to->len = before;
	}
}

/* ---- whole objects */

/* A built-in kind; `list` when the word is that of its list. */
static const struct api_kind *kind_of(struct str version, struct str word, bool *ret_list)
{
	for (u32 i = 1; i < (u32)api_kinds_len + api_views_len; i++) {
		const struct api_kind *kind =
			i < api_kinds_len ? &api_kinds[i] : &api_views[i - api_kinds_len];

		if (!str_eq(kind->api_version, version))
			continue;
		*ret_list = kind->plural.len && str_eq(kind->list_kind, word);
		if (*ret_list || str_eq(kind->kind, word))
			return kind;
	}
	return NULL;
}

static void put_list(struct encoder *e, const struct api_kind *kind, const struct doc *list)
{
	const struct doc *metadata = doc_key(list, "metadata");
	static const struct {
		const char *name;
		u32 number;
	} texts[] = { { "selfLink", 1 }, { "resourceVersion", 2 }, { "continue", 3 } };

	proto_open(&e->o, 1);
	for (u32 i = 0; i < ARRAY_LEN(texts); i++)
		if (doc_get(metadata, str_of(texts[i].name)))
			proto_str(&e->o, texts[i].number,
				  doc_str(doc_get(metadata, str_of(texts[i].name))));
	if (doc_key(metadata, "remainingItemCount"))
		put_varint(e, 4, (u64)doc_int_or(doc_key(metadata, "remainingItemCount"), 0));
	proto_close(&e->o);
	doc_each_item(doc_key(list, "items"), item) {
		proto_open(&e->o, 2);
		put_message(e, kind->root, item, item);
		proto_close(&e->o);
	}
}

bool protobuf_encode(struct buffer *out, struct arena *arena, const struct doc *object)
{
	struct str version = doc_at_str(object, "apiVersion"), word = doc_at_str(object, "kind");
	struct encoder e = { .o = { .to = out }, .arena = arena };
	bool list = false;
	const struct api_kind *kind = kind_of(version, word, &list);

	if (!kind)
		return false;
	buffer_add_str(out, STR("k8s\0"));
	proto_open(&e.o, 1);
	proto_str(&e.o, 1, version);
	proto_str(&e.o, 2, word);
	proto_close(&e.o);
	proto_open(&e.o, 2);
	if (list)
		put_list(&e, kind, object);
	else
		put_message(&e, kind->root, object, object);
	proto_close(&e.o);
	return !e.failed && !out->full;
}

bool protobuf_encode_event(struct buffer *out, struct arena *arena, struct str type,
			   const struct doc *object)
{
	struct proto_out o = { .to = out };
	struct buffer whole = BUFFER_INIT(out->max);
	bool ok = protobuf_encode(&whole, arena, object);

	proto_str(&o, 1, type);
	proto_open(&o, 2);
	proto_str(&o, 1, buffer_str(&whole));
	proto_close(&o);
	buffer_release(&whole);
	return ok && !out->full;
}
