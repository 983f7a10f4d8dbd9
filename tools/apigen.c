/*
 * apigen: compiles api/<group>_<version>.api into the tables of src/schema/api.h and into the
 * phantom structs behind AT(). Usage: apigen HEADER SOURCE FILE.api…
 *
 * This file ties names together: which struct a field means, which kind a view shows, what stands
 * below a struct. Reading is in apigen_parse.c, writing in apigen_emit.c.
 */
#include "apigen.h"

#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

void die(struct place place, const char *format, ...)
{
	va_list args;
	fprintf(stderr, "%s:%d: error: ", place.file, place.line);
	va_start(args, format);
	vfprintf(stderr, format, args);
	va_end(args);
	fputc('\n', stderr);
	exit(1);
}

/* Everything hangs on one chain: leak checkers then see that nothing is lost, only kept. */
void *must_alloc(size_t bytes)
{
	static void **chain;
	void **memory = calloc(1, 2 * sizeof *memory + bytes);

	if (!memory)
		abort();
	memory[0] = chain;
	chain = memory;
	return memory + 2;
}

char *copy_text(const char *text)
{
	size_t bytes = strlen(text) + 1;
	return memcpy(must_alloc(bytes), text, bytes);
}

/* "core" and "meta" are words of the language for the group that has no name. */
struct group_def *group_add(struct api *api, struct place place, const char *word)
{
	for (int i = 0; i < api->groups_len; i++)
		if (strcmp(api->groups[i]->word, word) == 0)
			return api->groups[i];
	const char *slash = strchr(word, '/');
	if (!slash || strlen(word) >= NAME_MAX_)
		die(place, "a group is written group/version, not \"%s\"", word);
	if (api->groups_len == (int)ARRAY_LEN(api->groups))
		die(place, "too many groups");
	struct group_def *g = must_alloc(sizeof *g);
	g->place = place;
	g->word = copy_text(word);
	snprintf(g->group, sizeof g->group, "%.*s", (int)(slash - word), word);
	snprintf(g->version, sizeof g->version, "%s", slash + 1);
	if (strcmp(g->group, "core") == 0 || strcmp(g->group, "meta") == 0)
		g->group[0] = 0;
	snprintf(g->api_version, sizeof g->api_version, "%s", g->group[0] ? word : slash + 1);
	g->package = "";
	g->index = api->groups_len;
	api->groups[api->groups_len++] = g;
	return g;
}

struct struct_def *struct_find(const struct api *api, const char *group_word, const char *name)
{
	for (int i = 0; i < api->structs_len; i++) {
		struct struct_def *s = api->structs[i];
		if (strcmp(s->name, name) == 0 && strcmp(s->group->word, group_word) == 0)
			return s;
	}
	return NULL;
}

static void resolve_field(struct api *api, struct struct_def *s, struct field_def *f)
{
	if (f->base == API_STRUCT) {
		char group[NAME_MAX_];
		const char *slash = strchr(f->type, '/');
		const char *dot = slash ? strchr(slash, '.') : NULL;
		const char *name = dot ? dot + 1 : f->type;
		snprintf(group, sizeof group, "%.*s", dot ? (int)(dot - f->type) : 0, f->type);
		f->of = struct_find(api, dot ? group : s->group->word, name);
		if (!f->of)
			die(f->place, "field %s: no struct or type \"%s\"", f->name, f->type);
	}
	if (f->is_inline && (!f->of || f->shape != API_ONE))
		die(f->place, "field %s: only a struct can be inline", f->name);
	if (f->enums.len && f->base != API_STRING)
		die(f->place, "field %s: only strings have an enum", f->name);
	if (f->flags & (API_PATCH_MERGE) && f->patch_key && f->base != API_STRUCT)
		die(f->place, "field %s: a patch key without structs", f->name);
}

/* Puts what an inline struct holds behind its own line, so that JSON readers need not look twice.
 */
static void hoist(struct struct_def *s, struct struct_def *from, int depth)
{
	if (depth > 4)
		die(s->place, "inline structs of %s go round in a circle", s->name);
	for (int i = 0; i < from->len; i++) {
		struct field_def *f = from->fields[i];
		if (f->flags & API_HOISTED)
			continue;
		if (f->is_inline) {
			hoist(s, f->of, depth + 1);
			continue;
		}
		for (int j = 0; j < s->len; j++)
			if (!s->fields[j]->is_inline && strcmp(s->fields[j]->name, f->name) == 0)
				die(f->place, "inline %s clashes in %s", f->name, s->name);
		if (s->len == FIELDS_MAX)
			die(s->place, "more than %d fields", FIELDS_MAX);
		struct field_def *copy = must_alloc(sizeof *copy);
		*copy = *f;
		copy->flags |= API_HOISTED;
		s->fields[s->len++] = copy;
	}
}

static u32 field_flags(const struct field_def *f)
{
	u32 flags = f->of ? f->of->flags & (API_DEFAULTS | API_CHECKS) : 0;
	if (f->value || f->make)
		flags |= API_DEFAULTS;
	if (f->flags & (API_REQUIRED | API_IMMUTABLE | API_HAS_MIN | API_HAS_MAX) || f->format ||
	    f->check || f->enums.len)
		flags |= API_CHECKS;
	return flags;
}

