/*
 * A pod's own network: namespaces kept alive by bind mounts (so no pause process), a veth pair to
 * the node's bridge, an address out of the node's range. Addresses are written to disk before they
 * are used, so that no two pods ever share one, whatever dies when.
 */
#ifndef NETWORK_POD_NETWORK_H
#define NETWORK_POD_NETWORK_H

#include "base/error.h"
#include "base/str.h"

struct loop;
struct pod_network;

struct pod_network_config {
	struct str directory;	 /* DATA/network: namespaces and address files */
	struct str bridge;	 /* "minke0" */
	struct str pod_cidr;	 /* this node's range, "10.244.0.0/24" */
	struct str cluster_cidr; /* "10.244.0.0/16": addresses nobody has are rejected */
	struct str service_cidr; /* "10.96.0.0/12", likewise */
};

/* Reads addresses in use and makes the bridge. Caller frees; pods stay as they are. */
MUST_USE enum status pod_network_new(struct loop *loop, const struct pod_network_config *config,
				     struct pod_network **ret_network, struct error *error);
void pod_network_free(struct pod_network *network);

struct pod_network_spec {
	struct str uid; /* of the pod; names its files */
	struct str hostname;
	bool host_network, host_ipc;
};

struct pod_sandbox {
	struct str ip;		  /* empty with host_network */
	struct str net, ipc, uts; /* paths to join; empty: the host's */
};

typedef void pod_network_done(void *arg, enum status status, const struct pod_sandbox *sandbox,
			      const struct error *error);

/* Makes (or finds again, when it is still whole) the sandbox. The callback comes from the loop. */
void pod_network_add(struct pod_network *network, const struct pod_network_spec *spec,
		     pod_network_done *done, void *arg);

/* Takes it down on a worker thread; the address is free again when done. */
void pod_network_remove(struct pod_network *network, struct str uid, pod_network_done *done,
			void *arg);

/* Removes sandboxes whose pod is not among `uids`: leftovers of an earlier life. */
void pod_network_keep(struct pod_network *network, const struct str *uids, u32 len);

/* The sandbox of a pod when it exists and its namespaces are alive. */
bool pod_network_find(const struct pod_network *network, struct str uid,
		      struct pod_sandbox *ret_sandbox);

/* Whether anything of it is left, whole or not. */
bool pod_network_has(const struct pod_network *network, struct str uid);

/* Takes down every sandbox found in `directory` (of a network nobody has open) and the directory.
 * Blocking. Nothing there: fine. */
MUST_USE enum status pod_network_purge(const char *directory, struct error *error);

/* The bridge's own address. */
struct str pod_network_gateway(struct arena *arena, const struct pod_network *network);

#endif
