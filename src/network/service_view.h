/*
 * Services and their EndpointSlices as last heard, joined by name: what rules and DNS answers are
 * made from. Only the parts that matter are kept; they are copies, as the API may be elsewhere.
 */
#ifndef NETWORK_SERVICE_VIEW_H
#define NETWORK_SERVICE_VIEW_H

#include "base/map.h"
#include "doc/doc.h"

struct service_slice {
	struct service_slice *next; /* of the same service, by name */
	struct service_entry *entry;
	struct arena *arena;
	struct str key; /* "namespace/name" */
	const struct doc *doc;
};

struct service_entry {
	struct str key, ns, name;
	struct arena *arena;	   /* of the names; */
	struct arena *doc_arena;   /* of the document, NULL while there is none */
	const struct doc *service; /* NULL: slices came before their Service */
	struct service_slice *slices;
};

struct service_view {
	struct map entries; /* "namespace/name" → struct service_entry */
	struct map slices;  /* "namespace/name" → struct service_slice */
};

void service_view_release(struct service_view *view);

/* Take a Service or EndpointSlice as it is now, or as it was last. */
void service_view_put_service(struct service_view *view, const struct doc *service);
void service_view_drop_service(struct service_view *view, const struct doc *service);
void service_view_put_slice(struct service_view *view, const struct doc *slice);
void service_view_drop_slice(struct service_view *view, const struct doc *slice);

/* NULL when there is no such Service. */
const struct service_entry *service_view_find(const struct service_view *view, struct str ns,
					      struct str name);

/* All Services, ordered by namespace and name. */
struct service_list {
	const struct service_entry **at;
	u32 len;
};
struct service_list service_view_all(const struct service_view *view, struct arena *arena);

/* An endpoint's state, with what absent conditions mean. */
bool endpoint_is_ready(const struct doc *endpoint);
bool endpoint_is_leaving(const struct doc *endpoint); /* still serves, on its way out */

#endif
