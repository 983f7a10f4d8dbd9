/*
 * A client of image registries: the distribution protocol (OCI distribution-spec v1, Docker
 * Registry HTTP API V2) over libcurl, blocking, for the child that pulls. One object talks about
 * one repository; it finds out which mirror answers, logs in when asked to, and remembers both.
 */
#ifndef NODE_REGISTRY_H
#define NODE_REGISTRY_H

#include "doc/doc.h"
#include "node/image_credentials.h"
#include "node/image_unpack.h"
#include "node/images.h"

struct registry;

struct registry_config {
	const struct image_reference *reference;
	const struct image_mirror *mirrors;
	u32 mirrors_len;
	const struct image_logins *logins; /* tried one after the other, then nobody */
};

/* Everything lives in `arena`, the connection until registry_close. */
MUST_USE enum status registry_open(struct arena *arena, const struct registry_config *config,
				   struct registry **ret_registry, struct error *error);
void registry_close(struct registry *registry); /* NULL is fine */
/* Another connection to the same place, with what was found out about it: for a forked child, which
 * must not share its parent's sockets. */
MUST_USE enum status registry_again(struct arena *arena, const struct registry *registry,
				    struct registry **ret_registry, struct error *error);

/* Fetches a manifest by tag or digest ("sha256:…"); a digest is verified, and computed for a tag.
 * Mirrors and the registry itself are asked in turn until one has it. ST_NOT_FOUND,
 * ST_UNAUTHORIZED, ST_UNAVAILABLE, ST_INVALID, each with what the registry said. */
MUST_USE enum status registry_manifest(struct registry *registry, struct str tag_or_digest,
				       const struct doc **ret_manifest, struct str *ret_digest,
				       struct error *error);

/* Fetches a small blob whole and verifies it. */
MUST_USE enum status registry_blob(struct registry *registry, struct str digest, size_t max,
				   struct str *ret_bytes, struct error *error);

/* A large blob as a stream that takes up again where a connection broke. Not verified: whoever
 * reads it hashes it. `size` is what the manifest says; more than that is an error. Ends with
 * registry_stream_close. One at a time. */
void registry_stream(struct registry *registry, struct str digest, i64 size,
		     struct byte_source *ret_source);
void registry_stream_close(struct registry *registry);

#endif
