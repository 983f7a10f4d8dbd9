/*
 * Makes Services work on this node: hears of them and their endpoints, and keeps the kernel's rules
 * in step. Changes that come together are applied together, on a worker thread.
 */
#ifndef NETWORK_SERVICE_PROXY_H
#define NETWORK_SERVICE_PROXY_H

#include "base/error.h"
#include "network/service_view.h"

struct client;
struct loop;
struct service_proxy;

struct service_proxy_config {
	struct str bridge;	 /* of this node's pods; the table of rules is called the same */
	struct str pod_cidr;	 /* this node's range */
	struct str cluster_cidr; /* of all nodes */
	struct str service_cidr;
	struct str node_name;
	struct str node_ip; /* what Services of type LoadBalancer answer at */
	bool masquerade;
};

/* `client` and `loop` outlive it. Rules of an earlier life stay until the first new ones. */
MUST_USE enum status service_proxy_new(const struct service_proxy_config *config, struct loop *loop,
				       struct client *client, struct service_proxy **ret_proxy,
				       struct error *error);
void service_proxy_stop(struct service_proxy *proxy); /* hears no more; rules stay. NULL is fine */
/* After the loop's workers have come back. */
void service_proxy_free(struct service_proxy *proxy);

/* What it has heard so far: DNS answers from it too. */
const struct service_view *service_proxy_view(const struct service_proxy *proxy);

/* Takes the rules of a bridge away. Blocking. None there: fine. */
MUST_USE enum status service_proxy_purge(struct str bridge, struct error *error);

#endif
