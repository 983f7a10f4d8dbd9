/*
 * Reads the protobuf wire format by the numbers in the tables. Values are gathered in one slot for
 * each field of the struct, as repeated fields may come in pieces; then the slots become the
 * object.
 */
#include "schema/protobuf.h"

#include <stdio.h>

#include "base/timestamp.h"
#include "doc/build.h"
#include "doc/json.h"
#include "schema/scalar.h"

enum wire { WIRE_VARINT = 0, WIRE_FIXED64 = 1, WIRE_BYTES = 2, WIRE_FIXED32 = 5 };

struct reader {
	const u8 *at, *end;
};

struct value { /* one field as it stands on the wire */
	u32 number;
	enum wire wire;
	u64 integer;
	struct str bytes;
};

struct decoder {
	struct arena *arena;
	struct error *error;
	u32 depth;
};

struct slot {
	struct doc one; /* the last value wins */
	bool set;
	VEC(struct doc) many; /* items, or keys and values */
};

static enum status broken(struct decoder *d, const char *what)
{
	return fail(d->error, ST_BAD_REQUEST, "the protobuf body cannot be read: %s", what);
}

/* ---- the wire */

static bool read_varint(struct reader *r, u64 *ret)
{
	u64 value = 0;

	for (u32 shift = 0; shift < 64 && r->at < r->end; shift += 7) {
		u8 byte = *r->at++;

		value |= (u64)(byte & 0x7f) << shift;
		if (!(byte & 0x80)) {
			*ret = value;
			return true;
		}
	}
	return false;
}

static u64 little_endian(const u8 *at, u32 bytes)
{
	u64 value = 0;

	for (u32 i = bytes; i-- > 0;)
		value = value << 8 | at[i];
	return value;
}

static bool read_value(struct reader *r, struct value *v)
{
	u64 tag, len;

	if (!read_varint(r, &tag) || tag >> 3 == 0 || tag >> 3 > UINT16_MAX)
		return false;
	*v = (struct value){ .number = (u32)(tag >> 3), .wire = (enum wire)(tag & 7) };
	switch (v->wire) {
	case WIRE_VARINT:
		return read_varint(r, &v->integer);
	case WIRE_BYTES:
		if (!read_varint(r, &len) || len > (u64)(r->end - r->at))
			return false;
		v->bytes = (struct str){ (const char *)r->at, (size_t)len };
		r->at += len;
		return true;
	case WIRE_FIXED64:
	case WIRE_FIXED32:
		len = v->wire == WIRE_FIXED64 ? 8 : 4;
		if (len > (u64)(r->end - r->at))
			return false;
		v->integer = little_endian(r->at, (u32)len);
		r->at += len;
		return true;
	default:
		return false;
	}
}

static struct reader reader_of(struct str bytes)
{
	const u8 *at = (const u8 *)bytes.at;

	return (struct reader){ at, at + bytes.len };
}

/* The small messages behind Kubernetes' scalars: values of numbers 1 to 3. */
static bool read_small(struct str bytes, struct value values[4])
{
	struct reader r = reader_of(bytes);
	struct value v;

	memset(values, 0, sizeof *values * 4);
	while (r.at < r.end) {
		if (!read_value(&r, &v))
			return false;
		if (v.number < 4)
			values[v.number] = v;
	}
	return true;
}

/* ---- scalars */

static struct doc text_doc(struct arena *arena, struct str text)
{
	return *doc_ref_str(arena, text);
}

/* Strings must be UTF-8, as JSON will carry them; the JSON printer and parser say what that is. */
static enum status decode_string(struct decoder *d, struct str bytes, struct doc *ret)
{
	struct buffer quoted = BUFFER_INIT(6 * BODY_BYTES_MAX);
	const struct doc *back;
	bool plain = true;

	for (size_t i = 0; i < bytes.len; i++)
		plain &= (u8)bytes.at[i] < 0x80 && (u8)bytes.at[i] >= ' ';
	if (plain) {
		*ret = text_doc(d->arena, bytes);
		return ST_OK;
	}
	json_print_str(&quoted, bytes);
	enum status status = json_parse(d->arena, buffer_str(&quoted), &back, NULL);

