/*
 * One pass over a Deployment. Changes to its ReplicaSets are gathered here first, because one pass
 * may touch a set several times (annotations, then size), and become one write a set at the end.
 */
#ifndef CONTROLLERS_DEPLOYMENT_H
#define CONTROLLERS_DEPLOYMENT_H

#include "controllers/controller.h"

struct set {			 /* a ReplicaSet under way */
	struct version *version; /* NULL: to be made by this plan */
	const struct doc *doc;	 /* as it shall be */
	struct str name;
	i64 replicas; /* spec.replicas as it shall be */
	i64 before;   /* and as it was */
	i64 pods;     /* at most so many live pods: status.replicas or spec.replicas, the larger */
	i64 counted, ready, available; /* status, available never above spec.replicas as it was */
	i64 created_ns;
	bool current; /* its template is the Deployment's */
};

struct rollout {
	const struct view *view;
	struct arena *arena;
	struct plan *plan;
	struct version *owner;
	const struct doc *doc;	  /* the Deployment, with the annotations it shall have */
	const struct doc *status; /* as it shall be */
	i64 wanted;
	i64 surge, unavailable; /* resolved to pods */
	i64 deadline_s;		/* NO_DEADLINE: none */
	bool rolling;
	struct set *sets; /* oldest first */
	u32 sets_len;
	struct set *current; /* among sets, or NULL */
	bool collided;	     /* the name of the new set is taken: try again with another hash */
};

enum { NO_DEADLINE = INT32_MAX };

/* ---- deployment_sets.c */

/* The pod-template-hash: FNV-1a over the template in canonical order, and the collision count. */
struct str template_hash(struct arena *arena, const struct doc *template,
			 const struct doc *collisions);
/* The number of a percentage or count of `total`. */
i64 count_or_percent(const struct doc *value, i64 total, bool up);

void rollout_find_sets(struct rollout *r);
/* Brings revision and annotations of the current set up to date; makes it when `make` and missing.
 */
void rollout_sync_revision(struct rollout *r, bool make);
/* What the new set may grow to now. */
i64 rollout_new_size(const struct rollout *r, i64 current_size);
void rollout_scale(struct rollout *r, struct set *set, i64 size);
void rollout_clean_up(struct rollout *r);
i64 set_revision(const struct set *set);
/* As the Deployment had it: without the label that tells sets apart. */
const struct doc *set_template(const struct rollout *r, const struct set *set);
/* An annotation of a set; nothing is written when it says so already. */
void rollout_note(const struct rollout *r, struct set *set, const char *name, const char *value);
/* Turns what was gathered into intents. */
void rollout_flush(struct rollout *r);

i64 sets_sum(const struct rollout *r, i64 (*value)(const struct set *set), bool old_only);
i64 set_size(const struct set *set);	/* spec.replicas as it shall be */
i64 set_live(const struct set *set);	/* pods that may be alive: never less than are */
i64 set_counted(const struct set *set); /* status.replicas */
i64 set_ready(const struct set *set);
i64 set_available(const struct set *set);
bool set_desired(const struct set *set, const char *annotation, i64 *ret_value);

/* ---- deployment_status.c */

void rollout_condition(struct rollout *r, const char *type, const char *value, const char *reason,
		       struct str message);
bool rollout_complete(const struct rollout *r);
void rollout_pause_condition(struct rollout *r);
/* Counts and availability; with `progress` also the progress condition and its deadline. */
void rollout_count(struct rollout *r, bool progress);

/* The reason of the Progressing condition as it shall be, or empty. */
struct str rollout_progress(const struct rollout *r);

/* ---- deployment_rollback.c */

/* For Deployments that ask for it: remembers which revision was whole, and puts the last such one
 * back when the current one has passed its deadline. Call after rollout_count(). */
void rollout_roll_back(struct rollout *r);

#endif
