/*
 * Quantities as in k8s.io/apimachinery/pkg/api/resource: exact decimal numbers with a suffix
 * (n u m k M G T P E, Ki … Ei, or an exponent), printed in one canonical form.
 */
#ifndef SCHEMA_QUANTITY_H
#define SCHEMA_QUANTITY_H

#include "base/str.h"
#include "doc/doc.h"

enum quantity_format { QUANTITY_DECIMAL, QUANTITY_BINARY, QUANTITY_EXPONENT };

/* Counted in nanos, the finest that Kubernetes keeps; finer ones are rounded up, away from zero.
 * Larger than ±2^63 units is capped there, as upstream does. */
struct quantity {
	__int128 nanos;
	enum quantity_format format;
};

MUST_USE bool quantity_parse(struct str text, struct quantity *ret_quantity);
/* A document's quantity, from a string or a number; zero when absent or no quantity. */
struct quantity quantity_of(const struct doc *d);
struct str quantity_print(struct arena *arena, struct quantity quantity);

int quantity_compare(struct quantity a, struct quantity b);
struct quantity quantity_add(struct quantity a, struct quantity b); /* keeps a's format, if not 0 */
struct quantity quantity_subtract(struct quantity a, struct quantity b);
i64 quantity_value(struct quantity quantity); /* whole units, rounded up */
i64 quantity_milli(struct quantity quantity); /* thousandths, rounded up; capped at ±i64 */
struct quantity quantity_from_int(i64 units, enum quantity_format format);
struct quantity quantity_from_milli(i64 milli, enum quantity_format format);

#endif
