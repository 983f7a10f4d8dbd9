/* Which objects are an owner's: those that name it, less what it must let go, plus orphans it
 * takes. */
#ifndef CONTROLLERS_CLAIM_H
#define CONTROLLERS_CLAIM_H

#include "controllers/controller.h"

/*
 * Objects of `kind` that `owner` controls and whose labels its LabelSelector matches. Ones that no
 * longer match are released; matching ones without a controller, for which `adopt` says yes, are
 * adopted and already count. An owner being deleted does neither. Follows upstream's
 * ControllerRefManager.
 */
struct list claim(const struct view *view, struct plan *plan, const struct version *owner,
		  kind_id kind, const struct doc *selector,
		  bool (*adopt)(const struct version *object));

/* A map for watches: wakes owners of `owner_kind` in the namespace whose selector (`path`) matches
 * an object that nobody controls, or whose labels just changed. */
void claim_keys(const struct view *view, const struct change *change, kind_id owner_kind,
		const char *path, bool plain_map, struct keys *keys);

#endif
