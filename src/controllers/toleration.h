/* Taints and tolerations: one rule for the scheduler, eviction and simulated nodes. */
#ifndef CONTROLLERS_TOLERATION_H
#define CONTROLLERS_TOLERATION_H

#include "doc/doc.h"

/* Does one toleration tolerate this taint? As v1.Toleration.ToleratesTaint. */
bool toleration_tolerates(const struct doc *toleration, const struct doc *taint);

/* Does any of a pod's tolerations? */
bool tolerations_tolerate(const struct doc *tolerations, const struct doc *taint);

bool taint_has_effect(const struct doc *taint, const char *effect);

#endif
