/* Walking a document along a parsed template: every step maps a list of values to a list. */
#include <stdlib.h>

#include "doc/json.h"
#include "doc/jsonpath_node.h"

enum { RESULTS_MAX = 4 << 20 }; /* a chain of .. could ask for far more than the document holds */

struct eval {
	struct arena *arena;
	bool allow_missing;
	u32 made;	    /* results so far, thrown away ones too */
	struct buffer *out; /* NULL: collect into found */
	struct jsonpath_results *found;
	struct error *error;
};

static enum status eval_list(struct eval *e, const struct node *list, const struct doc *from,
			     struct jsonpath_results *ret_results);

static enum status add(struct eval *e, struct jsonpath_results *results, const struct doc *d)
{
	if (++e->made > RESULTS_MAX)
		return fail(e->error, ST_TOO_LARGE, "the JSONPath gives more than %d results",
			    RESULTS_MAX);
	VEC_PUSH(e->arena, &results->items, d);
	return ST_OK;
}

/* ---- steps */

static enum status eval_field(struct eval *e, const struct node *node,
			      const struct jsonpath_results *in, struct jsonpath_results *out)
{
	enum status status = ST_OK;

	for (u32 i = 0; i < in->items.len && status == ST_OK; i++) {
		const struct doc *value = doc_get(in->items.at[i], node->name);

		if (value)
			status = add(e, out, value);
	}
	if (status == ST_OK && in->items.len && !out->items.len && !e->allow_missing)
		return fail(e->error, ST_NOT_FOUND, STR_FMT " is not found", STR_ARG(node->name));
	return status;
}

static const char *go_type(const struct doc *d)
{
	static const char *const names[] = { "nil",
					     "bool",
					     "bool",
					     "number",
					     "string",
					     "[]interface {}",
					     "map[string]interface {}" };

	return names[d->type];
}

static enum status slice_of(struct eval *e, const struct node *node, const struct doc *array,
			    struct jsonpath_results *out)
{
	i64 len = array->len, first = node->first.known ? node->first.value : 0, end = len;
	i64 step = node->step.known ? node->step.value : 1;

	if (node->single)
		end = first + 1 == 0 ? len : first + 1;
	else if (node->end.known)
		end = node->end.value;
	first += first < 0 ? len : 0;
	end += end < 0 ? len : 0;
	if (first == end)
		return ST_OK;
	if (first >= len || first < 0)
		return fail(e->error, ST_INVALID,
			    "array index out of bounds: index %lld, length %lld", (long long)first,
			    (long long)len);
	if (end > len || end < 0)
		return fail(e->error, ST_INVALID,
			    "array index out of bounds: index %lld, length %lld",
			    (long long)end - 1, (long long)len);
	if (first > end)
		return fail(e->error, ST_INVALID,
			    "starting index %lld is greater than ending index %lld",
			    (long long)first, (long long)end);
	if (step <= 0)
		return fail(e->error, ST_INVALID, "step must be > 0");
	for (i64 i = first; i < end; i += step) {
		enum status status = add(e, out, &array->items[i]);

		if (status != ST_OK)
			return status;
	}
	return ST_OK;
}

static enum status eval_slice(struct eval *e, const struct node *node,
			      const struct jsonpath_results *in, struct jsonpath_results *out)
{
	enum status status = ST_OK;

	for (u32 i = 0; i < in->items.len && status == ST_OK; i++) {
		const struct doc *d = in->items.at[i];

		if (d->type == DOC_NULL)
			continue;
		if (d->type != DOC_ARRAY)
			return fail(e->error, ST_INVALID, "%s is not array or slice", go_type(d));
		status = slice_of(e, node, d, out);
	}
	return status;
}

static enum status add_children(struct eval *e, const struct doc *d, struct jsonpath_results *out)
{
	u32 width = d->type == DOC_OBJECT ? 2 : 1;
	enum status status = ST_OK;

	for (u32 i = 0; i < doc_len(d) && status == ST_OK; i++)
		status = add(e, out, &d->items[i * width + width - 1]);
	return status;
}

static enum status add_recursively(struct eval *e, const struct doc *d,
				   struct jsonpath_results *out)
{
	u32 width = d->type == DOC_OBJECT ? 2 : 1;
	enum status status;

	if (!doc_len(d))
		return ST_OK;
	status = add(e, out, d);
	for (u32 i = 0; i < d->len && status == ST_OK; i++)
		status = add_recursively(e, &d->items[i * width + width - 1], out);
	return status;
}

/* ---- filters */

