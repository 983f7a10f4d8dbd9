/* Reading documents: look-up by key and path, values with a fallback, equality. */
#include "doc/doc.h"

#include <math.h>
#include <stdlib.h>

#include "base/check.h"
#include "base/map.h"

const struct doc doc_null = { .type = DOC_NULL }, doc_false = { .type = DOC_FALSE },
		 doc_true = { .type = DOC_TRUE }, doc_empty_object = { .type = DOC_OBJECT },
		 doc_empty_array = { .type = DOC_ARRAY },
		 doc_empty_string = { .type = DOC_STRING, .text = "" },
		 doc_zero = { .type = DOC_NUMBER, .len = 1, .text = "0" };

static const struct doc *get_empty(const struct doc *d)
{
	for (u32 i = d->len; i-- > 0;)
		if (!d->items[2 * i].len)
			return &d->items[2 * i + 1];
	return NULL;
}

const struct doc *doc_get(const struct doc *d, struct str key)
{
	if (!doc_is(d, DOC_OBJECT))
		return NULL;
	if (!key.len)
		return get_empty(d);
	/* The ends differ nearly always when the keys do, and looking at them is no call. */
	char first = key.at[0], last = key.at[key.len - 1];

	for (u32 i = d->len; i-- > 0;) {
		const struct doc *name = &d->items[2 * i];

		if (name->len == key.len && name->text[0] == first &&
		    name->text[key.len - 1] == last && !memcmp(name->text, key.at, key.len))
			return name + 1;
	}
	return NULL;
}

const struct doc *doc_at(const struct doc *d, const char *path)
{
	struct str rest = str_of(path);

	while (rest.at && d) {
		struct str step = str_cut(&rest, '.');
		i64 index;

		if (d->type == DOC_ARRAY)
			d = str_to_i64(step, &index) && index >= 0 && index < d->len
				    ? &d->items[index]
				    : NULL;
		else
			d = doc_get(d, step);
	}
	return d;
}

struct str doc_str_or(const struct doc *d, struct str otherwise)
{
	return doc_is(d, DOC_STRING) ? (struct str){ d->text, d->len } : otherwise;
}

struct str doc_str(const struct doc *d)
{
	return doc_str_or(d, (struct str){ "", 0 });
}

enum { NUMBER_BYTES_MAX = 400 }; /* longer than any double prints; more digits change nothing */

double doc_double_or(const struct doc *d, double otherwise)
{
	char text[NUMBER_BYTES_MAX + 1];

	if (!doc_is(d, DOC_NUMBER))
		return otherwise;
	size_t len = MIN(d->len, (u32)NUMBER_BYTES_MAX);

	memcpy(text, d->text, len);
	text[len] = 0;
	return strtod(text, NULL);
}

i64 doc_int_or(const struct doc *d, i64 otherwise)
{
	i64 value;

	if (!doc_is(d, DOC_NUMBER))
		return otherwise;
	if (str_to_i64((struct str){ d->text, d->len }, &value))
		return value;
	double number = doc_double_or(d, 0.5);

	if (number == floor(number) && fabs(number) < 9.2e18)
		return (i64)number;
	return otherwise;
}

bool doc_bool_or(const struct doc *d, bool otherwise)
{
	return doc_is_bool(d) ? d->type == DOC_TRUE : otherwise;
}

static bool number_eq(const struct doc *a, const struct doc *b)
{
	struct str x = { a->text, a->len }, y = { b->text, b->len };
	i64 i, j;

	if (str_eq(x, y))
		return true;
	if (str_to_i64(x, &i) && str_to_i64(y, &j))
		return i == j;
	return doc_double_or(a, 0) == doc_double_or(b, 0);
}

enum { SCAN_MAX = 32 }; /* above, looking for each key in turn would take its time squared */

static bool object_eq(const struct doc *a, const struct doc *b)
{
	struct map index = { 0 };
	bool same = true;

	for (u32 i = 0; i < a->len && same; i++) {
		struct str key = doc_pair_key(a, i);
		const struct doc *other;

		if (b->len > SCAN_MAX && !index.len && !str_eq(doc_pair_key(b, i), key))
			for (u32 j = 0; j < b->len; j++)
				map_put(&index, doc_pair_key(b, j), (void *)doc_pair_value(b, j));
		/* Printed by the same code, keys mostly stand at the same place. */
		if (str_eq(doc_pair_key(b, i), key))
			other = doc_pair_value(b, i);
		else
			other = index.len ? map_get(&index, key) : doc_get(b, key);
		same = other && doc_eq(doc_pair_value(a, i), other);
	}
	map_release(&index);
	return same;
}

bool doc_eq(const struct doc *a, const struct doc *b)
{
	if (a == b)
		return true;
	if (!a || !b || a->type != b->type)
		return false;
	switch ((enum doc_type)a->type) {
	case DOC_NULL:
	case DOC_FALSE:
	case DOC_TRUE:
		return true;
	case DOC_NUMBER:
		return number_eq(a, b);
	case DOC_STRING:
		return a->len == b->len && !memcmp(a->text, b->text, a->len);
	case DOC_ARRAY:
		for (u32 i = 0; a->len == b->len && i < a->len; i++)
			if (!doc_eq(&a->items[i], &b->items[i]))
				return false;
		return a->len == b->len;
	case DOC_OBJECT:
		return a->len == b->len && object_eq(a, b);
	}
	return false;
}
