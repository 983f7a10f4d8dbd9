/*
 * The API as constant tables, written by tools/apigen.c from the files of api/. Small interpreters
 * read them: decoding, defaults, validation, protobuf, OpenAPI, explain, columns, patches,
 * selectors and discovery hold no code per type. Everything here is constant and lives as long as
 * the process.
 */
#ifndef SCHEMA_API_H
#define SCHEMA_API_H

#include "base/str.h"
#include "doc/doc.h"

struct check;	 /* schema/check.h: one validation under way */
struct defaults; /* schema/default.h: one defaulting under way */
struct row;	 /* schema/columns.h: one table row under way */

enum api_type {
	API_STRING,
	API_BOOL,
	API_INT32,
	API_INT64,
	API_DOUBLE,
	API_BYTES,	   /* base64 in JSON */
	API_QUANTITY,	   /* "500m"; a JSON number is taken too */
	API_INT_OR_STRING, /* 80 or "http", 1 or "25%" */
	API_TIME,	   /* RFC 3339, seconds */
	API_MICRO_TIME,	   /* RFC 3339, microseconds */
	API_DURATION,	   /* Go's "1h30m" */
	API_RAW,	   /* any JSON object, kept as it is */
	API_ANY,	   /* any JSON value, kept as it is */
	API_FIELDS_V1,	   /* managed fields' set, kept as it is */
	API_STRUCT,	   /* api_field.of */
	API_TYPE_COUNT
};

/* MAP_OF_LISTS is map<string,[]T>, as in a user's extra values. */
enum api_shape { API_ONE, API_LIST, API_MAP, API_MAP_OF_LISTS };

/* How server-side apply merges a list; maps and structs are granular unless marked atomic. */
enum api_list_kind { API_LIST_UNSAID, API_LIST_ATOMIC, API_LIST_SET, API_LIST_MAP };

enum api_field_flag {
	API_POINTER = 1,   /* Go pointer: an explicit zero is kept when it comes as protobuf */
	API_OMITEMPTY = 2, /* Go drops a zero (of a pointer: only nil) */
	API_REQUIRED = 4,
	API_IMMUTABLE = 8,
	API_OUTPUT = 16, /* only the server writes it */
	API_HAS_MIN = 32,
	API_HAS_MAX = 64,
	API_ATOMIC = 128,	/* map or struct that server-side apply takes as a whole */
	API_PATCH_MERGE = 256,	/* strategic merge patch merges the list (by patch_key) */
	API_PATCH_RETAIN = 512, /* strategic merge patch heeds $retainKeys */
	API_HOISTED = 1024,	/* belongs to an inline struct: its number counts there, not here */
};

/* Format words of the language, each with its C name; schema/format.c knows their rules. */
#define API_FORMATS(X)                                                                             \
	X(DNS_LABEL, "dns-label")                                                                  \
	X(DNS_1035_LABEL, "dns-1035-label")                                                        \
	X(DNS_SUBDOMAIN, "dns-subdomain")                                                          \
	X(PATH_SEGMENT, "path-segment")                                                            \
	X(QUALIFIED_NAME, "qualified-name")                                                        \
	X(LABEL_KEY, "label-key")                                                                  \
	X(LABEL_VALUE, "label-value")                                                              \
	X(LABELS, "labels")                                                                        \
	X(PORT, "port")                                                                            \
	X(PORT_NAME, "port-name")                                                                  \
	X(PORT_OR_NAME, "port-or-name")                                                            \
	X(IP, "ip")                                                                                \
	X(CIDR, "cidr")                                                                            \
	X(PATH, "path")                                                                            \
	X(ABSOLUTE_PATH, "absolute-path")                                                          \
	X(RELATIVE_PATH, "relative-path")                                                          \
	X(ENV_NAME, "env-name")                                                                    \
	X(CONFIG_KEY, "config-key")                                                                \
	X(HTTP_HEADER, "http-header")                                                              \
	X(NON_NEGATIVE, "non-negative")                                                            \
	X(POSITIVE, "positive")                                                                    \
	X(PERCENT_OR_COUNT, "percent-or-count")

enum api_format {
	API_FORMAT_NONE,
#define X(name, word) API_FORMAT_##name,
	API_FORMATS(X)
#undef X
		API_FORMAT_COUNT
};

struct api_field {
	struct str name;	     /* JSON key */
	const struct api_struct *of; /* type API_STRUCT */
	u16 number;		     /* protobuf tag */
	u16 flags;		     /* enum api_field_flag */
	u8 type, shape, list, format;
	u8 list_keys_len, enums_len;
	const struct str *list_keys; /* list map */
	const struct str *enums;
	i64 min, max;		 /* of a number, or of the length of a string or list */
	const struct doc *value; /* constant default, or NULL */
	struct str patch_key;	 /* empty: a list of scalars is merged as a set */
	/* The value to take when the field is absent, given its whole struct; NULL for none. */
	const struct doc *(*make)(struct defaults *d, const struct doc *parent);
	/* Rules a table cannot say; runs when the field is present. `old` is NULL on create. */
	void (*check)(struct check *c, const struct doc *value, const struct doc *old);
	struct str text; /* one sentence for explain and OpenAPI */
};

