/* The flight recorder: the last things that were done, by whom; printed when a promise breaks. */
#ifndef SIM_STORY_H
#define SIM_STORY_H

#include "base/str.h"

enum { STORY_NOTES = 64, STORY_NAME_BYTES = 44 };

struct note {
	i64 mono_ns;
	u64 step;
	char who[24];
	const char *what, *kind; /* constants */
	char name[STORY_NAME_BYTES];
	u32 times; /* in a row */
};

struct story {
	struct note notes[STORY_NOTES]; /* a ring */
	u64 len;
};

void story_add(struct story *story, u64 step, i64 mono_ns, const char *who, const char *what,
	       const char *kind, struct str name);
void story_print(const struct story *story);

#endif
