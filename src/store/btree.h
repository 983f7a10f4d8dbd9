/*
 * Objects in order of namespace, then name: a B+ tree of pointers whose leaves are chained, so
 * that a list of any length is a walk along arrays. It does not own the objects.
 */
#ifndef STORE_BTREE_H
#define STORE_BTREE_H

#include "store/object.h"

struct btree_node;

struct btree {
	struct btree_node *root;
	u32 len;
	u64 changes; /* grows with every insertion and removal: older cursors seek anew */
};

/* A place between two objects. */
struct btree_cursor {
	struct btree_node *leaf; /* NULL past the end */
	u32 at;
};

void btree_release(struct btree *tree); /* frees the nodes, not the objects */

struct object *btree_find(const struct btree *tree, struct str namespace, struct str name);
void btree_insert(struct btree *tree, struct object *object); /* its key must not be there yet */
struct object *btree_remove(struct btree *tree, struct str namespace, struct str name);

/* Stands before the first object whose key is greater than this one (or, with `self`, not less).
 */
struct btree_cursor btree_seek(const struct btree *tree, struct str namespace, struct str name,
			       bool self);
/* The object behind the cursor, NULL at the end; btree_next steps over it. */
struct object *btree_peek(struct btree_cursor *cursor);
struct object *btree_next(struct btree_cursor *cursor);

#endif
