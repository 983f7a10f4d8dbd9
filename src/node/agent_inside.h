/* What the files of the agent share. Nobody else includes this. */
#ifndef NODE_AGENT_INSIDE_H
#define NODE_AGENT_INSIDE_H

#include "base/map.h"
#include "base/random.h"
#include "client/client.h"
#include "network/pod_network.h"
#include "node/agent.h"
#include "node/image.h"
#include "node/oci_config.h"
#include "node/probes.h"
#include "node/runtime.h"
#include "node/volumes.h"
#include "schema/schema.h"
#include "server/node_door.h"
#include "server/usage.h"
#include "sys/loop.h"

enum {
	AGENT_PATH_MAX = 512,
	EVENT_MEMORY = 128,
	POD_SOURCES_MAX = 128,
	POD_AUTHS_MAX = 16,
	PROBE_KINDS = 3,
};

struct pod;
struct prober;
struct source;
struct token;

/* One container of a pod; its seen half is pod->seen.containers[index]. */
struct agent_container {
	struct pod *pod;
	u32 index;
	struct arena *image_arena; /* holds `image` */
	struct image image;
	i64 pull_started_ns;
	i64 next_delay_ns; /* what POD_RUN said */

	/* Being killed. */
	struct timer *kill_timer;
	struct probe_call *kill_hook;
	i64 kill_deadline_ns; /* monotonic */
	bool signalled;

	struct probe_call *start_hook;
	struct prober *probers[PROBE_KINDS];
};

struct pod {
	struct agent *agent;
	struct pod *next;
	struct arena *arena; /* for what never changes: uid, name, namespace */
	struct str uid, ns, name;
	struct arena *doc_arena;
	const struct doc *doc; /* as the API shows it */
	struct pod_seen seen;
	struct agent_container **containers;

	struct source *sources[POD_SOURCES_MAX];
	u32 sources_len;
	struct token *tokens;
	bool sources_waiting; /* POD_VOLUMES waits for them */
	bool asking;	      /* sources_ready() is at work */
	u32 calls;	      /* to the API, under way: they come back to us */
	bool volumes_again;   /* something changed while they were written */
	bool volumes_told;    /* that a claim is not bound */

	struct timer *timer;
	bool dirty;
	bool gone;	   /* the API has it no more */
	bool admitting;	   /* this node has not said yet whether it takes it */
	bool ending;	   /* jobs of the end are under way */
	char *status_sent; /* JSON */
	bool status_in_flight, status_again;
	char directory[AGENT_PATH_MAX]; /* DATA/node/pods/<uid> */
	char logs[AGENT_PATH_MAX];	/* DATA/logs/pods/<ns>_<name>_<uid> */
};

struct told_event {
	u64 key;
	u32 count;
	char ns[64], name[320];
};

struct agent {
	struct agent_config config;
	struct arena *arena;
	struct loop *loop;
	struct client *client;
	const struct image_source *images;
	struct runtime *runtime;
	struct pod_network *network;
	struct host_ports *host_ports;
	struct random random;
	struct pod *pods;
	struct map by_uid;
	struct client_watch *pod_watch, *service_watch, *volume_watch;
	struct source *sources;
	struct map services; /* "ns/name" → struct source: documents of Services */
	bool posted, stopping, synced;
	struct node_door door;
	struct usage_source usage;
	struct session *sessions;
	struct log_stream *log_streams;
	struct tunnel *tunnels;
	u32 emptying; /* directories of volumes that go, under way */
	struct timer *volume_timer;
	struct timer *lease_timer, *status_timer, *rotate_timer, *storage_timer;
	u32 measuring; /* jobs on the pool */
	bool node_known, lease_known;
	i64 cpu_milli, memory_bytes;
	u64 own_capabilities;
	struct told_event events[EVENT_MEMORY];
	u32 events_at;
};

