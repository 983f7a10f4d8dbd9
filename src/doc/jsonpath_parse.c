/*
 * The grammar of k8s.io/client-go/util/jsonpath, quirks and sentences included; only {range} and
 * {end} are matched here already, where upstream does so while evaluating.
 */
#include <math.h>
#include <stdlib.h>

#include "doc/jsonpath_node.h"

enum { RANGES_MAX = 32 }; /* loops inside loops */

struct parser {
	struct arena *arena;
	struct str text;
	size_t at;
	struct error *error;
};

static enum status parse_steps(struct arena *arena, struct str text, struct node *list,
			       struct error *error);

static struct node *new_node(struct arena *arena, enum node_type type, struct str name)
{
	struct node *node = ARENA_NEW(arena, struct node);

	node->type = type;
	node->name = name;
	return node;
}

static void append(struct parser *p, struct node *list, struct node *child)
{
	VEC_PUSH(p->arena, &list->children, child);
}

static int peek(const struct parser *p)
{
	return p->at < p->text.len ? (u8)p->text.at[p->at] : -1;
}

static struct str rest_of(const struct parser *p)
{
	return str_from(p->text, p->at);
}

static bool ends_word(int c)
{
	return c < 0 || strchr(" \t\r\n.,[]$@{}", c) != NULL; /* NUL ends one, too */
}

static bool word_char(int c)
{
	return c == '_' || (c >= '0' && c <= '9') || (c | 0x20) - 'a' + 0u < 26u || c >= 0x80;
}

/* ---- quoted text */

static char *put_rune(char *to, u32 c)
{
	if (c < 0x80) {
		*to++ = (char)c;
	} else if (c < 0x800) {
		*to++ = (char)(0xC0 | c >> 6);
		*to++ = (char)(0x80 | (c & 0x3F));
	} else if (c < 0x10000) {
		*to++ = (char)(0xE0 | c >> 12);
		*to++ = (char)(0x80 | (c >> 6 & 0x3F));
		*to++ = (char)(0x80 | (c & 0x3F));
	} else {
		*to++ = (char)(0xF0 | c >> 18);
		*to++ = (char)(0x80 | (c >> 12 & 0x3F));
		*to++ = (char)(0x80 | (c >> 6 & 0x3F));
		*to++ = (char)(0x80 | (c & 0x3F));
	}
	return to;
}

/* Reads `count` digits to `base` (16 or 8). */
static bool read_digits(struct str *s, u32 count, u32 base, u32 *ret_value)
{
	u32 value = 0;

	for (u32 i = 0; i < count; i++) {
		int c = i < s->len ? s->at[i] : 0, lower = c | 0x20;
		u32 digit = c >= '0' && c <= '9'	   ? (u32)(c - '0')
			    : lower >= 'a' && lower <= 'f' ? (u32)(lower - 'a' + 10)
							   : 99;

		if (digit >= base)
			return false;
		value = value * base + digit;
	}
	*s = str_from(*s, count);
	*ret_value = value;
	return true;
}

/* One escape as in Go's strconv.UnquoteChar; *s stands after the backslash. */
static bool unescape(struct str *s, char quote, char **to)
{
	static const char from[] = "abfnrtv\\", into[] = "\a\b\f\n\r\t\v\\";
	char c = s->len ? s->at[0] : 0;
	const char *letter = c ? strchr(from, c) : NULL;
	u32 value;

	if (c >= '0' && c <= '7') {
		if (!read_digits(s, 3, 8, &value) || value > 255)
			return false;
		*(*to)++ = (char)value;
		return true;
	}
	*s = str_from(*s, 1);
	if (letter) {
		*(*to)++ = into[letter - from];
	} else if (c && c == quote) {
		*(*to)++ = c;
	} else if (c == 'x') {
		if (!read_digits(s, 2, 16, &value))
			return false;
		*(*to)++ = (char)value;
	} else if (c == 'u' || c == 'U') {
		if (!read_digits(s, c == 'u' ? 4 : 8, 16, &value) || value > 0x10FFFF ||
		    (value >= 0xD800 && value < 0xE000))
			return false;
		*to = put_rune(*to, value);
	} else {
		return false;
	}
	return true;
}

static enum status parse_quote(struct parser *p, struct node *list)
{
	char quote = p->text.at[p->at];
	size_t start = p->at++;

