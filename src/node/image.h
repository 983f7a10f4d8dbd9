/*
 * What starting a container needs to know of its image: directories to stack and the defaults of
 * its configuration (image-spec v1, config.md). Everything lives as long as whoever handed it out
 * says; images.h hands out images that live in the arena it was given.
 */
#ifndef NODE_IMAGE_H
#define NODE_IMAGE_H

#include "base/str.h"
#include "base/types.h"

struct image {
	struct str name;	  /* as a pod names it: "nginx:1.25" */
	struct str id;		  /* "sha256:…" of its configuration */
	struct str digest;	  /* "docker.io/library/nginx@sha256:…", or empty when imported */
	const struct str *layers; /* unpacked directories, topmost first, as overlayfs wants them */
	u32 layers_len;
	const struct str *entrypoint, *cmd, *env; /* env: "NAME=value" */
	u32 entrypoint_len, cmd_len, env_len;
	struct str user;	/* "", "1000", "nginx", "1000:1000", "nginx:www" */
	struct str workdir;	/* "" is / */
	struct str stop_signal; /* "", "SIGQUIT", "3" */
	i64 size_bytes;
};

#endif
