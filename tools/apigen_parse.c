/* Reads the language of api/README.md, one line a time, and says file:line when it cannot. */
#include <ctype.h>
#include <stdlib.h>
#include <string.h>

#include "apigen.h"

struct parser {
	struct api *api;
	struct place place;
	struct group_def *group;
	struct struct_def *in_struct;
	struct kind_def *in_kind;
	const char **text; /* where a sentence on a line of its own goes */
	char *words[WORDS_MAX];
	int len, at;
};

/* Splits in place on blanks; "quoted text" is one word and keeps its opening quote as its mark. */
static void split(struct parser *p, char *s)
{
	p->len = p->at = 0;
	for (;;) {
		while (isspace((unsigned char)*s))
			s++;
		if (!*s || *s == '#')
			return;
		if (p->len == WORDS_MAX)
			die(p->place, "more than %d words in a line", WORDS_MAX);
		char *word = s;
		p->words[p->len++] = word;
		while (*s && !isspace((unsigned char)*s)) {
			if (*s != '"') {
				s++;
				continue;
			}
			char *quote = s++;
			while (*s && *s != '"')
				s += s[0] == '\\' && s[1] ? 2 : 1;
			if (!*s)
				die(p->place, "a quote is not closed: %s", quote);
			*s++ = 0;
			break;
		}
		if (!*s)
			return;
		*s++ = 0;
	}
}

static bool more(const struct parser *p)
{
	return p->at < p->len;
}

static const char *peek(const struct parser *p)
{
	return more(p) ? p->words[p->at] : "";
}

static const char *next(struct parser *p, const char *after)
{
	if (!more(p))
		die(p->place, "something is missing after \"%s\"", after);
	return p->words[p->at++];
}

static bool accept(struct parser *p, const char *word)
{
	if (strcmp(peek(p), word) != 0)
		return false;
	p->at++;
	return true;
}

static const char *take_text(struct parser *p)
{
	return copy_text(p->words[p->at++] + 1);
}

static bool is_one_of(const char *word, const char *const *list)
{
	for (; *list; list++)
		if (strcmp(*list, word) == 0)
			return true;
	return false;
}

static const char *const kind_words[] = { "singular", "short", "in", "namespaced", "serves", "also",
					  "lazy",     "old",   "of", "deprecated", NULL };
static const char *const field_words[] = { "omitempty", "inline", "required", "immutable",
					   "min",	"max",	  "enum",     "list",
					   "map",	"struct", "patch",    "format",
					   "default",	"check",  "output",   NULL };

/* Words up to the next one of `stops`, a sentence or a default. */
static void take_list(struct parser *p, struct words *list, const char *const *stops)
{
	const char *after = p->words[p->at - 1];
	while (more(p) && !is_one_of(peek(p), stops) && peek(p)[0] != '=') {
		const char *word = peek(p);
		if (word[0] == '"' && word[1] != 0)
			break;
		if (list->len == LIST_MAX)
			die(p->place, "more than %d words after \"%s\"", LIST_MAX, after);
		list->at[list->len++] = copy_text(word[0] == '"' ? "" : word);
		p->at++;
	}
	if (list->len == 0)
		die(p->place, "something is missing after \"%s\"", after);
}

static long long take_number(struct parser *p, const char *after)
{
	char *end;
	const char *word = next(p, after);
	long long value = strtoll(word, &end, 10);
	if (*end)
		die(p->place, "\"%s\" wants a number, not \"%s\"", after, word);
	return value;
}

static int take_format(struct parser *p, const char *after)
{
	static const char *const names[] = { "",
#define X(name, word) word,
					     API_FORMATS(X)
#undef X
	};
	const char *word = next(p, after);
	for (int i = 1; i < API_FORMAT_COUNT; i++)
		if (strcmp(names[i], word) == 0)
			return i;
	die(p->place, "no format \"%s\" (the list is API_FORMATS in src/schema/api.h)", word);
}

static void parse_group(struct parser *p)
{
	const char *word = next(p, "group");
	p->in_struct = NULL;
	p->in_kind = NULL;
	p->group = group_add(p->api, p->place, word);
	while (more(p)) {
		if (accept(p, "package"))
			p->group->package = copy_text(next(p, "package"));
		else if (accept(p, "also"))
			take_list(p, &p->group->also, kind_words);
		else if (accept(p, "old"))
			p->group->old = true;
		else
			die(p->place, "a group has no \"%s\"", peek(p));
	}
}

