/* xoshiro256** by Blackman and Vigna (public domain algorithm), seeded by splitmix64. */
#include "base/random.h"

#include "base/check.h"

static u64 rotate(u64 x, int k)
{
	return x << k | x >> (64 - k);
}

void random_seed(struct random *random, u64 seed)
{
	for (int i = 0; i < 4; i++) {
		u64 z = (seed += 0x9e3779b97f4a7c15u);

		z = (z ^ z >> 30) * 0xbf58476d1ce4e5b9u;
		z = (z ^ z >> 27) * 0x94d049bb133111ebu;
		random->state[i] = z ^ z >> 31;
	}
}

u64 random_u64(struct random *random)
{
	u64 *s = random->state;
	u64 result = rotate(s[1] * 5, 7) * 9, t = s[1] << 17;

	s[2] ^= s[0];
	s[3] ^= s[1];
	s[1] ^= s[2];
	s[0] ^= s[3];
	s[2] ^= t;
	s[3] = rotate(s[3], 45);
	return result;
}

u32 random_below(struct random *random, u32 limit)
{
	CHECK(limit > 0);
	return (u32)(((random_u64(random) >> 32) * limit) >> 32);
}

bool random_chance(struct random *random, u32 of_a_thousand)
{
	return random_below(random, 1000) < of_a_thousand;
}

void random_name(struct random *random, char *out, u32 len)
{
	static const char letters[] = "bcdfghjklmnpqrstvwxz2456789";

	for (u32 i = 0; i < len; i++)
		out[i] = letters[random_below(random, sizeof letters - 1)];
}
