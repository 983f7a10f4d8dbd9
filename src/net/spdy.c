/*
 * Frames of draft-mbelshe-httpbis-spdy-00 (SPDY/3.1). Both directions of header compression run
 * through one zlib stream each for the whole session, so every header block is inflated, even of a
 * stream that is refused.
 */
#include "net/spdy.h"

#include <stdlib.h>
#include <zlib.h>

#include "base/buffer.h"
#include "base/check.h"

enum {
	FRAME_HEAD = 8,
	CONTROL_BYTES_MAX = 64 << 10,
	HEADERS_RAW_MAX = 64 << 10, /* of one block, inflated */
	PAIRS_MAX = 64,
	WRITE_BYTES = 32 << 10, /* of one data frame we send: what clients read at once */
	/* Our header blocks are tiny: a small window saves 250 KB a session. */
	DEFLATE_WINDOW_BITS = 11,
	DEFLATE_MEMORY = 1,
};

enum { SYN_STREAM = 1, SYN_REPLY, RST_STREAM, SETTINGS, PING = 6, GOAWAY, HEADERS, WINDOW_UPDATE };
enum { FLAG_FIN = 1 };

struct spdy {
	const struct spdy_events *events;
	void *self;
	z_stream inflate, deflate;
	bool server, broken, gone;
	u32 next_stream, last_stream;
	u8 head[FRAME_HEAD];
	u32 head_len;
	u32 left; /* of the frame under way */
	struct buffer control;
};

static u32 get_u32(const void *at)
{
	const u8 *p = at;

	return (u32)p[0] << 24 | (u32)p[1] << 16 | (u32)p[2] << 8 | p[3];
}

static void put_u32(void *at, u32 value)
{
	u8 *p = at;

	p[0] = (u8)(value >> 24);
	p[1] = (u8)(value >> 16);
	p[2] = (u8)(value >> 8);
	p[3] = (u8)value;
}

struct spdy *spdy_new(bool server, const struct spdy_events *events, void *self)
{
	struct spdy *spdy = calloc(1, sizeof *spdy);

	CHECK(spdy);
	spdy->events = events;
	spdy->self = self;
	spdy->server = server;
	spdy->next_stream = server ? 2 : 1;
	spdy->control = BUFFER_INIT(CONTROL_BYTES_MAX);
	CHECK(inflateInit(&spdy->inflate) == Z_OK);
	CHECK(deflateInit2(&spdy->deflate, Z_BEST_SPEED, Z_DEFLATED, DEFLATE_WINDOW_BITS,
			   DEFLATE_MEMORY, Z_DEFAULT_STRATEGY) == Z_OK);
	CHECK(deflateSetDictionary(&spdy->deflate, (const Bytef *)spdy_dictionary,
				   SPDY_DICTIONARY_BYTES) == Z_OK);
	return spdy;
}

void spdy_free(struct spdy *spdy)
{
	if (!spdy)
		return;
	inflateEnd(&spdy->inflate);
	deflateEnd(&spdy->deflate);
	buffer_release(&spdy->control);
	free(spdy);
}

/* ---- sending */

static void send_control(struct spdy *spdy, u16 type, u8 flags, const void *payload, u32 len)
{
	u8 head[FRAME_HEAD];
	const struct http_piece pieces[] = { { (char *)head, sizeof head }, { payload, len } };

	put_u32(head, 0x80030000u | type);
	put_u32(head + 4, len);
	head[4] = flags;
	spdy->events->send(spdy->self, pieces, 2);
}

/* A header block, compressed, after `before` bytes of the frame's own. */
static void send_headers(struct spdy *spdy, u16 type, const void *before, u32 before_len,
			 const struct http_header *headers, u32 len)
{
	struct buffer raw = BUFFER_INIT(HEADERS_RAW_MAX), out = BUFFER_INIT(CONTROL_BYTES_MAX * 2);
	u8 number[4];

	put_u32(number, len);
	buffer_add(&raw, number, 4);
	for (u32 i = 0; i < len; i++) {
		put_u32(number, (u32)headers[i].name.len);
		buffer_add(&raw, number, 4);
		buffer_add_str(&raw, headers[i].name);
		put_u32(number, (u32)headers[i].value.len);
		buffer_add(&raw, number, 4);
		buffer_add_str(&raw, headers[i].value);
	}
	CHECK(!raw.full);
	buffer_add(&out, before, before_len);
	size_t room = deflateBound(&spdy->deflate, raw.len) + 64;
	char *to = buffer_room(&out, room);

	CHECK(to);
	spdy->deflate.next_in = (Bytef *)raw.at;
	spdy->deflate.avail_in = (uInt)raw.len;
	spdy->deflate.next_out = (Bytef *)to;
	spdy->deflate.avail_out = (uInt)room;
	CHECK(deflate(&spdy->deflate, Z_SYNC_FLUSH) == Z_OK && spdy->deflate.avail_in == 0);
	out.len += room - spdy->deflate.avail_out;
	send_control(spdy, type, 0, out.at, (u32)out.len);
	buffer_release(&raw);
	buffer_release(&out);
}

