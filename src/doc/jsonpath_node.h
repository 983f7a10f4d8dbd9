/* The parsed form of a JSONPath template. Private to doc's jsonpath_*.c. */
#ifndef DOC_JSONPATH_NODE_H
#define DOC_JSONPATH_NODE_H

#include "doc/jsonpath.h"

enum node_type {
	NODE_TEXT,	 /* text outside of braces, or a quoted string inside: value */
	NODE_LIST,	 /* what one pair of braces holds: steps applied one after the other */
	NODE_RANGE,	 /* {range …}: left is the list of steps, children the loop's body */
	NODE_FIELD,	 /* .name */
	NODE_SLICE,	 /* [first:end:step], [n], [*] */
	NODE_UNION,	 /* [a,b]: children are lists */
	NODE_FILTER,	 /* [?(left name right)]; without a right side: left exists */
	NODE_VALUE,	 /* a number or boolean: value */
	NODE_WILDCARD,	 /* .* */
	NODE_RECURSIVE,	 /* .. */
	NODE_IDENTIFIER, /* a word that means nothing; told when it is evaluated */
};

struct bound {
	bool known;
	i64 value;
};

struct node {
	enum node_type type;
	struct str name; /* of a field or identifier, or the operator of a filter */
	const struct doc *value;
	struct bound first, end, step;
	bool single; /* [n]: end follows from first */
	struct node *left, *right;
	VEC(struct node *) children;
};

struct jsonpath {
	struct node root; /* a list of texts, lists and ranges */
};

#endif
