/*
 * Programs that outlived whoever started them. They are known by what they were called with: the
 * name of the program and an argument that begins with a folder of ours, followed by the name of
 * what they work on.
 */
#ifndef SYS_STRAYS_H
#define SYS_STRAYS_H

#include "base/str.h"

struct strays {
	const char *const *programs; /* "conmon", without a folder; NULL at the end */
	const char *prefix;	     /* of an argument; the name follows, up to a '/' or the end */
	/* Whether it is no stray after all. NULL: all are. */
	bool (*keep)(void *self, struct str name);
	void *self;
};

/* Kills them, with all their children, waits until they are gone and looks again until there are
 * none: one may have forked while we looked. Returns how many there were. Blocking. */
u32 strays_end(const struct strays *strays);

#endif
