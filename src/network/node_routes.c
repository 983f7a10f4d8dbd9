/* A map from node to route, and the kernel's table kept like it. Few and rare: done on the spot. */
#include "network/node_routes.h"

#include <stdlib.h>

#include "api_tables.h"
#include "base/check.h"
#include "base/cluster_range.h"
#include "base/log.h"
#include "base/map.h"
#include "client/client.h"
#include "network/address.h"
#include "schema/api.h"
#include "sys/netlink.h"

struct node_routes {
	struct arena *arena;
	struct netlink *netlink;
	struct client_watch *watch;
	struct map by_name; /* → struct kept */
	struct str own_name;
};

struct kept {
	struct node_route route;
	bool set;
};

bool node_route_of(const struct doc *node, struct node_route *ret_route)
{
	struct address_range range, cluster;
	u32 gateway = 0;

	if (!address_parse_range(doc_at_str(node, AT(Node, spec.podCIDR)), &range) ||
	    !address_parse_range(STR(CLUSTER_CIDR), &cluster) ||
	    !address_in(&cluster, range.first) || range.prefix <= cluster.prefix)
		return false;
	doc_each_item(doc_at(node, AT(Node, status.addresses)), address)
		if (!gateway && str_is(doc_str(doc_key(address, "type")), "InternalIP") &&
		    !address_parse(doc_str(doc_key(address, "address")), &gateway))
			return false;
	/* An address among the pods' own is no way to a machine. */
	if (!gateway || address_in(&cluster, gateway))
		return false;
	*ret_route = (struct node_route){ range.first, range.prefix, gateway };
	return true;
}

static void drop(struct node_routes *routes, struct kept *kept)
{
	struct error error = ERROR_INIT;

	if (kept->set && netlink_delete_route(routes->netlink, ROUTE_VIA, kept->route.network,
					      kept->route.prefix, &error) != ST_OK)
		log_warn("network", "%s", error.message);
	kept->set = false;
}

static void node_seen(void *self, const struct doc *node)
{
	struct node_routes *routes = self;
	struct str name = doc_at_str(node, AT(Node, metadata.name));
	struct kept *kept = map_get(&routes->by_name, name);
	struct error error = ERROR_INIT;
	struct node_route route;
	bool wanted = !str_eq(name, routes->own_name) && node_route_of(node, &route);

	if (!kept && !wanted)
		return;
	if (!kept) {
		kept = ARENA_NEW(routes->arena, struct kept);
		map_put(&routes->by_name, str_copy(routes->arena, name), kept);
	}
	if (kept->set && wanted && kept->route.network == route.network &&
	    kept->route.prefix == route.prefix && kept->route.gateway == route.gateway)
		return;
	drop(routes, kept);
	if (!wanted)
		return;
	if (netlink_add_route(routes->netlink, ROUTE_VIA, route.network, route.prefix,
			      route.gateway, 0, 0, &error) != ST_OK) {
		log_warn("network", "pods of node " STR_FMT " are out of reach: %s", STR_ARG(name),
			 error.message);
		return;
	}
	kept->route = route;
	kept->set = true;
}

static void node_gone(void *self, const struct doc *node)
{
	struct node_routes *routes = self;
	struct kept *kept = map_get(&routes->by_name, doc_at_str(node, AT(Node, metadata.name)));

	if (kept)
		drop(routes, kept);
}

enum status node_routes_new(struct client *client, struct str own_name,
			    struct node_routes **ret_routes, struct error *error)
{
	static const struct client_watch_events events = { .added = node_seen,
							   .modified = node_seen,
							   .deleted = node_gone };
	struct netlink *netlink;
	enum status status = netlink_open(&netlink, error);

	if (status != ST_OK)
		return status;
	struct arena *arena = arena_new(0);
	struct node_routes *routes = ARENA_NEW(arena, struct node_routes);

	routes->arena = arena;
	routes->netlink = netlink;
	routes->own_name = str_copy(arena, own_name);
	*ret_routes = routes;
	routes->watch = client_watch(client, KIND_Node, NULL, &events, routes);
	return ST_OK;
}

void node_routes_free(struct node_routes *routes)
{
	if (!routes)
		return;
	client_watch_stop(routes->watch);
	netlink_close(routes->netlink);
	map_release(&routes->by_name);
	arena_free(routes->arena);
}
