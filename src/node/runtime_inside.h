/* What the files of the conmon + crun runtime share. Nobody else includes this. */
#ifndef NODE_RUNTIME_INSIDE_H
#define NODE_RUNTIME_INSIDE_H

#include "base/arena.h"
#include "base/map.h"
#include "node/runtime.h"
#include "sys/cgroup.h"

struct loop;
struct fd_watch;

enum {
	RUNTIME_DIRECTORY_MAX = 256,
	RUNTIME_PATH_MAX = 512,
	STATE_BYTES_MAX = 64 << 10,
	CONFIG_BYTES_MAX = 1 << 20,
	CREATE_TIMEOUT_MS = 120 * 1000,
};

struct crun_runtime {
	struct runtime runtime;
	struct loop *loop;
	char directory[RUNTIME_DIRECTORY_MAX]; /* holds containers/, exits/, crun/ */
	char conmon[64], crun[64];
	char root_option[RUNTIME_PATH_MAX + 16]; /* "--root=…/crun" */
	struct cgroups cgroups;
	struct runtime_listener listener;
	struct map containers; /* id → struct container */
	int exits_fd;	       /* inotify on exits/ */
	struct fd_watch *exits_watch;
};

/* One container. The record's slices live in `arena`. Jobs on the pool read only what is set
 * before they start and write only what nobody reads until they are done. */
struct container {
	struct crun_runtime *runtime;
	struct arena *arena;
	struct container_record record;
	char directory[RUNTIME_PATH_MAX]; /* …/containers/<id> */
	char group[160];		  /* its cgroup, below ours */
	int conmon_pid, conmon_pidfd, pidfd;
	u64 pid_ticks, conmon_ticks; /* when they were started: guards against reuse */
	struct fd_watch *conmon_watch, *pid_watch;
	bool busy;	 /* a job of create, start or remove is under way */
	bool collecting; /* its end is being read */
	bool removing;
};

/* ---- runtime_crun.c */

i64 runtime_wall_now(void);
/* From now on its end is heard of. */
void container_watch(struct container *container);

/* ---- runtime_take_up.c: what an earlier process left; blocking, before anything else */

enum status runtime_take_up(void *crun_runtime, const struct runtime_listener *listener,
			    struct error *error);

/* ---- runtime_create.c: blocking, on the pool */

/* What create needs, all in container->arena or `arena`. */
struct create_job {
	struct container *container;
	struct arena *arena;
	struct container_spec spec;
	runtime_done *done;
	void *arg;
	enum status status;
	struct error error;
};

void container_create_work(void *create_job);
enum status container_start(struct container *container, struct error *error);
/* Writes state.json. No fsync: after a power cut every container is dead anyway. */
enum status container_save(const struct container *container, struct error *error);
/* Reads state.json into a fresh container; NULL when it is unreadable. */
struct container *container_load(struct crun_runtime *runtime, struct str id);
/* Takes away mounts, cgroup and crun's own state; the record stays. */
void container_clear(const struct container *container);
/* Ends helpers that work on it still, whether or not we know their numbers. */
void container_end_strays(const struct container *container);
/* Kills what runs of it, waits for its conmon, leaves nothing. */
enum status container_remove(const struct container *container, struct error *error);
/* Reads how it ended into the record and saves it. */
void container_collect(struct container *container);
const char *container_path(const struct container *container, const char *name, char *room,
			   size_t len);
const char *container_exit_path(const struct container *container, char *room, size_t len);

/* ---- runtime_exec.c */

enum status crun_exec(void *self, const struct exec_spec *spec, const struct exec_events *events,
		      void *arg, struct runtime_exec **ret_exec, struct error *error);
enum status crun_attach(void *self, struct str id, bool in, const struct exec_events *events,
			void *arg, struct runtime_exec **ret_exec, struct error *error);
bool crun_exec_input(struct runtime_exec *exec, struct str bytes, bool end);
void crun_exec_resize(struct runtime_exec *exec, u32 width, u32 height);
void crun_exec_pause(struct runtime_exec *exec, bool paused);
void crun_exec_cancel(struct runtime_exec *exec);

#endif
