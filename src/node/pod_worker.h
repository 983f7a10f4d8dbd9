/*
 * What to do for one pod: a pure function of the pod as the API shows it, of what is seen on this
 * node, and of the time. It yields a short list of actions, when to look again, and the status to
 * report. No clock, no kernel, no memory of its own: everything it must remember is in `pod_seen`,
 * which the agent keeps and rebuilds from disk after a restart.
 *
 * Follows Kubernetes: concepts/workloads/pods/pod-lifecycle, sidecar-containers, and the kubelet's
 * words for reasons and messages.
 */
#ifndef NODE_POD_WORKER_H
#define NODE_POD_WORKER_H

#include "doc/doc.h"
#include "node/runtime.h"

enum seen_phase { SEEN_NONE, SEEN_WORKING, SEEN_READY, SEEN_FAILED };

/* One finished run of a container. */
struct container_end {
	bool any;
	struct str id;
	i64 started_ns, finished_ns;
	i32 exit_code;
	bool oom_killed, unknown;
	struct str message; /* the termination message */
	struct str reason;  /* overrides Completed/Error: "StartError", "ContainerCannotRun" */
};

struct container_seen {
	struct str name;

	enum seen_phase image;	 /* WORKING: being pulled */
	struct str image_reason; /* ErrImagePull, ErrImageNeverPull, InvalidImageName … */
	struct str image_message;
	i64 image_retry_ns;  /* wall: when to try again after FAILED */
	i64 image_delay_ns;  /* the delay that was counted */
	struct str image_id; /* for the status */

	enum container_phase phase; /* of the newest attempt */
	bool working;		    /* create or start is under way */
	struct str id, image_name;  /* of the newest attempt */
	u32 attempt;		    /* of the newest attempt; the next one is attempt + 1 */
	u64 hash;
	struct container_limits limits; /* in force; zero: not known */
	bool resizing;
	i64 resize_retry_ns;
	i64 started_ns;
	struct container_end end;  /* phase EXITED */
	struct container_end last; /* the attempt before: lastState */

	struct str wait_reason; /* CreateContainerConfigError, CreateContainerError … */
	struct str wait_message;
	i64 wait_retry_ns;

	i64 delay_ns; /* crash back-off in force; 0: none yet */

	enum seen_phase post_start; /* the hook; READY when there is none */
	bool startup_ok;	    /* startup probe passed, or there is none */
	bool ready;		    /* readiness probe passes, or there is none */
	struct str unhealthy;	    /* why liveness or startup wants a restart; empty: well */
	i64 unhealthy_grace_s;	    /* the probe's own grace, or -1 */

	bool killing;		/* a kill is under way */
	bool restart_asked;	/* it was killed to be made anew: another image */
	u32 backoff_told;	/* attempt + 1 whose BackOff event was sent */
	i64 image_backoff_told; /* image_retry_ns whose BackOff event was sent */
};

struct pod_seen {
	enum seen_phase sandbox;
	struct str sandbox_message;
	i64 sandbox_retry_ns;
	struct str ip;
	bool sandbox_changed; /* it died under running containers (a reboot) */

	enum seen_phase volumes;
	struct str volumes_message;
	i64 volumes_retry_ns;

	i64 start_ns;	  /* status.startTime */
	bool initialized; /* init containers ran through once in this sandbox */
	struct str rejected_reason, rejected_message; /* admission on this node failed */
	struct str resize_reason, resize_message; /* why a resize must wait: Deferred, Infeasible */
	bool deadline_passed;
	bool finished; /* phase reached Succeeded or Failed; never leaves again */

	struct container_seen *containers; /* init, then main, then ephemeral, as in the spec */
	u32 containers_len;

	bool delete_sent; /* the object's deletion was asked for */
	struct str host_ip, node_name;
};

struct pod_settings {
	i64 backoff_first_ns, backoff_most_ns; /* 10 s, 5 min */
	i64 backoff_forget_ns;		       /* 10 min of running resets the delay */
};

