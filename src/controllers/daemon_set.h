/*
 * One pass over a DaemonSet: every node with the daemon pods on it, whether one should run there,
 * and the template's revision that pods are compared with.
 */
#ifndef CONTROLLERS_DAEMON_SET_H
#define CONTROLLERS_DAEMON_SET_H

#include "controllers/controller.h"
#include "controllers/controller_revision.h"

#define DAEMON_HASH "controller-revision-hash"

struct daemon_node {
	struct str name;
	struct version *node;	    /* NULL: it is gone */
	bool wanted;		    /* a daemon pod should run here */
	bool tolerated;		    /* one that runs already may stay */
	VEC(struct version *) pods; /* oldest first, those being deleted too */
};

struct daemons {
	const struct view *view;
	struct arena *arena;
	struct plan *plan;
	struct version *owner;
	const struct doc *spec, *template;
	const struct doc *tolerations; /* the template's and the standard ones */
	struct revisions revisions;
	VEC(struct daemon_node) nodes; /* in order of names */
	i64 settle_s;
	i64 surge, unavailable;
	i64 wake_ns;
};

/* ---- daemon_set_node.c */

void daemons_read_nodes(struct daemons *d, struct list pods);
/* The node a daemon pod runs on or is meant for. */
struct str daemon_pod_node(const struct doc *pod);
const struct doc *daemon_pod_for(const struct daemons *d, struct str node);
/* May the DaemonSet with that template change its mind about a node that changed so? */
bool daemon_node_differs(const struct doc *before, const struct doc *now);

#endif
