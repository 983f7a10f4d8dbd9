/*
 * Documents: what JSON, YAML and protobuf all become. A document is immutable; every "change" makes
 * a new one that shares what stayed the same. Nodes are 16 bytes, live in an arena (or in a stored
 * version) and point at text that lives there too.
 *
 * Absent is NULL, and every reader takes NULL: doc_int(doc_at(pod, "spec.x")) needs no checks.
 */
#ifndef DOC_DOC_H
#define DOC_DOC_H

#include "base/arena.h"
#include "base/error.h"
#include "base/limits.h"
#include "base/str.h"

enum doc_type { DOC_NULL, DOC_FALSE, DOC_TRUE, DOC_NUMBER, DOC_STRING, DOC_ARRAY, DOC_OBJECT };

enum {
	DOC_ESCAPE = 1, /* a string with bytes that JSON must escape: printed the slow way */
	DOC_FLOAT = 2,	/* a number with a fraction or an exponent */
};

struct doc {
	u8 type; /* enum doc_type */
	u8 flags;
	u16 unused;
	u32 len; /* bytes of a string or number; items of an array; pairs of an object */
	union {
		const char *text;	 /* string (unescaped UTF-8) or number (as written) */
		const struct doc *items; /* array: len nodes; object: 2 × len, key then value */
	};
};

_Static_assert(sizeof(struct doc) == 16, "a node is 16 bytes");

/* The one-value documents nobody needs to allocate. */
extern const struct doc doc_null, doc_false, doc_true, doc_empty_object, doc_empty_array,
	doc_empty_string, doc_zero;

/* ---- reading */

static inline bool doc_is(const struct doc *d, enum doc_type type)
{
	return d && d->type == type;
}

static inline bool doc_is_null(const struct doc *d) /* absent or null */
{
	return !d || d->type == DOC_NULL;
}

static inline bool doc_is_bool(const struct doc *d)
{
	return d && (d->type == DOC_TRUE || d->type == DOC_FALSE);
}

/* Items of an array, pairs of an object, otherwise 0. */
static inline u32 doc_len(const struct doc *d)
{
	return d && d->type >= DOC_ARRAY ? d->len : 0;
}

/* The value under `key` of an object; NULL when absent or `d` is no object. Last duplicate wins. */
const struct doc *doc_get(const struct doc *d, struct str key);
#define doc_key(d, literal) doc_get((d), STR(literal))

/* Follows a path of keys parted by dots; a piece of digits picks an array's item:
 * doc_at(pod, "spec.containers.0.image"). Keys that hold dots: doc_get. */
const struct doc *doc_at(const struct doc *d, const char *path);

static inline const struct doc *doc_item(const struct doc *d, u32 index)
{
	return doc_is(d, DOC_ARRAY) && index < d->len ? &d->items[index] : NULL;
}

static inline struct str doc_pair_key(const struct doc *d, u32 index)
{
	return (struct str){ d->items[2 * index].text, d->items[2 * index].len };
}

static inline const struct doc *doc_pair_value(const struct doc *d, u32 index)
{
	return &d->items[2 * index + 1];
}

/* for: doc_each_item(containers, c) { … c … }   doc_each_pair(labels, key, value) { … } */
#define doc_each_item(array, item)                                                                 \
	for (const struct doc *item##_of = (array), *item = doc_item(item##_of, 0),                \
			      *item##_end = item ? item + item##_of->len : NULL;                   \
	     item != item##_end; item++)
#define doc_each_pair(object, key, value)                                                          \
	for (u32 key##_i = 0, key##_once;                                                          \
	     key##_i < (doc_is((object), DOC_OBJECT) ? (object)->len : 0); key##_i++)              \
		for (struct str key = (key##_once = 1, doc_pair_key((object), key##_i));           \
		     key##_once; key##_once = 0)                                                   \
			for (const struct doc *value = doc_pair_value((object), key##_i);          \
			     key##_once; key##_once = 0)

/* Values, with what to take when the node is absent or of another type. */
struct str doc_str(const struct doc *d); /* empty slice otherwise */
struct str doc_str_or(const struct doc *d, struct str otherwise);
i64 doc_int_or(const struct doc *d, i64 otherwise); /* floats with no fraction count */
double doc_double_or(const struct doc *d, double otherwise);
bool doc_bool_or(const struct doc *d, bool otherwise);

/* The same, found by path: doc_at_int(rs, AT(ReplicaSet, spec.replicas), 1). */
static inline struct str doc_at_str(const struct doc *d, const char *path)
{
	return doc_str(doc_at(d, path));
}
static inline i64 doc_at_int(const struct doc *d, const char *path, i64 otherwise)
{
	return doc_int_or(doc_at(d, path), otherwise);
}
static inline bool doc_at_bool(const struct doc *d, const char *path, bool otherwise)
{
	return doc_bool_or(doc_at(d, path), otherwise);
}

/* Deep equality as JSON values: order of keys does not matter, 1 and 1.0 are one number. */
bool doc_eq(const struct doc *a, const struct doc *b);

/* ---- making */

struct doc *doc_new_str(struct arena *arena, struct str s); /* copies the bytes */
struct doc *doc_ref_str(struct arena *arena, struct str s); /* keeps pointing at the bytes */
struct doc *doc_new_int(struct arena *arena, i64 value);
struct doc *doc_new_double(struct arena *arena, double value);
const struct doc *doc_new_bool(bool value);
struct doc *doc_new_array(struct arena *arena, const struct doc *const *items, u32 len);
const struct doc *doc_copy(struct arena *arena, const struct doc *d); /* deep, text and all */

/* ---- changing: each returns a new document, the old one stays as it was. NULL: no object yet */

/* One level. A NULL value removes the key. Order is kept; new keys go last. */
const struct doc *doc_with(struct arena *arena, const struct doc *object, struct str key,
			   const struct doc *value);

/* By path as in doc_at; missing objects on the way are made. A NULL value removes. An index one
 * past the end of an array appends; otherwise an index must exist (else d comes back unchanged). */
const struct doc *doc_set(struct arena *arena, const struct doc *d, const char *path,
			  const struct doc *value);
const struct doc *doc_set_str(struct arena *arena, const struct doc *d, const char *path,
			      struct str value);
const struct doc *doc_set_int(struct arena *arena, const struct doc *d, const char *path,
			      i64 value);
const struct doc *doc_set_bool(struct arena *arena, const struct doc *d, const char *path,
			       bool value);
const struct doc *doc_remove(struct arena *arena, const struct doc *d, const char *path);

/* Arrays: append, replace or (value NULL) remove one item. */
const struct doc *doc_append(struct arena *arena, const struct doc *array, const struct doc *value);
const struct doc *doc_with_item(struct arena *arena, const struct doc *array, u32 index,
				const struct doc *value);

#endif
