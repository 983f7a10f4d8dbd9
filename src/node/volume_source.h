/*
 * What a volume of a pod comes down to on this node, once its claim has been followed to the volume
 * it is bound to. Pure: documents in, one of a few sorts out.
 */
#ifndef NODE_VOLUME_SOURCE_H
#define NODE_VOLUME_SOURCE_H

#include "node/volumes.h"

enum volume_sort {
	VOLUME_FILES,	  /* configMap, secret, downwardAPI, projected */
	VOLUME_EMPTY_DIR, /* source: the emptyDir */
	VOLUME_HOST_PATH, /* of the pod itself: used where it lies */
	VOLUME_BOUND,	  /* a PersistentVolume that is a path of this node: bound below the pod */
	VOLUME_NFS,	  /* source: the nfs */
	VOLUME_IMAGE,	  /* source: the image */
};

struct volume_source {
	enum volume_sort sort;
	const struct doc *source;	 /* the part of the spec that says where */
	const struct doc *mount_options; /* of a PersistentVolume, or NULL */
	struct str volume;		 /* name of the PersistentVolume; empty: none */
	bool read_only;
	bool managed; /* made by the built-in provisioner: its directory is ours to make */
	bool grouped; /* fsGroup applies to what is in it */
	bool waits;   /* on failure: its claim is not bound yet, which may well happen soon */
};

/* The name of the claim a volume stands for (persistentVolumeClaim or ephemeral), or empty. */
struct str volume_claim(struct arena *arena, const struct doc *pod, const struct doc *volume);

/* ST_NOT_FOUND, ST_CONFLICT (not bound yet) or ST_INVALID, in the kubelet's words where it has any.
 * `sources` gives PersistentVolumeClaims of the pod's namespace and PersistentVolumes. */
MUST_USE enum status volume_resolve(struct arena *arena, const struct doc *pod,
				    const struct doc *volume, const struct pod_sources *sources,
				    struct volume_source *ret_source, struct error *error);

#endif
