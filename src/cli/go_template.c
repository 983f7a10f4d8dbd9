/*
 * A template is walked while it is printed: `run` does the text up to its `end` or `else` and
 * returns what ended it. A part that must not print is walked with `silent`.
 */
#include "cli/go_template.h"

#include <ctype.h>

#include "doc/json.h"

enum { VARIABLES_MAX = 32, DEPTH_MAX = 32 };

struct variable {
	struct str name; /* with its $ */
	const struct doc *value;
};

struct template
{
	struct arena *arena;
	struct str rest;
	struct buffer *out;
	struct variable variables[VARIABLES_MAX];
	u32 variables_len, depth;
	struct error *error;
	enum status status;
};

enum ended { ENDED_TEXT, ENDED_END, ENDED_ELSE };

static struct str next_word(struct str *text)
{
	*text = str_trim(*text);
	size_t len = 0;
	char quote = 0;

	for (; len < text->len; len++) {
		char c = text->at[len];

		if (quote && c == '\\')
			len++;
		else if (quote && c == quote)
			quote = 0;
		else if (!quote && (c == '"' || c == '`'))
			quote = c;
		else if (!quote && isspace((unsigned char)c))
			break;
	}
	struct str word = str_part(*text, 0, len);

	*text = str_trim(str_from(*text, len));
	return word;
}

static const struct doc *literal(struct template *t, struct str word)
{
	const struct doc *value;
	struct error none = ERROR_INIT;

	if (word.at[0] == '`')
		return doc_new_str(t->arena, str_part(word, 1, word.len - 2));
	return json_parse(t->arena, word, &value, &none) == ST_OK ? value : NULL;
}

static const struct doc *variable(struct template *t, struct str name)
{
	for (u32 i = t->variables_len; i > 0; i--)
		if (str_eq(t->variables[i - 1].name, name))
			return t->variables[i - 1].value;
	t->status = fail(t->error, ST_BAD_REQUEST, "error: undefined variable \"" STR_FMT "\"",
			 STR_ARG(name));
	return NULL;
}

/* ".a.b", "$x.a", "\"text\"", "5". */
static const struct doc *operand(struct template *t, struct str word, const struct doc *dot)
{
	if (!word.len)
		return NULL;
	if (word.at[0] == '"' || word.at[0] == '`' || isdigit((unsigned char)word.at[0]))
		return literal(t, word);
	if (word.at[0] != '.' && word.at[0] != '$') {
		t->status = fail(t->error, ST_BAD_REQUEST,
				 "error: function \"" STR_FMT "\" not defined", STR_ARG(word));
		return NULL;
	}
	struct str fields = word, first = str_cut(&fields, '.');

	if (first.len)
		dot = variable(t, first);
	while (fields.at && fields.len && dot)
		dot = doc_get(dot, str_cut(&fields, '.'));
	return dot;
}

static const struct doc *index_of(struct template *t, struct str words, const struct doc *dot)
{
	const struct doc *of = operand(t, next_word(&words), dot);

	while (words.len && of && !t->status) {
		const struct doc *key = operand(t, next_word(&words), dot);

		of = doc_is(key, DOC_NUMBER) ? doc_item(of, (u32)doc_int_or(key, 0))
					     : doc_get(of, doc_str(key));
	}
	return of;
}

static bool truth(const struct doc *d)
{
	if (doc_is_null(d))
		return false;
	if (doc_is_bool(d))
		return doc_bool_or(d, false);
	if (doc_is(d, DOC_STRING))
		return doc_str(d).len > 0;
	return doc_is(d, DOC_NUMBER) ? doc_double_or(d, 0) != 0 : doc_len(d) > 0;
}

static const struct doc *expression(struct template *t, struct str words, const struct doc *dot)
{
	struct str rest = words, word = next_word(&rest);

	if (str_is(word, "index"))
		return index_of(t, rest, dot);
	if (str_is(word, "len"))
		return doc_new_int(t->arena, doc_len(operand(t, next_word(&rest), dot)));
	if (str_is(word, "not"))
		return doc_new_bool(!truth(operand(t, next_word(&rest), dot)));
	if (str_is(word, "eq") || str_is(word, "ne")) {
		const struct doc *a = operand(t, next_word(&rest), dot);
		const struct doc *b = operand(t, next_word(&rest), dot);

		return doc_new_bool((a && b && doc_eq(a, b)) == str_is(word, "eq"));
	}
	if (rest.len)
		t->status = fail(t->error, ST_BAD_REQUEST,
				 "error: this template is more than minke knows: {{" STR_FMT "}}",
				 STR_ARG(words));
	return operand(t, word, dot);
}

static void print_value(struct template *t, const struct doc *d)
{
	if (!d || doc_is_null(d))
		buffer_add_str(t->out, STR("<no value>"));
	else if (doc_is(d, DOC_STRING))
		buffer_add_str(t->out, doc_str(d));
	else
		buffer_add_str(t->out, json_text(t->arena, d));
}

