/* list: all objects of a kind that match, pinned and sent as they are stored; page by page if
 * asked. */
#ifndef SERVER_LIST_H
#define SERVER_LIST_H

#include "schema/selector.h"
#include "server/request.h"
#include "store/store.h"

/* What a list, a watch and a deletecollection are narrowed by. */
struct narrow {
	struct selector *labels;       /* NULL: all */
	struct field_selector *fields; /* NULL: all */
	struct str name;	       /* metadata.name must be this; empty: any */
};

/* From ?labelSelector, ?fieldSelector and, for a watch of one object, the name in the path. */
MUST_USE enum status narrow_parse(struct request *request, struct narrow *ret_narrow);
bool narrow_matches(const struct narrow *narrow, const struct doc *object);

/* ?resourceVersion as a number; 0 when absent. */
MUST_USE enum status query_revision(struct request *request, u64 *ret_revision);
/* 504 with the cause clients look for, when a revision is not reached yet. */
enum status fail_too_large_revision(struct request *request, u64 wanted, u64 current);

void list_reply(struct request *request);

#endif
