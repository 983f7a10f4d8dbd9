/*
 * Keeps NetworkPolicies in force for the pods of this node: hears of them and, only while there are
 * any, of pods and namespaces, and puts the rules that follow into the kernel.
 */
#ifndef NETWORK_POLICIES_H
#define NETWORK_POLICIES_H

#include "base/error.h"
#include "base/str.h"

struct client;
struct loop;
struct policies;

struct policies_config {
	struct str bridge; /* of this node's pods; the table is named after it */
	struct str node_name;
	struct str dns_address; /* of the Service kube-dns */
};

/* `client` and `loop` outlive it. */
struct policies *policies_new(const struct policies_config *config, struct loop *loop,
			      struct client *client);
void policies_free(struct policies *policies); /* rules stay. NULL is fine */

/* Takes the rules of a bridge away. Blocking. None there: fine. */
MUST_USE enum status policies_purge(struct str bridge, struct error *error);

#endif
