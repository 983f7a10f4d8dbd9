/* Label selectors, from text and from objects, into one sorted list of requirements. */
#include "schema/selector.h"

#include <stdlib.h>

#include "base/buffer.h"
#include "schema/format.h"

enum { REQUIREMENTS_MAX = 1000 };

typedef VEC(struct selector_requirement) requirement_list;
typedef VEC(struct str) str_list;

static int compare_str(const void *a, const void *b)
{
	return str_cmp(*(const struct str *)a, *(const struct str *)b);
}

static int compare_requirement(const void *a, const void *b)
{
	return str_cmp(((const struct selector_requirement *)a)->key,
		       ((const struct selector_requirement *)b)->key);
}

static struct selector *finish(struct arena *arena, requirement_list *list)
{
	struct selector *s = ARENA_NEW(arena, struct selector);

	if (list->len > 1)
		qsort(list->at, list->len, sizeof *list->at, compare_requirement);
	s->at = list->at;
	s->len = list->len;
	return s;
}

/* Adds one requirement after checking key and values; words as upstream's labels.NewRequirement. */
static enum status add(struct arena *arena, requirement_list *list, struct str key,
		       enum selector_operator op, str_list *values, bool equality,
		       struct error *error)
{
	struct format_faults faults = { .len = 0 };

	if (list->len == REQUIREMENTS_MAX)
		return fail(error, ST_BAD_REQUEST, "a selector has at most %d requirements",
			    REQUIREMENTS_MAX);
	format_check(API_FORMAT_LABEL_KEY, key, &faults);
	if (faults.len)
		return fail(error, ST_BAD_REQUEST, "key: Invalid value: \"" STR_FMT "\": " STR_FMT,
			    STR_ARG(key), STR_ARG(faults.at[0]));
	for (u32 i = 0; i < values->len; i++) {
		format_check(API_FORMAT_LABEL_VALUE, values->at[i], &faults);
		if (faults.len)
			return fail(error, ST_BAD_REQUEST,
				    "values[%u][" STR_FMT "]: Invalid value: \"" STR_FMT
				    "\": " STR_FMT,
				    i, STR_ARG(key), STR_ARG(values->at[i]), STR_ARG(faults.at[0]));
	}
	if (values->len > 1)
		qsort(values->at, values->len, sizeof *values->at, compare_str);
	struct selector_requirement r = { key, op, values->at, values->len, equality };

	VEC_PUSH(arena, list, r);
	return ST_OK;
}

/* ---- text */

struct lexer {
	struct str rest, token; /* token.len == 0: the end */
	struct error *error;
};

static bool is_special(char c)
{
	return c && strchr("=!(),<>", c);
}

static bool is_space(char c)
{
	return c == ' ' || c == '\t' || c == '\n' || c == '\r';
}

/* Takes the next token: a word, one of ( ) , ! = == != < >, or nothing at the end. */
static void advance(struct lexer *l)
{
	size_t len = 0;

	while (l->rest.len && is_space(l->rest.at[0]))
		l->rest = str_from(l->rest, 1);
	if (l->rest.len && is_special(l->rest.at[0])) {
		char a = l->rest.at[0], b = l->rest.len > 1 ? l->rest.at[1] : 0;

		len = (a == '=' || a == '!') && b == '=' ? 2 : 1;
	} else {
		while (len < l->rest.len && !is_space(l->rest.at[len]) &&
		       !is_special(l->rest.at[len]))
			len++;
	}
	l->token = str_part(l->rest, 0, len);
	l->rest = str_from(l->rest, len);
}

static bool at_word(const struct lexer *l)
{
	return l->token.len && !is_special(l->token.at[0]);
}

static enum status expected(struct lexer *l, const char *what)
{
	return fail(l->error, ST_BAD_REQUEST,
		    "unable to parse requirement: found '" STR_FMT "', expected: %s",
		    STR_ARG(l->token), what);
}

