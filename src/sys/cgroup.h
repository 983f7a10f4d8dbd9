/*
 * Control groups behind one interface: v1 hierarchies side by side (also "hybrid" machines, where
 * an empty v2 tree stands beside them) and the unified v2 tree. All groups live below one directory
 * of our own, so that removing that directory removes everything.
 * https://docs.kernel.org/admin-guide/cgroup-v1 and cgroup-v2.html
 */
#ifndef SYS_CGROUP_H
#define SYS_CGROUP_H

#include "base/error.h"
#include "base/str.h"

enum cgroup_version { CGROUP_NONE, CGROUP_V1, CGROUP_V2 };

enum cgroup_controller {
	CGROUP_MEMORY,
	CGROUP_CPU,
	CGROUP_CPUACCT,
	CGROUP_PIDS,
	CGROUP_DEVICES,
	CGROUP_CONTROLLERS
};

struct cgroups {
	enum cgroup_version version;
	char mounts[CGROUP_CONTROLLERS][128]; /* v1: where each is mounted, "" when absent */
	char unified[128];		      /* where the v2 tree is mounted, "" when it is not */
	bool hide_unified;		      /* hybrid: crun must not see the v2 tree */
	bool unguarded;			      /* v2 without device rules: a laid-out tree */
	char parent[64];		      /* "/minke/1a2b3c4d": ours, below each mount */
};

/* Reads what is mounted from the text of /proc/self/mountinfo. */
void cgroups_parse(struct cgroups *cgroups, struct str mountinfo, const char *parent);
MUST_USE enum status cgroups_open(struct cgroups *cgroups, const char *parent, struct error *error);

struct cgroup_limits {
	i64 memory_bytes, cpu_shares, cpu_quota_us, pids; /* 0: none */
	bool all_devices;				  /* privileged */
};

/* Makes `group` ("pod1/web-0", below our directory) with its limits. Blocking, as all here. */
MUST_USE enum status cgroup_make(const struct cgroups *cgroups, const char *group,
				 const struct cgroup_limits *limits, struct error *error);
MUST_USE enum status cgroup_set(const struct cgroups *cgroups, const char *group,
				const struct cgroup_limits *limits, struct error *error);
MUST_USE enum status cgroup_join(const struct cgroups *cgroups, const char *group, int pid,
				 struct error *error);
/* The kernel makes the first mover after a pause wait ~10 ms for all CPUs; this takes the wait
 * upon itself (it moves the caller to where it is), so that a cgroup_join soon after is quick. */
void cgroup_warm(const struct cgroups *cgroups);

/* The cgroup.procs files of a group, for spawn_spec.join; ends with NULL. Slices of `room`. */
enum { CGROUP_PATH_MAX = 384 };
struct cgroup_files {
	char room[CGROUP_CONTROLLERS][CGROUP_PATH_MAX];
	const char *at[CGROUP_CONTROLLERS + 1];
};
void cgroup_join_files(const struct cgroups *cgroups, const char *group,
		       struct cgroup_files *ret_files);

/* Directory of a group in one hierarchy; false when there is none. */
bool cgroup_directory(const struct cgroups *cgroups, enum cgroup_controller controller,
		      const char *group, char *ret_path, size_t len);

/* Kills whoever is inside and removes the group; one that is not there is fine. */
MUST_USE enum status cgroup_remove(const struct cgroups *cgroups, const char *group,
				   struct error *error);

/* Kills whoever is in a group ("pod1/web-0") that `keep` does not want, and removes it. */
void cgroups_keep(const struct cgroups *cgroups, bool (*keep)(void *self, const char *group),
		  void *self);

/* Kills whoever is in any of our groups, removes them all and, once they are empty, the
 * directories above that are ours too. Nothing there is fine. */
MUST_USE enum status cgroup_remove_all(const struct cgroups *cgroups, struct error *error);

/* Removes a group that has become empty; does nothing when it has not. */
void cgroup_prune(const struct cgroups *cgroups, const char *group);

u64 cgroup_oom_kills(const struct cgroups *cgroups, const char *group);

struct cgroup_usage {
	u64 cpu_ns, memory_bytes /* working set */, pids;
};
MUST_USE enum status cgroup_usage(const struct cgroups *cgroups, const char *group,
				  struct cgroup_usage *ret_usage, struct error *error);

#endif
