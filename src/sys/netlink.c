/* rtnetlink(7): one message, one answer. */
#include "sys/netlink.h"

#include <arpa/inet.h>
#include <errno.h>
#include <libmnl/libmnl.h>
#include <linux/if_link.h>
#include <linux/rtnetlink.h>
#include <linux/veth.h>
#include <net/if.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

struct netlink {
	struct mnl_socket *socket;
	u32 sequence;
	char room[4096];
};

enum status netlink_open(struct netlink **ret_netlink, struct error *error)
{
	struct netlink *netlink = calloc(1, sizeof *netlink);

	netlink->socket = mnl_socket_open2(NETLINK_ROUTE, SOCK_CLOEXEC);
	if (!netlink->socket || mnl_socket_bind(netlink->socket, 0, MNL_SOCKET_AUTOPID) < 0) {
		fail(error, ST_INTERNAL, "opening netlink: %s", strerror(errno));
		netlink_close(netlink);
		return error ? error->status : ST_INTERNAL;
	}
	netlink->sequence = (u32)time(NULL);
	*ret_netlink = netlink;
	return ST_OK;
}

void netlink_close(struct netlink *netlink)
{
	if (netlink && netlink->socket)
		mnl_socket_close(netlink->socket);
	free(netlink);
}

static struct nlmsghdr *message(struct netlink *netlink, u16 type, u16 flags)
{
	struct nlmsghdr *header = mnl_nlmsg_put_header(netlink->room);

	header->nlmsg_type = type;
	header->nlmsg_flags = NLM_F_REQUEST | NLM_F_ACK | flags;
	header->nlmsg_seq = ++netlink->sequence;
	return header;
}

/* Sends and waits for the kernel's verdict: 0 or an errno. `found` sees data messages. */
static int ask(struct netlink *netlink, struct nlmsghdr *header, mnl_cb_t found, void *data)
{
	char answer[16384];
	u32 port = mnl_socket_get_portid(netlink->socket);
	int state = 1;

	if (mnl_socket_sendto(netlink->socket, header, header->nlmsg_len) < 0)
		return errno;
	while (state > 0) {
		ssize_t got = mnl_socket_recvfrom(netlink->socket, answer, sizeof answer);

		if (got < 0)
			return errno;
		state = mnl_cb_run(answer, (size_t)got, netlink->sequence, port, found, data);
		if (state < 0)
			return errno;
	}
	return 0;
}

static int take_index(const struct nlmsghdr *header, void *data)
{
	*(int *)data = ((struct ifinfomsg *)mnl_nlmsg_get_payload(header))->ifi_index;
	return MNL_CB_OK;
}

int netlink_index(struct netlink *netlink, const char *name)
{
	struct nlmsghdr *header = message(netlink, RTM_GETLINK, 0);
	int index = 0;

	mnl_nlmsg_put_extra_header(header, sizeof(struct ifinfomsg));
	mnl_attr_put_strz(header, IFLA_IFNAME, name);
	return ask(netlink, header, take_index, &index) == 0 ? index : 0;
}

enum status netlink_add_bridge(struct netlink *netlink, const char *name, const u8 mac[6],
			       struct error *error)
{
	struct nlmsghdr *header = message(netlink, RTM_NEWLINK, NLM_F_CREATE | NLM_F_EXCL);
	struct ifinfomsg *link = mnl_nlmsg_put_extra_header(header, sizeof *link);

	link->ifi_flags = link->ifi_change = IFF_UP;
	mnl_attr_put_strz(header, IFLA_IFNAME, name);
	mnl_attr_put(header, IFLA_ADDRESS, 6, mac);
	struct nlattr *info = mnl_attr_nest_start(header, IFLA_LINKINFO);

	mnl_attr_put_strz(header, IFLA_INFO_KIND, "bridge");
	mnl_attr_nest_end(header, info);
	int number = ask(netlink, header, NULL, NULL);

	if (number && number != EEXIST)
		return fail(error, ST_INTERNAL, "making bridge %s: %s", name, strerror(number));
	return ST_OK;
}

