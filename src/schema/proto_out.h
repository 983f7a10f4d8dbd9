/*
 * Writes protobuf straight into a buffer. A message's length stands before it and is not known when
 * it opens: one byte is kept for it, and a longer one makes room when the message closes.
 */
#ifndef SCHEMA_PROTO_OUT_H
#define SCHEMA_PROTO_OUT_H

#include "base/buffer.h"
#include "base/check.h"

enum { PROTO_DEPTH_MAX = 256 };

struct proto_out {
	struct buffer *to;
	size_t starts[PROTO_DEPTH_MAX];
	u32 depth;
};

static inline u32 proto_varint(char out[10], u64 value)
{
	u32 len = 0;

	for (; value >= 0x80; value >>= 7)
		out[len++] = (char)(value | 0x80);
	out[len++] = (char)value;
	return len;
}

static inline void proto_number(struct proto_out *o, u64 value)
{
	char bytes[10];

	buffer_add(o->to, bytes, proto_varint(bytes, value));
}

static inline void proto_bool(struct proto_out *o, u32 field, bool value)
{
	proto_number(o, (u64)field << 3);
	proto_number(o, value);
}

static inline void proto_str(struct proto_out *o, u32 field, struct str value)
{
	proto_number(o, (u64)field << 3 | 2);
	proto_number(o, value.len);
	buffer_add_str(o->to, value);
}

static inline void proto_text(struct proto_out *o, u32 field, const char *value)
{
	proto_str(o, field, str_of(value));
}

static inline void proto_open(struct proto_out *o, u32 field)
{
	CHECK(o->depth < PROTO_DEPTH_MAX);
	proto_number(o, (u64)field << 3 | 2);
	buffer_add_char(o->to, 0);
	o->starts[o->depth++] = o->to->len;
}

static inline void proto_close(struct proto_out *o)
{
	char bytes[10];
	size_t start, len;
	u32 need;

	CHECK(o->depth > 0);
	start = o->starts[--o->depth];
	if (o->to->full)
		return;
	len = o->to->len - start;
	need = proto_varint(bytes, len);
	if (need > 1 && !buffer_room(o->to, need - 1))
		return;
	memmove(o->to->at + start + need - 1, o->to->at + start, len);
	memcpy(o->to->at + start - 1, bytes, need);
	o->to->len += need - 1;
}

#endif
