/* Rewrites a pattern as a POSIX extended one, whose engine the C library brings along and which
 * never goes back over its text. */
#include "schema/pattern.h"

#include <regex.h>

#include "base/buffer.h"

enum { PATTERN_BYTES_MAX = 4096, PATTERN_NODES_MAX = 20000, GROUPS_MAX = 64 };

/* \d and its kin as the inside of a bracket, or NULL. */
static const char *class_of(char letter)
{
	switch (letter) {
	case 'd':
		return "0-9";
	case 'w':
		return "A-Za-z0-9_";
	case 's':
		return " \t\n\r\f\v";
	default:
		return NULL;
	}
}

static char control_of(char letter)
{
	static const char letters[] = "tnrfv", bytes[] = "\t\n\r\f\v";
	const char *at = strchr(letters, letter);

	return at ? bytes[at - letters] : 0;
}

/* One escape outside brackets; `c` follows the backslash. False: we do not know it. */
static bool put_escape(struct buffer *out, char c)
{
	char lower = c >= 'A' && c <= 'Z' ? (char)(c + 32) : c;

	if (class_of(lower))
		return buffer_add_format(out, "[%s%s]", lower == c ? "" : "^", class_of(lower));
	if (control_of(c))
		return buffer_add_char(out, control_of(c));
	if ((c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9'))
		return false;
	if (strchr(".[]()*+?{}|^$\\", c))
		buffer_add_char(out, '\\');
	return buffer_add_char(out, c);
}

/* [...]: POSIX knows no escapes inside, so what is special moves to where it is not. `at` stands
 * behind the opening bracket; returns where it closes, 0 when it never does. */
static size_t put_bracket(struct buffer *out, struct str s, size_t at)
{
	struct buffer body = BUFFER_INIT(PATTERN_BYTES_MAX);
	bool close = false, dash = false, first = true, ok = true;

	buffer_add_char(out, '[');
	if (at < s.len && s.at[at] == '^')
		buffer_add_char(out, s.at[at++]);
	for (; at < s.len && (s.at[at] != ']' || first) && ok; at++, first = false) {
		char c = s.at[at];

		if (c == ']') {
			close = true;
		} else if (c != '\\') {
			buffer_add_char(&body, c);
		} else if (++at < s.len && class_of(s.at[at])) {
			buffer_add_str(&body, str_of(class_of(s.at[at])));
		} else if (at < s.len && control_of(s.at[at])) {
			buffer_add_char(&body, control_of(s.at[at]));
		} else if (at < s.len && s.at[at] == '-') {
			dash = true;
		} else if (at < s.len && s.at[at] == ']') {
			close = true;
		} else if (at < s.len && strchr("bBDWSpPxuQE", s.at[at])) {
			ok = false;
		} else if (at < s.len) {
			buffer_add_char(&body, s.at[at]);
		}
	}
	/* A dash at the end stands for itself: ours goes behind it only when there is none. */
	if (close)
		buffer_add_char(out, ']');
	buffer_add_str(out, buffer_str(&body));
	if (dash && !(body.len && body.at[body.len - 1] == '-'))
		buffer_add_char(out, '-');
	buffer_add_char(out, ']');
	buffer_release(&body);
	return ok && at < s.len ? at : 0;
}

static const char *translate(struct buffer *out, struct str s)
{
	for (size_t i = 0; i < s.len; i++) {
		char c = s.at[i], next = i + 1 < s.len ? s.at[i + 1] : 0;

		if (c == '\\') {
			if (i + 1 == s.len || !put_escape(out, next))
				return "it has an escape that is not supported here";
			i++;
		} else if (c == '[') {
			i = put_bracket(out, s, i + 1);
			if (!i)
				return "it has a bracket that does not close, or an escape in it "
				       "that is not supported here";
		} else if (c == '(' && next == '?') {
			if (i + 2 >= s.len || s.at[i + 2] != ':')
				return "groups that look ahead or behind, have names or set flags "
				       "are not supported here";
			buffer_add_char(out, '(');
			i += 2;
		} else {
			buffer_add_char(out, c);
			/* Lazy or not makes no difference to whether there is a match. */
			if (strchr("*+?}", c) && next == '?')
				i++;
		}
	}
	buffer_add_char(out, 0);
	return out->full ? "it is too long" : NULL;
}

/* ---- how large it gets: the C library copies what is repeated */

struct cost {
	u64 levels[GROUPS_MAX]; /* of what stands in each open group so far */
	u32 depth;
	u64 atom;      /* of what a repetition here would repeat; 0: there is nothing */
	bool repeated; /* it is a repetition already */
};

static void add_atom(struct cost *cost, u64 atom)
{
	cost->levels[cost->depth] += atom;
	cost->atom = atom;
	cost->repeated = false;
}

/* "{2,5}" at `at`: the larger number; *ret_at moves to the brace that closes. */
static u64 repeat_count(const char *s, size_t *ret_at)
{
	u64 number = 0, most = 0;
	size_t at = *ret_at + 1;

	for (; s[at] && s[at] != '}'; at++) {
		if (s[at] >= '0' && s[at] <= '9')
			number = MIN(number * 10 + (u64)(s[at] - '0'), (u64)PATTERN_NODES_MAX);
		else
			number = 0;
		most = MAX(most, number);
	}
	*ret_at = s[at] ? at : at - 1;
	return most + 1;
}

static bool repeat(struct cost *cost, const char *s, size_t *at)
{
	u64 times = s[*at] == '+' ? 2 : s[*at] == '{' ? repeat_count(s, at) : 1;

	if (cost->repeated)
		return false;
	cost->levels[cost->depth] += cost->atom * (times - 1);
	cost->atom *= times;
	cost->repeated = true;
	return true;
}

/* Past the bracket that opens at `at`; a bracket right at its beginning stands for itself. */
static size_t skip_bracket(const char *s, size_t at)
{
	at += s[at + 1] == '^' ? 2 : 1;
	for (at += s[at] == ']'; s[at] && s[at] != ']';)
		at++;
	return s[at] ? at : at - 1;
}

/* Of a translated pattern. NULL when it is small enough. */
static const char *too_large(const char *s)
{
	struct cost cost = { 0 };

	for (size_t i = 0; s[i]; i++) {
		if (strchr("*+?{", s[i])) {
			if (!repeat(&cost, s, &i))
				return "it repeats a repetition";
		} else if (s[i] == '(') {
			if (++cost.depth == GROUPS_MAX)
				return "it has too many groups inside groups";
			cost.levels[cost.depth] = 1;
		} else if (s[i] == ')' && cost.depth > 0) {
			u64 group = cost.levels[cost.depth--];

			add_atom(&cost, group);
		} else {
			if (s[i] == '\\' && s[i + 1])
				i++;
			else if (s[i] == '[')
				i = skip_bracket(s, i);
			add_atom(&cost, 1);
		}
		if (cost.levels[cost.depth] > PATTERN_NODES_MAX)
			return "it repeats too much";
	}
	return NULL;
}

static enum status compile(struct str pattern, regex_t *ret_regex, struct error *error)
{
	struct buffer out = BUFFER_INIT(4 * PATTERN_BYTES_MAX);
	const char *problem = pattern.len > PATTERN_BYTES_MAX || memchr(pattern.at, 0, pattern.len)
				      ? "it is too long"
				      : translate(&out, pattern);
	char words[128];
	int code = 0;

	problem = problem ? problem : too_large(out.at);
	if (!problem && (code = regcomp(ret_regex, out.at, REG_EXTENDED | REG_NOSUB)) != 0) {
		regerror(code, ret_regex, words, sizeof words);
		problem = words;
	}
	buffer_release(&out);
	return problem ? fail(error, ST_BAD_REQUEST, "must be a valid regular expression, but %s",
			      problem)
		       : ST_OK;
}

enum status pattern_check(struct arena *arena, struct str pattern, struct error *error)
{
	regex_t regex;
	enum status status = compile(pattern, &regex, error);

	(void)arena;
	if (status == ST_OK)
		regfree(&regex);
	return status;
}

bool pattern_matches(struct arena *arena, struct str pattern, struct str text)
{
	regex_t regex;
	bool found;

	if (compile(pattern, &regex, NULL) != ST_OK)
		return false;
	found = regexec(&regex, str_c(arena, text), 0, NULL, 0) == 0;
	regfree(&regex);
	return found;
}
