/*
 * Inner nodes keep, for each child, the smallest object below it; there are no copied keys. Every
 * change passes down one path and mends those pointers on the way back. Nodes that run low join a
 * neighbour when both fit well into one; otherwise they stay, since churn fills them again.
 */
#include "store/btree.h"

#include <stdlib.h>

#include "base/check.h"

enum {
	NODE_MAX = 64,  /* entries of a node: 17 comparisons find one of 100,000 objects */
	NODE_LOW = 16,  /* fewer: look for a neighbour to join */
	JOIN_MAX = 48,  /* joined nodes keep room for what comes next */
	DEPTH_MAX = 16, /* far more than memory can hold */
};

struct btree_node {
	u16 len;
	bool leaf;
	struct btree_node *next, *previous; /* of leaves */
	struct object *objects[NODE_MAX];   /* a leaf's own; otherwise each child's smallest */
	struct btree_node *children[];      /* NODE_MAX of them, in inner nodes only */
};

static struct btree_node *node_new(bool leaf)
{
	struct btree_node *node =
		calloc(1, sizeof *node + (leaf ? 0 : NODE_MAX * sizeof node->children[0]));

	CHECK(node);
	node->leaf = leaf;
	return node;
}

static void node_free(struct btree_node *node)
{
	for (u32 i = 0; !node->leaf && i < node->len; i++)
		node_free(node->children[i]);
	free(node);
}

void btree_release(struct btree *tree)
{
	if (tree->root)
		node_free(tree->root);
	*tree = (struct btree){ .changes = tree->changes + 1 };
}

static int compare(const struct object *object, struct str namespace, struct str name)
{
	int order = str_cmp(object_namespace(object), namespace);

	return order ? order : str_cmp(object_name(object), name);
}

/* How many of the node's objects are less than the key; with `self`, less or equal. */
static u32 count_below(const struct btree_node *node, struct str namespace, struct str name,
		       bool self)
{
	u32 low = 0, high = node->len;

	while (low < high) {
		u32 middle = (low + high) / 2;

		if (compare(node->objects[middle], namespace, name) < (self ? 1 : 0))
			low = middle + 1;
		else
			high = middle;
	}
	return low;
}

/* The child under which a key belongs. */
static u32 child_of(const struct btree_node *node, struct str namespace, struct str name)
{
	u32 below = count_below(node, namespace, name, true);

	return below ? below - 1 : 0;
}

struct btree_cursor btree_seek(const struct btree *tree, struct str namespace, struct str name,
			       bool self)
{
	struct btree_node *node = tree->root;

	if (!node)
		return (struct btree_cursor){ 0 };
	while (!node->leaf)
		node = node->children[child_of(node, namespace, name)];
	return (struct btree_cursor){ node, count_below(node, namespace, name, !self) };
}

struct object *btree_peek(struct btree_cursor *cursor)
{
	while (cursor->leaf && cursor->at == cursor->leaf->len)
		*cursor = (struct btree_cursor){ cursor->leaf->next, 0 };
	return cursor->leaf ? cursor->leaf->objects[cursor->at] : NULL;
}

struct object *btree_next(struct btree_cursor *cursor)
{
	struct object *object = btree_peek(cursor);

	if (object)
		cursor->at++;
	return object;
}

struct object *btree_find(const struct btree *tree, struct str namespace, struct str name)
{
	struct btree_cursor cursor = btree_seek(tree, namespace, name, true);
	struct object *object = btree_peek(&cursor);

	return object && !compare(object, namespace, name) ? object : NULL;
}

/* ---- inserting */

static void put_at(struct btree_node *node, u32 at, struct object *object,
		   struct btree_node *child)
{
	u32 behind = node->len - at;

	CHECK(node->len < NODE_MAX);
	memmove(node->objects + at + 1, node->objects + at, behind * sizeof node->objects[0]);
	node->objects[at] = object;
	if (!node->leaf) {
		memmove(node->children + at + 1, node->children + at,
			behind * sizeof node->children[0]);
		node->children[at] = child;
	}
	node->len++;
}

/* Moves what stands at `from` and behind into a new right neighbour. */
static struct btree_node *split(struct btree_node *node, u32 from)
{
	struct btree_node *right = node_new(node->leaf);

	right->len = (u16)(node->len - from);
	memcpy(right->objects, node->objects + from, right->len * sizeof node->objects[0]);
	if (node->leaf) {
		right->next = node->next;
		right->previous = node;
		if (right->next)
			right->next->previous = right;
		node->next = right;
	} else {
		memcpy(right->children, node->children + from,
		       right->len * sizeof node->children[0]);
	}
	node->len = (u16)from;
	return right;
}

