/* UDP over IPv4 on the loop. Addresses in host byte order. */
#ifndef SYS_DATAGRAM_H
#define SYS_DATAGRAM_H

#include "base/error.h"

struct datagram;
struct loop;

struct datagram_from {
	u32 address;
	u16 port;
};

enum { DATAGRAM_BYTES_MAX = 4096 }; /* longer ones come cut */

/* Bound to address:port (0: any). `received` may free it. ST_CONFLICT when somebody has it. */
MUST_USE enum status datagram_open(struct loop *loop, u32 address, u16 port,
				   void (*received)(void *self, struct datagram_from from,
						    struct str bytes),
				   void *self, struct datagram **ret_datagram, struct error *error);
/* False: it cannot go there, now or ever. */
bool datagram_send(struct datagram *datagram, struct datagram_from to, struct str bytes);
void datagram_free(struct datagram *datagram); /* NULL is fine */

#endif
