/* IPv4 addresses and ranges as numbers in host byte order. */
#ifndef NETWORK_ADDRESS_H
#define NETWORK_ADDRESS_H

#include "base/str.h"

struct address_range {
	u32 first; /* the network's own address */
	u32 prefix;
};

bool address_parse(struct str text, u32 *ret_address);
bool address_parse_range(struct str text, struct address_range *ret_range); /* "10.244.0.0/24" */
struct str address_text(struct arena *arena, u32 address);

static inline u32 address_count(const struct address_range *range)
{
	return range->prefix == 0 ? UINT32_MAX : 1u << (32 - range->prefix);
}

static inline bool address_in(const struct address_range *range, u32 address)
{
	return address - range->first < address_count(range);
}

#endif
