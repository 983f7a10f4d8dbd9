/* The server's one door to all nodes: the agent of this process by a call, those on other machines
 * through their own HTTPS servers. */
#ifndef RUN_CLUSTER_DOOR_H
#define RUN_CLUSTER_DOOR_H

#include "base/error.h"
#include "net/pki.h"

struct cluster_door;
struct loop;
struct node_door;
struct store;

struct cluster_door_config {
	struct loop *loop;
	struct store *store;	     /* where nodes say what they listen at */
	struct pki_pair certificate; /* what we show to nodes */
	struct str authorities;	     /* signers of what nodes show to us */
};

/* The certificate's texts are copied; the rest must outlive the door. */
MUST_USE enum status cluster_door_new(const struct cluster_door_config *config,
				      struct cluster_door **ret_door, struct error *error);
/* New passages show the new certificate. */
MUST_USE enum status cluster_door_renew(struct cluster_door *door, struct pki_pair certificate,
					struct str authorities, struct error *error);
void cluster_door_free(struct cluster_door *door); /* NULL is fine */

/* The agent of this process; NULL takes it away. */
void cluster_door_set_local(struct cluster_door *door, struct str node,
			    const struct node_door *local);
const struct node_door *cluster_door_nodes(struct cluster_door *door);

#endif
