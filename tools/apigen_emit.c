/* Writes the tables of src/schema/api.h as C, and the phantom structs that AT() checks against. */
#include <ctype.h>
#include <stdlib.h>
#include <string.h>

#include "apigen.h"

static void emit_quoted(FILE *out, const char *text)
{
	fputc('"', out);
	for (const char *c = text; *c; c++) {
		if (c[0] == '\\' && c[1]) /* an escape of the language is one of C too */
			fprintf(out, "\\%c", *++c);
		else if (c[0] == '?' && c[1] == '?')
			fputs("\\?", out);
		else
			fputc(*c, out);
	}
	fputc('"', out);
}

static void emit_str(FILE *out, const char *member, const char *text)
{
	if (!text || !*text)
		return;
	fprintf(out, " .%s = STR_INIT(", member);
	emit_quoted(out, text);
	fputs("),", out);
}

static const char *c_name(const struct struct_def *s)
{
	static char names[4][2 * NAME_MAX_];
	static int turn;
	char *name = names[turn++ % 4];
	snprintf(name, 2 * NAME_MAX_, "%s_%s", s->group->word, s->name);
	for (char *c = name; *c; c++)
		if (!isalnum((unsigned char)*c))
			*c = '_';
	return name;
}

/* ---- the header */

static bool is_c_name(const char *name)
{
	static const char *const taken[] = { "default",	 "continue", "enum",   "static",
					     "register", "switch",   "union",  "struct",
					     "case",	 "int",	     "signed", "volatile",
					     "if",	 "for",	     "linux",  "unix" };
	for (u32 i = 0; i < ARRAY_LEN(taken); i++)
		if (strcmp(taken[i], name) == 0)
			return false;
	for (const char *c = name; *c; c++)
		if (!isalnum((unsigned char)*c) && *c != '_')
			return false;
	return !isdigit((unsigned char)name[0]);
}

static void emit_phantom(struct struct_def *s, FILE *out)
{
	s->visit = 1;
	for (int i = 0; i < s->len; i++) {
		const struct field_def *f = s->fields[i];
		if (f->of && f->shape == API_ONE && f->of->visit == 0 && !f->is_inline)
			emit_phantom(f->of, out);
	}
	fprintf(out, "struct at_%s {\n\tchar phantom_;\n", c_name(s));
	for (int i = 0; i < s->len; i++) {
		const struct field_def *f = s->fields[i];
		if (!is_c_name(f->name) || f->is_inline)
			continue;
		/* A struct below itself, and anything in lists and maps, ends the path. */
		bool whole = f->of && f->shape == API_ONE && f->of->visit == 2;
		if (f->of)
			fprintf(out, "\tstruct at_%s %s%s;\n", c_name(f->of), whole ? "" : "*",
				f->name);
		else
			fprintf(out, "\tchar %s;\n", f->name);
	}
	fprintf(out, "};\n");
	s->visit = 2;
}

/* The short name of a struct belongs to the first file that has it; a stored kind's own goes first.
 */
static bool owns_short_name(const struct api *api, const struct struct_def *s)
{
	for (int i = 0; i < api->kinds_len; i++)
		if (!api->kinds[i]->view_of && strcmp(api->kinds[i]->name, s->name) == 0)
			return api->kinds[i]->root == s;
	for (int i = 0; i < api->structs_len; i++)
		if (strcmp(api->structs[i]->name, s->name) == 0)
			return api->structs[i] == s;
	return false;
}

void emit_header(const struct api *api, FILE *out)
{
	fprintf(out, "/* Written by apigen. */\n#ifndef API_TABLES_H\n#define API_TABLES_H\n\n");
	fprintf(out, "enum kind {\n\tKIND_NONE,\n");
	for (int i = 0; i < api->kinds_len; i++)
		if (!api->kinds[i]->view_of)
			fprintf(out, "\tKIND_%s,\n", api->kinds[i]->name);
	fprintf(out, "\tKIND_COUNT\n};\n\n");
	fprintf(out,
		"/* AT(Pod, spec.nodeName) is \"spec.nodeName\", and compiles only when there is "
		"such\n"
		" * a field. A struct that shares its name: AT(events_k8s_io_v1_Event, note). */\n"
		"#define AT(type, path) (sizeof(((at_##type *)0)->path) ? #path : #path)\n\n");
	for (int i = 0; i < api->structs_len; i++)
		if (api->structs[i]->visit == 0)
			emit_phantom(api->structs[i], out);
	for (int i = 0; i < api->structs_len; i++) {
		struct struct_def *s = api->structs[i];
		fprintf(out, "typedef struct at_%s at_%s;\n", c_name(s), c_name(s));
		if (owns_short_name(api, s))
			fprintf(out, "typedef struct at_%s at_%s;\n", c_name(s), s->name);
	}
	fprintf(out, "\n#endif\n");
}

