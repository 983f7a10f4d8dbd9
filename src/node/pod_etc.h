/* Texts of a pod's /etc/hosts, /etc/resolv.conf and host name. Pure. */
#ifndef NODE_POD_ETC_H
#define NODE_POD_ETC_H

#include "doc/doc.h"

struct pod_dns {
	struct str cluster_dns;	   /* empty: there is none, the node's own is used */
	struct str cluster_domain; /* "cluster.local" */
	struct str node_resolv;	   /* the node's own resolv.conf */
};

struct str pod_hostname(struct arena *arena, const struct doc *pod, bool qualified,
			struct str cluster_domain);
struct str pod_hosts_text(struct arena *arena, const struct doc *pod, struct str ip,
			  struct str cluster_domain, struct str node_hosts);
struct str pod_resolv_text(struct arena *arena, const struct doc *pod, const struct pod_dns *dns);

#endif
