/* DNS messages as bytes (RFC 1035, EDNS of RFC 6891): the little a server of few names needs.
 * libldns does it, loaded at the first message; strict with what comes in. */
#ifndef NETWORK_DNS_WIRE_H
#define NETWORK_DNS_WIRE_H

#include "base/buffer.h"
#include "network/dns_answers.h"

enum { DNS_PLAIN_MAX = 512, DNS_UDP_MAX = 1232, DNS_TCP_MAX = 65535, DNS_HEADER = 12 };

struct dns_query {
	u16 id;
	bool recursion; /* desired */
	bool edns;
	u16 room;	     /* the largest answer over UDP it takes */
	struct str name;     /* lower case, dotted, no dot at the end */
	struct str question; /* its labels, to be given back as they came */
	enum dns_type type;
};

/* ST_BAD_REQUEST: no answer is due, or (*ret_code set) that one. */
MUST_USE enum status dns_query_read(struct arena *arena, struct str bytes,
				    struct dns_query *ret_query, enum dns_code *ret_code);

/* A whole message; without records and marked as cut when it is longer than `room`. */
struct str dns_answer_write(struct arena *arena, const struct dns_query *query,
			    const struct dns_answer *answer, struct str domain, size_t room);

/* A query of our own, for whoever knows more. */
struct str dns_query_write(struct arena *arena, u16 id, struct str name, enum dns_type type);

/* Adds the addresses of somebody's answer to `answer`, under `name`. False: it makes no sense. */
bool dns_addresses_read(struct arena *arena, struct str bytes, struct str name, enum dns_type type,
			struct dns_answer *answer);

#endif
