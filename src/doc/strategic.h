/* What applying and making strategic merge patches share. Private to doc's patch_*.c. */
#ifndef DOC_STRATEGIC_H
#define DOC_STRATEGIC_H

#include "doc/object.h"
#include "doc/patch_strategic.h"

#define DIRECTIVE_PATCH "$patch"
#define DIRECTIVE_RETAIN "$retainKeys"
#define DIRECTIVE_ORDER "$setElementOrder/"
#define DIRECTIVE_DELETE "$deleteFromPrimitiveList/"

struct strategic {
	struct arena *arena;
	const struct patch_schema *schema;
	bool keep_directives; /* the target is itself a patch: directives join, nothing is resolved
			       */
	struct error *error;  /* never NULL */
};

/* A field nobody knows (also inside free-form JSON) is replaced if a list and merged if an object.
 */
struct patch_field strategic_field(const struct strategic *s, const void *type, struct str key);

enum element { ELEMENT_NONE, ELEMENT_SCALAR, ELEMENT_OBJECT };

/* What two lists consist of; both may be NULL. ST_BAD_REQUEST when items are of several types. */
MUST_USE enum status strategic_element(struct strategic *s, const struct doc *a,
				       const struct doc *b, enum element *ret_element);

/* What tells an item from its neighbours: the value of its merge key, of a scalar itself, as JSON.
 * ST_BAD_REQUEST when the key is missing. */
MUST_USE enum status strategic_item_key(struct strategic *s, const struct doc *item,
					struct str merge_key, struct str *ret_key);

/* Where each item of `list` stands first, by its key. */
MUST_USE enum status strategic_index(struct strategic *s, const struct doc *list,
				     struct str merge_key, struct key_index *ret_index);

bool strategic_deletes(const struct doc *item); /* {"$patch": "delete", …} */

struct doc_list {
	VEC(const struct doc *) items;
};

const struct doc *doc_list_done(struct arena *arena, const struct doc_list *list);

/* Sorts by place in `order`; items that are not in it keep standing where they are among their
 * own kind, after the others; deletions go last. */
MUST_USE enum status strategic_sort(struct strategic *s, struct doc_list *list,
				    const struct key_index *order, struct str merge_key);

MUST_USE enum status strategic_merge(struct strategic *s, const struct doc *target,
				     const struct doc *patch, const void *type,
				     const struct doc **ret_doc);

struct strategic_want {
	bool additions, deletions, order;
};

MUST_USE enum status strategic_diff(struct strategic *s, const struct doc *from,
				    const struct doc *to, const void *type,
				    struct strategic_want want, bool retain_keys,
				    const struct doc **ret_patch);

#endif
