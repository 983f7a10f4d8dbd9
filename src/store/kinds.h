/* Kinds as the store sees them, and their names in the log. Private to the store. */
#ifndef STORE_KINDS_H
#define STORE_KINDS_H

#include "store/store.h"

struct api_kind;

/* A copy of the name that lives as long as the process; the same name, the same bytes. */
struct str kind_name_keep(struct str name);

/* What the store needs of a schema's kind; its name lives in the arena. */
struct store_kind kind_of(struct arena *arena, const struct api_kind *kind);

#endif
