/* Addresses of Services. */
#ifndef SERVER_SERVICE_ADDRESS_H
#define SERVER_SERVICE_ADDRESS_H

#include "base/str.h"

/* The first address of a range, the `kubernetes` Service's own: 10.96.0.1 of 10.96.0.0/16. */
struct str service_first_address(struct arena *arena, struct str cidr);

#endif