/* Puts one entry, splitting when full; returns the new right neighbour, if there is one now. */
static struct btree_node *put_or_split(struct btree_node *node, u32 at, struct object *object,
				       struct btree_node *child)
{
	if (node->len < NODE_MAX) {
		put_at(node, at, object, child);
		return NULL;
	}
	/* Names that grow (generated in order, loaded in order) leave full nodes behind. */
	bool last = at == NODE_MAX && !node->next;
	u32 from = last ? NODE_MAX - 1 : NODE_MAX / 2;
	struct btree_node *right = split(node, from);

	if (at > from)
		put_at(right, at - from, object, child);
	else
		put_at(node, at, object, child);
	return right;
}

static struct btree_node *insert(struct btree_node *node, struct object *object)
{
	struct str namespace = object_namespace(object), name = object_name(object);

	if (node->leaf) {
		u32 at = count_below(node, namespace, name, false);

		CHECK(at == node->len || compare(node->objects[at], namespace, name));
		return put_or_split(node, at, object, NULL);
	}
	u32 at = child_of(node, namespace, name);
	struct btree_node *child = node->children[at], *right = insert(child, object);

	node->objects[at] = child->objects[0];
	return right ? put_or_split(node, at + 1, right->objects[0], right) : NULL;
}

void btree_insert(struct btree *tree, struct object *object)
{
	if (!tree->root)
		tree->root = node_new(true);
	struct btree_node *left = tree->root, *right = insert(left, object);

	if (right) {
		tree->root = node_new(false);
		put_at(tree->root, 0, left->objects[0], left);
		put_at(tree->root, 1, right->objects[0], right);
	}
	tree->len++;
	tree->changes++;
}

/* ---- removing */

static void take_at(struct btree_node *node, u32 at)
{
	u32 behind = node->len - at - 1;

	memmove(node->objects + at, node->objects + at + 1, behind * sizeof node->objects[0]);
	if (!node->leaf)
		memmove(node->children + at, node->children + at + 1,
			behind * sizeof node->children[0]);
	node->len--;
}

static void leaf_unchain(struct btree_node *leaf)
{
	if (leaf->previous)
		leaf->previous->next = leaf->next;
	if (leaf->next)
		leaf->next->previous = leaf->previous;
}

/* Moves all of child at + 1 to the end of child at. */
static void join(struct btree_node *node, u32 at)
{
	struct btree_node *left = node->children[at], *right = node->children[at + 1];

	memcpy(left->objects + left->len, right->objects, right->len * sizeof left->objects[0]);
	if (left->leaf)
		leaf_unchain(right);
	else
		memcpy(left->children + left->len, right->children,
		       right->len * sizeof left->children[0]);
	left->len = (u16)(left->len + right->len);
	free(right);
	take_at(node, at + 1);
}

static void mend(struct btree_node *node, u32 at)
{
	struct btree_node *child = node->children[at];

	if (child->len == 0) {
		if (child->leaf)
			leaf_unchain(child);
		free(child);
		take_at(node, at);
		return;
	}
	node->objects[at] = child->objects[0];
	if (child->len >= NODE_LOW)
		return;
	if (at + 1 < node->len && child->len + node->children[at + 1]->len <= JOIN_MAX)
		join(node, at);
	else if (at > 0 && child->len + node->children[at - 1]->len <= JOIN_MAX)
		join(node, at - 1);
}

struct object *btree_remove(struct btree *tree, struct str namespace, struct str name)
{
	struct btree_node *path[DEPTH_MAX], *node = tree->root;
	u32 places[DEPTH_MAX], depth = 0;

	if (!node)
		return NULL;
	while (!node->leaf) {
		CHECK(depth < DEPTH_MAX);
		path[depth] = node;
		places[depth] = child_of(node, namespace, name);
		node = node->children[places[depth++]];
	}
	u32 at = count_below(node, namespace, name, false);

	if (at == node->len || compare(node->objects[at], namespace, name))
		return NULL;
	struct object *object = node->objects[at];

	take_at(node, at);
	while (depth--)
		mend(path[depth], places[depth]);
	/* The root shrinks to its only child, and to nothing. */
	while (tree->root && !tree->root->leaf && tree->root->len == 1) {
		struct btree_node *child = tree->root->children[0];

		free(tree->root);
		tree->root = child;
	}
	if (tree->root->len == 0) {
		free(tree->root);
		tree->root = NULL;
	}
	tree->len--;
	tree->changes++;
	return object;
}
