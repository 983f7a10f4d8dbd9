/* What controllers and scheduler need to know of a pod: alive, ready, available, whom to lose. */
#ifndef CONTROLLERS_POD_H
#define CONTROLLERS_POD_H

#include "base/clock.h"
#include "controllers/controller.h"

/* The condition of that type in status.conditions, or NULL. */
const struct doc *condition_get(const struct doc *object, const char *type);
bool condition_is(const struct doc *object, const char *type, const char *status);

/* Succeeded or Failed: it will never run again. */
bool pod_finished(const struct doc *pod);
/* Neither finished nor being deleted. */
bool pod_active(const struct version *pod);

bool pod_ready(const struct doc *pod);
/* Since when it is ready; NEVER_NS when it is not. */
i64 pod_ready_since(const struct doc *pod);
/* Ready for at least min_ready_s. *ret_wake (may be NULL) becomes when it would be, if that is
 * still to come and earlier than what stands there. */
bool pod_available(const struct doc *pod, i64 min_ready_s, i64 now_ns, i64 *ret_wake);

/* Sorts pods so that the first are those to lose first, as upstream's ActivePodsWithRanks: without
 * a node, pending, unready, cheap to delete, doubled up on a node with `related` ones, lately
 * ready, often restarted, young. */
void pods_sort_by_loss(const struct view *view, struct list pods, struct list related);

/* The pod a template makes: labels, annotations and spec of the template, named prefix + five. */
const struct doc *pod_from_template(struct arena *arena, const struct doc *template,
				    struct str name_prefix, const struct doc *owner_ref);

/* The status with one condition set as given: unchanged when status, reason and message are the
 * same; lastTransitionTime moves only when the status does. */
const struct doc *status_with_condition(struct arena *arena, const struct doc *status,
					const char *type, const char *value, const char *reason,
					struct str message, i64 now_ns);
const struct doc *status_without_condition(struct arena *arena, const struct doc *status,
					   const char *type);

#endif
