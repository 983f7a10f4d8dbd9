/* Sends answers: headers every answer has, indentation, compression, and errors as Status. */
#include "server/reply.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <zlib.h>

#include "base/check.h"
#include "doc/build.h"
#include "doc/json.h"
#include "schema/protobuf.h"
#include "server/negotiate.h"

enum { PROTOBUF_BYTES_MAX = 1 << 30 };

struct reply reply_new(struct http_exchange *x, int code, const char *content_type)
{
	struct reply reply = { .arena = x->arena, .code = code };

	reply_header(&reply, "Content-Type", str_of(content_type));
	reply_header(&reply, "Cache-Control", STR("no-cache, private"));
	return reply;
}

void reply_header(struct reply *reply, const char *name, struct str value)
{
	if (reply->headers_len < REPLY_HEADERS_MAX)
		reply->headers[reply->headers_len++] = (struct http_header){ str_of(name), value };
}

void reply_piece(struct reply *reply, struct str bytes)
{
	if (bytes.len == 0)
		return;
	VEC_PUSH(reply->arena, &reply->pieces, (struct http_piece){ bytes.at, bytes.len });
	reply->bytes += bytes.len;
}

static void reply_replace(struct reply *reply, struct str bytes)
{
	reply->pieces.len = 0;
	reply->bytes = 0;
	reply_piece(reply, bytes);
}

static bool reply_is_json(const struct reply *reply)
{
	return str_starts(reply->headers[0].value, STR("application/json"));
}

/* ?pretty=true, or a person with curl or a browser, as Kubernetes does. */
static bool wants_indent(struct http_exchange *x)
{
	struct str pretty = http_query_get(x, "pretty"), agent;

	if (pretty.at)
		return !str_is(pretty, "false") && !str_is(pretty, "0");
	agent = http_header_get(x, "User-Agent");
	return str_starts(agent, STR("curl")) || str_starts(agent, STR("Wget")) ||
	       str_starts(agent, STR("Mozilla/5.0"));
}

static void reply_indent(struct reply *reply)
{
	struct buffer joined = BUFFER_INIT(SIZE_MAX), out = BUFFER_INIT(SIZE_MAX);
	const struct doc *doc;

	for (u32 i = 0; i < reply->pieces.len; i++)
		buffer_add(&joined, reply->pieces.at[i].at, reply->pieces.at[i].len);
	if (json_parse(reply->arena, buffer_str(&joined), &doc, NULL) == ST_OK &&
	    json_print_pretty(&out, doc, 2) && buffer_add_char(&out, '\n'))
		reply_replace(reply, str_copy(reply->arena, buffer_str(&out)));
	buffer_release(&joined);
	buffer_release(&out);
}

static bool accepts_gzip(const struct http_exchange *x)
{
	struct str rest = http_header_get(x, "Accept-Encoding");

	while (rest.at) {
		struct str coding = str_cut(&rest, ','), name = str_cut(&coding, ';');

		if (str_is(str_trim(name), "gzip"))
			return !coding.at || !str_is(str_trim(coding), "q=0");
	}
	return false;
}

/* Level 1: four times smaller for the price of a fast network's send. */
static void reply_compress(struct reply *reply)
{
	z_stream z = { 0 };
	size_t room = reply->bytes / 3 + 4096, done = 0;
	char *out = arena_alloc(reply->arena, room);

	if (deflateInit2(&z, 1, Z_DEFLATED, 15 + 16, 8, Z_DEFAULT_STRATEGY) != Z_OK)
		return;
	for (u32 i = 0; i <= reply->pieces.len; i++) {
		bool last = i == reply->pieces.len;
		int result;

		z.next_in = last ? NULL : (Bytef *)(uintptr_t)reply->pieces.at[i].at;
		z.avail_in = last ? 0 : (uInt)reply->pieces.at[i].len;
		do {
			if (room - done < 4096) {
				out = arena_grow(reply->arena, out, room, room * 2);
				room *= 2;
			}
			z.next_out = (Bytef *)out + done;
			z.avail_out = (uInt)MIN(room - done, (size_t)1 << 30);
			uInt before = z.avail_out;

			result = deflate(&z, last ? Z_FINISH : Z_NO_FLUSH);
			done += before - z.avail_out;
		} while (z.avail_out == 0 || (last && result != Z_STREAM_END));
	}
	deflateEnd(&z);
	reply_replace(reply, (struct str){ out, done });
	reply_header(reply, "Content-Encoding", STR("gzip"));
	reply_header(reply, "Vary", STR("Accept-Encoding"));
}

static void release(void *buffer)
{
	buffer_release(buffer);
}

