/*
 * ResourceQuota: what one object uses, which quotas it falls under, and whether there is room.
 * Shared by admission, which charges, and by the controller, which counts again. Follows
 * k8s.io/apiserver/pkg/quota and pkg/quota/v1/evaluator.
 */
#ifndef SERVER_QUOTA_H
#define SERVER_QUOTA_H

#include "server/pod_resources.h"
#include "schema/schema.h"
#include "server/verbs.h"
#include "store/store.h"
#include "store/version.h"

/* What the object uses, by the names that stand in a quota's `hard`. */
struct amounts quota_usage(struct arena *arena, const struct api_kind *kind,
			   const struct doc *object);
/* Is the object within the scopes of this quota? */
bool quota_covers(const struct doc *quota, const struct api_kind *kind, const struct doc *object);
/* May any name in `hard` be about objects of this kind? */
bool quota_concerns(const struct doc *hard, const struct api_kind *kind);

/* What everything in the quota's namespace uses of it now, counted anew. */
struct amounts quota_count(struct arena *arena, const struct schema *schema, struct store *store,
			   const struct version *quota);

/* Refuses what does not fit and charges the quotas for what does; `old` NULL: the object is new.
 * Nothing is charged in a dry run. */
MUST_USE enum status admit_quota(struct call *call, const struct api_kind *kind, struct str ns,
				 const struct doc *doc, const struct doc *old, struct error *error);

#endif
