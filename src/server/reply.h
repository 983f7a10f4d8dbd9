/* Answers in Kubernetes' words: objects, and the Status that stands for every failure. */
#ifndef SERVER_REPLY_H
#define SERVER_REPLY_H

#include "doc/doc.h"
#include "net/exchange.h"

/* A v1 Status with status Failure for `error`. */
const struct doc *status_of_error(struct arena *arena, const struct error *error);

/* Sends `error` as a Status, with Retry-After where it says so. */
void reply_error(struct http_exchange *x, const struct error *error);
/* The same from a sentence. */
PRINTF(3, 4)
void reply_failure(struct http_exchange *x, enum status status, const char *format, ...);

/* Sends a document as JSON, indented when the request has ?pretty. */
void reply_doc(struct http_exchange *x, int code, const struct doc *doc);
void reply_text(struct http_exchange *x, int code, const char *content_type, struct str text);

#endif
