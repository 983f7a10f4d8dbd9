/* Dump all, pick, delete one by one: rare, and UDP clients are few. */
#include "sys/conntrack.h"

#include <arpa/inet.h>
#include <libmnl/libmnl.h>
#include <linux/netfilter/nf_conntrack_tcp.h>
#include <linux/netfilter/nfnetlink.h>
#include <linux/netfilter/nfnetlink_conntrack.h>
#include <stdlib.h>
#include <string.h>

enum { FOUND_MAX = 4096, TUPLE_BYTES = 128, ROOM = 16 << 10 };

struct found {
	const u32 *addresses;
	u32 addresses_len, len;
	struct {
		u16 bytes;
		u8 tuple[TUPLE_BYTES]; /* the attribute as it came: whom to delete */
	} at[FOUND_MAX];
};

static const struct nlattr *inner(const struct nlattr *nest, int type)
{
	const struct nlattr *attribute;

	if (!nest)
		return NULL;
	mnl_attr_for_each_nested(attribute, nest)
	{
		if (mnl_attr_get_type(attribute) == type)
			return attribute;
	}
	return NULL;
}

static int take(const struct nlmsghdr *header, void *data)
{
	struct found *found = data;
	const struct nlattr *attribute, *there = NULL, *back = NULL;

	mnl_attr_for_each(attribute, header, sizeof(struct nfgenmsg))
	{
		if (mnl_attr_get_type(attribute) == CTA_TUPLE_ORIG)
			there = attribute;
		else if (mnl_attr_get_type(attribute) == CTA_TUPLE_REPLY)
			back = attribute;
	}
	const struct nlattr *source = inner(inner(back, CTA_TUPLE_IP), CTA_IP_V4_SRC);
	const struct nlattr *protocol = inner(inner(there, CTA_TUPLE_PROTO), CTA_PROTO_NUM);

	if (!source || !protocol || mnl_attr_get_u8(protocol) != IPPROTO_UDP ||
	    there->nla_len > TUPLE_BYTES || found->len == FOUND_MAX)
		return MNL_CB_OK;
	u32 address = ntohl(mnl_attr_get_u32(source));

	for (u32 i = 0; i < found->addresses_len; i++)
		if (found->addresses[i] == address) {
			found->at[found->len].bytes = there->nla_len;
			memcpy(found->at[found->len++].tuple, there, there->nla_len);
			break;
		}
	return MNL_CB_OK;
}

static struct nlmsghdr *message(void *room, int type, int flags)
{
	struct nlmsghdr *header = mnl_nlmsg_put_header(room);
	struct nfgenmsg *family = mnl_nlmsg_put_extra_header(header, sizeof *family);

	header->nlmsg_type = (u16)(NFNL_SUBSYS_CTNETLINK << 8 | type);
	header->nlmsg_flags = (u16)(NLM_F_REQUEST | flags);
	header->nlmsg_seq = 1;
	family->nfgen_family = AF_INET;
	family->version = NFNETLINK_V0;
	return header;
}

static int talk(struct mnl_socket *socket, struct nlmsghdr *header, struct found *found, char *room)
{
	ssize_t got;
	int more = MNL_CB_OK;

	if (mnl_socket_sendto(socket, header, header->nlmsg_len) < 0)
		return -1;
	while (more == MNL_CB_OK) {
		got = mnl_socket_recvfrom(socket, room, ROOM);
		if (got <= 0)
			return -1;
		more = mnl_cb_run(room, (size_t)got, 1, mnl_socket_get_portid(socket), take, found);
	}
	return more;
}

void conntrack_forget_udp(const u32 *addresses, u32 len)
{
	struct mnl_socket *socket = len ? mnl_socket_open2(NETLINK_NETFILTER, SOCK_CLOEXEC) : NULL;
	struct found *found = socket ? calloc(1, sizeof *found) : NULL;
	char *room = found ? malloc(ROOM) : NULL;

	if (room && mnl_socket_bind(socket, 0, MNL_SOCKET_AUTOPID) == 0) {
		found->addresses = addresses;
		found->addresses_len = len;
		(void)talk(socket, message(room, IPCTNL_MSG_CT_GET, NLM_F_DUMP), found, room);
		for (u32 i = 0; i < found->len; i++) {
			struct nlmsghdr *header = message(room, IPCTNL_MSG_CT_DELETE, NLM_F_ACK);
			const struct nlattr *tuple = (void *)found->at[i].tuple;

			mnl_attr_put(header, CTA_TUPLE_ORIG | NLA_F_NESTED,
				     mnl_attr_get_payload_len(tuple), mnl_attr_get_payload(tuple));
			(void)talk(socket, header, found, room);
		}
	}
	free(room);
	free(found);
	if (socket)
		mnl_socket_close(socket);
}