	for (;; p->at++) {
		int c = peek(p);

		if (c < 0 || c == '\n')
			return fail(p->error, ST_BAD_REQUEST, "unterminated quoted string");
		if (c == quote && p->text.at[p->at - 1] != '\\')
			break;
	}
	p->at++;
	struct str whole = str_part(p->text, start, p->at - start);
	struct str s = str_part(whole, 1, whole.len - 2);
	char *text = arena_alloc(p->arena, s.len + 1), *to = text;

	while (s.len) {
		char c = s.at[0];

		s = str_from(s, 1);
		if (c != '\\')
			*to++ = c;
		else if (!unescape(&s, quote, &to))
			return fail(p->error, ST_BAD_REQUEST,
				    "unquote string " STR_FMT " error invalid syntax",
				    STR_ARG(whole));
	}
	struct node *node = new_node(p->arena, NODE_TEXT, STR_NONE);

	node->value = doc_ref_str(p->arena, (struct str){ text, (size_t)(to - text) });
	append(p, list, node);
	return ST_OK;
}

/* ---- numbers, words, fields */

static enum status parse_number(struct parser *p, struct node *list)
{
	size_t start = p->at;

	if (peek(p) == '+' || peek(p) == '-')
		p->at++;
	while (peek(p) == '.' || (peek(p) >= '0' && peek(p) <= '9'))
		p->at++;
	struct str text = str_part(p->text, start, p->at - start);
	struct node *node = new_node(p->arena, NODE_VALUE, STR_NONE);
	i64 whole;

	if (str_to_i64(text, &whole)) {
		node->value = doc_new_int(p->arena, whole);
	} else {
		char *end;
		const char *number = str_c(p->arena, text);
		double value = strtod(number, &end);

		if (*end || end == number || !isfinite(value))
			return fail(p->error, ST_BAD_REQUEST, "cannot parse number " STR_FMT,
				    STR_ARG(text));
		node->value = doc_new_double(p->arena, value);
	}
	append(p, list, node);
	return ST_OK;
}

static void parse_word(struct parser *p, struct node *list)
{
	size_t start = p->at;

	while (!ends_word(peek(p)))
		p->at++;
	struct str word = str_part(p->text, start, p->at - start);
	bool boolean = str_is(word, "true") || str_is(word, "false");
	struct node *node = new_node(p->arena, boolean ? NODE_VALUE : NODE_IDENTIFIER, word);

	if (boolean)
		node->value = doc_new_bool(str_is(word, "true"));
	append(p, list, node);
}

static void parse_field(struct parser *p, struct node *list)
{
	char *name = arena_alloc(p->arena, rest_of(p).len + 1), *to = name;

	/* A backslash takes the next character as it is: x\.y */
	while (!ends_word(peek(p))) {
		if (peek(p) == '\\' && ++p->at == p->text.len)
			break;
		*to++ = p->text.at[p->at++];
	}
	struct str text = { name, (size_t)(to - name) };

	append(p, list, new_node(p->arena, str_is(text, "*") ? NODE_WILDCARD : NODE_FIELD, text));
}

/* ---- brackets */

/* -?[0-9]* */
static bool slice_bound(struct str text, struct bound *ret_bound)
{
	*ret_bound = (struct bound){ .known = text.len > 0 };
	return !text.len || (text.at[0] != '+' && str_to_i64(text, &ret_bound->value) &&
			     ret_bound->value > INT32_MIN && ret_bound->value < INT32_MAX);
}

static enum status parse_slice(struct parser *p, struct node *list, struct str text)
{
	struct node *node = new_node(p->arena, NODE_SLICE, STR_NONE);
	struct str rest = text, first = str_cut(&rest, ':');
	bool colon = rest.at != NULL;
	struct str end = colon ? str_cut(&rest, ':') : STR_NONE;
	struct str step = rest.at ? str_cut(&rest, ':') : STR_NONE;

	if (rest.at || !slice_bound(first, &node->first) || !slice_bound(end, &node->end) ||
	    !slice_bound(step, &node->step))
		return fail(p->error, ST_BAD_REQUEST, "invalid array index " STR_FMT,
			    STR_ARG(text));
	node->single = !colon;
	append(p, list, node);
	return ST_OK;
}

static enum status parse_union(struct parser *p, struct node *list, struct str text)
{
	struct node *node = new_node(p->arena, NODE_UNION, STR_NONE);

	while (text.at) {
		struct str piece = str_trim(str_cut(&text, ','));
		struct node *part = new_node(p->arena, NODE_LIST, STR_NONE);
		enum status status =
			parse_steps(p->arena, str_format(p->arena, "[" STR_FMT "]", STR_ARG(piece)),
				    part, p->error);

		if (status != ST_OK)
			return status;
		append(p, node, part);
	}
	append(p, list, node);
	return ST_OK;
}

