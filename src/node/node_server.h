/*
 * The node's own HTTPS server: what an API server on another machine asks of this node. Paths and
 * queries are the kubelet's (pkg/kubelet/server/server.go): /containerLogs, /exec, /attach,
 * /portForward, /pods, /healthz. Only the API server is heard, by its client certificate.
 */
#ifndef NODE_NODE_SERVER_H
#define NODE_NODE_SERVER_H

#include "base/error.h"
#include "doc/doc.h"
#include "net/exchange.h"

struct loop;
struct node_door;
struct node_server;
struct tls_context;

enum { NODE_SERVER_PORT = 10250 };

/* Common name of the certificate the API server shows to nodes. */
#define NODE_SERVER_READER "kube-apiserver-kubelet-client"

struct node_server_config {
	struct str address;	 /* "0.0.0.0:10250" */
	struct tls_context *tls; /* borrowed; asks for client certificates */
	const struct node_door *door;
	/* The uid of a pod that is here, or empty; the slice lives until the pod goes. */
	struct str (*pod_uid)(void *self, struct str ns, struct str name);
	/* The pods that are here, as a PodList. */
	const struct doc *(*pods)(void *self, struct arena *arena);
	void *self;
};

/* What the config points at must outlive the server. */
MUST_USE enum status node_server_open(struct loop *loop, const struct node_server_config *config,
				      struct node_server **ret_server, struct error *error);
int node_server_port(const struct node_server *server);
void node_server_free(struct node_server *server); /* NULL is fine */

/* Answers one request: for tests, and for whoever brings requests otherwise. */
void node_server_answer(const struct node_server_config *config, struct http_exchange *x);

#endif
