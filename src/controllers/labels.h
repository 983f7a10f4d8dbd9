/*
 * Selectors as they stand in objects, matched without being compiled first: a controller asks one
 * selector about a few objects and forgets it. Selectors from requests are schema/selector.h's.
 */
#ifndef CONTROLLERS_LABELS_H
#define CONTROLLERS_LABELS_H

#include "doc/doc.h"

/* One requirement {key, operator, values}: In, NotIn, Exists, DoesNotExist, and for nodes Gt, Lt.
 * An unknown operator matches nothing. */
bool requirement_matches(const struct doc *requirement, const struct doc *labels);

/* A LabelSelector {matchLabels, matchExpressions}. Empty matches everything, absent nothing. */
bool label_selector_matches(const struct doc *selector, const struct doc *labels);

/* A plain map, as in a Service's or ReplicationController's selector: every pair must be there. */
bool labels_contain(const struct doc *labels, const struct doc *wanted);

/* The LabelSelector that says what a plain map says. */
const struct doc *label_selector_of_map(struct arena *arena, const struct doc *map);

#endif
