/*
 * The client's side of exec, attach (WebSocket, v5.channel.k8s.io) and port-forward
 * (SPDY/3.1+portforward.k8s.io inside a WebSocket): for our own command line.
 */
#ifndef NET_REMOTE_CLIENT_H
#define NET_REMOTE_CLIENT_H

#include "net/client.h"

struct exec_client;
struct exec_client_events {
	void (*opened)(void *self);
	void (*output)(void *self, int stream /* 1, 2 */, struct str bytes);
	void (*drained)(void *self);
	/* The last call. code: the process' exit code, -1 when there is none; then `why` says it.
	 */
	void (*done)(void *self, int code, struct str why);
};
/* `target` is path and query: …/pods/x/exec?command=…&stdin=true&stdout=true. */
struct exec_client *exec_client_start(struct http_client *client, struct str target,
				      const struct exec_client_events *events, void *self);
size_t exec_client_input(struct exec_client *exec, struct str bytes); /* returns bytes queued */
void exec_client_input_end(struct exec_client *exec);
void exec_client_resize(struct exec_client *exec, u32 width, u32 height);
void exec_client_pause(struct exec_client *exec, bool paused); /* stops reading output */
void exec_client_close(struct exec_client *exec);

struct forward_client;
struct forward_client_conn;
struct forward_client_events {
	void (*opened)(void *self);
	void (*closed)(void *self, struct str why); /* the last call; all conns are gone */
};
struct forward_client_conn_events {
	void (*bytes)(void *self, struct str bytes);
	void (*end)(void *self);
	void (*drained)(void *self);
	void (*gone)(void *self,
		     struct str error); /* the last call; error is empty when all is well */
};
struct forward_client *forward_client_start(struct http_client *client, struct str target,
					    const struct forward_client_events *events, void *self);
struct forward_client_conn *forward_client_connect(struct forward_client *forward, u16 port,
						   const struct forward_client_conn_events *events,
						   void *self);
size_t forward_client_write(struct forward_client_conn *conn, struct str bytes);
void forward_client_end(struct forward_client_conn *conn);
void forward_client_drop(struct forward_client_conn *conn);
void forward_client_close(struct forward_client *forward);

#endif