	buffer_release(&quoted);
	if (status != ST_OK)
		return broken(d, "a string is not UTF-8");
	*ret = *back;
	return ST_OK;
}

static enum status decode_json(struct decoder *d, struct str bytes, struct doc *ret)
{
	const struct doc *parsed;
	struct value v[4];

	if (!read_small(bytes, v))
		return broken(d, "a raw value is cut off");
	if (v[1].bytes.len == 0)
		return ST_OK;
	enum status status = json_parse(d->arena, v[1].bytes, &parsed, d->error);

	if (status == ST_OK)
		*ret = *parsed;
	return status;
}

static enum status decode_time(struct decoder *d, enum api_type type, struct str bytes,
			       struct doc *ret)
{
	struct value v[4];

	if (!read_small(bytes, v))
		return broken(d, "a time is cut off");
	i64 seconds = (i64)v[1].integer;

	if (bytes.len == 0)
		return ST_OK; /* no time at all */
	if (seconds < -9000000000ll || seconds > 9000000000ll)
		return broken(d, "a time is out of range");
	i64 ns = seconds * NS_PER_S + (i64)(v[2].integer % NS_PER_S);

	*ret = text_doc(d->arena, type == API_TIME ? timestamp_print(d->arena, ns)
						   : timestamp_print_micro(d->arena, ns));
	return ST_OK;
}

static enum status decode_int_or_string(struct decoder *d, struct str bytes, struct doc *ret)
{
	struct value v[4];

	if (!read_small(bytes, v))
		return broken(d, "a number or string is cut off");
	if (v[1].integer)
		return decode_string(d, v[3].bytes, ret);
	*ret = *doc_new_int(d->arena, (i32)v[2].integer);
	return ST_OK;
}

static enum status decode_quantity(struct decoder *d, struct str bytes, struct doc *ret)
{
	struct value v[4];
	bool wrong = false;

	if (!read_small(bytes, v))
		return broken(d, "a quantity is cut off");
	struct doc text = text_doc(d->arena, v[1].bytes.len ? v[1].bytes : STR("0"));

	return scalar_decode(d->arena, API_QUANTITY, &text, ret, &wrong, d->error);
}

static enum status decode_message(struct decoder *d, const struct api_struct *s, struct str bytes,
				  struct doc *ret);

/* One value. *ret keeps DOC_NULL where the wire says "nothing". */
static enum status decode_value(struct decoder *d, const struct api_field *f, const struct value *v,
				struct doc *ret)
{
	bool number = f->type == API_BOOL || f->type == API_INT32 || f->type == API_INT64;
	struct value small[4];
	double floating;

	*ret = doc_null;
	if (number != (v->wire == WIRE_VARINT) && f->type != API_DOUBLE)
		return broken(d, "a field has another type than its number says");
	switch (f->type) {
	case API_BOOL:
		*ret = v->integer ? doc_true : doc_false;
		return ST_OK;
	case API_INT32:
		*ret = *doc_new_int(d->arena, (i32)v->integer);
		return ST_OK;
	case API_INT64:
		*ret = *doc_new_int(d->arena, (i64)v->integer);
		return ST_OK;
	case API_DOUBLE:
		memcpy(&floating, &v->integer, sizeof floating);
		*ret = *doc_new_double(d->arena, floating);
		return ST_OK;
	case API_STRING:
		return decode_string(d, v->bytes, ret);
	case API_BYTES:
		*ret = text_doc(d->arena, base64_encode(d->arena, v->bytes));
		return ST_OK;
	case API_QUANTITY:
		return decode_quantity(d, v->bytes, ret);
	case API_INT_OR_STRING:
		return decode_int_or_string(d, v->bytes, ret);
	case API_TIME:
	case API_MICRO_TIME:
		return decode_time(d, (enum api_type)f->type, v->bytes, ret);
	case API_DURATION:
		if (!read_small(v->bytes, small))
			return broken(d, "a duration is cut off");
		*ret = text_doc(d->arena, duration_print(d->arena, (i64)small[1].integer));
		return ST_OK;
	case API_STRUCT:
		return decode_message(d, f->of, v->bytes, ret);
	default:
		return decode_json(d, v->bytes, ret);
	}
}