/* `old`, or `old SINCE GONE`. */
static void take_releases(struct parser *p, struct kind_def *k)
{
	k->old = true;
	if (!more(p) || peek(p)[0] < '0' || peek(p)[0] > '9')
		return;
	k->deprecated = copy_text(next(p, "old"));
	k->removed = copy_text(next(p, "old"));
}

static void parse_kind(struct parser *p, bool view)
{
	if (!p->group)
		die(p->place, "a kind before the group line");
	struct kind_def *k = must_alloc(sizeof *k);
	*k = (struct kind_def){ .place = p->place, .group = p->group, .verbs = 255 };
	k->name = copy_text(next(p, "kind"));
	k->plural = "";
	k->name_format = API_FORMAT_DNS_SUBDOMAIN;
	k->old = p->group->old;
	if (more(p) && !is_one_of(peek(p), kind_words) && peek(p)[0] != '"') {
		const char *word = next(p, k->name);
		k->plural = strcmp(word, "-") == 0 ? "" : copy_text(word);
	}
	while (more(p)) {
		if (accept(p, "singular"))
			k->singular = copy_text(next(p, "singular"));
		else if (accept(p, "short"))
			take_list(p, &k->shorts, kind_words);
		else if (accept(p, "in"))
			take_list(p, &k->categories, kind_words);
		else if (accept(p, "serves"))
			take_list(p, &k->serves, kind_words);
		else if (accept(p, "also"))
			take_list(p, &k->also, kind_words);
		else if (accept(p, "namespaced"))
			k->namespaced = true;
		else if (accept(p, "lazy"))
			k->lazy = true;
		else if (accept(p, "old"))
			take_releases(p, k);
		else if (accept(p, "deprecated"))
			k->deprecated = copy_text(next(p, "deprecated"));
		else if (view && accept(p, "of"))
			k->view_of = copy_text(next(p, "of"));
		else if (peek(p)[0] == '"')
			k->text = take_text(p);
		else
			die(p->place, "kind %s: no such word: \"%s\"", k->name, peek(p));
	}
	if (view && !k->view_of)
		die(p->place, "view %s does not say of which kind", k->name);
	if (p->api->kinds_len == (int)ARRAY_LEN(p->api->kinds))
		die(p->place, "too many kinds");
	p->api->kinds[p->api->kinds_len++] = k;
	p->in_kind = k;
	p->in_struct = NULL;
	p->text = &k->text;
}

static void parse_column(struct parser *p, struct kind_def *k)
{
	if (k->columns_len == LIST_MAX)
		die(p->place, "more than %d columns", LIST_MAX);
	struct column_def *c = &k->columns[k->columns_len++];
	const char *name = next(p, "column");
	c->name = copy_text(name[0] == '"' ? name + 1 : name);
	c->type = copy_text(next(p, "column"));
	c->source = "";
	bool has_source = false;
	while (more(p)) {
		if (accept(p, "wide")) {
			c->wide = true;
		} else if (peek(p)[0] == '"') {
			const char *text = take_text(p);
			*(has_source ? &c->text : &c->source) = text;
			has_source = true;
		} else {
			die(p->place, "column %s: no such word: \"%s\"", c->name, peek(p));
		}
	}
}

static void parse_verbs(struct parser *p, struct kind_def *k)
{
	static const char *const names[] = { "create", "delete", "deletecollection", "get",
					     "list",   "patch",	 "update",	     "watch" };
	k->verbs = 0;
	while (more(p)) {
		u32 i = 0;
		while (i < ARRAY_LEN(names) && strcmp(names[i], peek(p)) != 0)
			i++;
		if (i == ARRAY_LEN(names))
			die(p->place, "no verb \"%s\"", peek(p));
		k->verbs |= 1u << i;
		p->at++;
	}
}

/* A line under a kind; false when it is none of these. */
static bool parse_kind_line(struct parser *p)
{
	struct kind_def *k = p->in_kind;
	if (!k)
		return false;
	if (accept(p, "column")) {
		parse_column(p, k);
	} else if (accept(p, "verbs")) {
		parse_verbs(p, k);
	} else if (accept(p, "scale")) {
		for (int i = 0; i < 3 && more(p); i++)
			k->scale[i] = copy_text(next(p, "scale"));
	} else if (accept(p, "name")) {
		k->name_format = take_format(p, "name");
	} else if (accept(p, "select")) {
		take_list(p, &k->selects, kind_words);
	} else if (accept(p, "lazy")) {
		k->lazy = true;
	} else if (accept(p, "print")) {
		k->print = copy_text(next(p, "print"));
	} else if (accept(p, "check")) {
		k->check = copy_text(next(p, "check"));
	} else if (accept(p, "default")) {
		k->finish = copy_text(next(p, "default"));
	} else if (accept(p, "convert")) {
		k->convert = copy_text(next(p, "convert"));
	} else {
		return false;
	}
	return true;
}

