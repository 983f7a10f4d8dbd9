/*
 * What the locked-in child does: the two jobs, and what they share. Blocking, single-threaded but
 * for a few children of its own that fetch layers side by side.
 */
#ifndef NODE_IMAGE_JOB_H
#define NODE_IMAGE_JOB_H

#include "node/image_store.h"
#include "node/image_unpack.h"
#include "node/registry.h"

struct image_job {
	struct arena *arena;
	const char *folder; /* as the child sees it */
	struct str reference;
	const struct image_mirror *mirrors;
	u32 mirrors_len;
	const struct doc *const *secrets;
	u32 secrets_len;
	int archive; /* of an import: open for reading */
	i64 now_ns;
};

struct image_done {
	struct str id, name;
};

struct images_done_list {
	VEC(struct image_done) items;
};

MUST_USE enum status image_job_pull(struct image_job *job, struct images_done_list *done,
				    struct error *error);
MUST_USE enum status image_job_import(struct image_job *job, struct images_done_list *done,
				      struct error *error);

/* One layer from `source` into the store, unless it is there already or another process is quicker.
 * Empty `digest`: only the diff id is checked. */
struct layer_want {
	struct str digest, diff_id;
};
MUST_USE enum status image_job_layer(struct image_job *job, const struct layer_want *want,
				     const struct byte_source *source, struct error *error);

/* "sha256:…" of bytes. */
struct str image_job_digest(struct arena *arena, struct str bytes);

#endif
