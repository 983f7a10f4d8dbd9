/* The cluster's name server, over UDP and TCP, at the bridge's own address. */
#ifndef NETWORK_DNS_SERVER_H
#define NETWORK_DNS_SERVER_H

#include "base/error.h"
#include "network/service_view.h"

struct dns_server;
struct loop;

struct dns_server_config {
	struct str address;		       /* "10.244.0.1" */
	struct str domain;		       /* "cluster.local" */
	struct str cluster_cidr, service_cidr; /* whose reverse names are ours */
	const char *resolv_conf;	       /* of the node: whom to ask about the rest */
	const struct service_view *view;
};

/* Takes port 53, or another when that is taken there. The view and the loop outlive it. */
MUST_USE enum status dns_server_new(const struct dns_server_config *config, struct loop *loop,
				    struct dns_server **ret_server, struct error *error);
u16 dns_server_port(const struct dns_server *server);
void dns_server_free(struct dns_server *server); /* NULL is fine */

#endif
