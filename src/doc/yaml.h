/*
 * YAML in and out as kubectl does it (sigs.k8s.io/yaml over go-yaml v2): YAML 1.1 scalars (yes, no,
 * on, off are booleans; timestamps stay strings), aliases and merge keys expanded under a limit,
 * every key turned into a string, because what comes out must be JSON.
 */
#ifndef DOC_YAML_H
#define DOC_YAML_H

#include "base/buffer.h"
#include "doc/doc.h"

enum {
	YAML_BYTES_MAX = 32 << 20,	 /* one stream: a file of manifests, not one object */
	YAML_DOCUMENTS_MAX = 100000,	 /* in one stream */
	YAML_ALIAS_BYTES_MAX = 32 << 20, /* what all aliases of a stream stand for */
};

struct yaml_document {
	const struct doc *doc; /* never NULL; documents of nothing but comments are left out */
	u32 line;	       /* where it starts, from 1 */
};

struct yaml_documents {
	VEC(struct yaml_document) items;
};

/* Parses a stream of documents parted by "---". JSON is YAML, so .json files may come here too.
 * ST_BAD_REQUEST: "error converting YAML to JSON: yaml: line 3: …"; ST_TOO_LARGE past a limit. */
MUST_USE enum status yaml_parse_all(struct arena *arena, struct str text,
				    struct yaml_documents *ret_documents, struct error *error);

/* The first document only, for a request body of one object (null when there is none). Unless
 * `duplicates` is NULL, paths of keys that stand twice are collected as in json_parse_strict. */
MUST_USE enum status yaml_parse(struct arena *arena, struct str text, const struct doc **ret_doc,
				struct str *duplicates, u32 max, u32 *ret_duplicates,
				struct error *error);

/* Appends one document in block style, keys sorted, as kubectl -o yaml prints it, with a newline at
 * the end. False only when the buffer's limit is reached. */
bool yaml_print(struct buffer *out, const struct doc *d);

#endif
