/*
 * The server's side of port-forward, in the three forms clients speak: SPDY/3.1 (kubectl up
 * to 1.30), the same inside a WebSocket ("SPDY/3.1+portforward.k8s.io", 1.31 on), and v4 channels
 * on a WebSocket (other client libraries).
 */
#ifndef NET_FORWARD_H
#define NET_FORWARD_H

#include "base/error.h"
#include "net/exchange.h"

struct forward;
struct forward_conn; /* one forwarded connection */

struct forward_events {
	/* A connection to that port of the pod is wanted; set its data with forward_conn_set. */
	void (*opened)(void *self, struct forward_conn *conn, u16 port);
	void (*bytes)(void *self, struct forward_conn *conn, struct str bytes);
	void (*end)(void *self, struct forward_conn *conn); /* the client sends no more */
	void (*drained)(void *self, struct forward_conn *conn);
	void (*gone)(void *self, struct forward_conn *conn); /* the last call for this conn */
	void (*closed)(void *self);			     /* the last call of all */
};

/* As remote_accept. Every conn gets `gone` before `closed`. */
MUST_USE enum status forward_accept(struct http_exchange *x, const struct forward_events *events,
				    void *self, struct forward **ret_forward, struct error *error);
void forward_conn_set(struct forward_conn *conn, void *data);
void *forward_conn_get(const struct forward_conn *conn);
/* Returns the bytes queued on the whole session. */
size_t forward_write(struct forward_conn *conn, struct str bytes);
void forward_pause(struct forward *forward, bool paused); /* stops reading from the client */
/* Both end our side; when the client's has ended already, `gone` comes before they return.
 * forward_error tells why the pod's side failed. */
void forward_error(struct forward_conn *conn, struct str text);
void forward_end(struct forward_conn *conn); /* the pod's side sends no more */
void forward_close(struct forward *forward);

#endif
