/*
 * Packing a version: one measured block holds the header, the document's nodes, the printed JSON
 * and the decoded text of the few strings that JSON must escape. Every other string is a slice of
 * the JSON, so a document costs its text once and 16 bytes a node.
 */
#include "store/version.h"

#include <stdio.h>
#include <stdlib.h>

#include "base/check.h"
#include "doc/json.h"

struct measure {
	size_t nodes, text;
};

static void measure_string(struct measure *m, const struct doc *d)
{
	if (d->flags & DOC_ESCAPE)
		m->text += d->len;
}

static void measure(struct measure *m, const struct doc *d)
{
	m->nodes++;
	if (d->type == DOC_STRING)
		measure_string(m, d);
	else if (d->type == DOC_ARRAY)
		for (u32 i = 0; i < d->len; i++)
			measure(m, &d->items[i]);
	else if (d->type == DOC_OBJECT)
		for (u32 i = 0; i < d->len; i++) {
			m->nodes++;
			measure_string(m, &d->items[2 * i]);
			measure(m, &d->items[2 * i + 1]);
		}
}

/* Where the next node, JSON byte and decoded byte go or stand. */
struct packer {
	struct doc *node;
	const char *json;
	char *text;
};

/* Walks the document and its JSON in step: each string's place in the JSON follows from sizes. */
static void pack_string(struct packer *p, const struct doc *from, struct doc *to)
{
	*to = *from;
	if (from->flags & DOC_ESCAPE) {
		to->text = p->text;
		if (from->len)
			p->text = mempcpy(p->text, from->text, from->len);
		p->json += json_size(from);
	} else {
		to->text = p->json + 1;
		p->json += from->len + 2;
	}
}

static void pack(struct packer *p, const struct doc *from, struct doc *to)
{
	u32 count = from->type == DOC_OBJECT ? 2 * from->len : from->len;

	if (from->type == DOC_STRING) {
		pack_string(p, from, to);
		return;
	}
	*to = *from;
	if (from->type == DOC_NUMBER)
		to->text = p->json;
	if (from->type < DOC_ARRAY) {
		p->json += json_size(from);
		return;
	}
	struct doc *items = p->node;

	p->node += count;
	to->items = items;
	p->json += count == 0; /* the opening bracket; below, a comma or bracket before each item */
	for (u32 i = 0; i < count; i++) {
		p->json++;
		if (from->type == DOC_OBJECT && i % 2 == 0)
			pack_string(p, &from->items[i], &items[i]);
		else
			pack(p, &from->items[i], &items[i]);
	}
	p->json++;
}

static struct version *block_new(size_t bytes)
{
	struct version *version = malloc(bytes);

	if (!version) {
		fprintf(stderr, "fatal store out of memory bytes=%zu\n", bytes);
		abort();
	}
	return version;
}

static void pack_version(struct version *v, const struct doc *doc, const struct measure *m)
{
	struct doc *nodes = (struct doc *)(void *)(v + 1);
	char *json = (char *)(nodes + m->nodes);
	size_t size = v->json.len;
	struct buffer out = { .at = json, .cap = size, .max = size };
	struct packer p = { nodes + 1, json, json + size + JSON_PADDING };

	/* The buffer is exactly as large as the text, so it is filled and never moved. */
	CHECK(json_print(&out, doc) && out.at == json && out.len == size);
	memset(json + size, 0, JSON_PADDING);
	v->json.at = json;
	pack(&p, doc, nodes);
	CHECK(p.node == nodes + m->nodes && p.json == json + size);
	CHECK(p.text == json + size + JSON_PADDING + m->text);
	v->doc = nodes;
	v->namespace = doc_at_str(v->doc, "metadata.namespace");
	v->name = doc_at_str(v->doc, "metadata.name");
	v->uid = doc_at_str(v->doc, "metadata.uid");
}

enum status version_new(kind_id kind, const struct doc *doc, u64 revision, bool deleted,
			struct version **ret_version, struct error *error)
{
	CLEANUP(arena_free_cleanup) struct arena *scratch = arena_new(0);
	struct measure m = { 0 };
	char digits[24];
	int len = snprintf(digits, sizeof digits, "%llu", (unsigned long long)revision);

	CHECK(doc_is(doc, DOC_OBJECT));
	doc = doc_set_str(scratch, doc, "metadata.resourceVersion",
			  (struct str){ digits, (size_t)len });
	measure(&m, doc);
	size_t size = json_size(doc);

	if (size > OBJECT_BYTES_MAX)
		return fail(error, ST_TOO_LARGE, "the object is %zu bytes, the limit is %d", size,
			    OBJECT_BYTES_MAX);
	size_t bytes = sizeof(struct version) + m.nodes * sizeof(struct doc) + size + JSON_PADDING +
		       m.text;
	struct version *version = block_new(bytes);

	*version = (struct version){
		.refs = 1, .kind = kind, .deleted = deleted, .size = (u32)bytes,
		.revision = revision, .json.len = size,
	};
	pack_version(version, doc, &m);
	*ret_version = version;
	return ST_OK;
}

struct version *version_ref(struct version *version)
{
	if (version) {
		CHECK(version->refs > 0 && version->refs < UINT32_MAX);
		version->refs++;
	}
	return version;
}

void version_unref(struct version *version)
{
	if (!version)
		return;
	CHECK(version->refs > 0);
	if (--version->refs == 0)
		free(version);
}

static void unref_deferred(void *version)
{
	version_unref(version);
}

void version_hold(struct arena *arena, struct version *version)
{
	if (version)
		arena_defer(arena, unref_deferred, version_ref(version));
}
