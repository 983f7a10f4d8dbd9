/* Who set which field, in metadata.managedFields: what every plain write adds to it. */
#ifndef SERVER_MANAGED_FIELDS_H
#define SERVER_MANAGED_FIELDS_H

#include "schema/schema.h"
#include "server/verbs.h"

/* `doc` with what it changes of `old` (NULL: all of it) entered as the caller's, and taken from the
 * others; as it is when the call is not tracked. `subresource` may be NULL. */
const struct doc *managed_fields_track(struct call *call, const struct api_kind *kind,
				       const struct doc *doc, const struct doc *old,
				       const char *subresource);

/* A set without what the server gives an object; of a status only the status, else all but it. */
const struct doc *managed_fields_strip(struct arena *arena, const struct doc *set, bool status);

#endif
