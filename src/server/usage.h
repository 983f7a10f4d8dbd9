/*
 * What pods and nodes use of processor and memory, measured when somebody asks and never
 * otherwise: an idle cluster measures nothing. Nodes say how much processor time was used since a
 * container's start; a rate is the difference between two looks. The first look after a long
 * silence has nothing to compare with: the answer is then USAGE_SOON, and right a second later.
 *
 * Serves metrics.k8s.io and the HorizontalPodAutoscaler. Memory is the working set: all but file
 * pages the kernel can drop at once.
 */
#ifndef SERVER_USAGE_H
#define SERVER_USAGE_H

#include "base/clock.h"
#include "base/str.h"

struct server;
struct usage;
struct version;

enum { USAGE_SOURCES_MAX = 4 };

/* One look at a container, or at a whole node (without a name). */
struct usage_look {
	struct str name;     /* lives as long as the pod's version */
	i64 started_wall_ns; /* 0: not known */
	u64 cpu_ns;	     /* used since then */
	i64 cpu_nano;	     /* billionths of a core, where the source knows the rate; else -1 */
	u64 memory_bytes;
};

/* Who looks: the node agent of this process, or the simulated nodes. */
struct usage_source {
	/* Looks at the running containers of a pod. -1: not one of this source's pods. */
	i32 (*pod)(void *self, const struct version *pod, struct usage_look *ret_looks, u32 max);
	/* False: not one of this source's nodes. */
	bool (*node)(void *self, const struct version *node, struct usage_look *ret_look);
	void *self;
};

struct usage_part {
	struct str name; /* of the container */
	i64 cpu_nano;	 /* billionths of a core */
	u64 memory_bytes;
};

struct usage_report {
	i64 wall_ns, window_ns; /* when the measured time ended, how long it was */
	struct usage_part *parts;
	u32 len;
};

enum usage_answer {
	USAGE_NONE, /* nothing runs there, or nobody can look */
	USAGE_SOON, /* ask again in USAGE_SOON_MS */
	USAGE_KNOWN,
};
enum { USAGE_SOON_MS = 1000 };

/* The clock outlives it. */
struct usage *usage_new(const struct clock *clock);
void usage_free(struct usage *usage);
/* Both pointers must outlive the usage, or be taken back first. */
void usage_add_source(struct usage *usage, const struct usage_source *source);
void usage_remove_source(struct usage *usage, const struct usage_source *source);

/* Rates are told over at least one such step (10 s) once there is so much to look back at; shorter
 * for those who look more often. */
void usage_set_step(struct usage *usage, i64 step_ns);

/* Measures all running containers of a pod, or a node (one part, without a name). The report lives
 * in the arena, its names in the version. */
enum usage_answer usage_pod(struct usage *usage, struct arena *arena, const struct version *pod,
			    struct usage_report *ret_report);
enum usage_answer usage_node(struct usage *usage, struct arena *arena, const struct version *node,
			     struct usage_report *ret_report);

/* The server's own; lives as long as the server. */
struct usage *server_usage(const struct server *server);

#endif
