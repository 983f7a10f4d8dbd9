/*
 * A pod's volumes as directories on this node. Contents that come from the API (configMap, secret,
 * downwardAPI, projected) are pure: volume_files() makes a list of files from documents; writing
 * them goes through the `..data` link, so a container sees either the old set or the new one.
 */
#ifndef NODE_VOLUMES_H
#define NODE_VOLUMES_H

#include "base/error.h"
#include "doc/doc.h"

struct volume_file {
	struct str path; /* relative, no ".." */
	struct str contents;
	u32 mode; /* 0644 … */
};

struct volume_files {
	VEC(struct volume_file) files;
};

/* Where documents that volumes and variables name come from: the agent's cache, or a test's table.
 * NULL with *ret_missing_ok untouched: not there. */
struct pod_sources {
	void *self;
	/* kind: "ConfigMap", "Secret" or "PersistentVolumeClaim" of the pod's namespace, or a
	 * "PersistentVolume". NULL when it does not exist. */
	const struct doc *(*find)(void *self, struct str kind, struct str name);
	/* A bound token of the pod's service account. Empty when there is none yet. */
	struct str (*token)(void *self, struct str audience, i64 expiration_s);
	struct str host_ip, pod_ip, node_name;
	/* Where a pod finds the API server; empty: at the address of the Service `kubernetes`. */
	struct str api_host, api_port;
	i64 node_cpu_milli, node_memory_bytes; /* what resourceFieldRef gives without a limit */
};

/* True when the volume's contents come from the API. */
bool volume_has_files(const struct doc *volume);

/* Contents of a configMap, secret, downwardAPI or projected volume. A missing source that is not
 * optional is ST_NOT_FOUND with kubelet's sentence: `configmap "x" not found`. */
MUST_USE enum status volume_files(struct arena *arena, const struct doc *pod,
				  const struct doc *volume, const struct pod_sources *sources,
				  struct volume_files *ret_files, struct error *error);

/* The value under a key of a ConfigMap or Secret; false when it has none. */
bool source_value(struct arena *arena, const struct doc *object, bool secret, struct str key,
		  struct str *ret_value);

/* Writes them below `directory` through a fresh timestamped directory and the ..data link; does
 * nothing when all is as wanted. Blocking. gid < 0: leave the group alone. */
MUST_USE enum status volume_write(const char *directory, const struct volume_files *files, i64 gid,
				  bool *ret_changed, struct error *error);

/* The directory of an emptyDir (made, and mounted as tmpfs for Memory) or a hostPath (checked
 * against its type). Blocking. */
MUST_USE enum status volume_make_empty(const char *directory, const struct doc *empty_dir, i64 gid,
				       struct error *error);
MUST_USE enum status volume_check_host(const struct doc *host_path, struct error *error);

/* In volume_mounts.c; all blocking, and content with what is mounted there already. */

/* Binds a file or directory of this node, found once, to `target`. */
MUST_USE enum status volume_bind(const char *path, const char *target, struct error *error);
/* Makes the directory of a volume of the built-in provisioner: one name below `base`, writable by
 * any user. ST_INVALID for a path that lies elsewhere. */
MUST_USE enum status volume_make_managed(const char *path, const char *base, struct error *error);
/* Mounts with the system's mount.nfs; a clear sentence when there is none. */
MUST_USE enum status volume_mount_nfs(const struct doc *nfs, const struct doc *options,
				      bool read_only, const char *target, struct error *error);
/* An image's layers (topmost first), for reading only. */
MUST_USE enum status volume_mount_image(const struct str *layers, u32 len, const char *target,
					struct error *error);

/* Gives all that is in a volume to a group, as fsGroup wants it. `on_mismatch`: only when the top
 * does not belong to it yet (fsGroupChangePolicy: OnRootMismatch). Follows no link and crosses no
 * mount. Blocking. */
MUST_USE enum status volume_give_group(const char *path, i64 gid, bool on_mismatch,
				       struct error *error);

/* Unmounts and removes a pod's volumes. Blocking. */
MUST_USE enum status volumes_remove(const char *directory, struct error *error);

/* One field of the pod for downward use: "metadata.labels['app']", "status.podIP", … */
MUST_USE enum status pod_field(struct arena *arena, const struct doc *pod, struct str path,
			       const struct pod_sources *sources, struct str *ret_value,
			       struct error *error);
MUST_USE enum status pod_resource_field(struct arena *arena, const struct doc *pod,
					const struct doc *selector, struct str container_name,
					const struct pod_sources *sources, struct str *ret_value,
					struct error *error);

#endif
