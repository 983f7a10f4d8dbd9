/*
 * What nodes may see and change: a node's machine may fall into wrong hands, so it reads only what
 * its own pods refer to and writes only what stands for itself. Follows Kubernetes' node authorizer
 * and the admission plugin NodeRestriction.
 */
#ifndef SERVER_NODE_ACCESS_H
#define SERVER_NODE_ACCESS_H

#include "schema/schema.h"
#include "server/authorize.h"

/* The node a user is; empty when they are none. */
struct str node_of_user(const struct user *user);

/* May that node do this? `ret_reason` says why not, or is left alone. */
bool node_may(struct server *server, struct arena *arena, const struct access *access,
	      struct str node, struct str *ret_reason);

/* Does a pod on the node refer to this Secret, ConfigMap, PersistentVolumeClaim, PersistentVolume
 * or ServiceAccount? */
bool node_refers(struct server *server, struct arena *arena, struct str node, kind_id kind,
		 struct str ns, struct str name);

enum node_deed { NODE_CREATES, NODE_UPDATES, NODE_DELETES };

/* NodeRestriction: refuses what goes beyond the node's own; users that are no nodes pass. `doc` is
 * what shall be (deletes: what is), `old` NULL when new. */
MUST_USE enum status admit_node(struct call *call, const struct api_kind *kind, struct str ns,
				struct str name, enum node_deed deed, const char *subresource,
				const struct doc *doc, const struct doc *old, struct error *error);

#endif
