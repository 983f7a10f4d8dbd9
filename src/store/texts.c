/*
 * The texts an object is indexed by, one prefix a sort: the uids of its owners for every kind, and
 * for pods their node and each label within its namespace.
 */
#include "store/private.h"

static struct str text_owner(struct arena *arena, struct str uid)
{
	return str_format(arena, "o" STR_FMT, STR_ARG(uid));
}

static struct str text_node(struct arena *arena, struct str node)
{
	return str_format(arena, "n" STR_FMT, STR_ARG(node));
}

static struct str text_label(struct arena *arena, struct str namespace, struct str key,
			     struct str value)
{
	return str_format(arena, "l" STR_FMT "/" STR_FMT "=" STR_FMT, STR_ARG(namespace),
			  STR_ARG(key), STR_ARG(value));
}

void texts_set(struct store *store, struct object *object, bool pod)
{
	const struct doc *doc = object->version->doc, *metadata = doc_key(doc, "metadata");
	const struct doc *owners = doc_key(metadata, "ownerReferences");
	struct arena *arena = store->scratch;
	VEC(struct str) texts = { 0 };

	if (!pod && !doc_len(owners)) {
		index_set(&store->index, object, NULL, 0);
		return;
	}
	doc_each_item(owners, owner)
		VEC_PUSH(arena, &texts, text_owner(arena, doc_str(doc_key(owner, "uid"))));
	if (pod) {
		const struct doc *labels = doc_key(metadata, "labels");

		VEC_PUSH(arena, &texts, text_node(arena, doc_at_str(doc, "spec.nodeName")));
		doc_each_pair(labels, key, value)
			VEC_PUSH(arena, &texts,
				 text_label(arena, object_namespace(object), key, doc_str(value)));
	}
	index_set(&store->index, object, texts.at, texts.len);
	arena_reset(arena);
}

/* ---- finding */

static struct version_list collect(struct store *store, struct arena *arena, struct str text,
				   kind_id kind)
{
	const struct bucket *bucket = index_find(&store->index, text);
	struct version_list list = { 0 };

	if (!bucket)
		return list;
	list.at = ARENA_ARRAY(arena, struct version *, bucket->len);
	for (const struct index_link *link = bucket->first; link; link = link->next) {
		struct version *version = link->object->version;

		if (!kind || version->kind == kind)
			list.at[list.len++] = version;
	}
	return list;
}

struct version_list store_owned(struct store *store, struct arena *arena, struct str uid,
				kind_id kind)
{
	return collect(store, arena, text_owner(arena, uid), kind);
}

struct version_list store_on_node(struct store *store, struct arena *arena, struct str node)
{
	return collect(store, arena, text_node(arena, node), 0);
}

struct version_list store_labelled(struct store *store, struct arena *arena, struct str namespace,
				   struct str key, struct str value)
{
	return collect(store, arena, text_label(arena, namespace, key, value), 0);
}