/* ---- lists and maps */

/* {1 items…}: what a map of lists has as its value. */
static enum status decode_items(struct decoder *d, const struct api_field *f, struct str bytes,
				struct doc *ret)
{
	struct reader r = reader_of(bytes);
	struct build b = build_array(d->arena);
	struct value v;

	while (r.at < r.end) {
		struct doc item;

		if (!read_value(&r, &v))
			return broken(d, "a list is cut off");
		enum status status = decode_value(d, f, &v, &item);

		if (status != ST_OK)
			return status;
		build_doc(&b, NULL, arena_copy(d->arena, &item, sizeof item));
	}
	*ret = *build_done(&b);
	return ST_OK;
}

static enum status add_pair(struct decoder *d, const struct api_field *f, struct slot *slot,
			    struct str entry)
{
	struct value v[4];
	struct doc key, value = doc_empty_string;
	enum status status;

	if (!read_small(entry, v))
		return broken(d, "a map is cut off");
	status = decode_string(d, v[1].bytes, &key);
	if (status != ST_OK)
		return status;
	if (f->shape == API_MAP_OF_LISTS)
		status = decode_items(d, f, v[2].bytes, &value);
	else if (v[2].number) /* a missing value is the type's zero: the empty string */
		status = decode_value(d, f, &v[2], &value);
	if (status != ST_OK)
		return status;
	VEC_PUSH(d->arena, &slot->many, key);
	VEC_PUSH(d->arena, &slot->many, value);
	return ST_OK;
}

/* Numbers may come packed into one run of bytes. */
static enum status add_packed(struct decoder *d, const struct api_field *f, struct slot *slot,
			      struct str bytes)
{
	struct reader r = reader_of(bytes);
	struct value v = { .number = f->number, .wire = WIRE_VARINT };

	while (r.at < r.end) {
		struct doc item;

		if (!read_varint(&r, &v.integer))
			return broken(d, "a list of numbers is cut off");
		enum status status = decode_value(d, f, &v, &item);

		if (status != ST_OK)
			return status;
		VEC_PUSH(d->arena, &slot->many, item);
	}
	return ST_OK;
}

static enum status add_value(struct decoder *d, const struct api_field *f, struct slot *slot,
			     const struct value *v)
{
	bool number = f->type == API_BOOL || f->type == API_INT32 || f->type == API_INT64;
	enum status status;
	struct doc made;

	slot->set = true;
	if (f->shape == API_MAP || f->shape == API_MAP_OF_LISTS)
		return v->wire == WIRE_BYTES ? add_pair(d, f, slot, v->bytes)
					     : broken(d, "a map is not one");
	if (f->shape == API_LIST && number && v->wire == WIRE_BYTES)
		return add_packed(d, f, slot, v->bytes);
	status = decode_value(d, f, v, &made);
	if (status != ST_OK)
		return status;
	if (f->shape == API_LIST)
		VEC_PUSH(d->arena, &slot->many, made);
	else
		slot->one = made;
	return ST_OK;
}

/* ---- messages */

static const struct api_field *field_by_number(const struct api_struct *s, u32 number)
{
	for (u32 i = 0; i < s->len; i++)
		if (s->fields[i].number == number && !(s->fields[i].flags & API_HOISTED))
			return &s->fields[i];
	return NULL;
}

