/* The two ends of a quantity's text, for those who need no arena or the exact fault. */
#ifndef SCHEMA_QUANTITY_TEXT_H
#define SCHEMA_QUANTITY_TEXT_H

#include "schema/quantity.h"

enum quantity_fault { QUANTITY_FINE, QUANTITY_NO_FORMAT, QUANTITY_NO_NUMBER, QUANTITY_NO_SUFFIX };

/* Reads text; anything but QUANTITY_FINE leaves *ret_quantity alone. */
MUST_USE enum quantity_fault quantity_read(struct str text, struct quantity *ret_quantity);

/* Writes the canonical form, at most 64 bytes, not terminated; returns its length. */
u32 quantity_put(char *out, struct quantity quantity);

#endif
