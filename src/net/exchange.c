/* Looking things up in a request: headers, query, percent-decoding. */
#include "net/exchange.h"

#include <strings.h>

struct str http_header_get(const struct http_exchange *x, const char *name)
{
	struct str wanted = str_of(name);

	for (u32 i = 0; i < x->headers_len; i++)
		if (x->headers[i].name.len == wanted.len &&
		    !strncasecmp(x->headers[i].name.at, wanted.at, wanted.len))
			return x->headers[i].value;
	return (struct str){ "", 0 };
}

static int hex_digit(char c)
{
	if (c >= '0' && c <= '9')
		return c - '0';
	c |= 0x20;
	return c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

bool http_decode(struct arena *arena, struct str text, bool query, struct str *ret_text)
{
	char *out = arena_alloc(arena, text.len + 1), *to = out;

	for (size_t i = 0; i < text.len; i++) {
		if (query && text.at[i] == '+') {
			*to++ = ' ';
		} else if (text.at[i] != '%') {
			*to++ = text.at[i];
		} else {
			int high = i + 2 <= text.len - 1 ? hex_digit(text.at[i + 1]) : -1;
			int low = i + 2 < text.len ? hex_digit(text.at[i + 2]) : -1;

			if (high < 0 || low < 0)
				return false;
			*to++ = (char)(high << 4 | low);
			i += 2;
		}
	}
	*to = 0;
	*ret_text = (struct str){ out, (size_t)(to - out) };
	return true;
}

struct str http_query_nth(struct http_exchange *x, const char *name, u32 n)
{
	struct str rest = x->query, wanted = str_of(name);

	while (rest.at && rest.len) {
		struct str pair = str_cut(&rest, '&'), value = pair, key = str_cut(&value, '='),
			   decoded;

		if (!http_decode(x->arena, key, true, &decoded) || !str_eq(decoded, wanted))
			continue;
		if (n-- > 0)
			continue;
		if (!value.at)
			return (struct str){ "", 0 };
		return http_decode(x->arena, value, true, &decoded) ? decoded : value;
	}
	return STR_NONE;
}

struct str http_query_get(struct http_exchange *x, const char *name)
{
	return http_query_nth(x, name, 0);
}
