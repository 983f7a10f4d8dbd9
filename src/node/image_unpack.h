/*
 * A layer becomes a folder: a compressed tar stream is hashed, unpacked, hashed again and written
 * below a root nothing in it can leave (image-spec v1, layer.md). Whiteouts become what overlayfs
 * understands. Meant for the locked-in child; nothing in here trusts a byte.
 */
#ifndef NODE_IMAGE_UNPACK_H
#define NODE_IMAGE_UNPACK_H

#include "base/error.h"
#include "base/str.h"
#include "sys/root.h"

/* Where bytes come from. Returns how many were put into `buffer` (0 at the end), or -1 with error
 * filled. */
struct byte_source {
	i64 (*read)(void *self, void *buffer, size_t max, struct error *error);
	void *self;
};

struct unpack_limits {
	u64 entries;
	u64 bytes; /* of all files together, as they would be without holes */
	u32 depth; /* folders inside each other */
};

extern const struct unpack_limits unpack_limits_default;

struct layer_facts {
	char digest[72];  /* of the stream as it came: "sha256:…" */
	char diff_id[72]; /* of the tar inside */
	i64 compressed_bytes, bytes;
	u64 entries;
};

/* Unpacks one layer into `root` and reads the stream to its end. ST_INVALID: the archive is broken,
 * or tries what no layer needs to; ST_TOO_LARGE: past a limit; else what source or disk say. What
 * was written stays, for the caller to throw away. After a failure facts->digest is filled when the
 * stream could still be read to its end. */
MUST_USE enum status image_unpack(struct root *root, const struct byte_source *source,
				  const struct unpack_limits *limits, struct layer_facts *ret_facts,
				  struct error *error);

#endif
