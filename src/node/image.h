/*
 * What starting a container needs to know of its image: directories to stack and the defaults of
 * its configuration (image-spec v1, config.md). Everything lives as long as whoever handed it out
 * says; images.h hands out images that live in the arena it was given.
 */
#ifndef NODE_IMAGE_H
#define NODE_IMAGE_H

#include "base/error.h"
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

/* Where images come from: the store of unpacked images with its registries, or a test's table. */
struct image_request {
	struct str name, policy; /* policy: "Always", "IfNotPresent" or "Never" */
	const struct str *auths; /* .dockerconfigjson texts of the pod's pull secrets */
	u32 auths_len;
};

struct image_events {
	/* It is not here and is being fetched. May not come at all. */
	void (*pulling)(void *arg);
	/* Exactly once. `image` and its slices are gone when the call returns. ST_INVALID: no
	 * image name; ST_NOT_FOUND with policy Never: it is not here. */
	void (*done)(void *arg, const struct image *image, const struct error *error);
};

struct image_source {
	void *self;
	void (*get)(void *self, const struct image_request *request,
		    const struct image_events *events, void *arg);
};

#endif
