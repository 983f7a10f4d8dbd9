/*
 * Discovery: which groups, versions and resources there are, read off the tables. Two formats: the
 * old one, a document a group-version (k8s.io/apimachinery meta/v1 APIResourceList and kin), and
 * the aggregated one, everything in one answer (apidiscovery.k8s.io v2 and v2beta1).
 */
#ifndef SCHEMA_DISCOVERY_H
#define SCHEMA_DISCOVERY_H

#include "schema/schema.h"

/* GET /api: the versions of the legacy group; `address` is host:port for clients. */
const struct doc *discovery_versions(struct arena *arena, struct str address);

/* GET /apis: all named groups. */
const struct doc *discovery_groups(struct arena *arena, const struct schema *schema);

/* GET /apis/GROUP; NULL when there is no such group. */
const struct doc *discovery_group(struct arena *arena, const struct schema *schema,
				  struct str group);

/* GET /api/v1 and /apis/GROUP/VERSION; NULL when there is no such version. */
const struct doc *discovery_resources(struct arena *arena, const struct schema *schema,
				      struct str group, struct str version);

/* GET /api (legacy) or /apis when the client accepts as=APIGroupDiscoveryList; `version` is the
 * asked v of apidiscovery.k8s.io, "v2" or "v2beta1". */
const struct doc *discovery_aggregated(struct arena *arena, const struct schema *schema,
				       bool legacy, struct str version);

/* The Content-Type the aggregated answer must carry: clients read it as the old format without. */
struct str discovery_aggregated_type(struct str version);

#endif