/* ---- the tables */

static void emit_words(FILE *out, const char *name, int a, int b, const struct words *words)
{
	if (words->len == 0)
		return;
	fprintf(out, "static const struct str %s_%d_%d[] = {", name, a, b);
	for (int i = 0; i < words->len; i++) {
		fputs(" STR_INIT(", out);
		emit_quoted(out, words->at[i]);
		fputs("),", out);
	}
	fputs(" };\n", out);
}

static void emit_words_use(FILE *out, const char *member, const char *name, int a, int b,
			   const struct words *words)
{
	if (words->len)
		fprintf(out, " .%s = %s_%d_%d, .%s_len = %d,", member, name, a, b, member,
			words->len);
}

/* A default as a document in read-only memory. */
static void emit_value(FILE *out, const struct struct_def *s, int i)
{
	const struct field_def *f = s->fields[i];
	const char *v = f->value;
	if (!v)
		return;
	bool number = *v && strspn(v, "-0123456789.") == strlen(v);
	fprintf(out, "static const struct doc value_%d_%d = ", s->id, i);
	if (strcmp(v, "{}") == 0 || strcmp(v, "[]") == 0)
		fprintf(out, "{ .type = DOC_%s };\n", *v == '{' ? "OBJECT" : "ARRAY");
	else if (strcmp(v, "true") == 0 || strcmp(v, "false") == 0)
		fprintf(out, "{ .type = DOC_%s };\n", *v == 't' ? "TRUE" : "FALSE");
	else if (number && f->base != API_STRING && f->base != API_QUANTITY)
		fprintf(out, "{ .type = DOC_NUMBER, .len = %zu, .text = \"%s\" };\n", strlen(v), v);
	else if (f->base == API_STRING || f->base == API_QUANTITY || f->base == API_INT_OR_STRING ||
		 f->base == API_DURATION)
		fprintf(out, "{ .type = DOC_STRING, .len = %zu, .text = \"%s\" };\n", strlen(v), v);
	else
		die(f->place, "field %s: \"%s\" is no default for its type", f->name, v);
}

static void emit_rule(FILE *out, const char *member, const char *function)
{
	if (function)
		fprintf(out, " .%s = %s,", member, function);
}

static void emit_field(FILE *out, const struct struct_def *s, int i)
{
	const struct field_def *f = s->fields[i];
	fprintf(out, "\t{");
	emit_str(out, "name", f->name);
	if (f->of)
		fprintf(out, " .of = &struct_%d,", f->of->id);
	fprintf(out,
		" .number = %d, .flags = %u, .type = %d, .shape = %d, .list = %d,"
		" .format = %d,",
		f->number, f->flags, f->base, f->shape, f->list, f->format);
	emit_words_use(out, "list_keys", "keys", s->id, i, &f->list_keys);
	emit_words_use(out, "enums", "enums", s->id, i, &f->enums);
	fprintf(out, " .min = %lldLL, .max = %lldLL,", f->min, f->max);
	if (f->value)
		fprintf(out, " .value = &value_%d_%d,", s->id, i);
	emit_str(out, "patch_key", f->patch_key);
	emit_rule(out, "make", f->make);
	emit_rule(out, "check", f->check);
	emit_str(out, "text", f->text);
	fprintf(out, " },\n");
}

static int emit_inlines(FILE *out, const struct struct_def *s)
{
	int len = 0;
	for (int i = 0; i < s->len; i++) {
		const struct field_def *f = s->fields[i];
		if (!f->is_inline || f->flags & API_HOISTED)
			continue;
		if (len++ == 0)
			fprintf(out, "static const struct api_inline inlines_%d[] = {\n", s->id);
		fprintf(out, "\t{ .number = %d, .pointer = %d, .of = &struct_%d },\n", f->number,
			(f->flags & API_POINTER) != 0, f->of->id);
	}
	fprintf(out, len ? "};\n" : "");
	return len;
}

