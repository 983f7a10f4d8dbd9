/*
 * The OCI runtime configuration (runtime-spec v1.0, config.md) of one container: a pure function of
 * the pod, the container, its image and where its parts lie on this node.
 */
#ifndef NODE_OCI_CONFIG_H
#define NODE_OCI_CONFIG_H

#include "doc/doc.h"
#include "node/image.h"
#include "node/runtime.h"
#include "sys/devices.h"

struct oci_mount {
	struct str source, target;
	bool read_only;
	struct str propagation; /* "", "HostToContainer", "Bidirectional", "None" */
	bool recursive;		/* with read_only: so is what is mounted below */
};

struct oci_input {
	const struct doc *pod, *container;
	const struct image *image;
	const struct str *env; /* "NAME=value", complete but for the image's */
	u32 env_len;
	const struct oci_mount *mounts;
	u32 mounts_len;
	struct str net, ipc, uts, pid; /* namespaces to join by path; empty: see host_* */
	const struct device *devices; /* of the machine, for privileged containers */
	u32 devices_len;
	u64 own_capabilities;	       /* what we may hand on: bit n is capability n */
	i32 oom_score_adj;
	bool can_lower_oom_score; /* CAP_SYS_RESOURCE */
	struct container_limits limits;
};

const struct doc *oci_config(struct arena *arena, const struct oci_input *input);

/* The command that will run: command and args of the container over ENTRYPOINT and CMD of the
 * image, $(VAR) expanded from `env`. Empty: nothing says what to run. */
const struct doc *oci_args(struct arena *arena, const struct doc *container,
			   const struct image *image, const struct str *env, u32 env_len);

/* "$(NAME)" from "NAME=value" entries; "$$" is "$"; what is not known stays as it is. */
struct str oci_expand(struct arena *arena, struct str text, const struct str *env, u32 env_len);

/* securityContext of container over pod; -1 where neither says. */
i64 security_user(const struct doc *pod, const struct doc *container);
i64 security_group(const struct doc *pod, const struct doc *container);
bool security_privileged(const struct doc *container);
/* Refuses what runAsNonRoot forbids, in kubelet's words. */
MUST_USE enum status security_check_user(const struct doc *pod, const struct doc *container,
					 const struct image *image, struct error *error);

/* Limits from resources: cpu.shares of the request, quota and memory of the limits. */
struct container_limits container_limits(const struct doc *container, i64 pids);

/* Kubernetes' scale: Guaranteed -997, BestEffort 1000, Burstable by memory request. */
i32 container_oom_score(const struct doc *pod, const struct doc *container, i64 node_memory);

#endif