static enum status compare(struct eval *e, struct str operator, const struct doc * a,
			   const struct doc *b, bool *ret_pass)
{
	bool numbers = doc_is(a, DOC_NUMBER) && doc_is(b, DOC_NUMBER);
	bool strings = doc_is(a, DOC_STRING) && doc_is(b, DOC_STRING);
	bool same = doc_eq(a, b), less = false;

	if (doc_is_null(a) || doc_is_null(b) || a->type >= DOC_ARRAY || b->type >= DOC_ARRAY)
		return fail(e->error, ST_INVALID, "invalid type for comparison");
	if (!numbers && !strings && !(doc_is_bool(a) && doc_is_bool(b)))
		return fail(e->error, ST_INVALID, "incompatible types for comparison");
	if (numbers)
		less = doc_double_or(a, 0) < doc_double_or(b, 0);
	else if (strings)
		less = str_cmp(doc_str(a), doc_str(b)) < 0;
	else if (operator.at[0] == '<' || operator.at[0] == '>')
		return fail(e->error, ST_INVALID, "invalid type for comparison");
	if (str_is(operator, "=="))
		*ret_pass = same;
	else if (str_is(operator, "!="))
		*ret_pass = !same;
	else if (str_is(operator, "<"))
		*ret_pass = less;
	else if (str_is(operator, "<="))
		*ret_pass = less || same;
	else if (str_is(operator, ">"))
		*ret_pass = !less && !same;
	else if (str_is(operator, ">="))
		*ret_pass = !less;
	else
		return fail(e->error, ST_INVALID, "unrecognized filter operator " STR_FMT,
			    STR_ARG(operator));
	return ST_OK;
}

static enum status filter_item(struct eval *e, const struct node *node, const struct doc *item,
			       bool *ret_pass)
{
	struct jsonpath_results left = { 0 }, right = { 0 };
	struct eval quiet = *e;
	enum status status;

	*ret_pass = false;
	if (!node->right) {
		quiet.error = NULL; /* what cannot be found does not exist */
		if (eval_list(&quiet, node->left, item, &left) == ST_OK)
			*ret_pass = left.items.len > 0;
		e->made = quiet.made;
		return ST_OK;
	}
	status = eval_list(e, node->left, item, &left);
	if (status == ST_OK && left.items.len)
		status = eval_list(e, node->right, item, &right);
	if (status != ST_OK)
		return status;
	if (left.items.len > 1 || right.items.len > 1)
		return fail(e->error, ST_INVALID, "can only compare one element at a time");
	if (!left.items.len || !right.items.len)
		return ST_OK;
	return compare(e, node->name, left.items.at[0], right.items.at[0], ret_pass);
}

static enum status eval_filter(struct eval *e, const struct node *node,
			       const struct jsonpath_results *in, struct jsonpath_results *out)
{
	enum status status = ST_OK;

	for (u32 i = 0; i < in->items.len; i++) {
		const struct doc *d = in->items.at[i];

		if (d->type != DOC_ARRAY)
			return fail(e->error, ST_INVALID,
				    "%s is not array or slice and cannot be filtered", go_type(d));
		doc_each_item(d, item) {
			bool pass;

			status = filter_item(e, node, item, &pass);
			if (status == ST_OK && pass)
				status = add(e, out, item);
			if (status != ST_OK)
				return status;
		}
	}
	return status;
}

/* ---- lists of steps */

static enum status eval_union(struct eval *e, const struct node *node,
			      const struct jsonpath_results *in, struct jsonpath_results *out)
{
	enum status status = ST_OK;

	for (u32 i = 0; i < node->children.len; i++) {
		for (u32 j = 0; j < in->items.len; j++) {
			struct jsonpath_results part = { 0 };

			status = eval_list(e, node->children.at[i], in->items.at[j], &part);
			for (u32 k = 0; k < part.items.len && status == ST_OK; k++)
				status = add(e, out, part.items.at[k]);
			if (status != ST_OK)
				return status;
		}
	}
	return status;
}

static enum status eval_step(struct eval *e, const struct node *node,
			     const struct jsonpath_results *in, struct jsonpath_results *out)
{
	enum status status = ST_OK;

	switch (node->type) {
	case NODE_FIELD:
		return eval_field(e, node, in, out);
	case NODE_SLICE:
		return eval_slice(e, node, in, out);
	case NODE_UNION:
		return eval_union(e, node, in, out);
	case NODE_FILTER:
		return eval_filter(e, node, in, out);
	case NODE_TEXT:
		return add(e, out, node->value);
	case NODE_VALUE:
	case NODE_WILDCARD:
	case NODE_RECURSIVE:
		for (u32 i = 0; i < in->items.len && status == ST_OK; i++)
			status = node->type == NODE_VALUE ? add(e, out, node->value)
				 : node->type == NODE_WILDCARD
					 ? add_children(e, in->items.at[i], out)
					 : add_recursively(e, in->items.at[i], out);
		return status;
	default:
		return fail(e->error, ST_INVALID, "unrecognized identifier " STR_FMT,
			    STR_ARG(node->name));
	}
}

