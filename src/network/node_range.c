/* The first number whose bridge is ours, else the first that nobody has. */
#include "network/node_range.h"

#include <stdio.h>
#include <string.h>

#include "network/address.h"
#include "network/host_ports.h"
#include "network/policies.h"
#include "network/service_proxy.h"
#include "sys/netlink.h"

static void set_range(struct node_range *range, u32 number)
{
	snprintf(range->bridge, sizeof range->bridge, "minke%u", number);
	snprintf(range->cidr, sizeof range->cidr, NODE_RANGE_FORMAT, number);
	snprintf(range->gateway, sizeof range->gateway, NODE_GATEWAY_FORMAT, number);
}

/* An alias holds 255 bytes; of longer paths the end tells more than the beginning. */
static struct str owner_of(struct str data)
{
	size_t most = NETLINK_ALIAS_MAX - 1;

	return data.len > most ? str_from(data, data.len - most) : data;
}

static bool find(struct netlink *netlink, struct str owner, u32 *ret_number, u32 *ret_free)
{
	struct node_range range;
	char alias[NETLINK_ALIAS_MAX];

	*ret_free = NODE_RANGES;
	for (u32 number = 0; number < NODE_RANGES; number++) {
		set_range(&range, number);
		if (!netlink_index(netlink, range.bridge)) {
			*ret_free = MIN(*ret_free, number);
			continue;
		}
		netlink_alias(netlink, range.bridge, alias);
		if (str_is(owner, alias)) {
			*ret_number = number;
			return true;
		}
	}
	return false;
}

/* Its own hardware address, as a bridge's otherwise follows its ports. */
static enum status make(struct netlink *netlink, struct str owner, u32 number, struct error *error)
{
	const u8 mac[6] = { 0x0a, 0x58, 10, 244, (u8)number, 1 };
	struct node_range range;

	set_range(&range, number);
	enum status status = netlink_add_bridge(netlink, range.bridge, mac, error);

	return status == ST_OK ? netlink_set_alias(netlink, range.bridge, owner, error) : status;
}

enum status node_range_take(struct str data, struct node_range *ret_range, struct error *error)
{
	struct netlink *netlink = NULL;
	u32 number, unused;
	enum status status = netlink_open(&netlink, error);

	if (status != ST_OK)
		return status;
	if (!find(netlink, owner_of(data), &number, &unused)) {
		number = unused;
		status = number == NODE_RANGES
				 ? fail(error, ST_NO_SPACE,
					"no pod network is free on this machine: there "
					"are %d bridges minke0, minke1, …",
					NODE_RANGES)
				 : make(netlink, owner_of(data), number, error);
	}
	if (status == ST_OK)
		set_range(ret_range, number);
	netlink_close(netlink);
	return status;
}

static enum status take_number(struct netlink *netlink, struct str data, u32 number,
			       struct error *error)
{
	struct node_range range;
	u32 before, unused;
	enum status status = ST_OK;

	set_range(&range, number);
	bool had = find(netlink, owner_of(data), &before, &unused);

	if (had && before == number)
		return ST_OK;
	if (netlink_index(netlink, range.bridge))
		return fail(error, ST_CONFLICT,
			    "bridge %s, which this node's range %s needs, is another minke's",
			    range.bridge, range.cidr);
	if (had)
		status = node_range_release(data, error);
	return status ? status : make(netlink, owner_of(data), number, error);
}

enum status node_range_take_given(struct str data, struct str cidr, struct node_range *ret_range,
				  struct error *error)
{
	struct netlink *netlink = NULL;
	u32 number = 0;

	for (set_range(ret_range, 0); number < NODE_RANGES && !str_is(cidr, ret_range->cidr);)
		set_range(ret_range, ++number);
	if (number == NODE_RANGES)
		return fail(error, ST_BAD_REQUEST,
			    "\"" STR_FMT "\" is no range of this cluster's pods", STR_ARG(cidr));
	enum status status = netlink_open(&netlink, error);

	if (status)
		return status;
	status = take_number(netlink, data, number, error);
	netlink_close(netlink);
	return status;
}

/* Only the last one out takes the routes along: other servers' pods need them too. */
static enum status drop_routes(struct netlink *netlink, struct error *error)
{
	static const char *const ranges[] = { CLUSTER_CIDR, UNREACHABLE_SERVICES_CIDR };
	struct address_range range;
	struct node_range other;
	enum status status = ST_OK;

	for (u32 number = 0; number < NODE_RANGES; number++) {
		set_range(&other, number);
		if (netlink_index(netlink, other.bridge))
			return ST_OK;
	}
	for (size_t i = 0; status == ST_OK && i < ARRAY_LEN(ranges); i++)
		if (address_parse_range(str_of(ranges[i]), &range))
			status = netlink_delete_route(netlink, ROUTE_UNREACHABLE, range.first,
						      range.prefix, error);
	return status;
}

enum status node_range_release(struct str data, struct error *error)
{
	struct netlink *netlink = NULL;
	struct node_range range;
	u32 number, unused;
	enum status status = netlink_open(&netlink, error);

	if (status != ST_OK)
		return status;
	while (status == ST_OK && find(netlink, owner_of(data), &number, &unused)) {
		set_range(&range, number);
		status = service_proxy_purge(str_of(range.bridge), error);
		if (status == ST_OK)
			status = policies_purge(str_of(range.bridge), error);
		if (status == ST_OK)
			status = host_ports_purge(str_of(range.bridge), error);
		if (status == ST_OK)
			status = netlink_delete_link(netlink, range.bridge, error);
		if (status == ST_OK)
			status = drop_routes(netlink, error);
	}
	netlink_close(netlink);
	return status;
}