/* For clients that understand nothing else. What has no numbers in the tables (discovery, custom
 * resources) stays JSON: they say that they cannot read it, which is true. */
static void reply_as_protobuf(struct reply *reply)
{
	struct buffer text = BUFFER_INIT(PROTOBUF_BYTES_MAX), *out;
	const struct doc *object;

	for (u32 i = 0; i < reply->pieces.len; i++)
		buffer_add(&text, reply->pieces.at[i].at, reply->pieces.at[i].len);
	out = ARENA_NEW(reply->arena, struct buffer);
	*out = BUFFER_INIT(PROTOBUF_BYTES_MAX);
	arena_defer(reply->arena, release, out);
	if (json_parse(reply->arena, buffer_str(&text), &object, NULL) == ST_OK &&
	    protobuf_encode(out, reply->arena, object)) {
		reply->headers[0].value = STR(MEDIA_PROTOBUF);
		reply_replace(reply, buffer_str(out));
	}
	buffer_release(&text);
}

void reply_send(struct http_exchange *x, struct reply *reply)
{
	if (reply_is_json(reply) && reply->bytes && accepts_only_protobuf(x))
		reply_as_protobuf(reply);
	if (reply_is_json(reply) && reply->bytes && wants_indent(x))
		reply_indent(reply);
	if (reply->bytes > GZIP_FROM_BYTES && accepts_gzip(x))
		reply_compress(reply);

	/* The transport keeps what it is given until the exchange ends: nothing on the stack. */
	struct http_header *headers =
		arena_copy(x->arena, reply->headers, sizeof *headers * reply->headers_len);

	x->answer->reply(x, reply->code, headers, reply->headers_len, reply->pieces.at,
			 str_is(x->method, "HEAD") ? 0 : reply->pieces.len);
}

/* ---- Status */

static void status_details(struct build *b, const struct error *error)
{
	build_open_object(b, "details");
	build_str_if(b, "name", error->name);
	build_str_if(b, "group", error->group);
	build_str_if(b, "kind", error->kind);
	build_str_if(b, "uid", error->uid);
	if (error->causes_len) {
		build_open_array(b, "causes");
		for (u32 i = 0; i < error->causes_len; i++) {
			build_open_object(b, NULL);
			build_str_if(b, "reason", error->causes[i].reason);
			build_str_if(b, "message", error->causes[i].message);
			build_str_if(b, "field", error->causes[i].field);
			build_close(b);
		}
		build_close(b);
	}
	if (error->retry_after_s)
		build_int(b, "retryAfterSeconds", error->retry_after_s);
	build_close(b);
}

const struct doc *status_of_error(struct arena *arena, const struct error *error)
{
	struct build b = build_object(arena);
	const char *reason = status_reason(error->status);

	build_str(&b, "kind", STR("Status"));
	build_str(&b, "apiVersion", STR("v1"));
	build_doc(&b, "metadata", &doc_empty_object);
	build_str(&b, "status", STR("Failure"));
	build_str(&b, "message", str_copy(arena, str_of(error->message)));
	build_str_if(&b, "reason", str_of(reason));
	if (error->name.len || error->kind.len || error->group.len || error->uid.len ||
	    error->causes_len || error->retry_after_s)
		status_details(&b, error);
	build_int(&b, "code", status_code(error->status));
	return build_done(&b);
}

void reply_error(struct http_exchange *x, const struct error *error)
{
	CHECK(error->status != ST_OK);
	struct reply reply = reply_new(x, status_code(error->status), "application/json");

	if (error->retry_after_s)
		reply_header(&reply, "Retry-After",
			     str_format(x->arena, "%u", error->retry_after_s));
	reply_piece(&reply, json_text(x->arena, status_of_error(x->arena, error)));
	reply_piece(&reply, STR("\n"));
	reply_send(x, &reply);
}

void reply_failure(struct http_exchange *x, enum status status, const char *format, ...)
{
	struct error error = { .status = status };
	va_list args;

	va_start(args, format);
	vsnprintf(error.message, sizeof error.message, format, args);
	va_end(args);
	reply_error(x, &error);
}

void reply_doc(struct http_exchange *x, int code, const struct doc *doc)
{
	struct reply reply = reply_new(x, code, "application/json");

	reply_piece(&reply, json_text(x->arena, doc));
	reply_piece(&reply, STR("\n"));
	reply_send(x, &reply);
}

void reply_text(struct http_exchange *x, int code, const char *content_type, struct str text)
{
	struct reply reply = reply_new(x, code, content_type);

	reply_header(&reply, "X-Content-Type-Options", STR("nosniff"));
	reply_piece(&reply, text);
	reply_send(x, &reply);
}