static enum status eval_list(struct eval *e, const struct node *list, const struct doc *from,
			     struct jsonpath_results *ret_results)
{
	struct jsonpath_results in = { 0 };
	enum status status = add(e, &in, from);

	for (u32 i = 0; i < list->children.len && status == ST_OK; i++) {
		struct jsonpath_results out = { 0 };

		status = eval_step(e, list->children.at[i], &in, &out);
		in = out;
	}
	*ret_results = in;
	return status;
}

/* ---- output */

static int compare_keys(const void *a, const void *b)
{
	const struct doc *const *x = a, *const *y = b;

	return str_cmp(doc_str(*x), doc_str(*y));
}

/* Go prints maps with sorted keys. */
static void print_sorted(struct eval *e, const struct doc *d)
{
	if (d->type == DOC_ARRAY) {
		buffer_add_char(e->out, '[');
		for (u32 i = 0; i < d->len; i++) {
			if (i)
				buffer_add_char(e->out, ',');
			print_sorted(e, &d->items[i]);
		}
		buffer_add_char(e->out, ']');
	} else if (d->type == DOC_OBJECT) {
		const struct doc **keys = ARENA_ARRAY(e->arena, const struct doc *, d->len + 1);

		for (u32 i = 0; i < d->len; i++)
			keys[i] = &d->items[2 * i];
		qsort(keys, d->len, sizeof *keys, compare_keys);
		buffer_add_char(e->out, '{');
		for (u32 i = 0; i < d->len; i++) {
			if (i)
				buffer_add_char(e->out, ',');
			json_print(e->out, keys[i]);
			buffer_add_char(e->out, ':');
			print_sorted(e, keys[i] + 1);
		}
		buffer_add_char(e->out, '}');
	} else {
		json_print(e->out, d);
	}
}

static enum status put_results(struct eval *e, const struct jsonpath_results *results)
{
	for (u32 i = 0; i < results->items.len; i++) {
		const struct doc *d = results->items.at[i];

		if (!e->out) {
			VEC_PUSH(e->arena, &e->found->items, d);
			continue;
		}
		if (i)
			buffer_add_char(e->out, ' ');
		if (d->type == DOC_STRING)
			buffer_add_str(e->out, doc_str(d));
		else
			print_sorted(e, d);
	}
	return e->out && e->out->full ? fail(e->error, ST_TOO_LARGE, "the output is too large")
				      : ST_OK;
}

static enum status run_block(struct eval *e, const struct node *block, const struct doc *d)
{
	enum status status = ST_OK;

	for (u32 i = 0; i < block->children.len && status == ST_OK; i++) {
		const struct node *node = block->children.at[i];
		struct jsonpath_results results = { 0 };

		if (node->type == NODE_TEXT) {
			VEC_PUSH(e->arena, &results.items, node->value);
			if (e->out)
				status = put_results(e, &results);
			continue;
		}
		status = eval_list(e, node->type == NODE_RANGE ? node->left : node, d, &results);
		if (status != ST_OK)
			return status;
		if (node->type == NODE_LIST)
			status = put_results(e, &results);
		for (u32 j = 0; node->type == NODE_RANGE && j < results.items.len; j++) {
			status = run_block(e, node, results.items.at[j]);
			if (status != ST_OK)
				return status;
		}
	}
	return status;
}

enum status jsonpath_print(struct arena *arena, const struct jsonpath *path, const struct doc *d,
			   bool allow_missing, struct buffer *out, struct error *error)
{
	struct eval e = {
		.arena = arena, .allow_missing = allow_missing, .out = out, .error = error
	};

	return run_block(&e, &path->root, d);
}

enum status jsonpath_find(struct arena *arena, const struct jsonpath *path, const struct doc *d,
			  bool allow_missing, struct jsonpath_results *ret_results,
			  struct error *error)
{
	struct jsonpath_results found = { 0 };
	struct eval e = {
		.arena = arena, .allow_missing = allow_missing, .found = &found, .error = error
	};
	enum status status = run_block(&e, &path->root, d);

	if (status == ST_OK)
		*ret_results = found;
	return status;
}
