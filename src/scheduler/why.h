/*
 * Why a pod is not running, in plain sentences, and what would help. A pure function over the store
 * and the scheduler's picture; what it gives is the `why` subresource of pods:
 *
 *	{"kind": "Why", "apiVersion": "minke/v1", "metadata": {…}, "summary": "…", "running": false,
 *	 "reasons": [{"about": "scheduling", "nodes": ["n1"], "what": "…", "help": "…"}],
 *	 "logs": {"container": "c", "previous": true}}
 */
#ifndef SCHEDULER_WHY_H
#define SCHEDULER_WHY_H

#include "scheduler/picture.h"

struct why_view {
	struct store *store;
	struct picture *picture; /* NULL: nobody schedules here */
	i64 now_ns;		 /* wall clock */
};

/* The answer about one pod; lives in the arena. */
const struct doc *why_pod(const struct why_view *view, struct arena *arena, struct version *pod);

/* ---- for why_*.c */

struct why_reason {
	const char *about; /* "scheduling", "image", "probe" … */
	struct str what, help;
	VEC(struct str) nodes;
};

struct why {
	const struct why_view *view;
	struct arena *arena;
	struct version *pod;
	const struct doc *doc; /* the pod's */
	struct str summary;
	bool running;
	VEC(struct why_reason) reasons;
	struct str log_container; /* whose last lines tell more; empty: nobody's */
	bool log_previous;
};

/* Adds a reason; `help` may be empty. The same about another node joins the one that is there. */
void why_add(struct why *why, const char *about, struct str node, struct str what, struct str help);
#define WHY(why, ...) str_format((why)->arena, __VA_ARGS__)

/* The newest event about the pod with this reason, or NULL. */
const struct doc *why_event(struct why *why, const char *reason);

void why_nodes(struct why *why);      /* no node yet: each node's reasons */
void why_needs(struct why *why);      /* what it names and is not there */
void why_containers(struct why *why); /* images, crashes, probes */

#endif
