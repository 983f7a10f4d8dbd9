/* HTTP/1.1 from a stranger: whole or cut into pieces it must mean the same. */
#include <stdint.h>

#include "../unit/net/memory_wire.h"
#include "base/limits.h"
#include "net/http1.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void swallow(void *self, struct str bytes)
{
	struct http_exchange *x = self;

	x->answer->tunnel_write(x, bytes);
}

static void ignore(void *self)
{
	(void)self;
}

static void handle(void *self, struct http_exchange *x)
{
	static const struct http_tunnel_events events = { .bytes = swallow, .closed = ignore };
	struct http_piece *pieces = ARENA_ARRAY(x->arena, struct http_piece, 3);

	(void)self;
	CHECK(x->method.len && x->path.len && x->body.len <= BODY_BYTES_MAX);
	CHECK(x->body.at[x->body.len] == 0);
	pieces[0] = (struct http_piece){ x->method.at, x->method.len };
	pieces[1] = (struct http_piece){ x->path.at, x->path.len };
	pieces[2] = (struct http_piece){ x->body.at, x->body.len };
	if (str_is(x->path, "/u")) {
		x->answer->upgrade(x, NULL, 0, &events, x);
	} else if (str_is(x->path, "/s")) {
		x->answer->start(x, 200, NULL, 0);
		x->answer->write(x, pieces, 3);
		x->answer->end(x);
	} else {
		x->answer->reply(x, 200, NULL, 0, pieces, 3);
	}
}

static struct memory_wire run(const uint8_t *data, size_t size, size_t step)
{
	static const struct http_handler handler = { .request = handle };
	static const struct http_peer peer;
	struct memory_wire m = memory_wire_new();
	u64 requests = 0;
	struct http1 *h = http1_new(&m.wire, &handler, &peer, NULL, &requests);

	for (size_t at = 0; at < size && !m.closed; at += step) {
		http1_input(h, (struct str){ (const char *)data + at, MIN(step, size - at) });
		for (m.woken = true; m.woken;) {
			m.woken = false;
			http1_settle(h);
		}
	}
	http1_free(h);
	return m;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	if (size > 60000)
		return 0;
	struct memory_wire whole = run(data, size, size + 1), parts = run(data, size, 7);

	CHECK(str_eq(buffer_str(&whole.out), buffer_str(&parts.out)));
	CHECK(whole.closed == parts.closed);
	buffer_release(&whole.out);
	buffer_release(&parts.out);
	return 0;
}
