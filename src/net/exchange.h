/*
 * One HTTP request and its answer, free of sockets. Whoever brings the request (HTTP/1, HTTP/2, the
 * in-process client, a test, the simulator) fills the first half and the `answer` table; the
 * handler answers at once, later, bit by bit, or takes the connection over. Everything is called
 * from the one thread that owns all state.
 */
#ifndef NET_EXCHANGE_H
#define NET_EXCHANGE_H

#include "base/arena.h"
#include "base/str.h"

struct http_header {
	struct str name, value; /* names compare without case */
};

struct http_piece { /* bytes that stay where they are until the exchange is closed */
	const char *at;
	size_t len;
};

/* Who is at the other end, as far as the transport knows. Lives as long as the connection. */
struct http_peer {
	bool secure;			/* came over TLS, or from inside the process */
	struct str common_name;		/* of a verified client certificate, else empty */
	struct str certificate_problem; /* why one that was shown is not believed, else empty */
	const struct str *organizations;
	u32 organizations_len;
	struct str address; /* "127.0.0.1:51234" */
};

struct http_exchange;

/* Both ways raw bytes, after an upgrade. */
struct http_tunnel_events {
	void (*bytes)(void *self, struct str bytes); /* the slice is gone when the call returns */
	void (*drained)(void *self);		     /* everything written has left */
	void (*closed)(void *self);		     /* last call; the tunnel is gone after it */
};

struct http_answer {
	/* A whole answer. Headers and pieces are kept until the exchange is closed. */
	void (*reply)(struct http_exchange *x, int code, const struct http_header *headers,
		      u32 headers_len, const struct http_piece *pieces, u32 pieces_len);
	/* An answer in parts: start once, write any number of times, end once. write copies. */
	void (*start)(struct http_exchange *x, int code, const struct http_header *headers,
		      u32 headers_len);
	size_t (*write)(struct http_exchange *x, const struct http_piece *pieces, u32 len);
	void (*end)(struct http_exchange *x);
	/* 101 Switching Protocols; afterwards the tunnel calls carry bytes. NULL where impossible.
	 */
	void (*upgrade)(struct http_exchange *x, const struct http_header *headers, u32 headers_len,
			const struct http_tunnel_events *events, void *self);
	size_t (*tunnel_write)(struct http_exchange *x, struct str bytes); /* bytes now queued */
	void (*tunnel_close)(struct http_exchange *x);		    /* after what is queued */
	void (*tunnel_pause)(struct http_exchange *x, bool paused); /* stop reading */
};

struct http_exchange {
	/* From whoever brings the request; all of it lives in `arena` or longer. */
	struct arena *arena;
	struct str method; /* "GET" … */
	struct str path;   /* as sent, percent-encoded, without the query */
	struct str query;  /* as sent, without the ? */
	const struct http_header *headers;
	u32 headers_len;
	struct str body; /* whole, at most BODY_BYTES_MAX, with 64 NUL bytes after it */
	const struct http_peer *peer;
	const struct http_answer *answer;
	void *carrier; /* private to whoever brings the request */

	/* From the handler, when it answers later. */
	void (*on_writable)(struct http_exchange *x); /* what was written has left; write more */
	void (*on_closed)(struct http_exchange *x);   /* sent or lost: the last call, may be NULL */
	void *handler;
	void *trail; /* of the audit log, which stands between the handler and `answer` */
	void *seat; /* private to server/flow.c */
};

struct http_handler {
	void (*request)(void *self, struct http_exchange *x);
	void *self;
};

/* A header's value, or the empty slice. */
struct str http_header_get(const struct http_exchange *x, const char *name);

/* Pieces of the query, decoded into the arena: http_query_get(x, "limit"). Absent: at == NULL. */
struct str http_query_get(struct http_exchange *x, const char *name);
/* The n-th value of a name that stands several times (exec's command); at == NULL past the last. */
struct str http_query_nth(struct http_exchange *x, const char *name, u32 n);
/* Percent-decoding ('+' is a blank only in queries). False on a broken escape. */
MUST_USE bool http_decode(struct arena *arena, struct str text, bool query, struct str *ret_text);

#endif
