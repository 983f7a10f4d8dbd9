/*
 * A patch may hold ten thousand operations, so the target is opened into a mutable tree where it is
 * touched, changed in place, and closed into a document once at the end; untouched branches stay
 * the target's own.
 */
#include "doc/patch_json.h"

#include "base/buffer.h"
#include "base/check.h"
#include "doc/json.h"
#include "doc/object.h"

enum {
	COPIED_BYTES_MAX = BODY_BYTES_MAX, /* all "copy" operations together, as in Kubernetes */
	WORK_MAX = 16 << 20, /* items pushed aside in arrays, and items closed, by all operations */
};

struct tree {
	const struct doc *doc; /* not opened yet; NULL once it is */
	bool array;
	VEC(struct tree *) items; /* array items, or values of an object; NULL: removed pair */
	VEC(struct str) keys;
	struct key_index index; /* object: key to place in items */
};

struct patching {
	struct arena *arena;
	struct tree *root;
	u64 copied_bytes, work;
	struct error *error;
};

/* ---- the tree */

static struct tree *tree_leaf(struct arena *arena, const struct doc *d)
{
	struct tree *t = ARENA_NEW(arena, struct tree);

	t->doc = d;
	return t;
}

static void tree_put(struct arena *arena, struct tree *t, struct str key, struct tree *value)
{
	u32 place = key_index_find(&t->index, key);

	if (place != KEY_NOWHERE) {
		t->items.at[place] = value;
		return;
	}
	key_index_set(&t->index, key, t->items.len);
	VEC_PUSH(arena, &t->keys, key);
	VEC_PUSH(arena, &t->items, value);
}

/* Makes room for changes one level deep. False: a scalar has no levels. */
static bool tree_open(struct arena *arena, struct tree *t)
{
	const struct doc *d = t->doc;

	if (!d)
		return true;
	if (d->type < DOC_ARRAY)
		return false;
	t->array = d->type == DOC_ARRAY;
	t->index.arena = arena;
	for (u32 i = 0; i < d->len; i++) {
		if (t->array)
			VEC_PUSH(arena, &t->items, tree_leaf(arena, &d->items[i]));
		else
			tree_put(arena, t, doc_pair_key(d, i),
				 tree_leaf(arena, doc_pair_value(d, i)));
	}
	t->doc = NULL;
	return true;
}

/* NULL: too deep, or closed too often for too much. */
static const struct doc *tree_close(struct patching *p, struct tree *t, u32 depth)
{
	if (t->doc)
		return t->doc;
	p->work += t->items.len;
	if (depth > DOC_DEPTH_MAX || p->work > WORK_MAX)
		return NULL;
	struct doc *d = ARENA_NEW(p->arena, struct doc);
	u32 width = t->array ? 1 : 2, len = 0;
	struct doc *nodes = arena_alloc(p->arena, (t->items.len + 1) * width * sizeof *nodes);

	for (u32 i = 0; i < t->items.len; i++) {
		if (!t->items.at[i])
			continue;
		const struct doc *value = tree_close(p, t->items.at[i], depth + 1);

		if (!value)
			return NULL;
		if (!t->array)
			nodes[len * 2] = *doc_ref_str(p->arena, t->keys.at[i]);
		nodes[len++ * width + width - 1] = *value;
	}
	*d = (struct doc){ .type = t->array ? DOC_ARRAY : DOC_OBJECT, .len = len, .items = nodes };
	return d;
}

static bool too_deep(const struct doc *d, u32 levels)
{
	if (d->type < DOC_ARRAY)
		return false;
	if (levels == 0)
		return true;
	u32 count = d->type == DOC_OBJECT ? 2 * d->len : d->len;

	for (u32 i = 0; i < count; i++)
		if (too_deep(&d->items[i], levels - 1))
			return true;
	return false;
}

/* ---- pointers */

/* Undoes ~1 and ~0. */
static struct str unescape(struct arena *arena, struct str step)
{
	if (str_find_char(step, '~') < 0)
		return step;
	char *text = arena_alloc(arena, step.len), *to = text;

