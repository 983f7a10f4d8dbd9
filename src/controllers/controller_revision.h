/*
 * ControllerRevisions: the templates a DaemonSet or StatefulSet has had, for `rollout history` and
 * `undo`, and for telling pods of the present template from those of earlier ones. Shared by both.
 * Follows pkg/controller/history.
 */
#ifndef CONTROLLERS_CONTROLLER_REVISION_H
#define CONTROLLERS_CONTROLLER_REVISION_H

#include "controllers/controller.h"

struct revisions {
	struct list all;	 /* the owner's, lowest number first */
	struct version *present; /* holds the present template; NULL: this plan makes it */
	struct str name, hash;	 /* of the present one */
	i64 number;		 /* likewise */
	bool collided;		 /* its name is taken by another template: count it and try again */
};

/* Finds the owner's revisions. The present template's is made if there is none, and gets the
 * highest number if it is an older one come back. `collisions` is status.collisionCount;
 * `hash_label` the label of the hash on revisions. */
struct revisions revisions_sync(const struct view *view, struct plan *plan,
				const struct version *owner, const struct doc *collisions,
				const char *hash_label);

/* The revision of that name, or NULL. */
struct version *revisions_find(const struct revisions *revisions, struct str name);
/* The hash of a revision, as it stands in its label. */
struct str revision_hash(const struct version *revision, const char *hash_label);

/* The owner's pod template with what this revision says of it. */
const struct doc *revision_template(const struct version *revision);

/* Forgets the oldest beyond `limit` of those no pod is of and that are not `present`. `used` says
 * of a revision whether it is still needed. */
void revisions_clean_up(const struct revisions *revisions, struct plan *plan, i64 limit,
			bool (*used)(void *self, const struct version *revision), void *self);

#endif