static void parse_struct(struct parser *p)
{
	if (!p->group)
		die(p->place, "a struct before the group line");
	struct struct_def *s = must_alloc(sizeof *s);
	s->place = p->place;
	s->group = p->group;
	s->name = copy_text(next(p, "struct"));
	if (struct_find(p->api, p->group->word, s->name))
		die(p->place, "struct %s is there twice", s->name);
	if (more(p) && peek(p)[0] == '"')
		s->text = take_text(p);
	if (p->api->structs_len == (int)ARRAY_LEN(p->api->structs))
		die(p->place, "too many structs");
	s->id = p->api->structs_len;
	p->api->structs[p->api->structs_len++] = s;
	p->in_struct = s;
	p->in_kind = NULL;
	p->text = &s->text;
}

/* TYPE of the language → base type, shape and (for structs) the name that resolve() looks up. */
static void parse_type(struct parser *p, struct field_def *f, const char *word)
{
	static const struct {
		const char *word;
		int type;
	} names[] = {
		{ "string", API_STRING },     { "bool", API_BOOL },
		{ "int32", API_INT32 },	      { "int64", API_INT64 },
		{ "double", API_DOUBLE },     { "bytes", API_BYTES },
		{ "Quantity", API_QUANTITY }, { "IntOrString", API_INT_OR_STRING },
		{ "Time", API_TIME },	      { "MicroTime", API_MICRO_TIME },
		{ "Duration", API_DURATION }, { "Raw", API_RAW },
		{ "Any", API_ANY },	      { "FieldsV1", API_FIELDS_V1 },
	};
	char text[NAME_MAX_];
	if (*word == '*') {
		f->flags |= API_POINTER;
		word++;
	}
	snprintf(text, sizeof text, "%s", word);
	char *rest = text;
	if (strncmp(rest, "map<string,", 11) == 0) {
		size_t len = strlen(rest);
		if (rest[len - 1] != '>')
			die(p->place, "the type \"%s\" is not closed", word);
		rest[len - 1] = 0;
		rest += 11;
		f->shape = strncmp(rest, "[]", 2) == 0 ? API_MAP_OF_LISTS : API_MAP;
		rest += f->shape == API_MAP_OF_LISTS ? 2 : 0;
	} else if (strncmp(rest, "[]", 2) == 0) {
		f->shape = API_LIST;
		rest += 2;
	}
	if (*rest == '*')
		rest++;
	f->type = copy_text(rest);
	f->base = API_STRUCT;
	for (u32 i = 0; i < ARRAY_LEN(names); i++)
		if (strcmp(names[i].word, rest) == 0)
			f->base = names[i].type;
	if (strpbrk(rest, "<>[]*,"))
		die(p->place, "no such type: \"%s\"", word);
}

static void parse_list_kind(struct parser *p, struct field_def *f)
{
	if (accept(p, "atomic")) {
		f->list = API_LIST_ATOMIC;
	} else if (accept(p, "set")) {
		f->list = API_LIST_SET;
	} else if (accept(p, "map")) {
		f->list = API_LIST_MAP;
		char *keys = copy_text(next(p, "list map"));
		for (char *key = strtok(keys, ","); key; key = strtok(NULL, ","))
			f->list_keys.at[f->list_keys.len++] = key;
	} else {
		die(p->place, "\"list\" wants map KEY, set or atomic");
	}
	if (f->shape != API_LIST)
		die(p->place, "\"list\" on %s, which is no list", f->name);
}

static void parse_patch(struct parser *p, struct field_def *f)
{
	if (accept(p, "retainKeys")) {
		f->flags |= API_PATCH_RETAIN;
	} else if (accept(p, "merge")) {
		f->flags |= API_PATCH_MERGE;
		if (more(p) && !is_one_of(peek(p), field_words) && !strchr("\"=", peek(p)[0]))
			f->patch_key = copy_text(next(p, "merge"));
	} else {
		die(p->place, "\"patch\" wants merge or retainKeys");
	}
}