struct api_inline { /* an embedded struct: in JSON its fields stand in the parent (API_HOISTED) */
	u16 number;
	bool pointer;
	const struct api_struct *of;
};

enum api_struct_flag {
	API_TYPE_META = 1, /* a kind's root: may carry apiVersion and kind */
	API_DEFAULTS = 2,  /* it, or something below it, has defaults */
	API_CHECKS = 4,	   /* it, or something below it, has something to validate */
	API_CANONICAL = 8, /* it, or something below it, may be rewritten when decoded */
};

struct api_struct {
	struct str name;
	const struct api_group *group;
	const struct api_field *fields; /* own and hoisted, in the order of the file */
	const struct api_inline *inlines;
	const u8 *slots; /* api_name_slot(name) & mask → index + 1 in fields, 0 = empty; probe
			    linearly */
	u16 len, inlines_len, mask;
	u16 flags; /* enum api_struct_flag */
	u16 id;	   /* index in api_structs */
	/* Runs after the fields' own defaults; returns the struct, changed or not. */
	const struct doc *(*finish)(struct defaults *d, const struct doc *value);
	void (*check)(struct check *c, const struct doc *value, const struct doc *old);
	struct str text;
};

struct api_group {		   /* one group-version */
	struct str group, version; /* group is empty for the legacy one */
	struct str api_version;	   /* "apps/v1", "v1" */
	struct str package;	   /* "k8s.io.api.apps.v1", for OpenAPI names */
	bool old;		   /* served as a view only, with a warning */
};

struct api_column {
	struct str name, type; /* type: string, integer, number, boolean, date, age */
	struct str source;     /* template; age and date: a path in braces */
	struct str text;
	bool wide; /* only with -o wide */
};

enum api_verb {
	API_VERB_CREATE = 1,
	API_VERB_DELETE = 2,
	API_VERB_DELETE_COLLECTION = 4,
	API_VERB_GET = 8,
	API_VERB_LIST = 16,
	API_VERB_PATCH = 32,
	API_VERB_UPDATE = 64,
	API_VERB_WATCH = 128,
};

struct api_kind {
	u16 id; /* enum kind of what is stored; views have the id of what they show */
	const struct api_group *at;
	struct str group, version, api_version;	      /* as in *at */
	struct str kind, list_kind, plural, singular; /* plural is empty: no resource of its own */
	const struct str *shorts, *categories, *subresources;
	u8 shorts_len, categories_len, subresources_len;
	u8 name_format; /* enum api_format of metadata.name */
	u8 verbs;	/* enum api_verb */
	bool namespaced, has_status, has_scale;
	bool lazy;	    /* written to disk seldom */
	bool old;	    /* an earlier group-version */
	struct str warning; /* goes with every answer; empty: none */
	const char *scale_replicas, *scale_status_replicas, *scale_selector; /* paths, or NULL */
	const struct api_column *columns; /* after the name column, which every kind has */
	u8 columns_len;
	const struct str
		*selects; /* field selectors besides metadata.name and metadata.namespace */
	u8 selects_len;
	const struct api_struct *root;
	const struct api_kind *stored;	     /* itself, or for a view the kind it shows */
	const struct api_kind *const *views; /* other group-versions of this stored kind */
	u8 views_len;
	/* Cells of the columns without a template. */
	void (*print)(struct row *row, const struct doc *object);
	const struct doc *(*finish)(struct defaults *d, const struct doc *object);
	void (*check)(struct check *c, const struct doc *object, const struct doc *old);
	/* Between a view's shape and the stored one; NULL when only apiVersion differs. */
	const struct doc *(*convert)(struct arena *arena, const struct doc *object, bool to_stored);
	struct str text;
	/* Of a custom resource: the openAPIV3Schema of this version; NULL for what is built in. */
	const struct doc *shape;
};

extern const struct api_kind api_kinds[]; /* [enum kind]; 0 is unused */
extern const struct api_kind api_views[]; /* other group-versions of stored kinds */
extern const u16 api_kinds_len, api_views_len;
extern const struct api_struct *const api_structs[];
extern const u16 api_structs_len;
extern const struct api_group api_groups[];
extern const u16 api_groups_len;

/* Spreads JSON keys over a struct's slots; apigen and the readers must agree. */
static inline u32 api_name_slot(const char *at, size_t len)
{
	u32 first = len ? (u8)at[0] : 0, last = len ? (u8)at[len - 1] : 0;
	u32 middle = len ? (u8)at[len / 2] : 0;
	return (u32)len * 5 + first * 7 + last * 31 + middle * 3;
}

/* The field of that JSON key, or NULL. */
static inline const struct api_field *api_field_find(const struct api_struct *s, struct str name)
{
	for (u32 slot = api_name_slot(name.at, name.len);; slot++) {
		u8 index = s->slots[slot & s->mask];
		if (index == 0)
			return NULL;
		if (str_eq(s->fields[index - 1].name, name))
			return &s->fields[index - 1];
	}
}

#endif
