/* Custom resources: keeps what is served in step with the CustomResourceDefinitions there are. */
#ifndef SERVER_CUSTOM_H
#define SERVER_CUSTOM_H

#include "schema/schema.h"
#include "server/verbs.h"

/* Serves what is defined already, and from now on whatever is defined. */
void custom_start(struct server *server);
void custom_stop(struct server *server);

/* A definition about to be stored: names filled in, the finalizer of its clean-up, its status. */
const struct doc *custom_definition(struct call *call, const struct doc *doc,
				    const struct doc *old);

/* May objects of that kind be made? Not while its definition is going. */
MUST_USE enum status custom_admit(struct call *call, const struct api_kind *kind,
				  struct error *error);

#endif