static void parse_field_word(struct parser *p, struct field_def *f)
{
	if (peek(p)[0] == '"') {
		f->text = take_text(p);
	} else if (peek(p)[0] == '=') {
		const char *word = next(p, "=") + 1;
		f->value = copy_text(word[0] == '"' ? word + 1 : word);
	} else if (accept(p, "omitempty")) {
		f->flags |= API_OMITEMPTY;
	} else if (accept(p, "inline")) {
		f->is_inline = true;
	} else if (accept(p, "required")) {
		f->flags |= API_REQUIRED;
	} else if (accept(p, "immutable")) {
		f->flags |= API_IMMUTABLE;
	} else if (accept(p, "output")) {
		f->flags |= API_OUTPUT;
	} else if (accept(p, "min")) {
		f->flags |= API_HAS_MIN;
		f->min = take_number(p, "min");
	} else if (accept(p, "max")) {
		f->flags |= API_HAS_MAX;
		f->max = take_number(p, "max");
	} else if (accept(p, "enum")) {
		take_list(p, &f->enums, field_words);
	} else if (accept(p, "list")) {
		parse_list_kind(p, f);
	} else if (accept(p, "map") || accept(p, "struct")) {
		if (!accept(p, "atomic"))
			die(p->place, "\"map\" and \"struct\" are followed by atomic");
		f->flags |= API_ATOMIC;
	} else if (accept(p, "patch")) {
		parse_patch(p, f);
	} else if (accept(p, "format")) {
		f->format = take_format(p, "format");
	} else if (accept(p, "default")) {
		f->make = copy_text(next(p, "default"));
	} else if (accept(p, "check")) {
		f->check = copy_text(next(p, "check"));
	} else {
		die(p->place, "field %s: no such word: \"%s\"", f->name, peek(p));
	}
}

static void parse_field(struct parser *p)
{
	struct struct_def *s = p->in_struct;
	if (!s)
		die(p->place, "a field outside a struct");
	struct field_def *f = must_alloc(sizeof *f);
	f->place = p->place;
	f->number = (int)take_number(p, "field");
	f->name = copy_text(next(p, "number"));
	parse_type(p, f, next(p, f->name));
	while (more(p))
		parse_field_word(p, f);
	if (f->number < 1 || f->number > 65535)
		die(p->place, "%d is no protobuf number", f->number);
	for (int i = 0; i < s->len; i++) {
		if (s->fields[i]->number == f->number)
			die(p->place, "number %d is used twice in %s", f->number, s->name);
		if (strcmp(s->fields[i]->name, f->name) == 0)
			die(p->place, "%s is there twice in %s", f->name, s->name);
	}
	if (s->len == FIELDS_MAX)
		die(p->place, "more than %d fields", FIELDS_MAX);
	s->fields[s->len++] = f;
	p->text = &f->text;
}

static void parse_line(struct parser *p)
{
	if (isdigit((unsigned char)peek(p)[0])) {
		parse_field(p);
	} else if (peek(p)[0] == '"') {
		if (!p->text || *p->text)
			die(p->place, "a sentence that belongs to nothing");
		*p->text = take_text(p);
	} else if (p->in_struct && accept(p, "check")) {
		p->in_struct->check = copy_text(next(p, "check"));
	} else if (p->in_struct && accept(p, "default")) {
		p->in_struct->finish = copy_text(next(p, "default"));
	} else if (parse_kind_line(p)) {
		/* Done. */
	} else if (accept(p, "group")) {
		parse_group(p);
	} else if (accept(p, "kind")) {
		parse_kind(p, false);
	} else if (accept(p, "view")) {
		parse_kind(p, true);
	} else if (accept(p, "struct")) {
		parse_struct(p);
	} else {
		die(p->place, "a line cannot begin with \"%s\" here", peek(p));
	}
	if (more(p))
		die(p->place, "what is \"%s\" at the end of the line?", peek(p));
}

void parse_file(struct api *api, const char *path)
{
	struct parser p = { .api = api, .place = { .file = path } };
	FILE *in = fopen(path, "r");
	if (!in)
		die(p.place, "cannot be opened");
	static char line[8192];
	size_t kept = 0; /* bytes of this line from before a backslash at a line's end */
	while (fgets(line + kept, (int)(sizeof line - kept), in)) {
		p.place.line++;
		size_t len = strlen(line);
		if (len + 1 == sizeof line && line[len - 1] != '\n')
			die(p.place, "the line is too long");
		if (len >= 2 && strcmp(line + len - 2, "\\\n") == 0) {
			kept = len - 2;
			continue;
		}
		kept = 0;
		split(&p, line);
		if (p.len > 0)
			parse_line(&p);
	}
	fclose(in);
}
