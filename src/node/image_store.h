/*
 * The image folder on disk. It holds no state in memory, so that a server, its workers and
 * `minke image` can use it at once: everything appears by rename, whoever removes takes a lock.
 *
 *	layers/<hex of diff id>/fs        unpacked, with layer.json beside it
 *	manifests/<hex of image id>.json  {"id", "layers": [diff ids], "config", "size", "created"}
 *	refs/<hex of sha256(name)>.json   {"name", "image", "digest"}
 *	tmp/XXXXXX/                       under construction, locked by whoever builds
 *	locks/<hex>                       held while a layer is fetched, so that it is fetched once
 */
#ifndef NODE_IMAGE_STORE_H
#define NODE_IMAGE_STORE_H

#include "node/images.h"

/* Makes the folders that are missing, and clears away what dead processes left. */
MUST_USE enum status image_store_prepare(const char *folder, struct error *error);

/* ---- layers */

bool image_store_has_layer(const char *folder, struct str diff_id);

/* Waits until nobody else is busy with this layer. The lock ends with close(*ret_fd). */
MUST_USE enum status image_store_lock_layer(const char *folder, struct str diff_id, int *ret_fd,
					    struct error *error);

/* A new folder below tmp/ with an empty fs/ in it; its path is written to `ret_path`. */
enum { STORE_PATH_MAX = 1024 };
MUST_USE enum status image_store_begin(const char *folder, char ret_path[STORE_PATH_MAX],
				       struct error *error);
/* Throws it away again; what cannot be removed now goes at the next start. */
void image_store_abandon(const char *path);
/* Moves it to its place. When another process was quicker, its layer stays and ours goes. */
MUST_USE enum status image_store_commit_layer(const char *folder, const char *path,
					      struct str diff_id, i64 bytes, struct error *error);

/* ---- images and names */

struct image_record {
	struct str id;	   /* "sha256:…" of the configuration */
	struct str name;   /* "docker.io/library/nginx:latest"; may be empty */
	struct str digest; /* "docker.io/library/nginx@sha256:…"; may be empty */
	const struct doc *config;
	const struct str *diff_ids; /* lowest first */
	u32 diff_ids_len;
	i64 now_ns; /* wall */
};

/* All layers must be there (ST_NOT_FOUND when one was removed meanwhile: begin again). */
MUST_USE enum status image_store_put(const char *folder, const struct image_record *record,
				     struct error *error);

/* By name, name@digest or id. ST_NOT_FOUND. */
MUST_USE enum status image_store_find(struct arena *arena, const char *folder, struct str reference,
				      const struct image **ret_image, struct error *error);

#endif
