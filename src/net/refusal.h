/* A Kubernetes Status as the body of answers that no handler has a hand in. */
#ifndef NET_REFUSAL_H
#define NET_REFUSAL_H

#include "base/str.h"

/* {"kind":"Status",…,"message":why,"code":code} with the reason that goes with the code. */
struct str refusal_body(struct arena *arena, int code, struct str why);

#endif