/* Fields as JSON sees them, in order, and the hash slots that find them. */
static void emit_struct(FILE *out, const struct struct_def *s)
{
	u8 slots[1024] = { 0 };
	u32 count = 0, size = 4;
	for (int i = 0; i < s->len; i++) {
		emit_words(out, "keys", s->id, i, &s->fields[i]->list_keys);
		emit_words(out, "enums", s->id, i, &s->fields[i]->enums);
		emit_value(out, s, i);
	}
	fprintf(out, "static const struct api_field fields_%d[] = { /* %s */\n", s->id, s->name);
	for (int i = 0; i < s->len; i++) {
		if (s->fields[i]->is_inline)
			continue;
		emit_field(out, s, i);
		count++;
	}
	fprintf(out, "\t{ .number = 0 },\n};\n");
	int inlines = emit_inlines(out, s);
	while (size < 2 * count + 1)
		size *= 2;
	u8 index = 0;
	for (int i = 0; i < s->len; i++) {
		if (s->fields[i]->is_inline)
			continue;
		u32 slot = api_name_slot(s->fields[i]->name, strlen(s->fields[i]->name));
		while (slots[slot & (size - 1)])
			slot++;
		slots[slot & (size - 1)] = ++index;
	}
	fprintf(out, "static const u8 slots_%d[] = {", s->id);
	for (u32 i = 0; i < size; i++)
		fprintf(out, " %u,", slots[i]);
	fprintf(out, " };\nstatic const struct api_struct struct_%d = {", s->id);
	emit_str(out, "name", s->name);
	fprintf(out,
		" .group = &api_groups[%d], .fields = fields_%d, .slots = slots_%d,"
		" .len = %u, .mask = %u, .flags = %u, .id = %d,",
		s->group->index, s->id, s->id, count, size - 1, s->flags, s->id);
	if (inlines)
		fprintf(out, " .inlines = inlines_%d, .inlines_len = %d,", s->id, inlines);
	emit_rule(out, "finish", s->finish);
	emit_rule(out, "check", s->check);
	emit_str(out, "text", s->text);
	fprintf(out, " };\n\n");
}

static void emit_kind_parts(FILE *out, const struct kind_def *k, int i)
{
	emit_words(out, "shorts", i, 0, &k->shorts);
	emit_words(out, "categories", i, 0, &k->categories);
	emit_words(out, "serves", i, 0, &k->serves);
	emit_words(out, "selects", i, 0, &k->selects);
	if (k->columns_len == 0)
		return;
	fprintf(out, "static const struct api_column columns_%d[] = {\n", i);
	for (int c = 0; c < k->columns_len; c++) {
		fprintf(out, "\t{");
		emit_str(out, "name", k->columns[c].name);
		emit_str(out, "type", k->columns[c].type);
		emit_str(out, "source", k->columns[c].source);
		emit_str(out, "text", k->columns[c].text);
		fprintf(out, " .wide = %d },\n", k->columns[c].wide);
	}
	fprintf(out, "};\n");
}

static bool serves(const struct kind_def *k, const char *word)
{
	for (int i = 0; i < k->serves.len; i++)
		if (strcmp(k->serves.at[i], word) == 0)
			return true;
	return false;
}

/* Pointers to the views of kind number `i`, which stand in api_views in the order of the files. */
static int emit_views_of(const struct api *api, FILE *out, const struct kind_def *k, int i)
{
	int len = 0, view = 0;
	for (int j = 0; j < api->kinds_len; j++) {
		if (!api->kinds[j]->view_of)
			continue;
		if (api->kinds[j]->stored == k) {
			if (len++ == 0)
				fprintf(out, "static const struct api_kind *const views_%d[] = {",
					i);
			fprintf(out, " &api_views[%d],", view);
		}
		view++;
	}
	fprintf(out, len ? " };\n" : "");
	return len;
}

/* "apps/v1beta1 Deployment is deprecated in v1.8+, unavailable in v1.16+; use apps/v1 Deployment"
 */
static void emit_warning(FILE *out, const struct kind_def *k)
{
	if (!k->old && !k->deprecated)
		return;
	fprintf(out, " .warning = STR_INIT(\"%s %s is deprecated", k->group->api_version, k->name);
	if (k->deprecated)
		fprintf(out, " in v%s+", k->deprecated);
	if (k->removed)
		fprintf(out, ", unavailable in v%s+", k->removed);
	if (k->stored != k)
		fprintf(out, "; use %s %s", k->stored->group->api_version, k->stored->name);
	fprintf(out, "\"),");
}

