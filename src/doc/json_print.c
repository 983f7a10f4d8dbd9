/* Printing: strings without anything to escape are one memcpy, and that is nearly all of them. */
#include <stdio.h>

#include "base/check.h"
#include "doc/json.h"

static size_t escaped_size(struct str s)
{
	size_t size = s.len;

	for (size_t i = 0; i < s.len; i++) {
		u8 c = (u8)s.at[i];

		if (c == '"' || c == '\\' || c == '\n' || c == '\r' || c == '\t')
			size += 1;
		else if (c < 0x20)
			size += 5;
	}
	return size;
}

static char *print_escaped(char *p, struct str s)
{
	static const char hex[] = "0123456789abcdef";

	for (size_t i = 0; i < s.len; i++) {
		u8 c = (u8)s.at[i];
		char letter = c == '"'	  ? '"'
			      : c == '\\' ? '\\'
			      : c == '\n' ? 'n'
			      : c == '\r' ? 'r'
			      : c == '\t' ? 't'
					  : 0;

		if (letter) {
			*p++ = '\\';
			*p++ = letter;
		} else if (c < 0x20) {
			p = mempcpy(p, "\\u00", 4);
			*p++ = hex[c >> 4];
			*p++ = hex[c & 15];
		} else {
			*p++ = (char)c;
		}
	}
	return p;
}

static size_t string_size(const struct doc *d)
{
	struct str s = { d->text, d->len };

	return 2 + (d->flags & DOC_ESCAPE ? escaped_size(s) : s.len);
}

static char *print_string(char *p, const struct doc *d)
{
	*p++ = '"';
	if (d->flags & DOC_ESCAPE)
		p = print_escaped(p, (struct str){ d->text, d->len });
	else if (d->len)
		p = mempcpy(p, d->text, d->len);
	*p++ = '"';
	return p;
}

size_t json_size(const struct doc *d)
{
	size_t size = 2; /* the brackets */

	switch ((enum doc_type)d->type) {
	case DOC_NULL:
	case DOC_TRUE:
		return 4;
	case DOC_FALSE:
		return 5;
	case DOC_NUMBER:
		return d->len;
	case DOC_STRING:
		return string_size(d);
	case DOC_ARRAY:
		for (u32 i = 0; i < d->len; i++)
			size += json_size(&d->items[i]) + (i > 0);
		return size;
	case DOC_OBJECT:
		for (u32 i = 0; i < d->len; i++)
			size += string_size(&d->items[2 * i]) + 1 +
				json_size(&d->items[2 * i + 1]) + (i > 0);
		return size;
	}
	return 0;
}

static char *print_value(char *p, const struct doc *d)
{
	switch ((enum doc_type)d->type) {
	case DOC_NULL:
		return mempcpy(p, "null", 4);
	case DOC_TRUE:
		return mempcpy(p, "true", 4);
	case DOC_FALSE:
		return mempcpy(p, "false", 5);
	case DOC_NUMBER:
		return mempcpy(p, d->text, d->len);
	case DOC_STRING:
		return print_string(p, d);
	case DOC_ARRAY:
		*p++ = '[';
		for (u32 i = 0; i < d->len; i++) {
			if (i)
				*p++ = ',';
			p = print_value(p, &d->items[i]);
		}
		*p++ = ']';
		return p;
	case DOC_OBJECT:
		*p++ = '{';
		for (u32 i = 0; i < d->len; i++) {
			if (i)
				*p++ = ',';
			p = print_string(p, &d->items[2 * i]);
			*p++ = ':';
			p = print_value(p, &d->items[2 * i + 1]);
		}
		*p++ = '}';
		return p;
	}
	return p;
}

bool json_print(struct buffer *out, const struct doc *d)
{
	size_t size = json_size(d);
	char *room = buffer_room(out, size);

	if (!room)
		return false;
	CHECK(print_value(room, d) == room + size);
	out->len += size;
	return true;
}

struct str json_text(struct arena *arena, const struct doc *d)
{
	size_t size = json_size(d);
	char *text = arena_alloc(arena, size + JSON_PADDING);

	CHECK(print_value(text, d) == text + size);
	memset(text + size, 0, JSON_PADDING);
	return (struct str){ text, size };
}

bool json_print_str(struct buffer *out, struct str s)
{
	struct doc d = { .type = DOC_STRING, .flags = DOC_ESCAPE, .len = (u32)s.len, .text = s.at };

	return json_print(out, &d);
}

static bool new_line(struct buffer *out, u32 blanks)
{
	char *room = buffer_room(out, blanks + 1);

	if (!room)
		return false;
	room[0] = '\n';
	memset(room + 1, ' ', blanks);
	out->len += blanks + 1;
	return true;
}

static bool print_pretty(struct buffer *out, const struct doc *d, u32 indent, u32 level)
{
	if (d->type < DOC_ARRAY || d->len == 0)
		return json_print(out, d);
	bool object = d->type == DOC_OBJECT;

	buffer_add_char(out, object ? '{' : '[');
	for (u32 i = 0; i < d->len; i++) {
		if (i)
			buffer_add_char(out, ',');
		new_line(out, indent * (level + 1));
		if (object) {
			json_print(out, &d->items[2 * i]);
			buffer_add_str(out, STR(": "));
		}
		if (!print_pretty(out, object ? &d->items[2 * i + 1] : &d->items[i], indent,
				  level + 1))
			return false;
	}
	new_line(out, indent * level);
	return buffer_add_char(out, object ? '}' : ']');
}

bool json_print_pretty(struct buffer *out, const struct doc *d, u32 indent)
{
	return print_pretty(out, d, indent, 0);
}