/* What a struct holds below itself; goes round until nothing new is learnt (structs recurse). */
static void spread_flags(struct api *api)
{
	bool changed = true;
	while (changed) {
		changed = false;
		for (int i = 0; i < api->structs_len; i++) {
			struct struct_def *s = api->structs[i];
			u32 flags = s->flags;
			if (s->finish)
				flags |= API_DEFAULTS;
			if (s->check)
				flags |= API_CHECKS;
			for (int j = 0; j < s->len; j++)
				flags |= field_flags(s->fields[j]);
			changed |= flags != s->flags;
			s->flags = flags;
		}
	}
}

static struct kind_def *kind_find(const struct api *api, const char *gv_kind)
{
	const char *slash = strchr(gv_kind, '/');
	const char *dot = slash ? strchr(slash, '.') : NULL;
	for (int i = 0; dot && i < api->kinds_len; i++) {
		struct kind_def *k = api->kinds[i];
		size_t len = strlen(k->group->word);
		if (!k->view_of && strcmp(k->name, dot + 1) == 0 &&
		    len == (size_t)(dot - gv_kind) && strncmp(k->group->word, gv_kind, len) == 0)
			return k;
	}
	return NULL;
}

static void resolve_kind(struct api *api, struct kind_def *k)
{
	k->root = struct_find(api, k->group->word, k->name);
	if (!k->root)
		die(k->place, "kind %s has no struct %s", k->name, k->name);
	k->root->is_root = true;
	k->root->flags |= API_TYPE_META;
	if (!k->plural[0])
		k->verbs = 0;
	if (!k->singular) {
		char *singular = copy_text(k->name);
		for (char *c = singular; *c; c++)
			*c = *c >= 'A' && *c <= 'Z' ? (char)(*c + 32) : *c;
		k->singular = singular;
	}
	if (k->view_of) {
		k->stored = kind_find(api, k->view_of);
		if (!k->stored)
			die(k->place, "view %s: no kind \"%s\"", k->name, k->view_of);
		return;
	}
	k->stored = k;
	for (int i = 0; i < api->kinds_len; i++)
		if (api->kinds[i] != k && !api->kinds[i]->view_of &&
		    strcmp(api->kinds[i]->name, k->name) == 0)
			die(k->place, "two kinds are called %s; make one a view of the other",
			    k->name);
}

/* `also GROUP/VERSION` is short for a view of the same shape; GROUP/VERSION:SINCE:GONE says since
 * which release it is deprecated and which one has it no more. */
static void add_also(struct api *api, struct kind_def *k, const struct words *also)
{
	for (int i = 0; i < also->len; i++) {
		struct kind_def *view = must_alloc(sizeof *view);
		char *word = copy_text(also->at[i]), *since = strchr(word, ':');
		char *gone = since ? strchr(since + 1, ':') : NULL;

		*view = *k;
		if (since && !gone)
			die(k->place, "kind %s: \"%s\" lacks the release without it", k->name,
			    word);
		if (since) {
			*since = *gone = 0;
			view->deprecated = since + 1;
			view->removed = gone + 1;
		}
		view->group = group_add(api, k->place, word);
		view->group->old = true;
		if (!view->group->package[0])
			view->group->package = k->group->package;
		view->view_of = k->name;
		view->old = true;
		if (api->kinds_len == (int)ARRAY_LEN(api->kinds))
			die(k->place, "too many kinds");
		api->kinds[api->kinds_len++] = view;
	}
}

void resolve(struct api *api)
{
	int kinds = api->kinds_len, id = 0;
	for (int i = 0; i < api->structs_len; i++)
		for (int j = 0; j < api->structs[i]->len; j++)
			resolve_field(api, api->structs[i], api->structs[i]->fields[j]);
	for (int i = 0; i < api->structs_len; i++) {
		struct struct_def *s = api->structs[i];
		for (int j = 0, own = s->len; j < own; j++)
			if (s->fields[j]->is_inline)
				hoist(s, s->fields[j]->of, 0);
	}
	for (int i = 0; i < kinds; i++) {
		resolve_kind(api, api->kinds[i]);
		if (!api->kinds[i]->view_of)
			api->kinds[i]->id = ++id;
	}
	for (int i = 0; i < kinds; i++) {
		struct kind_def *k = api->kinds[i];
		add_also(api, k, &k->also);
		if (k->plural[0])
			add_also(api, k, &k->group->also);
	}
	spread_flags(api);
}

int main(int argc, char **argv)
{
	if (argc < 4) {
		fprintf(stderr, "usage: apigen HEADER SOURCE FILE.api...\n");
		return 2;
	}
	static struct api api;
	for (int i = 3; i < argc; i++)
		parse_file(&api, argv[i]);
	resolve(&api);
	for (int i = 1; i <= 2; i++) {
		FILE *out = fopen(argv[i], "w");
		if (!out)
			die((struct place){ argv[i], 0 }, "cannot be written");
		(i == 1 ? emit_header : emit_tables)(&api, out);
		if (fclose(out) != 0)
			die((struct place){ argv[i], 0 }, "cannot be written");
	}
	return 0;
}
