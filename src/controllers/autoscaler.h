/* What the files of the HorizontalPodAutoscaler share: one pass about one of them. */
#ifndef CONTROLLERS_AUTOSCALER_H
#define CONTROLLERS_AUTOSCALER_H

#include "controllers/autoscale.h"
#include "controllers/controller.h"

struct autoscaler {
	const struct view *view;
	struct plan *plan;
	struct arena *arena;
	const struct version *owner, *target;
	const struct api_kind *target_kind;
	i64 current; /* the target's wanted size */
	struct list pods;
	const struct doc *status;   /* the owner's, as it will be written */
	const struct doc *measured; /* status.currentMetrics; NULL: nothing was */
	struct str first_failure;   /* of a metric, in its own words */
	u32 known;		    /* pods of one metric that could be measured */
	bool early;		    /* pods whose use is known only in a second */
	struct autoscale_memory memory;
};

struct autoscaler_wish {
	i64 replicas;
	struct str metric; /* "cpu resource utilization (percentage of request)" */
};

enum { AUTOSCALER_EARLY_MAX = 3 };

/* Too early to complain: in a second more will be known. */
static inline bool autoscaler_patient(const struct autoscaler *autoscaler)
{
	return autoscaler->early && autoscaler->memory.early + 1 < AUTOSCALER_EARLY_MAX;
}

/* `message` lives in the arena. */
void autoscaler_condition(struct autoscaler *autoscaler, const char *type, bool value,
			  const char *reason, struct str message);

/* Reads every metric of the spec and says what they want; fills in `measured`. Fails, with the
 * condition ScalingActive set, when none can be read, or when some cannot and the others would
 * shrink the target. In autoscaler_metrics.c. */
MUST_USE enum status autoscaler_measure(struct autoscaler *autoscaler,
					struct autoscaler_wish *ret_wish, struct error *error);

#endif
