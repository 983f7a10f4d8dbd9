/*
 * The door to nodes on other machines: carries a request to the node's own HTTPS server
 * (node/node_server.h) and its answer back. Upgraded connections are passed on byte by byte. An
 * answer that is no upgrade ends the exchange, and no connection to a node is ever used twice, so
 * that nobody can speak on behind somebody else's upgrade (CVE-2018-1002105); redirects are not
 * followed (CVE-2022-3172).
 */
#ifndef NODE_REMOTE_NODE_H
#define NODE_REMOTE_NODE_H

#include "base/error.h"
#include "base/str.h"

struct arena;
struct loop;
struct node_door;
struct remote_nodes;
struct tls_context;

struct remote_nodes_config {
	struct loop *loop;
	struct tls_context *tls; /* our certificate, and the signer of theirs */
	/* "https://10.0.0.2:10250" in the arena, or empty with a sentence: no such node, or one
	 * that listens nowhere. */
	struct str (*url)(void *self, struct arena *arena, struct str node, struct error *error);
	void *self;
};

/* What the config points at must outlive it. */
struct remote_nodes *remote_nodes_new(const struct remote_nodes_config *config);
void remote_nodes_free(struct remote_nodes *nodes); /* after all its exchanges have ended */
const struct node_door *remote_nodes_door(struct remote_nodes *nodes);

#endif
