/* Connections the kernel remembers (ctnetlink). Blocking. */
#ifndef SYS_CONNTRACK_H
#define SYS_CONNTRACK_H

#include "base/types.h"

/* Forgets UDP connections that were led to one of these addresses (host byte order): UDP never
 * ends by itself, so it would be led to the dead for ever. As well as it can be done. */
void conntrack_forget_udp(const u32 *addresses, u32 len);

#endif
