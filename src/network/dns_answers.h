/*
 * What the cluster's names mean, as in the DNS specification for Kubernetes
 * (github.com/kubernetes/dns/blob/master/docs/specification.md). Pure: a view in, records out.
 */
#ifndef NETWORK_DNS_ANSWERS_H
#define NETWORK_DNS_ANSWERS_H

#include "network/address.h"
#include "network/service_view.h"

enum dns_type {
	DNS_A = 1,
	DNS_CNAME = 5,
	DNS_SOA = 6,
	DNS_PTR = 12,
	DNS_AAAA = 28,
	DNS_SRV = 33,
	DNS_OPT = 41,
	DNS_ANY = 255,
};
enum dns_code { DNS_OK, DNS_BAD_FORMAT, DNS_FAILED, DNS_NO_NAME, DNS_NOT_DONE, DNS_REFUSED };

enum { DNS_TTL_S = 5, DNS_RECORDS_MAX = 1000, DNS_NAME_MAX = 255 };

struct dns_record {
	struct str name; /* dotted, no dot at the end */
	enum dns_type type;
	u32 address;	   /* A, host byte order */
	struct str target; /* CNAME, PTR, SRV */
	u16 port, weight;  /* SRV */
};

struct dns_answer {
	enum dns_code code;
	VEC(struct dns_record) answers, extra;
	struct str elsewhere; /* an ExternalName led out of the cluster: go on asking for this */
};

struct dns_facts {
	struct str domain;			/* "cluster.local" */
	struct address_range cluster, services; /* whose reverse names are ours to know */
};

/* `name` is lower case, without a dot at its end. False: not a name of ours, ask elsewhere. `turn`
 * says which of many addresses stands first. */
bool dns_answer(struct arena *arena, const struct dns_facts *facts, const struct service_view *view,
		struct str name, enum dns_type type, u32 turn, struct dns_answer *ret_answer);

#endif
