/* What an update of a pod may change; a chapter of its own. */
#ifndef SCHEMA_CHECK_POD_H
#define SCHEMA_CHECK_POD_H

#include "schema/check.h"

/* `c->subresource` says by which door the change comes. */
void check_pod_update(struct check *c, const struct doc *pod, const struct doc *old);

#endif
