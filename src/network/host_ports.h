/*
 * hostPort of containers: ports of this node that lead to a pod. A table of rules of its own beside
 * the Services' one, written anew as a whole when the list changes, which is seldom.
 */
#ifndef NETWORK_HOST_PORTS_H
#define NETWORK_HOST_PORTS_H

#include "base/error.h"
#include "base/str.h"

struct host_ports;
struct loop;

struct host_port {
	struct str protocol; /* "TCP" or "UDP" */
	struct str host_ip;  /* empty: every address of the node */
	u32 port;
	struct str pod_ip;
	u32 pod_port;
};

/* The rules as nft's text (pure). An empty list takes the table away. */
struct str host_ports_text(struct arena *arena, struct str bridge, struct str pod_cidr,
			   const struct host_port *ports, u32 len);

struct host_ports *host_ports_new(struct loop *loop, struct str bridge, struct str pod_cidr);
/* Makes the node's ports these; on a worker thread, the last word wins. */
void host_ports_set(struct host_ports *ports, const struct host_port *list, u32 len);
void host_ports_free(struct host_ports *ports); /* rules stay. NULL is fine */
/* Takes the rules of a bridge away. Blocking. None there: fine. */
MUST_USE enum status host_ports_purge(struct str bridge, struct error *error);

#endif
