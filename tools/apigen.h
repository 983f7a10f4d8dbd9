/* What api/README.md's language says, in memory: read by apigen_parse.c, written by apigen_emit.c.
 */
#ifndef TOOLS_APIGEN_H
#define TOOLS_APIGEN_H

#include <stdbool.h>
#include <stdio.h>

#include "base/types.h"
#include "schema/api.h"

enum { WORDS_MAX = 64, LIST_MAX = 40, FIELDS_MAX = 250, NAME_MAX_ = 200 };

struct place { /* where a fact was said, for messages */
	const char *file;
	int line;
};

struct words { /* a short list of words */
	const char *at[LIST_MAX];
	int len;
};

struct group_def {
	struct place place;
	char *word; /* as written: "core/v1" */
	char group[NAME_MAX_], version[NAME_MAX_], api_version[NAME_MAX_];
	const char *package;
	struct words also;
	bool old;
	int index;
};

struct field_def {
	struct place place;
	int number;
	const char *name, *type, *text, *value, *make, *check, *patch_key;
	struct words enums, list_keys;
	u32 flags;
	int base, shape, list, format; /* base: enum api_type */
	long long min, max;
	bool is_inline;
	struct struct_def *of;
};

struct struct_def {
	struct place place;
	const char *name, *text, *finish, *check;
	struct group_def *group;
	struct field_def *fields[FIELDS_MAX];
	int len;
	u32 flags;
	int id;
	bool is_root;
	int visit; /* 0 not yet, 1 under way, 2 done: order of the phantom structs */
	char c_name[NAME_MAX_];
};

struct column_def {
	const char *name, *type, *source, *text;
	bool wide;
};

struct kind_def {
	struct place place;
	const char *name, *plural, *singular, *text, *print, *check, *finish, *convert, *view_of;
	const char *scale[3];
	struct group_def *group;
	struct words shorts, categories, serves, also, selects;
	struct column_def columns[LIST_MAX];
	int columns_len, name_format;
	u32 verbs;
	bool namespaced, lazy, old;
	const char *deprecated, *removed; /* releases: "1.8", "1.16", or NULL */
	struct struct_def *root;
	struct kind_def *stored;
	int id; /* enum kind of stored kinds */
};

struct api {
	struct group_def *groups[400];
	struct struct_def *structs[4000];
	struct kind_def *kinds[1000]; /* stored kinds and views, in the order of the files */
	int groups_len, structs_len, kinds_len;
};

NORETURN PRINTF(2, 3) void die(struct place place, const char *format, ...);
void *must_alloc(size_t bytes); /* zeroed, never NULL, never freed: the program is short-lived */
char *copy_text(const char *text);

void parse_file(struct api *api, const char *path);
struct group_def *group_add(struct api *api, struct place place, const char *word);
struct struct_def *struct_find(const struct api *api, const char *group_word, const char *name);
void resolve(struct api *api);
void emit_header(const struct api *api, FILE *out);
void emit_tables(const struct api *api, FILE *out);

#endif