static enum status parse_array(struct parser *p, struct node *list)
{
	size_t start = ++p->at;

	for (; peek(p) != ']'; p->at++)
		if (peek(p) < 0 || peek(p) == '\n')
			return fail(p->error, ST_BAD_REQUEST, "unterminated array");
	struct str text = str_part(p->text, start, p->at - start);

	p->at++;
	if (str_is(text, "*"))
		text = STR(":");
	if (str_find_char(text, ',') >= 0)
		return parse_union(p, list, text);
	if (text.len < 2 || text.at[0] != '\'' || text.at[text.len - 1] != '\'' ||
	    str_find_char(str_part(text, 1, text.len - 2), '\'') >= 0)
		return parse_slice(p, list, text);
	return parse_steps(
		p->arena,
		str_format(p->arena, "." STR_FMT, STR_ARG(str_part(text, 1, text.len - 2))), list,
		p->error);
}

/* Finds where the filter that starts here ends: a ) outside of its one quoted string. */
static enum status filter_text(struct parser *p, struct str *ret_text)
{
	bool begun = false, ended = false;
	size_t start = p->at;
	int quote = 0;

	for (;; p->at++) {
		int c = peek(p);

		if (c < 0 || c == '\n')
			return fail(p->error, ST_BAD_REQUEST, "unterminated filter");
		if (c == ')' && begun == ended)
			break;
		if (c != '"' && c != '\'')
			continue;
		if (!begun) {
			begun = true;
			quote = c;
		} else if (c == quote && p->text.at[p->at - 1] != '\\') {
			ended = true;
		}
	}
	*ret_text = str_part(p->text, start, p->at - start);
	p->at++;
	if (peek(p) != ']')
		return fail(p->error, ST_BAD_REQUEST, "unclosed array expect ]");
	p->at++;
	return ST_OK;
}

static enum status parse_filter(struct parser *p, struct node *list)
{
	struct node *node = new_node(p->arena, NODE_FILTER, STR_NONE);
	size_t left = 0, sign;
	struct str text;
	enum status status;

	p->at += sizeof "[?(" - 1;
	status = filter_text(p, &text);
	if (status != ST_OK)
		return status;
	while (left < text.len && !strchr("!<>=", text.at[left]))
		left++;
	sign = left;
	while (sign < text.len && text.at[sign] && strchr("!<>=", text.at[sign]))
		sign++;
	node->left = new_node(p->arena, NODE_LIST, STR_NONE);
	append(p, list, node);
	if (left == 0 || sign == left || sign == text.len)
		return parse_steps(p->arena, text, node->left, p->error);
	node->name = str_part(text, left, sign - left);
	node->right = new_node(p->arena, NODE_LIST, STR_NONE);
	status = parse_steps(p->arena, str_part(text, 0, left), node->left, p->error);
	if (status == ST_OK)
		status = parse_steps(p->arena, str_from(text, sign), node->right, p->error);
	return status;
}

static enum status parse_recursive(struct parser *p, struct node *list)
{
	u32 count = list->children.len;

	if (count && list->children.at[count - 1]->type == NODE_RECURSIVE)
		return fail(p->error, ST_BAD_REQUEST, "invalid multiple recursive descent");
	p->at += 2;
	append(p, list, new_node(p->arena, NODE_RECURSIVE, STR_NONE));
	if (word_char(peek(p)))
		parse_field(p, list);
	return ST_OK;
}

/* ---- actions and templates */

/* One step at p->at, which is neither the end of the text nor a closing brace. */
static enum status parse_step(struct parser *p, struct node *list)
{
	int c = peek(p);

	if (str_starts(rest_of(p), STR("[?(")))
		return parse_filter(p, list);
	if (str_starts(rest_of(p), STR("..")))
		return parse_recursive(p, list);
	if (c == '\r' || c == '\n')
		return fail(p->error, ST_BAD_REQUEST, "unclosed action");
	if (c == '[')
		return parse_array(p, list);
	if (c == '"' || c == '\'')
		return parse_quote(p, list);
	if (c == '+' || c == '-' || (c >= '0' && c <= '9'))
		return parse_number(p, list);
	if (c == ' ' || c == '@' || c == '$') {
		p->at++; /* the current object is where a path starts anyway */
	} else if (c == '.') {
		p->at++;
		parse_field(p, list);
	} else if (word_char(c)) {
		parse_word(p, list);
	} else {
		return fail(p->error, ST_BAD_REQUEST,
			    "unrecognized character in action: U+%04X '%c'", (u32)c, c);
	}
	return ST_OK;
}

