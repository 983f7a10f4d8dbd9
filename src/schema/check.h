/*
 * For RULE_CHECK functions: where a validation stands, and how it says what is wrong. The words are
 * those of k8s.io/apimachinery/pkg/util/validation/field; the path is kept as a trail and printed
 * only when something is wrong.
 *
 * `child` names a field below where the check stands ("spec.ports"), or is NULL for that place.
 */
#ifndef SCHEMA_CHECK_H
#define SCHEMA_CHECK_H

#include "schema/format.h"
#include "schema/validate.h"

struct check_step {
	struct str key; /* a field, or a map's key when `index` is CHECK_KEY */
	i32 index;
};

enum { CHECK_FIELD = -1, CHECK_KEY = -2 }; /* any other index: an item of a list */

struct check {
	struct arena *arena;
	const struct schema *schema;
	const struct api_kind *kind;
	const struct doc *object, *old; /* the whole; old is NULL on create */
	const char *subresource;	/* NULL for the object itself */
	struct violations *violations;
	u32 depth;
	struct check_step trail[2 * DOC_DEPTH_MAX + 8];
};

void check_enter(struct check *c, const char *field); /* may hold dots */
void check_enter_item(struct check *c, u32 index);
void check_enter_key(struct check *c, struct str key);
void check_enter_name(struct check *c, struct str name); /* a field whose name may hold dots */
struct str check_path(struct check *c);			 /* where it stands: "spec.ports[0]" */
void check_leave(struct check *c); /* undoes the last enter */

void check_required(struct check *c, const char *child, const char *detail); /* "" for none */
PRINTF(3, 4) void check_forbidden(struct check *c, const char *child, const char *format, ...);
/* `value` prints as Go would: strings quoted, numbers and booleans bare, the rest as JSON. */
PRINTF(4, 5)
void check_invalid(struct check *c, const char *child, const struct doc *value, const char *format,
		   ...);
PRINTF(4, 5)
void check_invalid_str(struct check *c, const char *child, struct str value, const char *format,
		       ...);
/* `printed` is the value as it shall stand there. */
PRINTF(4, 5)
void check_invalid_raw(struct check *c, const char *child, struct str printed, const char *format,
		       ...);
/* `supported` ends with NULL. */
void check_unsupported(struct check *c, const char *child, struct str value,
		       const char *const *supported);
/* `supported` is printed as it stands. */
void check_unsupported_raw(struct check *c, const char *child, const struct doc *value,
			   struct str supported);
void check_duplicate(struct check *c, const char *child, const struct doc *value);
void check_not_found(struct check *c, const char *child, struct str value);
void check_too_long(struct check *c, const char *child, u32 max_bytes);
void check_too_many(struct check *c, const char *child, u32 count, u32 max);

/* A string (or number) against a format: one Invalid for each fault. */
void check_format(struct check *c, const char *child, enum api_format format,
		  const struct doc *value);
void check_format_str(struct check *c, const char *child, enum api_format format, struct str value);

/* Invalid "field is immutable" when the two differ. */
void check_immutable(struct check *c, const char *child, const struct doc *value,
		     const struct doc *old);

/* Label keys and values; annotation keys and their size. */
void check_labels(struct check *c, const char *child, const struct doc *labels);
void check_annotations(struct check *c, const char *child, const struct doc *annotations);

/* Go's %#v of a map[string]string and of a LabelSelector, %q of a string. */
struct str check_go_map(struct arena *arena, const struct doc *map);
struct str check_go_selector(struct arena *arena, const struct doc *label_selector);
struct str check_go_quoted(struct arena *arena, struct str text);

/* metadata of the whole object; in validate_meta.c. */
void check_metadata(struct check *c);

/* ---- for checks of several kinds */
void check_struct(struct check *c, const struct api_struct *s, const struct doc *value,
		  const struct doc *old);

#endif