static int make_pair(struct netlink *netlink, const char *name, int bridge, int peer_namespace_fd,
		     const u8 mac[6])
{
	struct nlmsghdr *header = message(netlink, RTM_NEWLINK, NLM_F_CREATE | NLM_F_EXCL);
	struct ifinfomsg *link = mnl_nlmsg_put_extra_header(header, sizeof *link);

	link->ifi_flags = link->ifi_change = IFF_UP;
	mnl_attr_put_strz(header, IFLA_IFNAME, name);
	mnl_attr_put_u32(header, IFLA_MASTER, (u32)bridge);
	struct nlattr *info = mnl_attr_nest_start(header, IFLA_LINKINFO);

	mnl_attr_put_strz(header, IFLA_INFO_KIND, "veth");
	struct nlattr *data = mnl_attr_nest_start(header, IFLA_INFO_DATA);
	struct nlattr *peer = mnl_attr_nest_start(header, VETH_INFO_PEER);

	mnl_nlmsg_put_extra_header(header, sizeof(struct ifinfomsg));
	mnl_attr_put_strz(header, IFLA_IFNAME, "eth0");
	mnl_attr_put(header, IFLA_ADDRESS, 6, mac);
	mnl_attr_put_u32(header, IFLA_NET_NS_FD, (u32)peer_namespace_fd);
	mnl_attr_nest_end(header, peer);
	mnl_attr_nest_end(header, data);
	mnl_attr_nest_end(header, info);
	return ask(netlink, header, NULL, NULL);
}

enum status netlink_add_veth(struct netlink *netlink, const char *name, int bridge,
			     int peer_namespace_fd, const u8 mac[6], struct error *error)
{
	int number = make_pair(netlink, name, bridge, peer_namespace_fd, mac);

	if (number)
		return fail(error, ST_INTERNAL, "making veth %s: %s", name, strerror(number));
	int index = netlink_index(netlink, name);

	/* A pod that reaches itself through a service comes back by the port it left from. */
	struct nlmsghdr *header = message(netlink, RTM_SETLINK, 0);
	struct ifinfomsg *link = mnl_nlmsg_put_extra_header(header, sizeof *link);

	link->ifi_family = AF_BRIDGE;
	link->ifi_index = index;
	struct nlattr *port = mnl_attr_nest_start(header, IFLA_PROTINFO);

	mnl_attr_put_u8(header, IFLA_BRPORT_MODE, 1);
	mnl_attr_nest_end(header, port);
	number = ask(netlink, header, NULL, NULL);
	if (number)
		return fail(error, ST_INTERNAL, "setting hairpin of %s: %s", name,
			    strerror(number));
	return netlink_set_up(netlink, index, error);
}

enum status netlink_set_up(struct netlink *netlink, int index, struct error *error)
{
	struct nlmsghdr *header = message(netlink, RTM_NEWLINK, 0);
	struct ifinfomsg *link = mnl_nlmsg_put_extra_header(header, sizeof *link);

	link->ifi_index = index;
	link->ifi_flags = link->ifi_change = IFF_UP;
	int number = ask(netlink, header, NULL, NULL);

	return number ? fail(error, ST_INTERNAL, "bringing link %d up: %s", index, strerror(number))
		      : ST_OK;
}

enum status netlink_add_address(struct netlink *netlink, int index, u32 address, u32 prefix,
				struct error *error)
{
	struct nlmsghdr *header = message(netlink, RTM_NEWADDR, NLM_F_CREATE | NLM_F_REPLACE);
	struct ifaddrmsg *entry = mnl_nlmsg_put_extra_header(header, sizeof *entry);

	entry->ifa_family = AF_INET;
	entry->ifa_prefixlen = (u8)prefix;
	entry->ifa_index = (u32)index;
	mnl_attr_put_u32(header, IFA_LOCAL, htonl(address));
	mnl_attr_put_u32(header, IFA_ADDRESS, htonl(address));
	int number = ask(netlink, header, NULL, NULL);

	return number ? fail(error, ST_INTERNAL, "adding an address: %s", strerror(number)) : ST_OK;
}

