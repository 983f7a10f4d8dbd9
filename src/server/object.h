/* What all verbs need to know of an object: its body, its metadata, and how failures about it read.
 */
#ifndef SERVER_OBJECT_H
#define SERVER_OBJECT_H

#include "doc/doc.h"
#include "schema/schema.h"
#include "server/verbs.h"
#include "store/version.h"

/* "pods", "deployments.apps": how Kubernetes names a kind in sentences. */
struct str kind_resource(struct arena *arena, const struct api_kind *kind);

/* The usual failures, with their sentence and details. */
enum status fail_not_found(struct call *call, const struct api_kind *kind, struct str name,
			   struct error *error);
enum status fail_exists(struct call *call, const struct api_kind *kind, struct str name,
			bool being_deleted, struct error *error);
PRINTF(5, 6)
enum status fail_conflict(struct call *call, const struct api_kind *kind, struct str name,
			  struct error *error, const char *format, ...);
PRINTF(5, 6)
enum status fail_forbidden(struct call *call, const struct api_kind *kind, struct str name,
			   struct error *error, const char *format, ...);
/* 422 with one cause: `The Pod "x" is invalid: FIELD: MESSAGE`. `reason` as in the Status' causes.
 */
PRINTF(7, 8)
enum status fail_invalid(struct call *call, const struct api_kind *kind, struct str name,
			 struct error *error, const char *reason, const char *field,
			 const char *format, ...);

/* A body as the stored kind's document: checked for apiVersion and kind, decoded, unknown fields
 * reported as the call's validation wants, converted from an older version of the API. */
MUST_USE enum status object_decode(struct call *call, const struct api_kind *kind,
				   const struct doc *body, const struct doc **ret_doc,
				   struct error *error);

/* A stored document as `kind`, perhaps an older version of the API, shows it. */
const struct doc *object_show(struct arena *arena, const struct api_kind *kind,
			      const struct doc *doc);

/* Fills in an outcome from a stored version; pins it. */
void outcome_of_version(struct call *call, const struct api_kind *kind, struct version *version,
			struct outcome *ret_outcome);

/* Now, as metadata holds it. */
struct str call_now(struct call *call);
i64 call_now_ns(struct call *call);
/* A random UUID, version 4. */
struct str call_uuid(struct call *call);
/* Another one in every run of the same call. */
struct str call_random_uuid(struct call *call);

/* True for kinds whose spec has a generation. */
bool kind_has_generation(const struct api_kind *kind);

static inline struct str object_name(const struct doc *doc)
{
	return doc_str(doc_key(doc_key(doc, "metadata"), "name"));
}

static inline bool object_deleting(const struct doc *doc)
{
	return !doc_is_null(doc_key(doc_key(doc, "metadata"), "deletionTimestamp"));
}

static inline bool object_has_finalizers(const struct doc *doc)
{
	return doc_len(doc_key(doc_key(doc, "metadata"), "finalizers")) > 0;
}

#endif
