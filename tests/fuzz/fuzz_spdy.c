/* SPDY frames from a stranger, to a session that answers and echoes. */
#include <stdint.h>

#include "base/check.h"
#include "net/spdy.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static struct spdy *session;
static size_t sum;

static void opened(void *self, u32 stream, const struct http_header *headers, u32 len, bool end)
{
	(void)self;
	for (u32 i = 0; i < len; i++) /* touch every byte: a sanitizer sees what is not ours */
		for (size_t j = 0; j < headers[i].value.len; j++)
			sum += (unsigned char)headers[i].value.at[j];
	spdy_reply(session, stream);
	if (end)
		spdy_write(session, stream, STR("x"), true);
}

static void bytes_came(void *self, u32 stream, struct str bytes, bool end)
{
	(void)self;
	spdy_write(session, stream, bytes, end);
}

static void was_reset(void *self, u32 stream, u32 code)
{
	(void)self;
	sum += stream + code;
}

static size_t send(void *self, const struct http_piece *pieces, u32 len)
{
	(void)self;
	for (u32 i = 0; i < len; i++)
		sum += pieces[i].len;
	return 0;
}

static const struct spdy_events events = {
	.opened = opened, .bytes = bytes_came, .reset = was_reset, .send = send
};

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	size_t step = size ? 1 + data[0] % 50 : 1;

	session = spdy_new(true, &events, NULL);
	for (size_t at = 0; at < size; at += step)
		if (!spdy_input(session,
				(struct str){ (const char *)data + at, MIN(step, size - at) }))
			break;
	spdy_free(session);
	return 0;
}
