/*
 * What registries and archives say about an image: manifests, lists of them for several platforms
 * (OCI image-spec v1 and Docker's schema 2, which differ in media types only), and configurations.
 * Pure: documents in, facts out.
 */
#ifndef NODE_IMAGE_MANIFEST_H
#define NODE_IMAGE_MANIFEST_H

#include "doc/doc.h"
#include "node/image.h"

enum {
	MANIFEST_BYTES_MAX = 4 << 20,
	CONFIG_BYTES_MAX = 8 << 20,
	LAYERS_MAX = 127, /* as containerd and Docker allow */
};

/* What to send as Accept when asking for a manifest. */
#define MANIFEST_ACCEPT                                                                            \
	"application/vnd.oci.image.manifest.v1+json, application/vnd.oci.image.index.v1+json, "    \
	"application/vnd.docker.distribution.manifest.v2+json, "                                   \
	"application/vnd.docker.distribution.manifest.list.v2+json"

struct blob {
	struct str digest; /* "sha256:…" */
	i64 size;
};

struct manifest {
	bool is_list;	    /* then only `chosen` is set */
	struct blob chosen; /* of a list: the manifest for this machine */
	struct blob config;
	struct blob layers[LAYERS_MAX];
	u32 layers_len;
};

/* ST_INVALID with a sentence when it is no manifest, or of the long dead schema 1;
 * ST_NOT_FOUND "no match for platform linux/amd64 in manifest". */
MUST_USE enum status manifest_read(const struct doc *d, struct manifest *ret_manifest,
				   struct error *error);

/* The diff ids of a configuration, lowest layer first. ST_INVALID when there is something else. */
struct diff_ids {
	struct str at[LAYERS_MAX];
	u32 len;
};
MUST_USE enum status config_diff_ids(const struct doc *config, struct diff_ids *ret_ids,
				     struct error *error);
/* ST_INVALID when the configuration is for another machine than this. */
MUST_USE enum status config_check_platform(const struct doc *config, struct error *error);

/* Fills entrypoint, cmd, env, user, workdir, stop_signal. */
void config_to_image(struct arena *arena, const struct doc *config, struct image *image);

#endif