/* Reads steps until a closing brace or the end; says which through p->at. */
static enum status parse_action(struct parser *p, struct node *list)
{
	enum status status = ST_OK;

	while (status == ST_OK && peek(p) >= 0 && peek(p) != '}')
		status = parse_step(p, list);
	return status;
}

static enum status parse_steps(struct arena *arena, struct str text, struct node *list,
			       struct error *error)
{
	struct parser p = { .arena = arena, .text = text, .error = error };
	enum status status = parse_action(&p, list);

	if (status == ST_OK && peek(&p) >= 0)
		return fail(error, ST_BAD_REQUEST, "unrecognized character in action: U+007D '}'");
	return status;
}

struct blocks {
	struct node *at[RANGES_MAX + 1]; /* the root and the ranges that are open */
	u32 depth;
};

/* Puts an action where it belongs: {range} opens a block, {end} closes it. */
static enum status place_action(struct parser *p, struct blocks *blocks, struct node *list)
{
	struct str word = list->children.len && list->children.at[0]->type == NODE_IDENTIFIER
				  ? list->children.at[0]->name
				  : STR_NONE;

	if (str_is(word, "end")) {
		if (!blocks->depth)
			return fail(p->error, ST_BAD_REQUEST, "not in range, nothing to end");
		blocks->depth--;
		return ST_OK;
	}
	if (!str_is(word, "range")) {
		append(p, blocks->at[blocks->depth], list);
		return ST_OK;
	}
	if (blocks->depth == RANGES_MAX)
		return fail(p->error, ST_BAD_REQUEST, "more than %d ranges inside each other",
			    RANGES_MAX);
	struct node *range = new_node(p->arena, NODE_RANGE, STR_NONE);

	list->children.at++;
	list->children.len--;
	list->children.cap--;
	range->left = list;
	append(p, blocks->at[blocks->depth], range);
	blocks->at[++blocks->depth] = range;
	return ST_OK;
}

enum status jsonpath_parse(struct arena *arena, struct str text, struct jsonpath **ret_path,
			   struct error *error)
{
	struct parser p = { .arena = arena, .text = str_copy(arena, text), .error = error };
	struct jsonpath *path = ARENA_NEW(arena, struct jsonpath);
	struct blocks blocks = { .at = { &path->root } };

	if (text.len > URL_BYTES_MAX)
		return fail(error, ST_TOO_LARGE, "a template of more than %d bytes", URL_BYTES_MAX);
	path->root.type = NODE_LIST;
	while (p.at < p.text.len) {
		i64 brace = str_find_char(rest_of(&p), '{');
		size_t plain = brace < 0 ? rest_of(&p).len : (size_t)brace;

		if (plain) {
			struct node *node = new_node(arena, NODE_TEXT, STR_NONE);

			node->value = doc_ref_str(arena, str_part(p.text, p.at, plain));
			append(&p, blocks.at[blocks.depth], node);
			p.at += plain;
			continue;
		}
		struct node *list = new_node(arena, NODE_LIST, STR_NONE);

		p.at++;
		enum status status = parse_action(&p, list);

		if (status == ST_OK && peek(&p) != '}')
			status = fail(error, ST_BAD_REQUEST, "unclosed action");
		if (status == ST_OK)
			status = place_action(&p, &blocks, list);
		if (status != ST_OK)
			return status;
		p.at++;
	}
	*ret_path = path;
	return ST_OK;
}

enum status jsonpath_parse_relaxed(struct arena *arena, struct str text, struct jsonpath **ret_path,
				   struct error *error)
{
	struct str inner = text;

	if (text.len >= 2 && text.at[0] == '{' && text.at[text.len - 1] == '}')
		inner = str_part(text, 1, text.len - 2);
	if (inner.len && inner.at[0] == '.')
		inner = str_from(inner, 1);
	if (!inner.len || str_find_char(inner, '{') >= 0 || str_find_char(inner, '}') >= 0)
		return fail(error, ST_BAD_REQUEST,
			    "unexpected path string, expected a 'name1.name2' or '.name1.name2' or "
			    "'{name1.name2}' or '{.name1.name2}'");
	return jsonpath_parse(arena, str_format(arena, "{." STR_FMT "}", STR_ARG(inner)), ret_path,
			      error);
}
