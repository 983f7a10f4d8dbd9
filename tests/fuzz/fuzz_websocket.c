/* WebSocket frames from a stranger, to a server that echoes. The first byte picks the side. */
#include <stdint.h>

#include "base/check.h"
#include "net/websocket.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static struct websocket *ws;
static size_t sum;

static void message(void *self, struct str bytes)
{
	const struct http_piece piece = { bytes.at, bytes.len };

	(void)self;
	CHECK(bytes.len <= WEBSOCKET_MESSAGE_MAX);
	websocket_message(ws, &piece, 1);
}

static size_t send(void *self, const struct http_piece *pieces, u32 len)
{
	(void)self;
	for (u32 i = 0; i < len; i++)
		sum += pieces[i].len;
	return 0;
}

static const struct websocket_events events = { .message = message, .send = send };

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	if (size < 2)
		return 0;
	size_t step = 1 + data[1] % 50;

	ws = websocket_new(!(data[0] & 1), &events, NULL);
	for (size_t at = 2; at < size; at += step)
		if (!websocket_input(ws,
				     (struct str){ (const char *)data + at, MIN(step, size - at) }))
			break;
	websocket_free(ws);
	return 0;
}