u32 spdy_open(struct spdy *spdy, const struct http_header *headers, u32 len)
{
	u32 stream = spdy->next_stream;
	u8 before[10] = { 0 }; /* stream, associated stream, priority, slot */

	spdy->next_stream += 2;
	put_u32(before, stream);
	send_headers(spdy, SYN_STREAM, before, sizeof before, headers, len);
	return stream;
}

void spdy_reply(struct spdy *spdy, u32 stream)
{
	u8 before[4];

	put_u32(before, stream);
	send_headers(spdy, SYN_REPLY, before, sizeof before, NULL, 0);
}

size_t spdy_write(struct spdy *spdy, u32 stream, struct str bytes, bool end)
{
	size_t queued = 0;

	while (bytes.len || end) {
		u32 len = (u32)MIN(bytes.len, (size_t)WRITE_BYTES);
		u8 head[FRAME_HEAD];
		const struct http_piece pieces[] = { { (char *)head, sizeof head },
						     { bytes.at, len } };
		bool last = end && len == bytes.len;

		put_u32(head, stream);
		put_u32(head + 4, len);
		head[4] = last ? FLAG_FIN : 0;
		queued = spdy->events->send(spdy->self, pieces, len ? 2 : 1);
		bytes = str_from(bytes, len);
		end = end && !last;
	}
	return queued;
}

void spdy_reset(struct spdy *spdy, u32 stream, u32 code)
{
	u8 payload[8];

	put_u32(payload, stream);
	put_u32(payload + 4, code);
	send_control(spdy, RST_STREAM, 0, payload, sizeof payload);
}

void spdy_goaway(struct spdy *spdy)
{
	u8 payload[8] = { 0 };

	put_u32(payload, spdy->last_stream);
	send_control(spdy, GOAWAY, 0, payload, sizeof payload);
}

/* ---- receiving */

/* Inflates a block into `out`; false when it is broken or grows beyond `out`. */
static bool inflate_block(struct spdy *spdy, struct str block, u8 *out, size_t cap, size_t *ret_len)
{
	z_stream *z = &spdy->inflate;

	z->next_in = (Bytef *)(uintptr_t)block.at;
	z->avail_in = (uInt)block.len;
	z->next_out = out;
	z->avail_out = (uInt)cap;
	while (z->avail_in > 0) {
		int result = inflate(z, Z_SYNC_FLUSH);

		if (result == Z_NEED_DICT)
			result = inflateSetDictionary(z, (const Bytef *)spdy_dictionary,
						      SPDY_DICTIONARY_BYTES);
		if (result != Z_OK || (z->avail_out == 0 && z->avail_in > 0))
			return false; /* out of room: a bomb */
	}
	*ret_len = cap - z->avail_out;
	return true;
}

static bool read_text(const u8 **at, const u8 *end, struct str *ret_text)
{
	if (end - *at < 4)
		return false;
	u32 len = get_u32(*at);

	*at += 4;
	if (len > (size_t)(end - *at))
		return false;
	*ret_text = (struct str){ (const char *)*at, len };
	*at += len;
	return true;
}

static bool read_headers(struct spdy *spdy, struct str block, u8 *raw,
			 struct http_header headers[PAIRS_MAX], u32 *ret_len)
{
	size_t len;

	if (!inflate_block(spdy, block, raw, HEADERS_RAW_MAX, &len) || len < 4)
		return false;
	const u8 *at = raw + 4, *end = raw + len;
	u32 count = get_u32(raw);

	if (count > PAIRS_MAX)
		return false;
	for (u32 i = 0; i < count; i++)
		if (!read_text(&at, end, &headers[i].name) ||
		    !read_text(&at, end, &headers[i].value))
			return false;
	*ret_len = count;
	return true;
}