/* "(a, b)" after in or notin. */
static enum status parse_set(struct arena *arena, struct lexer *l, str_list *values)
{
	advance(l);
	if (!str_is(l->token, "("))
		return expected(l, "'('");
	for (;;) {
		advance(l);
		if (at_word(l)) {
			VEC_PUSH(arena, values, l->token);
			advance(l);
		} else {
			VEC_PUSH(arena, values, STR(""));
		}
		if (str_is(l->token, ")"))
			break;
		if (!str_is(l->token, ","))
			return expected(l, "',', or ')'");
	}
	advance(l);
	return ST_OK;
}

/* A value may be empty: "a=" and "a=,b". */
static void parse_value(struct arena *arena, struct lexer *l, str_list *values)
{
	advance(l);
	VEC_PUSH(arena, values, at_word(l) ? l->token : STR(""));
	if (at_word(l))
		advance(l);
}

static enum status parse_requirement(struct arena *arena, struct lexer *l, requirement_list *list)
{
	str_list values = { 0 };
	bool not_there = str_is(l->token, "!"), equality = false;
	enum selector_operator op = SELECTOR_EXISTS;

	if (not_there)
		advance(l);
	if (!at_word(l))
		return expected(l, "identifier");
	struct str key = l->token;

	advance(l);
	if (not_there) {
		op = SELECTOR_NOT_EXISTS;
	} else if (str_is(l->token, "in") || str_is(l->token, "notin")) {
		op = str_is(l->token, "in") ? SELECTOR_IN : SELECTOR_NOT_IN;
		enum status status = parse_set(arena, l, &values);

		if (status != ST_OK)
			return status;
	} else if (str_is(l->token, "=") || str_is(l->token, "==") || str_is(l->token, "!=")) {
		op = l->token.at[0] == '!' ? SELECTOR_NOT_IN : SELECTOR_IN;
		equality = true;
		parse_value(arena, l, &values);
	} else if (str_is(l->token, "<") || str_is(l->token, ">")) {
		op = l->token.at[0] == '<' ? SELECTOR_LESS : SELECTOR_GREATER;
		parse_value(arena, l, &values);
	} else if (l->token.len && !str_is(l->token, ",")) {
		return expected(l, "in, notin, =, ==, !=, gt, lt");
	}
	return add(arena, list, key, op, &values, equality, l->error);
}

enum status selector_parse(struct arena *arena, struct str text, struct selector **ret_selector,
			   struct error *error)
{
	struct lexer l = { .rest = text, .error = error };
	requirement_list list = { 0 };

	advance(&l);
	while (l.token.len) {
		enum status status = parse_requirement(arena, &l, &list);

		if (status != ST_OK)
			return status;
		if (!l.token.len)
			break;
		if (!str_is(l.token, ","))
			return expected(&l, "',' or 'end of string'");
		advance(&l);
		if (!l.token.len)
			return expected(&l, "identifier after ','");
	}
	*ret_selector = finish(arena, &list);
	return ST_OK;
}

/* ---- objects */

static void add_map(struct arena *arena, requirement_list *list, const struct doc *labels)
{
	doc_each_pair(labels, key, value) {
		str_list one = { 0 };

		VEC_PUSH(arena, &one, doc_str(value));
		struct selector_requirement r = { key, SELECTOR_IN, one.at, 1, true };

		VEC_PUSH(arena, list, r);
	}
}

static enum status add_expressions(struct arena *arena, requirement_list *list,
				   const struct doc *expressions, struct error *error)
{
	static const char *const words[] = { "In", "NotIn", "Exists", "DoesNotExist", "Gt", "Lt" };

	doc_each_item(expressions, e) {
		struct str word = doc_str(doc_key(e, "operator"));
		str_list values = { 0 };
		u32 op = 0;

		while (op < ARRAY_LEN(words) && !str_is(word, words[op]))
			op++;
		if (op == ARRAY_LEN(words))
			return fail(error, ST_BAD_REQUEST,
				    "\"" STR_FMT "\" is not a valid label selector operator",
				    STR_ARG(word));
		doc_each_item(doc_key(e, "values"), value)
			VEC_PUSH(arena, &values, doc_str(value));
		enum status status = add(arena, list, doc_str(doc_key(e, "key")),
					 (enum selector_operator)op, &values, false, error);

		if (status != ST_OK)
			return status;
	}
	return ST_OK;
}

