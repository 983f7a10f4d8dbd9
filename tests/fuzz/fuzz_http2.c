/* HTTP/2 frames from a stranger; the preface is given, so that mutation starts behind it. */
#include <stdint.h>

#include "../unit/net/memory_wire.h"
#include "net/http2.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void handle(void *self, struct http_exchange *x)
{
	struct http_piece *piece = ARENA_NEW(x->arena, struct http_piece);

	(void)self;
	CHECK(x->path.len && x->body.at[x->body.len] == 0);
	*piece = (struct http_piece){ x->path.at, x->path.len };
	if (x->path.len > 1 && x->path.at[1] == 's') {
		x->answer->start(x, 200, NULL, 0);
		x->answer->write(x, piece, 1);
		x->answer->end(x);
	} else if (x->path.len < 2 || x->path.at[1] != 'n') {
		x->answer->reply(x, 200, NULL, 0, piece, 1);
	}
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static const struct http_handler handler = { .request = handle };
	static const struct http_peer peer;
	struct http_server_stats stats = { 0 };
	struct memory_wire m = memory_wire_new();
	struct http2 *h = http2_new(&m.wire, &handler, &peer, "", 10, &stats);

	http2_input(h, STR("PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n\0\0\0\4\0\0\0\0\0"));
	for (size_t at = 0; at < size && !m.closed; at += 97) {
		http2_input(h, (struct str){ (const char *)data + at, MIN((size_t)97, size - at) });
		for (m.woken = true; m.woken;) {
			m.woken = false;
			http2_settle(h);
			http2_writable(h);
		}
	}
	http2_free(h);
	buffer_release(&m.out);
	return 0;
}
