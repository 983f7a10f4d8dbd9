/*
 * The way to pods on other machines: for each other Node that has a range of addresses and an
 * address of its own, a route to the one by way of the other. Machines must reach each other
 * directly (one network); nothing is wrapped or encrypted.
 */
#ifndef NETWORK_NODE_ROUTES_H
#define NETWORK_NODE_ROUTES_H

#include "base/error.h"
#include "doc/doc.h"

struct client;
struct loop;
struct node_routes;

struct node_route {
	u32 network, prefix, gateway; /* host byte order */
};

/* Pure: the route a Node asks for; false when it asks for none (no range, no address, a range
 * outside the cluster's). */
bool node_route_of(const struct doc *node, struct node_route *ret_route);

/* Watches Nodes; `own_name` is this machine's. All must outlive it. */
MUST_USE enum status node_routes_new(struct client *client, struct str own_name,
				     struct node_routes **ret_routes, struct error *error);
/* Routes stay, as the pods do: they are right until somebody says otherwise. NULL is fine. */
void node_routes_free(struct node_routes *routes);

#endif
