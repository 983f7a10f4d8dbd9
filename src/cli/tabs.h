/* Elastic tab stops, as Go's text/tabwriter lays describe's output out. */
#ifndef CLI_TABS_H
#define CLI_TABS_H

#include "base/buffer.h"

/* Appends `text` with its tabs turned into blanks: cells that end in a tab and stand above each
 * other in consecutive lines share a column, two blanks wider than the widest. */
void tabs_align(struct arena *arena, struct str text, struct buffer *out);

#endif
