/*
 * A string slice: pointer and length, not terminated, never owning. Where the bytes live is said by
 * whoever hands the slice out (usually an arena or a stored version).
 */
#ifndef BASE_STR_H
#define BASE_STR_H

#include <string.h>

#include "base/arena.h"
#include "base/types.h"

struct str {
	const char *at;
	size_t len;
};

#define STR(literal) ((struct str){ "" literal, sizeof(literal) - 1 })
#define STR_INIT(literal)                                                                          \
	{                                                                                          \
		"" literal, sizeof(literal) - 1                                                    \
	} /* for static tables */
#define STR_NONE ((struct str){ 0 })
#define STR_FMT "%.*s"
#define STR_ARG(s) ((int)(s).len), ((s).at ? (s).at : "")

static inline struct str str_of(const char *text) /* NULL gives the empty slice */
{
	return (struct str){ text, text ? strlen(text) : 0 };
}

static inline bool str_eq(struct str a, struct str b)
{
	return a.len == b.len && (a.len == 0 || memcmp(a.at, b.at, a.len) == 0);
}

static inline bool str_is(struct str a, const char *text)
{
	return str_eq(a, str_of(text));
}

/* Order of bytes, shorter first: the order of keys in lists. */
int str_cmp(struct str a, struct str b);

bool str_starts(struct str s, struct str prefix);
bool str_ends(struct str s, struct str suffix);
struct str str_from(struct str s, size_t start);	     /* rest after `start`, clamped */
struct str str_part(struct str s, size_t start, size_t len); /* clamped to what is there */
struct str str_trim(struct str s);			     /* without blanks at both ends */
i64 str_find(struct str s, struct str needle);		     /* -1 when it is not there */
i64 str_find_char(struct str s, char c);
i64 str_find_last(struct str s, char c);

/* Cuts `s` at the first `separator`: returns what stands before, leaves the rest in *s. The last
 * piece leaves *s with at == NULL; loop: while (rest.at) { piece = str_cut(&rest, ','); … } */
struct str str_cut(struct str *s, char separator);

u64 str_hash(struct str s); /* keyed once a process, so strangers cannot aim for collisions */
void str_hash_seed(u64 seed);

/* Strict: an optional sign, digits and nothing else, within i64. */
MUST_USE bool str_to_i64(struct str s, i64 *ret_value);

/* Copies and printing into an arena; all results carry a hidden NUL after the last byte. */
struct str str_copy(struct arena *arena, struct str s);
const char *str_c(struct arena *arena, struct str s); /* NUL-terminated copy */
PRINTF(2, 3) struct str str_format(struct arena *arena, const char *format, ...);
struct str str_lower(struct arena *arena, struct str s);
struct str str_join(struct arena *arena, const struct str *pieces, u32 count, struct str between);

#endif
