/* What a pod asks for and may use at most: containers together, or its largest init container. */
#ifndef SERVER_POD_RESOURCES_H
#define SERVER_POD_RESOURCES_H

#include "doc/doc.h"
#include "schema/quantity.h"

struct amount {
	struct str name; /* "cpu" */
	struct quantity quantity;
};

struct amounts {
	VEC(struct amount) list;
};

struct quantity *amounts_get(const struct amounts *amounts, struct str name); /* NULL: none */
void amounts_add(struct arena *arena, struct amounts *amounts, struct str name,
		 struct quantity quantity);

/* The pod's sum of resources.requests or resources.limits (`list`), overhead included. A side car
 * counts like a container. */
struct amounts pod_amounts(struct arena *arena, const struct doc *spec, const char *list);

#endif
