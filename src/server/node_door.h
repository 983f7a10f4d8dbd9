/*
 * The way from the API server to the node a pod runs on, for what cannot be answered from the
 * store. The wiring fills the table: with the node agent of the same process, or with a proxy to
 * another machine. The receiver answers the exchange itself, at once or later; reply_error() of
 * server/reply.h sends a Status.
 */
#ifndef SERVER_NODE_DOOR_H
#define SERVER_NODE_DOOR_H

#include "net/exchange.h"

struct door_pod { /* whose; lives as long as the exchange */
	struct str namespace, name, uid, node;
};

struct log_options {
	struct str container; /* never empty: the server has chosen */
	bool follow, previous, timestamps;
	i64 tail_lines;	   /* -1: all */
	i64 limit_bytes;   /* -1: no limit */
	i64 since_wall_ns; /* only lines at or after; 0: all */
};

struct exec_options {
	struct str container;
	const struct str *command; /* empty for attach */
	u32 command_len;
	bool in, out, err, tty;
};

struct node_door {
	/* All that is pointed at lives as long as the exchange. */
	void (*logs)(void *self, struct http_exchange *x, const struct door_pod *pod,
		     const struct log_options *options);
	void (*exec)(void *self, struct http_exchange *x, const struct door_pod *pod,
		     const struct exec_options *options);
	void (*attach)(void *self, struct http_exchange *x, const struct door_pod *pod,
		       const struct exec_options *options);
	/* `ports` stand in the query of the WebSocket form only; SPDY names them in its streams. */
	void (*port_forward)(void *self, struct http_exchange *x, const struct door_pod *pod,
			     const u16 *ports, u32 ports_len);
	void *self;
};

#endif
