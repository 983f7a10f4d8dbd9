/*
 * Which objects are meant: label selectors as text (-l, labelSelector=) and as objects
 * (spec.selector), and field selectors (fieldSelector=). Parsed once, matched often.
 */
#ifndef SCHEMA_SELECTOR_H
#define SCHEMA_SELECTOR_H

#include "schema/schema.h"

enum selector_operator {
	SELECTOR_IN,	 /* also =, == with one value */
	SELECTOR_NOT_IN, /* also != with one value; an absent key matches */
	SELECTOR_EXISTS,
	SELECTOR_NOT_EXISTS,
	SELECTOR_GREATER, /* node selectors: the label as an integer */
	SELECTOR_LESS,
};

struct selector_requirement {
	struct str key;
	enum selector_operator op;
	const struct str *values; /* sorted */
	u32 values_len;
	bool equality; /* printed as a=b, not a in (b) */
};

struct selector { /* all must hold; none = everything matches */
	const struct selector_requirement *at;
	u32 len;
	bool nothing; /* matches no object, not even one without labels */
};

/* `app=web,tier in (a, b),!old`. Empty text selects everything. Values are slices of `text`. */
MUST_USE enum status selector_parse(struct arena *arena, struct str text,
				    struct selector **ret_selector, struct error *error);

/* A LabelSelector object (matchLabels, matchExpressions). NULL selects nothing, {} everything. */
MUST_USE enum status selector_from_doc(struct arena *arena, const struct doc *label_selector,
				       struct selector **ret_selector, struct error *error);

/* A plain map, as in a Service or ReplicationController. NULL or empty selects nothing. */
struct selector *selector_from_map(struct arena *arena, const struct doc *labels);

/* One of a node selector's terms: matchExpressions with Gt and Lt too (of `expressions`). */
MUST_USE enum status selector_from_node_terms(struct arena *arena, const struct doc *expressions,
					      struct selector **ret_selector, struct error *error);

/* `labels` is metadata.labels, NULL when there are none. */
bool selector_matches(const struct selector *selector, const struct doc *labels);

/* The one value a key must have, or the empty slice: what an index can look up first. */
struct str selector_wanted(const struct selector *selector, struct str key);

/* As Kubernetes prints it: keys sorted, "app=web,tier in (a,b)"; "<none>" stays the caller's word.
 */
struct str selector_print(struct arena *arena, const struct selector *selector);

struct field_requirement {
	const char *path; /* for doc_at */
	struct str value;
	bool differs; /* != */
	bool boolean; /* absent means false */
};

struct field_selector {
	const struct field_requirement *at;
	u32 len;
};

/* `metadata.name=x,status.phase!=Running`: the fields every kind has and those its table names.
 * ST_BAD_REQUEST: `field label not supported: spec.foo`. */
MUST_USE enum status field_selector_parse(struct arena *arena, const struct api_kind *kind,
					  struct str text, struct field_selector **ret_selector,
					  struct error *error);
bool field_selector_matches(const struct field_selector *selector, const struct doc *object);

/* The value that a field must equal, or the empty slice: "metadata.name" makes a list a get. */
struct str field_selector_wanted(const struct field_selector *selector, const char *path);

#endif