static void emit_kind(FILE *out, const struct kind_def *k, int i, int views)
{
	fprintf(out, "\t{ .id = %d, .at = &api_groups[%d],", k->stored->id, k->group->index);
	emit_str(out, "group", k->group->group);
	emit_str(out, "version", k->group->version);
	emit_str(out, "api_version", k->group->api_version);
	emit_str(out, "kind", k->name);
	fprintf(out, " .list_kind = STR_INIT(\"%sList\"),", k->name);
	emit_str(out, "plural", k->plural);
	emit_str(out, "singular", k->singular);
	emit_words_use(out, "shorts", "shorts", i, 0, &k->shorts);
	emit_words_use(out, "categories", "categories", i, 0, &k->categories);
	emit_words_use(out, "subresources", "serves", i, 0, &k->serves);
	emit_words_use(out, "selects", "selects", i, 0, &k->selects);
	fprintf(out,
		"\n\t  .name_format = %d, .verbs = %u, .namespaced = %d, .has_status = %d,"
		" .has_scale = %d, .lazy = %d, .old = %d,",
		k->name_format, k->verbs, k->namespaced, serves(k, "status"), serves(k, "scale"),
		k->lazy, k->old);
	const char *const scale[] = { "scale_replicas", "scale_status_replicas", "scale_selector" };
	for (int j = 0; j < 3; j++)
		if (k->scale[j])
			fprintf(out, " .%s = \"%s\",", scale[j], k->scale[j]);
	if (k->columns_len)
		fprintf(out, " .columns = columns_%d, .columns_len = %d,", i, k->columns_len);
	fprintf(out, " .root = &struct_%d, .stored = &api_kinds[%d],", k->root->id, k->stored->id);
	if (views)
		fprintf(out, " .views = views_%d, .views_len = %d,", i, views);
	emit_rule(out, "print", k->print);
	emit_rule(out, "finish", k->finish);
	emit_rule(out, "check", k->check);
	emit_rule(out, "convert", k->convert);
	emit_str(out, "text", k->text);
	emit_warning(out, k);
	fprintf(out, " },\n");
}

static void emit_groups(const struct api *api, FILE *out)
{
	fprintf(out, "const struct api_group api_groups[] = {\n");
	for (int i = 0; i < api->groups_len; i++) {
		const struct group_def *g = api->groups[i];
		fprintf(out, "\t{");
		emit_str(out, "group", g->group);
		emit_str(out, "version", g->version);
		emit_str(out, "api_version", g->api_version);
		emit_str(out, "package", g->package);
		fprintf(out, " .old = %d },\n", g->old);
	}
	fprintf(out, "};\nconst u16 api_groups_len = %d;\n\n", api->groups_len);
}

static void emit_kinds(const struct api *api, FILE *out)
{
	static int views[ARRAY_LEN(api->kinds)];
	int counts[2] = { 1, 0 };
	for (int i = 0; i < api->kinds_len; i++) {
		emit_kind_parts(out, api->kinds[i], i);
		if (!api->kinds[i]->view_of)
			views[i] = emit_views_of(api, out, api->kinds[i], i);
	}
	for (int pass = 0; pass < 2; pass++) {
		fprintf(out, pass ? "const struct api_kind api_views[] = {\n"
				  : "const struct api_kind api_kinds[] = {\n\t{ .id = 0 },\n");
		for (int i = 0; i < api->kinds_len; i++) {
			if ((api->kinds[i]->view_of != NULL) != (pass == 1))
				continue;
			emit_kind(out, api->kinds[i], i, views[i]);
			counts[pass]++;
		}
		fprintf(out, pass ? "\t{ .id = 0 },\n};\n\n" : "};\n\n");
	}
	fprintf(out, "const u16 api_kinds_len = %d, api_views_len = %d;\n", counts[0], counts[1]);
}

void emit_tables(const struct api *api, FILE *out)
{
	fprintf(out, "/* Written by apigen. */\n#include \"api_tables.h\"\n"
		     "#include \"schema/api.h\"\n#include \"schema/rules.h\"\n\n");
	emit_groups(api, out);
	for (int i = 0; i < api->structs_len; i++)
		fprintf(out, "static const struct api_struct struct_%d;\n", i);
	for (int i = 0; i < api->structs_len; i++)
		emit_struct(out, api->structs[i]);
	fprintf(out, "const struct api_struct *const api_structs[] = {\n");
	for (int i = 0; i < api->structs_len; i++)
		fprintf(out, "\t&struct_%d,\n", i);
	fprintf(out, "};\nconst u16 api_structs_len = %d;\n\n", api->structs_len);
	emit_kinds(api, out);
}