enum status netlink_add_route(struct netlink *netlink, enum netlink_route type, u32 destination,
			      u32 prefix, u32 gateway, int index, u32 metric, struct error *error)
{
	struct nlmsghdr *header = message(netlink, RTM_NEWROUTE, NLM_F_CREATE | NLM_F_REPLACE);
	struct rtmsg *route = mnl_nlmsg_put_extra_header(header, sizeof *route);

	route->rtm_family = AF_INET;
	route->rtm_dst_len = (u8)prefix;
	route->rtm_table = RT_TABLE_MAIN;
	route->rtm_protocol = RTPROT_STATIC;
	route->rtm_scope = type == ROUTE_LINK ? RT_SCOPE_LINK : RT_SCOPE_UNIVERSE;
	route->rtm_type = type == ROUTE_UNREACHABLE ? RTN_UNREACHABLE : RTN_UNICAST;
	if (prefix)
		mnl_attr_put_u32(header, RTA_DST, htonl(destination));
	if (type == ROUTE_VIA)
		mnl_attr_put_u32(header, RTA_GATEWAY, htonl(gateway));
	if (index)
		mnl_attr_put_u32(header, RTA_OIF, (u32)index);
	if (metric)
		mnl_attr_put_u32(header, RTA_PRIORITY, metric);
	int number = ask(netlink, header, NULL, NULL);

	return number ? fail(error, ST_INTERNAL, "adding a route: %s", strerror(number)) : ST_OK;
}

enum status netlink_delete_link(struct netlink *netlink, const char *name, struct error *error)
{
	struct nlmsghdr *header = message(netlink, RTM_DELLINK, 0);

	mnl_nlmsg_put_extra_header(header, sizeof(struct ifinfomsg));
	mnl_attr_put_strz(header, IFLA_IFNAME, name);
	int number = ask(netlink, header, NULL, NULL);

	if (number && number != ENODEV)
		return fail(error, ST_INTERNAL, "removing link %s: %s", name, strerror(number));
	return ST_OK;
}

enum status netlink_delete_route(struct netlink *netlink, enum netlink_route type, u32 destination,
				 u32 prefix, struct error *error)
{
	struct nlmsghdr *header = message(netlink, RTM_DELROUTE, 0);
	struct rtmsg *route = mnl_nlmsg_put_extra_header(header, sizeof *route);

	route->rtm_family = AF_INET;
	route->rtm_dst_len = (u8)prefix;
	route->rtm_table = RT_TABLE_MAIN;
	route->rtm_scope = RT_SCOPE_NOWHERE; /* any */
	route->rtm_type = type == ROUTE_UNREACHABLE ? RTN_UNREACHABLE : RTN_UNICAST;
	if (prefix)
		mnl_attr_put_u32(header, RTA_DST, htonl(destination));
	int number = ask(netlink, header, NULL, NULL);

	if (number && number != ESRCH)
		return fail(error, ST_INTERNAL, "removing a route: %s", strerror(number));
	return ST_OK;
}

static int take_alias(const struct nlmsghdr *header, void *data)
{
	const struct nlattr *attribute;
	char *alias = data;

	mnl_attr_for_each(attribute, header, sizeof(struct ifinfomsg))
	{
		size_t len = MIN((size_t)mnl_attr_get_payload_len(attribute),
				 (size_t)NETLINK_ALIAS_MAX - 1);

		if (mnl_attr_get_type(attribute) != IFLA_IFALIAS)
			continue;
		memcpy(alias, mnl_attr_get_payload(attribute), len);
		alias[len] = 0;
	}
	return MNL_CB_OK;
}

void netlink_alias(struct netlink *netlink, const char *name, char ret_alias[NETLINK_ALIAS_MAX])
{
	struct nlmsghdr *header = message(netlink, RTM_GETLINK, 0);

	ret_alias[0] = 0;
	mnl_nlmsg_put_extra_header(header, sizeof(struct ifinfomsg));
	mnl_attr_put_strz(header, IFLA_IFNAME, name);
	if (ask(netlink, header, take_alias, ret_alias))
		ret_alias[0] = 0;
}

enum status netlink_set_alias(struct netlink *netlink, const char *name, struct str alias,
			      struct error *error)
{
	struct nlmsghdr *header = message(netlink, RTM_SETLINK, 0);

	mnl_nlmsg_put_extra_header(header, sizeof(struct ifinfomsg));
	mnl_attr_put_strz(header, IFLA_IFNAME, name);
	mnl_attr_put(header, IFLA_IFALIAS, MIN(alias.len, (size_t)NETLINK_ALIAS_MAX - 1), alias.at);
	int number = ask(netlink, header, NULL, NULL);

	return number ? fail(error, ST_INTERNAL, "naming link %s: %s", name, strerror(number))
		      : ST_OK;
}
