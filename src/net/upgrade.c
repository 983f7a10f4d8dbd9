/* Choosing a stream protocol and answering SPDY upgrades. */
#include "net/upgrade.h"

#include <strings.h>

#include "net/http1_parse.h"

static bool names(const struct http_exchange *x, const char *header, const char *protocol,
		  bool *ret_named)
{
	size_t len = strlen(header);
	bool found = false;

	for (u32 i = 0; i < x->headers_len && !found; i++) {
		const struct http_header *h = &x->headers[i];

		if (h->name.len != len || strncasecmp(h->name.at, header, len))
			continue;
		*ret_named = true;
		found = http1_has_token(h->value, protocol);
	}
	return found;
}

const char *upgrade_choose(const struct http_exchange *x, const char *header,
			   const char *const *known, bool *ret_named)
{
	*ret_named = false;
	for (; *known; known++)
		if (names(x, header, *known, ret_named))
			return *known;
	return NULL;
}

bool upgrade_is_spdy(const struct http_exchange *x)
{
	return x->answer->upgrade && http1_has_token(http_header_get(x, "connection"), "upgrade") &&
	       http1_has_token(http_header_get(x, "upgrade"), "spdy/3.1");
}

void upgrade_to_spdy(struct http_exchange *x, const char *protocol,
		     const struct http_tunnel_events *events, void *self)
{
	struct http_header *headers = ARENA_ARRAY(x->arena, struct http_header, 3);

	headers[0] = (struct http_header){ STR("Connection"), STR("Upgrade") };
	headers[1] = (struct http_header){ STR("Upgrade"), STR("SPDY/3.1") };
	headers[2] = (struct http_header){ STR("X-Stream-Protocol-Version"), str_of(protocol) };
	x->answer->upgrade(x, headers, protocol ? 3 : 2, events, self);
}

size_t upgrade_send(struct http_exchange *x, const struct http_piece *pieces, u32 len)
{
	size_t queued = 0;

	for (u32 i = 0; i < len; i++)
		queued = x->answer->tunnel_write(x, (struct str){ pieces[i].at, pieces[i].len });
	return queued;
}
