/* The kernel's randomness: for keys and names that must not be guessed, and to seed base/random. */
#ifndef SYS_RANDOM_H
#define SYS_RANDOM_H

#include "base/random.h"
#include "base/types.h"

/* Fills `out`; aborts when the kernel has none, which only a broken system shows. */
void random_bytes(void *out, size_t len);
/* Seeds a generator with 64 bits from the kernel. */
void random_seed_real(struct random *random);

#endif
