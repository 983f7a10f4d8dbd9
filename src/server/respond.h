/* What came of a verb, in the form the client asked for. */
#ifndef SERVER_RESPOND_H
#define SERVER_RESPOND_H

#include "base/buffer.h"
#include "server/reply.h"
#include "server/request.h"

/* A buffer whose bytes live as long as the arena. */
struct buffer *arena_buffer(struct arena *arena);

/* The call's warnings, and the one an old version of the API brings along, as headers. */
void reply_warnings(struct request *request, struct reply *reply);

/* Sends the object of an outcome: as it is, as a one-row Table or as bare metadata; once durable.
 */
void respond_outcome(struct request *request, int code, const struct outcome *outcome);
/* The same for a document that stands alone. */
void respond_doc(struct request *request, int code, const struct doc *doc, u64 revision);

#endif