/* ---- agent.c */
i64 agent_wall(void);
i64 agent_mono(void);
void pod_wake(struct pod *pod);			     /* decide again, soon */
void text_keep(struct str *field, struct str value); /* replaces an owned copy */
struct str id_new(struct agent *agent, struct arena *arena);
bool pod_may_go(const struct pod *pod);
void pod_free(struct pod *pod);

/* ---- agent_pod.c */
void pod_step(struct pod *pod);
void pod_take_document(struct pod *pod, const struct doc *doc);
/* Fills `seen` from what still runs and from the status reported last. */
void pod_take_up(struct pod *pod);

/* ---- agent_container.c */
void container_pull(struct agent_container *container);
/* The texts of the pod's pull secrets, at most POD_AUTHS_MAX; how many there are. */
u32 pod_pull_auths(struct pod *pod, struct arena *arena, struct str *auths);
void container_run(struct agent_container *container, i64 delay_ns);
void container_kill(struct agent_container *container, i64 grace_s, struct str message);
void container_resize(struct agent_container *container);
void container_exited(struct agent_container *container, const struct container_record *record);
void container_release(struct agent_container *container);
void container_note_end(struct pod *pod, const struct container_record *record,
			struct container_end *end);

/* ---- agent_admit.c */
/* Whether the pod as it is asked for now finds room; else why not goes into pod->seen. */
bool pod_find_room(struct pod *pod);
void pod_begin_admission(struct pod *pod); /* of a new one; until it is over nothing is done */
void storage_watch(struct pod *pod);	   /* one of its containers runs */

/* ---- agent_ports.c */
void agent_tell_ports(struct agent *agent);

/* ---- agent_hooks.c: postStart and preStop */
void hook_post_start(struct agent_container *container);
/* Calls container_signal() when the hook is over or there is none. */
void hook_pre_stop(struct agent_container *container);
void container_signal(struct agent_container *container);

/* ---- agent_probe.c */
void probers_start(struct agent_container *container);
void probers_stop(struct agent_container *container);

/* ---- agent_sources.c: documents that pods name */
void sources_take(struct pod *pod); /* watches what the pod's spec names */
void sources_release(struct pod *pod);
bool sources_ready(struct pod *pod); /* everything is known, tokens too; asks for what is not */
i64 tokens_renew_ns(const struct pod *pod); /* wall; NEVER_NS: none */
struct pod_sources sources_of(struct pod *pod);
const struct doc *source_find(struct pod *pod, struct str kind, struct str name);
void services_start(struct agent *agent);
void services_stop(struct agent *agent);
const struct doc *service_document(const void *entry);

/* ---- agent_volumes.c */
void volumes_start(struct pod *pod);
void volumes_refresh(struct pod *pod); /* a source changed */

/* ---- agent_remove.c */
void volumes_end(struct pod *pod); /* removes containers, volumes, files of a pod */

/* ---- agent_mounts.c */
/* The mounts of one container. Failure: CreateContainerConfigError's sentence. */
MUST_USE enum status container_mounts(struct agent_container *container, struct arena *arena,
				      struct str termination_file, const struct str *env,
				      u32 env_len, struct oci_mount **ret_mounts, u32 *ret_len,
				      struct error *error);

/* ---- agent_etc.c */
/* etc-hosts, resolv.conf, hostname and /dev/shm of a pod whose sandbox is ready. */
MUST_USE enum status pod_etc_files(struct pod *pod, struct error *error);

/* ---- agent_local.c: directories of the built-in provisioner that go with their volumes */
void local_volumes_start(struct agent *agent);
void local_volumes_stop(struct agent *agent);

/* ---- agent_node.c */
void node_start(struct agent *agent);
void node_stop(struct agent *agent);
void node_find_capacity(struct agent *agent);

/* ---- agent_events.c */
void event_pod(struct pod *pod, i32 container, bool warning, const char *reason,
	       struct str message);

/* ---- agent_door.c */
void door_init(struct agent *agent);
/* Ends sessions and log streams; what their clients still do comes to nothing. */
void door_close(struct agent *agent);

#endif
