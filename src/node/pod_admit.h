/*
 * Whether this node takes a pod that was bound to it: the kubelet's own last look, for pods whose
 * nodeName was written by hand too. And whether a pod that runs uses more of the node's disk than
 * it may. Pure; the words are the kubelet's.
 */
#ifndef NODE_POD_ADMIT_H
#define NODE_POD_ADMIT_H

#include "doc/doc.h"

struct verdict {
	struct str reason; /* empty: all is well */
	struct str message;
};

struct node_room {
	const struct doc *labels;	       /* of the Node; NULL: not known, not looked at */
	i64 cpu_milli, memory_bytes;	       /* of the machine */
	i64 used_cpu_milli, used_memory_bytes; /* asked for by the pods that are here */
	u32 pods, pods_max;
};

struct verdict pod_admit(struct arena *arena, const struct doc *pod, const struct node_room *room);
/* Whether pod_admit() would look at the node's labels. */
bool pod_wants_labels(const struct doc *pod);
/* What a pod asks for. */
void pod_add_requests(struct arena *arena, const struct doc *pod, i64 *cpu_milli,
		      i64 *memory_bytes);

struct storage_use {
	const struct str *volumes; /* names of emptyDir volumes on disk */
	const i64 *volume_bytes;
	u32 volumes_len;
	const i64 *container_bytes; /* writable layer and logs, in the order of the spec's lists */
	u32 containers_len;
};

/* Whether anything limits its use of the disk. */
bool pod_limits_storage(const struct doc *pod);
struct verdict pod_storage_verdict(struct arena *arena, const struct doc *pod,
				   const struct storage_use *use);

#endif
