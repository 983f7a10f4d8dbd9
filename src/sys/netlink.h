/* Links, addresses and routes by raw netlink (libmnl). Blocking; for the namespace the calling
 * thread is in when netlink_open is called. */
#ifndef SYS_NETLINK_H
#define SYS_NETLINK_H

#include "base/error.h"

struct netlink;

MUST_USE enum status netlink_open(struct netlink **ret_netlink, struct error *error);
void netlink_close(struct netlink *netlink);

int netlink_index(struct netlink *netlink, const char *name); /* 0: no such link */
/* A bridge with a fixed hardware address (or else it takes its lowest port's and changes). */
MUST_USE enum status netlink_add_bridge(struct netlink *netlink, const char *name, const u8 mac[6],
					struct error *error);
/* A pair: `name` here, up, a hairpin port of `bridge`; "eth0" with `mac` in the namespace. */
MUST_USE enum status netlink_add_veth(struct netlink *netlink, const char *name, int bridge,
				      int peer_namespace_fd, const u8 mac[6], struct error *error);
MUST_USE enum status netlink_set_up(struct netlink *netlink, int index, struct error *error);
MUST_USE enum status netlink_add_address(struct netlink *netlink, int index, u32 address,
					 u32 prefix, struct error *error); /* host byte order */
enum netlink_route { ROUTE_VIA, ROUTE_UNREACHABLE, ROUTE_LINK };
/* prefix 0: the default route. An equal one that is there is fine. */
MUST_USE enum status netlink_add_route(struct netlink *netlink, enum netlink_route type,
				       u32 destination, u32 prefix, u32 gateway, int index,
				       u32 metric, struct error *error);
/* Takes such a route away; not there: fine. */
MUST_USE enum status netlink_delete_route(struct netlink *netlink, enum netlink_route type,
					  u32 destination, u32 prefix, struct error *error);
/* A free text kept with a link ("" when it has none), at most NETLINK_ALIAS_MAX - 1 bytes. */
enum { NETLINK_ALIAS_MAX = 256 };
void netlink_alias(struct netlink *netlink, const char *name, char ret_alias[NETLINK_ALIAS_MAX]);
MUST_USE enum status netlink_set_alias(struct netlink *netlink, const char *name, struct str alias,
				       struct error *error);
MUST_USE enum status netlink_delete_link(struct netlink *netlink, const char *name,
					 struct error *error); /* not there: fine */

#endif
