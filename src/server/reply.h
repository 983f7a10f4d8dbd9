/*
 * Answers in Kubernetes' words: objects, and the Status that stands for every failure. A reply is
 * put together of pieces that stay where they are (mostly in stored versions), and may be indented
 * or compressed on its way out.
 */
#ifndef SERVER_REPLY_H
#define SERVER_REPLY_H

#include "doc/doc.h"
#include "net/exchange.h"

enum {
	REPLY_HEADERS_MAX = 24,
	GZIP_FROM_BYTES = 128 << 10, /* smaller replies cost more to compress than to send */
};

struct reply {
	struct arena *arena; /* of the exchange */
	int code;
	struct http_header headers[REPLY_HEADERS_MAX];
	u32 headers_len;
	VEC(struct http_piece) pieces;
	size_t bytes;
};

struct reply reply_new(struct http_exchange *x, int code, const char *content_type);
/* Names and values are pointed at; past REPLY_HEADERS_MAX they are dropped. */
void reply_header(struct reply *reply, const char *name, struct str value);
void reply_piece(struct reply *reply, struct str bytes); /* pointed at, not copied */
/* Sends it. What is JSON is indented when the request asks for it. */
void reply_send(struct http_exchange *x, struct reply *reply);

/* A v1 Status with status Failure for `error`. */
const struct doc *status_of_error(struct arena *arena, const struct error *error);

/* Sends `error` as a Status, with Retry-After where it says so. */
void reply_error(struct http_exchange *x, const struct error *error);
/* The same from a sentence. */
PRINTF(3, 4)
void reply_failure(struct http_exchange *x, enum status status, const char *format, ...);

/* Sends a document as JSON, indented when the request asks for it. */
void reply_doc(struct http_exchange *x, int code, const struct doc *doc);
void reply_text(struct http_exchange *x, int code, const char *content_type, struct str text);

#endif