enum pod_action_type {
	POD_VOLUMES, /* make volumes */
	POD_SANDBOX, /* make namespaces and network */
	POD_PULL,    /* pull or look up the image of `container` */
	POD_RUN,     /* create and start the next attempt of `container` */
	POD_KILL,    /* stop `container`: hook, signal, grace, SIGKILL */
	POD_SANDBOX_REMOVE,
	POD_VOLUMES_REMOVE,
	POD_DELETE, /* everything is gone: delete the object with grace 0 */
	POD_RESIZE, /* give `container` the ceilings its spec has now */
};

struct pod_action {
	enum pod_action_type type;
	u32 container;	    /* index into pod_seen.containers */
	i64 grace_s;	    /* POD_KILL */
	struct str message; /* POD_KILL: sentence of the Killing event */
	i64 delay_ns;	    /* POD_RUN: the back-off that a crash after this run will get */
};

struct pod_event {
	bool warning;
	struct str reason, message;
	i32 container; /* -1: the pod itself */
};

struct pod_plan {
	VEC(struct pod_action) actions;
	VEC(struct pod_event) events; /* only what follows from deciding; deeds report themselves */
	i64 wake_ns;		      /* wall; NEVER_NS: only when something happens */
	bool finished;		      /* goes to pod_seen.finished */
	bool initialized;	      /* goes to pod_seen.initialized */
	bool deadline_passed;
	const struct doc *status; /* the PodStatus to report */
};

extern const struct pod_settings pod_settings_default;

/* `pod` is a whole Pod document (its status is what was reported last: times of conditions are kept
 * where nothing changed). The plan lives in `arena`; slices in it may point into `pod` and `seen`.
 */
void pod_decide(struct arena *arena, const struct doc *pod, const struct pod_seen *seen,
		const struct pod_settings *settings, i64 now_ns, struct pod_plan *ret_plan);

/* ---- shared with the agent and tests */

/* The container's entry in the spec for an index into pod_seen.containers; NULL past the end. */
const struct doc *pod_container(const struct doc *pod, u32 index);
u32 pod_containers_len(const struct doc *pod);
bool pod_container_is_init(const struct doc *pod, u32 index);
bool pod_container_is_sidecar(const struct doc *pod, u32 index);
bool pod_container_is_ephemeral(const struct doc *pod, u32 index);
/* "spec.containers{web}", as involvedObject.fieldPath says it. */
struct str pod_container_path(struct arena *arena, const struct doc *pod, u32 index);

/* Changes when a running container no longer is what the spec asks for (its image). */
u64 container_hash(const struct doc *container);

/* Other resources than those in force are asked for; and whether that takes a new container. */
bool container_resized(const struct doc *container, const struct container_seen *seen);
bool container_resize_restarts(const struct doc *container, const struct container_seen *seen);

/* "Guaranteed", "Burstable" or "BestEffort". */
struct str pod_qos_class(const struct doc *pod);

/* What will happen to an ended container: restarted, and from when on (wall). */
bool container_restarts(const struct doc *pod, u32 index, const struct container_seen *container);
i64 container_restart_ns(const struct container_seen *container,
			 const struct pod_settings *settings);
/* The delay in force after this end: 0 when it ran long enough to be forgiven. */
i64 container_delay(const struct container_seen *container, const struct pod_settings *settings);
/* "10s", "1m20s", "5m0s": how Go prints a Duration of whole seconds. */
struct str duration_text(struct arena *arena, i64 ns);
/* "web-0_default(4f0c…)", as the kubelet names a pod. */
struct str pod_full_name(struct arena *arena, const struct doc *pod);
bool pod_deleting(const struct doc *pod);
/* All init containers have done their work (or a later one proves it). */
bool pod_init_done(const struct doc *pod, const struct pod_seen *seen);
bool container_started(const struct container_seen *container);

/* pod_status.c */
const struct doc *pod_status(struct arena *arena, const struct doc *pod,
			     const struct pod_seen *seen, const struct pod_plan *plan,
			     const struct pod_settings *settings, i64 now_ns);
enum { IMAGE_ERROR_SHOWN_S = 3 }; /* ErrImagePull before it reads ImagePullBackOff */

/* RFC 3339 with seconds, in UTC; and back. 0 for what is no time. */
struct str time_text(struct arena *arena, i64 wall_ns);
i64 time_parse(struct str text);

#endif
