/* getrandom(2), until it has given all that was asked for. */
#include "sys/random.h"

#include <errno.h>
#include <sys/random.h>

#include "base/check.h"

void random_bytes(void *out, size_t len)
{
	char *to = out;

	while (len > 0) {
		ssize_t got = getrandom(to, len, 0);

		if (got < 0 && errno == EINTR)
			continue;
		CHECK(got > 0);
		to += got;
		len -= (size_t)got;
	}
}

void random_seed_real(struct random *random)
{
	u64 seed;

	random_bytes(&seed, sizeof seed);
	random_seed(random, seed);
}