	for (size_t i = 0; i < step.len; i++) {
		bool escape = step.at[i] == '~' && i + 1 < step.len &&
			      (step.at[i + 1] == '0' || step.at[i + 1] == '1');

		*to++ = escape ? (step.at[i + 1] == '1' ? '/' : '~') : step.at[i];
		i += escape;
	}
	return (struct str){ text, (size_t)(to - text) };
}

const struct doc *pointer_get(struct arena *arena, const struct doc *d, struct str pointer)
{
	i64 index;

	if (pointer.len == 0)
		return d;
	if (pointer.at[0] != '/')
		return NULL;
	for (struct str rest = str_from(pointer, 1); rest.at && d;) {
		struct str step = unescape(arena, str_cut(&rest, '/'));

		if (d->type == DOC_ARRAY)
			d = str_to_i64(step, &index) && index >= 0 && index < d->len
				    ? &d->items[index]
				    : NULL;
		else
			d = doc_get(d, step);
	}
	return d;
}

/* What an array step means: `count` places exist (one more than items when adding). Negative ones
 * count from the end, which the library Kubernetes uses allows beyond the RFC. */
static enum status array_place(struct patching *p, struct str step, u32 count, u32 *ret_place)
{
	i64 index;

	if (!str_to_i64(step, &index))
		return fail(p->error, ST_INVALID,
			    "strconv.Atoi: parsing \"" STR_FMT "\": invalid syntax", STR_ARG(step));
	if (index >= count || index < -(i64)count)
		return fail(p->error, ST_INVALID,
			    "Unable to access invalid index: %lld: invalid index referenced",
			    (long long)index);
	*ret_place = (u32)(index < 0 ? index + count : index);
	return ST_OK;
}

/* The child a step leads to; NULL when an object has no such key, which only some operations mind.
 */
static enum status child_of(struct patching *p, struct tree *t, struct str step, struct tree **ret)
{
	u32 place = KEY_NOWHERE;
	enum status status = ST_OK;

	if (t->array)
		status = array_place(p, step, t->items.len, &place);
	else
		place = key_index_find(&t->index, step);
	if (status == ST_OK)
		*ret = place == KEY_NOWHERE ? NULL : t->items.at[place];
	return status;
}

/* Opens every level above the last step of `pointer`. False: the way does not exist. */
static bool open_parent(struct patching *p, struct str pointer, struct tree **ret_parent,
			struct str *ret_step)
{
	struct tree *t = p->root;

	if (!pointer.len || pointer.at[0] != '/')
		return false;
	for (struct str rest = str_from(pointer, 1);;) {
		struct str step = unescape(p->arena, str_cut(&rest, '/'));

		if (!tree_open(p->arena, t))
			return false;
		if (!rest.at) {
			*ret_parent = t;
			*ret_step = step;
			return true;
		}
		struct patching quiet = { .arena = p->arena };

		if (child_of(&quiet, t, step, &t) != ST_OK || !t)
			return false;
	}
}

/* ---- operations */

enum op { OP_ADD, OP_REMOVE, OP_REPLACE, OP_MOVE, OP_COPY, OP_TEST, OP_COUNT };

static const char *const op_names[OP_COUNT] = {
	"add", "remove", "replace", "move", "copy", "test"
};

struct operation {
	enum op op;
	const char *name;
	struct str path, from;
	const struct doc *value; /* NULL: absent */
	struct tree *parent;	 /* of path */
	struct str step;
};

static enum status add_value(struct patching *p, struct operation *o, struct tree *value)
{
	struct tree *t = o->parent;
	u32 place = t->items.len;
	enum status status;

	if (!t->array) {
		tree_put(p->arena, t, o->step, value);
		return ST_OK;
	}
	if (!str_is(o->step, "-")) {
		status = array_place(p, o->step, t->items.len + 1, &place);
		i64 number;

		if (status != ST_OK && !str_to_i64(o->step, &number))
			fail_within(p->error, "value was not a proper array index: '" STR_FMT "'",
				    STR_ARG(o->step));
		if (status != ST_OK)
			return fail_within(p->error, "error in add for path: '" STR_FMT "'",
					   STR_ARG(o->path));
	}
	u32 aside = t->items.len - place;

	p->work += aside;
	VEC_PUSH(p->arena, &t->items, NULL);
	memmove(t->items.at + place + 1, t->items.at + place, aside * sizeof *t->items.at);
	t->items.at[place] = value;
	return ST_OK;
}