enum status selector_from_doc(struct arena *arena, const struct doc *label_selector,
			      struct selector **ret_selector, struct error *error)
{
	requirement_list list = { 0 };

	if (doc_is_null(label_selector)) {
		*ret_selector = finish(arena, &list);
		(*ret_selector)->nothing = true;
		return ST_OK;
	}
	add_map(arena, &list, doc_key(label_selector, "matchLabels"));
	enum status status =
		add_expressions(arena, &list, doc_key(label_selector, "matchExpressions"), error);

	if (status == ST_OK)
		*ret_selector = finish(arena, &list);
	return status;
}

struct selector *selector_from_map(struct arena *arena, const struct doc *labels)
{
	requirement_list list = { 0 };

	add_map(arena, &list, labels);
	struct selector *s = finish(arena, &list);

	s->nothing = s->len == 0;
	return s;
}

enum status selector_from_node_terms(struct arena *arena, const struct doc *expressions,
				     struct selector **ret_selector, struct error *error)
{
	requirement_list list = { 0 };
	enum status status = add_expressions(arena, &list, expressions, error);

	if (status == ST_OK)
		*ret_selector = finish(arena, &list);
	return status;
}

/* ---- matching */

static bool has_value(const struct selector_requirement *r, struct str value)
{
	for (u32 i = 0; i < r->values_len; i++)
		if (str_eq(r->values[i], value))
			return true;
	return false;
}

static bool requirement_matches(const struct selector_requirement *r, const struct doc *labels)
{
	const struct doc *label = doc_get(labels, r->key);
	i64 number, bound;

	switch (r->op) {
	case SELECTOR_IN:
		return label && has_value(r, doc_str(label));
	case SELECTOR_NOT_IN:
		return !label || !has_value(r, doc_str(label));
	case SELECTOR_EXISTS:
		return label != NULL;
	case SELECTOR_NOT_EXISTS:
		return label == NULL;
	default:
		if (!label || r->values_len != 1 || !str_to_i64(doc_str(label), &number) ||
		    !str_to_i64(r->values[0], &bound))
			return false;
		return r->op == SELECTOR_GREATER ? number > bound : number < bound;
	}
}

bool selector_matches(const struct selector *selector, const struct doc *labels)
{
	if (selector->nothing)
		return false;
	for (u32 i = 0; i < selector->len; i++)
		if (!requirement_matches(&selector->at[i], labels))
			return false;
	return true;
}

struct str selector_wanted(const struct selector *selector, struct str key)
{
	for (u32 i = 0; i < selector->len; i++) {
		const struct selector_requirement *r = &selector->at[i];

		if (r->op == SELECTOR_IN && r->values_len == 1 && str_eq(r->key, key))
			return r->values[0];
	}
	return STR("");
}

/* ---- printing */

static void print_requirement(struct buffer *out, const struct selector_requirement *r)
{
	static const char *const words[] = { " in (", " notin (", "", "", ">", "<" };

	if (r->op == SELECTOR_NOT_EXISTS)
		buffer_add_char(out, '!');
	buffer_add_str(out, r->key);
	if (r->equality) {
		buffer_add_str(out, r->op == SELECTOR_IN ? STR("=") : STR("!="));
		buffer_add_str(out, r->values_len ? r->values[0] : STR(""));
		return;
	}
	buffer_add_str(out, str_of(words[r->op]));
	for (u32 i = 0; i < r->values_len; i++) {
		if (i)
			buffer_add_char(out, ',');
		buffer_add_str(out, r->values[i]);
	}
	if (r->op == SELECTOR_IN || r->op == SELECTOR_NOT_IN)
		buffer_add_char(out, ')');
}

struct str selector_print(struct arena *arena, const struct selector *selector)
{
	struct buffer out = BUFFER_INIT(BODY_BYTES_MAX);

	for (u32 i = 0; i < selector->len; i++) {
		if (i)
			buffer_add_char(&out, ',');
		print_requirement(&out, &selector->at[i]);
	}
	struct str text = str_copy(arena, buffer_str(&out));

	buffer_release(&out);
	return text;
}