/* The next {{…}}, its dashes taken off; what stands before it is printed. */
static bool next_action(struct template *t, bool silent, struct str *ret_action)
{
	i64 open = str_find(t->rest, STR("{{"));
	struct str before = open < 0 ? t->rest : str_part(t->rest, 0, (size_t)open);
	struct str after = open < 0 ? STR_NONE : str_from(t->rest, (size_t)open + 2);
	i64 close = open < 0 ? -1 : str_find(after, STR("}}"));

	if (open >= 0 && close < 0)
		t->status = fail(t->error, ST_BAD_REQUEST, "error: unclosed action");
	if (close >= 0) {
		*ret_action = str_part(after, 0, (size_t)close);
		t->rest = str_from(after, (size_t)close + 2);
		if (str_starts(*ret_action, STR("- "))) {
			while (before.len && isspace((unsigned char)before.at[before.len - 1]))
				before.len--;
			*ret_action = str_from(*ret_action, 2);
		}
		if (str_ends(*ret_action, STR(" -"))) {
			ret_action->len -= 2;
			while (t->rest.len && isspace((unsigned char)t->rest.at[0]))
				t->rest = str_from(t->rest, 1);
		}
		*ret_action = str_trim(*ret_action);
	}
	if (!silent)
		buffer_add_str(t->out, before);
	return close >= 0 && !t->status;
}

static enum ended run(struct template *t, const struct doc *dot, bool silent);

static void set_variable(struct template *t, struct str name, const struct doc *value)
{
	if (name.len && t->variables_len < VARIABLES_MAX)
		t->variables[t->variables_len++] = (struct variable){ name, value };
}

/* One pass of a range's body for each item or pair; at the end the rest stands behind `end`. */
static void run_range(struct template *t, struct str words, const struct doc *dot, bool silent)
{
	struct str first = STR_NONE, second = STR_NONE;
	i64 assign = str_find(words, STR(":="));
	u32 known = t->variables_len;

	if (assign >= 0) {
		struct str names = str_trim(str_part(words, 0, (size_t)assign));

		first = str_trim(str_cut(&names, ','));
		second = str_trim(names);
		words = str_from(words, (size_t)assign + 2);
	}
	const struct doc *over = silent ? NULL : expression(t, words, dot);
	struct str body = t->rest;
	u32 len = doc_len(over);
	enum ended ended = ENDED_END;

	for (u32 i = 0; i < len && !t->status; i++) {
		bool pairs = doc_is(over, DOC_OBJECT);
		const struct doc *value = pairs ? doc_pair_value(over, i) : doc_item(over, i);
		const struct doc *key = pairs ? doc_new_str(t->arena, doc_pair_key(over, i))
					      : doc_new_int(t->arena, i);

		set_variable(t, second.len ? first : STR_NONE, key);
		set_variable(t, second.len ? second : first, value);
		t->rest = body;
		ended = run(t, value, false);
		t->variables_len = known;
	}
	if (!len)
		ended = run(t, dot, true);
	if (ended == ENDED_ELSE)
		run(t, dot, silent || len > 0);
}

static void run_if(struct template *t, struct str words, const struct doc *dot, bool with,
		   bool silent)
{
	const struct doc *value = silent ? NULL : expression(t, words, dot);
	bool yes = truth(value);

	if (run(t, with && yes ? value : dot, silent || !yes) == ENDED_ELSE)
		run(t, dot, silent || yes);
}

static enum ended run(struct template *t, const struct doc *dot, bool silent)
{
	struct str action;
	enum ended ended = ENDED_TEXT;

	if (++t->depth > DEPTH_MAX)
		t->status = fail(t->error, ST_TOO_LARGE, "error: this template is too deep");
	while (!t->status && next_action(t, silent, &action)) {
		struct str rest = action, word = next_word(&rest);

		if (str_is(word, "end") || str_is(word, "else")) {
			ended = str_is(word, "end") ? ENDED_END : ENDED_ELSE;
			break;
		}
		if (str_is(word, "range"))
			run_range(t, rest, dot, silent);
		else if (str_is(word, "if") || str_is(word, "with"))
			run_if(t, rest, dot, str_is(word, "with"), silent);
		else if (!str_starts(word, STR("/*")) && !silent)
			print_value(t, expression(t, action, dot));
	}
	t->depth--;
	return ended;
}

enum status go_template_print(struct arena *arena, struct str text, const struct doc *d,
			      struct buffer *out, struct error *error)
{
	struct template template = { .arena = arena, .rest = text, .out = out, .error = error };

	set_variable(&template, STR("$"), d);
	if (run(&template, d, false) != ENDED_TEXT && !template.status)
		return fail(error, ST_BAD_REQUEST, "error: unexpected {{end}}");
	return template.status;
}