static enum status remove_value(struct patching *p, struct operation *o)
{
	struct tree *t = o->parent;
	u32 place = KEY_NOWHERE;
	enum status status = ST_OK;

	if (t->array)
		status = array_place(p, o->step, t->items.len, &place);
	else if ((place = key_index_find(&t->index, o->step)) == KEY_NOWHERE)
		status = fail(p->error, ST_INVALID,
			      "Unable to remove nonexistent key: " STR_FMT ": missing value",
			      STR_ARG(o->step));
	if (status != ST_OK && o->op == OP_MOVE)
		return fail_within(p->error, "error in move for path: '" STR_FMT "'",
				   STR_ARG(o->step));
	if (status != ST_OK)
		return fail_within(p->error, "error in remove for path: '" STR_FMT "'",
				   STR_ARG(o->path));
	if (!t->array) {
		t->items.at[place] = NULL;
		key_index_set(&t->index, o->step, KEY_NOWHERE);
		return ST_OK;
	}
	u32 aside = --t->items.len - place;

	p->work += aside;
	memmove(t->items.at + place, t->items.at + place + 1, aside * sizeof *t->items.at);
	return ST_OK;
}

/* The RFC wants the key to be there; the library Kubernetes uses adds it to an object. */
static enum status replace_value(struct patching *p, struct operation *o)
{
	struct patching quiet = { .arena = p->arena };
	struct tree *old;

	if (child_of(&quiet, o->parent, o->step, &old) != ST_OK)
		return fail(p->error, ST_INVALID,
			    "replace operation does not apply: doc is missing key: " STR_FMT
			    ": missing value",
			    STR_ARG(o->path));
	if (old)
		*old = (struct tree){ .doc = o->value };
	else
		tree_put(p->arena, o->parent, o->step, tree_leaf(p->arena, o->value));
	return ST_OK;
}

/* An absent key passes for null. */
static enum status test_value(struct patching *p, struct operation *o, struct tree *found)
{
	const struct doc *have = found ? tree_close(p, found, 1) : &doc_null;

	if (have && doc_eq(have, o->value))
		return ST_OK;
	return fail(p->error, ST_INVALID, "testing value " STR_FMT " failed: test failed",
		    STR_ARG(o->path));
}

/* The value `from` leads to, closed: a copy must not change with its original. */
static enum status take_from(struct patching *p, struct operation *o, struct operation *source,
			     const struct doc **ret_value)
{
	struct tree *found;
	enum status status;

	if (!open_parent(p, o->from, &source->parent, &source->step))
		return fail(p->error, ST_INVALID,
			    "%s operation does not apply: doc is missing from path: " STR_FMT
			    ": missing value",
			    o->name, STR_ARG(o->from));
	status = child_of(p, source->parent, source->step, &found);
	if (status != ST_OK)
		return fail_within(p->error, "error in %s for path: '" STR_FMT "'", o->name,
				   STR_ARG(o->from));
	*ret_value = found ? tree_close(p, found, 1) : &doc_null;
	if (!*ret_value)
		return fail(p->error, ST_TOO_LARGE, "the patched document is nested too deeply");
	return ST_OK;
}

static enum status copy_or_move(struct patching *p, struct operation *o)
{
	struct operation source = { .op = o->op, .path = o->from };
	const struct doc *value;
	enum status status = take_from(p, o, &source, &value);

	if (status != ST_OK)
		return status;
	if (o->op == OP_MOVE) {
		status = remove_value(p, &source);
	} else {
		p->copied_bytes += json_size(value);
		if (p->copied_bytes > COPIED_BYTES_MAX)
			return fail(p->error, ST_TOO_LARGE,
				    "Unable to complete the copy, the accumulated size increase of "
				    "copy is %llu, exceeding the limit %d",
				    (unsigned long long)p->copied_bytes, COPIED_BYTES_MAX);
	}
	if (status != ST_OK)
		return status;
	if (!open_parent(p, o->path, &o->parent, &o->step))
		return fail(p->error, ST_INVALID,
			    "%s operation does not apply: doc is missing destination path: " STR_FMT
			    ": missing value",
			    o->name, STR_ARG(o->path));
	return add_value(p, o, tree_leaf(p->arena, value));
}