/* Fields of `s` into the slots of `outer`: the same struct, or the one that holds it inline. */
static enum status fill_slots(struct decoder *d, const struct api_struct *s,
			      const struct api_struct *outer, struct str bytes, struct slot *slots)
{
	struct reader r = reader_of(bytes);
	struct value v;

	while (r.at < r.end) {
		if (!read_value(&r, &v))
			return broken(d, "it is cut off");
		const struct api_field *f = field_by_number(s, v.number);
		const struct api_struct *inside = NULL;

		for (u32 i = 0; !f && i < s->inlines_len; i++)
			if (s->inlines[i].number == v.number)
				inside = s->inlines[i].of;
		enum status status = ST_OK;

		if (f) {
			f = s == outer ? f : api_field_find(outer, f->name);
			status = add_value(d, f, &slots[f - outer->fields], &v);
		} else if (inside && v.wire == WIRE_BYTES) {
			status = fill_slots(d, inside, outer, v.bytes, slots);
		}
		if (status != ST_OK)
			return status;
	}
	return ST_OK;
}

/* Go writes zeros of plain fields too; the ones JSON would leave out are left out. */
static bool is_left_out(const struct api_field *f, const struct doc *one)
{
	if (one->type == DOC_NULL)
		return true;
	if ((f->flags & (API_OMITEMPTY | API_POINTER)) != API_OMITEMPTY)
		return false;
	return (one->type == DOC_STRING && one->len == 0) || one->type == DOC_FALSE ||
	       (one->type == DOC_NUMBER && one->len == 1 && one->text[0] == '0' &&
		f->type != API_INT_OR_STRING);
}

static void add_slot(struct decoder *d, struct build *b, const struct api_field *f,
		     const struct slot *slot)
{
	struct doc value = slot->one;

	if (f->shape == API_ONE && is_left_out(f, &value))
		return;
	if (f->shape != API_ONE) {
		bool list = f->shape == API_LIST;

		value = (struct doc){ .type = list ? DOC_ARRAY : DOC_OBJECT,
				      .len = list ? slot->many.len : slot->many.len / 2,
				      .items = slot->many.at };
	}
	build_pair(b, f->name, arena_copy(d->arena, &value, sizeof value));
}

static enum status build_message(struct decoder *d, const struct api_struct *s, struct str bytes,
				 struct build *b)
{
	struct slot *slots = ARENA_ARRAY(d->arena, struct slot, s->len + 1u);

	if (++d->depth > DOC_DEPTH_MAX)
		return broken(d, "it is too deep");
	enum status status = fill_slots(d, s, s, bytes, slots);

	d->depth--;
	for (u32 i = 0; i < s->len && status == ST_OK; i++)
		if (slots[i].set)
			add_slot(d, b, &s->fields[i], &slots[i]);
	return status;
}

static enum status decode_message(struct decoder *d, const struct api_struct *s, struct str bytes,
				  struct doc *ret)
{
	struct build b = build_object(d->arena);
	enum status status = build_message(d, s, bytes, &b);

	if (status == ST_OK)
		*ret = *build_done(&b);
	return status;
}

enum status protobuf_decode(struct arena *arena, const struct schema *schema, struct str body,
			    const struct doc **ret_doc, struct error *error)
{
	struct decoder d = { .arena = arena, .error = error };
	struct value unknown[4], meta[4];

	if (!str_starts(body, STR("k8s\0")))
		return fail(error, ST_BAD_REQUEST,
			    "the body does not begin with the bytes 6b 38 73 00 of Kubernetes' "
			    "protobuf");
	if (!read_small(str_from(body, 4), unknown) || !read_small(unknown[1].bytes, meta))
		return broken(&d, "the envelope is cut off");
	struct str version = meta[1].bytes, name = meta[2].bytes;
	const struct api_kind *kind = schema_find_kind(schema, version, name);

	if (!kind) /* options come under the version of whatever they are for */
		kind = schema_find_kind(schema, STR("v1"), name);
	if (!kind)
		return fail(error, ST_BAD_REQUEST,
			    "no kind \"" STR_FMT "\" is registered for version \"" STR_FMT "\"",
			    STR_ARG(name), STR_ARG(version));
	struct build b = build_object(arena);
	struct doc text;
	enum status status = decode_string(&d, version, &text);

	if (status != ST_OK)
		return status;
	build_str(&b, "apiVersion", version);
	build_str(&b, "kind", kind->kind);
	status = build_message(&d, kind->root, unknown[2].bytes, &b);

	if (status == ST_OK)
		*ret_doc = build_done(&b);
	return status;
}