static bool take_headers(struct spdy *spdy, u32 type, u8 flags, struct str payload)
{
	struct http_header headers[PAIRS_MAX];
	size_t before = type == SYN_STREAM ? 10 : 4;
	u32 count;

	if (payload.len < before)
		return false;
	u32 stream = get_u32(payload.at) & 0x7fffffff;
	u8 *raw = malloc(HEADERS_RAW_MAX);

	CHECK(raw);
	bool good = read_headers(spdy, str_from(payload, before), raw, headers, &count);

	if (good && type == SYN_STREAM) {
		/* Ids grow, and tell by their lowest bit who opened the stream. */
		if ((stream & 1) != (spdy->server ? 1 : 0) || stream <= spdy->last_stream) {
			spdy_reset(spdy, stream, SPDY_PROTOCOL_ERROR);
		} else {
			spdy->last_stream = stream;
			spdy->events->opened(spdy->self, stream, headers, count, flags & FLAG_FIN);
		}
	} else if (good && type == SYN_REPLY) {
		if (spdy->events->replied)
			spdy->events->replied(spdy->self, stream);
		if (flags & FLAG_FIN)
			spdy->events->bytes(spdy->self, stream, STR(""), true);
	}
	free(raw);
	return good;
}

static bool take_control(struct spdy *spdy, u32 type, u8 flags, struct str payload)
{
	switch (type) {
	case SYN_STREAM:
	case SYN_REPLY:
	case HEADERS:
		return take_headers(spdy, type, flags, payload);
	case RST_STREAM:
		if (payload.len < 8)
			return false;
		spdy->events->reset(spdy->self, get_u32(payload.at) & 0x7fffffff,
				    get_u32(payload.at + 4));
		return true;
	case PING:
		if (payload.len < 4)
			return false;
		/* The peer's own are odd when it is the client; ours come back. */
		if ((get_u32(payload.at) & 1) == (spdy->server ? 1 : 0))
			send_control(spdy, PING, 0, payload.at, 4);
		return true;
	case GOAWAY:
		/* No new streams; those that are open go on until the connection ends. */
		spdy->gone = true;
		return true;
	default:
		return true; /* SETTINGS, WINDOW_UPDATE and what else there may be: nothing to do */
	}
}

static bool take_data(struct spdy *spdy, struct str *bytes)
{
	size_t len = MIN(bytes->len, (size_t)spdy->left);
	struct str part = str_part(*bytes, 0, len);
	u32 stream = get_u32(spdy->head);

	spdy->left -= (u32)len;
	*bytes = str_from(*bytes, len);
	bool whole = spdy->left == 0;

	if (whole)
		spdy->head_len = 0;
	if (len || whole)
		spdy->events->bytes(spdy->self, stream, part, whole && spdy->head[4] & FLAG_FIN);
	return true;
}

static bool take_frame(struct spdy *spdy, struct str *bytes)
{
	if (!(spdy->head[0] & 0x80))
		return take_data(spdy, bytes);
	size_t len = MIN(bytes->len, (size_t)spdy->left);

	if (!buffer_add(&spdy->control, bytes->at, len))
		return false;
	*bytes = str_from(*bytes, len);
	spdy->left -= (u32)len;
	if (spdy->left)
		return true;
	bool good = (get_u32(spdy->head) >> 16 & 0x7fff) == 3 &&
		    take_control(spdy, get_u32(spdy->head) & 0xffff, spdy->head[4],
				 buffer_str(&spdy->control));

	spdy->head_len = 0;
	buffer_clear(&spdy->control);
	return good;
}

bool spdy_input(struct spdy *spdy, struct str bytes)
{
	while (!spdy->broken && bytes.len) {
		if (spdy->head_len < FRAME_HEAD) {
			size_t len = MIN(bytes.len, (size_t)FRAME_HEAD - spdy->head_len);

			memcpy(spdy->head + spdy->head_len, bytes.at, len);
			spdy->head_len += (u32)len;
			bytes = str_from(bytes, len);
			if (spdy->head_len < FRAME_HEAD)
				break;
			spdy->left = get_u32(spdy->head + 4) & 0xffffff;
			/* A frame without a payload is over with its head. */
			if (spdy->left)
				continue;
		}
		if (!take_frame(spdy, &bytes))
			spdy->broken = true;
	}
	return !spdy->broken;
}
