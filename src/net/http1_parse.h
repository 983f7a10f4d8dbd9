/*
 * HTTP/1.1 messages, strictly (RFC 9112): CRLF only, no folded lines, no second opinion about where
 * a body ends. What is doubtful is refused, for a proxy in front may have read it otherwise. Pure:
 * bytes in, slices of the same bytes out.
 */
#ifndef NET_HTTP1_PARSE_H
#define NET_HTTP1_PARSE_H

#include "base/arena.h"
#include "base/limits.h"
#include "net/exchange.h"

/* Finds the empty line that ends a head, scanning each byte once over many calls. */
struct http1_scan {
	size_t line_start, scanned; /* of the bytes so far; both 0 at first */
	u32 lines;
};
/* Returns the head's length with its last CRLF, 0 when more is needed, or minus the HTTP code of
 * what is wrong: 400 bare LF, 414 request line too long, 431 head too long. */
i64 http1_scan_head(struct http1_scan *scan, struct str bytes);

struct http1_head {
	struct str method, target; /* of a request */
	struct str path, query;
	int code; /* of an answer */
	struct http_header *headers;
	u32 headers_len;
	i64 content_length; /* -1: none given */
	bool http10, chunked, keep_alive, upgrade, expect_continue;
};

/* Reads a whole head as http1_scan_head found it. Slices point into `head`, the table of headers
 * into the arena. Returns 0 or the HTTP code to refuse with, and why. */
int http1_parse_request(struct arena *arena, struct str head, struct http1_head *ret_head,
			const char **ret_why);
int http1_parse_answer(struct arena *arena, struct str head, struct http1_head *ret_head,
		       const char **ret_why);

/* Chunked bodies, as a machine fed bit by bit. */
struct http1_chunks {
	u64 left;     /* of the chunk under way */
	u32 line_len; /* of a size line or the trailers, against its limit */
	u8 state, digits;
};
enum http1_chunk_step { HTTP1_CHUNK_MORE, HTTP1_CHUNK_BYTES, HTTP1_CHUNK_END, HTTP1_CHUNK_BAD };
/* Takes from the front of *bytes. BYTES: *ret_data is the next run of the body. Call again until
 * MORE (all taken), END or BAD. */
enum http1_chunk_step http1_chunks_next(struct http1_chunks *chunks, struct str *bytes,
					struct str *ret_data);

/* True when a comma-parted header value has this token, in any case. */
bool http1_has_token(struct str value, const char *token);
/* "OK" for 200, and so on; "" for codes nobody registered. */
const char *http_reason_phrase(int code);

#endif
