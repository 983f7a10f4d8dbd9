/*
 * A version is one state of one object, for ever: its printed JSON (what a reply or a watch event
 * sends as it is) and the parsed document whose strings point into that JSON, all in one block of
 * memory. Versions are counted; the count belongs to the one thread that owns all state.
 */
#ifndef STORE_VERSION_H
#define STORE_VERSION_H

#include "doc/doc.h"

typedef u16 kind_id; /* as in schema/schema.h: enum kind, or a custom resource's number */

struct version {
	u32 refs;
	kind_id kind;
	bool deleted;  /* a tombstone: the last state, with the revision of the removal */
	u32 size;      /* bytes of the whole block */
	u64 revision;
	i64 seen_ns;   /* wall clock of this server when it was put or loaded */
	struct str namespace, name, uid; /* slices of json; namespace is empty for cluster kinds */
	struct str json;                 /* compact, followed by JSON_PADDING bytes of NUL */
	const struct doc *doc;
};

/* Packs `doc` into a new block with one reference, metadata.resourceVersion set to `revision`
 * (written where it stands already, otherwise last in metadata). The document is not kept. Fails
 * only with ST_TOO_LARGE, past OBJECT_BYTES_MAX of JSON. */
MUST_USE enum status version_new(kind_id kind, const struct doc *doc, u64 revision, bool deleted,
				 struct version **ret_version, struct error *error);

struct version *version_ref(struct version *version); /* NULL is fine for all three */
void version_unref(struct version *version);

/* Takes a reference that the arena gives back when it is freed or reset. */
void version_hold(struct arena *arena, struct version *version);

#endif
