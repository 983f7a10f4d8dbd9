/* Prints JSON straight into a buffer, for documents too long to build first. Commas are its own. */
#ifndef SCHEMA_JSON_OUT_H
#define SCHEMA_JSON_OUT_H

#include "base/buffer.h"
#include "doc/json.h"

struct json_out {
	struct buffer *to;
	bool comma; /* something stands before at this level */
};

static inline void out_key(struct json_out *o, const char *key) /* NULL inside arrays */
{
	if (o->comma)
		buffer_add_char(o->to, ',');
	o->comma = true;
	if (!key)
		return;
	json_print_str(o->to, str_of(key));
	buffer_add_char(o->to, ':');
}

static inline void out_open(struct json_out *o, const char *key, char bracket)
{
	out_key(o, key);
	buffer_add_char(o->to, bracket);
	o->comma = false;
}

static inline void out_close(struct json_out *o, char bracket)
{
	buffer_add_char(o->to, bracket);
	o->comma = true;
}

static inline void out_str(struct json_out *o, const char *key, struct str value)
{
	out_key(o, key);
	json_print_str(o->to, value);
}

static inline void out_text(struct json_out *o, const char *key, const char *value)
{
	out_str(o, key, str_of(value));
}

/* `json` is written as it is. */
static inline void out_raw(struct json_out *o, const char *key, const char *json)
{
	out_key(o, key);
	buffer_add_str(o->to, str_of(json));
}

static inline void out_doc(struct json_out *o, const char *key, const struct doc *value)
{
	out_key(o, key);
	json_print(o->to, value);
}

#endif
