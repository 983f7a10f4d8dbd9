/* A small seeded generator (xoshiro256**): the simulator's dice and, seeded by sys, the server's.
 */
#ifndef BASE_RANDOM_H
#define BASE_RANDOM_H

#include "base/types.h"

struct random {
	u64 state[4];
};

void random_seed(struct random *random, u64 seed);
u64 random_u64(struct random *random);
u32 random_below(struct random *random, u32 limit);	      /* 0 … limit-1; limit > 0 */
bool random_chance(struct random *random, u32 of_a_thousand); /* true so often in 1000 */

/* Fills `out` with `len` characters of Kubernetes' safe alphabet bcdfghjklmnpqrstvwxz2456789. */
void random_name(struct random *random, char *out, u32 len);

#endif
