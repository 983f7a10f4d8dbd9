/* Asks the machine's own resolvers (those of /etc/resolv.conf) what is not the cluster's to know.
 * A socket a question, so that its port is as hard to guess as its number. */
#ifndef NETWORK_DNS_FORWARD_H
#define NETWORK_DNS_FORWARD_H

#include "base/random.h"
#include "base/str.h"

struct dns_forwarder;
struct loop;

/* `avoid`: our own address, host byte order, lest we ask ourselves. */
struct dns_forwarder *dns_forwarder_new(struct loop *loop, const char *resolv_conf, u32 avoid);
void dns_forwarder_free(
	struct dns_forwarder *forwarder); /* who waits hears nothing; NULL is fine */

/* `query` is a whole message; the answer comes with the query's number, empty when there is none.
 * Never calls back before it returns true. False: too many wait, or there is nobody to ask. */
bool dns_forward(struct dns_forwarder *forwarder, struct str query,
		 void (*done)(void *self, struct str answer), void *self);

#endif
