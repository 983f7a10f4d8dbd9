/*
 * Parts of objects that have an address of their own. An entry says which verbs a subresource has;
 * a patch is its get, the patch, and its update.
 */
#ifndef SERVER_SUBRESOURCE_H
#define SERVER_SUBRESOURCE_H

#include "server/verbs.h"
#include "store/version.h"

struct subresource {
	const char *name;
	const char *kind; /* NULL: every kind that serves it */
	/* `object` is what is stored now. */
	enum status (*get)(struct call *call, const struct api_kind *kind, struct version *object,
			   struct outcome *ret_outcome, struct error *error);
	enum status (*create)(struct call *call, const struct api_kind *kind,
			      struct version *object, const struct doc *body,
			      struct outcome *ret_outcome, struct error *error);
	enum status (*update)(struct call *call, const struct api_kind *kind,
			      struct version *object, const struct doc *body,
			      struct outcome *ret_outcome, struct error *error);
};

/* NULL: the kind has no such subresource. */
const struct subresource *subresource_find(const struct api_kind *kind, struct str name);

/* scale.c */
enum status scale_get(struct call *call, const struct api_kind *kind, struct version *object,
		      struct outcome *ret_outcome, struct error *error);
enum status scale_update(struct call *call, const struct api_kind *kind, struct version *object,
			 const struct doc *body, struct outcome *ret_outcome, struct error *error);
/* pod_subresources.c */
enum status binding_create(struct call *call, const struct api_kind *kind, struct version *pod,
			   const struct doc *body, struct outcome *ret_outcome,
			   struct error *error);
enum status ephemeral_update(struct call *call, const struct api_kind *kind, struct version *pod,
			     const struct doc *body, struct outcome *ret_outcome,
			     struct error *error);
enum status resize_update(struct call *call, const struct api_kind *kind, struct version *pod,
			  const struct doc *body, struct outcome *ret_outcome, struct error *error);
/* why.c */
enum status why_get(struct call *call, const struct api_kind *kind, struct version *pod,
		    struct outcome *ret_outcome, struct error *error);
/* certificate_request.c */
enum status approval_update(struct call *call, const struct api_kind *kind, struct version *request,
			    const struct doc *body, struct outcome *ret_outcome,
			    struct error *error);
/* eviction.c */
enum status eviction_create(struct call *call, const struct api_kind *kind, struct version *pod,
			    const struct doc *body, struct outcome *ret_outcome,
			    struct error *error);
/* token.c */
enum status token_create(struct call *call, const struct api_kind *kind, struct version *account,
			 const struct doc *body, struct outcome *ret_outcome, struct error *error);
/* verb_update.c */
enum status status_get(struct call *call, const struct api_kind *kind, struct version *object,
		       struct outcome *ret_outcome, struct error *error);
enum status status_update(struct call *call, const struct api_kind *kind, struct version *object,
			  const struct doc *body, struct outcome *ret_outcome, struct error *error);
enum status finalize_update(struct call *call, const struct api_kind *kind, struct version *object,
			    const struct doc *body, struct outcome *ret_outcome,
			    struct error *error);

/* What a create of a kind that is only asked, never stored, answers (reviews); reviews.c. */
MUST_USE enum status review_create(struct call *call, const struct api_kind *kind, struct str ns,
				   const struct doc *body, struct outcome *ret_outcome,
				   struct error *error);

#endif