/* The empty pointer: the whole document. The library refuses it; the RFC does not. */
static enum status whole_document(struct patching *p, struct operation *o)
{
	if (o->op == OP_TEST)
		return test_value(p, o, p->root);
	if (o->op == OP_REMOVE)
		return fail(p->error, ST_INVALID,
			    "remove operation does not apply: doc is missing path: \"\": "
			    "missing value");
	p->root = tree_leaf(p->arena, o->value);
	return ST_OK;
}

static enum status change(struct patching *p, struct operation *o)
{
	const char *quote = o->op == OP_ADD || o->op == OP_REMOVE ? "\"" : "";
	struct tree *found;

	if (!o->path.len)
		return whole_document(p, o);
	if (!open_parent(p, o->path, &o->parent, &o->step))
		return fail(p->error, ST_INVALID,
			    "%s operation does not apply: %sis missing path: %s" STR_FMT
			    "%s: missing value",
			    o->name, o->op == OP_TEST ? "" : "doc ", quote, STR_ARG(o->path),
			    quote);
	if (o->op == OP_ADD)
		return add_value(p, o, tree_leaf(p->arena, o->value));
	if (o->op == OP_REMOVE)
		return remove_value(p, o);
	if (o->op == OP_REPLACE)
		return replace_value(p, o);
	if (child_of(p, o->parent, o->step, &found) != ST_OK)
		return fail_within(p->error, "error in test for path: '" STR_FMT "'",
				   STR_ARG(o->path));
	return test_value(p, o, found);
}

static enum status run(struct patching *p, const struct doc *d)
{
	struct str name = doc_str_or(doc_key(d, "op"), STR("unknown"));
	struct operation o = { .value = doc_key(d, "value"),
			       .path = doc_str(doc_key(d, "path")),
			       .from = doc_str(doc_key(d, "from")) };

	while (o.op < OP_COUNT && !str_is(name, op_names[o.op]))
		o.op++;
	if (o.op == OP_COUNT)
		return fail(p->error, ST_INVALID, "Unexpected kind: " STR_FMT, STR_ARG(name));
	o.name = op_names[o.op];
	if (!doc_is(doc_key(d, "path"), DOC_STRING))
		return fail(p->error, ST_INVALID,
			    "%s operation failed to decode path: missing value", o.name);
	if (!o.value)
		o.value = &doc_null; /* the library takes a missing value for null */
	if (o.op != OP_MOVE && o.op != OP_COPY)
		return change(p, &o);
	if (!doc_is(doc_key(d, "from"), DOC_STRING))
		return fail(p->error, ST_INVALID,
			    "%s operation failed to decode from: operation, missing from field: "
			    "missing value",
			    o.name);
	return copy_or_move(p, &o);
}

enum status patch_json(struct arena *arena, const struct doc *target, const struct doc *patch,
		       const struct doc **ret_doc, struct error *error)
{
	struct error unread = ERROR_INIT;
	struct patching p = { .arena = arena, .error = error ? error : &unread };
	enum status status = ST_OK;

	CHECK(target);
	if (!doc_is(patch, DOC_ARRAY))
		return fail(error, ST_BAD_REQUEST, "a JSON patch must be an array of operations");
	if (patch->len > PATCH_OPERATIONS_MAX)
		return fail(error, ST_TOO_LARGE,
			    "The allowed maximum operations in a JSON patch is %d, got %u",
			    PATCH_OPERATIONS_MAX, patch->len);
	doc_each_item(patch, operation)
		if (operation->type != DOC_OBJECT)
			return fail(error, ST_BAD_REQUEST,
				    "every operation of a JSON patch must be an object");
	p.root = tree_leaf(arena, target);
	for (u32 i = 0; i < patch->len && status == ST_OK; i++) {
		status = run(&p, &patch->items[i]);
		if (p.work > WORK_MAX)
			return fail(error, ST_TOO_LARGE, "the JSON patch is too much work");
	}
	if (status != ST_OK)
		return status;
	const struct doc *d = tree_close(&p, p.root, 1);

	if (!d || too_deep(d, DOC_DEPTH_MAX))
		return fail(error, ST_TOO_LARGE, "the patched document is nested too deeply");
	*ret_doc = d;
	return ST_OK;
}
