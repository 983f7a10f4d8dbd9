/*
 * One status and one sentence. A function that can fail returns `enum status`, fills `struct error`
 * once, and its caller either handles it or hands it on, never both. The table below is the only
 * place where a status, its HTTP code and Kubernetes' reason meet.
 */
#ifndef BASE_ERROR_H
#define BASE_ERROR_H

#include "base/str.h"
#include "base/types.h"

/* Reasons as in k8s.io/apimachinery/pkg/apis/meta/v1 StatusReason. */
#define STATUS_LIST(X)                                                                             \
	X(OK, 200, "")                                                                             \
	X(BAD_REQUEST, 400, "BadRequest")                                                          \
	X(UNAUTHORIZED, 401, "Unauthorized")                                                       \
	X(FORBIDDEN, 403, "Forbidden")                                                             \
	X(NOT_FOUND, 404, "NotFound")                                                              \
	X(METHOD_NOT_ALLOWED, 405, "MethodNotAllowed")                                             \
	X(NOT_ACCEPTABLE, 406, "NotAcceptable")                                                    \
	X(EXISTS, 409, "AlreadyExists")                                                            \
	X(CONFLICT, 409, "Conflict")                                                               \
	X(EXPIRED, 410, "Expired")                                                                 \
	X(TOO_LARGE, 413, "RequestEntityTooLarge")                                                 \
	X(UNSUPPORTED_MEDIA, 415, "UnsupportedMediaType")                                          \
	X(INVALID, 422, "Invalid")                                                                 \
	X(TOO_MANY, 429, "TooManyRequests")                                                        \
	X(INTERNAL, 500, "InternalError")                                                          \
	X(UNAVAILABLE, 503, "ServiceUnavailable")                                                  \
	X(TIMEOUT, 504, "Timeout")                                                                 \
	X(NO_SPACE, 507, "InsufficientStorage")                                                    \
	X(PENDING, 503, "ServiceUnavailable") /* not yet: webhooks are being asked; never sent */

enum status {
#define X(name, code, reason) ST_##name,
	STATUS_LIST(X)
#undef X
		STATUS_COUNT
};

int status_code(enum status status);
const char *status_reason(enum status status);

/* One entry of a Kubernetes Status' details.causes. */
struct cause {
	struct str reason;  /* FieldValueInvalid, FieldValueRequired, FieldManagerConflict, … */
	struct str message; /* "Invalid value: -1: must be greater than or equal to 0" */
	struct str field;   /* "spec.replicas" */
};

enum { ERROR_MESSAGE_MAX = 1024, CAUSES_MAX = 256 };

struct error {
	enum status status;
	u32 retry_after_s; /* 0: none */
	u32 causes_len;
	struct cause *causes;		   /* owned by the arena of the request, or NULL */
	struct str kind, group, name, uid; /* for Status details; empty when unknown */
	char message[ERROR_MESSAGE_MAX];
};

#define ERROR_INIT ((struct error){ 0 })

/* Fills `error` unless it already holds a failure (the first cause wins); returns `status`, so that
 * `return fail(error, ST_NOT_FOUND, "pods \"%s\" not found", name);` is the whole failure path.
 * Long sentences are cut at ERROR_MESSAGE_MAX. `error` may be NULL. */
PRINTF(3, 4) enum status fail(struct error *error, enum status status, const char *format, ...);

/* Puts words before a sentence that is already there: fail_within(error, "reading %s", path). */
PRINTF(2, 3) enum status fail_within(struct error *error, const char *format, ...);

void error_clear(struct error *error);

#endif
