/* Request bodies: JSON, YAML or protobuf by their Content-Type, and the options of a delete. */
#ifndef SERVER_BODY_H
#define SERVER_BODY_H

#include "server/request.h"

/* The body as a document. Duplicate keys go to request->call.duplicates. */
MUST_USE enum status body_parse(struct request *request, const struct doc **ret_doc);

/* A patch and which sort it is. */
MUST_USE enum status body_parse_patch(struct request *request, enum patch_type *ret_type,
				      const struct doc **ret_doc);

/* DeleteOptions from the body, which may be empty, and the query. dryRun goes to the call. */
MUST_USE enum status body_parse_delete(struct request *request, struct delete_options *ret_options);

#endif
