/* The server's side of one HTTP/1.1 connection: requests in order, answers, upgrades. */
#ifndef NET_HTTP1_H
#define NET_HTTP1_H

#include "net/exchange.h"
#include "net/wire.h"

struct http1;

/* All borrowed; they outlive the connection. `date` is the value of the Date header, kept fresh by
 * its owner; empty: none is sent. */
struct http1 *http1_new(struct wire *wire, const struct http_handler *handler,
			const struct http_peer *peer, const char *date, u64 *requests);
void http1_input(struct http1 *h, struct str bytes);
void http1_writable(struct http1 *h); /* the wire is empty again */
void http1_settle(struct http1 *h);   /* from a fresh stack: ends what is over, goes on */
enum wire_wait http1_wait(const struct http1 *h);
/* The server stops: answers say Connection: close, an idle connection closes now. */
void http1_shut(struct http1 *h);
/* Refuses what is under way because it took too long (408), if nothing was answered yet. */
void http1_timeout(struct http1 *h);
/* The connection is gone: tells the exchange and frees everything. */
void http1_free(struct http1 *h);

#endif
