/*
 * Who can say why a pod is not running: the scheduler's side knows, the server only asks. Behind
 * GET …/pods/x/why.
 */
#ifndef SERVER_WHY_DOOR_H
#define SERVER_WHY_DOOR_H

#include "doc/doc.h"
#include "store/version.h"

struct why_door {
	/* The answer, living in `arena`. */
	const struct doc *(*why)(void *self, struct arena *arena, struct version *pod);
	void *self;
};

#endif
