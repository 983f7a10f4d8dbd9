/*
 * The deed of running containers, behind a table with two sides: conmon + crun (runtime_crun.c)
 * and the simulator's. A container is made once, started once, and after it ended it is only
 * looked at and deleted; a restart is a new container with the next attempt number.
 *
 * Everything is called from the loop's thread and calls back there. What a call is given need only
 * live until it returns.
 */
#ifndef NODE_RUNTIME_H
#define NODE_RUNTIME_H

#include "base/error.h"
#include "doc/doc.h"

enum container_phase { CONTAINER_NONE, CONTAINER_CREATED, CONTAINER_RUNNING, CONTAINER_EXITED };

/* Ceilings of one container; 0 is "none". */
struct container_limits {
	i64 memory_bytes;
	i64 cpu_shares;	  /* v1's unit: 1024 a core */
	i64 cpu_quota_us; /* CPU time per 100 ms */
	i64 pids;
};

struct container_spec {
	struct str id; /* 64 lower-case hex digits, chosen by the caller */
	struct str pod_uid, pod_namespace, pod_name, name, image, image_id;
	u32 attempt; /* 0, 1, …: the restart count */
	u64 hash;    /* of what makes a running container outdated, see container_hash() */
	const struct str *layers; /* overlay's lower directories, topmost first */
	u32 layers_len;
	const struct doc *config; /* OCI config.json, made by oci_config(); root is "rootfs" */
	struct str log_path;
	struct container_limits limits;
	/* Who it runs as: numbers of the pod (-1: none), else the image's user, looked up inside.
	 */
	struct str user;
	i64 uid, gid;
	bool privileged;
	bool tty, in, in_once;
};

/* What a runtime knows of a container. Slices live as long as the container does. */
struct container_record {
	struct str id, pod_uid, pod_namespace, pod_name, name, image, image_id, log_path;
	u32 attempt;
	u64 hash;
	enum container_phase phase;
	i32 pid;				 /* 0 when it does not run */
	i64 created_ns, started_ns, finished_ns; /* wall */
	struct container_limits limits;		 /* in force */
	i32 exit_code;				 /* 128 + n: ended by signal n */
	bool oom_killed;
	bool unknown; /* it ended while nobody watched: the exit code is a guess */
	bool tty;
};

struct container_stats {
	u64 cpu_ns;	  /* used since start */
	u64 memory_bytes; /* working set */
	u64 pids;
};

typedef void runtime_done(void *self, enum status status, const struct error *error);

/* A command run inside a container, or a client of its main process. Streams are -1 where absent;
 * the caller owns the descriptors it gets and closes them. */
struct exec_spec {
	struct str id;
	const struct str *command;
	u32 command_len;
	bool in, out, err, tty;
};

struct runtime_exec;

struct exec_events {
	/* Output in order of arrival; stream is 1 or 2 (always 1 with a tty). */
	void (*output)(void *self, int stream, struct str bytes);
	/* All input given so far has left: more may come. May be NULL. */
	void (*drained)(void *self);
	/* Last call. code: the command's exit code; a failure to run it has status != ST_OK. */
	void (*ended)(void *self, enum status status, i32 code, const struct error *error);
};

struct runtime_listener {
	void *self;
	void (*exited)(void *self, const struct container_record *record);
};

struct runtime {
	void *self;
	/* Takes up again what an earlier process left: after it, each() and exited() work. */
	enum status (*open)(void *self, const struct runtime_listener *listener,
			    struct error *error);
	void (*create)(void *self, const struct container_spec *spec, runtime_done *done,
		       void *arg);
	void (*start)(void *self, struct str id, runtime_done *done, void *arg);
	enum status (*kill)(void *self, struct str id, int signal, struct error *error);
	/* Other ceilings for one that runs; those that are 0 stay as they are. */
	void (*resize)(void *self, struct str id, const struct container_limits *limits,
		       runtime_done *done, void *arg);
	/* Kills what still runs, removes cgroups, mounts and files. Unknown ids succeed. */
	void (*remove)(void *self, struct str id, runtime_done *done, void *arg);
	/* The n-th container in no useful order; NULL past the last. */
	const struct container_record *(*each)(void *self, u32 n);
	const struct container_record *(*find)(void *self, struct str id);
	enum status (*exec)(void *self, const struct exec_spec *spec,
			    const struct exec_events *events, void *arg, struct runtime_exec **ret,
			    struct error *error);
	/* Joins the main process' streams; ends when either side goes. */
	enum status (*attach)(void *self, struct str id, bool in, const struct exec_events *events,
			      void *arg, struct runtime_exec **ret, struct error *error);
	/* Writes to the command's input; false: taken, but wait for `drained` before giving more.
	 */
	bool (*exec_input)(struct runtime_exec *exec, struct str bytes, bool end);
	void (*exec_resize)(struct runtime_exec *exec, u32 width, u32 height);
	void (*exec_pause)(struct runtime_exec *exec, bool paused); /* stop reading output */
	void (*exec_cancel)(struct runtime_exec *exec); /* kills the command; no more calls */
	enum status (*stats)(void *self, struct str id, struct container_stats *ret_stats,
			     struct error *error);
	/* A file below the container's root, at most `max` bytes, never following a link out of it.
	 */
	enum status (*reopen_log)(void *self, struct str id, struct error *error);
	void (*close)(void *self); /* containers run on */
};

#endif
